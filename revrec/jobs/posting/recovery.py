"""Scan Intacct's journals before anything is sent, for entries that this database created but does not know.

A database that was restored from a copy, or that is used in two places, lacks entries that are in the ledger. It would
post their schedule lines a second time, and under another reference as soon as other lines join them, so that no check
by reference would notice. So each run first lists what was created in its journals since the last scan. An unknown
entry of ours is rebuilt from the schedule lines that its reference proves, and then settled like any other doubt. One
that cannot be rebuilt stops the run.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from revrec.core.journal import DueLine, JournalEntry, LineKey, build_entries, day_in, mark_of, redate
from revrec.core.money import decimal_string
from revrec.core.posting import UNCONFIRMED
from revrec.core.rebuilding import EntryPart, matched, of_documents, rebuild_entry, rebuild_summary
from revrec.intacct.errors import ReadRefused
from revrec.intacct.gateway import ErrorClass, FoundEntry
from revrec.intacct.glbatch import document_text
from revrec.jobs.posting.canceled_entries import find_canceled
from revrec.jobs.posting.findings import lost as lost_finding
from revrec.jobs.posting.intents import rate_days
from revrec.jobs.posting.poster import RunStopped
from revrec.jobs.posting.rejections import release_rejected
from revrec.jobs.posting.reversing import rebuild_reversal
from revrec.store.database.engine import deployment
from revrec.store.posting import continuity, entries
from revrec.store.posting.due import due_with_memos
from revrec.store.posting.entries import ENTRY_TABLES
from revrec.store.posting.kinds import known_in_ledger
from revrec.store.posting.posted import accepted_keys
from revrec.store.rule_versions import posted_journals

if TYPE_CHECKING:
    from revrec.intacct.gateway import Gateway
    from revrec.jobs.context import Context
    from revrec.store.connection import Connection

MARGIN = timedelta(days=2)
"""How far a scan goes back before the last one: more than any clock or time zone is off."""
NAMED = 20
"""The largest number of entries that one message names."""


class JournalScan(NamedTuple):
    """The result of a scan that began at ``began``.

    ``heads`` are the entries that were created since the last scan. ``lost`` are entries of this deployment that are
    not stored here and that no person has accepted; ``unknown_entries`` were created by other people and programs. If
    ``doubted``, entries that are READY here may have been sent all the same.
    """

    began: str
    heads: tuple[FoundEntry, ...]
    unknown_entries: tuple[FoundEntry, ...]
    lost: tuple[FoundEntry, ...]
    doubted: bool
    canceled: tuple[FoundEntry, ...] = ()
    """Entries that were canceled here and that Intacct has all the same."""


def scan_journals(context: "Context", gateway: "Gateway", run: int) -> JournalScan:
    """List what was created in the journals since the last scan.

    Raises:
        RunStopped: the database was restored and a request that it does not know may still arrive, or Intacct refuses
            the list.
    """
    began = context.timestamp()
    doubted = detect_restored_copy(context, run)
    with context.database.read() as connection:
        # The clock may have been ahead at the last scan; what was created since then would be missed.
        since = datetime.fromisoformat(min(continuity.last_scan(connection).at, began)) - MARGIN
        names = sorted({*posted_journals(connection), context.settings.posting.journal})
    try:
        heads = [head for name in names for head in gateway.entries_since(name, since)]
        canceled = tuple(find_canceled(context, gateway))
    except ReadRefused as error:
        raise RunStopped.before_sending(f"nothing was sent, because the journal cannot be read: {error}") from error
    with context.database.read() as connection:
        return _classified(connection, began, heads, doubted)._replace(canceled=canceled)


def is_scan_due(context: "Context", connection: "Connection") -> bool:
    """Check if the database was restored since the last scan, so that Intacct may have entries unknown here."""
    if continuity.epoch(connection) != continuity.last_scan(connection).epoch:
        return True
    if context.database.path is None:
        return False
    return not continuity.continues_from(connection, continuity.read_kept_head(context.database))


def detect_restored_copy(context: "Context", run: int) -> bool:
    """Return True if something may have been sent that this database does not know.

    Raises:
        RunStopped: such a request may still arrive.
    """
    doubted = notice_restored_copy(context, run)
    with context.database.read() as connection:
        _check_quarantine(context, connection)
    return doubted


def notice_restored_copy(context: "Context", run: int) -> bool:
    """Return True if the database was restored or its last run was cut off; raise the epoch where that is new."""
    with context.database.write() as connection:
        unclean = continuity.ended_uncleanly(connection, run)
        raised = _raise_epoch_if_restored(context, connection, unclean)
    if raised:
        # Before the scan, because this copy may be replaced by another one in turn, which must be noticed too.
        keep_head(context)
    return raised or unclean


def keep_head(context: "Context") -> None:
    """Save the audit-trail head next to the database, so that a restored backup can be detected."""
    if context.database.path is not None:
        with context.database.read() as connection:
            known = continuity.trail_head(connection)
        continuity.write_kept_head(context.database, known)


def _raise_epoch_if_restored(context: "Context", connection: "Connection", unclean: bool) -> bool:
    """Return True if the epoch is newer than the last scan; raise it if the database was restored since, or if the
    machine went down during a run, which can lose the last commit."""
    if context.database.path is not None:
        known = continuity.read_kept_head(context.database)
        why = ""
        if not continuity.continues_from(connection, known):
            why = "the audit trail does not continue the head that is kept beside the database"
        elif unclean and not continuity.is_same_boot(known):
            why = "the machine went down while a run was at work"
        if why:
            kept = known._asdict() if known else None
            continuity.raise_epoch(connection, context.who(), {"why": why, "kept": kept})
    return continuity.epoch(connection) != continuity.last_scan(connection).epoch


def _check_quarantine(context: "Context", connection: "Connection") -> None:
    """Stop the run while a request that a restored database does not know may still arrive.

    Until then the scan could miss the entry, and its lines would be posted twice.
    """
    if continuity.epoch(connection) == continuity.last_scan(connection).epoch:
        return
    at = continuity.read_claim(connection).since or continuity.raised_at(connection) or context.timestamp()
    until = datetime.fromisoformat(at) + context.settings.posting.quarantine
    if context.now() < until:
        text = f"{until:%Y-%m-%d %H:%M:%S} UTC"
        raise RunStopped.before_sending(
            f"these books were put back from a copy, moved or cut off with the machine; nothing is sent before {text}, "
            "because what they sent and do not know may still arrive. Import what was imported since, then run again",
            ErrorClass.RETRY_LATER,
        )


def _classified(connection: "Connection", began: str, heads: Sequence[FoundEntry], doubted: bool) -> JournalScan:
    by_reference = known_in_ledger(connection, "reference", {head.reference for head in heads if head.reference})
    by_number = ENTRY_TABLES.known(connection, "record_no", {head.record_no for head in heads})
    mark = mark_of(deployment(connection))
    unknown = [head for head in heads if head.reference not in by_reference and head.record_no not in by_number]
    marked = {lost_finding(head).key: head for head in unknown if head.reference.startswith(mark)}
    explained = accepted_keys(connection, list(marked))
    lost = tuple(head for key, head in marked.items() if key not in explained)
    unknown_entries = tuple(head for head in unknown if not head.reference.startswith(mark))
    return JournalScan(began, tuple(heads), unknown_entries, lost, doubted)


def recover_lost_entries(
    context: "Context", gateway: "Gateway", run: int, scan: JournalScan, company: str
) -> list[int]:
    """Rebuild the lost entries from the schedule lines that their references prove; return their numbers.

    Raises:
        RunStopped: some cannot be rebuilt. Their lines may be due here, so nothing is sent before they are explained.
    """
    if not scan.lost:
        return []
    try:
        lost = list(gateway.with_lines(scan.lost))
    except ReadRefused as error:
        raise RunStopped.before_sending(
            f"nothing was sent, because entries that these books do not know cannot be read: {error}"
        ) from error
    with context.database.write() as connection:
        numbers, rest = _rebuild_lost(context, connection, run, lost, company)
        shared = [_put_rivals_in_review(context, connection, one) for one in rest]
    if rest:
        raise RunStopped.before_sending(_unexplained(rest, shared))
    return numbers


def _rebuild_lost(
    context: "Context", connection: "Connection", run: int, lost: Sequence[FoundEntry], company: str
) -> tuple[list[int], list[FoundEntry]]:
    who = context.who()
    until = max(one.date or date.min for one in lost)
    release_rejected(connection, context, until, is_retry_pass=False)
    made = rebuild(context, connection, lost, company)
    numbers = entries.add_entries(connection, run, made.values(), who)
    rest = [one for one in lost if one.reference not in made]
    mirrors = {one.reference: rebuild_reversal(connection, context, run, one, company) for one in rest}
    numbers += [number for number in mirrors.values() if number is not None]
    for number in numbers:
        reason = "Intacct has an entry with this reference that these books did not know"
        ENTRY_TABLES.change_state(connection, number, "READY", "IN_DOUBT", who, reason=reason)
    return numbers, [one for one in rest if mirrors[one.reference] is None]


def rebuild(
    context: "Context", connection: "Connection", lost: Sequence[FoundEntry], company: str, by_documents: bool = False
) -> dict[str, JournalEntry]:
    """Return the lost entries that can be rebuilt from open schedule lines, by reference.

    Entries whose reference proves their lines come first, then those that equal what is due now, then those whose
    shown lines match no other entry. With ``by_documents``, which needs a person's decision, the rest are built from
    the lines of their documents, whatever figures they show.
    """
    ours, until = deployment(connection), max(one.date or date.min for one in lost)
    due = _by_document(due_with_memos(connection, until, waiting=None), lost)
    made: dict[str, JournalEntry] = {}

    def keep(one: FoundEntry, entry: JournalEntry | None) -> None:
        if entry is not None and one.reference not in made:
            made[one.reference] = _with_date_in_intacct(entry, one)
            _remove_lines(due, entry)

    for one in lost:
        keep(one, rebuild_entry(one.reference, _parts(one), due, ours, company))
    for one, entry in _due_entries(
        context, connection, [one for one in lost if one.reference not in made], made, company
    ):
        keep(one, entry)
    for one in lost:
        keep(one, matched(one.reference, _parts(one), _days(one), due, ours, company))
    for one in lost if by_documents else ():
        keep(one, of_documents(one.reference, documents_of(one), _days(one), due, ours, company))
    summarized = [one for one in lost if one.reference not in made and not documents_of(one)]
    made |= _summarized_entries(context, connection, summarized, made, company)
    return made


def _summarized_entries(
    context: "Context",
    connection: "Connection",
    lost: Sequence[FoundEntry],
    made: Mapping[str, JournalEntry],
    company: str,
) -> dict[str, JournalEntry]:
    """Return the lost entries without documents that can be rebuilt, by reference.

    An entry that was split continues where the one before it ended. So the entries are tried again after each
    one that was found.
    """
    if not lost:
        return {}
    due = list(_due_but_for(connection, lost, made.values()))
    ours, rates = deployment(connection), rate_days(context)
    found: dict[str, JournalEntry] = {}
    waiting = {one.reference: one for one in lost}

    def build(one: FoundEntry) -> JournalEntry | None:
        lines = [line for line in due if line.journal == one.journal]
        return rebuild_summary(one.reference, one.title, _parts(one), _days(one), lines, ours, company, rates)

    while waiting:
        built = ((one, build(one)) for one in waiting.values())
        one, entry = next(((one, entry) for one, entry in built if entry is not None), (None, None))
        if one is None or entry is None:
            break
        found[one.reference] = _with_date_in_intacct(entry, one)
        used = _schedule_lines(entry)
        due = [line for line in due if line.key not in used]
        del waiting[one.reference]
    return found


def _due_but_for(
    connection: "Connection", lost: Sequence[FoundEntry], made: Iterable[JournalEntry]
) -> Iterator[DueLine]:
    """Yield what was due when the newest of these entries was dated, without the lines of other entries."""
    used = {key for entry in made for key in _schedule_lines(entry)}
    due = due_with_memos(connection, max(one.date or date.min for one in lost), waiting=None)
    return (line for line in due if line.key not in used)


def _schedule_lines(entry: JournalEntry) -> set[LineKey]:
    return {line.key for line in entry.lines}


def documents_of(found: FoundEntry) -> list[str]:
    """Return the documents that an entry's lines show, each once, in their order."""
    return list(dict.fromkeys(line.document for line in found.lines if line.document))


