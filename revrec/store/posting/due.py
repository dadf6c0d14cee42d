"""Schedule lines that are due: the next run puts them on journal entries."""

from collections.abc import Iterator
from datetime import date
from functools import lru_cache
from typing import Any

from sqlalchemy import Boolean, ColumnElement, Connection, Row, Select, literal_column, not_, select

from revrec.core.journal import DueLine
from revrec.store.charges import dimensions_of
from revrec.store.database.bulk import stream_rows
from revrec.store.posting import awaiting
from revrec.store.tables import OPEN, charge_line, rule_version, schedule, schedule_line

_COLUMNS = (
    schedule_line.c.charge_no,
    schedule_line.c.version,
    schedule_line.c.seq,
    schedule_line.c.revision,
    schedule.c.lines,
    charge_line.c.id,
    charge_line.c.document,
    charge_line.c.customer,
    charge_line.c.item,
    charge_line.c.entity,
    charge_line.c.dimensions,
    charge_line.c.currency,
    charge_line.c.description,
    charge_line.c.post_date,
    schedule_line.c.date,
    schedule_line.c.amount,
    rule_version.c.deferred,
    rule_version.c.accrued,
    rule_version.c.journal,
    rule_version.c.memo,
)


def due_query() -> Select[Any]:
    """Return schedule lines joined with all that their journal lines need; callers add the condition and the order."""
    return (
        select(*_COLUMNS)
        .join(charge_line, charge_line.c.no == schedule_line.c.charge_no)
        .join(
            schedule,
            (schedule.c.charge_no == schedule_line.c.charge_no) & (schedule.c.version == schedule_line.c.version),
        )
        .join(rule_version, rule_version.c.id == schedule.c.rule_version_id)
    )


WAITS_FOR_INVOICE: ColumnElement[bool] = literal_column(awaiting.WAITS_FOR_INVOICE, Boolean())
"""The condition that a schedule line waits until the document of its charge line is invoiced."""


def due_lines(connection: Connection, until: date, waiting: bool | None = False) -> Iterator[tuple[DueLine, str]]:
    """Yield open schedule lines dated on or before ``until``, each with its charge's description.

    They come in posting order: date, entity, journal, currency, then charge. ``waiting`` False leaves out those that
    wait for an invoice, True yields only those, None yields all.
    """
    which = [] if waiting is None else [WAITS_FOR_INVOICE if waiting else not_(WAITS_FOR_INVOICE)]
    query = (
        due_query()
        .where(OPEN, schedule_line.c.date <= until.isoformat(), *which)
        .order_by(
            schedule_line.c.date,
            charge_line.c.entity,
            rule_version.c.journal,
            charge_line.c.currency,
            schedule_line.c.charge_no,
            schedule_line.c.version,
            schedule_line.c.seq,
        )
    )
    for row in stream_rows(connection, query):
        yield due_line(row), row.description


def due_line(row: Row[Any]) -> DueLine:
    """Return a row of :func:`due_query` as a due line; its memo is still the template.

    By name throughout: an amount or an account in the neighboring field would be posted without any error.
    """
    return DueLine(
        charge_no=row.charge_no,
        version=row.version,
        seq=row.seq,
        revision=row.revision,
        of=row.lines,
        charge=row.id,
        document=row.document,
        customer=row.customer,
        item=row.item,
        entity=row.entity,
        dimensions=dimensions_of(row.dimensions),
        date=_day(row.date),
        amount=row.amount,
        currency=row.currency,
        deferred=row.deferred,
        accrued=row.accrued,
        journal=row.journal,
        memo=row.memo,
        billed=_day(row.post_date),
    )


@lru_cache(maxsize=4096)
def _day(text: str) -> date:
    return date.fromisoformat(text)
