"""Several requests in flight: they overlap, the limits hold, and each entry is posted once whatever goes wrong."""

import json
import signal
import subprocess
from collections import Counter
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from revrec.intacct.gateway import RATE_LIMITED
from revrec.jobs.admin.verify import verify
from revrec.jobs.posting.in_flight import ANSWERS_PER_INCREASE, InFlightLimit
from revrec.jobs.posting.interrupts import interrupts_held
from support.billing import ORDER, Billing
from support.books import Books, MakeBooks, MakeRow
from support.intacct import Intacct
from support.patience import PATIENCE, until

DAY = "2024-06-30"
DUE = 6
"""Entries of a magazine that are due by then, one for each month."""
LATER = timedelta(minutes=11)
AT_ONCE = "REVREC_POSTING_MAX_IN_FLIGHT"


@pytest.fixture(autouse=True)
def as_before(intacct: Intacct) -> Any:
    """Put the switches of these tests back, and let requests go on that wait for others."""
    yield
    intacct.fault("")
    intacct.admin("/switch", max_in_flight=0, max_per_minute=0)


@pytest.fixture
def due(books: Books, row: MakeRow) -> Books:
    """Return books in which six entries are due."""
    books.take(row("INV-1"))
    return books


def states(books: Books) -> Counter[str]:
    return Counter(state for (state,) in books.sql("SELECT state FROM journal_entry"))


def outcomes(books: Books) -> Counter[tuple[str, str]]:
    """Return how often each kind of attempt had each outcome."""
    query = "SELECT a.kind, o.outcome FROM attempt a LEFT JOIN attempt_outcome o ON o.attempt_id = a.id"
    return Counter(books.sql(query))


def most_at_once(books: Books) -> int:
    """Return how many attempts were open at the same time; check that each read-back was open alone."""
    events = books.sql("SELECT action, subject, detail FROM audit_event WHERE action LIKE 'attempt %' ORDER BY seq")
    kinds: dict[str, str] = {}
    most = 0
    for action, attempt, detail in events:
        if action == "attempt ended":
            del kinds[attempt]
            continue
        kinds[attempt] = json.loads(detail)["kind"]
        most = max(most, len(kinds))
        assert len(kinds) == 1 or "read_back" not in kinds.values(), f"{attempt} overlaps with another: {kinds}"
    return most


def recognized(intacct: Intacct) -> Counter[tuple[str, str, Decimal]]:
    """Return the lines of Intacct's ledger: date, account and amount."""
    lines = ((one["date"], line) for one in intacct.entries() for line in one["lines"])
    return Counter((day, line["account"], line["type"] * Decimal(line["amount"])) for day, line in lines)


def expected(books: Books) -> Counter[tuple[str, str, Decimal]]:
    """Return the lines that Intacct's ledger must have: each due schedule line once, in both accounts."""
    due = books.sql("SELECT date, amount FROM schedule_line WHERE superseded_by IS NULL AND date <= ?", DAY)
    signs = (("2400", 1), ("4000", -1))
    return Counter((day, account, sign * Decimal(cents) / 100) for day, cents in due for account, sign in signs)


@pytest.mark.both_databases
def test_as_many_requests_overlap_as_are_allowed(due: Books, intacct: Intacct) -> None:
    intacct.fault(f"gather=3@before:{DUE}x:create")
    assert due.run(DAY, also={AT_ONCE: "3"}).complete
    assert outcomes(due) == {("send", "posted"): DUE}, "no request waited in vain for two others"
    assert most_at_once(due) == 3
    assert recognized(intacct) == expected(due)


def test_no_more_requests_overlap_than_allowed(due: Books, intacct: Intacct) -> None:
    intacct.admin("/switch", max_in_flight=2)
    assert due.run(DAY, also={AT_ONCE: "2"}).complete
    assert outcomes(due) == {("send", "posted"): DUE}, "Intacct rejected none"


def test_the_ledger_is_the_same_however_many_are_in_flight(
    fresh_books: MakeBooks, intacct: Intacct, row: MakeRow
) -> None:
    def posted(most: str) -> tuple[Any, ...]:
        intacct.admin("/reset")
        books = fresh_books(intacct.environment)
        books.take(row("INV-1"), row("INV-2", amount="99.99"), row("INV-3", amount="-7.00", currency="EUR"))
        assert books.run(DAY, also={AT_ONCE: most}).complete
        assert verify(books.context("verify")).sound
        lines = "SELECT e.date, e.state, e.amount, l.line_no, l.side, l.account, l.amount, l.charge, l.seq"
        ours = books.sql(
            f"{lines} FROM journal_entry e JOIN journal_line l ON l.entry_id = e.id ORDER BY e.id, line_no"
        )
        return ours, recognized(intacct)

    assert posted("4") == posted("1")


