"""Changes of the ledger that a person accepted: entries that were deleted, edited or reversed in Intacct.

An entry never changes here once it is posted. What Intacct has instead is stored beside it, as amounts by charge line,
deferred account and day, and every report of recognized amounts adds them (:mod:`revrec.store.reports.in_ledger`).
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import BigInteger, ColumnElement, Connection, and_, case, cast, exists, func, select

from revrec.store.audit import AuditStamp, record
from revrec.store.bulk import insert_rows, next_number
from revrec.store.digests import digest_rows
from revrec.store.tables import entry_reversal, journal_entry, journal_line, ledger_change, same_line, schedule_line

ENTRY, REVERSAL, MOVE = "entry", "reversal", "move"
"""The part that changed: the entry, its reversal in Intacct, or the account of an open balance (without an entry)."""

AmountKey = tuple[int, str, str]
"""A charge line by its number, an account, and a day."""

OF_REVERSAL = journal_line.c.entry_id.in_(
    select(entry_reversal.c.entry_id).where(entry_reversal.c.entry_id.is_not(None))
)
ON_DEFERRED_SIDE = and_(
    same_line(schedule_line, journal_line),
    journal_line.c.side
    == case(
        (OF_REVERSAL, case((schedule_line.c.amount > 0, "credit"), else_="debit")),
        (schedule_line.c.amount > 0, "debit"),
        else_="credit",
    ),
)
"""Joins schedule lines with their journal lines on deferred accounts: debits of positive amounts, else credits. The
sides of a reversal are exchanged."""

RECOGNIZED = case((OF_REVERSAL, -schedule_line.c.amount), else_=schedule_line.c.amount)
"""The amount that a journal line on a deferred account recognizes, in minor units; the opposite sign in a reversal."""


def net_amount() -> ColumnElement[int]:
    """Return the SQL of what a journal entry recognizes, in minor units: the sum of its amounts with their signs."""
    its_lines = select(cast(func.sum(RECOGNIZED), BigInteger)).select_from(journal_line)
    return (
        its_lines.join(schedule_line, ON_DEFERRED_SIDE)
        .where(journal_line.c.entry_id == journal_entry.c.id)
        .correlate(journal_entry)
        .scalar_subquery()
    )


_BY_A_PERSON = select(entry_reversal.c.id).where(
    entry_reversal.c.reverses == ledger_change.c.entry_id, entry_reversal.c.entry_id.is_(None)
)
IS_UNEXPLAINED = (ledger_change.c.part != MOVE) & ~exists(_BY_A_PERSON.correlate(ledger_change))
"""The condition that only this change shows what an entry recognizes: no reversal that a person made in Intacct and
that these books have reopened or closed."""


class DeferredLine(NamedTuple):
    """A journal line of a deferred account; ``amount`` is what it recognizes, in minor units, negative for a credit."""

    line_no: int
    charge_no: int
    account: str
    amount: int


def deferred_lines(connection: Connection, entry_id: int) -> list[DeferredLine]:
    """Return the lines of an entry on deferred accounts."""
    line = journal_line.c
    query = (
        select(line.line_no, line.charge_no, line.account, RECOGNIZED)
        .select_from(journal_line)
        .join(schedule_line, ON_DEFERRED_SIDE)
        .where(line.entry_id == entry_id)
        .order_by(line.line_no)
    )
    return [DeferredLine(*row) for row in connection.execute(query)]


def changed_parts(connection: Connection, references: Sequence[str]) -> dict[str, set[str]]:
    """Return which parts of these entries are stored as changed: those whose amounts do not cancel out."""
    query = (
        select(journal_entry.c.reference, ledger_change.c.part)
        .join(journal_entry, journal_entry.c.id == ledger_change.c.entry_id)
        .where(journal_entry.c.reference.in_(references))
        .group_by(
            journal_entry.c.reference,
            ledger_change.c.part,
            ledger_change.c.charge_no,
            ledger_change.c.account,
            ledger_change.c.date,
        )
        .having(func.sum(ledger_change.c.amount) != 0)
    )
    found: dict[str, set[str]] = {}
    for reference, part in connection.execute(query):
        found.setdefault(reference, set()).add(part)
    return found


def keep_changes(
    connection: Connection,
    who: AuditStamp,
    entry_id: int,
    part: str,
    amounts: Mapping[AmountKey, int],
    finding: str,
    audit_seq: int,
) -> None:
    """Store what the ledger has more than the entry says, as far as it is not stored already.

    ``finding`` is the key of the finding, accepted by the audit event ``audit_seq``.
    """
    new = Counter(dict(amounts))
    new.subtract(_stored(connection, entry_id, part))
    rows = _insert(connection, entry_id, part, new, finding, audit_seq)
    if rows:
        shown = {"part": part, "lines": len(rows), "finding": finding}
        record(connection, who, "ledger changed", f"entry {entry_id}", shown, [digest_rows(ledger_change, rows)])


def keep_moves(connection: Connection, who: AuditStamp, amounts: Mapping[AmountKey, int], audit_seq: int) -> None:
    """Store that open balances are on another account, as a person recorded by the audit event ``audit_seq``.

    ``amounts`` has each balance with its sign on the account that it left, and negated on the other one.
    """
    rows = _insert(connection, None, MOVE, amounts, "", audit_seq)
    record(connection, who, "ledger changed", "moves", {"lines": len(rows)}, [digest_rows(ledger_change, rows)])


def _insert(
    connection: Connection,
    entry_id: int | None,
    part: str,
    amounts: Mapping[AmountKey, int],
    finding: str,
    audit_seq: int,
) -> list[tuple[Any, ...]]:
    first = next_number(connection, ledger_change.c.id)
    kept = sorted((key, amount) for key, amount in amounts.items() if amount)
    rows = [(first + at, entry_id, part, *key, amount, finding, audit_seq) for at, (key, amount) in enumerate(kept)]
    insert_rows(connection, ledger_change, ledger_change.columns.keys(), rows)
    return rows


def _stored(connection: Connection, entry_id: int, part: str) -> Counter[AmountKey]:
    change = ledger_change.c
    query = select(change.charge_no, change.account, change.date, change.amount)
    stored: Counter[AmountKey] = Counter()
    for *key, amount in connection.execute(query.where(change.entry_id == entry_id, change.part == part)):
        stored[tuple(key)] += amount
    return stored


def added(amounts: Iterable[tuple[AmountKey, int]]) -> Counter[AmountKey]:
    """Return the sum of amounts by key."""
    total: Counter[AmountKey] = Counter()
    for key, amount in amounts:
        total[key] += amount
    return total
