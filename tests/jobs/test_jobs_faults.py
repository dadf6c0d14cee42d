"""Whatever goes wrong on the way: nothing lost, nothing twice, and the next run settles what is in doubt."""

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from typing import Any

import pytest

from revrec.core.journal import JournalEntry, JournalLine
from revrec.intacct.errors import GatewayUnreachable, ReadRefused, SignInFailed, UnpostableEntry
from revrec.intacct.gateway import (
    ClaimOutcome,
    ErrorClass,
    FoundEntry,
    FoundLine,
    PostingAnswer,
    PostingOutcome,
    PreparedPosting,
)
from revrec.jobs.posting.journal_entries import same_content
from revrec.jobs.running import run as run_module
from revrec.store.posting import entries
from revrec.store.posting.entries import ENTRY_TABLES
from support.books import Books, MakeRow
from support.intacct import Intacct
from support.patience import until
from support.wire import posted_heads

pytestmark = pytest.mark.both_databases

DAY = "2024-02-10"
LATER = timedelta(minutes=1)
MUCH_LATER = timedelta(minutes=2)
LONG_QUARANTINE = "40 s"
"""Longer than a slow machine needs to kill a process and run the next command, and shorter than a minute."""


def states(books: Books) -> list[str]:
    return [state for (state,) in books.sql("SELECT state FROM journal_entry ORDER BY id")]


def attempts(books: Books) -> list[tuple[Any, ...]]:
    found: list[tuple[Any, ...]] = books.sql(
        "SELECT a.kind, o.outcome FROM attempt a LEFT JOIN attempt_outcome o ON o.attempt_id = a.id ORDER BY a.id"
    )
    return found


@pytest.fixture
def due(books: Books, row: MakeRow) -> Books:
    """Books with one entry due."""
    books.take(row("INV-1"))
    return books


def test_an_answer_that_was_lost_after_intacct_saved_is_adopted_and_nothing_is_sent_again(
    due: Books, intacct: Intacct
) -> None:
    intacct.fault("drop@after:1x:create")
    result = due.run(DAY)
    assert result.counts == {"posted": 0, "failed": 0, "in_doubt": 1, "held": 0, "waiting": 0}
    assert states(due) == ["IN_DOUBT"] and not result.complete
    early = due.run(DAY)
    assert early.counts["in_doubt"] == 1 and attempts(due) == [("send", "in_doubt")], "the quarantine is not over"
    (posted,) = due.run(DAY, later=LATER).entries
    (entry,) = intacct.entries()
    assert (posted["status"], posted["record_no"]) == ("posted", str(entry["record_no"]))
    assert attempts(due) == [("send", "in_doubt"), ("read_back", "found")]


def test_a_request_that_was_lost_on_its_way_is_sent_again_under_the_same_control_id(
    due: Books, intacct: Intacct
) -> None:
    intacct.fault("drop@before:1x:create")
    assert due.run(DAY).counts["in_doubt"] == 1
    assert due.run(DAY, later=LATER).complete
    assert len(intacct.entries()) == 1
    assert attempts(due) == [("send", "in_doubt"), ("read_back", "absent"), ("send", "posted")]
    assert len(due.sql("SELECT DISTINCT control_id FROM attempt")) == 1
    assert due.sql("SELECT attempts FROM journal_entry") == [(2,)]


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("fault", ["reset", "html", "empty", "truncated", "garbled", "wrong_control_id", "500", "524"])
def test_whatever_comes_instead_of_an_answer_it_is_posted_once(
    due: Books, intacct: Intacct, fault: str, when: str
) -> None:
    intacct.fault(f"{fault}@{when}:1x:create")
    first = due.run(DAY)
    assert first.counts["in_doubt"] == 1 and not first.complete, first.entries
    assert first.entries[0]["error"] or first.entries[0]["advice"]
    assert due.run(DAY, later=LATER).counts["posted"] == 1
    assert len(intacct.entries()) == 1 and states(due) == ["POSTED"]


def test_being_turned_away_again_and_again_leaves_the_entry_ready_and_stops(
    books: Books, intacct: Intacct, row: MakeRow
) -> None:
    books.take(row("INV-1"), row("INV-2", post_date="2024-01-06"))
    intacct.fault("429@before:5x:create")
    result = books.run(DAY)
    assert result.stopped is not None and result.stopped.outcome is PostingOutcome.NOT_RUN
    assert states(books) == ["READY", "READY"] and result.counts["waiting"] == 2 and intacct.entries() == []
    assert books.run(DAY).complete and len(intacct.entries()) == 2


