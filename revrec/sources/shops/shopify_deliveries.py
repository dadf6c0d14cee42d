"""Shopify: deliveries, from an order or from a fulfillment alone.

Each fulfillment delivers its units of a line, or has only shipped them. Units that were refunded without being shipped
are never delivered: once all others are, the rest of the line is delivered together with its refunds.
"""

from collections.abc import Iterator
from decimal import Decimal
from typing import NamedTuple

from revrec.sources.documents import DocumentOutcome, FoundRecord, SkippedDocument
from revrec.sources.edi.segments import plain
from revrec.sources.shops.objects import JsonNode, latest
from revrec.sources.shops.shopify_amounts import ZERO, required_money, stated_money
from revrec.sources.shops.shopify_orders import OrderContext, kind_of, not_billed, refunded


def events(node: JsonNode) -> Iterator[DocumentOutcome]:
    """Yield the deliveries of an order's lines, or of a fulfillment alone."""
    kind = kind_of(node)
    if kind == "order":
        unbilled = not_billed(node)
        yield from [SkippedDocument(unbilled, node.place)] if unbilled else _deliveries(node)
    elif kind == "fulfillment":
        yield from _fulfillment(node)
    else:
        yield SkippedDocument(f"it is a {kind}, which names no delivered lines", node.place)


class _ReturnedUnits(NamedTuple):
    """A refund of a line item: its charge line, day and units, and True if they had been delivered and came back."""

    line: str
    day: str
    quantity: Decimal
    is_returned: bool


class _Days(NamedTuple):
    """The days on which units were delivered, which is empty if it is not known yet, and shipped."""

    delivered: str
    shipped: str

    def with_days(self, *days: str) -> "_Days":
        """Return the later of these days and others."""
        return _Days(latest(self.delivered, *days) if self.delivered else "", latest(self.shipped, *days))


class _Part(NamedTuple):
    """Units of a line in a fulfillment."""

    fulfillment: JsonNode
    units: JsonNode
    days: _Days

    @property
    def quantity(self) -> Decimal:
        """The number of units."""
        return self.units.required_number("quantity")


def _deliveries(order: JsonNode) -> Iterator[DocumentOutcome]:
    """Yield the deliveries of each line, and of its refunds."""
    shipped = [part for fulfillment in order.nodes("fulfillments") for part in _parts(fulfillment)]
    refunds = _refunds_by_line(order)
    shared = OrderContext(order)
    for line in order.nodes("line_items"):
        id = line.text("id")
        if shared.is_tip(line):
            yield SkippedDocument("it is a tip", f"{order.place}, line {id}")
        elif not shared.line(line):
            yield SkippedDocument("its amount is zero", f"{order.place}, line {id}")
        else:
            parts = [one for one in shipped if _line_id(one.units) == id]
            yield from _line_deliveries(order, line, parts, refunds.get(id, []))


def _line_deliveries(
    order: JsonNode, line: JsonNode, parts: list[_Part], refunds: list[_ReturnedUnits]
) -> Iterator[DocumentOutcome]:
    """Yield the deliveries of a line: each of its parts, then what the refunds leave of it, and the refunds.

    The rest and the refunds count as shipped once all other units are shipped, and as delivered once they are.
    """
    id, ordered = line.text("id"), line.required_number("quantity")
    place = f"{order.place}, line {id}"
    if not parts:
        yield SkippedDocument("not delivered yet", place)
        return
    yield from (_part(order, one, line) for one in parts)
    delivered = [one for one in parts if one.days.delivered]
    never_shipped = [one for one in refunds if not one.is_returned]
    expected = ordered - sum((one.quantity for one in never_shipped), ZERO)
    complete = next((found for found in (delivered, parts) if found and _units(found) >= expected), [])
    if not complete:
        yield SkippedDocument(f"{plain(_units(delivered))} of {plain(ordered)} delivered", place)
    elif _units(complete) < ordered:
        days = _last(complete).with_days(*(one.day for one in never_shipped))
        yield _event(order, id, days, line, place)
    for refund in refunds:
        counted = (delivered or parts) if refund.is_returned else complete
        if counted:
            yield _event(order, refund.line, _last(counted).with_days(refund.day), line, place)


def _units(parts: list[_Part]) -> Decimal:
    return sum((one.quantity for one in parts), ZERO)


