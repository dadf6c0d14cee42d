"""Magento (Adobe Commerce): orders, invoices, credit memos and shipments of its REST API.

These become charge lines in the currency of the order, each net of tax and of its discount:

- an item of an order or an invoice (row total less discount); its line is the id of the order item;
- the shipping of an order or an invoice, with the line ``shipping`` and the item ``SHIPPING``;
- an item of a credit memo, with a negative amount and the line ``credit-MEMO-ITEM``; also its shipping and adjustments.

For a configurable product the parent counts; for a bundle with priced parts the parts count. Taxes are not revenue.
Orders that are not being processed yet, canceled documents, canceled units and lines with a zero amount are skipped. A
document whose totals differ from these lines is broken. The document is the order's id, which all of these documents
have. The lines of an invoice are ``invoice-INVOICE-ITEM``, since an order can have several invoices.
"""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from revrec.sources.documents import AS_OF, PART, DocumentOutcome, FoundRecord, SkippedDocument, skipped_lines
from revrec.sources.edi.segments import plain
from revrec.sources.shops.magento_totals import ZERO, DocumentTotals, ItemAmounts, item_amounts, shipping_of
from revrec.sources.shops.objects import Json, JsonNode

OWN = (
    "type", "order_id", "name", "date", "line", "kind", "item", "description", "quantity", "amount", "currency",
    "customer", "email", "status",
)  # fmt: skip
"""The derived columns. ``order.PATH`` (the document) and ``line.PATH`` (its item) name any other value."""

ELEMENTS = {
    "order_id": "entity_id of the order, order_id", "date": "created_at", "line": "item_id, order_item_id",
    "item": "sku, name", "quantity": "qty_ordered, qty", "amount": "row_total", "currency": "order_currency_code",
    "customer": "customer_id, customer_email", "name": "increment_id",
}  # fmt: skip
"""The values that the derived columns come from."""

BILLED = ("processing", "complete", "closed")
"""States of an order that is being processed or done."""

SHIPPING = "SHIPPING"


def is_wrapper(name: str, before: Mapping[str, Any]) -> bool:
    """Return True if documents are nested under this name: an order has items too, a search result has only these."""
    return name == "items" and set(before) <= {"search_criteria", "total_count"}


def document(value: Json, place: str) -> JsonNode:
    """Return the document unchanged."""
    return JsonNode(value, place)


def kind_of(node: JsonNode) -> str:
    """Return ``order``, ``invoice``, ``creditmemo`` or ``shipment``, by the values that only each of them has."""
    items = node.nodes("items")
    ordered = any(one.has("qty_ordered") for one in items)
    if ordered or (node.has("state") and not node.has("order_id")):
        return "order"
    if not node.has("order_id"):
        raise node.broken("record", "", "is not a Magento order, invoice, credit memo or shipment")
    if node.has("adjustment") or node.has("adjustment_positive") or node.has("creditmemo_status"):
        return "creditmemo"
    if node.has("grand_total") or node.has("base_grand_total"):
        return "invoice"
    return "shipment"


def charges(node: JsonNode) -> Iterator[DocumentOutcome]:
    """Yield the charge lines of a document."""
    kind = kind_of(node)
    if kind == "shipment":
        yield SkippedDocument("it is a shipment, which has no charges", node.place)
    elif kind == "order" and node.text("state") not in BILLED:
        yield _skipped(f"the order is {node.text('state') or 'without a state'}", node, kind)
    elif kind == "invoice" and node.text("state") == "3":
        yield _skipped("the invoice is canceled", node, kind)
    elif kind == "creditmemo" and node.text("state") == "3":
        yield _skipped("the credit memo is canceled", node, kind)
    else:
        yield from _billed(node, kind)


def _skipped(reason: str, node: JsonNode, kind: str) -> SkippedDocument:
    return SkippedDocument(reason, node.place, skipped_lines(lambda: _billed(node, kind)), takes_back=True)


def events(node: JsonNode) -> Iterator[DocumentOutcome]:
    """Yield the items of a shipment."""
    kind = kind_of(node)
    if kind != "shipment":
        yield SkippedDocument(f"{kind}: it reports no shipment", node.place)
        return
    for item in node.nodes("items"):
        line = item.text("order_item_id")
        if item.has("price") and not item.number("price"):
            yield SkippedDocument("its price is zero", f"{node.place}, line {line}")
            continue
        values = {
            "type": kind,
            "order_id": node.text("order_id"),
            "name": _key(node),
            "date": node.text("created_at"),
            "line": line,
            "quantity": plain(item.required_number("qty")),
            "status": "shipped",
        }
        yield FoundRecord(values, {"order": node.value, "line": item.value}, f"{node.place}, line {line}")


