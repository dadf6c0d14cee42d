"""Magento: orders, invoices, credit memos and shipments."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from revrec.sources import BadRow, GoodRow, PassedOver

SAMPLES = Path(__file__).parents[2] / "sample_data" / "shops"


@pytest.fixture
def read(read_by: Callable[..., Any]) -> Callable[..., list[Any]]:
    def rows(value: Any, name: str = "magento-orders") -> list[Any]:
        found: list[Any] = read_by(name, json.dumps(value))
        return found

    return rows


def order(*items: dict[str, Any], **more: Any) -> dict[str, Any]:
    plain = {"entity_id": 3, "increment_id": "0003", "state": "complete", "created_at": "2024-03-28 23:00:00"}
    return {**plain, "customer_id": 7, "order_currency_code": "USD", "items": list(items), **more}


def item(id: int = 1, total: float | str = 100, **more: Any) -> dict[str, Any]:
    return {"item_id": id, "sku": f"S-{id}", "name": "Thing", "qty_ordered": 1, "row_total": total, **more}


def amounts(rows: list[Any]) -> list[tuple[str, int]]:
    return [(row.line.line, row.line.amount) for row in rows if isinstance(row, GoodRow)]


def test_the_samples(read_by: Callable[..., Any]) -> None:
    def charges(name: str, by: str, **defaults: str) -> list[tuple[str, int]]:
        rows = read_by(by, SAMPLES / name, defaults=defaults)
        return [(row.line.id.removeprefix("magento/"), row.line.amount) for row in rows if isinstance(row, GoodRow)]

    assert charges("magento-orders.json", "magento-orders") == [
        ("301/901", 9000),
        ("301/903", 2160),
        ("301/shipping", 1000),
    ]
    assert charges("magento-documents.jsonl", "magento-orders", customer="23") == [("301/credit-000000851-901", -4500)]
    assert charges("magento-documents.jsonl", "magento-invoices", customer="23") == [
        ("301/invoice-000000701-901", 9000),
        ("301/invoice-000000701-903", 2160),
        ("301/invoice-000000701-shipping", 1000),
        ("301/credit-000000851-901", -4500),
    ]
    rows = read_by("magento-orders", SAMPLES / "magento-documents.jsonl", "events")
    (row,) = (row for row in rows if isinstance(row, GoodRow))
    assert (row.line.charge, row.line.kind, row.line.name, row.line.quantity, str(row.line.date)) == (
        "magento/301/901", "pod", "000000801", 2, "2024-04-02",
    )  # fmt: skip


def test_of_a_configurable_product_the_parent_counts_of_a_priced_bundle_its_parts(read: Callable[..., Any]) -> None:
    configurable = (item(1, 50), item(2, 0, parent_item_id=1))
    bundle = (item(3, 70), item(4, 30, parent_item_id=3), item(5, "40.0000", parent_item_id=3))
    assert amounts(read(order(*configurable, *bundle, subtotal=120))) == [("1", 5000), ("4", 3000), ("5", 4000)]


def test_a_discount_on_prices_with_tax_gives_the_tax_in_it_back(read: Callable[..., Any]) -> None:
    discounted = item(1, 100, discount_amount=11.9, discount_tax_compensation_amount=1.9, tax_amount=17.1)
    assert amounts(read(order(discounted))) == [("1", 9000)]


def test_shipping_and_its_discount(read: Callable[..., Any]) -> None:
    assert amounts(read(order(item(), shipping_amount=10, shipping_discount_amount=4)))[1] == ("shipping", 600)


def test_the_adjustments_of_a_credit_memo(read: Callable[..., Any]) -> None:
    memo = {"entity_id": 9, "increment_id": "M9", "order_id": 3, "created_at": "2024-04-02", "customer_id": 7,
            "order_currency_code": "USD", "adjustment": 3, "adjustment_positive": 5, "adjustment_negative": 2,
            "shipping_amount": 4, "items": [{"order_item_id": 1, "sku": "S", "qty": 1, "row_total": 20}]}  # fmt: skip
    assert amounts(read(memo)) == [
        ("credit-M9-1", -2000), ("credit-M9-shipping", -400), ("credit-M9-adjustment", -300),
    ]  # fmt: skip


@pytest.mark.parametrize("state", ["new", "pending_payment", "canceled", "holded", "payment_review"])
def test_an_order_that_is_not_in_work_is_passed_over(read: Callable[..., Any], state: str) -> None:
    (row,) = read(order(item(), state=state))
    assert isinstance(row, PassedOver) and row.reason == f"the order is {state}"


@pytest.mark.parametrize(
    ("value", "field", "said"),
    [
        (order(item(1, 100), subtotal=120), "subtotal", "is 120, the items add up to 100"),
        (order(item(1, 1e30)), "row_total", "is not a plain number"),
        (order({"qty_ordered": 1, "row_total": 5, "sku": "S"}), "item_id", "is missing"),
        ({"message": "The consumer isn't authorized to access %resources."}, "record", "is not a Magento order"),
    ],
)
def test_a_document_that_cannot_be_is_one_bad_row(read: Callable[..., Any], value: Any, field: str, said: str) -> None:
    (row,) = read(value)
    assert isinstance(row, BadRow) and row.problems[0].field.endswith(field) and said in row.problems[0].reason


def test_an_invoice_with_an_ambiguous_bundle_is_refused_and_not_doubled(read: Callable[..., Any]) -> None:
    items = [{"order_item_id": n, "sku": "S", "qty": 1, "row_total": total} for n, total in ((3, 70), (4, 30), (5, 40))]
    invoice = {"entity_id": 8, "increment_id": "I8", "order_id": 3, "grand_total": 70, "subtotal": 70, "state": 2}
    (row,) = read({**invoice, "created_at": "2024-04-02", "items": items}, "magento-invoices")
    assert row.problems[0].reason == "is 70, the items add up to 140"


def invoice(*items: dict[str, Any], **more: Any) -> dict[str, Any]:
    plain = {"entity_id": 8, "increment_id": "I8", "order_id": 3, "state": 2, "created_at": "2024-04-02"}
    return {**plain, "customer_id": 7, "order_currency_code": "USD", "items": list(items), **more}


def billed(id: int, total: float, **more: Any) -> dict[str, Any]:
    return {"order_item_id": id, "sku": f"S-{id}", "qty": 1, "row_total": total, **more}


def bad(rows: list[Any]) -> tuple[str, str]:
    (row,) = rows
    assert isinstance(row, BadRow)
    return row.problems[0].field, row.problems[0].reason


PARTLY_CANCELED = order(
    item(1, 90, qty_ordered=3, qty_invoiced=2, qty_canceled=1, row_invoiced=60, discount_amount=9, discount_invoiced=6,
         tax_amount=8.1),
    shipping_amount=10, shipping_tax_amount=1, subtotal=90, discount_amount=-9, tax_amount=9.1, grand_total=100.1,
    subtotal_canceled=30, tax_canceled=2.7, total_canceled=29.7, tax_invoiced=6.4, total_invoiced=70.4,
)  # fmt: skip


def test_canceled_units_are_not_charged(read: Callable[..., Any]) -> None:
    assert amounts(read(PARTLY_CANCELED)) == [("1", 5400), ("shipping", 1000)]
    (row,) = read(order(item(1, 90, qty_ordered=3, qty_canceled=1)))
    assert (row.line.amount, str(row.line.quantity)) == (6000, "2")
    assert bad(read(order(item(1, 100, qty_ordered=3, qty_canceled=1))))[1].startswith("leaves 2 of 3 units")
    (row,) = read(order(item(1, 90, qty_ordered=3, qty_canceled=3)))
    assert isinstance(row, PassedOver) and row.reason == "its amount is zero"


@pytest.mark.parametrize(
    ("total", "reason"),
    [
        ("subtotal", "is 400, the items add up to 90"),
        ("subtotal_canceled", "is 400, the canceled items add up to 30"),
        ("discount_amount", "is 400, the discounts of items and shipping add up to 9"),
        ("grand_total", "is 390.9 without tax, the charge lines add up to 91"),
        ("total_canceled", "is 397.3 without tax, the charge lines add up to 27"),
        ("total_invoiced", "is 393.6 without tax, the charge lines add up to 64"),
    ],
)
def test_a_total_that_differs_refuses_the_document_with_both_figures(
    read: Callable[..., Any], total: str, reason: str
) -> None:
    assert bad(read({**PARTLY_CANCELED, total: 400})) == (total, reason)


def test_a_cancellation_that_no_item_states_refuses_the_order(read: Callable[..., Any]) -> None:
    assert bad(read(order(item(), subtotal_canceled=40)))[0] == "subtotal_canceled"
    for total in (60, 0):
        assert bad(read(order(item(1, 100, qty_invoiced=1), total_invoiced=total)))[0] == "total_invoiced"


def test_a_shipped_gift_has_no_charge_line_to_deliver(read_by: Callable[..., Any]) -> None:
    items = [{"order_item_id": id, "sku": f"S-{id}", "qty": 1, "price": price} for id, price in ((1, 10), (2, 0))]
    shipment = {"entity_id": 5, "order_id": 3, "increment_id": "S5", "created_at": "2024-04-02", "items": items}
    delivered, gift = read_by("magento-orders", json.dumps(shipment), "events")
    assert delivered.line.charge == "magento/3/1" and gift.reason == "its price is zero"


def test_an_order_that_is_partly_invoiced_is_charged_as_ordered(read: Callable[..., Any]) -> None:
    assert amounts(read(order(item(1, 100, qty_ordered=2, qty_invoiced=1), total_invoiced=50))) == [("1", 10000)]


@pytest.mark.parametrize("kind", ["invoice", "creditmemo"])
def test_the_totals_of_invoices_and_credit_memos(read: Callable[..., Any], kind: str) -> None:
    memo = {"adjustment_positive": 5, "adjustment_negative": 2} if kind == "creditmemo" else {}
    more = {"shipping_amount": 10, "discount_amount": -12, "tax_amount": 9, "subtotal": 100, **memo}
    one = invoice(billed(1, 100, discount_amount=8), grand_total=107 + 3 * bool(memo), **more)
    by = "magento-invoices"
    sign, lines = (-1, ["credit-I8-1", "credit-I8-shipping"]) if memo else (1, ["invoice-I8-1", "invoice-I8-shipping"])
    assert amounts(read(one, by))[:2] == [(lines[0], sign * 9200), (lines[1], sign * 600)]
    for total in ("grand_total", "tax_amount", "discount_amount", "subtotal"):
        assert bad(read({**one, total: 400}, by))[0] in (total, "grand_total")
    assert bad(read({**one, "grand_total": -107}, by))[0] == "grand_total"


@pytest.mark.parametrize("where", ["", "extension_attributes"])
def test_gift_cards_and_store_credit_are_ways_to_pay(read: Callable[..., Any], where: str) -> None:
    paid = {"gift_cards_amount": 30, "customer_balance_amount": 20}
    more = {where: paid} if where else paid
    assert amounts(read(order(item(), grand_total=50, **more))) == [("1", 10000)]


def test_an_item_without_its_amount_is_broken_unless_the_subtotal_confirms_it(read: Callable[..., Any]) -> None:
    unpriced = {"order_item_id": 2, "sku": "SET", "qty": 1, "price": 18}
    assert bad(read(invoice(unpriced, grand_total=40), "magento-invoices"))[1] == "is missing"
    confirmed = invoice(billed(1, 40), unpriced, subtotal=40, grand_total=40)
    assert amounts(read(confirmed, "magento-invoices")) == [("invoice-I8-1", 4000)]


INVOICE = {
    "base_currency_code": "USD", "created_at": "2024-03-31 12:00:00", "entity_id": 5, "grand_total": 45, "order_id": 3,
    "increment_id": "I5", "order_currency_code": "USD", "shipping_amount": 5, "state": 2, "subtotal": 40,
    "items": [
        {"order_item_id": 1, "sku": "CUP", "qty": 1, "row_total": 22}, {"order_item_id": 2, "sku": "SET", "qty": 1},
        {"order_item_id": 3, "sku": "RUG", "qty": 1, "row_total": 18},
    ],
}  # fmt: skip
MEMO = {
    "entity_id": 9, "increment_id": "M9", "order_id": 3, "created_at": "2024-04-05 09:00:00", "state": 2,
    "order_currency_code": "USD", "adjustment": 0, "subtotal": 100, "shipping_amount": 5, "grand_total": 105,
    "items": [{"order_item_id": 1, "sku": "S-1", "qty": 1, "row_total": 100}],
}  # fmt: skip


def test_a_credit_memo_has_the_customer_of_its_order(read: Callable[..., Any]) -> None:
    rows = read([order(item(), shipping_amount=5, grand_total=105), MEMO])
    memo = [row.line for row in rows if isinstance(row, GoodRow) and row.line.amount < 0]
    assert [(line.customer, line.amount) for line in memo] == [("7", -10000), ("7", -500)]


def test_an_invoice_has_the_customer_of_an_order_in_its_file(read: Callable[..., Any]) -> None:
    rows = read([order(item()), INVOICE], "magento-invoices")
    lines = [row.line for row in rows if isinstance(row, GoodRow)]
    assert [(line.customer, line.item, line.amount) for line in lines] == [
        ("7", "CUP", 2200), ("7", "RUG", 1800), ("7", "SHIPPING", 500),
    ]  # fmt: skip


@pytest.mark.parametrize(("document", "name"), [(MEMO, "magento-orders"), (INVOICE, "magento-invoices")])
def test_without_its_order_a_document_is_refused_for_its_customer(
    read: Callable[..., Any], document: dict[str, Any], name: str
) -> None:
    bad = read([document], name)[0]
    assert isinstance(bad, BadRow)
    assert str(bad.problems[0]).endswith(
        "is empty; import the order that it belongs to first, which has the customer; "
        "or set defaults.customer in the mapping"
    )
