"""Schedule lines as ``revrec preview`` shows them: planned, on an entry, or posted."""

from collections.abc import Iterator
from datetime import date
from typing import NamedTuple

from sqlalchemy import Connection, case, func, select

from revrec.store.database.bulk import stream_rows
from revrec.store.posting.due import WAITS_FOR_INVOICE
from revrec.store.tables import (
    OPEN,
    charge_line,
    entry_date_override,
    journal_entry,
    rule_version,
    schedule,
    schedule_line,
)


class PlannedLine(NamedTuple):
    """A schedule line with its charge, rule and accounts; ``amount`` is in minor units.

    ``status`` is planned, or the state of the entry that the line is on. ``entry_date`` is that entry's date, and
    ``reason`` why it differs from the recognition date. ``awaits`` is True for a line that waits for an invoice.
    """

    charge: str
    document: str
    customer: str
    item: str
    rule: str
    method: str
    seq: int
    of: int
    date: str
    amount: int
    currency: str
    deferred: str
    accrued: str
    status: str
    entity: str
    version: int
    entry_date: str | None = None
    reason: str | None = None
    awaits: bool = False


GOES_AGAIN = schedule_line.c.entry_id.in_(
    select(journal_entry.c.id).where(journal_entry.c.state.in_(("READY", "REJECTED")))
)
"""The condition that the next run posts a line of an earlier run: its entry is ready, or was rejected."""

_STATUS = case((schedule_line.c.entry_id.is_(None), "planned"), else_=func.lower(journal_entry.c.state))
_COLUMNS = (
    charge_line.c.id.label("charge"),
    charge_line.c.document,
    charge_line.c.customer,
    charge_line.c.item,
    rule_version.c.name.label("rule"),
    rule_version.c.method,
    schedule_line.c.seq,
    schedule.c.lines.label("of"),
    schedule_line.c.date,
    schedule_line.c.amount,
    charge_line.c.currency,
    rule_version.c.deferred,
    rule_version.c.accrued,
    _STATUS.label("status"),
    charge_line.c.entity,
    schedule_line.c.version,
    journal_entry.c.date.label("entry_date"),
    entry_date_override.c.reason,
    WAITS_FOR_INVOICE.label("awaits"),
)


def planned_lines(
    connection: Connection, first: date | None, last: date | None, charge_no: int | None, due: bool
) -> Iterator[PlannedLine]:
    """Yield the valid schedule lines between two dates, both included, in order of date and charge.

    ``due`` limits them to those that a run would post: open ones, and those that earlier runs left.
    """
    query = (
        select(*_COLUMNS)
        .select_from(schedule_line)
        .join(charge_line, charge_line.c.no == schedule_line.c.charge_no)
        .join(
            schedule,
            (schedule.c.charge_no == schedule_line.c.charge_no) & (schedule.c.version == schedule_line.c.version),
        )
        .join(rule_version, rule_version.c.id == schedule.c.rule_version_id)
        .outerjoin(journal_entry, journal_entry.c.id == schedule_line.c.entry_id)
        .outerjoin(entry_date_override, entry_date_override.c.entry_id == journal_entry.c.id)
        .where(OPEN | GOES_AGAIN if due else schedule_line.c.superseded_by.is_(None))
        .order_by(schedule_line.c.date, schedule_line.c.charge_no, schedule_line.c.seq)
    )
    if charge_no is not None:
        query = query.where(schedule_line.c.charge_no == charge_no)
    if first is not None:
        query = query.where(schedule_line.c.date >= first.isoformat())
    if last is not None:
        query = query.where(schedule_line.c.date <= last.isoformat())
    for row in stream_rows(connection, query):
        yield PlannedLine(**{**row._asdict(), "awaits": bool(row.awaits)})
