"""Fulfillment events: recorded, never changed; a later one of the same kind and name corrects an earlier one."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, select

from revrec.core.charge_line import FulfillmentEvent
from revrec.store.database.bulk import insert_rows, next_number
from revrec.store.digests import RowDigest, digest_rows
from revrec.store.tables import charge_line, fulfillment_event

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
    quantity, percent = (None if value is None else str(value) for value in (event.quantity, event.percent))
    day = event.date.isoformat()
    said = (event.kind, day, quantity, percent, event.amount, event.name, event.note)
    return (charge_no, *said, at, actor, import_id, row)


def events_of_charges(
    connection: Connection, numbers: Sequence[int], last_id: int | None = None
) -> dict[int, list[FulfillmentEvent]]:
    """Return the events of these charge lines, in the order of recording; charges without events are left out.

    ``last_id`` leaves out the events that were recorded after this one.
    """
    if not numbers:
        return {}
    said = [fulfillment_event.c[name] for name in ("kind", "date", "quantity", "percent", "amount", "name", "note")]
    query = (
        select(fulfillment_event.c.charge_no, charge_line.c.id, *said)
        .join(charge_line, charge_line.c.no == fulfillment_event.c.charge_no)
        .where(fulfillment_event.c.charge_no.in_(numbers))
        .order_by(fulfillment_event.c.charge_no, fulfillment_event.c.id)
    )
    if last_id is not None:
        query = query.where(fulfillment_event.c.id <= last_id)
    found: dict[int, list[FulfillmentEvent]] = {}
    for no, charge, kind, day, quantity, percent, amount, name, note in connection.execute(query):
        event = FulfillmentEvent(
            charge, kind, date.fromisoformat(day), _decimal(quantity), _decimal(percent), amount, name, note
        )
        found.setdefault(no, []).append(event)
    return found


def _decimal(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)
