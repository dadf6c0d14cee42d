"""What passes by itself is tried again within the run: after pauses, within bounds, each time as a new attempt."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from revrec.core.errors import BadConfiguration
from revrec.intacct.errors import SignInFailed
from revrec.intacct.pace import RequestPacer
from revrec.jobs.running.result import RunResult
from revrec.jobs.running.run import run
from support.books import Books, MakeRow
from support.intacct import Intacct

pytestmark = pytest.mark.both_databases

DAY = "2024-02-10"


def states(books: Books) -> list[str]:
    return [state for (state,) in books.sql("SELECT state FROM journal_entry ORDER BY id")]


def attempts(books: Books) -> list[tuple[Any, ...]]:
    found: list[tuple[Any, ...]] = books.sql(
        "SELECT a.kind, o.outcome FROM attempt a LEFT JOIN attempt_outcome o ON o.attempt_id = a.id ORDER BY a.id"
    )
    return found


def control_ids(books: Books) -> int:
    return len(books.sql("SELECT DISTINCT control_id FROM attempt"))


@pytest.fixture
def due(books: Books, row: MakeRow) -> Books:
    """Books with one entry due."""
    books.take(row("INV-1"))
    return books


@pytest.fixture(autouse=True)
def as_ever(intacct: Intacct) -> Any:
    """The switches of these tests, put back."""
    yield
    intacct.admin("/switch", offline=False, random_failures=0, retry_after=0, max_per_minute=0)
    intacct.admin("/senders", id=intacct.address["sender_id"], password=intacct.address["sender_password"])


def while_waiting(books: Books, does: Any, **environment: str) -> RunResult:
    """Run the day; ``does`` happens whenever the run waits, and its clock goes on by the time that it waits."""
    context = books.context("run", also=environment)

    def now() -> datetime:
        return context.now() + timedelta(seconds=sum(books.slept))

    def sleep(seconds: float) -> None:
        books.slept.append(seconds)
        does()

    return run(replace(context, sleep=sleep, now=now), date.fromisoformat(DAY))


def test_too_many_requests_are_waited_for_as_long_as_intacct_asks(due: Books, intacct: Intacct) -> None:
    intacct.admin("/switch", retry_after=17)
    intacct.fault("429@before:2x:create")
    assert due.run(DAY).complete and len(intacct.entries()) == 1
    assert len(due.slept) == 2 and all(17 <= pause <= 18 for pause in due.slept)
    assert attempts(due) == [("send", "not_run"), ("send", "not_run"), ("send", "posted")]
    assert control_ids(due) == 1


def test_a_wish_that_is_longer_than_the_run_may_wait_ends_it_at_once(due: Books, intacct: Intacct) -> None:
    intacct.admin("/switch", retry_after=600)
    intacct.fault("429@before:1x:create")
    result = due.run(DAY)
    assert due.slept == [] and states(due) == ["READY"]
    assert result.stopped is not None and result.stopped.retry_after == 600
    assert due.run(DAY).complete


def test_intacct_off_line_is_waited_for(due: Books, intacct: Intacct) -> None:
    intacct.admin("/switch", offline=True)

    def back_again() -> None:
        if len(due.slept) == 3:
            intacct.admin("/switch", offline=False)

    assert while_waiting(due, back_again).complete
    assert len(due.slept) == 3 and attempts(due) == [("send", "posted")], "it was the sign-in that waited"


def test_intacct_off_line_in_the_middle_of_a_run_is_waited_for(books: Books, intacct: Intacct, row: MakeRow) -> None:
    books.take(row("INV-1"), row("INV-2", post_date="2024-01-06"))
    intacct.fault("429@before:1x:create")

    def goes_and_comes() -> None:
        intacct.admin("/switch", offline=len(books.slept) == 1)

    assert while_waiting(books, goes_and_comes, REVREC_POSTING_QUARANTINE="10 min").complete
    assert attempts(books) == [("send", "not_run"), ("send", "not_run"), ("send", "posted"), ("send", "posted")]


def test_a_gateway_that_cannot_be_reached_is_tried_so_often_with_growing_pauses_and_no_more(
    offline: Books, row: MakeRow
) -> None:
    offline.environment |= {f"INTACCT_{name}": "x" for name in ("SENDER_ID", "SENDER_PASSWORD", "COMPANY_ID")}
    offline.environment |= {"INTACCT_USER_ID": "x", "INTACCT_USER_PASSWORD": "x"}
    offline.take(row("INV-1"))
    with pytest.raises(BadConfiguration, match="could not connect"):
        offline.run(DAY)
    assert len(offline.slept) == 4
    assert all(pause <= most for pause, most in zip(offline.slept, (1, 2, 4, 8), strict=True))
    assert states(offline) == []
    offline.slept.clear()
    with pytest.raises(BadConfiguration, match="could not connect"):
        offline.run(DAY, REVREC_POSTING_RETRIES="0")
    assert offline.slept == []


def test_a_failure_without_a_reason_is_read_back_and_sent_again_under_the_same_control_id(
    due: Books, intacct: Intacct
) -> None:
    intacct.admin("/switch", random_failures=1)
    assert due.run(DAY).complete and len(intacct.entries()) == 1
    assert attempts(due) == [("send", "rejected"), ("read_back", "absent"), ("send", "posted")]
    assert len(due.slept) == 1 and control_ids(due) == 1


def test_a_failure_without_a_reason_that_stays_refuses_its_entry_and_the_others_go_on(
    books: Books, intacct: Intacct, row: MakeRow
) -> None:
    books.take(row("INV-1"), row("INV-2", post_date="2024-01-06"))
    intacct.admin("/switch", random_failures=3)
    result = books.run(DAY)
    assert states(books) == ["REJECTED", "POSTED"] and len(intacct.entries()) == 1
    assert [outcome for kind, outcome in attempts(books) if kind == "send"] == ["rejected"] * 3 + ["posted"]
    assert "tries again" in str(result.entries[0]["advice"])
    assert books.run(DAY).complete and len(intacct.entries()) == 2


def test_all_the_waiting_of_a_run_together_is_bounded(books: Books, intacct: Intacct, row: MakeRow) -> None:
    books.take(*(row(f"INV-{day}", post_date=f"2024-01-{day:02}", item="GOODS-1") for day in range(1, 9)))
    intacct.admin("/switch", retry_after=20)
    intacct.fault("429@before:1x:create,429@before:0.7:create")
    result = books.run(DAY, REVREC_POSTING_RETRY_WITHIN="60 s", REVREC_POSTING_RETRIES="9")
    assert 2 <= len(books.slept) <= 3 and sum(books.slept) <= 60
    assert result.stopped is not None and len(intacct.entries()) + result.counts["waiting"] == 8
    intacct.fault("")
    assert books.run(DAY).complete and len(intacct.entries()) == 8


def test_a_lost_answer_is_never_tried_again_within_the_run(due: Books, intacct: Intacct) -> None:
    intacct.fault("503@after:1x:create")
    assert due.run(DAY).counts["in_doubt"] == 1
    assert due.slept == [] and attempts(due) == [("send", "in_doubt")]


def test_a_session_that_ends_in_the_middle_of_a_run_is_renewed_at_once(
    books: Books, intacct: Intacct, row: MakeRow
) -> None:
    books.take(row("INV-1"), row("INV-2", post_date="2024-01-06"))
    intacct.fault("429@before:1x:create")
    assert while_waiting(books, lambda: intacct.admin("/sessions/expire")).complete
    assert len(books.slept) == 1 and len(intacct.entries()) == 2


def test_a_password_that_is_changed_in_the_middle_ends_the_run_with_one_sign_in_more(
    books: Books, intacct: Intacct, row: MakeRow
) -> None:
    books.take(row("INV-1"), row("INV-2", post_date="2024-01-06"))
    intacct.fault("429@before:1x:create")

    def rotate() -> None:
        intacct.admin("/senders", id=intacct.address["sender_id"], password="another")
        intacct.admin("/sessions/expire")

    result = while_waiting(books, rotate)
    assert result.stopped is not None and result.stopped.error_class == "needs_sign_in"
    assert len(books.slept) == 1 and states(books) == ["READY", "READY"]
    with pytest.raises(SignInFailed):
        books.run(DAY)
    assert len(books.slept) == 1


@pytest.mark.parametrize(("limit", "at_once"), [(3, 1), (6, 3)])
def test_the_requests_of_a_minute_are_bounded_before_an_entry_is_held(
    books: Books, intacct: Intacct, row: MakeRow, monkeypatch: pytest.MonkeyPatch, limit: int, at_once: int
) -> None:
    sent: list[datetime] = []

    def record(pacer: RequestPacer) -> None:
        sent.append(pacer._now())
        recorded(pacer)

    recorded = RequestPacer.record
    monkeypatch.setattr(RequestPacer, "record", record)
    books.take(*(row(f"INV-{day}", post_date=f"2024-01-{day:02}", item="GOODS-1") for day in range(1, 9)))
    intacct.admin("/switch", max_per_minute=0)
    seen: list[str] = []
    bounds = {
        "REVREC_POSTING_REQUESTS_PER_MINUTE": str(limit),
        "REVREC_POSTING_MAX_IN_FLIGHT": str(at_once),
        "REVREC_POSTING_QUARANTINE": "10 min",
    }
    result = while_waiting(books, lambda: seen.extend(states(books)), **bounds)
    assert result.complete and len(intacct.entries()) == 8
    # A request and the read that confirms it for each entry, after the sign-in, the claims and the scan.
    assert len(sent) > 16 and "SENDING" not in seen
    assert all(later - first >= timedelta(minutes=1) for first, later in zip(sent, sent[limit:], strict=False))


def test_a_pace_lets_no_more_go_out_in_any_minute_and_does_not_fear_a_clock_set_back() -> None:
    now = [datetime(2024, 1, 1, tzinfo=UTC)]
    slept: list[float] = []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        now[0] += timedelta(seconds=seconds)

    pacer = RequestPacer(2, lambda: now[0], sleep)
    for _ in range(5):
        pacer.wait()
        pacer.record()
    assert slept == [60.0, 60.0]
    pacer.wait(2)
    pacer.record()
    assert slept == [60.0, 60.0, 60.0], "both requests of an entry, of which the second one must not wait"
    pacer.wait()
    assert len(slept) == 3
    pacer.record()
    now[0] -= timedelta(hours=1)
    pacer.wait()
    assert slept[-1] == 60.0
    free = RequestPacer(0, lambda: now[0], sleep)
    for _ in range(1000):
        free.wait()
        free.record()
    assert len(slept) == 4


def test_a_pace_has_room_for_as_many_requests_as_a_minute_still_allows() -> None:
    now = [datetime(2024, 1, 1, tzinfo=UTC)]
    pacer = RequestPacer(3, lambda: now[0])
    assert pacer.has_room(3) and not pacer.has_room(4)
    pacer.record()
    assert pacer.has_room(2) and not pacer.has_room(3)
    now[0] += timedelta(minutes=1)
    assert pacer.has_room(3)
    assert RequestPacer(0, lambda: now[0]).has_room(1000)
