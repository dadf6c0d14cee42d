"""Find entries that were canceled here and that Intacct has all the same, and put their lines in review.

Canceling an entry makes its schedule lines due again. If the entry is in Intacct after all, because it was canceled by
mistake or its request arrived late, the next run would post its lines a second time. So each run reads Intacct for
canceled entries before it sends anything, and puts their lines on entries that need review.
"""

from collections.abc import Iterator, Sequence
from datetime import date
from typing import TYPE_CHECKING

from revrec.core.journal import DueLine, JournalEntry, LineKey, build_entry, entry_group, reference_of
from revrec.intacct.gateway import DECLINED_STATE
from revrec.jobs.posting.findings import given_up, lost
from revrec.jobs.posting.intents import rate_days
from revrec.store.database.engine import deployment
from revrec.store.posting import entries
from revrec.store.posting.due import due_with_memos
from revrec.store.posting.entries import ENTRY_TABLES
from revrec.store.posting.posted import accepted_keys
from revrec.store.schedules import newer_versions_dated

if TYPE_CHECKING:
    from revrec.intacct.gateway import FoundEntry, Gateway
    from revrec.jobs.context import Context
    from revrec.store.connection import Connection

UNSETTLED = ("READY", "SENDING", "AWAITING_APPROVAL", "IN_DOUBT", "REJECTED")
"""States of an entry that may still reach the ledger and that no person reviews yet."""


def find_canceled(context: "Context", gateway: "Gateway") -> "list[FoundEntry]":
    """Return the entries in Intacct that were canceled here and whose lines are not all posted again.

    An entry is left out once a person has settled it: by recording its record number for another entry, or by
    accepting the finding of ``revrec reconcile``. One that was declined in Intacct is not in the ledger.

    Raises:
        ReadRefused: Intacct refuses the read.
    """
    with context.database.read() as connection:
        references = entries.canceled_and_not_posted(connection)
    found = gateway.entries_referenced(references) if references else []
    with context.database.read() as connection:
        recorded = ENTRY_TABLES.known(connection, "record_no", {one.record_no for one in found})
        settled = accepted_keys(connection, [key for one in found for key in _keys(one)])
    live = [one for one in found if one.record_no not in recorded and one.state != DECLINED_STATE]
    return [one for one in live if settled.isdisjoint(_keys(one))]


def _keys(found: "FoundEntry") -> tuple[str, str]:
    """Return the keys that a person may have accepted an entry by: canceled here, or before these books knew it."""
    return given_up(found, "CANCELED").key, lost(found).key


def put_lines_in_review(
    context: "Context", connection: "Connection", run: int, day: date, canceled: "Sequence[FoundEntry]", company: str
) -> list[int]:
    """Put the lines of canceled entries that Intacct has on entries that need review; return the new entries' numbers.

    ``day`` is the date of the run: lines that are due later are not put on entries yet.
    Entries that are not settled and have some of these lines need review too.
    """
    added = []
    for found in canceled:
        row = ENTRY_TABLES.find(connection, found.reference)
        assert row is not None
        ours = _Lines(connection, entries.load_entry(connection, row).entry)
        for number in entries.numbers_in(connection, *UNSETTLED):
            stored = entries.read_entry(connection, number)
            if ours.has_some_of(stored.entry):
                _put_in_review(context, connection, stored.id, stored.state, stored.reference, found)
        for entry in _entries_of(context, connection, ours, max(day, ours.day), company):
            (number,) = entries.add_entries(connection, run, [entry], context.who())
            _put_in_review(context, connection, number, "READY", entry.reference, found)
            added.append(number)
    return added


class _Lines:
    """The schedule lines of a canceled entry, also where a newer version of the schedule has replaced them.

    A line of a newer version replaces the one of its day. If the newer version has no line on that day, any of its
    lines may recognize again what Intacct has, so that each of them counts.
    """

    def __init__(self, connection: "Connection", entry: JournalEntry) -> None:
        self.day: date = entry.recognized or entry.date
        self._keys = {line.key for line in entry.lines}
        self._versions = {line.charge_no: line.version for line in entry.lines}
        self._with_its_day = newer_versions_dated(connection, self._versions, self.day)

    def has(self, key: LineKey, day: date) -> bool:
        """Check if a schedule line is one of these, or may replace one of them in a newer schedule."""
        charge_no, version, _seq = key
        is_newer = version > self._versions.get(charge_no, version)
        may_replace = day == self.day or charge_no not in self._with_its_day
        return key in self._keys or (is_newer and may_replace)

    def has_some_of(self, entry: JournalEntry) -> bool:
        """Check if an entry has one of these lines."""
        day = entry.recognized or entry.date
        return any(self.has(line.key, day) for line in entry.lines)


def _entries_of(
    context: "Context", connection: "Connection", ours: _Lines, until: date, company: str
) -> Iterator[JournalEntry]:
    """Yield entries of those lines that are open, and of no others, so that the review is about them alone."""
    open_lines: dict[object, list[DueLine]] = {}
    for line in due_with_memos(connection, until, waiting=None):
        if ours.has(line.key, line.date):
            open_lines.setdefault(entry_group(line), []).append(line)
    here, rates = deployment(connection), rate_days(context)
    for lines in open_lines.values():
        yield build_entry(entry_group(lines[0]), lines, reference_of(lines, here), here, company, rates)


def _put_in_review(
    context: "Context", connection: "Connection", number: int, state: str, reference: str, found: "FoundEntry"
) -> None:
    who = context.who()
    if state in ("READY", "SENDING"):
        ENTRY_TABLES.change_state(connection, number, state, "IN_DOUBT", who, owner=None, lease_until=None)
        state = "IN_DOUBT"
    error = f"Intacct has its lines on entry {found.record_no} ({found.reference}), which was canceled here"
    advice = _ADVICE.format(reference, found.record_no, found.date, _keys(found)[0])
    ENTRY_TABLES.change_state(connection, number, state, "HELD", who, error=error, advice=advice, record_no=None)


_ADVICE = (
    "look at entry {1} in Intacct. If it is right: revrec postings resolve {0} --as-posted {1} --reason TEXT. If it is "
    "wrong, delete it there, then post these lines: revrec postings resolve {0} --resend --reason TEXT. If it was "
    "reversed there, accept it before you resend: revrec reconcile --date {2} --accept {3} --reason TEXT"
)
