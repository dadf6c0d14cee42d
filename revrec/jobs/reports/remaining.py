"""The price of charge lines on a day: what is recognized, what is planned by day, and what waits.

The waterfall and the remaining performance obligations both show these amounts, so both read them here.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING, NamedTuple

from revrec.core.batching import batched
from revrec.core.contract_balance import LineBalance
from revrec.core.errors import BadInput
from revrec.core.filters import NO_FILTERS, Filters
from revrec.core.pricing import price_of
from revrec.core.report import Check, ColumnSum, fields_of
from revrec.core.rules.costs import sold_by
from revrec.jobs.paging import PAGE
from revrec.jobs.reports.late_changes import closed_periods
from revrec.jobs.reports.line_balances import BalanceOptions, balance_query, charges_to_read, lines_as_known
from revrec.jobs.reports.revenue_lines import revenue_lines
from revrec.store import charges, contracts, events
from revrec.store.reports import plain_lines
from revrec.store.reports.dimensions import BY_DIMENSION, has_dimension
from revrec.store.reports.plain_lines import Day
from revrec.store.reports.recognition import (
    CATEGORIES,
    HISTORICAL,
    OPEN,
    WAITING,
    Conditions,
    DatedAmount,
    balances_of_contract_lines,
    billed_among,
    open_by_day,
    recognized_before,
    recognized_by_day,
)

if TYPE_CHECKING:
    from revrec.jobs.context import Context
    from revrec.store.connection import Connection

GROUPS = (*CATEGORIES, "rule")


class RemainingAmounts(NamedTuple):
    """The amounts of one category and currency on a day, in minor units.

    ``recognized`` and ``planned`` are by ISO day; planned amounts that are due and not posted have a day until then.
    ``waiting`` has no date, and ``before`` was recognized before a cutover.
    """

    recognized: Counter[str]
    planned: Counter[str]
    waiting: int
    before: int

    @property
    def total(self) -> int:
        """Return the price: what is recognized, planned and waiting."""
        return self.before + self.recognized.total() + self.remaining

    @property
    def remaining(self) -> int:
        """Return what is not recognized yet."""
        return self.planned.total() + self.waiting


def check_group(report: str, by: str, groups: Sequence[str] = GROUPS, option: str = "--by") -> None:
    """Refuse a grouping by fields that charge lines do not have; ``option`` is the one that names them.

    Raises:
        BadInput: as above.
    """
    for name in fields_of(by):
        if name not in groups and not re.fullmatch(r"dimensions\.[\w-]+", name):
            raise BadInput(f"report {report}: {option} {name}: expected {', '.join(sorted(groups))} or dimensions.NAME")


def check_dimension(connection: "Connection", by: str) -> None:
    """Refuse a dimension that no charge line has: its rows would all be of the empty value.

    Raises:
        BadInput: as above.
    """
    for name in fields_of(by):
        if name.startswith(BY_DIMENSION) and not has_dimension(connection, name):
            raise BadInput(f"--by {name}: no charge line has the dimension {name.removeprefix(BY_DIMENSION)}")


def special_of_day(context: "Context", connection: "Connection", until: date, filters: Filters) -> list[int] | None:
    """Return the charge lines whose amounts on a day are read one by one; None if the amounts of all lines are."""
    return charges_to_read(context, connection, [_day(context, until)]) if filters == NO_FILTERS else None


def _day(context: "Context", until: date) -> Day:
    return [balance_query(context, BalanceOptions(until), None)]


def amounts_until(
    context: "Context",
    connection: "Connection",
    by: str,
    until: date,
    ends: Sequence[date],
    special: Sequence[int] | None,
    only: Conditions = (),
) -> list[DatedAmount]:
    """Return the :func:`dated_amounts` of charge lines, added up from each of the ``ends`` to the next.

    Only the amounts of charge lines that are not plain keep their own days. ``special`` are the numbers from
    :func:`special_of_day`; it is None if there are conditions on the charge lines (``only``).
    """
    summed = None if special is None else plain_lines.dated_amounts(connection, _day(context, until), special, by, ends)
    numbers = None if summed is None else special
    return [*(summed or ()), *dated_amounts(context, connection, by, until, only, numbers)]


def dated_amounts(
    context: "Context",
    connection: "Connection",
    by: str,
    until: date,
    only: Conditions = (),
    numbers: Sequence[int] | None = None,
) -> list[DatedAmount]:
    """Return what is recognized by the day, and what is planned or waits, of the charge lines that meet conditions.

    ``numbers`` limits the charge lines of amounts that have a date.
    """
    invoiced, counted = context.settings.invoiced_sources, revenue_lines(context, connection).counted
    return [
        *recognized_by_day(connection, by, None, until, invoiced, only, numbers=numbers, counted=counted),
        *open_by_day(connection, by, until, invoiced, only, numbers, counted),
        *recognized_before(connection, by, until, invoiced, only, counted),
    ]


def remaining_amounts(amounts: Iterable[DatedAmount]) -> dict[tuple[str, str], RemainingAmounts]:
    """Return the amounts by category and currency."""
    found: dict[tuple[str, str], list[DatedAmount]] = defaultdict(list)
    for one in amounts:
        found[one.category, one.currency].append(one)
    return {key: _sums(some) for key, some in sorted(found.items())}


def by_currency(amounts: Mapping[tuple[str, str], int]) -> Counter[str]:
    """Return the sums of amounts by category and currency over all categories."""
    sums = Counter[str]()
    for (_category, currency), amount in amounts.items():
        sums[currency] += amount
    return sums


def billed_amounts(
    context: "Context",
    connection: "Connection",
    by: str,
    until: date,
    amounts: Iterable[DatedAmount],
    only: Conditions = (),
) -> Counter[tuple[str, str]]:
    """Return how much of what remains is billed by the day, by category and currency, in minor units.

    Of contract lines, it is what is billed less what is recognized: negative if more is recognized than billed.
    ``only`` are conditions on the charge lines of ``amounts``.
    """
    billed = balances_of_contract_lines(connection, by, until, context.settings.invoiced_sources, only)
    for key, its_own in remaining_amounts(one for one in amounts if one.billed).items():
        billed[key] += its_own.remaining
    return billed


def _sums(amounts: Sequence[DatedAmount]) -> RemainingAmounts:
    recognized, planned, undated = Counter[str](), Counter[str](), Counter[str]()
    for one in amounts:
        if one.kind in (WAITING, HISTORICAL):
            undated[one.kind] += one.amount
        else:
            (planned if one.kind == OPEN else recognized)[one.day] += one.amount
    return RemainingAmounts(recognized, planned, undated[WAITING], undated[HISTORICAL])


def balance_checks(
    context: "Context",
    connection: "Connection",
    until: date,
    remaining: Mapping[str, int],
    column: str,
    special: Sequence[int] | None,
    with_contract_lines: bool = False,
    filters: Filters = NO_FILTERS,
) -> Iterator[Check]:
    """Yield for each currency the check that billed less recognized, as in ``report balance``, is what remains.

    ``remaining`` is by currency, in minor units; ``column`` is the one of the report whose sum it is. Contract lines
    count with what is billed of them; ``with_contract_lines``, with their whole price, as if they were billed.
    ``special`` are the charge lines of :func:`special_of_day`. Only ``filters`` of a customer, an entity and a currency
    narrow both figures in the same way, since the lines that bill a contract line and its interest have these in common
    with it; with any other filter there is no check.

    What the price becomes by events after the day, and what a contract's allocation moves to or from lines that are
    billed later, remains too, but is not in the balance of the day. What was recognized of lines that are billed later
    is a contract asset, and is not compared. In a closed month the balances include what arrived after its close, as
    the two reports do.
    """
    if replace(filters, customer=None, entity=None, currency=None) != NO_FILTERS:
        return
    lines = list(_balances(context, connection, until, special, filters))
    billed = {one.no: one.currency for one in lines if one.is_billed and not (one.is_billing and with_contract_lines)}
    ordered = {one.no: one.currency for one in lines if one.is_ordered}
    balance: Counter[str] = Counter()
    if with_contract_lines:
        signed = _prices_on(connection, list(ordered), until)
        billed |= {no: ordered[no] for no in signed}
        for no, price in signed.items():
            balance[ordered[no]] += price
    counted = billed.keys() if with_contract_lines else billed.keys() | ordered.keys()
    for one in lines:
        balance[one.currency] += one.amount if one.no in counted else 0
    earning = billed | ordered
    for page in batched(list(earning), PAGE):
        for no, amount in contracts.differences_of(connection, page).items():
            balance[earning[no]] += amount if no in counted else 0
    repriced = [no for no in events.charges_repriced_after(connection, until) if no in billed]
    for page in batched(repriced, PAGE):
        recorded = events.events_of_charges(connection, page)
        for no, charge in charges.read_charges(connection, page):
            if no in recorded:
                until_then = [one for one in recorded[no] if one.date <= until]
                balance[billed[no]] += price_of(charge, recorded[no]) - price_of(charge, until_then)
    if special is not None:
        for plain in plain_lines.balances(connection, _day(context, until), special, NO_FILTERS):
            balance[plain.currency] += 0 if plain.is_cost else plain.of_billed + plain.priced_later
    closed = any(one.reported for one in closed_periods(connection, BalanceOptions(until)))
    name = "remaining = balance with what arrived after the close" if closed else "remaining = report balance"
    for currency in sorted({*remaining, *balance}):
        yield Check(name, currency, remaining.get(currency, 0), balance[currency], ColumnSum(column))


class _NumberedBalance(NamedTuple):
    """The balance of a charge line on one account, in minor units."""

    no: int
    currency: str
    amount: int
    is_billed: bool
    is_billing: bool
    is_ordered: bool


def _balances(
    context: "Context", connection: "Connection", until: date, numbers: Sequence[int] | None, filters: Filters
) -> Iterator[_NumberedBalance]:
    wanted = BalanceOptions(until, customer=filters.customer, currency=filters.currency)
    entities = None if filters.entity is None else [filters.entity]
    interest: Counter[tuple[str, str]] = Counter()
    owed: dict[int, LineBalance] = {}
    for line in lines_as_known(context, connection, wanted, None, entities, numbers):
        if line.is_interest:
            interest[sold_by(line.charge), line.currency] += line.earns
        elif line.is_payable:
            before = owed[line.no].recognized if line.no in owed else 0
            owed[line.no] = line._replace(recognized=before + line.recognized)
        elif not line.is_cost:
            yield _NumberedBalance(
                line.no, line.currency, line.balance, line.is_billed, line.is_billing, line.is_ordered
            )
    # What interest adds to the price of a line remains to be recognized too, whatever of it has accrued.
    financed = charges.known_charges(connection, [charge for charge, _currency in interest])
    for (charge, currency), amount in interest.items():
        yield _NumberedBalance(financed[charge].no, currency, -amount, False, False, False)
    yield from _owed(context, connection, until, owed)


def _owed(
    context: "Context", connection: "Connection", until: date, lines: Mapping[int, LineBalance]
) -> Iterator[_NumberedBalance]:
    """Yield what will be owed to principals, below zero, of the lines that have their balance on the day."""
    prices = _prices_on(connection, list(lines), until)
    billed = billed_among(connection, list(lines), until, context.settings.invoiced_sources)
    for no, line in lines.items():
        yield _NumberedBalance(no, line.currency, prices.get(no, 0) - line.recognized, no in billed, False, False)


def _prices_on(connection: "Connection", numbers: Sequence[int], until: date) -> dict[int, int]:
    """Return the price on the day of charge lines that are posted by then, by number, in minor units."""
    found = {}
    for page in batched(numbers, PAGE):
        recorded, void = events.events_of_charges(connection, page), charges.voided(connection, page)
        for no, line in charges.read_charges(connection, page):
            if line.post_date <= until and no not in void:
                found[no] = price_of(line, [one for one in recorded.get(no, ()) if one.date <= until])
    return found
