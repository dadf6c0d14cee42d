"""Interest in a price: from the import to the ledger, each entry exactly once, and in the balances."""

from datetime import date

import pytest

from revrec.core.contract_balance import BalanceSheet
from revrec.core.typed_dates import DateSpan
from revrec.jobs.admin.verify import verify
from revrec.jobs.reconciling.opening import opening
from revrec.jobs.reconciling.reclassify import reclassify
from revrec.jobs.reports.contract_balances import contract_balances
from revrec.jobs.reports.costs import CostOptions, costs
from revrec.jobs.reports.explain_amounts import explain_amounts
from revrec.jobs.reports.line_balances import BalanceOptions
from revrec.jobs.reports.remaining_obligations import remaining_obligations
from revrec.jobs.reports.revenue import revenue
from revrec.jobs.reports.rollforward import RollforwardOptions, rollforward
from revrec.jobs.reports.tie_out import tie_out
from revrec.jobs.reports.waterfall import waterfall
from revrec.jobs.scheduling.rebuild import schedule
from support.books import Books, MakeRow
from support.intacct import Intacct

EXAMPLE_29 = """
[[rule]]
name = "license"
[rule.recognize]
method = "fixed_offset"
offset = "2 years"
[rule.financing]
direction = "prepayment"
rate = "6"
term = "2 years"
interest = "5000"
by = "period"
"""
DEFERRED = """
[[rule]]
name = "equipment"
[rule.recognize]
method = "fixed_offset"
[rule.financing]
direction = "deferral"
rate = "10"
term = "2 years"
interest = "4010"
by = "period"
"""
CHARGE = "shop/INV-1/1"
INTEREST = f"{CHARGE}:cost:financing"


@pytest.fixture
def license_(books: Books, row: MakeRow) -> Books:
    """4,000.00 in advance for a transfer two years later, at 6 percent."""
    books.rules(EXAMPLE_29)
    books.take(row(post_date="2024-01-01", amount="4000.00"))
    return books


def ledger(books: Books) -> dict[str, int]:
    """Return the balance of each account, debits positive, in minor units."""
    rows = books.sql(
        "SELECT account, sum(CASE side WHEN 'debit' THEN l.amount ELSE -l.amount END) FROM journal_line l"
        " JOIN journal_entry e ON e.id = l.entry_id WHERE e.state = 'POSTED' GROUP BY account ORDER BY account"
    )
    return {account: int(amount) for account, amount in rows}


def liability(books: Books, day: str) -> tuple[int, int]:
    """Return the liability and the asset of the only contract."""
    sheet = BalanceSheet()
    (one,) = contract_balances(books.context(), BalanceOptions(date.fromisoformat(day)), sheet)
    return one.liability, one.asset


def ties_out(books: Books, day: str) -> bool:
    span = DateSpan(date(2024, 1, 1), date.fromisoformat(day))
    return all(one.ties_out for one in (
        costs(books.context(), CostOptions(span, "year")),
        tie_out(books.context(), date.fromisoformat(day)),
        remaining_obligations(books.context(), date.fromisoformat(day), "item", [12]),
        rollforward(books.context(), RollforwardOptions(span, "year")),
    ))  # fmt: skip


@pytest.mark.both_databases
def test_interest_is_posted_once_to_its_own_account_and_raises_the_revenue(license_: Books) -> None:
    books = license_
    assert books.run("2024-12-31").complete
    assert ledger(books) == {"2400": -240_00, "5000": 240_00}, "debit interest expense, credit the liability"
    assert liability(books, "2024-12-31") == (4240_00, 0) and ties_out(books, "2024-12-31")
    assert books.run("2025-12-31").complete and books.run("2025-12-31").counts["posted"] == 0
    assert liability(books, "2025-12-31") == (4494_40, 0) and ties_out(books, "2025-12-31")
    assert books.run("2026-01-31").complete
    assert ledger(books) == {"2400": 4000_00, "4000": -4494_40, "5000": 494_40}
    assert liability(books, "2026-01-31") == (0, 0) and ties_out(books, "2026-01-31")
    assert verify(books.context("verify")).sound


def test_interest_is_not_a_cost_of_a_contract(license_: Books) -> None:
    assert license_.run("2024-12-31").complete
    report = costs(license_.context("report"), CostOptions(DateSpan(date(2024, 1, 1), date(2024, 12, 31)), "year"))
    assert report.ties_out and list(report.rows) == []


def test_interest_is_explained(license_: Books) -> None:
    line, interest = explain_amounts(license_.context(), CHARGE)
    assert "financing: 494.40 USD of interest at 6 percent a year is part of the price (ASC 606-10-32-15)" in line.why
    assert [part.comes_from for part in line.parts] == ["the whole amount, 4494.40 USD"]
    assert interest.charge.id == INTEREST and "at 6 percent for each year" in interest.why
    assert [part.comes_from for part in interest.parts] == [
        "part 1 of 2: -240.00 of interest by then",
        "part 2 of 2: -494.40 of interest by then, less -240.00 before it",
    ]
    assert interest.standard and interest.standard.startswith("ASC 606-10-32-15 to 32-20")


