"""Entries that Intacct saves outside its ledger: they wait for an approver, or a person posts them there."""

from datetime import date, timedelta
from typing import Any

import pytest

from revrec.core.contract_balance import BalanceSheet
from revrec.core.errors import BadInput
from revrec.core.filters import NO_FILTERS
from revrec.jobs.posting import resolve
from revrec.jobs.posting.reversing import ReversalOrder
from revrec.jobs.reconciling.reconcile import reconcile
from revrec.jobs.reports.activity import journal
from revrec.jobs.reports.contract_balances import contract_balances
from revrec.jobs.reports.exceptions import exceptions
from revrec.jobs.reports.health import health
from revrec.jobs.reports.line_balances import BalanceOptions
from revrec.jobs.reports.metrics import exposition
from revrec.jobs.running.reverse import reverse
from support.books import Books, MakeRow
from support.intacct import Intacct
from support.rule_texts import MAGAZINE

pytestmark = pytest.mark.both_databases

DAY = "2024-02-12"
LATER = timedelta(minutes=1)


@pytest.fixture
def approvals(intacct: Intacct) -> Intacct:
    """Return an Intacct whose journal entries need approval."""
    intacct.admin("/switch", approval=True)
    return intacct


@pytest.fixture
def submitted(approvals: Intacct, books: Books, row: MakeRow) -> Books:
    """Return books with two entries that await approval."""
    books.take(row())
    result = books.run(DAY)
    assert result.counts["awaiting_approval"] == 2 and result.counts["posted"] == 0
    assert result.complete, "nothing is left to do here"
    assert states(books) == ["AWAITING_APPROVAL"] * 2
    return books


def states(books: Books) -> list[str]:
    return [state for (state,) in books.sql("SELECT state FROM journal_entry ORDER BY date, id")]


def decide(intacct: Intacct, state: str, which: int = 0) -> int:
    """Give an entry another state in Intacct, as its approver does; return its record number."""
    record_no = int(intacct.entries()[which]["record_no"])
    intacct.admin("/entries/edit", record_no=record_no, state=state)
    return record_no


def posted_at(books: Books) -> str:
    ((found,),) = books.sql("SELECT posted_at FROM journal_entry WHERE state = 'POSTED'")
    return str(found)


def references(books: Books) -> list[str]:
    return [reference for (reference,) in books.sql("SELECT reference FROM journal_entry ORDER BY date, id")]


def test_what_is_only_submitted_awaits_approval_and_is_never_sent_again(submitted: Books, approvals: Intacct) -> None:
    for minute in range(3):
        assert submitted.run(DAY, later=timedelta(minutes=minute)).counts["awaiting_approval"] == 2
    assert len(approvals.entries()) == 2 and {one["state"] for one in approvals.entries()} == {"Submitted"}
    (count,) = submitted.sql("SELECT count(*) FROM attempt WHERE kind = 'send'")
    assert count == (2,)


def test_each_run_records_what_was_approved(submitted: Books, approvals: Intacct) -> None:
    record_no = decide(approvals, "Posted")
    result = submitted.run(DAY)
    assert result.counts["posted"] == 1 and states(submitted) == ["POSTED", "AWAITING_APPROVAL"]
    (posted,) = [one for one in result.entries if one["status"] == "posted"]
    assert posted["record_no"] == str(record_no) and not posted["advice"]
    (at,) = {one["approved_at"] for one in journal(submitted.context(), NO_FILTERS)}
    assert at == posted_at(submitted)
    decide(approvals, "Posted", 1)
    assert submitted.run(DAY).counts == {"posted": 1, "failed": 0, "in_doubt": 0, "held": 0, "waiting": 0}


def test_an_entry_is_recognized_once_it_is_approved(submitted: Books, approvals: Intacct) -> None:
    def deferred() -> int:
        sheet = BalanceSheet()
        list(contract_balances(submitted.context("report balance"), BalanceOptions(date.fromisoformat(DAY)), sheet))
        return sum(one.balance for one in sheet.accounts())

    assert deferred() == 2400
    decide(approvals, "Posted")
    submitted.run(DAY)
    assert deferred() == 2200


