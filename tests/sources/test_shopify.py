"""Shopify: orders, refunds and fulfillments, from whichever API they come."""

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from revrec.sources import BadRow, GoodRow, PassedOver, SourceError

SAMPLES = Path(__file__).parents[2] / "sample_data" / "shops"
ORDER: dict[str, Any] = {
    "id": 1, "name": "#1001", "processed_at": "2024-03-28T18:00:00-05:00", "currency": "USD",
    "financial_status": "paid", "taxes_included": False, "email": "ada@example.com", "customer": {"id": 7},
    "line_items": [{"id": 11, "sku": "POD-LAMP", "title": "Lamp", "quantity": 3, "price": "10.00"}],
}  # fmt: skip


def order(**changed: Any) -> dict[str, Any]:
    return {**copy.deepcopy(ORDER), **changed}


def line(**changed: Any) -> dict[str, Any]:
    return {**ORDER["line_items"][0], **changed}


@pytest.fixture
def read(read_by: Callable[..., Any]) -> Callable[..., list[Any]]:
    def rows(value: Any, kind: str = "charges", **more: Any) -> list[Any]:
        found: list[Any] = read_by(
            "shopify-orders", value if isinstance(value, str) else json.dumps(value), kind, **more
        )
        return found

    return rows


def amounts(rows: list[Any]) -> list[tuple[str, str, int]]:
    return [(row.line.line, row.line.item, row.line.amount) for row in rows if isinstance(row, GoodRow)]


def reasons(rows: list[Any]) -> list[str]:
    return [row.reason for row in rows if isinstance(row, PassedOver)]


def test_the_samples_of_both_apis_and_of_webhooks(read_by: Callable[..., Any]) -> None:
    def charges(name: str) -> list[tuple[str, int]]:
        rows = read_by("shopify-orders", SAMPLES / name)
        return [(row.line.id.removeprefix("shopify/"), row.line.amount) for row in rows if isinstance(row, GoodRow)]

    def deliveries(name: str) -> list[tuple[str, str]]:
        rows = read_by("shopify-orders", SAMPLES / name, "events")
        return [
            (row.line.charge.removeprefix("shopify/"), str(row.line.date)) for row in rows if isinstance(row, GoodRow)
        ]

    assert charges("shopify-orders.json") == [
        ("450789469/669751112", 17460),  # 2 x 97.00 less 10 %, without tax
        ("450789469/669751113", 2400),
        ("450789469/shipping-271878346", 1250),
        ("450789470/669751120", 20000),  # prices with 19 % tax in them
        ("450789470/refund-509562969-669751120", -10000),
    ]
    assert charges("shopify-graphql.json") == [("450789480/669751200", 40500), ("450789480/shipping-271878400", 6000)]
    assert charges("shopify-webhooks.jsonl")[3:] == [
        ("450789469/refund-509562990-669751112", -8730),
        ("450789469/refund-509562990-shipping", -1250),
    ]
    assert deliveries("shopify-orders.json") == [
        ("450789469/669751112", "2024-04-02"),
        ("450789470/669751120", "2024-04-03"),
        ("450789470/refund-509562969-669751120", "2024-04-10"),
    ]
    assert deliveries("shopify-graphql.json") == [("450789480/669751200", "2024-04-09")]
    assert deliveries("shopify-webhooks.jsonl")[-1] == ("450789469/669751112", "2024-04-02")


@pytest.mark.parametrize(
    "wrap",
    [
        lambda one: one,
        lambda one: [one],
        lambda one: {"order": one},
        lambda one: {"orders": [one]},
        lambda one: {"data": {"orders": {"nodes": [one]}}},
        lambda one: {"data": {"orders": {"edges": [{"cursor": "x", "node": one}], "pageInfo": {}}}},
        lambda one: json.dumps(one) + "\n" + json.dumps([]),
    ],
)
def test_whatever_is_wrapped_around_an_order(read: Callable[..., Any], wrap: Callable[[Any], Any]) -> None:
    assert amounts(read(wrap(order()))) == [("11", "POD-LAMP", 3000)]


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"test": True}, "it is a test order"),
        ({"financial_status": "pending"}, "the order is pending"),
        ({"financial_status": "voided"}, "the order is voided"),
        ({"line_items": [line(price="0.00")]}, "its amount is zero"),
        ({"line_items": [line(discount_allocations=[{"amount": "30.00"}])]}, "its amount is zero"),
    ],
)
def test_what_was_not_billed_is_passed_over_with_its_reason_by_charges_and_events(
    read: Callable[..., Any], changed: dict[str, Any], said: str
) -> None:
    assert reasons(read(order(**changed))) == [said]
    assert reasons(read(order(**changed), "events")) == [said]


