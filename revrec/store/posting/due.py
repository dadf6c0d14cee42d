"""Schedule lines that are due: what the next run will put on journal entries."""

from collections.abc import Iterator
from datetime import date
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, Row, Select, select

from revrec.core.journal import DueLine
from revrec.store.charges import dimensions_of
from revrec.store.database.bulk import stream_rows
from revrec.store.posting.invoices import IS_INVOICED
from revrec.store.tables import OPEN, after_invoice, charge_line, rule_version, schedule, schedule_line

_COLUMNS = (
    schedule_line.c.charge_no,
    schedule_line.c.version,
    schedule_line.c.seq,
    schedule_line.c.revision,
    schedule.c.lines.label("of"),
    charge_line.c.id.label("charge"),
    charge_line.c.document,
    charge_line.c.customer,
    charge_line.c.item,
    charge_line.c.entity,
    charge_line.c.dimensions,
    schedule_line.c.date,
    schedule_line.c.amount,
    charge_line.c.currency,
    rule_version.c.deferred,
    rule_version.c.accrued,
    rule_version.c.journal,
    rule_version.c.memo,
    charge_line.c.description,
    charge_line.c.post_date,
)


def due_query() -> Select[Any]:
    """Schedule lines joined with all that their journal lines need; callers add the condition and the order."""
    return (
        select(*_COLUMNS)
        .join(charge_line, charge_line.c.no == schedule_line.c.charge_no)
        .join(
            schedule,
            (schedule.c.charge_no == schedule_line.c.charge_no) & (schedule.c.version == schedule_line.c.version),
        )
        .join(rule_version, rule_version.c.id == schedule.c.rule_version_id)
    )


WAITS_FOR_INVOICE = schedule.c.rule_version_id.in_(select(after_invoice.c.rule_version_id)) & ~IS_INVOICED
"""Whether a schedule line waits until the document of its charge line is invoiced."""


def due_lines(connection: Connection, until: date, waiting: bool | None = False) -> Iterator[tuple[DueLine, str]]:
    """Open schedule lines dated on or before ``until``, each with its charge's description, in posting order:
    date, entity, journal, currency, then charge. Found through the index on open lines alone.

    Those that wait for an invoice are left out; with ``waiting`` they alone are told, with None all.
    """
    which = [] if waiting is None else [WAITS_FOR_INVOICE if waiting else ~WAITS_FOR_INVOICE]
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
        yield due_line(row), row[18]


def due_line(row: Row[Any] | tuple[Any, ...]) -> DueLine:
    """A row of :func:`due_query` as a due line; its memo still the template."""
    values: list[Any] = list(row)
    billed = values.pop()
    del values[18:]
    values[10] = dimensions_of(values[10])
    values[11] = _day(values[11])
    return DueLine(*values)._replace(billed=_day(billed))


@lru_cache(maxsize=4096)
def _day(text: str) -> date:
    return date.fromisoformat(text)