def documents_without_lines(connection: "Connection", found: FoundEntry) -> list[str]:
    """Return the documents of an entry that have no open line here on its day."""
    due = _by_document(due_with_memos(connection, found.date or date.min, waiting=None), [found])
    days = _days(found)
    return [one for one in documents_of(found) if not any(line.date in days for line in due.get(one, ()))]


def _days(found: FoundEntry) -> list[date]:
    """Return the days on which an entry may have recognized its lines: its date, and the day in its title."""
    return [day for day in (found.date, day_in(found.title)) if day is not None]


def _due_entries(
    context: "Context",
    connection: "Connection",
    lost: Sequence[FoundEntry],
    made: Mapping[str, JournalEntry],
    company: str,
) -> Iterator[tuple[FoundEntry, JournalEntry]]:
    """Yield the lost entries that equal the rest of what is due. Their lines may have been edited in Intacct since."""
    if not lost:
        return
    free = _due_but_for(connection, lost, made.values())
    found = {one.reference: one for one in lost}
    per_entry = context.settings.posting.lines_per_entry
    for entry in build_entries(free, deployment(connection), company, per_entry, rates=rate_days(context)):
        if entry.reference in found:
            yield found[entry.reference], entry


def _with_date_in_intacct(entry: JournalEntry, found: FoundEntry) -> JournalEntry:
    """Return the entry with its date in Intacct, which is later if its period was closed by then."""
    if found.date is None or found.date <= entry.date:
        return entry
    return redate(entry, found.date, f"recognized on {entry.date}; Intacct has it dated {found.date}")


