"""Accounting periods: facts about them, which are only ever added, and the open schedule lines in them."""

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple

from sqlalchemy import Connection, func, insert, literal_column, select

from revrec.core.periods import OPEN as OPENED
from revrec.core.periods import PeriodFact
from revrec.store.audit import AuditStamp, TrailEvent, record
from revrec.store.bulk import insert_rows, next_number
from revrec.store.digests import RowDigest, digest_rows
from revrec.store.posting.entries import recognized_until
from revrec.store.reports.in_ledger import KnownRows
from revrec.store.tables import (
    RELEASED,
    audit_event,
    charge_line,
    entered_line,
    fulfillment_event,
    journal_entry,
    open_line,
    period_closing,
    period_fact,
    schedule,
)

OF_ENTITY = "periods of "
COMPANYS = f"{OF_ENTITY}the company"
"""The subject of an audit event about the periods of an entity, and of the company."""


class Closing(NamedTuple):
    """A fact about a period, with the last rows that the books had when it closed days; None if it opened one."""

    fact: PeriodFact
    known: KnownRows | None


def facts(connection: Connection) -> list[PeriodFact]:
    """Return all facts, in the order they became known."""
    rows = connection.execute(select(period_fact).order_by(period_fact.c.id))
    return [to_fact(*row[1:]) for row in rows]


def to_fact(entity: str, kind: str, day: str, source: str, reason: str, at: str, actor: str) -> PeriodFact:
    """Return a fact from its columns."""
    return PeriodFact(entity, kind, date.fromisoformat(day), source, reason, at, actor)


def add_facts(
    connection: Connection,
    new: Sequence[PeriodFact],
    who: AuditStamp,
    invoiced: Mapping[str, str],
    details: Sequence[Mapping[str, Any]] = (),
) -> list[PeriodFact]:
    """Store facts that have just become known; return them with who and when.

    ``invoiced`` are the sources that are invoiced now, with the first post date as ISO text; empty for all.
    ``details`` is what else the audit event of each fact keeps.
    """
    kept = [fact._replace(at=who.at, actor=who.actor) for fact in new]
    for fact, more in zip(kept, details or ({},) * len(kept), strict=True):
        values = {"id": next_number(connection, period_fact.c.id), **fact._asdict(), "day": fact.day.isoformat()}
        written = connection.execute(insert(period_fact).values(values).returning(*period_fact.c)).one()
        shown = {name: values[name] for name in ("kind", "day", "source", "reason")} | dict(more)
        subject = f"{OF_ENTITY}{fact.entity}" if fact.entity else COMPANYS
        digests = [digest_rows(period_fact, [written])]
        if fact.kind != OPENED:
            digests.append(_keep_closing(connection, written.id, invoiced))
        record(connection, who, f"period {fact.kind}", subject, shown, digests)
    return kept


def _keep_closing(connection: Connection, fact_id: int, invoiced: Mapping[str, str]) -> RowDigest:
    """Store which rows the books had when days were closed, and which sources were invoiced."""
    newest = (audit_event.c.seq, charge_line.c.no, fulfillment_event.c.id)
    numbers = (next_number(connection, column) - 1 for column in newest)
    row = (fact_id, *numbers, json.dumps(dict(invoiced), ensure_ascii=False, sort_keys=True))
    insert_rows(connection, period_closing, period_closing.columns.keys(), [row])
    return digest_rows(period_closing, [row])


def closings(connection: Connection) -> list[Closing]:
    """Return all facts, in the order they became known, each with the rows that the books had then."""
    query = (
        select(period_fact, *(period_closing.c[name] for name in KnownRows._fields[:-1]))
        .outerjoin(period_closing, period_closing.c.fact_id == period_fact.c.id)
        .order_by(period_fact.c.id)
    )
    found = []
    for _id, *fact, audit_seq, charge_no, event_id, invoiced in connection.execute(query):
        known = None if audit_seq is None else KnownRows(audit_seq, charge_no, event_id, invoiced, fact[-2])
        found.append(Closing(to_fact(*fact), known))
    return found


def closing_events(connection: Connection, marked: str) -> list[TrailEvent]:
    """Return the audit events of months that were closed, in order, whose detail has a mark; with their entities."""
    event = audit_event.c
    query = select(event.seq, event.at, event.actor, event.detail, event.subject).where(event.action == "period closed")
    found = []
    for seq, at, actor, detail, subject in connection.execute(query.order_by(event.seq)):
        if marked in detail:
            entity = "" if subject == COMPANYS else subject.removeprefix(OF_ENTITY)
            found.append(TrailEvent(seq, at, actor, {**json.loads(detail), "entity": entity}))
    return found


def due_entities(connection: Connection, until: date) -> list[str]:
    """Return the entities with something to post that is recognized on or before a day.

    A line that an entry released counts whatever its date, since it was due before.
    """
    # Not from the view, which would compute the date of each due line.
    due = select(schedule.c.charge_no).where(schedule.c.open_from <= until.isoformat())
    released = select(entered_line.c.charge_no).where(RELEASED)
    on_lines = select(charge_line.c.entity).where(charge_line.c.no.in_(due.union_all(released)))
    waits = journal_entry.c.state.in_(("READY", "REJECTED")) & recognized_until(until)
    on_entries = select(journal_entry.c.entity).where(waits)
    return sorted(connection.execute(on_lines.union(on_entries)).scalars())


def all_entities(connection: Connection) -> list[str]:
    """Return the entities of all charge lines."""
    return sorted(connection.execute(select(charge_line.c.entity).distinct()).scalars())


class OpenMonth(NamedTuple):
    """The number of open schedule lines of one entity and month."""

    entity: str
    month: date
    lines: int


def open_months(connection: Connection, entity: str | None = None) -> Iterator[OpenMonth]:
    """Yield the open schedule lines by entity and month."""
    month = func.substr(open_line.c.date, literal_column("1"), literal_column("7"))
    query = (
        select(charge_line.c.entity, month, func.count())
        .join(charge_line, charge_line.c.no == open_line.c.charge_no)
        .group_by(charge_line.c.entity, month)
    )
    if entity is not None:
        query = query.where(charge_line.c.entity == entity)
    for found, text, lines in connection.execute(query):
        yield OpenMonth(found, date.fromisoformat(f"{text}-01"), lines)
