"""``revrec run --retry-for``: passes until nothing is left that passes by itself, on a clock that takes no time."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from revrec.core.errors import BadConfiguration, Busy
from revrec.intacct.errors import SignInFailed
from revrec.jobs.context import Context
from revrec.jobs.running.alert import run_and_alert
from revrec.jobs.running.result import RunResult
from revrec.jobs.running.run_until import run_with_retries
from revrec.store.posting.workers import active_run
from support.books import Books, MakeRow
from support.intacct import Intacct

pytestmark = pytest.mark.both_databases

DAY = date(2024, 2, 10)
MINUTE = timedelta(minutes=1)
REAL = {"REVREC_POSTING_QUARANTINE": "16 min", "REVREC_POSTING_RETRIES": "0"}


class Clock:
    """A clock that moves only while a command sleeps; ``meanwhile`` says what happens during which pause."""

    def __init__(self) -> None:
        self.began = self.time = datetime(2024, 2, 11, 6, 15, tzinfo=UTC)
        self.pauses: list[float] = []
        self.meanwhile: dict[int, Callable[[], object]] = {}
        self.said: list[str] = []

    def __call__(self) -> datetime:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.meanwhile.get(len(self.pauses), lambda: None)()
        self.time += timedelta(seconds=seconds)

    @property
    def minutes(self) -> float:
        return (self.time - self.began) / MINUTE


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def command(books: Books, clock: Clock) -> Callable[..., Context]:
    def made(**environment: str) -> Context:
        context = books.context("run", also={**REAL, **environment})
        return replace(context, now=clock, sleep=clock.sleep, say=clock.said.append)

    return made


@pytest.fixture
def two(books: Books, row: MakeRow) -> Books:
    """Books with two entries due."""
    books.take(row("INV-1"), row("INV-2", post_date="2024-01-06"))
    return books


@pytest.fixture(autouse=True)
def as_ever(intacct: Intacct) -> Any:
    """The switches of these tests, put back."""
    yield
    intacct.admin("/switch", offline=False, random_failures=0, retry_after=0, denied="")
    intacct.admin("/senders", id=intacct.address["sender_id"], password=intacct.address["sender_password"])


def outcomes(books: Books) -> list[str]:
    return [outcome for (outcome,) in books.sql("SELECT outcome FROM posting_run ORDER BY id")]


def test_where_nothing_is_left_there_is_one_pass(two: Books, command: Any, clock: Clock) -> None:
    result = run_with_retries(command(), DAY, timedelta(hours=2))
    assert result.complete and result.runs == [1] and clock.pauses == []


def test_a_gateway_off_line_is_tried_every_quarter_of_an_hour(
    two: Books, command: Any, clock: Clock, intacct: Intacct
) -> None:
    intacct.admin("/switch", offline=True)
    clock.meanwhile[3] = lambda: intacct.admin("/switch", offline=False)
    result = run_with_retries(command(), DAY, timedelta(hours=2))
    assert result.complete and result.counts["posted"] == 2 and len(intacct.entries()) == 2
    assert len(clock.pauses) == 3 and all(0.9 * 900 <= pause <= 1.1 * 900 for pause in clock.pauses)
    assert len(set(clock.pauses)) == 3, "a little more or less"
    assert outcomes(two)[0].startswith("stopped:") and outcomes(two)[-1].startswith("2 posted")
    assert all("trying again at " in said for said in clock.said if "sandbox" not in said)


def test_a_doubt_is_settled_as_soon_as_its_quarantine_is_over(
    two: Books, command: Any, clock: Clock, intacct: Intacct
) -> None:
    intacct.fault("drop@after:1x:create")
    result = run_with_retries(command(REVREC_POSTING_RETRY_EVERY="3 h"), DAY, timedelta(hours=2))
    assert result.complete and result.runs == [1, 2]
    assert 16 <= clock.minutes < 17 and len(clock.pauses) == 1
    assert [one["status"] for one in result.entries] == ["posted", "posted"], "the result is that of both passes"
    assert result.counts["posted"] == 2


def test_a_doubt_whose_quarantine_ends_after_the_time_is_up_is_left_to_the_next_run(
    two: Books, command: Any, clock: Clock, intacct: Intacct
) -> None:
    intacct.fault("drop@after:1x:create")
    result = run_with_retries(command(), DAY, timedelta(minutes=10))
    assert clock.pauses == [] and result.counts["in_doubt"] == 1 and result.counts["posted"] == 1


def test_when_the_time_is_up_it_ends_with_what_is_left(
    two: Books, command: Any, clock: Clock, intacct: Intacct
) -> None:
    intacct.fault("429@before:99x:create")
    result = run_with_retries(command(), DAY, timedelta(minutes=40))
    assert clock.minutes == 40, "a last try when the time is up"
    assert result.stopped is not None and result.counts["waiting"] == 2 and len(result.runs) == 4
    intacct.fault("")
    assert two.run(DAY.isoformat()).counts["posted"] == 2, "the next plain run does it, once"
    assert len(intacct.entries()) == 2


def test_a_gateway_that_is_never_reached_is_reported_at_the_end(
    two: Books, command: Any, clock: Clock, intacct: Intacct
) -> None:
    intacct.admin("/switch", offline=True)
    with pytest.raises(BadConfiguration, match="maintenance"):
        run_with_retries(command(), DAY, timedelta(minutes=20))
    assert clock.minutes == 20


def test_what_intacct_asks_for_is_honoured_between_passes(
    two: Books, command: Any, clock: Clock, intacct: Intacct
) -> None:
    intacct.admin("/switch", retry_after=1800)
    intacct.fault("429@before:1x:create")
    assert run_with_retries(command(), DAY, timedelta(hours=2)).complete
    assert clock.pauses == [1800]


def test_what_needs_data_is_not_tried_again_and_what_passes_by_itself_is(
    two: Books, command: Any, clock: Clock, intacct: Intacct, row: MakeRow
) -> None:
    two.take(row("INV-3", post_date="2024-01-07", entity="E1", location="NOWHERE"), name="bad.csv")
    intacct.admin("/switch", random_failures=3)
    result = run_with_retries(command(), DAY, timedelta(hours=2))
    assert result.counts == {"posted": 2, "failed": 1, "in_doubt": 0, "held": 0, "waiting": 0}
    sent = two.sql("SELECT reference FROM journal_entry WHERE entity = 'E1'")
    assert len(sent) == 1, "the refused one was sent once"
    assert result.runs == [1, 2], "and does not keep the command at it"
    assert len(intacct.entries()) == 2


def test_a_refused_sign_in_ends_it_at_once(two: Books, command: Any, clock: Clock, intacct: Intacct) -> None:
    intacct.fault("429@before:1x:create")
    clock.meanwhile[1] = lambda: intacct.admin("/senders", id=intacct.address["sender_id"], password="another")
    result = run_with_retries(command(), DAY, timedelta(hours=2))
    assert len(clock.pauses) == 1
    assert result.stopped is not None and result.stopped.error_class == "needs_sign_in"
    with pytest.raises(SignInFailed):
        run_with_retries(command(), DAY, timedelta(hours=2))
    assert len(clock.pauses) == 1


def test_nothing_is_held_while_it_waits_and_another_run_may_finish_the_work(
    two: Books, command: Any, clock: Clock, intacct: Intacct
) -> None:
    intacct.fault("429@before:1x:create")
    clock.meanwhile[1] = lambda: two.run(DAY.isoformat())
    result = run_with_retries(command(), DAY, timedelta(hours=2))
    assert result.complete and len(intacct.entries()) == 2 and result.runs == [1, 3]


@pytest.mark.parametrize("kind", ["sqlite"], indirect=True)
def test_another_run_at_work_is_waited_for_but_not_at_the_first_pass(
    two: Books, command: Any, clock: Clock, intacct: Intacct
) -> None:
    intacct.fault("429@before:1x:create")
    held: list[Any] = []

    def hold() -> None:
        held.append(active_run(two.context().database, "other", 0, 1, 60))
        held[0].__enter__()

    clock.meanwhile[1] = hold
    clock.meanwhile[2] = lambda: held[0].__exit__(None, None, None)
    assert run_with_retries(command(), DAY, timedelta(hours=2)).complete
    with active_run(two.context().database, "other", 0, 1, 60), pytest.raises(Busy):
        run_with_retries(command(), DAY, timedelta(hours=2))


def test_ctrl_c_while_it_waits_ends_it_cleanly(two: Books, command: Any, clock: Clock, intacct: Intacct) -> None:
    intacct.fault("429@before:2x:create")

    def interrupt() -> None:
        raise KeyboardInterrupt

    clock.meanwhile[2] = interrupt
    result = run_with_retries(command(), DAY, timedelta(hours=2))
    assert result.interrupted and result.counts["waiting"] == 2
    assert all(outcomes(two)), "every run's record is closed"


def test_ctrl_c_within_a_pass_closes_the_record_of_the_run(
    two: Books, command: Any, clock: Clock, intacct: Intacct
) -> None:
    intacct.fault("429@before:1x:create")

    def interrupt() -> None:
        raise KeyboardInterrupt

    clock.meanwhile[1] = interrupt
    with pytest.raises(KeyboardInterrupt):
        run_with_retries(command(REVREC_POSTING_RETRIES="1"), DAY, timedelta(hours=2))
    assert outcomes(two) == ["stopped: interrupted"]


def test_people_are_alerted_once_at_the_end(
    two: Books, command: Any, clock: Clock, intacct: Intacct, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown: list[RunResult] = []
    monkeypatch.setattr("revrec.jobs.running.alert._finished", lambda _context, result: shown.append(result))
    monkeypatch.setattr("revrec.jobs.running.alert._alert", lambda _context, _warn, facts: facts())
    intacct.fault("429@before:2x:create")
    result = run_and_alert(command(), DAY, False, timedelta(0), print, timedelta(hours=2))
    assert shown == [result] and result.complete and len(result.runs) == 3
