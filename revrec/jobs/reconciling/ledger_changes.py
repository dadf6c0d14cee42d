"""Store what Intacct has in place of one of our entries, once a person accepts that it was changed there."""

from collections import Counter
from collections.abc import Iterator
from datetime import date
from typing import TYPE_CHECKING

from revrec.core.journal import JournalEntry, JournalLine
from revrec.intacct.gateway import POSTED_STATE, FoundEntry, FoundLine
from revrec.jobs.posting.findings import Finding
from revrec.store.posting import ledger_changes, posted
from revrec.store.posting.entries import ENTRY_TABLES
from revrec.store.posting.ledger_changes import ENTRY, AmountKey, DeferredLine

if TYPE_CHECKING:
    from revrec.store.audit import AuditStamp
    from revrec.store.connection import Connection


def keep_ledger_change(connection: "Connection", who: "AuditStamp", finding: Finding, audit_seq: int) -> None:
    """Store how an accepted finding changes what our entry recognizes: what is gone in Intacct counts no longer.

    ``audit_seq`` is the audit event of the acceptance. Findings about other entries change nothing.
    """
    head = ENTRY_TABLES.find(connection, finding.reference) if finding.part else None
    if head is None:
        return
    (ours,) = posted.with_record_nos(connection, [head.record_no])
    lines = ledger_changes.deferred_lines(connection, head.id)
    in_ledger = ledger_changes.added(_found_amounts(connection, ours.entry, lines, finding.found))
    if finding.part == ENTRY:
        in_ledger.subtract(_posted_amounts(ours.entry.date, lines))
    ledger_changes.keep_changes(connection, who, head.id, finding.part, in_ledger, finding.key, audit_seq)


def _posted_amounts(day: date, lines: list[DeferredLine]) -> Counter[AmountKey]:
    return ledger_changes.added(((one.charge_no, one.account, day.isoformat()), one.amount) for one in lines)


def _found_amounts(
    connection: "Connection", ours: JournalEntry, lines: list[DeferredLine], found: FoundEntry | None
) -> Iterator[tuple[AmountKey, int]]:
    """Yield what an entry of Intacct recognizes on deferred accounts, by our charge lines."""
    if found is None or found.state != POSTED_STATE:
        return
    roles = posted.account_roles(connection)
    deferred = {one.account for one in lines} | {account for account, role in roles.items() if role == "deferred"}
    by_line = {one.line_no: one for one in lines}
    day = (found.date or ours.date).isoformat()
    for at, line in enumerate(found.lines):
        same = ours.lines[at] if at < len(ours.lines) else None
        if same is not None and _is_line(same, line):
            own = by_line.get(same.line_no)
            if own is not None:
                yield (own.charge_no, own.account, day), own.amount if same.side == line.side else -own.amount
        elif line.account in deferred and line.currency == ours.currency:
            amount = line.amount if line.side == "debit" else -line.amount
            yield (_charge_of(ours, same, line), line.account, day), amount


def _is_line(ours: JournalLine, theirs: FoundLine) -> bool:
    """Check if a line of Intacct is ours, or its mirror in a reversal."""
    return (ours.account, ours.amount, ours.currency) == (theirs.account, theirs.amount, theirs.currency)


def _charge_of(ours: JournalEntry, same: JournalLine | None, line: FoundLine) -> int:
    """Return the charge line of a changed line: by our line in its place, else by its document, else the first one."""
    if same is not None:
        return same.charge_no
    documents = {one.document: one.charge_no for one in reversed(ours.lines)}
    return documents.get(line.document, ours.lines[0].charge_no)
