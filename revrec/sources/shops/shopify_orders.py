"""Shopify: charges of orders and refunds, from the REST API, the GraphQL API and webhooks.

These become charge lines, each net of tax and of the discounts allocated to it:

- a line item: price times quantity; its line is the line item's id;
- a shipping line, with the line ``shipping-ID`` and the item ``SHIPPING``;
- a refunded line item, with a negative amount and the line ``refund-REFUND-LINEITEM``; refunded shipping with the line
  ``refund-REFUND-shipping``; and a discrepancy, as Shopify calls it, with the line ``refund-REFUND-adjustment``.

Taxes, duties and tips are not revenue. Test orders, unpaid orders and lines with a zero amount are skipped. An order
whose totals differ from these lines is broken. The document is the order's id, which all of these documents have.
"""

import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from functools import partial
from typing import Any

from revrec.sources.documents import (
    AS_OF,
    PART,
    BrokenDocument,
    DocumentOutcome,
    FoundRecord,
    SkippedDocument,
    skipped_lines,
)
from revrec.sources.edi.segments import plain
from revrec.sources.shops.objects import Json, JsonNode
from revrec.sources.shops.shopify_amounts import (
    FETCH_WHOLE,
    ZERO,
    LineAmounts,
    line_amounts,
    refund_amounts,
    required_money,
    shipping_amounts,
    stated_money,
    total,
)
from revrec.sources.shops.shopify_totals import OrderTotals, check_refund

OWN = (
    "order_id", "name", "date", "line", "kind", "item", "description", "quantity", "amount", "currency", "customer",
    "email", "status", "fulfillment", "shipped",
)  # fmt: skip
"""The derived columns. ``order.PATH`` and ``line.PATH`` name any other value."""

ELEMENTS = {
    "order_id": "id", "date": "processed_at, created_at", "line": "id of the line", "item": "sku, variant_id, title",
    "quantity": "quantity", "amount": "price", "currency": "currency, currencyCode", "customer": "customer.id, email",
    "fulfillment": "id of the fulfillment", "shipped": "created_at of the fulfillment",
}  # fmt: skip
"""The values that the derived columns come from."""

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
    if isinstance(value.get("pageInfo"), dict) and value["pageInfo"].get("hasNextPage") is True:
        raise BrokenDocument("pageInfo.hasNextPage", "true", "a list of the document is cut off", place, FETCH_WHOLE)
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
    if unbilled:
        yield SkippedDocument(unbilled, node.place, skipped_lines(lambda: _order(node)), takes_back=True)
    else:
        yield from _order(node)


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

        self.taxes_included = self._taxes_included()
        self._tips = _tip_lines(node)

    def _taxes_included(self) -> bool:
        lines = (*self.lines.values(), *self.node.nodes("shipping_lines"))
        is_taxed = bool(stated_money(self.node, "total_tax")) or any(line.nodes("tax_lines") for line in lines)
        if is_taxed and not self.node.has("taxes_included"):
            raise self.node.broken("taxes_included", "", "is missing, so it is unknown whether prices include tax")
        return self.node.flag("taxes_included")

    def line(self, line: JsonNode) -> Decimal:
        """Return the net amount of a line item; zero for a tip, which is not revenue."""
        return ZERO if self.is_tip(line) else line_amounts(line).net(self.taxes_included)

    def is_tip(self, line: JsonNode) -> bool:
        """Return True for a tip of the customer."""
        return line.text("id") in self._tips

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
            "currency": self.currency(line),
            "status": _financial(self.node),
            PART: "order",
            AS_OF: self.node.text("updated_at"),
        }
        return FoundRecord({**shared, **values}, {"order": self.node.value, "line": line.value}, place)

    def currency(self, line: JsonNode) -> str:
        """Return the currency of the order, or else of an amount of the line."""
        stated = self.node.text("currency") or self.node.text("currency_code")
        sets = ("price_set", "original_unit_price_set", "subtotal_set", "original_price_set", "amount_set")
        found = (line.node(name).node("shop_money").text("currency_code") for name in sets if not stated)
        return stated or next((one for one in found if one), "")


def _financial(node: JsonNode) -> str:
    return (node.text("financial_status") or node.text("display_financial_status")).lower()


def _tip_lines(order: JsonNode) -> frozenset[str]:
    """Return the ids of the lines that are tips: marked as such, or titled so and without a product."""
    product = ("sku", "variant_id", "product_id", "variant", "product")
    return frozenset(
        line.text("id")
        for line in order.nodes("line_items")
        if any(line.has(name) for name in ("tip", "tip_payment_gateway", "tip_payment_method"))
        or (line.text("title").lower() == "tip" and not any(line.value.get(name) for name in product))
    )


