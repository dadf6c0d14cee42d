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
    def charges(name: str, by: str) -> list[tuple[str, int]]:
        rows = read_by(by, SAMPLES / name)
        return [(row.line.id.removeprefix("magento/"), row.line.amount) for row in rows if isinstance(row, GoodRow)]

    assert charges("magento-orders.json", "magento-orders") == [
        ("301/901", 9000),
        ("301/903", 2160),
        ("301/shipping", 1000),
    ]
    assert charges("magento-documents.jsonl", "magento-orders") == [("301/credit-000000851-901", -4500)]
    assert charges("magento-documents.jsonl", "magento-invoices") == [
        ("301/invoice-000000701-901", 9000),
        ("301/invoice-000000701-903", 2160),
        ("301/invoice-000000701-shipping", 1000),
        ("301/credit-000000851-901", -4500),
    ]
    rows = read_by("magento-orders", SAMPLES / "magento-documents.jsonl", "events")
    (row,) = (row for row in rows if isinstance(row, GoodRow))
    assert (row.line.charge, row.line.kind, row.line.name, str(row.line.date)) == (
        "magento/301/901", "milestone", "shipped", "2024-04-02",
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
