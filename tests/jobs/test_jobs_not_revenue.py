"""Amounts that are not revenue (method ``none``): in the control totals, and in nothing else."""

from datetime import date
from decimal import Decimal

import pytest

from revrec.core.contract_balance import BalanceSheet
from revrec.core.filters import NO_FILTERS
from revrec.core.money import decimal_string
from revrec.jobs.posting.periods import decide
from revrec.jobs.reports import lists
from revrec.jobs.reports.contract_balances import BalanceNotes, contract_balances
from revrec.jobs.reports.exceptions import exceptions
from revrec.jobs.reports.line_balances import BalanceOptions, line_balances
from revrec.jobs.reports.remaining_obligations import remaining_obligations
from revrec.jobs.reports.status import status
from revrec.jobs.reports.tie_out import tie_out
from revrec.jobs.scheduling.rebuild import schedule
from support.books import ROOT, Books, MakeRow

MONTHLY = 'method = "monthly", periods = 2'
TAX = """
[[rule]]
name = "sales-tax"
priority = 200
when = { item = "TAX" }
recognize = { method = "none", reason = "sales tax, owed to the state" }
"""
RULES = f"""
[[rule]]
name = "service"
when = {{ item = "*" }}
recognize = {{ {MONTHLY} }}
"""
END = date(2024, 4, 30)


def totals(books: Books) -> dict[str, str]:
    report = tie_out(books.context("report"), END)
    assert report.ties_out
    return {row["figure"]: row["amount"] for row in report.rows}


@pytest.mark.both_databases
def test_tax_is_in_the_control_totals_and_in_nothing_else(books: Books, row: MakeRow) -> None:
    books.rules(RULES + TAX)
    taken = books.take(
        row("D1", amount="100.00", post_date="2024-01-01"),
        row("D1", line="2", item="TAX", amount="8.00", post_date="2024-01-01"),
        row("D2", item="TAX", amount="-1.00", post_date="2024-01-01"),
    )
    assert (taken.accepted, taken.scheduled, taken.unscheduled) == (3, 1, 0)
    found = status(books.context("status"))
    assert (found.charges, found.unscheduled, found.undated, found.missing) == (3, 0, (), ())
    assert not exceptions(books.context("report"), END).rows
    states = {one["charge"]: one["state"] for one in lists.charges(books.context("list"), NO_FILTERS)}
    assert states == {"shop/D1/1": "scheduled", "shop/D1/2": "not revenue", "shop/D2/1": "not revenue"}
    before = remaining_obligations(books.context("report"), date(2024, 1, 15), "item", [12])
    assert {one["item"]: one["total"] for one in before.rows} == {"MAG-1": "100.00"} and before.ties_out
    assert books.run(END.isoformat()).complete
    figures = totals(books)
    assert (figures["accepted, as billed"], figures["dated"], figures["not revenue"]) == ("107.00", "100.00", "7.00")
    assert figures.get("rollforward: closing", "0.00") == "0.00"


def test_a_rebuild_drops_what_turns_out_not_to_be_revenue_and_can_bring_it_back(offline: Books, row: MakeRow) -> None:
    offline.rules(RULES)
    offline.take(row("D1", item="TAX", amount="8.00", post_date="2024-01-01"))
    assert totals(offline)["dated"] == "8.00"
    offline.rules(RULES + TAX)
    assert schedule(offline.context("schedule"), rebuild=True, reason="tax is not revenue").unscheduled == 0
    figures = totals(offline)
    assert figures["price changes and credits"] == "-8.00" and "unscheduled" not in figures
    assert remaining_obligations(offline.context("report"), END, "item", [12]).rows == []
    offline.rules(RULES)
    schedule(offline.context("schedule"), rebuild=True, reason="it was a fee after all")
    assert totals(offline)["dated"] == "8.00"


def test_tax_in_the_document_of_a_bundle_takes_no_share_of_its_price(offline: Books, row: MakeRow) -> None:
    bundle = ROOT / "sample_data" / "bundle"
    rules = (bundle / "bundles.toml").read_text().replace('"SETUP", "CARE"]', '"SETUP", "CARE", "TAX"]', 1) + TAX
    (offline.folder / "rules" / "bundles.toml").write_text(rules)
    (offline.folder / "rules" / "prices.csv").write_text((bundle / "prices.csv").read_text())
    assert not offline.import_file(bundle / "charges.csv").refused
    before = {one["item"]: one["planned"] for one in lists.charges(offline.context("list"), NO_FILTERS)}
    offline.take(row("INV-2001", line="9", item="TAX", amount="8000.00", post_date="2024-01-15"))
    schedule(offline.context("schedule"), rebuild=True, reason="again")
    found = {one["item"]: one["planned"] for one in lists.charges(offline.context("list"), NO_FILTERS)}
    assert found == before | {"TAX": "0.00"} and sum(map(Decimal, before.values())) == 100_000


