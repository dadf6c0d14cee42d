"""What is behind a figure of a report: charge lines, schedule lines and entries that add up to it."""

from collections.abc import Callable, Iterator
from datetime import date
from functools import cache, partial
from itertools import product
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from revrec.cli.reports.balance import BalanceRows, balance_report
from revrec.core.errors import BadInput
from revrec.core.filters import NO_FILTERS, Basis
from revrec.core.report import Report, address_of, read_address
from revrec.core.typed_dates import DateSpan
from revrec.jobs.context import Context
from revrec.jobs.reports.activity import activity, drill_activity
from revrec.jobs.reports.balance_drill import drill_balance
from revrec.jobs.reports.costs import CostOptions, costs
from revrec.jobs.reports.disclosure_drill import drill_disclosures
from revrec.jobs.reports.disclosures import disclosures
from revrec.jobs.reports.drill import CHARGE, also_by_charge, drill
from revrec.jobs.reports.forecast import forecast
from revrec.jobs.reports.late import drill_late, late
from revrec.jobs.reports.line_balances import BalanceOptions
from revrec.jobs.reports.remaining_obligations import remaining_obligations
from revrec.jobs.reports.revenue import revenue
from revrec.jobs.reports.rollforward import RollforwardOptions, rollforward
from revrec.jobs.reports.tie_out import tie_out
from revrec.jobs.reports.tie_out_drill import drill_tie_out
from revrec.jobs.reports.waterfall import Cells, waterfall
from support.books import Books, MakeBooks, MakeRow
from support.intacct import Intacct
from support.stories import OPENING, RULES, STEPS, Story

SPAN = DateSpan(date(2024, 1, 1), date(2024, 3, 31))


def drillable(context: Context) -> Iterator[tuple[Report, Callable[[], Report]]]:
    """Yield the reports with what drills into them."""

    def both(make: Callable[[str], Report], by: str) -> tuple[Report, Callable[[], Report]]:
        return make(by), partial(make, also_by_charge(by))

    for basis in Basis:
        wanted = RollforwardOptions(SPAN, basis=basis)
        yield rollforward(context, wanted), partial(rollforward, context, wanted._replace(by=(CHARGE,)))
        yield both(lambda by, basis=basis: revenue(context, SPAN, "month", by, basis), "rule,timing")  # type: ignore[misc]
    yield both(lambda by: waterfall(context, SPAN.last, by, date(2024, 2, 1), 3), "item,billed")
    quarters = Cells(("actual", "due"), "quarter", net=True)
    yield both(lambda by: waterfall(context, SPAN.last, by, date(2024, 2, 1), 3, shown=quarters), "item,billed")
    yield both(lambda by: remaining_obligations(context, SPAN.last, by, (1, 12)), "customer")
    yield both(lambda by: forecast(context, SPAN, by, "1"), "item")
    spent = CostOptions(SPAN, by=("cost", "item"))
    yield costs(context, spent), partial(costs, context, spent._replace(by=("cost", "item", CHARGE)))


def behind_other_reports(context: Context) -> Iterator[tuple[str, Report]]:
    """Yield each figure of late months and of the disclosures by its address, with what is behind it."""
    months = late(context, NO_FILTERS, "month")
    for row in months.rows:
        for column in months.amounts:
            address = address_of(months, row, column)
            yield address, drill_late(context, NO_FILTERS, months, address)
    for table in disclosures(context, SPAN, quarterly=False).tables:
        keys = [name for name in ("period", "currency", "entity", "balance", "timing", "item", "category", "expedient")
                if name in table.report.columns]  # fmt: skip
        rows = [
            row for row in table.report.rows if any(row[name] not in (None, "0.00") for name in table.report.amounts)
        ]
        for row in rows[:2]:
            for column in table.report.amounts:
                named = [f"{name}={row[name]}" for name in keys]
                address = ",".join([f"disclosure={table.name}", *named, f"column={column}"])
                if row[column] != "0.00":
                    yield address, drill_disclosures(context, SPAN, False, address)


def behind_tie_out(context: Context) -> Iterator[tuple[str, Report]]:
    """Yield each figure of the tie-out, with what is behind it."""
    report = tie_out(context, SPAN.last)
    for row in (row for row in report.rows if row["amount"] is not None):
        address = address_of(report, row, "amount")
        yield address, drill_tie_out(context, SPAN.last, address)


def behind_balances(context: Context) -> Iterator[tuple[str, Report]]:
    """Yield figures of the balances by contract, charge line and account, and of all rows, with what is behind them."""
    for show, planned in product(BalanceRows, (False, True)):
        wanted = BalanceOptions(SPAN.last, planned, "customer" if planned else "contract")
        report = balance_report(context, wanted, show, with_settled=planned)
        for column in report.amounts:
            figures = [address_of(report, row, column) for row in report.rows if row[column] != "0.00"]
            for address in (*figures[:2], *([f"column={column}"] if report.rows else ())):
                yield address, drill_balance(context, wanted, report, address, with_settled=planned)


