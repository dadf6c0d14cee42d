"""``revrec report waterfall``: what was billed in each month, and in which months it is recognized."""

from collections import Counter
from collections.abc import Sequence
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from revrec.core.calendar import add_months
from revrec.core.filters import NO_FILTERS, Filters
from revrec.core.money import decimal_string
from revrec.core.report import Chart, Report, fields_of, values_of
from revrec.jobs.reports.filters import check_filters
from revrec.jobs.reports.remaining import (
    RemainingAmounts,
    amounts_until,
    balance_checks,
    check_dimension,
    check_group,
    remaining_amounts,
    special_of_day,
)
from revrec.jobs.reports.report_header import report_header
from revrec.store.reports.filters import of_charges

if TYPE_CHECKING:
    from revrec.jobs.context import Context

BEFORE, LATER = "before", "later"


def waterfall(
    context: "Context", until: date, by: str, first: date, months: int, filters: Filters = NO_FILTERS
) -> Report:
    """Return the waterfall on a day, with a column for each of ``months`` months from ``first``.

    Raises:
        BadInput: ``by`` names an unknown field, or a filter names what these books do not know.
    """
    check_group("waterfall", by)
    window = [f"{add_months(first.replace(day=1), count):%Y-%m}" for count in range(months)]
    with context.database.read() as connection:
        check_dimension(connection, by)
        check_filters(context, connection, filters)
        only = tuple(of_charges(filters))
        special = special_of_day(context, connection, until, filters)
        ends = [add_months(first.replace(day=1), count) - timedelta(days=1) for count in range(months + 1)]
        amounts = amounts_until(context, connection, by, until, ends, special, only)
        found = remaining_amounts(one for one in amounts if one.billed or one.ordered)
        rows = [_row(category, currency, by, amounts, window) for (category, currency), amounts in found.items()]
        remaining: Counter[str] = Counter()
        for (_category, currency), its_own in found.items():
            remaining[currency] += its_own.remaining
        checks = list(balance_checks(context, connection, until, remaining, "remaining", special, True, filters))
        parameters = {**vars(filters), "date": until, "by": by, "from": window[0], "to": window[-1]}
        header = report_header(context, connection, "waterfall", parameters)
    names = ("total", BEFORE, *window, LATER, "waiting", "recognized", "remaining")
    # The months that are furthest away are the first that a narrow terminal leaves out.
    spare = (LATER, BEFORE, *window)
    cells = (BEFORE, *window, LATER, "waiting")
    formulas = {"total": dict.fromkeys(cells, 1), "remaining": {"total": 1, "recognized": -1}}
    return Report(
        f"Waterfall of revenue as of {until}", header, (*fields_of(by), "currency", *names), rows, checks, names, spare,
        formulas, chart=Chart(fields_of(by)[0], window, by_row=True),
    )  # fmt: skip


def _row(category: str, currency: str, by: str, amounts: RemainingAmounts, window: Sequence[str]) -> dict[str, Any]:
    cells = dict.fromkeys((BEFORE, *window, LATER), 0)
    for day, amount in (*amounts.recognized.items(), *amounts.planned.items()):
        month = day[:7]
        cells[month if month in cells else BEFORE if month < window[0] else LATER] += amount
    # What was recognized before a cutover is in no month of these books.
    cells[BEFORE] += amounts.before
    figures = {"total": amounts.total, **cells, "waiting": amounts.waiting}
    figures |= {"recognized": amounts.total - amounts.remaining, "remaining": amounts.remaining}
    row: dict[str, Any] = values_of(by, category) | {"currency": currency}
    return row | {name: decimal_string(amount, currency) for name, amount in figures.items()}