def test_a_closed_month_does_not_list_tax_that_arrived_late(offline: Books, row: MakeRow) -> None:
    offline.rules(RULES + TAX)
    offline.take(row("D1", amount="100.00", post_date="2024-01-01"))
    decide(offline.context("periods"), [date(2024, 1, 1)], "closed", "reported")
    offline.take(row("D2", item="TAX", amount="8.00", post_date="2024-01-05"))
    sheet, notes = BalanceSheet(), BalanceNotes()
    wanted = BalanceOptions(date(2024, 1, 31))
    assert len(list(contract_balances(offline.context("report"), wanted, sheet, notes))) == 1
    assert not notes.late
    assert totals(offline)["not revenue"] == "8.00"


@pytest.mark.both_databases
def test_a_closed_month_keeps_its_balance_when_a_rule_decides_later_what_is_revenue(books: Books, row: MakeRow) -> None:
    books.rules(RULES)
    books.take(row("D1", item="TAX", amount="8.00", post_date="2024-01-01"))
    decide(books.context("periods"), [date(2024, 1, 1)], "closed", "reported")
    assert january(books) == ("8.00", [])
    books.rules(RULES + TAX)
    schedule(books.context("schedule"), rebuild=True, reason="tax is not revenue")
    assert january(books) == ("8.00", [("not revenue", "-8.00")])
    assert balance(books, date(2024, 2, 1)) == "0.00"
    books.rules(RULES)
    schedule(books.context("schedule"), rebuild=True, reason="it was a fee after all")
    assert january(books) == ("8.00", [])
    decide(books.context("periods"), [date(2024, 2, 1)], "closed", "reported")
    books.rules(RULES + TAX)
    schedule(books.context("schedule"), rebuild=True, reason="it is tax")
    assert balance(books, date(2024, 2, 29)) == "8.00" and balance(books, date(2024, 3, 1)) == "0.00"


def test_what_was_posted_before_a_rule_says_that_it_is_not_revenue_leaves_no_balance(
    books: Books, row: MakeRow
) -> None:
    books.rules(RULES)
    books.take(row("D1", item="TAX", amount="8.00", post_date="2024-01-01"))
    assert books.run("2024-01-31").complete
    assert balance(books, date(2024, 1, 31)) == "4.00"
    books.rules(RULES + TAX)
    schedule(books.context("schedule"), rebuild=True, reason="tax is not revenue")
    assert balance(books, date(2024, 1, 31)) == "0.00" and totals(books)["price changes and credits"] == "-4.00"


def test_what_is_on_hold_when_a_rule_says_that_it_is_not_revenue_leaves_no_balance(books: Books, row: MakeRow) -> None:
    books.rules(RULES)
    books.take(row("D1", item="TAX", amount="8.00", post_date="2024-01-01"))
    assert books.run("2024-01-31").complete
    books.event("shop/D1/1", "hold", "2024-02-01")
    books.rules(RULES + TAX)
    schedule(books.context("schedule"), rebuild=True, reason="tax is not revenue")
    assert balance(books, date(2024, 1, 31)) == "0.00" and totals(books)["price changes and credits"] == "-4.00"


def january(books: Books) -> tuple[str, list[tuple[str, str]]]:
    """Return the balance of January, and what changed it after its close."""
    notes = BalanceNotes()
    day = date(2024, 1, 31)
    list(contract_balances(books.context("report"), BalanceOptions(day), BalanceSheet(), notes))
    return balance(books, day), [(one.change, decimal_string(one.amount, "USD")) for one in notes.late]


def balance(books: Books, day: date) -> str:
    """Return the deferred balance of all charge lines on a day."""
    context = books.context("report")
    with context.database.read() as connection:
        lines = list(line_balances(context, connection, BalanceOptions(day)))
    return decimal_string(sum(line.balance for line in lines), "USD")
