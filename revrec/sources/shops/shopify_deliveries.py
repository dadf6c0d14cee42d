"""Shopify: deliveries, from an order or from a fulfillment alone.

A line is delivered once all its units that were not refunded are delivered, on the day of the latest delivery.
"""

from collections.abc import Iterator
from decimal import Decimal

from revrec.sources.documents import DocumentOutcome, FoundRecord, SkippedDocument
from revrec.sources.edi.segments import plain
from revrec.sources.shops.objects import JsonNode
from revrec.sources.shops.shopify_amounts import required_money
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


def _deliveries(order: JsonNode) -> Iterator[DocumentOutcome]:
    """Yield each line whose units are all delivered, except refunded ones, and then its refunds too."""
    days = [
        (one, _delivered_on(one)) for one in order.nodes("fulfillments") if one.text("status").lower() != "cancelled"
    ]
    delivered = [(day, line) for one, day in days if day for line in _fulfilled(one)]
    refunds = _refunds_by_line(order)
    shared = OrderContext(order)
    for line in order.nodes("line_items"):
        id = line.text("id")
        if shared.is_tip(line):
            yield SkippedDocument("it is a tip", f"{order.place}, line {id}")
            continue
        if not shared.line(line):
            yield SkippedDocument("its amount is zero", f"{order.place}, line {id}")
            continue
        deliveries = [(day, one.number("quantity")) for day, one in delivered if _line_id(one) == id]
        arrived = sum((quantity for _day, quantity in deliveries), Decimal(0))
        refunded = sum((quantity for _line, _day, quantity in refunds.get(id, ())), Decimal(0))
        place = f"{order.place}, line {id}"
        if not deliveries or arrived < line.number("quantity") - refunded:
            reason = f"{plain(arrived)} of {line.text('quantity')} delivered" if deliveries else "not delivered yet"
            yield SkippedDocument(reason, place)
            continue
        day = max(day for day, _quantity in deliveries)
        yield _event(order, id, day, line, place)
        for refund_line, refund_day, _quantity in refunds.get(id, ()):
            yield _event(order, refund_line, max(day, refund_day, key=lambda one: one[:10]), line, place)


def _refunds_by_line(order: JsonNode) -> dict[str, list[tuple[str, str, Decimal]]]:
    """Return the refunds of each line item: their charge line, day and number of units."""
    found: dict[str, list[tuple[str, str, Decimal]]] = {}
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
                found.setdefault(id, []).append((key, day, one.number("quantity")))
    return found


def _fulfillment(node: JsonNode) -> Iterator[DocumentOutcome]:
    """Yield the lines of a fulfillment alone that are shipped completely."""
    day = _delivered_on(node)
    if not day:
        yield SkippedDocument("not delivered yet", node.place)
        return
    for line in _fulfilled(node):
        id = _line_id(line)
        place = f"{node.place}, line {id}"
        if line.number("fulfillable_quantity"):
            yield SkippedDocument(f"units still to be shipped: {line.text('fulfillable_quantity')}", place)
        else:
            yield _event(node, id, day, line, place)


def _event(node: JsonNode, line: str, day: str, item: JsonNode, place: str) -> DocumentOutcome:
    order = node.text("order_id") or node.text("id")
    values = {"order_id": order, "name": node.text("name"), "line": line, "date": day, "status": "delivered"}
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
        return max(happened)
    if fulfillment.has("delivered_at"):
        return fulfillment.text("delivered_at")
    status = (fulfillment.text("shipment_status") or fulfillment.text("display_status")).lower()
    return fulfillment.text("updated_at") if status == "delivered" else ""
