"""``reconcile`` and ``report balance`` show the same deferred balance, and it is what the rows add up to."""

from collections import Counter
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any
from unittest import mock

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from revrec.core.contract_balance import BalanceSheet
from revrec.core.errors import BadInput
from revrec.core.filters import NO_FILTERS, Basis, Filters
from revrec.core.money import decimal_string, to_minor
from revrec.core.report import Report
from revrec.core.typed_dates import DateSpan
from revrec.jobs.admin.verify import verify
from revrec.jobs.posting.periods import decide
from revrec.jobs.reconciling.reclassify import reclassify
from revrec.jobs.reconciling.reconcile import reconcile
from revrec.jobs.reports import lists
from revrec.jobs.reports.activity import activity, journal
from revrec.jobs.reports.contract_balances import BalanceNotes, contract_balances
from revrec.jobs.reports.line_balances import BalanceOptions
from revrec.jobs.reports.preview import preview
from revrec.jobs.reports.remaining_obligations import remaining_obligations
from revrec.jobs.reports.revenue import revenue
from revrec.jobs.reports.rollforward import RollforwardOptions, rollforward
from revrec.jobs.reports.tie_out import tie_out
from revrec.jobs.reports.waterfall import KINDS, Cells, waterfall
from revrec.jobs.scheduling.rebuild import schedule
from revrec.store.reports import plain_lines
from support.books import ROOT, Books, MakeBooks, MakeRow
from support.intacct import Intacct
from support.stories import DAYS, HELD, OPENING, RULES, STEPS, Story, Sums
from support.views import ACTIVITY, REVENUE

END = date(2024, 4, 30)
SIDES = ("debits", "credits")


def reported(books: Books, day: date = END) -> Sums:
    """The balance of each deferred account in ``revrec report balance``."""
    sheet, sums = BalanceSheet(), Counter[tuple[str, str]]()
    for _contract in contract_balances(books.context("report balance"), BalanceOptions(day), sheet):
        pass
    for one in sheet.accounts():
        sums[one.account, one.currency] += one.balance
    return {key: amount for key, amount in sums.items() if amount}


def reconciled(books: Books, day: date = END) -> Sums:
    """The column ``unrecognized`` of ``revrec reconcile``."""
    found = reconcile(books.context("reconcile"), day).balances
    return {(one.account, one.currency): one.unrecognized for one in found if one.unrecognized}


def posted_until(books: Books, day: date) -> int:
    """The column ``posted`` of ``revrec preview --basis ledger``, in cents."""
    totals = preview(books.context("preview"), Filters(last=day), basis=Basis.ledger).totals()
    return sum(int(Decimal(one.posted) * 100) for one in totals)


def added_up(books: Books, day: date = END) -> Sums:
    """The same, from the rows: prices by events, less what posted entries moved on the deferred account."""
    sums: Counter[tuple[str, str]] = Counter()
    lines = books.sql("SELECT no, post_date, amount, currency FROM charge_line")
    for no, post_date, amount, currency in lines:
        facts = books.sql(
            "SELECT kind, amount FROM fulfillment_event WHERE charge_no = ? AND date <= ? ORDER BY date, id",
            no,
            str(day),
        )
        price = amount
        for kind, changed in facts:
            price = {"credit": price - (changed or 0), "price": changed}.get(kind, price)
        sums["2400", currency] += price if post_date <= str(day) else 0
    moved = books.sql(
        "SELECT l.account, l.currency, l.side, l.amount FROM journal_line l JOIN journal_entry e ON e.id = l.entry_id"
        " WHERE e.state = 'POSTED' AND e.date <= ? AND l.account = '2400'", str(day)
    )  # fmt: skip
    for account, currency, side, amount in moved:
        sums[account, currency] -= amount if side == "debit" else -amount
    return {key: amount for key, amount in sums.items() if amount}


def test_the_sample_data_with_a_hold_is_short_of_nothing(books: Books) -> None:
    for rule in (ROOT / "rules").glob("*.toml"):
        (books.folder / "rules" / rule.name).write_text(rule.read_text())
    (books.folder / "rules" / "rules.toml").unlink()
    (books.folder / "rules" / "prices.toml").unlink(missing_ok=True)
    assert not books.import_file(ROOT / "sample_data" / "charges.csv").refused
    books.event("shop/INV-1001/1", "hold", "2024-03-01")
    books.run("2024-03-31")
    march = date(2024, 3, 31)
    assert reconciled(books, march) == reported(books, march) == added_up(books, march) == {("2400", "USD"): 950_300}


