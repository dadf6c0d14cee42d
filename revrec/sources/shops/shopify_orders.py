"""Shopify: charges of orders and refunds, from the REST API, the GraphQL API and webhooks.

These become charge lines, each net of tax and of the discounts allocated to it:

- a line item: price times quantity; its line is the line item's id;
- a shipping line, with the line ``shipping-ID`` and the item ``SHIPPING``;
- a refunded line item, with a negative amount and the line ``refund-REFUND-LINEITEM``; refunded shipping with the line
  ``refund-REFUND-shipping``; and a discrepancy, as Shopify calls it, with the line ``refund-REFUND-adjustment``.

Taxes, duties and tips are not revenue. Test orders, unpaid orders and lines with a zero amount are skipped. The
document is the order's id, which all of these documents have.
"""

import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from revrec.sources.documents import BrokenDocument, DocumentOutcome, FoundRecord, SkippedDocument
from revrec.sources.edi.segments import plain, times
from revrec.sources.shops.objects import Json, JsonNode

OWN = (
    "order_id", "name", "date", "line", "kind", "item", "description", "quantity", "amount", "currency", "customer",
    "email", "status",
)  # fmt: skip
"""The derived columns. ``order.PATH`` and ``line.PATH`` name any other value."""

BILLED = ("paid", "partially_paid", "partially_refunded", "refunded")
"""Financial states of an order that was billed."""

SHIPPING = "SHIPPING"
DEEPEST = 40

_WRAPPERS = frozenset({"data", "order", "orders", "refund", "fulfillment", "nodes", "edges", "node"})
_GID = re.compile(r"gid://shopify/\w+/(\d+)(?:\?.*)?", re.ASCII)
_CAMEL = re.compile(r"(?<=[a-z0-9])([A-Z])")


def is_wrapper(name: str, _before: Mapping[str, Any]) -> bool:
    """Return True if documents are nested under this name."""
    return name in _WRAPPERS


def document(value: Json, place: str) -> JsonNode:
    """Return the document in the form of the REST API, whichever API it came from."""
    return JsonNode(_as_rest(value, place, 1), place)


def _as_rest(value: Any, place: str, depth: int) -> Any:
    """Convert GraphQL names and connections to REST: ``lineItems {nodes [...]}`` becomes ``line_items [...]``."""
    if depth > DEEPEST:
        raise BrokenDocument("record", "", "is nested too deeply", place)
    if isinstance(value, str):
        gid = _GID.fullmatch(value)
        return gid[1] if gid else value
    if isinstance(value, list):
        return [_as_rest(one, place, depth + 1) for one in value]
    if not isinstance(value, dict):
        return value
    if isinstance(value.get("nodes"), list):
        return _as_rest(value["nodes"], place, depth + 1)
    if isinstance(value.get("edges"), list):
        return [_as_rest(one.get("node"), place, depth + 1) for one in value["edges"] if isinstance(one, dict)]
    found = {_CAMEL.sub(r"_\1", name).lower(): _as_rest(one, place, depth + 1) for name, one in value.items()}
    if len(found) < len(value) or type(value) is not dict:
        raise BrokenDocument("record", "", "contains a name twice", place)
    return found


def charges(node: JsonNode) -> Iterator[DocumentOutcome]:
    """Yield the charge lines of an order and of its refunds."""
    kind = kind_of(node)
    if kind != "order":
        yield SkippedDocument(f"it is a {kind}, whose order has the charges", node.place)
        return
    unbilled = not_billed(node)
    yield from [SkippedDocument(unbilled, node.place)] if unbilled else _order(node)


def kind_of(node: JsonNode) -> str:
    """Return ``order``, ``refund``, ``fulfillment`` or ``fulfillment event``."""
    if node.has("line_items"):
        return "fulfillment" if node.has("order_id") else "order"
    for name, kind in (("refund_line_items", "refund"), ("fulfillment_id", "fulfillment event")):
        if node.has(name):
            return kind
    raise node.broken("record", "", "is not a Shopify order, refund or fulfillment")


def not_billed(order: JsonNode) -> str:
    """Return why an order has nothing to recognize yet; empty if it was billed."""
    status = _financial(order)
    if order.flag("test"):
        return "it is a test order"
    if not status:
        raise order.broken("financial_status", "", "is missing, so it is unknown whether the order is paid")
    return "" if status in BILLED else f"the order is {status}"


class OrderContext:
    """The values that the lines of one order share."""

    def __init__(self, node: JsonNode) -> None:
        self.node = node
        self.order_id = node.text("id")
        self.lines = {line.text("id"): line for line in node.nodes("line_items")}
        if not self.order_id:
            raise node.broken("id", "", "is missing")

    def net(self, node: JsonNode, gross: Decimal, tax: Decimal) -> Decimal:
        """Return an amount without tax."""
        if tax and not self.node.has("taxes_included"):
            raise node.broken("taxes_included", "", "is missing, so it is unknown whether prices include tax")
        return gross - tax if self.node.flag("taxes_included") else gross

    def line(self, line: JsonNode) -> Decimal:
        """Return the net amount of a line item."""
        return self.net(line, _after_discounts(line, _gross(line)), _tax(line))

    def made(self, line: JsonNode, values: dict[str, str], amount: Decimal, date: str) -> DocumentOutcome:
        """Return a charge line."""
        place = f"{self.node.place}, line {values['line']}"
        if not amount:
            return SkippedDocument("its amount is zero", place)
        customer = self.node.node("customer")
        shared = {
            "order_id": self.order_id,
            "name": self.node.text("name"),
            "date": date,
            "amount": plain(amount),
            "customer": customer.text("id") or self.node.text("email") or customer.text("email"),
            "email": self.node.text("email") or customer.text("email"),
            "currency": self._currency(line),
            "status": _financial(self.node),
        }
        return FoundRecord({**shared, **values}, {"order": self.node.value, "line": line.value}, place)

    def _currency(self, line: JsonNode) -> str:
        stated = self.node.text("currency") or self.node.text("currency_code")
        sets = ("price_set", "original_unit_price_set", "subtotal_set", "original_price_set", "amount_set")
        found = (line.node(name).node("shop_money").text("currency_code") for name in sets if not stated)
        return stated or next((one for one in found if one), "")


