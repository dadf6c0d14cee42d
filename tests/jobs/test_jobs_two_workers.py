"""Two workers on one entry, as after a lost lock: what one of them knew before the other acted no longer counts."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from typing import Any

import pytest

from revrec.intacct.errors import ReadRefused, UnpostableEntry
from revrec.intacct.gateway import (
    ClaimOutcome,
    ErrorClass,
    FoundEntry,
    FoundLine,
    PostingAnswer,
    PostingOutcome,
    PreparedPosting,
)
from revrec.jobs.posting import resolve
from revrec.jobs.running import run as run_module
from revrec.store.posting import entries
from revrec.store.posting.entries import ENTRY_TABLES
from revrec.store.posting.posting_tables import AttemptOutcome
from support.books import Books, MakeRow
from support.wire import posted_heads

pytestmark = pytest.mark.both_databases

DAY = "2024-02-10"
LATER = timedelta(minutes=1)
IN_LEDGER = FoundEntry(
    "4711", "1", "RR", date(2024, 1, 12), "", "", "Posted", "",
    (FoundLine("1", 1, "debit", "2400", 200, "USD"), FoundLine("2", 2, "credit", "4000", 200, "USD")),
)  # fmt: skip


class Gateway:
    """Loses every answer, and lets another worker act while it reads or prepares."""

    def __init__(self) -> None:
        self.sent = 0
        self.meanwhile: Callable[[], object] = lambda: None
        self.found: list[FoundEntry] = []
        self.trouble: Exception | None = None
        self.unpostable = False

    def sign_in(self) -> None:
        pass

    def clock_offset(self) -> None:
        return None

    def claim(self, control_ids: Any) -> list[ClaimOutcome]:
        return [ClaimOutcome.WON for _ in control_ids]

    def closed_through(self, entity: str = "") -> date | None:
        return None

    def prepare(self, entry: Any, comment: str = "") -> PreparedPosting:
        if self.unpostable:
            self.meanwhile()
            raise UnpostableEntry("it cannot be written")
        return PreparedPosting(entry.control_id, entry.reference, b"", "<request/>")

    def send(self, prepared: PreparedPosting) -> PostingAnswer:
        self.sent += 1
        return PostingAnswer(
            PostingOutcome.IN_DOUBT, prepared.control_id, error_class=ErrorClass.IN_DOUBT, advice="read it back"
        )

    def find_entries(self, journal: str, reference: str) -> list[FoundEntry]:
        self.meanwhile()
        if self.trouble:
            raise self.trouble
        return [one._replace(reference=reference) for one in self.found]

    def entries_numbered(self, record_nos: list[str]) -> list[FoundEntry]:
        return posted_heads(record_nos)

    def entries_since(self, journal: str, since: Any) -> list[FoundEntry]:
        return []

    def entries_dated(self, journal: str, start: date, end: date) -> list[FoundEntry]:
        return []

    def with_lines(self, heads: list[FoundEntry]) -> list[FoundEntry]:
        return heads


@pytest.fixture
def gateway(monkeypatch: pytest.MonkeyPatch) -> Gateway:
    made = Gateway()

    @contextmanager
    def opened(_context: Any) -> Iterator[Gateway]:
        yield made

    monkeypatch.setattr(run_module, "open_gateway", opened)
    return made


class Other:
    """The other worker."""

    def __init__(self, books: Books) -> None:
        self.context = books.context("other run")

    def move(self, old: str, new: str, **values: Any) -> None:
        with self.context.database.write() as connection:
            (number,) = entries.numbers_in(connection, old)
            ENTRY_TABLES.change_state(connection, number, old, new, self.context.who(), **values)

    def send_again_and_lose_the_answer(self) -> None:
        self.move("IN_DOUBT", "SENDING", owner="other", attempts=2)
        with self.context.database.write() as connection:
            ENTRY_TABLES.begin_attempt(connection, 1, "send", "c", "<request/>", self.context.who())
        self.move("SENDING", "IN_DOUBT", owner=None, not_before="2999-01-01")

    def adopt(self) -> None:
        with self.context.database.write() as connection:
            attempt, _ = ENTRY_TABLES.begin_attempt(connection, 1, "read_back", "c", "find", self.context.who())
            found = AttemptOutcome("found", None, "4711", None, "")
            ENTRY_TABLES.end_attempt(connection, attempt, found, self.context.who())
        self.move("IN_DOUBT", "POSTED", record_no="4711")


@pytest.fixture
def doubtful(books: Books, row: MakeRow, gateway: Gateway) -> Books:
    """Books with one entry in doubt, whose quarantine is over."""
    books.take(row("INV-1"))
    books.run(DAY)
    return books


def state(books: Books) -> str:
    return str(books.sql("SELECT state FROM journal_entry ORDER BY id")[0][0])


def test_absence_that_was_read_before_another_worker_sent_again_lets_nothing_be_sent(
    doubtful: Books, gateway: Gateway
) -> None:
    gateway.meanwhile = Other(doubtful).send_again_and_lose_the_answer
    result = doubtful.run(DAY, later=LATER)
    assert gateway.sent == 1 and state(doubtful) == "IN_DOUBT" and result.counts["in_doubt"] == 1
    ((attempts, not_before),) = doubtful.sql("SELECT attempts, not_before FROM journal_entry")
    # A quarantine longer than the longest possible is from a clock that was ahead; a run may shorten it.
    assert attempts == 2 and not_before > doubtful.context("run", LATER).timestamp()


@pytest.mark.parametrize("read", [[], [IN_LEDGER, IN_LEDGER], ReadRefused("no permission")])
def test_what_another_worker_sent_again_comes_before_a_person_only_after_its_own_quarantine(
    doubtful: Books, gateway: Gateway, read: Any
) -> None:
    books = doubtful
    gateway.found, gateway.trouble = (read, None) if isinstance(read, list) else ([], read)
    gateway.meanwhile = Other(books).send_again_and_lose_the_answer
    books.run(DAY, later=LATER, REVREC_POSTING_ATTEMPTS="1")
    assert state(books) == "IN_DOUBT", "it may be on its way to Intacct at this moment"


@pytest.mark.parametrize("found", [[], [IN_LEDGER]])
def test_what_another_worker_settled_meanwhile_stays_settled_and_the_run_goes_on(
    doubtful: Books, gateway: Gateway, row: MakeRow, found: list[FoundEntry]
) -> None:
    doubtful.take(row("INV-2", post_date="2024-01-06"), name="more.csv")
    gateway.found = found
    gateway.meanwhile = Other(doubtful).adopt
    result = doubtful.run(DAY, later=LATER)
    assert state(doubtful) == "POSTED" and gateway.sent == 2
    assert result.counts["posted"] == 0, "the other worker counts it"
    kept = doubtful.sql("SELECT count(*) FROM attempt a LEFT JOIN attempt_outcome o ON o.attempt_id = a.id"
                        " WHERE a.kind = 'read_back' AND o.outcome IS NULL")  # fmt: skip
    assert kept == [(0,)], "what was read is kept all the same"


def test_an_entry_that_a_person_lets_be_sent_again_and_another_worker_took_is_left_to_it(
    doubtful: Books, gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = Other(doubtful)
    other.move("IN_DOUBT", "HELD")
    (reference,) = doubtful.sql("SELECT reference FROM journal_entry")[0]
    resolve.send_again(doubtful.context("postings resolve"), reference, "look again")
    original = ENTRY_TABLES.may_have_posted

    def sent_meanwhile(connection: Any, number: int) -> bool:
        there = original(connection, number)
        monkeypatch.setattr(ENTRY_TABLES, "may_have_posted", original)
        connection.rollback()
        other.move("READY", "SENDING", owner="other", lease_until="9")
        return there

    monkeypatch.setattr(ENTRY_TABLES, "may_have_posted", sent_meanwhile)
    with doubtful.beside("other"):
        assert doubtful.run(DAY, later=LATER).counts["waiting"] == 1
    assert state(doubtful) == "SENDING" and gateway.sent == 1


def test_what_cannot_be_written_is_refused_only_if_no_other_worker_took_it(
    books: Books, row: MakeRow, gateway: Gateway
) -> None:
    books.take(row("INV-1"))
    gateway.unpostable = True
    gateway.meanwhile = lambda: Other(books).move("READY", "SENDING", owner="other", lease_until="9")
    with books.beside("other"):
        result = books.run(DAY)
    assert state(books) == "SENDING" and result.counts["failed"] == 0 and result.counts["waiting"] == 1