def test_an_account_without_entries_is_compared_too(books: Books, row: MakeRow) -> None:
    books.rules(HELD.replace("recognize", 'post = { deferred = "2410" }\nrecognize'))
    books.take(row(item="TOY-1", amount="100.00"))
    found = reconcile(books.context("reconcile"), END)
    (balance,) = found.balances
    assert (balance.account, balance.role, balance.intacct, balance.unrecognized) == ("2410", "deferred", 0, 10_000)
    assert found.ties and reported(books) == {("2410", "USD"): 10_000}


UNKNOWN = [
    ({"entity": "E9"}, "--entity E9: unknown; .* name E1"),
    ({"account": "2401"}, "--account 2401: unknown; these books post to 2400, 4000"),
]
"""Filters that no charge line meets, and the refusal of each."""


@pytest.mark.parametrize(("filters", "words"), UNKNOWN)
def test_reconcile_refuses_a_filter_that_these_books_do_not_know(
    books: Books, row: MakeRow, filters: dict[str, str], words: str
) -> None:
    books.take(row(entity="E1"))
    with pytest.raises(BadInput, match=words):
        reconcile(books.context("reconcile"), END, **filters)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("filters", "words"),
    [*UNKNOWN, ({"customer": "C100"}, "--customer C100: unknown; charge lines name C1007")],
)
def test_report_balance_refuses_a_filter_that_these_books_do_not_know(
    offline: Books, row: MakeRow, filters: dict[str, str], words: str
) -> None:
    offline.take(row(entity="E1"))
    with pytest.raises(BadInput, match=words):
        list(contract_balances(offline.context(), BalanceOptions(END, **filters), BalanceSheet()))  # type: ignore[arg-type]


GONE: dict[str, tuple[Callable[[Intacct, dict[str, Any]], object], int, int]] = {
    "deleted": (lambda intacct, entry: intacct.admin("/entries/delete", record_no=entry["record_no"]), 0, 0),
    "reversed": (
        lambda intacct, entry: intacct.admin("/entries/reverse", record_no=entry["record_no"], date="2024-03-05"),
        10_000,
        0,
    ),
    "edited amount": (
        lambda intacct, entry: intacct.admin(
            "/entries/edit",
            record_no=entry["record_no"],
            lines=[{"line_no": at, "amount": "60.00"} for at in (1, 2)],
        ),
        6_000,
        6_000,
    ),
    "edited date": (
        lambda intacct, entry: intacct.admin("/entries/edit", record_no=entry["record_no"], date="2024-03-05"),
        0,
        10_000,
    ),
    "edited account": (
        lambda intacct, entry: intacct.admin(
            "/entries/edit", record_no=entry["record_no"], lines=[{"line_no": 1, "account": "1100"}]
        ),
        0,
        0,
    ),
    "draft": (
        lambda intacct, entry: intacct.admin("/entries/edit", record_no=entry["record_no"], state="Draft"),
        0,
        0,
    ),
    "title": (
        lambda intacct, entry: intacct.admin("/entries/edit", record_no=entry["record_no"], title="Mine"),
        10_000,
        10_000,
    ),
}
"""What a person does to an entry of 100.00 in Intacct; what stays recognized at the end of February and of March."""