def _remove_lines(due: dict[str, list[DueLine]], entry: JournalEntry) -> None:
    """Remove the lines of an entry from those that are due, because a line can be on one entry only."""
    used = _schedule_lines(entry)
    for document, lines in due.items():
        due[document] = [line for line in lines if line.key not in used]


def _by_document(due: Iterator[DueLine], lost: Iterable[FoundEntry]) -> dict[str, list[DueLine]]:
    wanted = {line.document for one in lost for line in one.lines} - {""}
    found: dict[str, list[DueLine]] = {}
    for line in due:
        document = document_text(line.charge, line.document)
        if document in wanted:
            found.setdefault(document, []).append(line)
    return found


def _parts(found: FoundEntry) -> list[EntryPart]:
    """Return the pairs of lines of an entry: a debit and the credit after it."""
    pairs = zip(found.lines[::2], found.lines[1::2], strict=False)
    return [
        EntryPart(debit.document, debit.account, credit.account, debit.amount, debit.currency)
        for debit, credit in pairs
    ]


def _put_rivals_in_review(context: "Context", connection: "Connection", found: FoundEntry) -> list[str]:
    """Put the unsettled entries that share a document with a lost one in review; return their references.

    They may have the same schedule lines. Sent, those would be in the ledger twice.
    """
    references = []
    for stored in rivals(connection, found):
        references.append(stored.reference)
        _put_in_review(context, connection, stored, found)
    return references