def _last(parts: list[_Part]) -> _Days:
    """Return the last days of these parts. The day of delivery is empty unless all of them are delivered."""
    is_delivered = all(one.days.delivered for one in parts)
    return _Days(
        latest(*(one.days.delivered for one in parts)) if is_delivered else "",
        latest(*(one.days.shipped for one in parts)),
    )


def _refunds_by_line(order: JsonNode) -> dict[str, list[_ReturnedUnits]]:
    found: dict[str, list[_ReturnedUnits]] = {}
    shared = OrderContext(order)
    for refund in order.nodes("refunds"):
        day = refund.text("processed_at") or refund.text("created_at")
        seen: dict[str, int] = {}
        for one in refund.nodes("refund_line_items"):
            id, _line = refunded(one, shared)
            seen[id] = seen.get(id, 0) + 1
            suffix = f"-{seen[id]}" if seen[id] > 1 else ""
            if required_money(one, "subtotal"):
                key = f"refund-{refund.text('id')}-{id}{suffix}"
                is_returned = one.text("restock_type").lower() == "return"
                found.setdefault(id, []).append(_ReturnedUnits(key, day, one.number("quantity"), is_returned))
    return found


def _fulfillment(node: JsonNode) -> Iterator[DocumentOutcome]:
    """Yield the lines of a fulfillment alone."""
    if node.text("status").lower() == "cancelled":
        yield SkippedDocument("the fulfillment is canceled", node.place)
        return
    parts = list(_parts(node))
    if not parts:
        yield SkippedDocument("not delivered yet", node.place)
    for part in parts:
        if stated_money(part.units, "price") == ZERO:
            yield SkippedDocument("its amount is zero", f"{node.place}, line {_line_id(part.units)}")
        else:
            yield _part(node, part, part.units)


def _parts(fulfillment: JsonNode) -> Iterator[_Part]:
    """Yield the units of a fulfillment, if they were delivered or at least shipped."""
    status = fulfillment.text("status").lower()
    delivered = _delivered_on(fulfillment)
    shipped = fulfillment.text("created_at") if status in ("", "success") else ""
    if status != "cancelled" and (delivered or shipped):
        days = _Days(delivered, shipped or delivered)
        yield from (_Part(fulfillment, units, days) for units in _fulfilled(fulfillment))


def _part(document: JsonNode, part: _Part, item: JsonNode) -> DocumentOutcome:
    """Return the delivery of a line's units by a fulfillment, whose id sets it apart from the others of the line."""
    id = _line_id(part.units)
    if not part.fulfillment.text("id"):
        raise part.fulfillment.broken("id", "", "is missing")
    values = {"fulfillment": part.fulfillment.text("id"), "quantity": plain(part.quantity)}
    return _event(document, id, part.days, item, f"{document.place}, line {id}", **values)


def _event(node: JsonNode, line: str, days: _Days, item: JsonNode, place: str, **more: str) -> DocumentOutcome:
    order = node.text("order_id") or node.text("id")
    status = "delivered" if days.delivered else "shipped"
    values = {"order_id": order, "name": node.text("name"), "line": line, "status": status}
    values |= {"date": days.delivered, "shipped": days.shipped, **more}
    return FoundRecord(values, {"order": node.value, "line": item.value}, place)


def _fulfilled(fulfillment: JsonNode) -> list[JsonNode]:
    return fulfillment.nodes("fulfillment_line_items") or fulfillment.nodes("line_items")


def _line_id(line: JsonNode) -> str:
    """Return the line item's id, which is nested in a fulfillment of the GraphQL API."""
    return line.node("line_item").text("id") if line.has("line_item") else line.text("id")


def _delivered_on(fulfillment: JsonNode) -> str:
    """Return the delivery date: from its events, its own date, or its last change if its status is delivered."""
    happened = [
        one.text("happened_at") for one in fulfillment.nodes("events") if one.text("status").lower() == "delivered"
    ]
    if happened:
        return latest(*happened)
    if fulfillment.has("delivered_at"):
        return fulfillment.text("delivered_at")
    status = (fulfillment.text("shipment_status") or fulfillment.text("display_status")).lower()
    return fulfillment.text("updated_at") if status == "delivered" else ""