def test_one_lost_answer_does_not_keep_the_others_from_being_posted(
    books: Books, intacct: Intacct, row: MakeRow
) -> None:
    books.take(row("INV-1"), row("INV-2", post_date="2024-01-06"), row("INV-3", post_date="2024-01-07"))
    intacct.fault("drop@after:1x:create")
    assert books.run(DAY).counts["posted"] == 2
    assert books.run(DAY, later=LATER).complete
    assert len(intacct.entries()) == 3


def test_an_entry_in_another_currency_is_known_again(books: Books, intacct: Intacct, row: MakeRow) -> None:
    books.take(row("INV-1", currency="JPY", amount="1000"), row("INV-2", currency="KWD", amount="1.000"))
    intacct.fault("drop@after:2x:create")
    assert books.run("2024-01-31").counts["in_doubt"] == 2
    assert books.run("2024-01-31", later=LATER).complete
    assert len(intacct.entries()) == 2


@pytest.mark.parametrize("when", ["before", pytest.param("after", marks=pytest.mark.slow)])
def test_a_run_that_is_killed_while_it_sends_is_settled_by_the_next_once(
    due: Books, intacct: Intacct, when: str
) -> None:
    injected = intacct.injected()
    intacct.fault(f"slow=4@{when}:1x:create")
    process = due.start("run", "--date", DAY, REVREC_POSTING_QUARANTINE=LONG_QUARANTINE)
    until(lambda: states(due) == ["SENDING"] and intacct.injected() > injected)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    doubtful = due.run(DAY, REVREC_POSTING_QUARANTINE=LONG_QUARANTINE)
    assert states(due) == ["IN_DOUBT"] and doubtful.counts["in_doubt"] == 1, "the quarantine is not over"
    assert attempts(due) == [("send", None)]
    until(lambda: len(intacct.entries()) == 1)
    assert due.run(DAY, later=MUCH_LATER).complete
    assert len(intacct.entries()) == 1 and states(due) == ["POSTED"]
    assert attempts(due) == [("send", None), ("read_back", "found")]


@pytest.mark.slow
def test_what_a_killed_run_had_not_sent_is_sent_by_the_next(books: Books, intacct: Intacct, row: MakeRow) -> None:
    books.take(row("INV-1"), row("INV-2", post_date="2024-01-06"))
    injected = intacct.injected()
    intacct.fault("slow=4@before:1x:create")
    process = books.start("run", "--date", DAY)
    until(lambda: states(books) == ["SENDING", "READY"] and intacct.injected() > injected)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    assert books.run(DAY).counts["posted"] == 1 and states(books) == ["IN_DOUBT", "POSTED"]
    until(lambda: len(intacct.entries()) == 2)
    assert books.run(DAY, later=LATER).complete and len(intacct.entries()) == 2


class Stub:
    """A gateway with prepared answers. ``sends`` and ``finds`` are used up in order; the last one stays."""

    def __init__(self) -> None:
        self.sent: list[str] = []
        self.sends: list[Callable[[PreparedPosting], PostingAnswer]] = [posted]
        self.finds: list[Any] = [[]]
        self.unpostable: set[str] = set()

    def sign_in(self) -> None:
        pass

    def clock_offset(self) -> None:
        return None

    def claim(self, control_ids: Any) -> list[ClaimOutcome]:
        return [ClaimOutcome.WON for _ in control_ids]

    def closed_through(self, entity: str = "") -> date | None:
        return None

    def prepare(self, entry: JournalEntry, comment: str = "") -> PreparedPosting:
        if any(line.document in self.unpostable for line in entry.lines):
            raise UnpostableEntry("dimension 'a b': Intacct allows letters, digits and _ in a name")
        return PreparedPosting(entry.control_id, entry.reference, b"", "<request/>")

    def send(self, prepared: PreparedPosting) -> PostingAnswer:
        self.sent.append(prepared.control_id)
        return (self.sends.pop(0) if len(self.sends) > 1 else self.sends[0])(prepared)

    def find_entries(self, journal: str, reference: str) -> list[FoundEntry]:
        found = self.finds.pop(0) if len(self.finds) > 1 else self.finds[0]
        if isinstance(found, Exception):
            raise found
        return [one._replace(reference=reference) for one in found]

    def entries_since(self, journal: str, since: Any) -> list[FoundEntry]:
        return []

    def entries_dated(self, journal: str, start: date, end: date) -> list[FoundEntry]:
        return []

    def entries_numbered(self, record_nos: list[str]) -> list[FoundEntry]:
        return posted_heads(record_nos)

    def with_lines(self, heads: list[FoundEntry]) -> list[FoundEntry]:
        return heads


