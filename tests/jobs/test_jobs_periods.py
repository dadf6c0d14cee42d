"""Closed periods: known before a run, learnt in it, decided by a person; by each policy, against the real sandbox.

Tests that are named after a complaint of other programs' users bear its address.
"""

from datetime import date, timedelta
from typing import Any

import pytest

from revrec.core.errors import BadInput
from revrec.core.filters import Filters
from revrec.core.periods import CLOSED, OPEN
from revrec.jobs.admin.verify import verify
from revrec.jobs.posting import resolve
from revrec.jobs.posting.periods import decide, list_periods, sync
from revrec.jobs.reports.health import health
from revrec.jobs.reports.preview import preview
from revrec.jobs.reports.status import UnsettledPosting, status
from support.books import Books, MakeRow
from support.intacct import Intacct
from support.patience import PATIENCE

pytestmark = pytest.mark.both_databases

FEB, MAR = date(2024, 2, 1), date(2024, 3, 1)
DAY = "2024-03-31"


def policy(books: Books, word: str, open_day: str = "first") -> Any:
    books.environment |= {"REVREC_POSTING_CLOSED_PERIOD": word, "REVREC_POSTING_CLOSED_PERIOD_DATE": open_day}
    return books


def ledger(intacct: Intacct) -> list[tuple[str, str]]:
    return sorted((entry["date"], entry["lines"][0]["amount"]) for entry in intacct.entries())


def sound(books: Books) -> None:
    """Every invariant holds, digests and chain included."""
    assert verify(books.context("verify")).findings == []


def facts(books: Books) -> list[tuple[Any, ...]]:
    return books.sql("SELECT entity, kind, day, source FROM period_fact ORDER BY id")


def test_an_entry_of_a_closed_month_is_dated_in_the_next_open_one_and_says_why(
    books: Books, intacct: Intacct, row: MakeRow
) -> None:
    policy(books, "next_open").take(row("INV-1"))
    intacct.admin("/periods/close", month="2024-02")
    result = books.run(DAY)
    assert result.complete and result.counts["posted"] == 3
    assert sorted((one["recognized"], one["date"]) for one in result.entries) == [
        ("2024-01-12", "2024-03-01"), ("2024-02-12", "2024-03-01"), ("2024-03-12", "2024-03-12"),
    ]  # fmt: skip
    assert ledger(intacct) == [("2024-03-01", "2.00"), ("2024-03-01", "2.00"), ("2024-03-12", "2.00")]
    assert len(books.sql("SELECT * FROM attempt")) == 3, "nothing was sent in vain"
    assert books.sql("SELECT date FROM schedule_line WHERE entry_id IS NOT NULL ORDER BY seq") == [
        ("2024-01-12",), ("2024-02-12",), ("2024-03-12",),
    ], "the schedule keeps the day of recognition"  # fmt: skip
    reason = (
        "recognized on 2024-01-12; that period is closed (Intacct's books are closed through 2024-02-29); "
        "dated 2024-03-01 by policy next_open"
    )
    life = books.trace("shop/INV-1/1")
    assert (life["entries"][0]["reason"], life["entries"][0]["recognized"]) == (reason, "2024-01-12")
    assert life["schedule"][0]["lines"][0]["reason"] == reason
    assert life["entries"][2]["reason"] == "" and life["entries"][2]["recognized"] == "2024-03-12"
    assert f": {reason}" in life["entries"][0]["attempts"][0]["request"], "Intacct gets the reason too"
    assert books.run(DAY).counts["posted"] == 0
    sound(books)


def test_next_open_can_date_entries_with_the_last_day_of_the_first_open_month(
    books: Books, intacct: Intacct, row: MakeRow
) -> None:
    policy(books, "next_open", "last").take(row("INV-1"))
    intacct.admin("/periods/close", month="2024-02")
    assert books.run(DAY).complete
    assert [day for day, _amount in ledger(intacct)] == ["2024-03-12", "2024-03-31", "2024-03-31"]
    sound(books)


