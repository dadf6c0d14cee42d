"""The promises of posting, held against books of any kind and the ledger that they were posted to."""

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal

from ledger_model import Entry, Ledger, Violation

from revrec.core.journal import JournalEntry

MOST_ATTEMPTS = 2
"""How often the simulated runs send an entry before a person must look."""
Key = tuple[int, int, int]
"""A schedule line: charge, version, sequence."""


class Promises(ABC):
    """What can be asked of any books, and what must be true of the answers."""

    @abstractmethod
    def postings(self) -> Iterable[tuple[int, str, str, str | None]]:
        """Number, reference, state and record number of each entry."""

    @abstractmethod
    def body(self, number: int) -> JournalEntry:
        """An entry with its lines."""

    @abstractmethod
    def last_attempt(self, number: int) -> tuple[str, str | None]:
        """The request and the outcome of the last attempt for an entry."""

    @abstractmethod
    def sent_and_decided(self) -> Iterable[tuple[str, int, int]]:
        """By reference: how often it may have been sent, and how often a person let it be sent again."""

    @abstractmethod
    def on_live_entries(self) -> Iterable[tuple[Key, str]]:
        """Each schedule line and an entry that it is on by its journal lines, if that still counts."""

    @abstractmethod
    def scheduled(self, until: date) -> Counter[str]:
        """Each valid schedule line dated until a day, as its memo names it."""

    @abstractmethod
    def open_lines(self, until: date) -> int:
        """How many schedule lines dated until a day are on no entry."""

    def states(self) -> dict[str, str]:
        """The posting state of each entry by its reference."""
        return {reference: state for _number, reference, state, _record_no in self.postings()}

    def check_entries(self, ledger: Ledger, absent: Sequence[str], one_history: bool = True) -> None:
        """POSTED is in the ledger and equal; what is in one of the states ``absent`` is not in it.

        In the second history of books that were put back, a person may settle an entry by one of the first whose date
        or account is another.
        """
        for number, reference, state, record_no in self.postings():
            if state == "POSTED":
                assert record_no is not None
                self._check_posted(ledger, number, reference, record_no, one_history)
            elif state == "AWAITING_APPROVAL":
                if record_no not in ledger.entries:
                    raise Violation(f"LOST: {reference} awaits approval as {record_no}, which Intacct does not have")
            elif state in absent and ledger.has_live(reference):
                raise Violation(f"LOST: {reference} is {state} here, and in the ledger")

    def _check_posted(self, ledger: Ledger, number: int, reference: str, record_no: str, one_history: bool) -> None:
        found = ledger.entries.get(record_no)
        if found is None or reference not in (found.reference, found.sent_as):
            raise Violation(f"LOST: {reference} is POSTED as {record_no}, which the ledger does not have")
        request, outcome = self.last_attempt(number)
        by_hand = request.startswith("by hand")
        if found.state in ("Submitted", "Declined") and not by_hand:
            raise Violation(f"LOST: {reference} is POSTED as {record_no}, which is {found.state} and not in the ledger")
        if not found.foreign and (one_history or not by_hand):
            self._check_equal(number, found)
        elif outcome == "found" and not by_hand:
            shown = ledger.shown[reference]
            if 1 not in shown or content(self.body(number)) not in shown:
                raise Violation(f"ADOPTED: {reference} is POSTED though Intacct showed {shown}")

    def _check_equal(self, number: int, found: Entry) -> None:
        if content(self.body(number)) != found.content:
            raise Violation(f"LOST: {found.reference} is POSTED with other content than the ledger has")

    def check_attempts(self) -> None:
        """Between a person's decisions nothing is sent more often than allowed."""
        for reference, sent, decisions in self.sent_and_decided():
            if sent > MOST_ATTEMPTS * (1 + decisions):
                raise Violation(f"STUCK: {reference} was sent {sent} times, without a person being asked")

    def check_lines(self) -> None:
        """A schedule line is on one live entry at most."""
        for key, times in Counter(key for key, _reference in self.on_live_entries()).items():
            if times > 1:
                raise Violation(f"DOUBLE: schedule line {key} is on {times} live entries")


def content(entry: JournalEntry) -> tuple[str, Counter[tuple[str, str, str, str]]]:
    """What the ledger must hold of an entry, in the gateway's writing."""
    lines = Counter(
        ("1" if line.side == "debit" else "-1", line.account, f"{Decimal(line.amount) / 100:.2f}", line.currency)
        for line in entry.lines
    )
    return f"{entry.date:%m/%d/%Y}", lines