def test_a_deferred_payment_earns_interest_until_it_is_due(books: Books, row: MakeRow) -> None:
    books.rules(DEFERRED)
    books.take(row(post_date="2024-01-01", amount="121.00"))
    assert books.run("2024-12-31").complete
    assert ledger(books) == {"2400": 110_00, "4000": -100_00, "4010": -10_00}
    assert liability(books, "2024-12-31") == (11_00, 0), "interest that is billed and not earned yet"
    assert books.run("2025-12-31").complete
    assert ledger(books) == {"2400": 121_00, "4000": -100_00, "4010": -21_00}
    assert liability(books, "2025-12-31") == (0, 0) and ties_out(books, "2025-12-31")
    assert verify(books.context("verify")).sound


def test_a_cancellation_ends_interest_and_leaves_nothing_on_the_account(license_: Books) -> None:
    books = license_
    assert books.run("2024-12-31").complete
    books.event(CHARGE, "cancel", "2025-06-30", amount="4000.00")
    assert books.run("2026-12-31").complete
    assert ledger(books) == {"2400": 0, "4000": -366_15, "5000": 366_15}, "240.00 and 181 of 365 days of 254.40"
    assert liability(books, "2026-12-31") == (0, 0) and ties_out(books, "2026-12-31")
    assert verify(books.context("verify")).sound


def test_interest_that_a_person_moves_to_another_account_is_a_move_and_no_interest(
    license_: Books, intacct: Intacct
) -> None:
    assert license_.run("2024-12-31").complete
    license_.rules(f"{EXAMPLE_29}account = '2410'\n[rule.post]\ndeferred = '2410'\n")
    intacct.admin("/accounts", id="2410")
    schedule(license_.context("schedule"), rebuild=True)
    day = date(2025, 2, 1)
    reclassify(license_.context("reclassify"), "2400", "2410", day, "JE-812")
    february = DateSpan(day, date(2025, 2, 28))
    rows = rollforward(license_.context(), RollforwardOptions(february)).rows
    found = [(one["account"], one["opening"], one["interest"], one["reclassified"], one["closing"]) for one in rows]
    assert found == [
        ("2400", "4240.00", "0.00", "-4240.00", "0.00"),
        ("2410", "0.00", "0.00", "4240.00", "4240.00"),
    ]
    assert ties_out(license_, "2025-02-28")


def test_remaining_interest_counts_also_if_the_document_number_contains_the_mark_of_a_cost(
    books: Books, row: MakeRow
) -> None:
    books.rules(EXAMPLE_29)
    books.take(row("A:cost:1", post_date="2024-01-01", amount="4000.00"))
    report = remaining_obligations(books.context(), date(2024, 6, 30), "item", [12])
    assert report.ties_out and [one["total"] for one in report.rows] == ["4494.40"]


def test_a_rule_that_gains_financing_adds_interest_with_a_rebuild(books: Books, row: MakeRow) -> None:
    plain, _mark, financing = EXAMPLE_29.partition("[rule.financing]")
    books.rules(plain)
    books.take(row(post_date="2024-01-01", amount="4000.00"))
    books.rules(plain + "[rule.financing]" + financing)
    schedule(books.context("schedule"), rebuild=True)
    found = books.sql("SELECT charge_no, amount FROM schedule WHERE superseded_by IS NULL ORDER BY charge_no")
    assert [tuple(one) for one in found] == [(1, 4494_40), (2, -494_40)]
    assert verify(books.context("verify")).sound


def test_a_year_or_less_makes_no_interest_line_and_the_trace_says_why(books: Books, row: MakeRow) -> None:
    books.rules(EXAMPLE_29.replace('term = "2 years"', 'term = "12 months"'))
    books.take(row(post_date="2024-01-01", amount="4000.00"))
    (line,) = explain_amounts(books.context(), CHARGE)
    assert "a year or less lies between payment and transfer" in line.why and "ASC 606-10-32-18" in line.why
    assert [part.amount for part in line.parts] == ["4000.00"]


NEW_YEAR = "2025-01-01"


@pytest.fixture
def taken_over(books: Books, row: MakeRow) -> Books:
    """Example 29, taken over after the first of its two years."""
    books.rules(EXAMPLE_29)
    books.take(row(post_date="2024-01-01", amount="4000.00", cutover=NEW_YEAR))
    return books