def test_what_is_recognized_in_a_closed_month_is_held_and_stays_visible(
    books: Books, intacct: Intacct, row: MakeRow
) -> None:
    books.take(row("INV-1"), row("INV-2", item="GOODS-1", post_date="2024-01-20"))
    intacct.admin("/periods/close", month="2024-02")
    result = books.run(DAY)
    assert not result.complete and (result.counts["posted"], result.counts["held"]) == (1, 3)
    held = [one for one in result.entries if one["status"] == "held"]
    assert [(one["reference"], one["date"], one["amount"], one["lines"]) for one in held] == [
        ("", "2024-01-12", "2.00", 2), ("", "2024-02-12", "2.00", 2), ("", "2024-02-19", "24.00", 2),
    ]  # fmt: skip
    assert all(str(one["reason"]).endswith("blocked until it reopens, by policy hold") for one in held)
    shown = preview(books.context(), Filters(last=date(2024, 3, 31)), due=True)
    assert {(line.date, line.status, line.entry_date) for line in shown.lines} == {
        ("2024-01-12", "held", None), ("2024-02-12", "held", None), ("2024-02-19", "held", None),
    }  # fmt: skip
    found = status(books.context()).closed_periods
    assert [(one.period, one.lines, one.amount) for one in found] == [
        ("2024-01", 1, "2.00"), ("2024-02", 2, "26.00"),
    ]  # fmt: skip
    assert "3 schedule lines blocked by closed periods" in health(books.context()).line
    assert books.trace("shop/INV-2/1")["schedule"][0]["lines"][0]["reason"].endswith("by policy hold")
    intacct.admin("/periods/open", month="2024-01")
    assert books.run(DAY).complete
    assert [day for day, _amount in ledger(intacct)] == ["2024-01-12", "2024-02-12", "2024-02-19", "2024-03-12"]
    assert status(books.context()).closed_periods == ()
    sound(books)


def test_what_was_held_goes_on_when_the_policy_changes(books: Books, intacct: Intacct, row: MakeRow) -> None:
    books.take(row("INV-1"))
    intacct.admin("/periods/close", month="2024-02")
    assert books.run(DAY).counts["held"] == 2
    assert policy(books, "next_open").run(DAY).complete
    assert [day for day, _amount in ledger(intacct)] == ["2024-03-01", "2024-03-01", "2024-03-12"]
    sound(books)


def test_under_fail_intacct_refuses_and_nothing_is_moved_or_noted(books: Books, intacct: Intacct, row: MakeRow) -> None:
    policy(books, "fail").take(row("INV-1"))
    intacct.admin("/periods/close", month="2024-01")
    result = books.run(DAY)
    assert (result.counts["posted"], result.counts["failed"], result.counts["held"]) == (2, 1, 0)
    assert facts(books) == []
    (refused,) = [one for one in result.entries if one["status"] == "rejected"]
    assert "closed_period" in str(refused["advice"])


def test_periods_are_closed_by_entity(books: Books, intacct: Intacct, row: MakeRow) -> None:
    policy(books, "next_open").take(
        row("INV-1", item="GOODS-1", entity="100", location="100"),
        row("INV-2", item="GOODS-1", entity="200", location="200"),
    )
    intacct.admin("/periods/close", month="2024-02", entity="100")
    assert books.run(DAY).complete
    found = {entry["lines"][0]["dimensions"]["LOCATION"]: entry["date"] for entry in intacct.entries()}
    assert found == {"100": "2024-03-01", "200": "2024-02-04"}
    sound(books)


def closing_meanwhile(books: Books, intacct: Intacct, month: str) -> None:
    """Intacct closes a month after it was asked, before the entries are sent: it no longer reports the month."""
    sync(books.context())
    intacct.admin("/switch", denied="read:CLOSEDBOOKSDATE")
    intacct.admin("/periods/close", month=month)


def test_a_period_that_closes_between_generating_and_posting_sends_the_lines_on_in_the_same_run(
    books: Books, intacct: Intacct, row: MakeRow
) -> None:
    policy(books, "next_open").take(row("INV-1"), row("INV-2", item="GOODS-1"), row("INV-3", post_date="2024-01-06"))
    closing_meanwhile(books, intacct, "2024-02")
    result = books.run(DAY)
    assert result.complete and result.counts["posted"] == 7
    assert [day for day, _amount in ledger(intacct)] == ["2024-03-01"] * 5 + ["2024-03-12", "2024-03-13"]
    refused = books.sql("SELECT count(*) FROM attempt_outcome WHERE outcome = 'rejected'")
    assert refused == [(2,)], "one refusal a month is enough; the others of that month are not sent"
    assert [fact[1:] for fact in facts(books) if fact[3] == "answer"] == [
        ("closed", "2024-01-01", "answer"), ("closed", "2024-02-01", "answer"),
    ]  # fmt: skip
    life = books.trace("shop/INV-1/1")
    first, *_, last = [entry for entry in life["entries"] if entry["recognized"] == "2024-01-12"]
    assert (first["status"], last["status"], last["date"]) == ("replaced", "posted", "2024-03-01")
    assert first["attempts"][0]["outcome"] == "rejected" and "Intacct refused an entry of 2024-01" in last["reason"]
    assert books.run(DAY).counts["posted"] == 0
    sound(books)


