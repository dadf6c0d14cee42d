"""Rejected journal entries: which ones, how often, and the release of their schedule lines.

``revrec.store.posting.posting_tables`` has the operations that entries and invoices share.
"""

import json
from datetime import date
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row, func, select

from revrec.store.audit import AuditStamp
from revrec.store.bulk import first_row
from revrec.store.posting import entered_lines
from revrec.store.posting.entries import ENTRY_TABLES, recognized_until
from revrec.store.posting.posting_tables import AttemptFailure
from revrec.store.tables import attempt_failure, entered_line, journal_entry, journal_line, same_line

_ANY_REJECTED = select(journal_entry.c.id).where(journal_entry.c.state == "REJECTED").limit(1)


class RejectedPosting(NamedTuple):
    """A rejected posting. ``failure`` is the meaning of the last answer, None if it was not stored.

    ``sent`` is False if no request about it ever reached Intacct; ``absent`` is True if a later read-back did not find
    it in Intacct.
    """

    id: int
    failure: AttemptFailure | None
    sent: bool
    absent: bool


def release_schedule_lines(
    connection: Connection,
    entry_id: int,
    who: AuditStamp,
    old: str = "REJECTED",
    new: str = "REPLACED",
    reason: str = "",
) -> None:
    """Release the schedule lines of a rejected or canceled entry, so that they can go on one with a new reference.

    Their revision goes up, and with it the reference of the next entry: under the old control id Intacct could
    take the new entry for a repeat of the rejected one.
    """
    ENTRY_TABLES.change_state(connection, entry_id, old, new, who, reason=reason)
    entered_lines.release(connection, entered_line.c.entry_id == entry_id)


def rejected_entries(connection: Connection, until: date, entry_id: int | None = None) -> list[RejectedPosting]:
    """Return the rejected entries recognized on or before a day, oldest first; ``entry_id`` limits them to one."""
    if first_row(connection, _ANY_REJECTED) is None:
        # As in most runs, each of which asks several times. The query below takes longer to build than to execute.
        return []
    last = ENTRY_TABLES.last_answered()
    query = (
        select(journal_entry.c.id, attempt_failure, last.label("sent"), ENTRY_TABLES.absent_after(last).label("absent"))
        .select_from(journal_entry)
        .outerjoin(attempt_failure, attempt_failure.c.attempt_id == last)
        .where(journal_entry.c.state == "REJECTED", recognized_until(until))
        .order_by(journal_entry.c.date, journal_entry.c.id)
    )
    if entry_id is not None:
        query = query.where(journal_entry.c.id == entry_id)
    return [rejected_posting(row) for row in connection.execute(query)]


def rejected_posting(row: Row[Any]) -> RejectedPosting:
    """Return a row of a rejected posting, with the failure of its last answer, as a record."""
    known = row.attempt_id is not None
    failure = AttemptFailure(row.name, row.error_class, json.loads(row.named)) if known else None
    return RejectedPosting(row.id, failure, row.sent is not None, bool(row.absent))


def count_rejections(connection: Connection, entry_id: int) -> int:
    """Count how often a schedule line of this entry was rejected with this error since a person last canceled it."""
    line, same, other = journal_line.alias("line"), journal_line.alias("same"), journal_entry.alias("other")
    given_up = journal_line.alias("given_up")
    its_error = select(journal_entry.c.error).where(journal_entry.c.id == entry_id).scalar_subquery()
    canceled = (
        select(func.coalesce(func.max(given_up.c.entry_id), 0))
        .join(journal_entry, journal_entry.c.id == given_up.c.entry_id)
        .where(same_line(given_up, line), journal_entry.c.state == "CANCELED")
        .scalar_subquery()
    )
    counted = (
        select(func.count().label("times"))
        .select_from(line)
        .join(same, same_line(same, line) & (same.c.side == line.c.side))
        .join(other, other.c.id == same.c.entry_id)
        .where(line.c.entry_id == entry_id, line.c.side == "debit", other.c.state.in_(("REJECTED", "REPLACED")))
        .where(other.c.error == its_error, other.c.id > canceled)
        .group_by(line.c.charge_no, line.c.version, line.c.seq)
        .subquery()
    )
    return int(connection.execute(select(func.coalesce(func.max(counted.c.times), 0))).scalar_one())