def _billed(node: JsonNode, kind: str) -> Iterator[DocumentOutcome]:
    counted = [item_amounts(item, node) for item in _counted(node)]
    shipping = shipping_of(node, counted)
    adjustment = _adjustment(node) if kind == "creditmemo" else ZERO
    DocumentTotals(node, counted, shipping, adjustment).check()
    sign = -1 if kind == "creditmemo" else 1
    prefix = {"invoice": f"invoice-{_key(node)}-", "creditmemo": f"credit-{_key(node)}-"}.get(kind, "")
    for one in counted:
        yield _item(node, kind, prefix, one, sign * one.kept.net)
    yield from _extra(node, kind, f"{prefix}shipping", SHIPPING, sign * shipping.kept)
    yield from _extra(node, kind, f"{prefix}adjustment", "ADJUSTMENT", -adjustment)


def _item(node: JsonNode, kind: str, prefix: str, amounts: ItemAmounts, net: Decimal) -> DocumentOutcome:
    item = amounts.item
    name = "item_id" if kind == "order" else "order_item_id"
    if not item.text(name):
        raise item.broken(name, "", "is missing")
    values = {
        "line": prefix + item.text(name),
        "kind": "credit" if kind == "creditmemo" else "line",
        "item": item.text("sku") or item.text("name"),
        "description": f"{node.text('increment_id')} {item.text('name')}".strip(),
        "quantity": _quantity(item),
    }
    return _made(node, kind, item, values, net)


def _quantity(item: JsonNode) -> str:
    """Return the number of units without the canceled ones."""
    if item.number("qty_canceled"):
        return plain(item.number("qty_ordered") - item.number("qty_canceled"))
    return item.text("qty_ordered") or item.text("qty")


def _adjustment(memo: JsonNode) -> Decimal:
    """Return what a credit memo refunds besides its items and shipping, less its fee."""
    if memo.has("adjustment_positive") or memo.has("adjustment_negative"):
        return memo.number("adjustment_positive") - memo.number("adjustment_negative")
    return memo.number("adjustment")


def _key(node: JsonNode) -> str:
    return node.text("increment_id") or node.text("entity_id")


def _counted(node: JsonNode) -> Iterator[JsonNode]:
    """Yield the items that have the amounts: a parent or its parts, never both."""
    items = node.nodes("items")
    parts: dict[str, Decimal] = {}
    for item in items:
        parent = item.text("parent_item_id")
        if parent:
            parts[parent] = parts.get(parent, Decimal(0)) + abs(item.number("row_total"))
    for item in items:
        priced_parts = parts.get(item.text("item_id"), Decimal(0))
        if not priced_parts:
            yield item


def _extra(node: JsonNode, kind: str, line: str, item: str, amount: Decimal) -> Iterator[DocumentOutcome]:
    if amount:
        described = f"{node.text('increment_id')} {node.text('shipping_description') or item.lower()}".strip()
        values = {"line": line, "kind": item.lower(), "item": item, "description": described}
        yield _made(node, kind, JsonNode({}, node.place), values, amount)


def _made(node: JsonNode, kind: str, item: JsonNode, values: dict[str, str], amount: Decimal) -> DocumentOutcome:
    place = f"{node.place}, line {values['line']}"
    if not amount:
        return SkippedDocument("its amount is zero", place)
    shared = {
        "type": kind,
        "order_id": node.text("entity_id") if kind == "order" else node.text("order_id"),
        "name": node.text("increment_id"),
        "date": node.text("created_at"),
        "amount": plain(amount),
        "currency": node.text("order_currency_code") or node.text("base_currency_code"),
        "customer": node.text("customer_id") or node.text("customer_email"),
        "email": node.text("customer_email"),
        "status": node.text("status") or node.text("state"),
        PART: kind if kind == "order" else f"{kind} {_key(node)}",
        AS_OF: node.text("updated_at"),
    }
    return FoundRecord({**shared, **values}, {"order": node.value, "line": item.value}, place)