@pytest.mark.both_databases
@pytest.mark.parametrize(
    "what", [pytest.param(what, marks=pytest.mark.slow if at >= 4 else ()) for at, what in enumerate(GONE)]
)
def test_what_is_no_longer_in_the_ledger_is_no_longer_recognized_once_it_is_accepted(
    books: Books, intacct: Intacct, row: MakeRow, what: str
) -> None:
    books.take(row(item="POD-1", amount="100.00", post_date="2024-02-01"))
    books.event("shop/INV-1/1", "pod", "2024-02-10")
    assert books.run("2024-02-29").complete
    change, in_february, in_march = GONE[what]
    change(intacct, intacct.entries()[0])
    february, march = date(2024, 2, 29), date(2024, 3, 31)
    assert reported(books, march) == {}, "nothing is accepted yet"
    (finding,) = reconcile(books.context("reconcile"), march).findings
    reconcile(books.context("reconcile"), march, accept=[finding.key], reason="on purpose")
    reconcile(books.context("reconcile"), march, accept=[finding.key], reason="said twice, counted once")
    for day, recognized in ((february, in_february), (march, in_march)):
        left = {("2400", "USD"): 10_000 - recognized} if recognized < 10_000 else {}
        assert reported(books, day) == reconciled(books, day) == left
        assert posted_until(books, day) == recognized
    (charge,) = lists.charges(books.context("charge list"), NO_FILTERS)
    assert charge["posted"] == decimal_string(in_march, "USD")


@pytest.mark.parametrize("how", ["reopen", "final"])
def test_what_is_reopened_or_closed_is_taken_from_what_is_posted_once(
    books: Books, intacct: Intacct, row: MakeRow, how: str
) -> None:
    books.take(row(item="POD-1", amount="100.00", post_date="2024-02-01"))
    books.event("shop/INV-1/1", "pod", "2024-02-10")
    assert books.run("2024-02-29").complete
    intacct.admin("/entries/reverse", record_no=intacct.entries()[0]["record_no"], date="2024-03-05")
    (finding,) = reconcile(books.context("reconcile"), END).findings
    keys: Any = {how: [finding.key]}
    reconcile(books.context("reconcile"), END, reason="on purpose", **keys)
    assert [posted_until(books, day) for day in (date(2024, 2, 29), END)] == [10_000, 0]


def test_an_entry_that_comes_back_after_its_lines_were_reopened_is_not_advised_to_be_accepted(
    books: Books, intacct: Intacct, row: MakeRow
) -> None:
    books.take(row(item="POD-1", amount="100.00", post_date="2024-02-01"))
    books.event("shop/INV-1/1", "pod", "2024-02-10")
    assert books.run("2024-02-29").complete
    intacct.admin("/entries/reverse", record_no=intacct.entries()[0]["record_no"], date="2024-03-05")
    (finding,) = reconcile(books.context("reconcile"), END).findings
    reconcile(books.context("reconcile"), END, reopen=[finding.key], reason="a mistake")
    assert books.run("2024-02-29").complete
    (mirror,) = [one["record_no"] for one in intacct.entries() if one["title"].startswith("Reversed")]
    intacct.admin("/entries/delete", record_no=mirror)
    (finding,) = reconcile(books.context("reconcile"), END).open
    assert finding.kind == "came_back" and "delete or reverse it in Intacct" in finding.advice


def test_an_entry_that_is_put_back_is_recognized_again_once_that_is_accepted(
    books: Books, intacct: Intacct, row: MakeRow
) -> None:
    books.take(row(item="POD-1", amount="100.00"))
    books.event("shop/INV-1/1", "pod", "2024-02-10")
    assert books.run("2024-02-29").complete
    for amount, left in (("60.00", {("2400", "USD"): 4_000}), ("100.00", {})):
        lines = [{"line_no": at, "amount": amount} for at in (1, 2)]
        intacct.admin("/entries/edit", record_no=intacct.entries()[0]["record_no"], lines=lines)
        (finding,) = reconcile(books.context("reconcile"), END).findings
        assert reconcile(books.context("reconcile"), END, accept=[finding.key], reason="so be it").ties
        assert reported(books) == reconciled(books) == left
    assert finding.kind == "restored"
    assert verify(books.context("verify")).sound


