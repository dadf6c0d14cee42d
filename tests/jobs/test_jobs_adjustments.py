"""Adjusting entries: each is posted once, with its reversal, and what changed is posted as a difference."""

from collections.abc import Sequence
from datetime import date, timedelta

import pytest

from revrec.core.adjusting import EXCHANGE, PRESENTATION, AdjustingLine, Adjustment
from revrec.core.errors import BadInput
from revrec.core.filters import Filters
from revrec.jobs.adjusting.adjustments import propose
from revrec.jobs.admin.verify import verify
from revrec.jobs.posting import periods, resolve
from revrec.jobs.posting.reversing import ReversalOrder
from revrec.jobs.reports.adjustment_trace import trace_adjustments
from revrec.jobs.reports.lists import postings
from revrec.jobs.running.adjust import adjust
from revrec.jobs.running.result import RunResult
from revrec.jobs.running.reverse import reverse
from support.books import Books, MakeRow
from support.intacct import Intacct
from support.rule_texts import MAGAZINE

pytestmark = pytest.mark.both_databases

DAY, NEXT = date(2024, 3, 31), date(2024, 4, 1)
AGAIN = timedelta(seconds=10)
"""A time after the quarantine."""


def wanted(
    amount: int, kind: str = PRESENTATION, subject: str = "asset 2400", reversed_on: date | None = NEXT
) -> Adjustment:
    """Return an adjustment of an amount in minor units: debit 1200, credit 2400."""
    lines = (AdjustingLine("1200", amount), AdjustingLine("2400", -amount)) if amount else ()
    return Adjustment(kind, subject, DAY, "", "USD", "RR", lines, "contract assets of 2400", reversed_on)


def post(books: Books, *some: Adjustment, later: timedelta = timedelta(0), dry_run: bool = False) -> RunResult:
    """Post adjusting entries as a command does."""
    context = books.context("adjust", later)
    kind = some[0].kind if some else PRESENTATION
    return adjust(context, DAY, lambda to, run, company: propose(to, context, run, company, kind, DAY, some), dry_run)


def ledger(intacct: Intacct, until: date) -> dict[str, int]:
    """Return the balance of each account in Intacct's ledger on a day, in cents, debits positive."""
    return {account: int(amount * 100) for account, amount in intacct.balances(until).items()}


def states(books: Books) -> list[str]:
    return [state for (state,) in books.sql("SELECT state FROM adjusting_entry ORDER BY id")]


def verified(books: Books) -> Sequence[object]:
    return list(verify(books.context("verify")).findings)


def test_it_is_in_the_ledger_on_its_day_and_reversed_on_the_next(books: Books, intacct: Intacct) -> None:
    result = post(books, wanted(40000))
    assert result.complete and result.adjustment_counts["posted"] == 2
    assert ledger(intacct, DAY) == {"1200": 40000, "2400": -40000}
    assert ledger(intacct, NEXT) == {"1200": 0, "2400": 0}
    assert not verified(books)


def test_unchanged_figures_post_nothing(books: Books, intacct: Intacct) -> None:
    post(books, wanted(40000))
    result = post(books, wanted(40000))
    assert result.complete and not result.adjustments and result.adjustment_counts["posted"] == 0
    assert len(intacct.entries()) == 2


def test_changed_figures_post_the_difference_and_its_reversal(books: Books, intacct: Intacct) -> None:
    post(books, wanted(40000))
    post(books, wanted(25000))
    assert len(intacct.entries()) == 4
    assert ledger(intacct, DAY) == {"1200": 25000, "2400": -25000}
    assert ledger(intacct, NEXT) == {"1200": 0, "2400": 0}


def test_what_is_not_wanted_any_more_is_taken_back(books: Books, intacct: Intacct) -> None:
    post(books, wanted(40000), wanted(100, subject="asset 2410"))
    post(books, wanted(100, subject="asset 2410"))
    assert ledger(intacct, DAY) == {"1200": 100, "2400": -100}
    assert ledger(intacct, NEXT) == {"1200": 0, "2400": 0}


def test_another_kind_is_counted_by_itself(books: Books, intacct: Intacct) -> None:
    post(books, wanted(40000))
    result = post(books, wanted(700, EXCHANGE, reversed_on=None))
    assert result.adjustment_counts["posted"] == 1, "it wants no reversal"
    assert ledger(intacct, NEXT) == {"1200": 700, "2400": -700}


def test_a_dry_run_shows_what_would_be_posted(books: Books, intacct: Intacct) -> None:
    result = post(books, wanted(40000), dry_run=True)
    assert [(one["date"], one["amount"], one["status"]) for one in result.adjustments] == [
        ("2024-03-31", "400.00", "planned"),
        ("2024-04-01", "400.00", "planned"),
    ]
    assert not states(books) and not intacct.entries()


@pytest.mark.parametrize("fault", ["drop@after:#1:create", "drop@after:#2:create"], ids=["entry", "reversal"])
def test_a_lost_answer_is_settled_by_the_next_run_and_posted_once(books: Books, intacct: Intacct, fault: str) -> None:
    intacct.fault(fault)
    assert not post(books, wanted(40000)).complete
    assert "IN_DOUBT" in states(books)
    assert books.run("2024-03-31", later=AGAIN).complete
    assert states(books) == ["POSTED", "POSTED"] and len(intacct.entries()) == 2


