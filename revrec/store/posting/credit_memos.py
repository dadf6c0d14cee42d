"""Credit memos: the charge lines on posted invoices whose price changed, and what is credited of them already."""

from collections.abc import Collection, Iterator, Sequence
from datetime import date
from typing import NamedTuple

from sqlalchemy import Connection, and_, func, select, union

from revrec.core.batching import batched
from revrec.core.charge_line import ChargeLine, FulfillmentEvent
from revrec.core.invoice import CREDITS, INVOICED
from revrec.core.posting import RELEASED
from revrec.core.pricing import PRICE_EVENT_KINDS
from revrec.store import charges, events
from revrec.store.posting.invoices import BILLED_ON
from revrec.store.tables import charge_line, fulfillment_event, invoice, invoice_line

AT_ONCE = 1_000


class RepricedLine(NamedTuple):
    """A charge line on a posted invoice, with the events that change its price.

    ``billed`` is the day of the invoice; ``credited`` is what credit memos took off, by their day.
    """

    invoice_id: int
    charge_no: int
    line: ChargeLine
    billed: date
    events: Sequence[FulfillmentEvent]
    credited: dict[date, int]


def repriced_lines(connection: Connection, until: date, given_back: Collection[int] = ()) -> Iterator[RepricedLine]:
    """Yield the invoiced charge lines with a price event until a day, or with a credit memo, in the order of import.

    The rejected credit memos ``given_back`` do not count as credited.
    """
    if connection.execute(select(invoice.c.id).where(_BILLING).limit(1)).first() is None:
        return
    event = fulfillment_event.c
    changed = select(event.charge_no).where(event.kind.in_(PRICE_EVENT_KINDS), event.date <= until.isoformat())
    credited = select(invoice_line.c.charge_no).join(invoice, invoice.c.id == invoice_line.c.invoice_id)
    candidates = union(changed, credited.where(invoice.c.kind.in_(CREDITS)))
    query = (
        select(invoice.c.id, invoice_line.c.charge_no, BILLED_ON)
        .join(invoice_line, invoice_line.c.invoice_id == invoice.c.id)
        .join(charge_line, charge_line.c.no == invoice_line.c.charge_no)
        .where(_BILLING, until.isoformat() >= BILLED_ON, invoice_line.c.charge_no.in_(candidates))
        .order_by(invoice_line.c.charge_no)
    )
    for some in batched(connection.execute(query).all(), AT_ONCE):
        numbers = [no for _invoice, no, _day in some]
        lines = dict(charges.read_charges(connection, numbers))
        recorded = events.events_of_charges(connection, numbers)
        memos = _credited(connection, numbers, until, given_back)
        for invoice_id, no, day in some:
            of_price = [one for one in recorded.get(no, ()) if one.kind in PRICE_EVENT_KINDS and one.date <= until]
            yield RepricedLine(
                invoice_id, no, lines[no], date.fromisoformat(day), of_price, memos.get((invoice_id, no), {})
            )


_BILLING = and_(invoice.c.kind.in_(INVOICED), invoice.c.state == "POSTED")
_LIVE_CREDIT = and_(invoice.c.kind.in_(CREDITS), invoice.c.state.not_in(RELEASED))


def _credited(
    connection: Connection, numbers: Sequence[int], until: date, given_back: Collection[int]
) -> dict[tuple[int, int], dict[date, int]]:
    """Return what live credit memos until a day took off charge lines, by day, for each invoice and charge line.

    Later ones do not count: the events that they credit are later, too.
    """
    query = (
        select(invoice.c.after_id, invoice_line.c.charge_no, invoice.c.date, func.sum(invoice_line.c.amount))
        .join(invoice_line, invoice_line.c.invoice_id == invoice.c.id)
        .where(_LIVE_CREDIT, invoice_line.c.charge_no.in_(numbers), invoice.c.id.not_in(given_back))
        .where(invoice.c.date <= until.isoformat())
        .group_by(invoice.c.after_id, invoice_line.c.charge_no, invoice.c.date)
    )
    found: dict[tuple[int, int], dict[date, int]] = {}
    for invoice_id, no, day, amount in connection.execute(query):
        found.setdefault((invoice_id, no), {})[date.fromisoformat(day)] = int(amount)
    return found


def count_credit_memos(connection: Connection, invoice_id: int, day: date, given_back: Collection[int] = ()) -> int:
    """Count the live credit memos of an invoice that are dated on a day."""
    its_own = (invoice.c.after_id == invoice_id, invoice.c.date == day.isoformat(), invoice.c.id.not_in(given_back))
    return int(connection.execute(select(func.count(invoice.c.id)).where(_LIVE_CREDIT, *its_own)).scalar_one())


def ready_credit_memos(connection: Connection, until: date) -> list[int]:
    """Return the numbers of the credit memos dated on or before a day that are READY, oldest first."""
    ready = (invoice.c.kind.in_(CREDITS), invoice.c.state == "READY", invoice.c.date <= until.isoformat())
    return list(connection.execute(select(invoice.c.id).where(*ready).order_by(invoice.c.date, invoice.c.id)).scalars())
