"""The amounts that each rebuild of the schedules moved, from the schedule versions that it wrote.

A rebuild writes a new version of each schedule that it changes, and marks the lines of the versions before as
superseded by it. Nothing else has to be stored: the lines before and after are the record.
"""

import json
from collections.abc import Iterator
from typing import Any, NamedTuple

from sqlalchemy import Connection, and_, case, func, literal, select, union_all

from revrec.core.filters import NO_FILTERS, Filters
from revrec.store.bulk import stream_rows
from revrec.store.reports.filters import chosen_charges
from revrec.store.tables import audit_event, charge_line, schedule, schedule_line, schedule_wait

REBUILT = "schedules derived again"
"""The action of a rebuild in the audit trail."""

UNDATED = ""
"""The period of an amount without a recognition date."""


class ScheduleRebuild(NamedTuple):
    """A rebuild of all schedules: its number in the audit trail, and who started it, when (UTC) and why."""

    rebuild: int
    at: str
    actor: str
    reason: str


class MovedAmount(NamedTuple):
    """The planned amount of a charge line in a month before and after a rebuild, in minor units.

    ``period`` is the month, such as ``2024-03``, or empty for an amount without a date. What was on an entry already is
    in neither amount.
    """

    rebuild: int
    charge: str
    period: str
    currency: str
    before: int
    after: int


def schedule_rebuilds(connection: Connection) -> list[ScheduleRebuild]:
    """Return all rebuilds, in order."""
    event = audit_event.c
    query = select(event.seq, event.at, event.actor, event.detail).where(event.action == REBUILT).order_by(event.seq)
    return [
        ScheduleRebuild(row.seq, row.at, row.actor, json.loads(row.detail).get("reason", ""))
        for row in connection.execute(query)
    ]


def moved_amounts(
    connection: Connection, rebuild: int | None = None, filters: Filters = NO_FILTERS
) -> Iterator[MovedAmount]:
    """Yield the amounts that rebuilds moved, by rebuild, charge line and month; of one rebuild, or of all.

    The days of the filters select months; amounts without a date are in none.
    """
    version = (
        select(schedule.c.charge_no, schedule.c.version, schedule.c.audit_seq)
        .join(audit_event, audit_event.c.seq == schedule.c.audit_seq)
        .where(audit_event.c.action == REBUILT)
    )
    if rebuild is not None:
        version = version.where(schedule.c.audit_seq == rebuild)
    if filters != NO_FILTERS:
        version = version.where(schedule.c.charge_no.in_(chosen_charges(filters)))
    versions = version.subquery()
    parts = union_all(*parts_by_month(versions), *_undated_parts(versions)).subquery()
    amounts = [func.sum(case((parts.c.side == side, parts.c.amount), else_=0)) for side in ("before", "after")]
    query = (
        select(parts.c.audit_seq, charge_line.c.id, parts.c.period, charge_line.c.currency, *amounts)
        .join(charge_line, charge_line.c.no == parts.c.charge_no)
        .where(*_within_months(parts.c.period, filters))
        .group_by(parts.c.audit_seq, parts.c.charge_no, charge_line.c.id, parts.c.period, charge_line.c.currency)
        .having(amounts[0] != amounts[1])
        .order_by(parts.c.audit_seq, parts.c.charge_no, parts.c.period)
    )
    for row in stream_rows(connection, query):
        number, id, period, currency, before, after = row
        yield MovedAmount(number, id, period, currency, int(before), int(after))


def _within_months(period: Any, filters: Filters) -> Iterator[Any]:
    if filters.first is not None:
        yield period >= filters.first.isoformat()[:7]
    if filters.last is not None:
        yield (period <= filters.last.isoformat()[:7]) & (period != UNDATED)


def parts_by_month(version: Any) -> tuple[Any, Any]:
    """Return the lines before each version, and those that it wrote, as (audit_seq, charge_no, side, period, amount).

    ``version`` is a subquery of ``schedule`` with charge_no, version and audit_seq.
    """
    line = schedule_line.c
    month = func.substr(line.date, 1, 7)
    return (
        _part(version, "before", month, schedule_line, line.superseded_by == version.c.version),
        _part(version, "after", month, schedule_line, line.version == version.c.version),
    )


def _undated_parts(version: Any) -> tuple[Any, Any]:
    """Return the waiting amounts before each version, and of it."""
    wait, undated = schedule_wait.c, literal(UNDATED)
    return (
        _part(version, "before", undated, schedule_wait, wait.version == version.c.version - 1),
        _part(version, "after", undated, schedule_wait, wait.version == version.c.version),
    )


def _part(version: Any, side: str, period: Any, table: Any, condition: Any) -> Any:
    columns = (version.c.audit_seq, version.c.charge_no, literal(side).label("side"))
    query = select(*columns, period.label("period"), table.c.amount.label("amount"))
    return query.join(table, and_(table.c.charge_no == version.c.charge_no, condition))