def _tip(shared: OrderContext, line: JsonNode, date: str) -> Iterator[DocumentOutcome]:
    yield shared.made(line, _named(line), line_amounts(line).net(shared.taxes_included), date)


def _order(order: JsonNode) -> Iterator[DocumentOutcome]:
    shared = OrderContext(order)
    date = order.text("processed_at") or order.text("created_at")
    tips = [line for line in order.nodes("line_items") if shared.is_tip(line)]
    goods = [(line, line_amounts(line)) for line in order.nodes("line_items") if not shared.is_tip(line)]
    shipping = [(line, shipping_amounts(line)) for line in order.nodes("shipping_lines")]
    for line, amounts in goods:
        _check_taxes(line, amounts, shared)
        is_gift_card = line.flag("gift_card") or line.flag("is_gift_card")
        values = {**_named(line), "kind": "gift_card" if is_gift_card else "line"}
        net = amounts.net(shared.taxes_included)
        yield shared.made(line, {**values, "quantity": line.text("quantity")}, net, date)
    for line in tips:
        tip = skipped_lines(partial(_tip, shared, line, date))
        yield SkippedDocument("it is a tip", f"{order.place}, line {line.text('id')}", tip)
    for at, (line, amounts) in enumerate(shipping, 1):
        _check_taxes(line, amounts, shared)
        key = line.text("id") or str(at)
        values = {"line": f"shipping-{key}", "kind": "shipping", "item": SHIPPING, "description": line.text("title")}
        yield shared.made(line, values, amounts.net(shared.taxes_included), date)
    refunds = [_Refund(refund, shared) for refund in order.nodes("refunds")]
    for refund in refunds:
        yield from refund.outcomes()
    _check_refunds(order, refunds)
    totals = OrderTotals(
        order, total(amounts for _line, amounts in goods), total(amounts for _line, amounts in shipping),
        total(map(line_amounts, tips)).price,
    )  # fmt: skip
    totals.check(
        total(one for refund in refunds for one in refund.goods()),
        total(one for refund in refunds for one in refund.shipping),
        sum((refund.adjusted for refund in refunds), ZERO),
    )


def _check_taxes(line: JsonNode, amounts: LineAmounts, shared: OrderContext) -> None:
    """Check that the tax in a price is known: without it the tax would count as revenue."""
    is_untaxed = line.has("taxable") and not line.flag("taxable")
    if shared.taxes_included and amounts.price and not (line.has("tax_lines") or is_untaxed):
        raise line.broken("tax_lines", "", "is missing, so the tax in its price is unknown", FETCH_WHOLE)


def _check_refunds(order: JsonNode, refunds: "list[_Refund]") -> None:
    """Check that the order itemizes every refund and every unit taken off it."""
    status = _financial(order)
    if status in ("refunded", "partially_refunded") and not refunds:
        raise order.broken("refunds", "", f"is missing, but the order is {status}", FETCH_WHOLE)
    if refunds or order.has("refunds"):
        paid = sum((refund.paid for refund in refunds), ZERO)
        stated = stated_money(order, "total_refunded")
        if stated is not None and stated != paid:
            reason = f"is {plain(stated)}, the refunds add up to {plain(paid)}"
            raise order.broken("total_refunded", "", reason, FETCH_WHOLE)
    for line in order.nodes("line_items"):
        refunded_units = sum((refund.quantity(line.text("id")) for refund in refunds), ZERO)
        if line.has("current_quantity"):
            _check_quantity(line, refunded_units)
        if order.text("cancelled_at") and refunded_units != line.required_number("quantity"):
            reason = f"the order is canceled, but {plain(refunded_units)} of {line.text('quantity')} units of line "
            reason += f"{line.text('id')} are in its refunds"
            raise order.broken("cancelled_at", order.text("cancelled_at"), reason, _REFUND_IT)


_REFUND_IT = "refund or restock the rest in the shop and fetch the order again"


def _check_quantity(line: JsonNode, refunded: Decimal) -> None:
    ordered, current = line.required_number("quantity"), line.required_number("current_quantity")
    if current != ordered - refunded:
        reason = f"is {plain(current)}, but {plain(refunded)} of {plain(ordered)} are in its refunds"
        raise line.broken("current_quantity", "", reason, FETCH_WHOLE)