def rivals(connection: "Connection", found: FoundEntry) -> Iterator[entries.StoredEntry]:
    """Yield the unsettled entries here that share a document with an entry in Intacct.

    A summarized entry shows no documents; then it is the journal and a day on which it may have recognized its lines.
    """
    documents, days = set(documents_of(found)), _days(found)
    for number in entries.numbers_in(connection, *UNCONFIRMED):
        stored = entries.read_entry(connection, number)
        entry = stored.entry
        if documents:
            alike = not documents.isdisjoint(document_text(line.charge, line.document) for line in entry.lines)
        else:
            alike = entry.journal == found.journal and (entry.recognized or entry.date) in days
        if alike:
            yield stored


def _put_in_review(
    context: "Context", connection: "Connection", stored: entries.StoredEntry, found: FoundEntry
) -> None:
    if stored.state == "HELD":
        return
    who, state = context.who(), stored.state
    if state in ("READY", "SENDING"):
        ENTRY_TABLES.change_state(connection, stored.id, state, "IN_DOUBT", who, owner=None, lease_until=None)
        state = "IN_DOUBT"
    values: dict[str, Any] = {
        "error": f"Intacct's entry {found.record_no} ({found.reference}), unknown here, seems to have its lines",
        "advice": _RIVAL_ADVICE.format(stored.reference),
    }
    ENTRY_TABLES.change_state(connection, stored.id, state, "HELD", who, **values)