def posted(prepared: PreparedPosting) -> PostingAnswer:
    return PostingAnswer(PostingOutcome.POSTED, prepared.control_id, "4711")


def lost(prepared: PreparedPosting) -> PostingAnswer:
    return PostingAnswer(
        PostingOutcome.IN_DOUBT, prepared.control_id, error_class=ErrorClass.IN_DOUBT, advice="read it back"
    )


def password_changed(prepared: PreparedPosting) -> PostingAnswer:
    return PostingAnswer(
        PostingOutcome.NOT_RUN, prepared.control_id, error_class=ErrorClass.NEEDS_SIGN_IN, advice="sign in again"
    )


def in_ledger(record_no: str = "4711", amount: int = 200, day: date = date(2024, 1, 12)) -> FoundEntry:
    lines = (
        FoundLine("1", 1, "debit", "2400", amount, "USD"),
        FoundLine("2", 2, "credit", "4000", amount, "USD"),
    )
    return FoundEntry(record_no, "1", "RR", day, "Rev rec", "", "Posted", "", lines)


@pytest.fixture
def stub(monkeypatch: pytest.MonkeyPatch) -> Stub:
    gateway = Stub()

    @contextmanager
    def opened(_context: Any) -> Iterator[Stub]:
        yield gateway

    monkeypatch.setattr(run_module, "open_gateway", opened)
    return gateway


@pytest.mark.parametrize(
    ("found", "said"),
    [
        ([in_ledger("1"), in_ledger("2")], "Intacct has 2 entries with this reference: 1, 2"),
        ([in_ledger(amount=199)], "Intacct's entry 4711 with this reference has other figures"),
        ([in_ledger(day=date(2024, 1, 13))], "has other figures"),
        ([in_ledger()._replace(state="Declined")], "is not posted there: its state is Declined"),
    ],
)
def test_what_a_read_back_cannot_settle_is_held_for_a_person(due: Books, stub: Stub, found: Any, said: str) -> None:
    stub.sends = [lost]
    stub.finds = [found]
    due.run(DAY)
    result = due.run(DAY, later=LATER)
    assert states(due) == ["HELD"] and result.counts["held"] == 1 and not result.complete
    (entry,) = result.entries
    assert said in str(entry["error"]) and entry["reference"] in str(entry["advice"])
    due.run(DAY, later=MUCH_LATER)
    assert len(stub.sent) == 1 and states(due) == ["HELD"], "nothing more happens by itself"


def test_after_so_many_attempts_a_person_must_look(due: Books, stub: Stub) -> None:
    stub.sends = [lost]
    for minute in range(6):
        due.run(DAY, later=timedelta(minutes=minute))
    assert states(due) == ["HELD"] and len(stub.sent) == 3
    assert len(set(stub.sent)) == 1


def test_a_read_back_that_intacct_refuses_leaves_its_entry_in_doubt_and_the_others_go_on(
    books: Books, row: MakeRow, stub: Stub
) -> None:
    books.take(row("INV-1"))
    stub.sends = [lost, posted]
    books.run(DAY)
    books.take(row("INV-2", post_date="2024-01-06"), name="more.csv")
    stub.finds = [ReadRefused("Intacct refused a read: no permission")]
    result = books.run(DAY, later=LATER)
    assert (result.counts["posted"], result.counts["in_doubt"]) == (1, 1) and result.stopped is None
    assert ("read_back", "unread") in attempts(books)
    stub.finds = [[in_ledger()]]
    assert books.run(DAY, later=MUCH_LATER).complete


