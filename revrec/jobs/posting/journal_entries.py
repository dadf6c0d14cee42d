"""Journal entries as a type of postings: found by journal and reference, recognized by date and lines."""

from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from datetime import date
from typing import TYPE_CHECKING, Protocol

from revrec.core.errors import RevrecError
from revrec.core.journal import JournalEntry, is_reference
from revrec.intacct.gateway import (
    AWAITING_STATES,
    POSTED_STATE,
    FoundEntry,
    Gateway,
    PostingAnswer,
    PreparedPosting,
)
from revrec.jobs.posting.findings import lost
from revrec.jobs.posting.poster import Lookalikes, StoredPosting
from revrec.store.posting import entries
from revrec.store.posting.entries import ENTRY_TABLES, EntriesToSend
from revrec.store.posting.kinds import known_in_ledger
from revrec.store.posting.posted import accepted_keys
from revrec.store.posting.posting_tables import PostingTables

if TYPE_CHECKING:
    from revrec.jobs.context import Context
    from revrec.jobs.posting.poster import Poster
    from revrec.store.connection import Connection


class SentAsEntry(StoredPosting, Protocol):
    """A posting that Intacct gets as a journal entry."""

    @property
    def entry(self) -> JournalEntry: ...


class EntryPostings:
    """Journal entries, as a :class:`revrec.jobs.posting.poster.PostingType`."""

    tables: PostingTables = ENTRY_TABLES
    closed_advice = (
        "open it again (revrec periods), or let the policy decide: closed_period in [posting] of revrec.toml"
    )

    def __init__(self, draft: bool = False, to_send: EntriesToSend | None = None) -> None:
        self._draft = draft
        self._to_send = to_send
        self._needs_approval: set[str] = set()

    def load(self, connection: "Connection", number: int) -> SentAsEntry:
        """Return the entry with the lines that are sent."""
        return entries.read_entry(connection, number, self._to_send, only_sent=True)

    def period(self, stored: SentAsEntry) -> tuple[str, date]:
        """Return its entity and its date."""
        return stored.entry.entity, stored.entry.date

    def before_send(self, poster: "Poster", stored: SentAsEntry) -> None:
        """Do nothing: accounts and dimensions are never created."""

    def needs_other_requests(self, stored: SentAsEntry) -> bool:
        """Return False: an entry needs nothing that revrec creates in Intacct."""
        return False

    def prepare(self, gateway: Gateway, stored: SentAsEntry) -> PreparedPosting:
        """Return the GLBATCH as a request."""
        return gateway.prepare(stored.entry)

    def interpret(self, answer: PostingAnswer, state: str, values: dict[str, str | None]) -> str:
        """Return the state as it is."""
        return state

    def confirm(self, gateway: Gateway, stored: SentAsEntry, answer: PostingAnswer) -> PostingAnswer:
        """Read the state of the entry: in a journal whose entries need approval, Intacct only submits it.

        An entry counts as posted only if Intacct shows it so. That another entry of its journal is posted proves
        nothing, because an approver may have been fast. The end of the run checks again those that are not posted.
        """
        journal = stored.entry.journal
        if self._draft or journal in self._needs_approval:
            return answer._replace(in_ledger=False)
        found: list[FoundEntry] = []
        with suppress(RevrecError):
            found = gateway.entries_numbered([answer.record_no])
        if found and not self.is_in_ledger(found[0]):
            self._needs_approval.add(journal)
        return answer._replace(in_ledger=bool(found) and self.is_in_ledger(found[0]))

    def is_in_ledger(self, found: FoundEntry) -> bool:
        """Check if an entry is posted in Intacct."""
        return found.state == POSTED_STATE

    def is_number_conflict(self, head: object) -> bool:
        """Return False: Intacct accepts a reference number twice."""
        return False

    def describe_lookup(self, stored: SentAsEntry) -> str:
        """Return the query by journal and reference."""
        return f"find GLBATCH where JOURNAL = {stored.entry.journal} and REFERENCENO = {stored.reference}"

    def find(self, gateway: Gateway, stored: SentAsEntry) -> list[FoundEntry]:
        """Return the entries of its journal that have its reference."""
        return gateway.find_entries(stored.entry.journal, stored.reference)

    def find_lookalikes(self, context: "Context", gateway: Gateway, stored: SentAsEntry) -> Lookalikes | None:
        """Return entries with the same journal, date and lines that may be this one with its reference edited.

        Entries that have a record number here or a reference of any revrec are left out, because two different entries
        can have the same content. Once a person has looked and allowed the entry to be sent again, nothing is returned.
        """
        with context.database.read() as connection:
            if not stored.attempts and self.tables.may_have_posted(connection, stored.id):
                return None
        entry = stored.entry
        heads = list(gateway.entries_dated(entry.journal, entry.date, entry.date))
        with context.database.read() as connection:
            recorded = known_in_ledger(connection, "record_no", {head.record_no for head in heads})
        free = [head for head in heads if head.record_no not in recorded and not is_reference(head.reference)]
        alike = [found for found in gateway.with_lines(free) if same_content(entry, found)]
        if not alike:
            return None
        return Lookalikes(alike, _ALIKE.format(alike[0]), _ALIKE_ADVICE.format(stored.reference, alike[0].record_no))

    def mismatch(self, context: "Context", stored: SentAsEntry, found: Sequence[FoundEntry]) -> str:
        """Return why Intacct's entries with its reference cannot be adopted.

        There are several, the entry was declined or reversed there, its content differs, or a person accepted it as not
        recognized.
        """
        if len(found) > 1:
            return f"Intacct has {len(found)} entries with this reference: {', '.join(one.record_no for one in found)}"
        (one,) = found
        if one.state not in (POSTED_STATE, *AWAITING_STATES):
            return f"Intacct's entry {one.record_no} with this reference is not posted there: its state is {one.state}"
        if not same_content(stored.entry, one):
            return f"Intacct's entry {one.record_no} with this reference has other figures"
        with context.database.read() as connection:
            if accepted_keys(connection, [lost(one).key]):
                return _DECLINED.format(one.record_no, stored.reference)
        return ""


_ALIKE = (
    "Intacct does not show this reference, but its entry {0.record_no}, which no entry here has, has the same date "
    "and lines; its reference is {0.reference!r}"
)
_ALIKE_ADVICE = (
    "look at entry {1} in Intacct; if it is this one with its reference changed: revrec postings resolve {0} "
    "--as-posted {1} --reason TEXT; if it is a different entry: revrec postings resolve {0} --resend --reason TEXT"
)


_DECLINED = (
    "Intacct's entry {0} with this reference was accepted as not recognized; to post its lines under another "
    "reference, cancel it: revrec postings resolve {1} --cancel --reason TEXT"
)


def same_content(entry: JournalEntry, found: FoundEntry) -> bool:
    """Check if Intacct's entry has our date, and the side, account, amount and currency of each line."""
    ours = Counter((line.side, line.account, line.amount, line.currency) for line in entry.sent_lines)
    theirs = Counter((line.side, line.account, line.amount, line.currency) for line in found.lines)
    return found.date == entry.date and ours == theirs