def test_history_stays_on_the_account_that_it_was_posted_to(books: Books, intacct: Intacct, row: MakeRow) -> None:
    books.rules(RULES)
    books.take(row("D1", amount="30.00", post_date="2024-01-01"), row("D2", item="POD-1", amount="50.00"))
    assert books.run("2024-01-31").complete
    moved = RULES.replace("recognize", 'post = { deferred = "2410" }\nrecognize')
    intacct.admin("/accounts", id="2410")
    books.rules(moved)
    schedule(books.context("schedule"), rebuild=True)
    assert reported(books, date(2024, 1, 31)) == {("2400", "USD"): 2_000 + 5_000}
    assert books.run("2024-02-29").complete
    books.event("shop/D2/1", "pod", "2024-02-20")
    assert books.run("2024-02-29").complete
    february = date(2024, 2, 29)
    expected = {("2400", "USD"): 2_000 + 5_000, ("2410", "USD"): -1_000 - 5_000}
    assert reported(books, february) == reconciled(books, february) == expected
    notes, sheet = BalanceNotes(), BalanceSheet()
    contracts = list(contract_balances(books.context(), BalanceOptions(february), sheet, notes))
    assert [(one.liability, one.asset) for one in contracts] == [(1_000, 0), (0, 0)], "a contract is one balance"
    delivery, magazine = sorted(notes.moves, key=lambda one: -one.balance)
    assert (magazine.account, magazine.to, magazine.lines, magazine.balance) == ("2400", "2410", 1, 2_000)
    assert (delivery.account, delivery.to, delivery.lines, delivery.balance) == ("2400", "2410", 1, 5_000)
    move = (books.context("reclassify"), "2400", "2410", february, "JE-812")
    assert [(one.lines, one.balance) for one in reclassify(*move, dry_run=True)] == [(2, 7_000)]
    assert reported(books, february) == expected, "a dry run stores nothing"
    reclassify(*move)
    assert reported(books, date(2024, 2, 28)) == {("2400", "USD"): 7_000, ("2410", "USD"): -6_000}
    assert reported(books, february) == reconciled(books, february) == {("2410", "USD"): 1_000}
    with pytest.raises(BadInput, match="no balance on 2400 belongs on 2410"):
        reclassify(*move)
    assert books.run("2024-03-31").complete and reported(books, date(2024, 3, 31)) == {}
    assert verify(books.context("verify")).sound
    assert delivery.reason.startswith('rule "delivery" version ') and delivery.reason.endswith(" names 2410")


def test_a_move_is_recorded_with_its_reason_in_an_open_period(offline: Books, row: MakeRow) -> None:
    offline.rules(HELD)
    offline.take(row(item="TOY-1", amount="100.00"))
    offline.rules(HELD.replace("recognize", 'post = { deferred = "2410" }\nrecognize'))
    context, january = offline.context("reclassify"), date(2024, 1, 31)
    with pytest.raises(BadInput, match="needs a reason"):
        reclassify(context, "2400", "2410", january, " ")
    with pytest.raises(BadInput, match="--entity E9: unknown"):
        reclassify(context, "2400", "2410", january, "JE-812", "E9")
    decide(context, [date(2024, 1, 1)], "closed", "reported")
    with pytest.raises(BadInput, match=r"2024-01 is closed .* in an open period"):
        reclassify(context, "2400", "2410", january, "JE-812")
    assert [one.balance for one in reclassify(context, "2400", "2410", date(2024, 2, 1), "JE-812")] == [10_000]
    assert reported(offline, january) == {("2400", "USD"): 10_000}
    assert reported(offline, date(2024, 2, 1)) == {("2410", "USD"): 10_000}


def reports_of(books: Books, day: date) -> list[Report]:
    """Return the reports of a day; the first is the rollforward of the time until then."""
    context, span = books.context("report"), DateSpan(date(2024, 1, 1), day)
    return [
        rollforward(context, RollforwardOptions(span, each="span")),
        rollforward(context, RollforwardOptions(span, by=["contract"])),
        rollforward(context, RollforwardOptions(span, by=["customer", "rule", "source"], split=True, current=True)),
        waterfall(context, day, "billed", date(2024, 1, 1), 3, shown=Cells(KINDS, net=True)),
        remaining_obligations(context, day, "item", [1, 12]),
        revenue(context, span, "month", "rule"),
        activity(context, span, "quarter"),
        tie_out(context, day),
    ]


def check_reports(books: Books, day: date) -> None:
    """Check that all reports tie out, that the rollforward ends with the balances of the day, and that sums in SQL are
    the sums of the lines."""
    whole, *_others = reports = reports_of(books, day)
    for report in reports:
        assert report.ties_out, (report.title, [check.as_row() for check in report.checks if check.difference])
    with mock.patch.object(plain_lines, "MOST_SPECIAL", -1):
        line_by_line = reports_of(books, day)
    for summed, read in zip(reports, line_by_line, strict=True):
        assert summed.rows == read.rows and summed.checks == read.checks, summed.title
    closing = {
        (row["account"], row["currency"]): to_minor(Decimal(row["closing"]), row["currency"]) for row in whole.rows
    }
    assert {key: amount for key, amount in closing.items() if amount} == reported(books, day)
    check_views(books)


