"""Check the filters of a command: a value that these books do not know, such as an account, is refused.

Otherwise a typo would select nothing, and nothing looks like good news: "ties out; 0 entries compared".
"""

from collections.abc import Iterable
from difflib import get_close_matches
from typing import TYPE_CHECKING

from revrec.core.errors import BadInput
from revrec.core.filters import Filters
from revrec.jobs.posting.periods import check_known_entity
from revrec.store import charges
from revrec.store.posting import posted
from revrec.store.reports.dimensions import has_dimension, values_of_dimensions
from revrec.store.reports.filters import is_any, unknown_value

if TYPE_CHECKING:
    from revrec.jobs.context import Context
    from revrec.store.connection import Connection

MOST_NAMED = 10
EMPTY = "these books post to no account yet; import charge lines with: revrec import FILE"


def check_filters(context: "Context", connection: "Connection", filters: Filters) -> None:
    """Refuse filters that name something these books do not know.

    Raises:
        BadInput: these books do not know a value.
    """
    check_entity(context, connection, filters.entity)
    check_customer(connection, filters.customer)
    check_account(context, connection, filters.account, ())
    check_currency(connection, filters.currency)
    _check_dimensions(connection, filters)
    for name in ("charge", "document", "item", "rule"):
        if getattr(filters, name) is not None:
            _check_not_empty(connection, f"--{name} {getattr(filters, name)}")
    if problem := unknown_value(connection, filters):
        raise BadInput(problem)


def check_entity(context: "Context", connection: "Connection", entity: str | None) -> None:
    """Refuse an entity that is neither of a charge line nor in ``[entities]``; the company itself is ``""``.

    Raises:
        BadInput: these books do not know the entity.
    """
    if entity is not None:
        check_known_entity(context, connection, entity)


def check_customer(connection: "Connection", customer: str | None) -> None:
    """Refuse a customer that no charge line names.

    Raises:
        BadInput: these books do not know the customer.
    """
    if customer is not None and not charges.has_customer(connection, customer):
        _check_not_empty(connection, f"--customer {customer}")
        known = charges.customers(connection)
        raise BadInput(f"--customer {customer}: {_known(customer, known, 'charge lines name')}")


def check_currency(connection: "Connection", currency: str | None) -> None:
    """Refuse a currency that no charge line is in: a report without rows would look as if nothing were open.

    Raises:
        BadInput: these books do not know the currency.
    """
    if currency is not None and not is_any(connection, Filters(currency=currency)):
        _check_not_empty(connection, f"--currency {currency}")
        known = charges.currencies(connection)
        raise BadInput(f"--currency {currency}: {_known(currency, known, 'charge lines are in')}")


def _check_dimensions(connection: "Connection", filters: Filters) -> None:
    """Refuse a dimension, or a value of one, that no charge line has.

    Raises:
        BadInput: these books do not know it.
    """
    for (name, value), text in zip(filters.dimensions.items(), filters.dimension or (), strict=True):
        if has_dimension(connection, name) if not value else is_any(connection, Filters(dimension=(text,))):
            continue
        _check_not_empty(connection, f"--dimension {text}")
        known = values_of_dimensions(connection)
        if name in known:
            raise BadInput(f"--dimension {text}: {_known(value, known[name], 'charge lines have')}")
        found = _known(name, known, "charge lines have") if known else "no charge line has a dimension"
        raise BadInput(f"--dimension {text}: {found}")


def _check_not_empty(connection: "Connection", filter: str) -> None:
    """Refuse a filter on books without charge lines: that nothing was imported explains more than an unknown name.

    Raises:
        BadInput: these books have no charge lines.
    """
    if charges.next_charge_number(connection) == 1:
        raise BadInput(f"{filter}: these books have no charge lines yet; import them with: revrec import FILE")


def check_account(context: "Context", connection: "Connection", account: str | None, found: Iterable[str]) -> None:
    """Refuse an account that is not among the ``found`` ones and that no rule or setting posts to.

    Raises:
        BadInput: these books do not know the account.
    """
    if account is None or account in found:
        return
    configured = context.settings.accounts
    known = {*found, *posted.account_roles(connection), configured.deferred, configured.accrued} - {""}
    if account not in known and not posted.has_account(connection, account):
        raise BadInput(f"--account {account}: {_known(account, known, 'these books post to')}")


def _known(name: str, known: Iterable[str], what: str) -> str:
    """Return the known names as a phrase: the most similar first, and how many more there are."""
    names = sorted(known)
    close = get_close_matches(name, names, MOST_NAMED)
    shown = [*close, *(one for one in names if one not in close)][:MOST_NAMED]
    more = f" and {len(names) - len(shown):,} more" if len(names) > len(shown) else ""
    return f"unknown; {what} {', '.join(shown)}{more}" if names else EMPTY
