"""``revrec report waterfall``: what was billed in each month, and in which months it is recognized."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from revrec.core.calendar import add_months
from revrec.core.errors import BadInput
from revrec.core.filters import NO_FILTERS, Basis, Filters
from revrec.core.money import decimal_string
from revrec.core.report import BETWEEN, Chart, Check, ColumnSum, Report, fields_of, periods_of, values_of
from revrec.core.typed_dates import DateSpan
from revrec.jobs.reports import drill
from revrec.jobs.reports.base_amounts import about_rates, check_base_of_rows, source_of_rates
from revrec.jobs.reports.base_waterfall import BaseColumns, add_base_amounts
from revrec.jobs.reports.contract_balances import contract_name
from revrec.jobs.reports.filters import check_filters
from revrec.jobs.reports.journal_checks import journal_checks
from revrec.jobs.reports.remaining import (
    GROUPS,
    RemainingAmounts,
    amounts_until,
    balance_checks,
    check_dimension,
    check_group,
    dated_amounts,
    remaining_amounts,
    special_of_day,
)
from revrec.jobs.reports.report_header import report_header
from revrec.jobs.reports.revenue_lines import revenue_lines
from revrec.store.credits import homes_of_credits
from revrec.store.reports.booked import OtherCharges
from revrec.store.reports.contract_balances import contracts_of_charges
from revrec.store.reports.filters import of_charges
from revrec.store.reports.parts import charge_numbers
from revrec.store.reports.recognition import (
    ACTUAL,
    DUE,
    PLANNED,
    Conditions,
    DatedAmount,
    categories_of,
    lines_of,
    sums_by_currency,
)
from revrec.store.tables import CREDITING

if TYPE_CHECKING:
    from revrec.jobs.context import Context
    from revrec.store.connection import Connection

CONTRACT = "contract"
"""The field of what a line is netted with in the balances, which is no field of the line itself."""
BEFORE, LATER, NOT_SHOWN = "before", "later", "not_shown"
KINDS = (ACTUAL, DUE, PLANNED)
"""The kinds of amounts of a cell: posted by the day, dated until the day and not posted, and dated later."""


class Cells(NamedTuple):
    """What the cells are: amounts of these ``kinds`` (all if empty) in periods of a length.

    ``net``: a credit that names what it credits is in the row of that line, not in its own. ``base``: also in base
    currency.
    """

    kinds: Sequence[str] = ()
    each: str = "month"
    net: bool = False
    base: bool = False


ALL_CELLS = Cells()


def waterfall(
    context: "Context",
    until: date,
    by: str,
    first: date,
    months: int,
    filters: Filters = NO_FILTERS,
    shown: Cells = ALL_CELLS,
) -> Report:
    """Return the waterfall on a day, with columns for ``months`` months from ``first``.

    Raises:
        BadInput: ``by`` names an unknown field, a kind of amounts is unknown, a filter names what these books do not
            know, or there are no amounts in base currency.
        BadConfiguration: ``base`` needs exchange rates, and none are configured.
    """
    check_group("waterfall", by, (*GROUPS, CONTRACT))
    _check_kinds(shown.kinds)
    window = _Window(until, first, months, shown)
    if shown.base:
        if CONTRACT in fields_of(by):
            raise BadInput("report waterfall: --by contract has no amounts in base currency: leave out --base")
        check_base_of_rows(context, "waterfall", fields_of(by), filters.entity)
    with context.database.read_twice() as connection:
        check_dimension(connection, by)
        check_filters(context, connection, filters)
        only = tuple(of_charges(filters))
        special = special_of_day(context, connection, until, filters)
        # The contract of a line is no field of it: the lines are read one by one, and their rows are added up.
        fields = ",".join(dict.fromkeys(drill.CHARGE if one == CONTRACT else one for one in fields_of(by)))
        amounts = amounts_until(context, connection, fields, until, window.ends, special, only)
        if shown.net:
            amounts += _moved_credits(context, connection, fields, until, only)
        if fields != by:
            amounts = list(_by_contract(connection, by, fields, amounts))
        found = remaining_amounts(one for one in amounts if one.billed or one.ordered)
        rows = [
            window.row(by, category, currency, its_own)
            for (category, currency), its_own in found.items()
            if not shown.net or _happened(its_own)
        ]
        remaining: Counter[str] = Counter()
        for (_category, currency), its_own in found.items():
            remaining[currency] += its_own.remaining
        checks = list(balance_checks(context, connection, until, remaining, "remaining", special, True, filters))
        if ACTUAL in shown.kinds and not only:
            checks += _entry_checks(context, connection, window, amounts)
        if shown.base:
            parts = (*window.columns, "waiting")
            read = partial(_all_amounts, context, connection, until, shown.net)
            wanted = BaseColumns(by, until, parts, read, window.figures, only, filters.entity)
            add_base_amounts(context, connection, wanted, rows)
        parameters = {**vars(filters), "date": until, "by": by, "from": window.first, "to": window.last}
        header = report_header(context, connection, "waterfall", parameters | _facts(context, shown))
    if shown.base:
        header["notes"] = [*header.get("notes", ()), *about_rates(context)]
    return _report(window, by, shown.base, header, rows, checks)


def _report(
    window: "_Window",
    by: str,
    with_base: bool,
    header: Mapping[str, Any],
    rows: Sequence[Mapping[str, Any]],
    checks: Sequence[Check],
) -> Report:
    names = ("total", *window.columns, "waiting", "recognized", "remaining")
    # The months that are furthest away are the first that a narrow terminal leaves out.
    spare = (LATER, BEFORE, *window.names)
    base = tuple(f"base_{name}" for name in names) if with_base else ()
    columns = (*fields_of(by), "currency", *names, *(("base_currency", *base) if with_base else ()))
    if with_base:
        spare = (*spare, "base_currency", *(f"base_{name}" for name in spare))
    formulas = {
        "total": dict.fromkeys((*window.columns, "waiting"), 1),
        "remaining": {"total": 1, "recognized": -1},
    }
    return Report(
        f"Waterfall of revenue as of {window.until}", header, columns, rows, checks, names, spare, formulas,
        chart=Chart(fields_of(by)[0], window.names, by_row=True), base=base,
    )  # fmt: skip


class _Window:
    """The periods that are columns of the waterfall, and the rows with an amount for each of them."""

    def __init__(self, until: date, first: date, months: int, shown: Cells) -> None:
        begin = first.replace(day=1)
        self.until, self.kinds = until.isoformat(), shown.kinds
        end = add_months(begin, months) - timedelta(days=1)
        self.periods = list(periods_of(DateSpan(begin, end), shown.each))
        self.first, self.last = f"{begin:%Y-%m}", f"{end:%Y-%m}"
        self.names = [one.name for one in self.periods]
        self.cells = (BEFORE, *self.names, LATER)
        self.columns = (*self.cells, *((NOT_SHOWN,) if shown.kinds else ()))
        # Amounts are added up until each of these days, and those that are due are apart from later ones.
        ends = {begin - timedelta(days=1), *(one.last for one in self.periods), *((until,) if shown.kinds else ())}
        self.ends = sorted(ends)
        self._of_month = {
            month.name: one.name for one in self.periods for month in periods_of(DateSpan(one.first, one.last), "month")
        }

    def row(self, by: str, category: str, currency: str, amounts: RemainingAmounts) -> dict[str, Any]:
        """Return the row of a category; with kinds, ``cells`` has the amount of each kind of each cell."""
        row: dict[str, Any] = values_of(by, category) | {"currency": currency}
        row |= {name: decimal_string(amount, currency) for name, amount in self.figures(amounts).items()}
        if self.kinds:
            cells = self._amounts_of(amounts)
            row["cells"] = {
                name: {kind: decimal_string(of_cells[name], currency) for kind, of_cells in cells.items()}
                for name in self.cells
            }
        return row

    def figures(self, amounts: RemainingAmounts) -> dict[str, int]:
        """Return the figures of a row in the order of the columns, in minor units."""
        cells = self._amounts_of(amounts)
        chosen = [cells[kind] for kind in self.kinds or KINDS]
        found = {name: sum([of_cells[name] for of_cells in chosen]) for name in self.cells}
        if self.kinds:
            found[NOT_SHOWN] = amounts.total - amounts.waiting - sum(found.values())
        recognized = amounts.total - amounts.remaining
        last = {"waiting": amounts.waiting, "recognized": recognized, "remaining": amounts.remaining}
        return {"total": amounts.total, **found, **last}

    def _amounts_of(self, amounts: RemainingAmounts) -> dict[str, dict[str, int]]:
        """Return the amount of each cell by kind. Plain dictionaries, since there can be a row for each charge line."""
        cells = {kind: dict.fromkeys(self.cells, 0) for kind in KINDS}
        actual, due, planned = (cells[kind] for kind in KINDS)
        for day, amount in amounts.recognized.items():
            actual[self.cell_of(day)] += amount
        for day, amount in amounts.planned.items():
            (due if day <= self.until else planned)[self.cell_of(day)] += amount
        # What was recognized before a cutover is in no month of these books.
        actual[BEFORE] += amounts.before
        return cells

    def cell_of(self, day: str) -> str:
        """Return the cell of an ISO day."""
        return self._of_month.get(day[:7]) or (BEFORE if day[:7] < self.first else LATER)


def _check_kinds(kinds: Sequence[str]) -> None:
    unknown = next((one for one in kinds if one not in KINDS), None)
    if unknown is not None:
        raise BadInput(f"report waterfall: --cells {unknown}: expected {', '.join(KINDS)}")


def _facts(context: "Context", shown: Cells) -> dict[str, Any]:
    """Return what the header says of the cells."""
    each, rates = None if shown.each == "month" else shown.each, source_of_rates(context) if shown.base else None
    return {"each": each, "cells": list(shown.kinds) or None, "net": shown.net or None, "rates": rates}


def _happened(amounts: RemainingAmounts) -> bool:
    """Check whether anything is left in a row once the credits are in the rows of what they credit."""
    return bool(amounts.waiting or amounts.before) or any((*amounts.recognized.values(), *amounts.planned.values()))


def _all_amounts(
    context: "Context", connection: "Connection", until: date, net: bool, by: str, only: Conditions
) -> list[DatedAmount]:
    """Return the amounts of the charge lines that meet conditions, with those that move credits if ``net``."""
    moved = _moved_credits(context, connection, by, until, only) if net else ()
    return [*dated_amounts(context, connection, by, until, only), *moved]


def _by_contract(
    connection: "Connection", by: str, fields: str, amounts: Iterable[DatedAmount]
) -> Iterator[DatedAmount]:
    """Yield amounts by ``fields``, which include the charge line, with the categories of ``by``: with the contract."""
    contracts, names = contracts_of_charges(connection), dict[str, str]()
    for one in amounts:
        name = names.get(one.category)
        if name is None:
            values = values_of(fields, one.category)
            values[CONTRACT] = contract_name(contracts[values[drill.CHARGE]])
            name = names[one.category] = BETWEEN.join(values[field] for field in fields_of(by))
        yield one._replace(category=name)


def _moved_credits(
    context: "Context", connection: "Connection", by: str, until: date, only: Conditions
) -> Iterator[DatedAmount]:
    """Yield the amounts that move credits which name what they credit from their own rows to the rows of that.

    A row by charge line is always of one line: else the schedule lines behind it would be of several.
    """
    homes = homes_of_credits(connection)
    amounts = dated_amounts(context, connection, drill.CHARGE, until, (*only, CREDITING))
    credits = [one for one in amounts if one.category in homes]
    ids = {one.category for one in credits}
    numbers = charge_numbers(connection, sorted(ids | {homes[one] for one in ids}))
    values = categories_of(connection, by, list(numbers.values()))
    for one in credits:
        own, home = (values[numbers[id]] for id in (one.category, homes[one.category]))
        fields = values_of(by, home) | {drill.CHARGE: one.category}
        yield one._replace(category=own, amount=-one.amount)
        yield one._replace(category=BETWEEN.join(fields[name] for name in fields_of(by)))


def _entry_checks(
    context: "Context", connection: "Connection", window: _Window, amounts: Sequence[DatedAmount]
) -> Iterator[Check]:
    """Yield the check for each period that what is actual in it, with what is not billed yet, is on entries."""
    owed, others = revenue_lines(context, connection).owed, OtherCharges(connection)
    until = date.fromisoformat(window.until)
    of_cells: defaultdict[str, list[DatedAmount]] = defaultdict(list)
    for one in amounts:
        if one.kind == ACTUAL:
            of_cells[window.cell_of(one.day)].append(one)
    for period in window.periods:
        if period.first > until:
            continue
        days, sums, less = period._replace(last=min(period.last, until)), Counter[str](), Counter[str]()
        actual = of_cells[period.name]
        for one in actual:
            sums[one.currency] += one.amount
        if owed is not None:
            less = sums_by_currency(connection, lines_of(Basis.ledger, days.first, days.last), owed)
        has_all = all(one.billed or one.ordered for one in actual)
        name = ACTUAL if has_all else "actual, with what is not billed yet"
        source = ColumnSum(period.name) if has_all and tuple(window.kinds) == (ACTUAL,) else None
        for check in journal_checks(connection, days, name, sums, owed=less, others=others):
            yield check._replace(source=source)
