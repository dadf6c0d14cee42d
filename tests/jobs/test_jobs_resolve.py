"""What a person decides about a held entry: nothing is posted twice, and every decision has a way out."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

import pytest

from revrec.core.errors import BadInput
from revrec.core.journal import JournalEntry
from revrec.intacct.errors import ReadRefused
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
from revrec.jobs.scheduling.rebuild import schedule
from support.books import Books, MakeRow
from support.wire import posted_heads

pytestmark = pytest.mark.both_databases

DAY = "2024-02-10"
WHY = "looked at it in Intacct"
OTHER_ACCOUNT = """
[[rule]]
name = "magazine"
[rule.recognize]
method = "monthly"
offset = "7 days"
periods = 12
[rule.post]
accrued = "4010"
"""


@dataclass
class Ledger:
    """A gateway whose answers are lost while ``deaf``; ``saves`` says if it saves what it is sent."""

    deaf: bool = True
    saves: bool = False
    shows: Exception | None = None
    entries: list[tuple[str, JournalEntry]] = field(default_factory=list)
    sent: list[str] = field(default_factory=list)
    asked: int = 0
    _prepared: dict[str, JournalEntry] = field(default_factory=dict)

    def sign_in(self) -> None:
        pass

    def clock_offset(self) -> None:
        return None

    def claim(self, control_ids: Any) -> list[ClaimOutcome]:
        return [ClaimOutcome.WON for _ in control_ids]

    def closed_through(self, entity: str = "") -> date | None:
        return None

    def prepare(self, entry: JournalEntry, comment: str = "") -> PreparedPosting:
        self._prepared[entry.control_id] = entry
        return PreparedPosting(entry.control_id, entry.reference, b"", "<request/>")

    def send(self, prepared: PreparedPosting) -> PostingAnswer:
        self.sent.append(prepared.control_id)
        number = str(100 + len(self.entries))
        if self.saves or not self.deaf:
            self.entries.append((number, self._prepared[prepared.control_id]))
        if self.deaf:
            return PostingAnswer(
                PostingOutcome.IN_DOUBT, prepared.control_id, error_class=ErrorClass.IN_DOUBT, advice="read it back"
            )
        return PostingAnswer(PostingOutcome.POSTED, prepared.control_id, number)

    def find_entries(self, journal: str, reference: str) -> list[FoundEntry]:
        self.asked += 1
        if self.shows is not None:
            raise self.shows
        return [
            FoundEntry(number, "1", journal, entry.date, entry.title, reference, "Posted", "", _lines(entry))
            for number, entry in self.entries
            if entry.reference == reference
        ]

    def entries_referenced(self, references: Any) -> list[FoundEntry]:
        return []

    def entries_numbered(self, record_nos: list[str]) -> list[FoundEntry]:
        return posted_heads(record_nos)

    def entries_since(self, journal: str, since: Any) -> list[FoundEntry]:
        return []

    def entries_dated(self, journal: str, start: date, end: date) -> list[FoundEntry]:
        return []

    def with_lines(self, heads: list[FoundEntry]) -> list[FoundEntry]:
        return heads


def _lines(entry: JournalEntry) -> tuple[FoundLine, ...]:
    return tuple(FoundLine("1", one.line_no, one.side, one.account, one.amount, one.currency) for one in entry.lines)


@pytest.fixture
def ledger(monkeypatch: pytest.MonkeyPatch) -> Ledger:
    gateway = Ledger()

    @contextmanager
    def opened(_context: Any) -> Iterator[Ledger]:
        yield gateway

    monkeypatch.setattr(run_module, "open_gateway", opened)
    return gateway


@pytest.fixture
def held(books: Books, row: MakeRow, ledger: Ledger) -> str:
    """The reference of an entry that was sent as often as allowed and never seen."""
    books.take(row("INV-1"))
    for minute in range(6):
        books.run(DAY, later=timedelta(minutes=minute))
    ((reference, state),) = books.sql("SELECT reference, state FROM journal_entry")
    assert state == "HELD"
    return str(reference)


def states(books: Books) -> list[str]:
    return [state for (state,) in books.sql("SELECT state FROM journal_entry ORDER BY id")]


def test_an_entry_that_may_be_sent_again_is_read_back_first_and_sent_if_absent(
    books: Books, held: str, ledger: Ledger
) -> None:
    ledger.deaf, sent, asked = False, len(ledger.sent), ledger.asked
    assert resolve.send_again(books.context(), held, WHY) == "READY"
    assert books.run(DAY, later=timedelta(hours=1)).complete
    assert (len(ledger.sent), ledger.asked) == (sent + 1, asked + 1) and len(ledger.entries) == 1


def test_an_entry_that_may_be_sent_again_but_is_there_after_all_is_adopted(
    books: Books, held: str, ledger: Ledger
) -> None:
    sent = len(ledger.sent)
    context = books.context()
    with context.database.read() as connection:
        from revrec.store.posting import entries

        ledger.entries.append(("777", entries.read_entry(connection, 1).entry))
    resolve.send_again(context, held, WHY)
    assert books.run(DAY, later=timedelta(hours=1)).complete
    assert len(ledger.sent) == sent and books.sql("SELECT record_no FROM journal_entry") == [("777",)]


def test_it_can_be_sent_again_even_if_one_attempt_is_all_that_is_allowed(
    books: Books, row: MakeRow, ledger: Ledger
) -> None:
    books.take(row("INV-1"))
    for minute in range(2):
        books.run(DAY, later=timedelta(minutes=minute), REVREC_POSTING_ATTEMPTS="1")
    assert states(books) == ["HELD"] and len(ledger.sent) == 1
    ledger.deaf = False
    ((reference,),) = books.sql("SELECT reference FROM journal_entry")
    resolve.send_again(books.context(), reference, WHY)
    asked = ledger.asked
    assert books.run(DAY, later=timedelta(hours=1), REVREC_POSTING_ATTEMPTS="1").complete
    assert len(ledger.entries) == 1 and ledger.asked == asked + 1, "read back before it was sent"


def test_an_entry_that_is_given_up_goes_on_under_a_new_reference(books: Books, held: str, ledger: Ledger) -> None:
    ledger.deaf = False
    assert resolve.cancel(books.context(), held, WHY) == "CANCELED"
    assert books.run(DAY, later=timedelta(hours=1)).complete
    references = [entry.reference for _number, entry in ledger.entries]
    assert len(references) == 1 and held not in references
    assert states(books) == ["CANCELED", "POSTED"]


def test_lines_given_up_after_the_rule_changed_are_posted_as_the_rule_says_now(
    books: Books, held: str, ledger: Ledger
) -> None:
    """The rebuild could not touch the held line; once it is free, the next rebuild must."""
    books.rules(OTHER_ACCOUNT)
    schedule(books.context(), rebuild=True)
    resolve.cancel(books.context(), held, WHY)
    (change,) = schedule(books.context(), rebuild=True).changes
    assert sum(amount for _day, amount in change.after) == 2400
    assert schedule(books.context(), rebuild=True).changes == []
    ledger.deaf = False
    books.run(DAY, later=timedelta(hours=1))
    credited = {line.account for _number, entry in ledger.entries for line in entry.lines if line.side == "credit"}
    assert credited == {"4010"}


def test_an_entry_that_a_person_found_is_posted_under_its_record_number(books: Books, held: str) -> None:
    assert resolve.as_posted(books.context(), held, "4711", WHY) == "POSTED"
    (entry,) = books.trace("4711")["entries"]
    assert (entry["status"], entry["record_no"], entry["error"]) == ("posted", "4711", None)


@pytest.mark.parametrize("record_no", ["", " ", "RR123", "47 11"])
def test_what_is_no_record_number_settles_nothing(books: Books, held: str, record_no: str) -> None:
    with pytest.raises(BadInput, match="record number"):
        resolve.as_posted(books.context(), held, record_no, WHY)
    assert states(books) == ["HELD"]


def test_two_entries_cannot_be_posted_under_one_record_number(
    books: Books, row: MakeRow, held: str, ledger: Ledger
) -> None:
    ledger.deaf = False
    books.take(row("INV-2", post_date="2024-01-06"), name="more.csv")
    books.run("2024-01-31")
    ((used, other),) = books.sql("SELECT record_no, reference FROM journal_entry WHERE state = 'POSTED'")
    with pytest.raises(BadInput, match=other):
        resolve.as_posted(books.context(), held, used, WHY)


@pytest.mark.parametrize("decide", [resolve.send_again, resolve.cancel])
def test_a_decision_needs_a_reason_and_a_held_entry(books: Books, held: str, decide: Any) -> None:
    with pytest.raises(BadInput, match="reason"):
        decide(books.context(), held, " ")
    with pytest.raises(BadInput, match="no such entry"):
        decide(books.context(), "RRNONE", WHY)
    decide(books.context(), held, WHY)
    with pytest.raises(BadInput, match="needs no review"):
        decide(books.context(), held, WHY)


def test_an_entry_in_doubt_that_can_never_be_read_back_comes_before_a_person(
    books: Books, row: MakeRow, ledger: Ledger
) -> None:
    """No one may settle an entry in doubt by hand, so it must not stay in doubt forever."""
    books.take(row("INV-1"))
    books.run(DAY)
    ledger.shows = ReadRefused("Intacct refused a read: no permission")
    for minute in range(1, 4):
        books.run(DAY, later=timedelta(minutes=minute))
    assert states(books) == ["HELD"] and len(ledger.sent) == 1
    ((error,),) = books.sql("SELECT error FROM journal_entry")
    assert "no permission" in error


def test_what_was_said_while_it_was_in_doubt_does_not_stand_beside_a_posted_entry(
    books: Books, row: MakeRow, ledger: Ledger
) -> None:
    ledger.saves = True
    books.take(row("INV-1"))
    books.run(DAY)
    (entry,) = books.run(DAY, later=timedelta(minutes=1)).entries
    assert (entry["status"], entry["error_no"], entry["error"], entry["advice"]) == ("posted", None, None, None)


def test_the_day_of_an_entry_is_kept(books: Books, held: str, ledger: Ledger) -> None:
    ledger.deaf = False
    resolve.send_again(books.context(), held, WHY)
    books.run(DAY, later=timedelta(hours=1))
    assert {entry.date for _number, entry in ledger.entries} == {date(2024, 1, 12)}