@pytest.mark.both_databases
def test_lost_answers_are_all_read_back_by_the_next_run(due: Books, intacct: Intacct) -> None:
    intacct.fault("drop@after:3x:create")
    result = due.run(DAY, also={AT_ONCE: "3"})
    assert result.counts["in_doubt"] == 3 and states(due) == {"IN_DOUBT": 3, "POSTED": DUE - 3}
    assert due.run(DAY, later=LATER, also={AT_ONCE: "3"}).complete
    assert outcomes(due) == {("send", "posted"): DUE - 3, ("send", "in_doubt"): 3, ("read_back", "found"): 3}
    assert most_at_once(due) <= 3
    assert recognized(intacct) == expected(due)


def test_rejections_of_too_many_requests_reduce_the_number_in_flight(
    due: Books, intacct: Intacct, monkeypatch: pytest.MonkeyPatch
) -> None:
    lowered: list[int] = []
    lower = InFlightLimit.lower

    def noted(limit: InFlightLimit) -> None:
        lower(limit)
        lowered.append(limit.now)

    monkeypatch.setattr(InFlightLimit, "lower", noted)
    intacct.fault("429@before:2x:create")
    assert due.run(DAY, also={AT_ONCE: "4"}).complete
    assert lowered == [2], "once for all of them"
    assert outcomes(due) == {("send", "not_run"): 2, ("send", "posted"): DUE}
    assert due.sql("SELECT name FROM attempt_failure") == [(RATE_LIMITED,)] * 2
    assert due.slept, "it waited before the next try"
    assert recognized(intacct) == expected(due)


def test_a_company_that_allows_fewer_gets_each_entry_once(due: Books, intacct: Intacct) -> None:
    intacct.admin("/switch", max_in_flight=1)
    assert due.run(DAY, also={AT_ONCE: "5"}).complete
    assert recognized(intacct) == expected(due)


def test_the_limit_is_halved_and_grows_again_with_answers() -> None:
    limit = InFlightLimit(5)
    limit.lower()
    assert limit.now == 2
    limit.lower()
    limit.lower()
    assert limit.now == 1
    for _ in range(10 * ANSWERS_PER_INCREASE):
        limit.count_answer()
    assert limit.now == 5


def test_an_answer_that_ends_the_run_lets_the_others_arrive(due: Books, intacct: Intacct) -> None:
    intacct.fault("GW-0011@before:#3:create,gather=2@after:2x:create")
    result = due.run(DAY, also={AT_ONCE: "3"})
    assert result.stopped is not None and result.stopped.failure == "tenant-refused"
    posted = states(due)["POSTED"]
    assert posted >= 2 and states(due) == {"POSTED": posted, "READY": DUE - posted}
    assert outcomes(due) == {("send", "posted"): posted, ("send", "not_run"): 1}
    assert len(intacct.entries()) == posted


REPAIR = """
[[repair]]
name = "default location"
[repair.when]
error = "dimension-unknown"
dimension = "location"
[repair.set]
dimensions.location = "E100"
"""


def test_a_replacement_is_sent_after_the_rejection_of_its_entry_is_recorded(
    books: Books, intacct: Intacct, row: MakeRow
) -> None:
    (books.folder / "rules" / "repairs.toml").write_text(REPAIR)
    books.take(row("INV-1", location="NOWHERE"))
    assert books.run(DAY, also={AT_ONCE: "3"}).complete
    assert states(books) == {"REPLACED": DUE, "POSTED": DUE}
    assert recognized(intacct) == expected(books)
    order = [action for (action,) in books.sql("SELECT action FROM audit_event ORDER BY seq")]
    last_rejection = max(at for at, action in enumerate(order) if action == "entry REJECTED")
    assert order[:last_rejection].count("entry SENDING") == DUE, "no replacement before that"


def test_orders_are_in_flight_together(books: Books, intacct: Intacct, row: MakeRow) -> None:
    billing = Billing(books, intacct, row, ORDER)
    numbers = ("INV-1", "INV-2", "INV-3")
    for number in numbers:
        billing.document(number)
    books.environment[AT_ONCE] = "3"
    intacct.fault("gather=3@before:3x:create_sotransaction")
    assert billing.run().complete
    assert Counter(billing.states()) == {("sales_order", "POSTED"): 3, ("sales_invoice", "POSTED"): 3}
    assert Counter(billing.attempts()) == {("send", "posted"): 6}
    assert [one.number for one in billing.in_intacct(*numbers)] == list(numbers)


def test_a_rejected_entry_leaves_the_others_alone(due: Books, intacct: Intacct) -> None:
    intacct.fault("refuse=BL34000061 Another one exists@before:#2:create")
    result = due.run(DAY, also={AT_ONCE: "3"})
    assert states(due) == {"POSTED": DUE - 1, "REJECTED": 1} and result.counts["failed"] == 1


def start_with_three_in_flight(books: Books, intacct: Intacct) -> "subprocess.Popen[str]":
    """Start a run, and return it when Intacct has saved three entries and holds back the answers."""
    intacct.fault("gather=9@after:3x:create")
    patient = {"REVREC_POSTING_TIMEOUT": f"{PATIENCE} s", "REVREC_POSTING_LEASE": f"{2 * PATIENCE} s"}
    process = books.start("run", "--date", DAY, "--verbose", **{AT_ONCE: "3"}, **patient)
    until(lambda: len(intacct.entries()) == 3)
    assert states(books) == {"SENDING": 3, "READY": DUE - 3}
    return process


