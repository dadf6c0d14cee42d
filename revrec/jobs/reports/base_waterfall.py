"""Add the amounts in base currency to the rows of the waterfall: each charge line at the rate of its day of billing."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any, NamedTuple

from revrec.core.errors import BadInput
from revrec.core.money import decimal_string
from revrec.core.report import fields_of, minor_of, values_of
from revrec.jobs.reports.base_amounts import BaseCurrencies
from revrec.jobs.reports.drill import CHARGE, also_by_charge
from revrec.jobs.reports.line_balances import BalanceOptions, balance_query
from revrec.jobs.reports.remaining import remaining_amounts
from revrec.store.reports.exchange import BillingDays, days_of_billing
from revrec.store.reports.parts import charge_numbers
from revrec.store.reports.recognition import Conditions
from revrec.store.tables import charge_line

if TYPE_CHECKING:
    from revrec.jobs.context import Context
    from revrec.jobs.reports.remaining import RemainingAmounts
    from revrec.store.connection import Connection
    from revrec.store.reports.recognition import DatedAmount

Row = dict[str, Any]
Sums = dict[tuple[str, ...], Counter[str]]


class BaseColumns(NamedTuple):
    """How to read the amounts of the rows: ``read`` returns them by a grouping and conditions on charge lines.

    ``figures`` returns the figures of a row in minor units. The ``parts`` of them add up to ``total``; the others are
    ``recognized`` and ``remaining``, which add up to it too.
    """

    by: str
    until: date
    parts: Sequence[str]
    read: Callable[[str, Conditions], Sequence["DatedAmount"]]
    figures: Callable[["RemainingAmounts"], Mapping[str, int]]
    only: Conditions
    entity: str | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """The figures in the order of the columns."""
        return ("total", *self.parts, "recognized", "remaining")


def add_base_amounts(context: "Context", connection: "Connection", wanted: BaseColumns, rows: Sequence[Row]) -> None:
    """Add the columns in base currency to rows.

    Raises:
        BadInput: a contract line in another currency has no rate yet, or there is no rate for a day.
        BadConfiguration: an amount is in another currency, and no rates are configured.
    """
    currencies = BaseCurrencies(context)
    bases = [currencies.of(row.get("entity", wanted.entity or "")) for row in rows]
    foreign = sorted({row["currency"] for row, base in zip(rows, bases, strict=True) if row["currency"] != base})
    sums = _foreign_sums(context, connection, wanted, currencies, foreign) if foreign else {}
    for row, base in zip(rows, bases, strict=True):
        amounts: Mapping[str, int]
        if row["currency"] == base:
            amounts = {name: minor_of(row, name) for name in wanted.names}
        else:
            amounts = sums[_key(wanted.by, row)]
        row["base_currency"] = base
        row |= {f"base_{name}": decimal_string(amounts[name], base) for name in wanted.names}


def _key(by: str, row: Mapping[str, str]) -> tuple[str, ...]:
    return (row["currency"], *(row[name] for name in fields_of(by)))


def _foreign_sums(
    context: "Context",
    connection: "Connection",
    wanted: BaseColumns,
    currencies: BaseCurrencies,
    foreign: Sequence[str],
) -> Sums:
    """Return the sums of the charge lines in foreign currencies by row, in minor units of the base currency."""
    by = also_by_charge(wanted.by)
    amounts = wanted.read(by, (*wanted.only, charge_line.c.currency.in_(foreign)))
    found = [
        (values_of(by, category) | {"currency": currency}, its_own)
        for (category, currency), its_own in remaining_amounts(
            one for one in amounts if one.billed or one.ordered
        ).items()
    ]
    numbers = charge_numbers(connection, [values[CHARGE] for values, _its_own in found])
    asked = balance_query(context, BalanceOptions(wanted.until), None)
    days = days_of_billing(connection, asked, list(numbers.values()))
    sums: Sums = {}
    for values, its_own in found:
        figures = wanted.figures(its_own)
        converted = _converted(values[CHARGE], days[numbers[values[CHARGE]]], wanted.parts, figures, currencies)
        sums.setdefault(_key(wanted.by, values), Counter()).update(converted)
    return sums


def _converted(
    charge: str, days: BillingDays, parts: Sequence[str], figures: Mapping[str, int], currencies: BaseCurrencies
) -> dict[str, int]:
    """Return the figures of a charge line in base currency; the parts are rounded so that they add up to the total."""
    base = currencies.of(days.entity)
    if days.currency == base:
        return dict(figures)
    if days.billed is None:
        said = f"{charge} is a contract line in {days.currency}, which is billed at the rates of days to come"
        raise BadInput(f"report waterfall: --base: {said}: narrow the report with filters")
    on = days.billed

    def worth(amount: int) -> int:
        return currencies.rates.in_base(amount, days.currency, base, on)

    found, so_far = {}, 0
    for name in parts:
        before, so_far = worth(so_far), so_far + figures[name]
        found[name] = worth(so_far) - before
    total, recognized = worth(figures["total"]), worth(figures["recognized"])
    return {**found, "total": total, "recognized": recognized, "remaining": total - recognized}