def _financial(node: JsonNode) -> str:
    return (node.text("financial_status") or node.text("display_financial_status")).lower()


def _order(order: JsonNode) -> Iterator[DocumentOutcome]:
    shared = OrderContext(order)
    date = order.text("processed_at") or order.text("created_at")
    _check_total(order)
    for line in order.nodes("line_items"):
        values = {**_named(line), "kind": "gift_card" if line.flag("gift_card") else "line"}
        yield shared.made(line, {**values, "quantity": line.text("quantity")}, shared.line(line), date)
    for at, line in enumerate(order.nodes("shipping_lines"), 1):
        amount = shared.net(line, _after_discounts(line, money(line, "price", "original_price")), _tax(line))
        key = line.text("id") or str(at)
        values = {"line": f"shipping-{key}", "kind": "shipping", "item": SHIPPING, "description": line.text("title")}
        yield shared.made(line, values, amount, date)
    for refund in order.nodes("refunds"):
        yield from _refund(refund, shared)


def _check_total(order: JsonNode) -> None:
    """Check the line items against the order's sum of them, unless the order was edited afterwards."""
    lines = order.nodes("line_items")
    edited = any(one.has("current_quantity") and one.text("current_quantity") != one.text("quantity") for one in lines)
    stated = order.number("total_line_items_price")
    found = sum((_gross(one) for one in lines), Decimal(0))
    if order.has("total_line_items_price") and not edited and stated != found:
        reason = f"is {plain(stated)}, the line items add up to {plain(found)}"
        raise order.broken("total_line_items_price", order.text("total_line_items_price"), reason)


def _named(line: JsonNode) -> dict[str, str]:
    title = line.text("title") or line.text("name")
    item = line.text("sku") or line.text("variant_id") or title
    return {"line": line.text("id"), "item": item, "description": title}


def _gross(line: JsonNode) -> Decimal:
    return times(money(line, "price", "original_unit_price"), line.number("quantity"))


def _after_discounts(line: JsonNode, gross: Decimal) -> Decimal:
    allocated = (money(one, "amount", "allocated_amount") for one in line.nodes("discount_allocations"))
    return gross - sum(allocated, Decimal(0))


def _tax(line: JsonNode) -> Decimal:
    return sum((money(one, "price") for one in line.nodes("tax_lines")), Decimal(0))


def money(node: JsonNode, *names: str) -> Decimal:
    """Return an amount in the shop's currency, by the first name that is present, plain or as a set of currencies."""
    for name in names:
        if node.has(name):
            return node.number(name)
        if node.has(f"{name}_set"):
            return node.node(f"{name}_set").node("shop_money").number("amount")
    return Decimal(0)


def _refund(refund: JsonNode, shared: OrderContext) -> Iterator[DocumentOutcome]:
    key, date = refund.text("id"), refund.text("processed_at") or refund.text("created_at")
    if not key:
        raise refund.broken("id", "", "is missing")
    seen: dict[str, int] = {}
    for one in refund.nodes("refund_line_items"):
        id, line = refunded(one, shared)
        seen[id] = seen.get(id, 0) + 1
        suffix = f"-{seen[id]}" if seen[id] > 1 else ""
        amount = shared.net(one, money(one, "subtotal"), money(one, "total_tax"))
        values = {**_named(line), "line": f"refund-{key}-{id}{suffix}", "kind": "refund"}
        yield shared.made(one, {**values, "quantity": one.text("quantity")}, -amount, date)
    yield from _adjusted(refund, shared, key, date)


def refunded(one: JsonNode, shared: OrderContext) -> tuple[str, JsonNode]:
    """Return the id of the refunded line item, and the line item itself as far as the documents contain it."""
    id = one.text("line_item_id") or one.node("line_item").text("id")
    if not id:
        raise one.broken("line_item_id", "", "is missing")
    return id, shared.lines.get(id) or one.node("line_item")


def _adjusted(refund: JsonNode, shared: OrderContext, key: str, date: str) -> Iterator[DocumentOutcome]:
    """Yield refunded shipping, and differences between the calculated refund and what was paid back."""
    found: dict[str, Decimal] = {}
    for one in refund.nodes("order_adjustments"):
        kind = "shipping" if one.text("kind") == "shipping_refund" else "adjustment"
        found[kind] = found.get(kind, Decimal(0)) + money(one, "amount")
    if "shipping" not in found:
        lines = refund.nodes("refund_shipping_lines")
        found["shipping"] = -sum((money(one, "subtotal_amount") for one in lines), Decimal(0))
    for kind, amount in found.items():
        if amount:
            item = SHIPPING if kind == "shipping" else "ADJUSTMENT"
            described = {"item": item, "description": f"refund: {kind}"}
            values = {"line": f"refund-{key}-{kind}", "kind": "refund", **described}
            yield shared.made(refund, values, amount, date)
