"""Apply a person's decision about an entry: a lost one, or one that was reversed or deleted in Intacct."""

from datetime import date
from typing import TYPE_CHECKING, NamedTuple

from revrec.core.errors import BadInput
from revrec.intacct.gateway import FoundEntry
from revrec.jobs.posting import recovery, resolve
from revrec.jobs.posting.findings import Finding, given_up, lost
from revrec.jobs.posting.rejections import release_rejected
from revrec.store.posting import entries, posted, postings, reversals
from revrec.store.posting.entries import ENTRY_TABLES

if TYPE_CHECKING:
    from revrec.core.journal import JournalEntry
    from revrec.jobs.context import Context
    from revrec.store.audit import AuditStamp
    from revrec.store.connection import Connection


class LostEntryDecision(NamedTuple):
    """A person's decision about lost entries: ``recognized`` if they are right in Intacct, and the reason."""

    recognized: bool
    reason: str
    company: str


def accept_lost(context: "Context", connection: "Connection", found: FoundEntry, decision: LostEntryDecision) -> None:
    """Store a lost entry as posted or as canceled, if its lines are due here.

    If it is stored as posted, its lines are not posted again. If as canceled, they are due under another reference. An
    entry that cannot be matched with lines here can only be accepted as not recognized.

    Raises:
        BadInput: the entry is to count as recognized, and none of its lines is open here.
    """
    who, until = context.who(), found.date or date.min
    release_rejected(connection, context, until, is_retry_pass=False)
    made = recovery.rebuild(context, connection, [found], decision.company, by_documents=decision.recognized)
    entry = made.get(found.reference)
    if entry is not None:
        number = _stored(connection, context, entry, until, decision)
        if decision.recognized:
            resolve.mark_posted(connection, ENTRY_TABLES, number, found.record_no, who, decision.reason)
        else:
            postings.release_schedule_lines(connection, number, who, "HELD", "CANCELED", decision.reason)
            _accept(context, connection, given_up(found, "CANCELED"), decision)
    elif decision.recognized:
        raise BadInput(_not_here(connection, found))
    _accept(context, connection, lost(found), decision)


REVERSED = ("reversed", "deleted")
"""The kinds of findings about an entry of ours that is no longer in the ledger."""


def keep_reversal(connection: "Connection", who: "AuditStamp", finding: Finding, final: bool, reason: str) -> None:
    """Store that an entry was reversed or deleted in Intacct; unless it is ``final``, its schedule lines are due again.

    Raises:
        BadInput: the finding is about something else, or the entry is reversed here already.
    """
    option = f"--{'final' if final else 'reopen'} {finding.key}"
    if finding.kind not in REVERSED:
        said = f"the finding is {finding.kind}, not reversed or deleted"
        raise BadInput(f"reconcile: {option}: {said}; nothing was accepted")
    head = ENTRY_TABLES.find(connection, finding.reference)
    if head is None:
        said = f"{finding.reference} is an adjusting entry, which has no schedule lines; accept it with --accept"
        raise BadInput(f"reconcile: {option}: {said}; nothing was accepted")
    if reversals.reversal_by(connection, head.id) or reversals.reversals_in_force(connection, [head.id]):
        raise BadInput(f"reconcile: {option}: {finding.reference} is reversed here too; see: revrec trace. {_UNDO}")
    mirror = finding.found if finding.kind == "reversed" else None
    day = max(head.date, mirror.date.isoformat() if mirror and mirror.date else head.date)
    record_no = mirror.record_no if mirror else None
    times = reversals.next_times(connection, head.id)
    reversal = reversals.Reversal(head.id, times, None, record_no, day, final, reason)
    reversals.add_reversal(connection, reversal, finding.reference, who)
    reversals.release_lines_of_reversed(connection, head.id)


_UNDO = "Undo what was done in Intacct, or accept it with --accept; nothing was accepted"


def _stored(
    connection: "Connection", context: "Context", entry: "JournalEntry", until: date, decision: LostEntryDecision
) -> int:
    """Store the entry as one that needs review, in its own run record; return its number."""
    who = context.who()
    run = entries.start_run(connection, until, who)
    (number,) = entries.add_entries(connection, run, [entry], who)
    for old, new in (("READY", "IN_DOUBT"), ("IN_DOUBT", "HELD")):
        ENTRY_TABLES.change_state(connection, number, old, new, who, reason=decision.reason)
    entries.finish_run(connection, run, who, "stored an entry of Intacct that a person accepted")
    return number


def _accept(context: "Context", connection: "Connection", finding: Finding, decision: LostEntryDecision) -> None:
    posted.accept(
        connection,
        context.who(),
        finding.key,
        {**finding.as_record(), "recognized": decision.recognized, "reason": decision.reason},
    )


def _not_here(connection: "Connection", found: FoundEntry) -> str:
    start = f"reconcile: {found.reference}, record {found.record_no}: cannot be accepted as recognized"
    rivals = [stored.reference for stored in recovery.rivals(connection, found)]
    if rivals:
        return (
            f"{start}: its lines are on {', '.join(rivals)} here; settle that first (revrec postings list), "
            "then accept; nothing was accepted"
        )
    documents = (
        ", ".join(recovery.documents_without_lines(connection, found) or recovery.documents_of(found))
        or "its documents"
    )
    return (
        f"{start}: no open line of {documents} on {found.date} is in these books; import it and run, "
        "or accept it with --not-recognized; nothing was accepted"
    )