def test_a_period_that_closes_between_generating_and_posting_holds_the_lines_with_advice(
    books: Books, intacct: Intacct, row: MakeRow
) -> None:
    books.take(row("INV-1"))
    closing_meanwhile(books, intacct, "2024-01")
    result = books.run(DAY)
    assert (result.counts["posted"], result.counts["held"], result.counts["failed"]) == (2, 1, 0)
    (replaced,) = [one for one in books.trace("shop/INV-1/1")["entries"] if one["recognized"] == "2024-01-12"]
    assert replaced["status"] == "replaced" and replaced["error"] and replaced["advice"]
    (held,) = [one for one in result.entries if one["recognized"] == "2024-01-12"]
    assert held["status"] == "held" and "Intacct refused an entry of 2024-01" in str(held["reason"])
    again = books.run(DAY)
    assert again.counts["held"] == 1 and len(again.entries) == 1, "what was refused once is not tried again"
    intacct.admin("/periods/open", month="2024-01")
    decide(books.context(), [date(2024, 1, 1)], OPEN, "the controller opened it", opened=True)
    assert books.run(DAY).complete
    assert [day for day, _amount in ledger(intacct)] == ["2024-01-12", "2024-02-12", "2024-03-12"]
    sound(books)


def test_an_entry_that_waits_while_its_period_is_closed_here_is_not_sent(
    books: Books, intacct: Intacct, row: MakeRow
) -> None:
    policy(books, "next_open").take(row("INV-1"))
    intacct.fault("429@before:1x:create")
    assert books.run(DAY, REVREC_POSTING_RETRIES="0").counts["waiting"] == 3
    decide(books.context(), [FEB], CLOSED, "February is reported")
    assert books.run(DAY).complete
    assert [day for day, _amount in ledger(intacct)] == ["2024-01-12", "2024-03-01", "2024-03-12"]
    assert books.sql("SELECT state, error FROM journal_entry WHERE date = '2024-02-12'")[0][0] == "REPLACED"
    sound(books)


def test_an_entry_in_doubt_is_not_sent_again_into_a_month_that_was_closed_here(
    books: Books, intacct: Intacct, row: MakeRow
) -> None:
    policy(books, "next_open").take(row("INV-2", item="GOODS-1"))
    intacct.fault("drop@before:1x:create")
    assert books.run(DAY).counts["in_doubt"] == 1
    decide(books.context(), [FEB], CLOSED, "February is reported")
    later = timedelta(minutes=1)
    result = books.run(DAY, later)
    assert result.counts["held"] == 1 and not intacct.entries()
    (held,) = result.entries
    assert "closed here by" in str(held["error"]) and "--cancel --reason TEXT" in str(held["advice"])
    resolve.cancel(books.context(), str(held["reference"]), "it was never in Intacct")
    assert books.run(DAY, later).complete and [day for day, _amount in ledger(intacct)] == ["2024-03-01"]
    sound(books)


def test_an_entry_in_doubt_that_is_there_is_adopted_though_its_month_was_closed_here_since(
    books: Books, intacct: Intacct, row: MakeRow
) -> None:
    books.take(row("INV-2", item="GOODS-1"))
    intacct.fault("drop@after:1x:create")
    assert books.run(DAY).counts["in_doubt"] == 1
    decide(books.context(), [FEB], CLOSED, "February is reported")
    assert books.run(DAY, timedelta(minutes=1)).complete and len(intacct.entries()) == 1


def test_a_month_closed_here_is_closed_under_every_policy(books: Books, intacct: Intacct, row: MakeRow) -> None:
    policy(books, "fail").take(row("INV-1"))
    decide(books.context(), [FEB], CLOSED, "February is reported")
    result = books.run(DAY)
    assert (result.counts["posted"], result.counts["failed"]) == (2, 1)
    assert [day for day, _amount in ledger(intacct)] == ["2024-01-12", "2024-03-12"]