@pytest.mark.parametrize(
    ("changed", "field", "said"),
    [
        ({"financial_status": None}, "financial_status", "is missing"),
        ({"line_items": "none"}, "line_items", "is not a list of objects"),
        ({"line_items": [7]}, "line_items", "is not a list of objects"),
        ({"line_items": [line(price="ten")]}, "line_items[0].price", "is not a plain number"),
        ({"line_items": [line(price="1e3")]}, "line_items[0].price", "is not a plain number"),
        ({"line_items": [line(price=["10"])]}, "line_items[0].price", "is a list, expected text"),
        ({"customer": "Ada"}, "customer", "is a text, expected an object"),
        ({"test": "maybe"}, "test", "is neither true nor false"),
        ({"id": None}, "id", "is missing"),
        ({"total_line_items_price": "31.00"}, "total_line_items_price", "is 31, the line items add up to 30"),
        ({"line_items": [line(tax_lines=[{"price": "1.00"}])], "taxes_included": None}, "taxes_included", "is missing"),
        ({"refunds": [{"id": 5, "refund_line_items": [{"quantity": 1}]}]}, "line_item_id", "is missing"),
        ({"note": json.loads("[" * 50 + "]" * 50)},
         "record", "is nested too deeply"),
    ],
)  # fmt: skip
def test_an_order_that_cannot_be_is_one_bad_row_with_its_place(
    read: Callable[..., Any], changed: dict[str, Any], field: str, said: str
) -> None:
    (row,) = read(order(**changed))
    assert isinstance(row, BadRow) and row.place == "document 1 (line 1)"
    assert row.problems[0].field.endswith(field) and said in row.problems[0].reason and row.problems[0].fix
    assert json.loads(row.raw[0]).keys() >= {"id", "line_items"}


def test_an_order_that_was_edited_is_not_held_to_its_old_sum(read: Callable[..., Any]) -> None:
    edited = order(total_line_items_price="99.00", line_items=[line(current_quantity=2)])
    assert amounts(read(edited)) == [("11", "POD-LAMP", 3000)]


def test_shipping_loses_its_discounts_and_taxes(read: Callable[..., Any]) -> None:
    shipping = {"id": 5, "title": "Express", "price": "11.90", "tax_lines": [{"price": "1.90"}]}
    rows = read(order(taxes_included=True, shipping_lines=[shipping]))
    assert amounts(rows)[1] == ("shipping-5", "SHIPPING", 1000)


def test_refunds_of_one_line_twice_of_shipping_and_of_the_rest(read: Callable[..., Any]) -> None:
    part = {"line_item_id": 11, "quantity": 1, "subtotal": "10.00", "total_tax": "0.80"}
    adjusted = [{"kind": "shipping_refund", "amount": "-5.00"}, {"kind": "refund_discrepancy", "amount": "2.50"}]
    refund = {"id": 9, "created_at": "2024-04-01", "refund_line_items": [part, part], "order_adjustments": adjusted}
    rows = read(order(refunds=[refund]))
    assert amounts(rows)[1:] == [
        ("refund-9-11", "POD-LAMP", -1000),
        ("refund-9-11-2", "POD-LAMP", -1000),
        ("refund-9-shipping", "SHIPPING", -500),
        ("refund-9-adjustment", "ADJUSTMENT", 250),
    ]
    assert {str(row.line.post_date) for row in rows[1:]} == {"2024-04-01"}


def delivered(day: str, quantity: int, **more: Any) -> dict[str, Any]:
    lines = [{"id": 11, "quantity": quantity}]
    return {
        "id": 3,
        "status": "success",
        "shipment_status": "delivered",
        "updated_at": day,
        "line_items": lines,
        **more,
    }


def days(rows: list[Any]) -> list[tuple[str, str]]:
    return [(row.line.charge, str(row.line.date)) for row in rows if isinstance(row, GoodRow)]


