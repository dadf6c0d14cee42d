"""Shopify: deliveries, from an order or from a fulfillment alone.

Each fulfillment delivers its units of a line. Units that were refunded without being shipped are never delivered: once
all others are, the rest of the line is delivered together with its refunds.
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


def _deliveries(order: JsonNode) -> Iterator[DocumentOutcome]:
    """Yield the deliveries of each line, and of its refunds."""
    fulfillments = [one for one in order.nodes("fulfillments") if one.text("status").lower() != "cancelled"]
    shipped = [(one, line) for one in fulfillments if _delivered_on(one) for line in _fulfilled(one)]
    refunds = _refunds_by_line(order)
    shared = OrderContext(order)
    for line in order.nodes("line_items"):
        id = line.text("id")
        if shared.is_tip(line):
            yield SkippedDocument("it is a tip", f"{order.place}, line {id}")
        elif not shared.line(line):
            yield SkippedDocument("its amount is zero", f"{order.place}, line {id}")
        else:
            parts = [(one, part) for one, part in shipped if _line_id(part) == id]
            yield from _line_deliveries(order, line, parts, refunds.get(id, []))


def _line_deliveries(
    order: JsonNode, line: JsonNode, parts: list[tuple[JsonNode, JsonNode]], refunds: list[_ReturnedUnits]
) -> Iterator[DocumentOutcome]:
    """Yield the deliveries of a line: each of its parts, then what the refunds leave of it, and the refunds."""
    id, ordered = line.text("id"), line.required_number("quantity")
    place = f"{order.place}, line {id}"
    if not parts:
        yield SkippedDocument("not delivered yet", place)
        return
    yield from (_part(order, fulfillment, part, line) for fulfillment, part in parts)
    day = latest(*(_delivered_on(fulfillment) for fulfillment, _part in parts))
    arrived = sum((part.required_number("quantity") for _one, part in parts), ZERO)
    never_shipped = [one for one in refunds if not one.is_returned]
    is_complete = arrived >= ordered - sum((one.quantity for one in never_shipped), ZERO)
    if not is_complete:
        yield SkippedDocument(f"{plain(arrived)} of {plain(ordered)} delivered", place)
    elif arrived < ordered:
        yield _event(order, id, latest(day, *(one.day for one in never_shipped)), line, place)
    for refund in refunds:
        if is_complete or refund.is_returned:
            yield _event(order, refund.line, latest(day, refund.day), line, place)


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
    elif not _delivered_on(node):
        yield SkippedDocument("not delivered yet", node.place)
    else:
        for line in _fulfilled(node):
            if stated_money(line, "price") == ZERO:
                yield SkippedDocument("its amount is zero", f"{node.place}, line {_line_id(line)}")
            else:
                yield _part(node, node, line, line)


def _part(document: JsonNode, fulfillment: JsonNode, part: JsonNode, item: JsonNode) -> DocumentOutcome:
    """Return the delivery of a line's units by a fulfillment, whose id sets it apart from the others of the line."""
    id = _line_id(part)
    if not fulfillment.text("id"):
        raise fulfillment.broken("id", "", "is missing")
    values = {"fulfillment": fulfillment.text("id"), "quantity": plain(part.required_number("quantity"))}
    return _event(document, id, _delivered_on(fulfillment), item, f"{document.place}, line {id}", **values)


def _event(node: JsonNode, line: str, day: str, item: JsonNode, place: str, **more: str) -> DocumentOutcome:
    order = node.text("order_id") or node.text("id")
    values = {"order_id": order, "name": node.text("name"), "line": line, "date": day, "status": "delivered", **more}
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
