"""Adjusting entries: written together with their lines, read by number, by state and by what they adjust."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, Connection, exists, func, insert, select

from revrec.core.adjusting import AdjustingEntry, AdjustingLine, Adjustment
from revrec.core.journal import JournalEntry
from revrec.core.posting import RELEASED
from revrec.store.audit import AuditStamp, canonical, record
from revrec.store.bulk import insert_rows, next_number
from revrec.store.charges import dimensions_of, dimensions_text
from revrec.store.digests import digest_rows, digest_texts, row_text, sha256
from revrec.store.posting.posting_tables import PostingProgress, PostingTables
from revrec.store.posting.postings import RejectedPosting, rejected_posting
from revrec.store.tables import (
    adjusting_attempt,
    adjusting_attempt_failure,
    adjusting_attempt_outcome,
    adjusting_entry,
    adjusting_line,
)

ADJUSTMENT_TABLES = PostingTables(
    "adjustment", adjusting_entry, adjusting_attempt, adjusting_attempt_outcome, adjusting_attempt_failure
)
"""The tables of adjusting entries and of the attempts to post them."""

_ours = adjusting_entry.c
_LINE_COLUMNS = tuple(adjusting_line.columns.keys())
_HEAD = ("kind", "subject", "entity", "currency", "sequence", "journal", "title", "reason")
_original = adjusting_entry.alias("original")
IS_LIVE = _ours.state.not_in(RELEASED)
"""The condition that an adjusting entry is in the ledger or on its way to it."""
MAY_BE_SENT = _ours.reverses_id.is_(None) | exists(
    select(_original.c.id)
    .where(_original.c.id == _ours.reverses_id, _original.c.state == "POSTED")
    .correlate(adjusting_entry)
)
"""The condition that an adjusting entry does not reverse another one that is not posted yet."""


@dataclass(frozen=True)
class StoredAdjustment(PostingProgress):
    """A stored adjusting entry: the progress of its posting, its content, and the journal entry that is sent."""

    adjusting: AdjustingEntry
    entry: JournalEntry

    @property
    def reference(self) -> str:
        """The entry's reference (Intacct: REFERENCENO)."""
        return self.adjusting.reference

    @property
    def control_id(self) -> str:
        """The control id under which it is sent."""
        return self.adjusting.control_id


def add_adjusting_entry(
    connection: Connection, run: int, made: AdjustingEntry, who: AuditStamp, reverses: int | None = None
) -> int:
    """Store an adjusting entry as READY with its lines, before anything is sent; return its number.

    ``reverses`` is the number of the entry that it reverses. Triggers check that it balances, and that a reversal has
    the lines of its entry.
    """
    number = next_number(connection, _ours.id)
    rows = [(number, *row) for row in _line_rows(made.lines)]
    insert_rows(connection, adjusting_line, _LINE_COLUMNS, rows)
    days = {"day": made.day.isoformat(), "date": made.date.isoformat(), "reverses_id": reverses}
    content = {name: getattr(made, name) for name in _HEAD} | days
    shown = {**content, "amount": made.amount, "lines": len(made.lines), "content_hash": content_hash(made)}
    names = {"id": number, "reference": made.reference, "control_id": made.control_id}
    values = {**shown, **names, "run_id": run, "created_at": who.at, "state": "READY"}
    stored = connection.execute(insert(adjusting_entry).values(values).returning(*_ours)).one()
    lines = digest_texts(adjusting_line.name, [(number, number)], list(map(row_text, rows)))
    digests = [digest_rows(adjusting_entry, [stored]), lines]
    record(connection, who, "adjustment created", made.reference, shown, digests)
    return number


def _line_rows(lines: Sequence[AdjustingLine]) -> list[tuple[Any, ...]]:
    return [
        (at, one.account, one.amount, one.memo, one.customer, one.item, dimensions_text(one.dimensions))
        for at, one in enumerate(lines, 1)
    ]


