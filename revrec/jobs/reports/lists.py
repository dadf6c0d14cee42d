"""The lists of postings, runs, charge lines, imported files and audit events, as commands show them.

Each is a stream: a list may be longer than memory. Amounts are decimal strings in the currency beside them.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from difflib import unified_diff
from typing import TYPE_CHECKING, Any, NamedTuple

from revrec.core.errors import BadInput
from revrec.core.filters import NO_FILTERS, Basis, Filters
from revrec.core.money import decimal_string
from revrec.core.posting import UNSETTLED
from revrec.jobs.importing.quarantine import ListedRow, listed
from revrec.jobs.reports.filters import check_filters
from revrec.store.reports import lists, rule_history

if TYPE_CHECKING:
    from revrec.jobs.context import Context

Listed = dict[str, Any]
EVERY_STATE = "all"


def postings(
    context: "Context", filters: Filters, state: str | None = None, basis: Basis = Basis.ledger
) -> Iterator[Listed]:
    """Yield entries and invoices in one state, in every state (``all``), or those that are not settled (None).

    Raises:
        BadInput: A filter names something that these books do not know.
    """
    states: Sequence[str] = UNSETTLED if state is None else () if state == EVERY_STATE else (state.upper(),)
    with context.database.read() as connection:
        check_filters(context, connection, filters)
        yield from map(_in_decimals, lists.posting_rows(connection, filters, states, basis))


def runs(context: "Context", filters: Filters) -> Iterator[Listed]:
    """Yield the runs, the newest first. Raises as :func:`postings`."""
    with context.database.read() as connection:
        check_filters(context, connection, filters)
        yield from (row._asdict() for row in lists.run_rows(connection, filters))


def charges(context: "Context", filters: Filters) -> Iterator[Listed]:
    """Yield the charge lines in the order in which they were imported. Raises as :func:`postings`."""
    with context.database.read() as connection:
        check_filters(context, connection, filters)
        yield from map(_in_decimals, lists.charge_rows(connection, filters))


def recorded_events(context: "Context", filters: Filters) -> Iterator[Listed]:
    """Yield the recorded events, the newest first, also those that were withdrawn. Raises as :func:`postings`."""
    with context.database.read() as connection:
        check_filters(context, connection, filters)
        for row in lists.event_rows(connection, filters):
            yield {**_in_decimals(row), "state": "withdrawn" if row.withdrawn_at else "recorded"}


def imports(context: "Context", filters: Filters) -> Iterator[Listed]:
    """Yield the imported files, the newest first. Raises as :func:`postings`."""
    with context.database.read() as connection:
        check_filters(context, connection, filters)
        yield from (row._asdict() for row in lists.import_rows(connection, filters))


def quarantined_rows(context: "Context", settled: bool, filters: Filters) -> list[ListedRow]:
    """Return the quarantined rows; with ``settled`` also released and dismissed ones.

    Raises:
        BadInput: A filter names something that neither a quarantined row nor a charge line has.
    """
    found = listed(context, settled, filters)
    if not found:
        with context.database.read() as connection:
            check_filters(context, connection, filters)
    return found


def audit_events(context: "Context", filters: Filters, subject: str | None, actor: str | None) -> Iterator[Listed]:
    """Yield the audit events, the newest first, with their details as data. Raises as :func:`postings`."""
    with context.database.read() as connection:
        check_filters(context, connection, filters)
        for row in lists.audit_rows(connection, filters, subject, actor):
            yield {**row._asdict(), "detail": json.loads(row.detail)}


class RuleVersionHistory(NamedTuple):
    """A version of a rule: who used it first and when, why, how many charge lines follow it, and what it moved.

    ``moved`` is a decimal string by currency: what the schedules that it replaced had planned in other months.
    ``diff`` are the lines that differ from the version before, a unified diff without file names; the first version
    has none.
    """

    rule: str
    version: int
    at: str
    actor: str
    file: str
    method: str
    charges: int
    moved: dict[str, str]
    reasons: tuple[str, ...]
    text: str
    diff: str


def rule_versions(context: "Context", rule: str | None, filters: Filters) -> Iterator[RuleVersionHistory]:
    """Yield every version of one rule, or of all, that charge lines selected by the filters follow or did.

    Raises:
        BadInput: No schedule was ever made by a rule of this name, or a filter names something unknown.
    """
    by_line = replace(filters, account=None, rule=None, first=None, last=None)
    with context.database.read() as connection:
        check_filters(context, connection, filters)
        before: rule_history.RuleVersionRow | None = None
        for row in rule_history.rule_version_rows(connection, rule, filters.account):
            used = rule_history.rule_version_use(connection, row.id, by_line)
            diff = _diff(before.text, row.text) if before and before.name == row.name else ""
            before = row
            if _is_within(row.at, filters) and (used.charges or by_line == NO_FILTERS):
                moved = {one: decimal_string(amount, one) for one, amount in used.moved.items()}
                head = (row.name, row.version, row.at, row.actor, row.file, row.method)
                yield RuleVersionHistory(*head, used.charges, moved, used.reasons, row.text, diff)
        if before is None and rule is not None:
            raise BadInput(f"{rule}: no charge line ever followed a rule of this name; see: revrec rules list")


def _is_within(at: str, filters: Filters) -> bool:
    first, last = (one.isoformat() if one else at[:10] for one in (filters.first, filters.last))
    return first <= at[:10] <= last


def _diff(before: str, after: str) -> str:
    lines = unified_diff(before.strip().splitlines(), after.strip().splitlines(), lineterm="", n=1)
    return "\n".join([*lines][2:])


def _in_decimals(row: Any) -> Listed:
    values: Listed = row._asdict()
    amounts = {name: values[name] for name in ("amount", "total", "posted", "planned") if values.get(name) is not None}
    return {**values, **{name: decimal_string(amount, row.currency) for name, amount in amounts.items()}}
