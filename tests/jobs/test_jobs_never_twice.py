"""Whatever Intacct answers, in whatever order: where something may have run, nothing is sent again before a read-back.

The gateway here draws its answers from every class of the catalog, and keeps a ledger that says what really happened.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from revrec.core.journal import JournalEntry
from revrec.intacct.catalog import catalog
from revrec.intacct.errors import GatewayUnreachable, ReadRefused
from revrec.intacct.gateway import (
    ClaimOutcome,
    ErrorClass,
    FoundEntry,
    FoundLine,
    PostingAnswer,
    PostingOutcome,
    PreparedPosting,
)
from revrec.jobs.running.run import run
from support.books import Books, MakeRow
from support.wire import posted_heads

DAY = date(2024, 2, 10)
RUNS = 6
OUTCOMES = {
    ErrorClass.RETRY_NOW: PostingOutcome.REJECTED,
    ErrorClass.RETRY_LATER: PostingOutcome.NOT_RUN,
    ErrorClass.NEEDS_DATA: PostingOutcome.REJECTED,
    ErrorClass.NEEDS_SIGN_IN: PostingOutcome.NOT_RUN,
    ErrorClass.NEEDS_PERSON: PostingOutcome.REJECTED,
    ErrorClass.IN_DOUBT: PostingOutcome.IN_DOUBT,
}
KINDS = [("", PostingOutcome.POSTED, None), ("unknown", PostingOutcome.REJECTED, ErrorClass.NEEDS_PERSON)]
KINDS += [(row.name, OUTCOMES[row.error_class], row.error_class) for row in catalog()]
READS = ("shown", "unreachable", "refused")


class Ledger:
    """Answers as the test sets it; what was in doubt, or refused in unknown words, may have been saved all the same."""

    def __init__(self, answers: list[tuple[Any, bool]], reads: list[str]) -> None:
        self.answers, self.reads = answers, reads
        self.saved: dict[str, JournalEntry] = {}
        self.log: list[tuple[str, str, str]] = []
        self.prepared: dict[str, JournalEntry] = {}

    def sign_in(self) -> None:
        """Always works."""

    def clock_offset(self) -> None:
        """Return None: it does not say."""
        return

    def claim(self, control_ids: Any) -> list[ClaimOutcome]:
        """Win each."""
        return [ClaimOutcome.WON for _ in control_ids]

    def entries_numbered(self, record_nos: list[str]) -> list[FoundEntry]:
        return posted_heads(record_nos)

    def entries_since(self, journal: str, since: Any) -> list[FoundEntry]:
        """As if the look saw nothing yet: then all rests on the read-back."""
        return []

    def entries_dated(self, journal: str, start: date, end: date) -> list[FoundEntry]:
        """Nothing is alike."""
        return []

    def with_lines(self, heads: list[FoundEntry]) -> list[FoundEntry]:
        """As they are."""
        return heads

    def closed_through(self, entity: str = "") -> None:
        return None

    def prepare(self, entry: JournalEntry, comment: str = "") -> PreparedPosting:
        self.prepared[entry.control_id] = entry
        return PreparedPosting(entry.control_id, entry.reference, b"", "<request/>")

    def send(self, prepared: PreparedPosting) -> PostingAnswer:
        (name, outcome, error_class), landed = self.answers.pop(0) if self.answers else (KINDS[0], True)
        entry = self.prepared[prepared.control_id]
        self.log.append(("send", entry.reference, name if outcome is PostingOutcome.REJECTED else str(outcome)))
        if entry.reference in self.saved:
            # Intacct remembers the control id.
            self.log[-1] = ("send", entry.reference, "in_doubt")
            return PostingAnswer(
                PostingOutcome.IN_DOUBT, entry.control_id, error_class=ErrorClass.IN_DOUBT, advice="it landed"
            )
        unclear = outcome is PostingOutcome.IN_DOUBT or name == "unknown"
        if outcome is PostingOutcome.POSTED or (unclear and landed):
            self.saved[entry.reference] = entry
        record_no = str(1 + list(self.saved).index(entry.reference)) if outcome is PostingOutcome.POSTED else ""
        return PostingAnswer(
            outcome, entry.control_id, record_no, error_class=error_class, advice="advice", failure=name
        )

    def find_entries(self, journal: str, reference: str) -> list[FoundEntry]:
        how = self.reads.pop(0) if self.reads else "shown"
        if how == "unreachable":
            raise GatewayUnreachable("Intacct gave no usable answer to a read")
        if how == "refused":
            raise ReadRefused("Intacct refused a read: no permission")
        self.log.append(("read", reference, "found" if reference in self.saved else "absent"))
        if reference not in self.saved:
            return []
        entry = self.saved[reference]
        lines = tuple(FoundLine("1", it.line_no, it.side, it.account, it.amount, it.currency) for it in entry.lines)
        number = str(1 + list(self.saved).index(reference))
        return [FoundEntry(number, "1", entry.journal, entry.date, "", reference, "Posted", "", lines)]


WRAPPERS = {row.name for row in catalog() if row.wrapper}
FOR_NOW = {row.name for row in catalog() if row.error_class is ErrorClass.RETRY_NOW}


def check(books: Books, ledger: Ledger) -> None:
    """No send after an unclear answer without a read-back that found nothing; no line in the ledger twice."""
    lines = {
        entry.reference: {(line.charge_no, line.version, line.seq) for line in entry.lines}
        for entry in ledger.prepared.values()
    }
    doubts: set[str] = set()
    for_now: set[str] = set()
    for kind, reference, said in ledger.log:
        if kind == "send":
            assert not [other for other in doubts if lines[other] & lines[reference]], ledger.log
            assert reference not in for_now, f"sent again under its control id without a look: {ledger.log}"
            doubts |= {reference} if said in {"in_doubt", "unknown", *WRAPPERS} else set()
            for_now |= {reference} if said in FOR_NOW else set()
        elif said == "absent":
            doubts.discard(reference)
            for_now.discard(reference)
    saved = [key for reference in ledger.saved for key in lines[reference]]
    assert len(saved) == len(set(saved)), f"a line is twice in the ledger: {ledger.log}"
    posted = books.sql("SELECT reference FROM journal_entry WHERE state = 'POSTED'")
    assert {reference for (reference,) in posted} <= ledger.saved.keys()


@pytest.mark.slow
@given(
    answers=st.lists(st.tuples(st.sampled_from(KINDS), st.booleans()), min_size=1, max_size=12),
    reads=st.lists(st.sampled_from(READS), max_size=6),
)
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_answer_leads_to_a_second_entry_or_to_a_send_without_a_look(
    answers: Any,
    reads: list[str],
    new_books: Callable[..., Any],
    row: MakeRow,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    books = new_books(Path(tmp_path_factory.mktemp("books")) / "b", {})
    books.take(row("INV-1"), row("INV-2", post_date="2024-01-06"))
    ledger = Ledger(list(answers), list(reads))

    @contextmanager
    def connect(_context: Any) -> Iterator[Any]:
        yield ledger

    for number in range(RUNS):
        run(books.context("run", timedelta(minutes=number)), DAY, connect=connect)
        check(books, ledger)
