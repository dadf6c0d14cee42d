"""Posted journal entries of a range of days, and the sums of their accounts."""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row, case, func, select

from revrec.core.batching import batched
from revrec.core.journal import JournalEntry, JournalLine
from revrec.core.summary import SummaryLine
from revrec.store.audit import AuditStamp, record
from revrec.store.bulk import stream_rows
from revrec.store.charges import IN_BOOKS_FROM, dimensions_of
from revrec.store.database.sums import joined_sum, split_sum_columns
from revrec.store.posting.entries import STORED_LINE, read_journal_line, summaries
from revrec.store.tables import (
    account_sum,
    audit_event,
    invoice_line,
    journal_entry,
    journal_line,
    rule_version,
)

AT_ONCE = 200
ACCEPTED = "difference accepted"
RECONCILED = "reconciled"


class PostedEntry(NamedTuple):
    """A posted entry with its record number in Intacct; of a summarized one, only the summary."""

    entry: JournalEntry
    record_no: str


Sums = dict[tuple[str, str], int]
"""Amounts in minor units by account and currency."""


def first_activity_date(connection: Connection) -> date | None:
    """Return the earliest day that anything was billed here or put on an entry; None without any."""
    earliest = (select(func.min(column)) for column in (journal_entry.c.date, IN_BOOKS_FROM))
    days = [connection.execute(query).scalar() for query in earliest]
    return min((date.fromisoformat(day) for day in days if day), default=None)


def posted_entries(
    connection: Connection, start: date, end: date, entity: str | None = None
) -> Iterator[list[PostedEntry]]:
    """Yield the posted entries of a range of days with their lines, in batches, by date; ``entity`` limits them."""
    query = _posted(start, end, entity).order_by(journal_entry.c.date, journal_entry.c.id)
    rows = list(connection.execute(query))
    for some in batched(rows, AT_ONCE):
        yield _with_lines(connection, some)


def count_posted(connection: Connection, start: date, end: date, entity: str | None = None) -> int:
    """Count the posted entries of a range of days; ``entity`` limits them."""
    query = select(func.count()).select_from(_posted(start, end, entity).subquery())
    return int(connection.execute(query).scalar_one())


def with_record_nos(connection: Connection, record_nos: Sequence[str]) -> list[PostedEntry]:
    """Return the posted entries with these Intacct record numbers."""
    query = _HEADS.where(journal_entry.c.state == "POSTED", journal_entry.c.record_no.in_(record_nos))
    return _with_lines(connection, list(connection.execute(query)))


def posted_on(connection: Connection, journal: str, day: date) -> list[PostedEntry]:
    """Return the posted entries of one journal and date."""
    same = (journal_entry.c.journal == journal, journal_entry.c.date == day.isoformat())
    return _with_lines(connection, list(connection.execute(_HEADS.where(journal_entry.c.state == "POSTED", *same))))


_HEADS = select(
    *(journal_entry.c[name] for name in ("id", "reference", "control_id", "date", "journal", "entity", "currency")),
    journal_entry.c.title,
    journal_entry.c.record_no,
)


def _posted(start: date, end: date, entity: str | None) -> Any:
    within = journal_entry.c.date.between(start.isoformat(), end.isoformat())
    query = _HEADS.where(journal_entry.c.state == "POSTED", within)
    return query if entity is None else query.where(journal_entry.c.entity == entity)


def _with_lines(connection: Connection, rows: Sequence[Row[Any]]) -> list[PostedEntry]:
    numbers = [row.id for row in rows]
    summary = summaries(connection, numbers)
    whole = [number for number in numbers if number not in summary]
    query = select(*STORED_LINE, journal_line.c.entry_id).where(journal_line.c.entry_id.in_(whole))
    lines: dict[int, list[JournalLine]] = {number: [] for number in numbers}
    for row in stream_rows(connection, query.order_by(journal_line.c.entry_id, journal_line.c.line_no)):
        lines[row.entry_id].append(read_journal_line(row, None))
    return [PostedEntry(_entry(row, lines[row.id], summary.get(row.id, ())), row.record_no) for row in rows]


def _entry(row: Row[Any], lines: Sequence[JournalLine], summary: tuple[SummaryLine, ...]) -> JournalEntry:
    day = date.fromisoformat(row.date)
    head = (row.reference, row.control_id, day, row.journal, row.entity, row.currency, row.title)
    return JournalEntry(*head, tuple(lines), summary=summary)


def account_roles(connection: Connection) -> dict[str, str]:
    """Return the accounts that rules post to with their role, deferred or accrued; one that is both is deferred."""
    pairs = connection.execute(select(rule_version.c.deferred, rule_version.c.accrued).distinct()).all()
    accrued = {pair.accrued: "accrued" for pair in pairs}
    return {**accrued, **{pair.deferred: "deferred" for pair in pairs}}


def has_account(connection: Connection, account: str) -> bool:
    """Check if any journal or invoice line has an account: by a repair, or by rules of the past."""
    lines = (
        select(table.c.account).where(table.c.account == account).limit(1) for table in (journal_line, invoice_line)
    )
    return any(connection.execute(query).first() for query in lines)


def account_sums(connection: Connection, start: date, end: date) -> Sums:
    """Return the net amounts (debits positive) of the posted entries of a range, by account and currency."""
    signed = case((account_sum.c.side == "debit", account_sum.c.amount), else_=-account_sum.c.amount)
    its_entries = _posted(start, end, None).subquery()
    by = (account_sum.c.account, its_entries.c.currency)
    query = select(*by, *split_sum_columns(signed)).join(its_entries, its_entries.c.id == account_sum.c.entry_id)
    rows = connection.execute(query.group_by(*by))
    return {(account, currency): joined_sum(high, low) for account, currency, high, low in rows}


def account_sums_at(connection: Connection, start: date, end: date, places: Collection[str]) -> Sums:
    """Return the same of the lines at these locations; a line without a location is at the entity of its entry.

    The two lines of a pair can be at different places, if the rule moves revenue between entities.
    """
    by_place = (journal_entry.c.entity, journal_line.c.dimensions)
    signed = case((journal_line.c.side == "debit", journal_line.c.amount), else_=-journal_line.c.amount)
    columns = (journal_line.c.account, journal_line.c.currency, *by_place)
    its_entries = _posted(start, end, None).subquery()
    query = (
        select(*columns, *split_sum_columns(signed))
        .join(its_entries, its_entries.c.id == journal_line.c.entry_id)
        .join(journal_entry, journal_entry.c.id == journal_line.c.entry_id)
        .group_by(*columns)
    )
    found: Counter[tuple[str, str]] = Counter()
    for account, currency, entity, dimensions, high, low in connection.execute(query):
        if (dimensions_of(dimensions).get("location") or entity) in places:
            found[account, currency] += joined_sum(high, low)
    return dict(found)


def accepted_keys(connection: Connection, keys: Sequence[str]) -> set[str]:
    """Return the findings that a person has accepted."""
    if not keys:
        return set()
    query = select(audit_event.c.subject).where(audit_event.c.action == ACCEPTED, audit_event.c.subject.in_(keys))
    return set(connection.execute(query).scalars())


def accept(connection: Connection, who: AuditStamp, key: str, detail: Mapping[str, Any]) -> int:
    """Record that a person has accepted a finding; return the number of the audit event."""
    return record(connection, who, ACCEPTED, key, detail)


def record_reconciliation(connection: Connection, who: AuditStamp, company: str, detail: Mapping[str, Any]) -> None:
    """Record the result of a reconciliation."""
    record(connection, who, RECONCILED, company, detail)