_RIVAL_ADVICE = (
    "look for {0} in Intacct's journal. If it is not there, cancel it, then run again: revrec postings resolve {0} "
    "--cancel --reason TEXT. If it is there: --as-posted RECORD_NO"
)


def record_scan(connection: "Connection", context: "Context", scan: JournalScan) -> None:
    """Put READY entries in doubt that may be in the ledger, and record the scan.

    Those are the entries whose reference the scan saw. If the database is ``doubted``, they are also the entries with
    the journal and date of an unknown entry, which may be ours with its reference edited.
    """
    who = context.who()
    references = {head.reference for head in scan.heads}
    days = {(head.journal, head.date) for head in scan.unknown_entries if not head.reverses} if scan.doubted else set()
    if references or days:
        for number in entries.numbers_in(connection, "READY"):
            one = ENTRY_TABLES.head(connection, number)
            if one.reference in references or (one.journal, date.fromisoformat(one.date)) in days:
                ENTRY_TABLES.change_state(connection, number, "READY", "IN_DOUBT", who, reason="it may be in Intacct")
    shown = {"seen": len(scan.heads), "unknown": len(scan.unknown_entries), "made_anew": len(scan.lost)}
    continuity.record_scan(connection, who, scan.began, shown)


def _unexplained(lost: Sequence[FoundEntry], rivals: Sequence[Sequence[str]]) -> str:
    """Describe the entries that cannot be rebuilt, and what a person can do."""
    lines = [_described(one, shared) for one, shared in zip(lost[:NAMED], rivals, strict=False)]
    more = [f"and {len(lost) - NAMED} more"] if len(lost) > NAMED else []
    advice = _EXPLAIN.format(max(one.date or date.min for one in lost))
    to_review = [_RIVALS] if any(rivals) else []
    return "\n".join(
        [
            "Intacct has entries of these books that they do not know and cannot rebuild, so nothing was sent:",
            *lines,
            *more,
            *to_review,
            advice,
        ]
    )


_RIVALS = (
    "Entries here that may have the same lines need review. Settle them first, as revrec postings list advises; "
    "the next run then rebuilds what it can from their lines."
)
_EXPLAIN = (
    "These books were put back from a copy, or are used in two places. Import again what was imported since, files and "
    "events in their order, with the rules of that time, and run again, and it records the entries. If that does "
    "not explain one, delete it in Intacct and run again, or decide about it: revrec reconcile --date {0} --accept KEY "
    "--reason TEXT, with --recognized if it is right (its lines are not posted again), or with --not-recognized if it "
    "was reversed or its lines are not of these books (lines that are due here are posted)"
)


def _described(found: FoundEntry, rivals: Sequence[str]) -> str:
    documents = documents_of(found)
    shown = ", ".join(documents[:5]) + (f" and {len(documents) - 5} more" if len(documents) > 5 else "")
    shown = shown or f"{len(found.lines)} lines without documents"
    currency = found.lines[0].currency if found.lines else ""
    amount = f"{decimal_string(found.total_debit, currency)} {currency}" if currency else "no lines"
    with_rivals = f"; here on {', '.join(rivals)}" if rivals else ""
    return f"  {found.reference}, record {found.record_no}, {found.date}, {amount}, of {shown}{with_rivals}"