@pytest.mark.parametrize("state", ["Partially Approved", "Approved", "Draft"])
def test_a_state_before_the_ledger_changes_nothing(submitted: Books, approvals: Intacct, state: str) -> None:
    decide(approvals, state)
    submitted.run(DAY)
    assert states(submitted) == ["AWAITING_APPROVAL"] * 2


def test_what_is_declined_needs_review_and_its_lines_go_on_once_it_is_canceled(
    submitted: Books, approvals: Intacct
) -> None:
    decide(approvals, "Declined")
    result = submitted.run(DAY)
    assert result.counts["held"] == 1 and states(submitted) == ["HELD", "AWAITING_APPROVAL"]
    (held,) = [one for one in result.entries if one["status"] == "held"]
    assert "Declined" in str(held["error"]) and "--cancel" in str(held["advice"])
    resolve.cancel(submitted.context("postings resolve"), held["reference"], "wrong account")
    approvals.admin("/switch", approval=False)
    result = submitted.run(DAY, later=LATER)
    assert result.counts["posted"] == 1 and states(submitted) == ["CANCELED", "POSTED", "AWAITING_APPROVAL"]
    assert held["reference"] not in {one["reference"] for one in result.entries if one["status"] == "posted"}


def test_what_is_corrected_and_submitted_again_is_read_before_anything_is_sent(
    submitted: Books, approvals: Intacct
) -> None:
    decide(approvals, "Declined")
    submitted.run(DAY)
    decide(approvals, "Submitted")
    resolve.send_again(submitted.context("postings resolve"), references(submitted)[0], "submitted again")
    submitted.run(DAY, later=LATER)
    assert states(submitted) == ["AWAITING_APPROVAL"] * 2 and len(approvals.entries()) == 2


def test_what_is_deleted_before_its_approval_needs_review_after_the_quarantine(
    submitted: Books, approvals: Intacct
) -> None:
    approvals.admin("/entries/delete", record_no=approvals.entries()[0]["record_no"])
    submitted.run(DAY, REVREC_POSTING_QUARANTINE="10 min")
    submitted.run(DAY, later=LATER)
    assert states(submitted) == ["HELD", "AWAITING_APPROVAL"]
    (error,) = submitted.sql("SELECT error FROM journal_entry WHERE state = 'HELD'")
    assert "does not have it any more" in error[0]


def test_what_is_approved_with_other_figures_needs_review(submitted: Books, approvals: Intacct) -> None:
    record_no = decide(approvals, "Posted")
    lines = [{"line_no": number, "amount": "3.00"} for number in (1, 2)]
    approvals.admin("/entries/edit", record_no=record_no, lines=lines)
    submitted.run(DAY)
    assert states(submitted) == ["HELD", "AWAITING_APPROVAL"]


def test_a_lost_answer_of_an_entry_that_is_only_submitted_is_settled_by_reading(
    approvals: Intacct, books: Books, row: MakeRow
) -> None:
    books.take(row())
    approvals.fault("drop@after:1x:create")
    assert books.run("2024-01-12").counts["in_doubt"] == 1
    assert books.run("2024-01-12", later=LATER).counts["awaiting_approval"] == 1
    assert states(books) == ["AWAITING_APPROVAL"] and len(approvals.entries()) == 1
    decide(approvals, "Posted")
    assert books.run("2024-01-12", later=LATER).counts["posted"] == 1


def test_an_entry_whose_state_is_not_shown_is_checked_again_at_the_end_of_the_run(
    intacct: Intacct, books: Books, row: MakeRow
) -> None:
    intacct.admin("/switch", visibility_reads=1)
    books.take(row())
    result = books.run(DAY)
    assert result.counts["posted"] == 2 and states(books) == ["POSTED"] * 2
    assert "AWAITING_APPROVAL" in str(books.sql("SELECT detail FROM audit_event WHERE action LIKE 'entry %'"))