def test_a_line_is_delivered_when_its_last_piece_is(read: Callable[..., Any]) -> None:
    first, second = delivered("2024-04-01", 2), delivered("2024-04-05", 1)
    assert reasons(read(order(fulfillments=[first]), "events")) == ["2 of 3 delivered"]
    assert days(read(order(fulfillments=[second, first]), "events")) == [("shopify/1/11", "2024-04-05")]
    cancelled = order(fulfillments=[first, {**second, "status": "cancelled"}])
    assert reasons(read(cancelled, "events")) == ["2 of 3 delivered"]


def test_what_was_refunded_is_not_waited_for_and_follows_its_line(read: Callable[..., Any]) -> None:
    refunds = [
        {"id": 9, "created_at": day, "refund_line_items": [{"line_item_id": 11, "quantity": 1, "subtotal": "10.00"}]}
        for day in ("2024-03-30", )
    ]  # fmt: skip
    rows = read(order(fulfillments=[delivered("2024-04-01", 2)], refunds=refunds), "events")
    assert days(rows) == [("shopify/1/11", "2024-04-01"), ("shopify/1/refund-9-11", "2024-04-01")]


def test_the_day_of_delivery_is_that_of_the_event_before_any_other(read: Callable[..., Any]) -> None:
    happened = [
        {"status": "in_transit", "happened_at": "2024-04-09"},
        {"status": "delivered", "happened_at": "2024-04-02"},
    ]
    rows = read(order(fulfillments=[delivered("2024-04-20", 3, events=happened)]), "events")
    assert days(rows) == [("shopify/1/11", "2024-04-02")]


def test_a_fulfilment_by_itself_counts_for_lines_of_which_nothing_is_left(read: Callable[..., Any]) -> None:
    body = {"order_id": 1, **delivered("2024-04-02", 2)}
    body["line_items"] = [{"id": 11, "fulfillable_quantity": 0}, {"id": 12, "fulfillable_quantity": 1}]
    rows = read(body, "events")
    assert days(rows) == [("shopify/1/11", "2024-04-02")]
    assert reasons(rows) == ["units still to be shipped: 1"]
    assert reasons(read({**body, "shipment_status": "in_transit"}, "events")) == ["not delivered yet"]
    event = {"id": 1, "fulfillment_id": 3, "order_id": 1, "status": "delivered"}
    assert reasons(read(event, "events")) == ["it is a fulfillment event, which names no delivered lines"]
    assert reasons(read(body)) == ["it is a fulfillment, whose order has the charges"]


def test_any_value_can_be_named_by_its_path(read: Callable[..., Any]) -> None:
    one = order(line_items=[line(vendor="Lumen")], shipping_address={"country_code": "US"})
    (row,) = read(one, dimensions={"vendor": "line.vendor", "country": "order.shipping_address.country_code"})
    assert row.line.dimensions == {"vendor": "Lumen", "country": "US"}
    with pytest.raises(
        SourceError, match='"order_i" of the mapping is not a column of this format; did you mean "order_id"'
    ):
        read(one, columns={"document": "order_i", "post_date": "date"})


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"orders": [{"id": 1, "id": 2}]}', '"id" appears twice in a record'),
        ("[" * 20 + "]" * 20, "is nested too deeply"),
        ('{"data": {"orders": []}, "errors": [{"message": "throttled"}]}', "the shop's answer reports errors"),
        ('{"orders": [', "was expected here"),
        ('{"orders": ["a"]}', "a text is in the place of a document"),
        ('{"id": 1, "note": "' + "x" * 600_000 + '", "tags": "' + "x" * 600_000 + '"}', "is over 1024 KiB long"),
    ],
)
def test_json_that_cannot_be_is_refused_with_its_line(read: Callable[..., Any], text: str, said: str) -> None:
    with pytest.raises(SourceError) as caught:
        read(text)
    assert said in str(caught.value) or "damaged JSON" in str(caught.value)
    assert caught.value.place.startswith("line ")


def test_a_document_that_is_not_from_shopify_is_reported(read: Callable[..., Any]) -> None:
    (row,) = read({"hello": "world"})
    assert row.problems[0].reason == "is not a Shopify order, refund or fulfillment"
