"""Apply a person's decision about a lost entry: it is right and its lines are posted by it, or it does not count."""

from datetime import date
from typing import TYPE_CHECKING, NamedTuple

from revrec.core.errors import BadInput
from revrec.intacct.gateway import FoundEntry
from revrec.jobs.posting import recovery, resolve
from revrec.jobs.posting.findings import Finding, given_up, lost
from revrec.jobs.posting.rejections import release_rejected
from revrec.store.posting import entries, posted, postings
from revrec.store.posting.entries import ENTRY_TABLES

if TYPE_CHECKING:
    from revrec.core.journal import JournalEntry
    from revrec.jobs.context import Context
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