def every_cell(context: Context) -> Iterator[tuple[str, Report]]:
    """Yield each figure of the reports by its address, with what is behind it."""
    for report, make in drillable(context):
        by_charge = cache(make)
        for row in report.rows:
            for column in report.amounts:
                address = address_of(report, row, column)
                yield address, drill(context, report, address, by_charge)


def check(context: Context) -> int:
    """Check that what is behind each figure adds up to it; return how many figures there are."""
    figures = 0
    of_others = (*behind_other_reports(context), *behind_balances(context), *behind_tie_out(context))
    for address, behind in (*every_cell(context), *of_others):
        assert behind.ties_out, (address, behind.differences)
        figures += 1
    return figures


@pytest.mark.slow
@pytest.mark.both_databases
def test_what_is_behind_each_figure_adds_up_to_it(books: Books, row: MakeRow) -> None:
    books.rules(RULES)
    books.take(row("D1", amount="30.00", post_date="2024-01-01"), row("D2", item="POD-1", amount="50.00"))
    books.event("shop/D2/1", "credit", "2024-01-20", amount=5)
    books.event("shop/D2/1", "pod", "2024-02-20")
    assert books.run("2024-02-29").complete
    assert check(books.context()) > 50


def test_revenue_has_its_schedule_lines_and_entries(books: Books, row: MakeRow) -> None:
    books.rules(RULES)
    books.take(row("D1", amount="30.00", post_date="2024-01-01"), row("D2", item="POD-1", amount="50.00"))
    books.event("shop/D2/1", "pod", "2024-02-20")
    assert books.run("2024-02-29").complete
    context = books.context()
    wanted = RollforwardOptions(SPAN)
    report = rollforward(context, wanted)
    behind = drill(
        context, report, "period=2024-02,column=recognized", lambda: rollforward(context, wanted._replace(by=(CHARGE,)))
    )
    shown = [{name: line[name] for name in ("charge", "line", "earned", "state", "amount")} for line in behind.rows]
    assert shown == [
        {"charge": "shop/D1/1", "line": 2, "earned": "2024-02-08", "state": "posted", "amount": "10.00"},
        {"charge": "shop/D2/1", "line": 1, "earned": "2024-02-20", "state": "posted", "amount": "50.00"},
    ]
    assert all(line["entry"] and line["record_no"] for line in behind.rows)
    assert [check.name for check in behind.checks] == ["charge lines = the figure", "schedule lines = charge lines"]


def test_the_activity_of_an_account_has_its_journal_lines(books: Books, row: MakeRow) -> None:
    books.rules(RULES)
    books.take(row("D1", amount="30.00", post_date="2024-01-01"), row("D2", amount="-9.00", post_date="2024-01-01"))
    assert books.run("2024-02-29").complete
    context = books.context()
    report = activity(context, SPAN, "month")
    for one in report.rows:
        for column in report.amounts:
            behind = drill_activity(context, report, address_of(report, one, column))
            assert behind.ties_out, behind.differences
    behind = drill_activity(context, report, "period=2024-02,account=2400,column=closing")
    assert [line["amount"] for line in behind.rows] == ["10.00", "-3.00", "10.00", "-3.00"]


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("period=2024-02", "name a column as column=NAME: opening, "),
        ("2024-02", "name a column"),
        ("customer=C1,column=billed", "rows of this report have period, currency, account, not customer"),
        ("period=2019-02,column=billed", "the report has no such row"),
    ],
)
def test_an_address_of_no_figure_is_refused(offline: Books, row: MakeRow, address: str, words: str) -> None:
    offline.take(row("D1"))
    report = rollforward(offline.context(), RollforwardOptions(SPAN))
    with pytest.raises(BadInput, match=words):
        drill(offline.context(), report, address, lambda: report)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("period=2024-03,column=billed", {"period": "2024-03", "column": "billed"}),
        ("customer=Smith, Jones,column=total", {"customer": "Smith, Jones", "column": "total"}),
        ("charge=a/b=c/1,column=total", {"charge": "a/b=c/1", "column": "total"}),
        ("dimensions.project=P 1,column=total", {"dimensions.project": "P 1", "column": "total"}),
        ("2024-03", {}),
        ("", {}),
    ],
)
def test_an_address_has_names_and_values(text: str, expected: dict[str, str]) -> None:
    assert read_address(text) == expected


@pytest.mark.slow
@settings(
    max_examples=2, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(steps=STEPS)
def test_what_is_behind_each_figure_of_random_books_adds_up_to_it(
    fresh_books: MakeBooks, row: MakeRow, intacct: Intacct, steps: list[Any]
) -> None:
    story = Story.begin(fresh_books, intacct, row)
    for at, step in enumerate([*OPENING, *steps]):
        story.do(at, *step)
    assert check(story.books.context())
