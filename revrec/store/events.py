"""Fulfillment events: recorded, never changed; a later one of the same kind and name corrects an earlier one.

A person can withdraw one: it stays as it was recorded, and schedules are derived without it.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, Select, exists, select

from revrec.core.calendar import day_of, iso
from revrec.core.charge_line import FulfillmentEvent, make_event
from revrec.core.pricing import PRICE_EVENT_KINDS
from revrec.store.audit import AuditStamp
from revrec.store.bulk import insert_rows, next_number, rows_of
from revrec.store.charges import is_cost_of
from revrec.store.digests import RowDigest, digest_rows
from revrec.store.number_lists import NUMBERS, json_of, numbers_in
from revrec.store.tables import charge_line, event_withdrawal, fulfillment_event, import_file

_COLUMNS = tuple(column.name for column in fulfillment_event.columns)


def add_events(connection: Connection, rows: Sequence[tuple[Any, ...]]) -> RowDigest:
    """Insert rows made by :func:`event_row`."""
    first = next_number(connection, fulfillment_event.c.id)
    whole = [(id, *row) for id, row in enumerate(rows, first)]
    insert_rows(connection, fulfillment_event, _COLUMNS, whole)
    return digest_rows(fulfillment_event, whole)


def event_row(
    charge_no: int, event: FulfillmentEvent, at: str, actor: str, import_id: int | None = None, row: int | None = None
) -> tuple[Any, ...]:
    """Return an event as a row of its table without the id; an event without import and row was recorded by hand."""
    quantity = None if event.quantity is None else str(event.quantity)
    percent = None if event.percent is None else str(event.percent)
    said = (event.kind, iso(event.date), quantity, percent, event.amount, event.name, event.note, event.scope)
    return (charge_no, *said, at, actor, import_id, row)


def _not_withdrawn(last_seq: int | None) -> ColumnElement[bool]:
    """Return the condition that no person had withdrawn an event by this audit event, or by now."""
    gone = select(event_withdrawal.c.event_id).where(event_withdrawal.c.event_id == fulfillment_event.c.id)
    return ~exists(gone if last_seq is None else gone.where(event_withdrawal.c.audit_seq <= last_seq))


class RecordedEvent(NamedTuple):
    """An event as it is stored, with its charge line, the file that it came from, and its withdrawal, if any.

    ``amount`` is in minor units of ``currency``; ``quantity`` and ``percent`` are decimal text, times UTC text.
    """

    id: int
    charge_no: int
    charge: str
    kind: str
    date: str
    quantity: str | None
    percent: str | None
    amount: int | None
    currency: str
    name: str
    note: str
    scope: str
    recorded_at: str
    actor: str
    file: str | None
    row: int | None
    withdrawn_at: str | None
    withdrawn_by: str | None
    withdrawn_for: str | None


def recorded_events() -> Select[Any]:
    """Return the events with everything that :class:`RecordedEvent` has, in its order; callers add conditions."""
    event, gone = fulfillment_event.c, event_withdrawal.c
    return (
        select(
            *(event[name] for name in ("id", "charge_no")),
            charge_line.c.id.label("charge"),
            *(event[name] for name in ("kind", "date", "quantity", "percent", "amount")),
            charge_line.c.currency,
            *(event[name] for name in ("name", "note", "scope", "recorded_at", "actor")),
            import_file.c.uri.label("file"),
            event.row,
            gone.at.label("withdrawn_at"),
            gone.actor.label("withdrawn_by"),
            gone.reason.label("withdrawn_for"),
        )
        .join(charge_line, charge_line.c.no == event.charge_no)
        .outerjoin(import_file, import_file.c.id == event.import_id)
        .outerjoin(event_withdrawal, gone.event_id == event.id)
    )


def recorded_event(connection: Connection, number: int) -> RecordedEvent | None:
    """Return one event by its id; None without one."""
    row = connection.execute(recorded_events().where(fulfillment_event.c.id == number)).first()
    return RecordedEvent(*row) if row else None


def recorded_for(connection: Connection, charge_no: int) -> list[RecordedEvent]:
    """Return the events of a charge line in the order of recording, withdrawn ones too."""
    query = recorded_events().where(fulfillment_event.c.charge_no == charge_no).order_by(fulfillment_event.c.id)
    return [RecordedEvent(*row) for row in connection.execute(query)]


def copies_for_costs(connection: Connection, event: RecordedEvent) -> list[RecordedEvent]:
    """Return the copies of an event that were recorded with it for the costs of its charge line, and are in force."""
    same = [
        fulfillment_event.c[name] == getattr(event, name)
        for name in ("kind", "date", "name", "note", "recorded_at", "actor")
    ]
    rows = connection.execute(recorded_events().where(is_cost_of(event.charge), *same))
    return [one for one in (RecordedEvent(*row) for row in rows) if one.withdrawn_at is None]


def withdraw(connection: Connection, numbers: Sequence[int], reason: str, who: AuditStamp, audit_seq: int) -> RowDigest:
    """Store that events are withdrawn, for a reason."""
    rows = [(number, reason, who.at, who.actor, audit_seq) for number in sorted(numbers)]
    insert_rows(connection, event_withdrawal, event_withdrawal.columns.keys(), rows)
    return digest_rows(event_withdrawal, rows)


def events_of_charges(
    connection: Connection,
    numbers: Sequence[int],
    last_id: int | None = None,
    last_seq: int | None = None,
    with_withdrawn: bool = False,
) -> dict[int, list[FulfillmentEvent]]:
    """Return the events of these charge lines, in the order of recording; charges without events are left out.

    Events that a person withdrew are left out, unless ``with_withdrawn`` asks for them. ``last_id`` leaves out the
    events that were recorded after this one, ``last_seq`` the withdrawals that came after this audit event.
    """
    if not numbers:
        return {}
    query = _EVENTS.where(
        fulfillment_event.c.charge_no.in_(numbers_in(numbers)), *(() if with_withdrawn else (_not_withdrawn(last_seq),))
    )
    if last_id is not None:
        query = query.where(fulfillment_event.c.id <= last_id)
    found: dict[int, list[FulfillmentEvent]] = {}
    for no, charge, kind, day, quantity, percent, *said in connection.execute(query).all():
        event = make_event((charge, kind, day_of(day), _decimal(quantity), _decimal(percent), *said))
        found.setdefault(no, []).append(event)
    return found


def events_with_withdrawn(
    connection: Connection, ids: Mapping[int, str]
) -> tuple[dict[int, list[FulfillmentEvent]], dict[int, list[FulfillmentEvent]]]:
    """Return all events of charge lines, and those that no one withdrew, both in the order of recording.

    ``ids`` are the ids of the charge lines by their numbers.
    """
    found: defaultdict[int, list[FulfillmentEvent]] = defaultdict(list)
    effective: defaultdict[int, list[FulfillmentEvent]] = defaultdict(list)
    rows = rows_of(connection, _WITH_WITHDRAWN, numbers=json_of(tuple(sorted(ids)))) if ids else ()
    for withdrawal, no, kind, day, quantity, percent, amount, name, note, scope in rows:
        event = make_event(
            (ids[no], kind, day_of(day), _decimal(quantity), _decimal(percent), amount, name, note, scope)
        )
        found[no].append(event)
        if withdrawal is None:
            effective[no].append(event)
    return dict(found), dict(effective)


_EVENTS = (
    select(
        fulfillment_event.c.charge_no,
        charge_line.c.id,
        *(
            fulfillment_event.c[name]
            for name in ("kind", "date", "quantity", "percent", "amount", "name", "note", "scope")
        ),
    )
    .join(charge_line, charge_line.c.no == fulfillment_event.c.charge_no)
    .order_by(fulfillment_event.c.charge_no, fulfillment_event.c.id)
)


_WITH_WITHDRAWN = (
    select(event_withdrawal.c.event_id, *(one for one in _EVENTS.selected_columns if one.table is fulfillment_event))
    .select_from(fulfillment_event)
    .outerjoin(event_withdrawal, event_withdrawal.c.event_id == fulfillment_event.c.id)
    .where(fulfillment_event.c.charge_no.in_(NUMBERS))
    .order_by(fulfillment_event.c.charge_no, fulfillment_event.c.id)
)


def charges_repriced_after(connection: Connection, day: date) -> list[int]:
    """Return the charge lines with a price event that is dated after a day, in order."""
    event = fulfillment_event.c
    query = select(event.charge_no).where(event.kind.in_(PRICE_EVENT_KINDS), event.date > day.isoformat())
    return list(connection.execute(query.distinct().order_by(event.charge_no)).scalars())


def _decimal(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)