def test_decisions_need_a_reason_and_are_in_the_audit_trail(books: Books, row: MakeRow) -> None:
    books.take(row("INV-1", entity="100"))
    context = books.context("periods close")
    with pytest.raises(BadInput, match="--reason TEXT"):
        decide(context, [FEB], CLOSED, " ")
    with pytest.raises(BadInput, match=r"--entity 10O: unknown; .* name 100"):
        decide(context, [FEB], CLOSED, "typed an O", "10O")
    assert [one["changed"] for one in decide(context, [FEB, MAR, FEB], CLOSED, "reported", "100")] == [True, True]
    assert [one["changed"] for one in decide(context, [FEB], CLOSED, "again", "100")] == [False]
    ((detail,),) = books.sql("SELECT detail FROM audit_event WHERE action = 'period closed' AND detail LIKE '%02-01%'")
    assert '"reason":"reported"' in detail and '"digests"' in detail
    assert [one["changed"] for one in decide(context, [MAR], OPEN, "late goods", "100")] == [True]
    assert [one["changed"] for one in decide(context, [MAR], OPEN, "late goods", "100")] == [False]
    assert [(one["entity"], one["period"], one["state"], one["open_lines"]) for one in list_periods(context)][:3] == [
        ("100", "2024-01", "open", 1), ("100", "2024-02", "closed", 1), ("100", "2024-03", "open", 1),
    ]  # fmt: skip
    decide(context, [MAR], CLOSED, "for everybody")
    with pytest.raises(BadInput, match="for the whole company; open it there"):
        decide(context, [MAR], OPEN, "late goods", "100")
    sound(books)


def test_what_intacct_says_is_closed_is_not_opened_here_without_saying_so(
    books: Books, intacct: Intacct, row: MakeRow
) -> None:
    books.take(row("INV-1"))
    intacct.admin("/periods/close", month="2024-02")
    (printed,) = sync(books.context("periods sync"))
    assert (printed.closed_through, printed.changed, printed.note) == (date(2024, 2, 29), True, "")
    assert sync(books.context("periods sync"))[0].changed is False and len(facts(books)) == 1
    with pytest.raises(BadInput, match=r"cannot be opened here: Intacct's books are closed through 2024-02-29.*sync"):
        decide(books.context(), [FEB], OPEN, "a late delivery")
    assert decide(books.context(), [FEB], OPEN, "opened there by the controller", opened=True)[0]["changed"]
    assert books.run("2024-02-29").counts == {"posted": 0, "failed": 0, "in_doubt": 0, "held": 2, "waiting": 0}
    assert intacct.entries() == [], "Intacct did not agree, and its refusal counts again"


def test_what_intacct_does_not_tell_is_said_and_changes_nothing(books: Books, intacct: Intacct, row: MakeRow) -> None:
    books.take(row("INV-1"), row("INV-2", entity="NOWHERE"))
    decide(books.context(), [FEB], CLOSED, "reported")
    intacct.admin("/switch", denied="read:CLOSEDBOOKSDATE")
    before = books.content()
    company, nowhere = sync(books.context("periods sync"))
    assert company.closed_through is None and "what is known here is kept" in company.note
    assert nowhere.closed_through is None and nowhere.note
    assert books.content() == before


def test_a_sign_in_that_an_entity_refuses_does_not_stop_the_run(books: Books, intacct: Intacct, row: MakeRow) -> None:
    books.take(row("INV-1", item="GOODS-1"), row("INV-2", item="GOODS-1", entity="NOWHERE", location="100"))
    result = books.run(DAY)
    assert result.counts["posted"] == 2 and result.complete


def test_a_dry_run_and_a_preview_show_what_the_run_will_do(books: Books, intacct: Intacct, row: MakeRow) -> None:
    policy(books, "next_open").take(row("INV-1"), row("INV-2", item="GOODS-1"))
    intacct.admin("/periods/close", month="2024-02")
    sync(books.context())
    planned = {(one["reference"], one["date"], one["reason"]) for one in books.run(DAY, dry_run=True).entries}
    shown = {(line.date, line.entry_date) for line in preview(books.context(), Filters(last=date(2024, 3, 31))).lines}
    done = books.run(DAY)
    assert {(one["reference"], one["date"], one["reason"]) for one in done.entries} == planned
    assert {(one["recognized"], one["date"]) for one in done.entries} == shown