def content_hash(made: AdjustingEntry) -> str:
    """Return the SHA-256 of everything that Intacct gets of an adjusting entry: its head, and its lines."""
    head = [getattr(made, name) for name in _HEAD] + [made.day.isoformat(), made.date.isoformat(), made.reverses]
    return sha256([canonical(head), *map(row_text, _line_rows(made.lines))])


def load_adjustment(connection: Connection, number: int) -> StoredAdjustment:
    """Return one adjusting entry by its number, with its lines."""
    row = ADJUSTMENT_TABLES.head(connection, number)
    adjusting = _content(connection, row)
    return StoredAdjustment(
        **vars(ADJUSTMENT_TABLES.progress(connection, row)), adjusting=adjusting, entry=adjusting.to_send
    )


def _content(connection: Connection, row: Any) -> AdjustingEntry:
    reverses = "" if row.reverses_id is None else ADJUSTMENT_TABLES.head(connection, row.reverses_id).reference
    return AdjustingEntry(
        **{name: getattr(row, name) for name in _HEAD},
        reference=row.reference,
        control_id=row.control_id,
        day=date.fromisoformat(row.day),
        date=date.fromisoformat(row.date),
        lines=_lines(connection, row.id),
        reverses=reverses,
    )


def _lines(connection: Connection, number: int) -> tuple[AdjustingLine, ...]:
    query = select(adjusting_line).where(adjusting_line.c.adjustment_id == number).order_by(adjusting_line.c.line_no)
    return tuple(
        AdjustingLine(row.account, row.amount, row.memo, row.customer, row.item, dimensions_of(row.dimensions))
        for row in connection.execute(query)
    )


def live_adjustments(connection: Connection, kind: str, day: date) -> list[StoredAdjustment]:
    """Return the live entries of a kind and day, without reversals, oldest first."""
    query = select(_ours.id).where(_ours.kind == kind, _ours.day == day.isoformat(), IS_LIVE)
    numbers = connection.execute(query.where(_ours.reverses_id.is_(None)).order_by(_ours.id)).scalars()
    return [load_adjustment(connection, number) for number in numbers]


def next_sequence(connection: Connection, one: Adjustment | AdjustingEntry) -> int:
    """Return the ``sequence`` of the next entry of an adjustment."""
    same = (_ours.kind == one.kind, _ours.subject == one.subject, _ours.day == one.day.isoformat())
    query = select(func.count()).select_from(adjusting_entry).where(*same)
    query = query.where(_ours.entity == one.entity, _ours.currency == one.currency)
    return int(connection.execute(query).scalar_one()) + 1


def reversal_of(connection: Connection, number: int) -> Any:
    """Return the row of the live reversal of an adjusting entry; None without one."""
    return connection.execute(select(adjusting_entry).where(_ours.reverses_id == number, IS_LIVE)).first()


def unreversed_adjustments(connection: Connection) -> list[tuple[int, date]]:
    """Return the live entries whose reversal was given up, each with the date of that reversal."""
    reversal = adjusting_entry.alias("reversal")
    live = exists(select(reversal.c.id).where(reversal.c.reverses_id == _ours.id, reversal.c.state.not_in(RELEASED)))
    last = select(func.max(reversal.c.date)).where(reversal.c.reverses_id == _ours.id).scalar_subquery()
    query = select(_ours.id, last).where(IS_LIVE, last.is_not(None), ~live).order_by(_ours.id)
    return [(number, date.fromisoformat(day)) for number, day in connection.execute(query)]


def numbers_in(connection: Connection, *states: str, until: date | None = None, sendable: bool = False) -> list[int]:
    """Return the numbers of the adjusting entries in these states, oldest date first.

    ``until`` limits the day that they adjust, not the date of reversals, which is later. With ``sendable``, reversals
    of entries that are not posted yet are left out.
    """
    query = select(_ours.id).where(_ours.state.in_(states)).order_by(_ours.date, _ours.id)
    if until is not None:
        query = query.where(_ours.day <= until.isoformat())
    if sendable:
        query = query.where(MAY_BE_SENT)
    return list(connection.execute(query).scalars())