@pytest.mark.parametrize(
    ("error", "means"),
    [(GatewayUnreachable("no answer"), ErrorClass.RETRY_LATER), (SignInFailed("locked"), ErrorClass.NEEDS_SIGN_IN)],
)
def test_a_gateway_that_goes_away_during_a_read_back_stops_the_run_in_order(
    due: Books, stub: Stub, error: Exception, means: ErrorClass
) -> None:
    stub.sends = [lost]
    due.run(DAY)
    stub.finds = [error]
    result = due.run(DAY, later=LATER)
    assert result.stopped and result.stopped.error_class is means and str(error) in result.stopped.advice
    assert states(due) == ["IN_DOUBT"] and result.counts["in_doubt"] == 1
    assert due.sql("SELECT count(*) FROM posting_run WHERE finished_at IS NULL") == [(0,)]


def test_a_password_that_changes_in_the_middle_stops_the_run_and_leaves_the_rest_ready(
    books: Books, row: MakeRow, stub: Stub
) -> None:
    books.take(*(row(f"INV-{n}", post_date=f"2024-01-0{n}") for n in (1, 2, 3)))
    stub.sends = [posted, password_changed]
    result = books.run("2024-01-31")
    assert states(books) == ["POSTED", "READY", "READY"] and len(stub.sent) == 2
    assert result.stopped and result.stopped.error_class is ErrorClass.NEEDS_SIGN_IN


def test_an_entry_that_cannot_be_written_for_intacct_is_refused_by_us_and_the_others_go_on(
    books: Books, row: MakeRow, stub: Stub
) -> None:
    books.take(row("INV-1"), row("INV-2", post_date="2024-01-06"))
    stub.unpostable = {"INV-1"}
    result = books.run(DAY)
    assert states(books)[:1] == ["REJECTED"] and len(stub.sent) == len(states(books)) - 1
    assert "dimension 'a b'" in str(result.entries[0]["error"])
    stub.unpostable = set()
    assert books.run(DAY).complete, "once it can be written, it goes on under a new reference"


def test_a_worker_that_wakes_up_too_late_keeps_what_it_was_answered_and_changes_nothing(due: Books, stub: Stub) -> None:
    context = due.context("other run", later=LATER)

    def answered_late(prepared: PreparedPosting) -> PostingAnswer:
        with context.database.write() as connection:
            (number,) = entries.numbers_in(connection, "SENDING")
            who = context.who()
            ENTRY_TABLES.change_state(connection, number, "SENDING", "IN_DOUBT", who, owner=None, lease_until=None)
        return posted(prepared)

    stub.sends = [answered_late]
    result = due.run(DAY)
    assert states(due) == ["IN_DOUBT"] and not result.complete
    assert attempts(due) == [("send", "posted")], "what Intacct said is kept"
    stub.finds = [[in_ledger()]]
    assert due.run(DAY, later=MUCH_LATER).complete and len(stub.sent) == 1


def test_an_entry_that_another_worker_took_first_is_left_to_it(books: Books, row: MakeRow, stub: Stub) -> None:
    books.take(row("INV-1"), row("INV-2", post_date="2024-01-06"))
    context = books.context("other run")

    def take_the_other(prepared: PreparedPosting) -> PostingAnswer:
        with context.database.write() as connection:
            ENTRY_TABLES.change_state(connection, 2, "READY", "SENDING", context.who(), owner="other", lease_until="9")
        return posted(prepared)

    stub.sends = [take_the_other]
    with books.beside("other"):
        result = books.run(DAY)
    assert states(books) == ["POSTED", "SENDING"] and len(stub.sent) == 1
    assert result.counts["waiting"] == 1


def test_only_the_same_date_and_the_same_lines_are_the_same_entry() -> None:
    first = JournalLine(1, "debit", "2400", 200, "USD", "shop/1/1", 1, 1, 1, "1", "memo", "C", "I", {})
    lines = (first, first._replace(line_no=2, side="credit", account="4000"))
    entry = JournalEntry("RR1", "c", date(2024, 1, 12), "RR", "", "USD", "t", lines)
    found = in_ledger()
    assert same_content(entry, found)
    debit, credit = found.lines
    for other in (
        found._replace(date=None),
        found._replace(lines=(debit,)),
        found._replace(lines=(debit, credit, credit)),
        found._replace(lines=(debit._replace(side="credit"), credit)),
        found._replace(lines=(debit._replace(account="2410"), credit)),
        found._replace(lines=(debit._replace(currency="EUR"), credit)),
    ):
        assert not same_content(entry, other)