def test_a_run_for_the_closed_month_itself_posts_what_was_due_in_it(
    books: Books, intacct: Intacct, row: MakeRow
) -> None:
    """The entry is dated after the day of the run; it is due all the same."""
    policy(books, "next_open").take(row("INV-1"))
    intacct.admin("/periods/close", month="2024-01")
    assert books.run("2024-01-31").complete
    assert ledger(intacct) == [("2024-02-01", "2.00")]


def test_an_invoice_that_comes_late_posts_nothing_into_reported_months(
    books: Books, intacct: Intacct, row: MakeRow
) -> None:
    """Posted into reported April: https://github.com/frappe/erpnext/issues/49473"""
    policy(books, "next_open")
    intacct.admin("/periods/close", month="2024-04")
    books.take(row("INV-1", post_date="2024-05-10", rev_rec_date="2024-04-15", item="TOY-1"))
    assert books.run("2024-05-31").complete
    assert ledger(intacct) == [("2024-05-01", "24.00")]


def test_entries_of_a_frozen_period_are_not_left_out_in_silence(books: Books, intacct: Intacct, row: MakeRow) -> None:
    """Silently not posted: https://github.com/frappe/erpnext/pull/35978"""
    books.take(row("INV-1"))
    intacct.admin("/periods/close", month="2024-02")
    process = books.start("run", "--date", DAY)
    out, error = process.communicate(timeout=PATIENCE)
    assert process.returncode == 4 and "2 blocked" in out
    assert error.count("blocked: recognized on 2024-0") == 2


def test_under_a_lock_date_old_entries_are_never_half_reversed(books: Books, intacct: Intacct, row: MakeRow) -> None:
    """Half reversed and unlinked, then a traceback: https://github.com/odoo/odoo/pull/164316"""
    policy(books, "next_open").take(row("INV-1", item="POD-1"))
    books.event("shop/INV-1/1", "pod", "2024-02-07")
    assert books.run("2024-02-29").complete
    intacct.admin("/periods/close", month="2024-02")
    books.event("shop/INV-1/1", "pod", "2024-03-07")
    assert books.run(DAY).complete
    posted = books.sql("SELECT date, amount FROM journal_entry WHERE state = 'POSTED' ORDER BY date")
    assert posted == [("2024-02-07", 2400), ("2024-03-01", 2400), ("2024-03-07", 2400)]
    sides = [(entry["date"], entry["lines"][0]["account"]) for entry in intacct.entries()]
    assert sorted(sides) == [("2024-02-07", "2400"), ("2024-03-01", "4000"), ("2024-03-07", "2400")]
    sound(books)


def test_the_period_that_counts_is_that_of_the_entry_and_its_entity(
    books: Books, intacct: Intacct, row: MakeRow
) -> None:
    """Checked against the wrong allowed range: https://github.com/microsoft/ALAppExtensions/issues/21978"""
    books.take(row("INV-1", post_date="2024-02-10", item="GOODS-1", entity="100", location="100"))
    intacct.admin("/periods/close", month="2024-02", entity="100")
    intacct.admin("/periods/close", month="2024-12", entity="200")
    assert books.run(DAY).complete, "it was invoiced in closed February and is recognized in open March"
    assert ledger(intacct) == [("2024-03-11", "24.00")]


def test_a_refusal_for_a_closed_period_names_the_way_out(books: Books, intacct: Intacct, row: MakeRow) -> None:
    """The API refuses a date in a closed period: https://github.com/intacct/intacct-sdk-net/issues/105"""
    policy(books, "fail").take(row("INV-1"))
    intacct.admin("/periods/close", month="2024-01")
    (printed,) = status_after(books)
    assert "Periods are closed" in str(printed.error) and 'closed_period = "next_open"' in str(printed.advice)


def status_after(books: Books) -> tuple[UnsettledPosting, ...]:
    books.run("2024-01-31")
    return status(books.context()).attention


def test_a_run_that_was_killed_after_the_refusal_goes_on_by_the_policy(
    books: Books, intacct: Intacct, row: MakeRow
) -> None:
    policy(books, "fail").take(row("INV-1"))
    intacct.admin("/periods/close", month="2024-01")
    assert books.run("2024-01-31").counts["failed"] == 1
    policy(books, "next_open").run("2024-01-31", later=timedelta(minutes=1))
    assert ledger(intacct) == [("2024-02-01", "2.00")]
    assert [state for (state,) in books.sql("SELECT state FROM journal_entry ORDER BY id")] == ["REPLACED", "POSTED"]
    sound(books)
