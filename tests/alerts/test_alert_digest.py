"""The digest: the subject says it all, each entry has its next step, and untrusted text changes nothing."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from revrec.alerts.digest import LISTED, RunFacts, one_line, run_digest, trial_digest


def entry(state: str = "rejected", **changes: Any) -> dict[str, Any]:
    plain = {"reference": "RRD1", "date": "2024-03-31", "state": state, "amount": "120.00", "currency": "USD"}
    return {**plain, "error_no": "BL01001973", "error": "Invalid department 'X'", "advice": "Correct it.", **changes}


def facts(*entries: dict[str, Any], stopped: str = "", **counts: int) -> RunFacts:
    return RunFacts(12, "2024-03-31", "ACME", counts or {"posted": 3, "failed": len(entries)}, entries, stopped)


def test_the_subject_says_company_run_and_counts_with_the_trouble_first() -> None:
    message = run_digest(facts(posted=3, failed=1, in_doubt=2, held=0, waiting=0))
    assert message.subject == "revrec ACME: 1 failed, 2 in doubt, 3 posted (run 12 for 2024-03-31)"


def test_what_needs_review_and_what_is_blocked_are_counted_apart() -> None:
    subject = run_digest(facts(posted=3, failed=0, held=1, blocked=2)).subject
    assert subject == "revrec ACME: 1 needs review, 2 blocked, 3 posted (run 12 for 2024-03-31)"
    assert "3 need review" in run_digest(facts(posted=0, held=3)).subject


def test_an_entry_is_listed_with_amount_error_advice_and_the_next_step() -> None:
    body = run_digest(facts(entry())).body
    assert "RRD1  2024-03-31  120.00 USD  failed\n  Error: BL01001973 Invalid department 'X'\n" in body
    assert "  Advice: Correct it.\n  Next: Follow the advice; the next revrec run sends it again.\n" in body


def test_each_state_has_its_next_step() -> None:
    states = ("rejected", "in_doubt", "sending", "held", "ready")
    message = {state: run_digest(facts(entry(state, error=None, error_no=None, advice=None))).body for state in states}
    assert all("  Next: " in body for body in message.values())
    assert "revrec postings resolve RRD1" in message["held"]
    assert "do not enter it there by hand" in message["in_doubt"]


def test_what_awaits_approval_is_listed_and_is_no_problem_by_itself() -> None:
    found = facts(entry("awaiting_approval", error=None, error_no=None, advice="Approve it."), awaiting_approval=1)
    assert not found.problem and "1 awaiting approval, 0 posted" in run_digest(found).subject
    assert "USD  awaiting approval\n  Advice: Approve it.\n" in run_digest(found).body


def test_a_run_that_stopped_says_so_and_why() -> None:
    message = run_digest(facts(stopped="Intacct refused the sign-in.", waiting=2))
    assert message.subject == "revrec ACME: run 12 for 2024-03-31 stopped: Intacct refused the sign-in."
    assert "Intacct refused the sign-in." in message.body


def test_a_good_run_is_no_problem_and_says_that_nothing_is_left() -> None:
    good = facts(posted=3, failed=0)
    assert not good.problem and facts(entry()).problem and facts(stopped="x", posted=1).problem
    assert "3 posted." in run_digest(good).body and "Nothing is left to settle." in run_digest(good).body


def test_missing_revenue_is_a_problem_and_the_subject_shows_its_amount() -> None:
    good = facts(posted=3, failed=0)
    late = good._replace(
        missing=["2 charge lines without a rule (1,200.00 USD)"], undated=["unscheduled: 1,500.00 USD"]
    )
    message = run_digest(late)
    assert late.problem and not good._replace(undated=late.undated).problem
    assert message.subject.startswith("revrec ACME: 2 charge lines without a rule (1,200.00 USD), 3 posted")
    assert "\n  2 charge lines without a rule (1,200.00 USD)\n" in message.body
    assert "Without a recognition date:\n  unscheduled: 1,500.00 USD\n" in message.body


def test_documents_that_were_not_imported_are_a_problem_and_in_the_subject() -> None:
    message = run_digest(facts(posted=3, failed=0)._replace(documents=["2 documents refused", "source edi failed: x"]))
    assert message.subject.startswith("revrec ACME: 2 documents refused, source edi failed: x, 3 posted")
    assert "\n  2 documents refused\n" in message.body and "revrec fetch list" in message.body
    assert facts(posted=3, failed=0)._replace(documents=["1 document refused"]).problem


def test_repaired_entries_are_counted() -> None:
    repaired_run = facts(posted=3, failed=0)._replace(repaired={"default-location": 1, "no-class": 2})
    body = run_digest(repaired_run).body
    assert (
        "1 entry repaired by default-location.\n2 entries repaired by no-class.\n" in body and not repaired_run.problem
    )


def test_of_very_many_entries_the_first_are_listed_and_the_rest_counted() -> None:
    body = run_digest(facts(*[entry(reference=f"RR{number}") for number in range(LISTED + 7)])).body
    assert body.count("  Error: ") == LISTED
    assert "... and 7 more; see them all: revrec postings list" in body


def test_the_test_message_says_what_it_is() -> None:
    assert trial_digest("ACME").subject == "revrec ACME: test of the alerts"
    assert trial_digest("").subject == "revrec: test of the alerts"


@given(st.text(), st.text(), st.text())
def test_no_text_of_another_s_breaks_out_of_its_line(error: str, advice: str, company: str) -> None:
    message = run_digest(facts(entry(error=error, advice=advice))._replace(company=company))
    assert len(message.subject.splitlines()) == 1
    assert message.body.isprintable() or all(letter.isprintable() or letter == "\n" for letter in message.body)
    assert len(message.body.splitlines()) <= 12


def test_writing_directions_and_controls_are_removed() -> None:
    assert one_line("a\r\nBcc: x\x00\u202eevil\u2028b\x1b[31m") == "a Bcc: xevil b[31m"
    assert one_line(None) == "" and len(one_line("x" * 9999)) == 500