def test_status_lists_and_figures_show_what_awaits_approval(submitted: Books, approvals: Intacct) -> None:
    context = submitted.context("status")
    found = health(context)
    assert found.state == "warn" and found.problems == ("2 awaiting approval in Intacct",)
    assert found.found.entries == {"awaiting_approval": 2}
    assert [one.state for one in found.found.attention] == ["awaiting_approval"] * 2
    assert "Post, approve or decline it" in str(found.found.attention[0].advice)
    assert 'revrec_entries{state="awaiting_approval"} 2\n' in "".join(exposition(found))


def test_reconcile_does_not_call_it_a_difference_and_names_what_was_approved_since(
    submitted: Books, approvals: Intacct
) -> None:
    def compared() -> Any:
        return reconcile(submitted.context("reconcile"), date(2024, 3, 31))

    assert compared().ties and compared().awaiting == 2
    decide(approvals, "Posted")
    (finding,) = compared().findings
    assert finding.kind == "unsettled" and "awaiting approval" in finding.what
    submitted.run(DAY)
    assert compared().ties and compared().awaiting == 1


def test_an_entry_cannot_be_reversed_before_it_is_approved(submitted: Books) -> None:
    order = ReversalOrder(references(submitted)[0], "by mistake")
    with pytest.raises(BadInput, match="is awaiting approval, not posted"):
        reverse(submitted.context("postings reverse"), order)


def test_a_reversal_that_awaits_approval_releases_the_lines_once_it_is_approved(
    intacct: Intacct, books: Books, row: MakeRow
) -> None:
    books.take(row())
    assert books.run("2024-01-12").counts["posted"] == 1
    intacct.admin("/switch", approval=True)
    order = ReversalOrder(references(books)[0], "by mistake")
    assert reverse(books.context("postings reverse"), order).complete
    assert states(books) == ["POSTED", "AWAITING_APPROVAL"]
    open_lines = "SELECT count(*) FROM open_line WHERE date <= '2024-01-12'"
    assert books.sql(open_lines) == [(0,)]
    with pytest.raises(BadInput, match="awaits approval in Intacct"):
        reverse(books.context("postings reverse"), order)
    decide(intacct, "Posted", 1)
    intacct.admin("/switch", approval=False)
    books.run("2024-01-12", later=LATER)
    assert states(books)[:2] == ["POSTED", "POSTED"]
    assert len(intacct.entries()) == 3, "the lines of the reversed entry are posted again"


def test_drafts_are_created_on_purpose_and_posted_in_intacct(intacct: Intacct, books: Books, row: MakeRow) -> None:
    books.take(row())
    result = books.run(DAY, REVREC_POSTING_STATE="draft")
    assert result.complete and result.counts["awaiting_approval"] == 2
    assert {one["state"] for one in intacct.entries()} == {"Draft"}
    decide(intacct, "Posted")
    assert books.run(DAY, REVREC_POSTING_STATE="draft").counts["posted"] == 1
    assert states(books) == ["POSTED", "AWAITING_APPROVAL"]


def test_the_exceptions_have_the_revenue_of_an_entry_without_its_costs(
    approvals: Intacct, books: Books, row: MakeRow
) -> None:
    cost = 'name = "cogs"\namount = "1.00"\nper = "part"\ndeferred = "1300"\nexpense = "5000"\n'
    books.rules(f'{MAGAZINE}offset = "7 days"\nperiods = 12\n[[rule.cost]]\n{cost}')
    books.take(row())
    books.run("2024-01-12")
    found = exceptions(books.context(), date(2024, 1, 31))
    (one,) = found.rows
    assert (one["kind"], one["amount"]) == ("entry awaiting approval", "2.00")
    assert one["reason"] == "not in Intacct's ledger yet"
    assert found.header["effect_on_revenue"] == {"USD": "2.00"}