def test_a_rejected_entry_goes_on_under_a_new_reference_with_its_reversal(books: Books, intacct: Intacct) -> None:
    intacct.admin("/accounts", id="1200", active=False)
    assert post(books, wanted(40000)).adjustment_counts["failed"] == 1
    assert states(books) == ["REJECTED", "READY"], "the reversal waits for the entry"
    intacct.admin("/accounts", id="1200", active=True)
    assert books.run("2024-03-31").complete
    assert states(books) == ["REPLACED", "REPLACED", "POSTED", "POSTED"]
    assert ledger(intacct, DAY) == {"1200": 40000, "2400": -40000}


def test_a_reversal_waits_until_its_period_opens(books: Books, intacct: Intacct) -> None:
    intacct.fault("refuse=BL01001970 The period of 04/01/2024 is not open@before:#2:create")
    result = post(books, wanted(40000))
    assert result.complete and result.adjustment_counts["later"] == 1
    assert states(books)[0] == "POSTED" and ledger(intacct, NEXT) == {"1200": 40000, "2400": -40000}
    assert books.run("2024-04-01").complete
    assert ledger(intacct, NEXT) == {"1200": 0, "2400": 0}


def test_a_reversal_waits_until_its_entry_is_approved(books: Books, intacct: Intacct) -> None:
    intacct.admin("/switch", approval=True)
    assert post(books, wanted(40000)).complete, "the rest is up to Intacct's approver"
    assert states(books) == ["AWAITING_APPROVAL", "READY"] and len(intacct.entries()) == 1
    intacct.admin("/entries/edit", record_no=intacct.entries()[0]["record_no"], state="Posted")
    books.run("2024-03-31")
    assert states(books) == ["POSTED", "AWAITING_APPROVAL"] and len(intacct.entries()) == 2


def test_a_closed_period_refuses_changed_figures_only(books: Books, intacct: Intacct) -> None:
    post(books, wanted(40000))
    periods.decide(books.context("periods close"), [date(2024, 3, 1)], "closed", "the close")
    assert post(books, wanted(40000)).complete
    with pytest.raises(BadInput, match="asset 2400 on 2024-03-31: its figures changed, and the period is closed"):
        post(books, wanted(30000))
    assert len(intacct.entries()) == 2


def test_a_canceled_reversal_is_made_again(books: Books, intacct: Intacct) -> None:
    intacct.fault("drop@before:#2:create")
    post(books, wanted(40000))
    ((reference,),) = books.sql("SELECT reference FROM adjusting_entry WHERE state = 'IN_DOUBT'")
    resolve.cancel(books.context("resolve", AGAIN), reference, "it is not there")
    assert books.run("2024-03-31", later=AGAIN).complete
    assert states(books) == ["POSTED", "CANCELED", "POSTED"]
    assert ledger(intacct, NEXT) == {"1200": 0, "2400": 0}


def test_a_canceled_entry_takes_its_reversal_with_it(books: Books, intacct: Intacct) -> None:
    intacct.fault("drop@before:#1:create")
    post(books, wanted(40000))
    ((reference,),) = books.sql("SELECT reference FROM adjusting_entry WHERE state = 'IN_DOUBT'")
    resolve.cancel(books.context("resolve", AGAIN), reference, "posted by hand")
    assert books.run("2024-03-31", later=AGAIN).complete
    assert states(books) == ["CANCELED", "REPLACED"] and not intacct.entries()


def test_it_is_listed_traced_and_not_reversed_like_an_entry(books: Books, intacct: Intacct) -> None:
    post(books, wanted(40000))
    first, second = postings(books.context("postings list"), Filters(), "all")
    assert (first["kind"], second["kind"]) == ("presentation", "presentation reversal")
    assert (first["amount"], first["state"], second["date"]) == ("400.00", "posted", "2024-04-01")
    (one,) = trace_adjustments(books.context("trace"), first["reference"])
    (other,) = trace_adjustments(books.context("trace"), str(second["record_no"]))
    assert one.reversed_by == other.reference and other.reverses == one.reference
    assert [(line.side, line.account, line.amount) for line in one.lines] == [
        ("debit", "1200", "400.00"),
        ("credit", "2400", "400.00"),
    ]
    with pytest.raises(BadInput, match="is an adjusting entry; correct its figures and post again"):
        reverse(books.context("postings reverse"), ReversalOrder(one.reference, "why", None, False))


def test_entries_of_schedule_lines_are_posted_before_it(books: Books, intacct: Intacct, row: MakeRow) -> None:
    books.rules(MAGAZINE)
    books.take(row())
    post(books, wanted(40000))
    books.run("2024-03-31")
    assert not verified(books)
    assert ledger(intacct, DAY)["1200"] == 40000


@pytest.mark.parametrize("column", ["account", "amount", "dimensions"])
def test_a_changed_line_is_found(books: Books, intacct: Intacct, column: str) -> None:
    post(books, wanted(40000))
    value = "2" if column == "amount" else "'x'"
    _tamper(books, f"UPDATE adjusting_line SET {column} = {value} WHERE adjustment_id = 1 AND line_no = 1")
    assert any("adjusting_line" in str(finding) for finding in verified(books))


def _tamper(books: Books, statement: str) -> None:
    """Change the database without its triggers, as someone with access to it can."""
    with books.context("tamper").database.write() as connection:
        if connection.dialect.name == "sqlite":
            connection.exec_driver_sql("DROP TRIGGER adjusting_line_no_update")
        else:
            connection.exec_driver_sql("ALTER TABLE adjusting_line DISABLE TRIGGER USER")
        connection.exec_driver_sql(statement)