def check_views(books: Books) -> None:
    """Check that the example queries of the views come to the figures of the reports."""
    context, span = books.context("report"), DateSpan(date(1900, 1, 1), date(2900, 1, 1))
    by_item: Counter[tuple[str, str, str]] = Counter()
    with context.database.read() as connection:
        for month, currency, item, amount in connection.exec_driver_sql(REVENUE):
            by_item[month, currency, item] = int(amount)
        sums = {
            (account, currency): (int(debits), int(credits))
            for account, currency, debits, credits in connection.exec_driver_sql(ACTIVITY)
        }
    by_all: Counter[tuple[str, str]] = Counter()
    for (_month, currency, item), amount in by_item.items():
        by_all[currency, item] += amount
    found = {
        (row["currency"], row["item"]): to_minor(Decimal(row["revenue"]), row["currency"])
        for row in revenue(context, span, "span", "item").rows
    }
    assert {key: amount for key, amount in by_all.items() if amount} == {key: one for key, one in found.items() if one}
    assert sums == {
        (row["account"], row["currency"]): tuple(to_minor(Decimal(row[side]), row["currency"]) for side in SIDES)
        for row in activity(context, span, "span").rows
    }


def test_reports_tie_out_with_a_line_that_is_billed_at_zero(offline: Books) -> None:
    bundle = ROOT / "sample_data" / "bundle"
    for name in ("bundles.toml", "prices.csv"):
        (offline.folder / "rules" / name).write_text((bundle / name).read_text())
    assert not offline.import_file(bundle / "charges.csv").refused
    check_reports(offline, date(2024, 1, 31))


@pytest.mark.both_databases
@pytest.mark.slow
def test_the_reports_tie_out_on_both_databases(books: Books, row: MakeRow) -> None:
    books.rules(RULES)
    books.take(
        row("D1", amount="30.00", post_date="2024-01-01"),
        row("D2", item="POD-1", amount="50.00"),
        row("D3", item="ODD", amount="7.00"),
        row("D4", amount="-9.00", post_date="2024-04-01"),
    )
    books.event("shop/D2/1", "credit", "2024-01-20", amount=5)
    books.event("shop/D1/1", "price", "2024-03-15", amount=24)
    assert books.run("2024-02-29").complete
    for day in (date(2024, 1, 15), date(2024, 2, 29), date(2024, 6, 30)):
        check_reports(books, day)
    found = list(journal(books.context(), Filters(rule="magazine")))
    assert {line["rule"] for line in found} == {"magazine"} and len(found) == 4


def test_reports_tie_out_with_a_line_that_is_recognized_before_it_is_billed(books: Books, row: MakeRow) -> None:
    books.rules(RULES)
    books.take(
        row("D1", item="POD-1", amount="40.00", post_date="2024-05-31"), row("D2", item="POD-1", amount="100.00")
    )
    books.event("shop/D1/1", "pod", "2024-03-28")
    assert books.run("2024-03-31").complete
    march = date(2024, 3, 31)
    assert reported(books, march) == {("2400", "USD"): 6_000}
    check_reports(books, march)


def test_reports_of_a_closed_month_tie_out_with_what_arrived_after_its_close(offline: Books, row: MakeRow) -> None:
    offline.rules(RULES)
    offline.take(row("D1", item="MAG-1", amount="30.00", post_date="2024-01-10"))
    decide(offline.context("periods close"), [date(2024, 1, 1)], "closed", "reported")
    offline.take(row("D2", item="MAG-1", amount="90.00", post_date="2024-01-10"), name="late.csv")
    offline.event("shop/D1/1", "credit", "2024-01-20", amount=6)
    january = date(2024, 1, 31)
    check_reports(offline, january)
    (check,) = waterfall(offline.context("report"), january, "billed", january, 1).checks
    assert check.name == "remaining = balance with what arrived after the close"
    assert (check.left, check.right, reported(offline, january)) == (11_400, 11_400, {("2400", "USD"): 3_000})