def _named(line: JsonNode) -> dict[str, str]:
    title = line.text("title") or line.text("name")
    item = line.text("sku") or line.text("variant_id") or title
    return {"line": line.text("id"), "item": item, "description": title}


class _Refund:
    """One refund of an order: its items, its shipping and its discrepancies.

    ``adjusted`` is the net sum of the discrepancies, negative if more was paid back than the lines are worth. ``paid``
    is what was paid back, with tax.
    """

    def __init__(self, node: JsonNode, shared: OrderContext) -> None:
        self._node = node
        self._shared = shared
        self._key = node.text("id")
        self._date = node.text("processed_at") or node.text("created_at")
        if not self._key:
            raise node.broken("id", "", "is missing")
        self._items = [self._item(one) for one in node.nodes("refund_line_items")]
        self.shipping = self._refunded_shipping()
        self.adjusted = sum((required_money(one, "amount") for one in self._adjustments(is_shipping=False)), ZERO)
        self.paid = self._paid()

    def _item(self, one: JsonNode) -> tuple[JsonNode, str, JsonNode, LineAmounts]:
        id, line = refunded(one, self._shared)
        is_taxed = self._shared.taxes_included and bool(line.nodes("tax_lines"))
        return one, id, line, refund_amounts(one, "subtotal", "total_tax", is_taxed)

    def _adjustments(self, is_shipping: bool) -> list[JsonNode]:
        found = self._node.nodes("order_adjustments")
        return [one for one in found if (one.text("kind").lower() == "shipping_refund") is is_shipping]

    def _refunded_shipping(self) -> list[LineAmounts]:
        """Return the refunded shipping: by adjustments, whose amounts are net and negative, or else by its lines."""
        found = []
        for one in self._adjustments(is_shipping=True):
            net, tax = -required_money(one, "amount"), -(stated_money(one, "tax_amount") or ZERO)
            price = net + tax if self._shared.taxes_included else net
            found.append(LineAmounts(price, price, tax))
        lines = [] if found else self._node.nodes("refund_shipping_lines")
        taxed = self._shared.taxes_included
        return found + [refund_amounts(one, "subtotal_amount", "tax_amount", taxed) for one in lines]

    def _paid(self) -> Decimal:
        included = self._shared.taxes_included
        lines = total((*(amounts for *_one, amounts in self._items), *self.shipping)).gross(included)
        taxes = (stated_money(one, "tax_amount") or ZERO for one in self._adjustments(is_shipping=False))
        return lines - self.adjusted - sum(taxes, ZERO)

    def goods(self) -> list[LineAmounts]:
        """Return the amounts of the refunded items without tips."""
        return [amounts for _one, _id, line, amounts in self._items if not self._shared.is_tip(line)]

    def quantity(self, line_id: str) -> Decimal:
        """Return how many units of a line item were refunded."""
        return sum((one.required_number("quantity") for one, id, *_rest in self._items if id == line_id), ZERO)

    def outcomes(self) -> Iterator[DocumentOutcome]:
        """Yield the charge lines of the refund, after comparing them with what was paid back."""
        check_refund(self._node, self.paid, self._shared.currency(self._node))
        seen: dict[str, int] = {}
        for one, id, line, amounts in self._items:
            seen[id] = seen.get(id, 0) + 1
            suffix = f"-{seen[id]}" if seen[id] > 1 else ""
            values = {**_named(line), "line": f"refund-{self._key}-{id}{suffix}", "kind": "refund"}
            net = ZERO if self._shared.is_tip(line) else amounts.net(self._shared.taxes_included)
            values |= {"quantity": one.text("quantity"), PART: f"refund {self._key}"}
            yield self._shared.made(one, values, -net, self._date)
        yield from self._others("shipping", SHIPPING, -total(self.shipping).net(self._shared.taxes_included))
        yield from self._others("adjustment", "ADJUSTMENT", self.adjusted)

    def _others(self, kind: str, item: str, amount: Decimal) -> Iterator[DocumentOutcome]:
        if amount:
            described = {"item": item, "description": f"refund: {kind}"}
            values = {"line": f"refund-{self._key}-{kind}", "kind": "refund", **described, PART: f"refund {self._key}"}
            yield self._shared.made(self._node, values, amount, self._date)


def refunded(one: JsonNode, shared: OrderContext) -> tuple[str, JsonNode]:
    """Return the id of the refunded line item, and the line item itself as far as the documents contain it."""
    id = one.text("line_item_id") or one.node("line_item").text("id")
    if not id:
        raise one.broken("line_item_id", "", "is missing")
    return id, shared.lines.get(id) or one.node("line_item")