def wait_for_note(process: "subprocess.Popen[str]") -> None:
    """Wait until a run prints that it waits for the three requests in flight."""
    assert process.stderr is not None
    assert any("the requests in flight (3)" in line for line in iter(process.stderr.readline, ""))


@pytest.mark.both_databases
def test_a_killed_run_leaves_all_that_were_in_flight_in_doubt(due: Books, intacct: Intacct) -> None:
    process = start_with_three_in_flight(due, intacct)
    process.kill()
    process.communicate()
    early = due.run(DAY, also={AT_ONCE: "3", "REVREC_POSTING_QUARANTINE": "10 min"})
    assert early.counts["in_doubt"] == 3 and outcomes(due)["send", "posted"] == DUE - 3
    assert due.run(DAY, later=LATER, also={AT_ONCE: "3"}).complete
    assert outcomes(due)["read_back", "found"] == 3
    assert recognized(intacct) == expected(due)


def block_with(*numbers: signal.Signals) -> list[str]:
    """Raise signals within a block that holds them back; return what happened, in order."""
    happened = []
    try:
        with interrupts_held(lambda: happened.append("notified")):
            for number in numbers:
                signal.raise_signal(number)
                happened.append("went on")
    except KeyboardInterrupt:
        happened.append("interrupted")
    return happened


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_counts_at_the_end_of_the_block_and_a_second_one_at_once(number: signal.Signals) -> None:
    before = signal.getsignal(number)
    assert block_with() == []
    assert block_with(number) == ["notified", "went on", "interrupted"]
    assert block_with(number, signal.SIGINT) == ["notified", "went on", "interrupted"]
    assert signal.getsignal(number) is before


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_records_every_answer_first(due: Books, intacct: Intacct, number: signal.Signals) -> None:
    process = start_with_three_in_flight(due, intacct)
    process.send_signal(number)
    wait_for_note(process)
    intacct.fault("")
    _out, error = process.communicate(timeout=PATIENCE)
    assert process.returncode == 130 and "interrupted" in error
    assert states(due) == {"POSTED": 3, "READY": DUE - 3}
    assert due.sql("SELECT outcome FROM posting_run ORDER BY id") == [("stopped: interrupted",)]


@pytest.mark.slow
def test_a_second_interrupt_ends_the_run_at_once(due: Books, intacct: Intacct) -> None:
    process = start_with_three_in_flight(due, intacct)
    process.send_signal(signal.SIGINT)
    wait_for_note(process)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=PATIENCE)
    assert process.returncode == 130 and states(due) == {"SENDING": 3, "READY": DUE - 3}
    due.run(DAY)
    assert due.run(DAY, later=LATER).complete
    assert recognized(intacct) == expected(due)


FAULTS = ("drop", "reset", "html", "empty", "truncated", "garbled", "stale", "500", "503", "429", "refuse")


@st.composite
def plans(draw: st.DrawFn) -> str:
    """Draw a plan of faults for some of the requests."""
    moments = {"429": "before", "refuse": "before"}
    chosen = draw(st.lists(st.sampled_from(FAULTS), min_size=1, max_size=3))
    faults = [
        f"{one}@{moments.get(one) or draw(st.sampled_from(['before', 'after']))}:#{draw(st.integers(1, 8))}:"
        f"{draw(st.sampled_from(['create', 'create', 'query']))}"
        for one in chosen
    ]
    return ",".join(faults)


def check_any_faults(fresh_books: MakeBooks, intacct: Intacct, row: MakeRow, examples: int) -> None:
    @settings(
        max_examples=examples, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True, database=None
    )
    @given(plan=plans(), most=st.integers(2, 5))
    def whatever_fails(plan: str, most: int) -> None:
        intacct.admin("/reset")
        books = fresh_books(intacct.environment)
        books.take(row("INV-1"), row("INV-2", amount="99.99"))
        intacct.fault(plan)
        for turn in range(6):
            result = books.run(
                DAY, later=turn * LATER, also={AT_ONCE: str(most), "REVREC_POSTING_LINES_PER_ENTRY": "2"}
            )
            if result.complete and turn:
                break
        assert recognized(intacct) == expected(books), plan
        assert states(books)["POSTED"] == 2 * DUE
        assert most_at_once(books) <= most

    whatever_fails()


def test_each_entry_is_posted_once_whatever_fails(fresh_books: MakeBooks, intacct: Intacct, row: MakeRow) -> None:
    check_any_faults(fresh_books, intacct, row, 2)


@pytest.mark.slow
def test_each_entry_is_posted_once_whatever_else_fails(fresh_books: MakeBooks, intacct: Intacct, row: MakeRow) -> None:
    check_any_faults(fresh_books, intacct, row, 25)