@pytest.mark.both_databases
def test_a_prepayment_in_progress_begins_with_its_carrying_amount(taken_over: Books) -> None:
    books = taken_over
    assert opened(books) == [("2400", "4000.00", "-240.00", "4240.00")]
    assert books.open_parts(INTEREST) == [("2025-12-31", -254_40)]
    assert books.open_parts(CHARGE) == [("2026-01-01", 4494_40)]
    assert schedule(books.context("schedule")).changes == []
    assert liability(books, "2025-01-01") == (4240_00, 0)
    assert books.run("2025-12-31").complete
    year = DateSpan(date(2025, 1, 1), date(2025, 12, 31))
    (moved,) = rollforward(books.context(), RollforwardOptions(year, "year")).rows
    assert (moved["migrated"], moved["interest"], moved["closing"]) == ("4240.00", "254.40", "4494.40")
    assert ledger(books) == {"2400": -254_40, "5000": 254_40}, "what accrued before is on no entry"
    assert liability(books, "2025-12-31") == (4494_40, 0) and ties_out_from(books, 2025)
    assert books.run("2026-01-31").complete
    assert ledger(books) == {"2400": 4240_00, "4000": -4494_40, "5000": 254_40}
    assert liability(books, "2026-01-31") == (0, 0) and ties_out_from(books, 2026)
    assert verify(books.context("verify")).sound


def opened(books: Books) -> list[tuple[str, ...]]:
    """Return the account, original and recognized amount and what is open, of each opening balance."""
    rows = opening(books.context("report")).rows
    return [(one["account"], one["original"], one["recognized_before"], one["open"]) for one in rows]


def ties_out_from(books: Books, year: int) -> bool:
    """Check the reports of 2025 until the end of a year."""
    span, day = DateSpan(date(2025, 1, 1), date(year, 12, 31)), date(year, 12, 31)
    return all(one.ties_out for one in (
        costs(books.context(), CostOptions(span, "year")),
        tie_out(books.context(), day),
        remaining_obligations(books.context(), day, "item", [12]),
        rollforward(books.context(), RollforwardOptions(span, "year")),
        waterfall(books.context(), day, "item", date(2025, 1, 1), 24),
        revenue(books.context(), span, "year", "item"),
    ))  # fmt: skip


def test_a_deferral_in_progress_goes_on_with_the_interest_that_is_left(books: Books, row: MakeRow) -> None:
    books.rules(DEFERRED)
    # 121.00 in two years is 100.00 now: 10.00 of interest in the first year, and 11.00 in the second.
    books.take(row(post_date="2024-01-01", amount="121.00", recognized_before="100.00", cutover=NEW_YEAR))
    assert opened(books) == [("2400", "121.00", "110.00", "11.00")]
    assert books.open_parts(CHARGE) == [] and books.open_parts(INTEREST) == [("2025-12-31", 11_00)]
    assert books.run("2025-12-31").complete
    assert ledger(books) == {"2400": 11_00, "4010": -11_00}
    assert liability(books, "2025-12-31") == (0, 0) and ties_out_from(books, 2025)
    assert verify(books.context("verify")).sound


def test_a_cancellation_ends_the_interest_of_a_contract_in_progress(taken_over: Books) -> None:
    # A refund of everything: the 240.00 of before the cutover were an expense, and 0.00 is left on the account.
    taken_over.event(CHARGE, "cancel", "2025-01-01", amount=4000)
    assert taken_over.run("2026-12-31").complete
    assert sum(ledger(taken_over).values()) == 0
    assert liability(taken_over, "2026-12-31") == (0, 0)
    assert verify(taken_over.context("verify")).sound


def test_what_was_recognized_of_a_financed_line_is_compared_with_its_price(books: Books, row: MakeRow) -> None:
    books.rules(DEFERRED)
    fields = {"post_date": "2024-01-01", "amount": "121.00", "cutover": NEW_YEAR}
    (less,) = books.import_file(books.file("less.csv", [row(**fields, recognized_before="90.00")])).report
    assert "recognizes 100.00 USD before the cutover" in str(less["reason"]) and "spread" in str(less["fix"])
    line = row(**fields, recognized_before="121.00")
    (problem,) = books.import_file(books.file("wrong.csv", [line])).report
    assert (problem["field"], problem["reason"]) == (
        "recognized_before",
        "is more than the amount, or has the other sign",
    )


def test_the_interest_of_a_contract_in_progress_cannot_begin_with_an_event(books: Books, row: MakeRow) -> None:
    books.rules(DEFERRED.replace('term = "2 years"', 'term = "2 years"\nstart = "delivered"'))
    books.take(row(post_date="2024-01-01", amount="121.00", cutover=NEW_YEAR))
    reasons = [reason for (reason,) in books.sql("SELECT reason FROM unscheduled")]
    assert reasons and all("cannot begin with an event" in reason for reason in reasons)