def test_what_is_not_invoiced_yet_is_not_billed_in_the_remaining_obligations(offline: Books, row: MakeRow) -> None:
    config = offline.folder / "revrec.toml"
    config.write_text(config.read_text() + '[invoicing]\ndefault_term = "Net 30"\n[invoice.shop]\nas = "invoice"\n')
    offline.rules(RULES)
    offline.take(row(item="MAG-1", amount="30.00", post_date="2024-01-10"))
    january = date(2024, 1, 31)
    (shown,) = remaining_obligations(offline.context("report"), january, "item", [12]).rows
    assert (shown["total"], shown["billed"], shown["not_billed"]) == ("30.00", "0.00", "30.00")
    check_reports(offline, january)


def test_the_percentages_of_a_credit_add_up_to_100(offline: Books, row: MakeRow) -> None:
    offline.rules(RULES)
    offline.take(row(item="MAG-1", amount="-30.00", post_date="2024-01-10"))
    (shown,) = remaining_obligations(offline.context("report"), date(2024, 1, 31), "item", [1, 12]).rows
    assert (shown["within_1_months"], shown["months_2_to_12"], shown["total"]) == ("-20.00", "-10.00", "-30.00")
    percent = ("percent_within_1_months", "percent_months_2_to_12", "percent_later", "percent_waiting")
    assert [shown[name] for name in percent] == ["66.7", "33.3", "0.0", "0.0"]


EVENTS = st.tuples(st.sampled_from(["credit", "price", "pod", "hold", "release"]), DAYS, st.integers(-40, 40))
LINES = st.lists(
    st.fixed_dictionaries({
        "amount": st.integers(-5000, 5000).filter(bool),
        "post_date": DAYS,
        "item": st.sampled_from(["MAG-1", "POD-1", "TOY-1", "ODD"]),
        "currency": st.sampled_from(["USD", "EUR"]),
        "events": st.lists(EVENTS, max_size=2, unique_by=lambda one: (one[0], one[1])),
    }), min_size=1, max_size=6,
)  # fmt: skip


@pytest.mark.slow
@settings(
    max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(lines=LINES, runs=st.lists(DAYS, max_size=2), day=st.dates(date(2024, 1, 1), date(2024, 6, 30)))
def test_both_show_what_the_rows_add_up_to(
    fresh_books: MakeBooks,
    row: MakeRow,
    intacct: Intacct,
    lines: Any,
    runs: list[str],
    day: date,
) -> None:
    books = fresh_books(intacct.environment)
    books.rules(RULES)
    fields = [{name: value for name, value in one.items() if name != "events"} for one in lines]
    books.take(
        *(
            row(f"D{at}", **{**one, "amount": decimal_string(one["amount"], one["currency"])})
            for at, one in enumerate(fields)
        )
    )
    for until in [*runs, ""]:
        for at, one in enumerate(lines):
            for kind, when, amount in one["events"]:
                if bool(until) == (amount > 0):  # half of the events come before the runs, half after them
                    money = amount if kind in ("credit", "price") else None
                    books.event(f"shop/D{at}/1", kind, when, amount=money)
        if until:
            assert books.run(until).complete
    assert reported(books, day) == reconciled(books, day) == added_up(books, day)
    check_reports(books, day)


@pytest.mark.slow
@settings(
    max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(steps=STEPS, day=st.dates(date(2024, 1, 1), date(2024, 7, 31)))
def test_both_show_what_is_billed_less_what_intacct_has_whatever_is_undone_or_moved(
    fresh_books: MakeBooks,
    row: MakeRow,
    intacct: Intacct,
    steps: list[tuple[str, str, int]],
    day: date,
) -> None:
    """Charges, events, holds, runs, new accounts, reversals here, and deleted and reversed entries in Intacct."""
    story = Story.begin(fresh_books, intacct, row)
    for at, step in enumerate([*OPENING, *steps]):
        story.do(at, *step)
    expected = story.expected(day)
    assert reported(story.books, day) == reconciled(story.books, day) == expected
    check_reports(story.books, day)
    assert verify(story.books.context("verify")).sound