def due_numbers(connection: Connection, day: date, *states: str) -> list[int]:
    """Return the adjusting entries in these states whose date, which is later for reversals, has come."""
    return list(
        connection.execute(select(_ours.id).where(_ours.state.in_(states), _ours.date <= day.isoformat())).scalars()
    )


def later_numbers(connection: Connection, day: date) -> list[int]:
    """Return the adjusting entries, such as reversals, that are not sent yet and whose date comes after a day."""
    unsent = _ours.state.in_(("READY", "REJECTED"))
    return list(connection.execute(select(_ours.id).where(unsent, _ours.date > day.isoformat())).scalars())


def rejected_adjustments(connection: Connection, until: date) -> list[RejectedPosting]:
    """Return the rejected adjusting entries whose date is on or before a day, oldest first."""
    last = ADJUSTMENT_TABLES.last_answered()
    absent = ADJUSTMENT_TABLES.absent_after(last).label("absent")
    query = (
        select(_ours.id, adjusting_attempt_failure, last.label("sent"), absent)
        .select_from(adjusting_entry)
        .outerjoin(adjusting_attempt_failure, adjusting_attempt_failure.c.attempt_id == last)
        .where(_ours.state == "REJECTED", _ours.date <= until.isoformat())
        .order_by(_ours.date, _ours.id)
    )
    return [rejected_posting(row) for row in connection.execute(query)]


def count_rejections(connection: Connection, number: int) -> int:
    """Count how often this adjustment, or its reversal, was rejected with this error since one was last canceled."""
    this, other = adjusting_entry.alias("this"), adjusting_entry.alias("other")
    query = (
        select(func.count())
        .select_from(this.join(other, _is_alike(this, other)))
        .where(this.c.id == number, other.c.state.in_(("REJECTED", "REPLACED")), other.c.error == this.c.error)
        .where(other.c.id > _last_canceled(this))
    )
    return int(connection.execute(query).scalar_one())


def _is_alike(this: Any, other: Any) -> ColumnElement[bool]:
    both: ColumnElement[bool] = this.c.reverses_id.is_(None) == other.c.reverses_id.is_(None)
    for name in ("kind", "subject", "day", "entity", "currency"):
        both = both & (this.c[name] == other.c[name])
    return both


def _last_canceled(this: Any) -> Any:
    canceled = adjusting_entry.alias("canceled")
    query = select(func.coalesce(func.max(canceled.c.id), 0)).where(_is_alike(this, canceled))
    return query.where(canceled.c.state == "CANCELED").correlate(this).scalar_subquery()


def numbers_named(connection: Connection, name: str) -> list[int]:
    """Return the adjusting entries with this reference or Intacct record number."""
    query = select(_ours.id).where((_ours.reference == name) | (_ours.record_no == name)).order_by(_ours.id)
    return list(connection.execute(query).scalars())


def release_adjustment(
    connection: Connection,
    number: int,
    who: AuditStamp,
    old: str = "REJECTED",
    new: str = "REPLACED",
    reason: str = "",
) -> None:
    """Give up a rejected or canceled adjusting entry, and with it a reversal of it, which was never sent."""
    reversal = reversal_of(connection, number)
    ADJUSTMENT_TABLES.change_state(connection, number, old, new, who, reason=reason)
    if reversal is None:
        return
    error = "the adjusting entry that it reverses was given up"
    if reversal.state == "READY":
        ADJUSTMENT_TABLES.change_state(connection, reversal.id, "READY", "REJECTED", who, error=error)
    ADJUSTMENT_TABLES.change_state(connection, reversal.id, "REJECTED", "REPLACED", who, reason=error)
