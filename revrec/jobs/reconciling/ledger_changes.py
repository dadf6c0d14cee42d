"""Store what Intacct has in place of one of our entries, once a person accepts that it was changed there."""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import date
from typing import TYPE_CHECKING

from revrec.core.journal import JournalEntry, JournalLine, SentLine
from revrec.core.money import split
from revrec.core.summary import SummaryLine
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
    day = (found.date or ours.date).isoformat()
    for at, line in enumerate(found.lines):
        same = ours.sent_lines[at] if at < len(ours.sent_lines) else None
        own = _parts(same, lines)
        if same is not None and _is_line(same, line):
            for one in own:
                yield (one.charge_no, one.account, day), one.amount if same.side == line.side else -one.amount
        elif line.account in deferred and line.currency == ours.currency:
            amount = line.amount if line.side == "debit" else -line.amount
            for charge_no, share in _shares(ours, same, line, lines, amount):
                yield (charge_no, line.account, day), share


def _parts(ours: SentLine | None, lines: Sequence[DeferredLine]) -> list[DeferredLine]:
    """Return the lines on deferred accounts that a line as it was sent adds up."""
    if isinstance(ours, SummaryLine):
        # Debits have odd numbers.
        return [one for one in _of_pairs(ours, lines) if one.line_no % 2 == ours.line_no % 2]
    return [one for one in lines if ours is not None and one.line_no == ours.line_no]


def _of_pairs(ours: SummaryLine, lines: Sequence[DeferredLine]) -> list[DeferredLine]:
    """Return the lines on deferred accounts of the pairs that a summary line adds up."""
    return [one for one in lines if ours.first <= one.line_no <= ours.last]


def _shares(
    ours: JournalEntry, same: SentLine | None, line: FoundLine, lines: Sequence[DeferredLine], amount: int
) -> Iterator[tuple[int, int]]:
    """Yield the charge lines of a changed line of Intacct with their shares of its amount.

    The parts of a summary line share it in proportion to their amounts: Intacct does not show which of them changed.
    """
    if isinstance(same, SummaryLine):
        parts = _of_pairs(same, lines)
        shares = split(amount, [abs(one.amount) for one in parts])
        yield from ((one.charge_no, share) for one, share in zip(parts, shares, strict=True))
    else:
        yield _charge_of(ours, same, line, lines), amount


def _is_line(ours: SentLine, theirs: FoundLine) -> bool:
    """Check if a line of Intacct is ours, or its mirror in a reversal."""
    return (ours.account, ours.amount, ours.currency) == (theirs.account, theirs.amount, theirs.currency)


def _charge_of(ours: JournalEntry, same: JournalLine | None, line: FoundLine, lines: Sequence[DeferredLine]) -> int:
    """Return the charge line of a changed line: by our line in its place, else by its document, else the first one."""
    if same is not None:
        return same.charge_no
    documents = {one.document: one.charge_no for one in reversed(ours.lines)}
    return documents.get(line.document, lines[0].charge_no)
