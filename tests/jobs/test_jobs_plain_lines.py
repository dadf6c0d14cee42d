"""Reports that add up plain charge lines in SQL show the figures of the same reports that read every line."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import date
from typing import Any
from unittest import mock

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from revrec.core.contract_balance import BalanceSheet
from revrec.core.errors import BadInput
from revrec.core.filters import Filters
from revrec.core.report import Report
from revrec.core.typed_dates import DateSpan
from revrec.jobs.posting.periods import decide
from revrec.jobs.posting.reversing import ReversalOrder
from revrec.jobs.reports.contract_balances import BalanceNotes, contract_balances, deferred_balances
from revrec.jobs.reports.disclosures import TABLES, disclosures
from revrec.jobs.reports.late import late
from revrec.jobs.reports.line_balances import BalanceOptions
from revrec.jobs.reports.remaining_obligations import remaining_obligations
from revrec.jobs.reports.revenue import revenue
from revrec.jobs.reports.rollforward import RollforwardOptions, rollforward
from revrec.jobs.reports.tie_out import BALANCES as OF_BALANCES
from revrec.jobs.reports.tie_out import tie_out
from revrec.jobs.reports.waterfall import waterfall
from revrec.jobs.running.reverse import reverse
from revrec.jobs.scheduling.rebuild import schedule
from revrec.store import two_readers
from revrec.store.reports import booked, plain_lines
from revrec.store.reports.contract_balances import BalanceQuery
from support.books import Books, MakeBooks, MakeRow
from support.intacct import Intacct

RULES = """
[[rule]]
name = "magazine"
when = { item = "MAG-*" }
recognize = { method = "monthly", offset = "7 days", periods = 3 }
[[rule]]
name = "uneven"
when = { item = "GOODS-*" }
recognize = { method = "monthly", periods = 3, rounding = "last" }
[[rule]]
name = "long"
when = { item = "LONG-*" }
recognize = { method = "monthly", periods = 30 }
[[rule]]
name = "delivery"
when = { item = "POD-*" }
recognize = { method = "pod_date" }
"""
FIRST, LAST = date(2024, 1, 1), date(2024, 5, 31)
DAYS = st.dates(FIRST, LAST).map(str)
LINE = st.tuples(
    st.just("line"),
    st.fixed_dictionaries({
        "amount": st.integers(-500, 5000).filter(bool).map(lambda cents: f"{cents / 100:.2f}"),
        "post_date": DAYS,
        "item": st.sampled_from(["MAG-1", "GOODS-1", "POD-1", "ODD"]),
        "currency": st.sampled_from(["USD", "USD", "EUR"]),
        "customer": st.sampled_from(["C1007", "C2"]),
        "contract": st.sampled_from(["", "", "CON-1"]),
    }),
)  # fmt: skip
STEP = st.one_of(
    LINE,
    LINE,
    st.tuples(st.sampled_from(["credit", "price", "cancel", "hold", "release", "pod"]), DAYS),
    st.tuples(st.sampled_from(["run", "run", "close", "account", "reverse"]), DAYS),
)


@pytest.mark.parametrize(
    "examples", [pytest.param(4, marks=pytest.mark.slow), pytest.param(40, marks=pytest.mark.long)]
)
def test_sums_in_sql_are_the_sums_of_the_lines(
    fresh_books: MakeBooks, row: MakeRow, intacct: Intacct, examples: int
) -> None:
    @settings(max_examples=examples, phases=[Phase.explicit, Phase.generate])
    @given(steps=st.lists(STEP, min_size=4, max_size=14), day=st.dates(FIRST, date(2024, 7, 31)))
    def check(steps: Sequence[Any], day: date) -> None:
        intacct.admin("/reset")
        intacct.admin("/accounts", id="2410")
        books = fresh_books(intacct.environment)
        books.rules(RULES)
        for at, step in enumerate([("line", {"item": "MAG-1", "amount": "30.00"}), *steps]):
            play(books, row, at, *step)
        compare(books, day, reports)

    check()


def on_both_databases(*days: date) -> pytest.MarkDecorator:
    """Play a test of the days on SQLite, and on PostgreSQL that of the second day; the others there on demand."""
    slow, long = pytest.mark.slow, pytest.mark.long
    played = [pytest.param("sqlite", day, marks=slow) for day in days]
    played += [pytest.param("postgresql", day, marks=slow if day == days[1] else long) for day in days]
    return pytest.mark.parametrize(("kind", "day"), played, indirect=["kind"])


@pytest.fixture
def netted(books: Books, row: MakeRow) -> Books:
    """Books in which two credits make D1/1 a line that is read by itself; D1/2 is in its contract, and D2 is plain."""
    books.rules(RULES)
    books.take(
        row("D1", line="1", item="MAG-1", amount="30.00", post_date="2024-01-05"),
        row("D1", line="2", item="MAG-2", amount="-9.00", post_date="2024-01-05"),
        row("D2", item="MAG-3", amount="10.01", post_date="2024-01-05"),
        row("D3", item="MAG-1", amount="50.00", post_date="2024-02-05"),
    )
    books.event("shop/D1/1", "credit", "2024-02-20", amount=5)
    books.event("shop/D1/1", "credit", "2024-02-21", amount=1)
    assert books.run("2024-02-29").complete
    with books.context("report").database.read() as connection:
        assert plain_lines.special_contracts(connection, [[BalanceQuery(LAST, LAST)]]) == [1, 2]
    return books


def test_plain_and_other_lines_of_one_contract_are_netted(netted: Books) -> None:
    compare(netted, date(2024, 2, 29), main_reports)


@on_both_databases(date(2024, 1, 31), date(2024, 2, 29), date(2024, 6, 30))
def test_plain_and_other_lines_of_one_contract_are_netted_in_every_report(netted: Books, day: date) -> None:
    compare(netted, day, reports)


def test_a_currency_of_which_nothing_has_happened_yet_has_no_balance(books: Books, row: MakeRow) -> None:
    books.rules(RULES)
    books.take(row("D1", item="MAG-1", amount="30.00", post_date="2024-01-05"))
    assert books.run("2024-05-31").complete
    decide(books.context("periods close"), [date(2024, 5, 1)], "closed", "reported")
    books.take(row("D2", item="MAG-1", amount="1.89", post_date="2024-01-28", currency="EUR"), name="late.csv")
    compare(books, date(2024, 5, 16), main_reports)
    rows = tie_out(books.context("report"), date(2024, 5, 16)).rows
    assert {one["currency"] for one in rows if one["step"] == OF_BALANCES} == {"USD"}


@pytest.fixture
def changed(books: Books, row: MakeRow) -> Books:
    """Books of plain lines, with one change each: of the price, before and after parts are posted, or of the dates."""
    books.rules(RULES)
    items = [*("MAG-1",) * 8, *("GOODS-1",) * 3, "POD-1"]
    numbered = list(enumerate(items, start=1))
    books.take(*(row(f"D{at}", item=item, amount=f"{20 + at}.01", post_date="2024-01-05") for at, item in numbered))
    books.take(
        row("D20", item="MAG-1", amount="-30.01", post_date="2024-02-25"),
        row("D21", item="POD-1", amount="7.00", post_date="2025-06-05"),
        row("D22", item="LONG-1", amount="90.00", post_date="2024-01-05"),
        name="more.csv",
    )
    for line, kind, day, amount in EVENTS[:4]:
        books.event(f"shop/{line}/1", kind, day, amount=amount)
    assert books.run("2024-02-20").complete
    for line, kind, day, amount in EVENTS[4:]:
        books.event(f"shop/{line}/1", kind, day, amount=amount)
    assert books.run("2024-03-10").complete
    with books.context("report").database.read() as connection:
        assert plain_lines.special_contracts(connection, [[BalanceQuery(LAST, LAST)]]) == []
    return books


EVENTS: Sequence[tuple[str, str, str, int | None]] = (
    ("D1", "credit", "2024-01-20", 5),
    ("D2", "price", "2024-02-02", 40),
    ("D9", "credit", "2024-01-06", 3),
    ("D3", "cancel", "2024-03-01", 2),
    ("D4", "credit", "2024-02-25", 5),
    ("D5", "price", "2024-02-26", 50),
    ("D6", "cancel", "2024-02-27", None),
    ("D7", "hold", "2024-02-28", None),
    ("D10", "price", "2024-03-05", 7),
    ("D12", "pod", "2024-02-15", None),
    ("D21", "pod", "2024-02-15", None),
    ("D20", "price", "2024-03-20", -20),
)


def test_lines_with_one_change_are_added_up_too(changed: Books) -> None:
    compare(changed, date(2024, 2, 29), main_reports)
    found = disclosures(changed.context("report"), DateSpan(FIRST, date(2024, 2, 29)), False, {*TABLES} - {"D1"})
    closing = {row["balance"]: row["closing"] for row in found.tables[0].report.rows}
    assert closing["contract assets, non-current"] == "7.00"
    assert closing["contract liabilities, non-current"] == "48.00"


@on_both_databases(date(2024, 1, 31), date(2024, 3, 31), date(2024, 5, 31))
def test_lines_with_one_change_are_added_up_too_in_every_report(changed: Books, day: date) -> None:
    compare(changed, day, reports)


def test_books_without_charge_lines_have_reports_too_after_a_close(offline: Books) -> None:
    decide(offline.context("periods close"), [FIRST], "closed", "nothing happened")
    context, span = offline.context("report"), DateSpan(FIRST, LAST)
    assert rollforward(context, RollforwardOptions(span)).rows == []
    assert deferred_balances_of(offline) == {}


def deferred_balances_of(books: Books) -> dict[tuple[str, str], int]:
    """Return the balances of January."""
    context = books.context("report")
    with context.database.read() as connection:
        return deferred_balances(context, connection, date(2024, 1, 31))


def play(books: Books, row: MakeRow, at: int, what: str, how: Any) -> None:
    """Take one step of the story; a step that revrec refuses, such as reversing an entry twice, does nothing."""
    with suppress(BadInput):
        try_to_play(books, row, at, what, how)


def try_to_play(books: Books, row: MakeRow, at: int, what: str, how: Any) -> None:
    charges = [name for (name,) in books.sql("SELECT id FROM charge_line ORDER BY no")]
    if what == "line":
        books.take(row(f"D{at // 3}", line=str(at), **how), name=f"{at}.csv")
    elif what == "run":
        books.run(how)
    elif what == "close":
        decide(books.context("periods close"), [date.fromisoformat(how).replace(day=1)], "closed", "reported")
    elif what == "account":
        books.rules(RULES.replace("recognize", 'post = { deferred = "2410" }\nrecognize'))
        schedule(books.context("schedule"), rebuild=at % 2 == 0)
    elif what == "reverse":
        posted = books.sql("SELECT reference FROM journal_entry WHERE state = 'POSTED' AND title NOT LIKE 'Reversal%'")
        if posted:
            order = ReversalOrder(posted[at % len(posted)][0], "wrong", LAST, at % 2 == 0)
            reverse(books.context("postings reverse"), order)
    else:
        amount = {"credit": at, "price": 2 * at, "cancel": at % 3}.get(what)
        books.event(charges[at % len(charges)], what, how, amount=amount)


def compare(books: Books, day: date, made: Callable[[Books, date], list[Report]]) -> None:
    """Check that the reports of a day are the same if all lines are read one by one, or added up in two halves."""
    summed = [made(books, day)] if made is reports else []
    with mock.patch.object(two_readers, "FEWEST_LINES", 0):
        summed.append(made(books, day))
    with mock.patch.object(plain_lines, "MOST_SPECIAL", -1), mock.patch.object(booked, "MOST_OTHER", -1):
        read = made(books, day)
    for found in summed:
        for one, other in zip(found, read, strict=True):
            assert (one.rows, one.checks) == (other.rows, other.checks), one.title
    for how in BALANCES if made is reports else BALANCES[:1]:
        wanted = BalanceOptions(day, **how)
        of_lines = balance_sheet(books, wanted, with_lines=True)
        assert balance_sheet(books, wanted, with_lines=False) == of_lines, how
        for most, fewest in ((2, 0), (100, two_readers.FEWEST_LINES)):
            with mock.patch.object(two_readers, "FEWEST_LINES", fewest):
                assert balance_sheet(books, wanted, with_lines=False, most=most) == first_of(of_lines, most), how


BALANCES: Sequence[dict[str, Any]] = (
    {},
    {"planned": True},
    {"by": "document"},
    {"by": "customer"},
    {"account": "2400"},
    {"customer": "C1007"},
    {"item": "MAG-1"},
    {"rule": "magazine"},
    {"document": "D1"},
)
"""Options of the contract balances; the books of the tests may not have what a filter names."""


def first_of(sheet: list[Any], most: int) -> list[Any]:
    """Return a :func:`balance_sheet` with the first open contracts only, and how many others are open."""
    if len(sheet) == 1:
        return sheet
    contracts, *sums, _unlisted = sheet
    listed = [one for one in contracts if one.open]
    return [listed[:most], *sums, len(listed[most:])]


def balance_sheet(books: Books, wanted: BalanceOptions, *, with_lines: bool, most: int | None = None) -> list[Any]:
    """Return the contract balances of a day, with their sums; or that these books do not know a filter."""
    sheet, notes = BalanceSheet(), BalanceNotes()
    try:
        found = list(contract_balances(books.context("report"), wanted, sheet, notes, with_lines, most))
    except BadInput as error:
        return [str(error)]
    contracts = [one._replace(lines=(), noncurrent_lines=()) for one in found]
    return [contracts, [*sheet.accounts()], [*sheet.totals()], [*sheet.presented()], notes, sheet.unlisted]


def main_reports(books: Books, day: date) -> list[Report]:
    """Return one report of each kind of a day."""
    context, span = books.context("report"), DateSpan(date(2023, 12, 1), day)
    return [
        rollforward(context, RollforwardOptions(span, each="span")),
        waterfall(context, day, "billed", date(2024, 2, 1), 2),
        remaining_obligations(context, day, "entity", [1, 3]),
        tie_out(context, day),
        disclosures(context, span, True, {*TABLES} - {"D1", "D4", "D7", "D7 items"}).as_report,
    ]


def reports(books: Books, day: date) -> list[Report]:
    """Return the reports of a day, also by other categories and with filters."""
    context, span = books.context("report"), DateSpan(date(2023, 12, 1), day)
    return [
        *main_reports(books, day),
        rollforward(context, RollforwardOptions(span, by=["entity"])),
        rollforward(
            context, RollforwardOptions(span, each="quarter", by=["contract"], filters=Filters(account="2400"))
        ),
        rollforward(context, RollforwardOptions(span, by=["contract"], filters=Filters(customer="C1007"))),
        *(waterfall(context, day, by, date(2024, 2, 1), 2) for by in ("customer", "rule")),
        *(late(context, filters, by) for filters in (Filters(), Filters(last=day)) for by in ("month", "change")),
        remaining_obligations(context, day, "charge", [1, 3]),
        *(revenue(context, span, "span", by) for by in ("timing", "document")),
    ]
