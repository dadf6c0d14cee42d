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
        ({"total_line_items_price": "31.00"}, "total_line_items_price", "is 31, the lines add up to 30"),
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


def bad(rows: list[Any]) -> tuple[str, str]:
    (row,) = rows
    assert isinstance(row, BadRow)
    return row.problems[0].field, row.problems[0].reason


WHOLE: dict[str, Any] = {
    **ORDER, "financial_status": "partially_refunded", "taxes_included": True, "total_line_items_price": "357.00",
    "total_discounts": "35.70", "subtotal_price": "321.30", "total_tax": "53.20", "total_tip_received": "4.00",
    "total_shipping_price_set": {"shop_money": {"amount": "11.90"}}, "total_price": "337.20",
    "current_subtotal_price": "214.20", "current_total_tax": "36.10", "current_total_price": "230.10",
    "line_items": [
        line(price="119.00", current_quantity=2, discount_allocations=[{"amount": "35.70"}],
             tax_lines=[{"price": "51.30"}]),
        {"id": 12, "title": "Tip", "quantity": 1, "price": "4.00", "tip_payment_gateway": "card", "tax_lines": []},
    ],
    "shipping_lines": [{"id": 5, "title": "Express", "price": "11.90", "tax_lines": [{"price": "1.90"}]}],
    "refunds": [{
        "id": 9, "created_at": "2024-04-01",
        "refund_line_items": [{"line_item_id": 11, "quantity": 1, "subtotal": "107.10", "total_tax": "17.10"}],
        "transactions": [{"kind": "refund", "status": "success", "amount": "107.10"},
                         {"kind": "refund", "status": "failure", "amount": "107.10"}],
    }],
}  # fmt: skip


def test_an_order_that_agrees_with_all_its_totals_is_read(read: Callable[..., Any]) -> None:
    rows = read(WHOLE)
    assert amounts(rows) == [
        ("11", "POD-LAMP", 27000),
        ("shipping-5", "SHIPPING", 1000),
        ("refund-9-11", "POD-LAMP", -9000),
    ]
    assert reasons(rows) == ["it is a tip"]


@pytest.mark.parametrize(
    ("total", "reason"),
    [
        ("total_line_items_price", "is 400, the lines add up to 357"),
        ("total_discounts", "is 400, the lines add up to 35.7"),
        ("subtotal_price", "is 400, the lines add up to 321.3"),
        ("total_tax", "is 400, the lines add up to 53.2"),
        ("total_tip_received", "is 400, the lines add up to 4"),
        ("total_price", "is 342.8 without tax, duties and tips, the charge lines add up to 280"),
        ("current_subtotal_price", "is 400, the lines add up to 214.2"),
        ("current_total_price", "is 359.9 without tax, duties and tips, the charge lines add up to 190"),
    ],
)
def test_a_total_that_differs_refuses_the_order_with_both_figures(
    read: Callable[..., Any], total: str, reason: str
) -> None:
    assert bad(read({**WHOLE, total: "400.00"})) == (total, reason)
    without = {name: value for name, value in WHOLE.items() if name != total}
    as_set = {"shop_money": {"amount": "400.00"}, "presentment_money": {"amount": WHOLE[total]}}
    assert bad(read({**without, f"{total}_set": as_set})) == (total, reason)


def test_the_total_of_shipping_is_compared_too(read: Callable[..., Any]) -> None:
    changed = {"total_shipping_price_set": {"shop_money": {"amount": "12.00"}}}
    assert bad(read({**WHOLE, **changed})) == ("total_shipping_price", "is 12, the lines add up to 11.9")


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"transactions": [{"kind": "refund", "status": "success", "amount": "100.00"}]}, "is 100, the refunded"),
        ({"total_refunded_set": {"shop_money": {"amount": "100.00"}}}, "is 100, the refunded"),
    ],
)
def test_a_refund_must_add_up_to_what_was_paid_back(
    read: Callable[..., Any], changed: dict[str, Any], reason: str
) -> None:
    refund = {**WHOLE["refunds"][0], **changed}
    field, said = bad(read({**WHOLE, "refunds": [refund]}))
    assert field == "refunds[0].total_refunded" and said.startswith(reason) and said.endswith("add up to 107.1")


def test_refunds_that_the_order_counts_but_does_not_itemize_refuse_it(read: Callable[..., Any]) -> None:
    counted = order(total_refunded_set={"shop_money": {"amount": "7.00"}}, refunds=[])
    assert bad(read(counted)) == ("total_refunded", "is 7, the refunds add up to 0")
    refunded = order(financial_status="refunded")
    assert bad(read(refunded)) == ("refunds", "is missing, but the order is refunded")
    removed = order(line_items=[line(current_quantity=2)])
    assert bad(read(removed)) == ("line_items[0].current_quantity", "is 2, but 0 of 3 are in its refunds")


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"price": None}, "price"),
        ({"price": ""}, "price"),
        ({"price": None, "original_unit_price_set": {"presentment_money": {"amount": "9.00"}}}, "amount"),
        ({"quantity": None}, "quantity"),
        ({"discount_allocations": [{}]}, "amount"),
        ({"tax_lines": [{"rate": 0.1}]}, "price"),
    ],
)
def test_an_amount_that_is_missing_is_never_zero(read: Callable[..., Any], changed: dict[str, Any], field: str) -> None:
    name, reason = bad(read(order(line_items=[line(**changed)])))
    assert name.endswith(field) and reason == "is missing"


def test_a_refund_and_shipping_without_their_amount_are_broken(read: Callable[..., Any]) -> None:
    refund = {"id": 9, "created_at": "2024-04-01", "refund_line_items": [{"line_item_id": 11, "quantity": 1}]}
    assert bad(read(order(refunds=[refund]))) == ("refunds[0].refund_line_items[0].subtotal", "is missing")
    assert bad(read(order(shipping_lines=[{"id": 5}]))) == ("shipping_lines[0].price", "is missing")


@pytest.mark.parametrize(
    "changed",
    [
        {"total_discount": "5.00"},
        {"discounted_total_set": {"shop_money": {"amount": "25.00"}}},
        {"price": None, "discounted_total_set": {"shop_money": {"amount": "25.00"}}},
    ],
)
def test_a_discount_that_is_not_itemized_is_read_from_the_total_of_the_line(
    read: Callable[..., Any], changed: dict[str, Any]
) -> None:
    assert amounts(read(order(total_price="25.00", line_items=[line(**changed)]))) == [("11", "POD-LAMP", 2500)]


def test_a_line_with_more_discount_than_is_itemized_is_broken(read: Callable[..., Any]) -> None:
    part = line(total_discount="5.00", discount_allocations=[{"amount": "3.00"}])
    assert bad(read(order(line_items=[part]))) == (
        "line_items[0].discount_allocations", "add up to 3, but the line is discounted by 5",
    )  # fmt: skip


def test_tax_in_a_price_that_is_not_itemized_refuses_the_order(read: Callable[..., Any]) -> None:
    assert bad(read(order(taxes_included=True))) == (
        "line_items[0].tax_lines", "is missing, so the tax in its price is unknown",
    )  # fmt: skip
    counted = order(taxes_included=True, total_tax="4.79", line_items=[line(tax_lines=[])])
    assert bad(read(counted)) == ("total_tax", "is 4.79, the lines add up to 0")


@pytest.mark.parametrize("marked", [{"tip_payment_method": "Visa"}, {"title": "Tip"}])
def test_a_tip_is_not_revenue(read: Callable[..., Any], marked: dict[str, Any]) -> None:
    tip = {"id": 12, "sku": None, "title": "Thanks", "quantity": 1, "price": "2.00", **marked}
    tipped = order(line_items=[line(), tip], subtotal_price="30.00", total_price="32.00", total_tip_received="2.00")
    assert amounts(read(tipped)) == [("11", "POD-LAMP", 3000)]
    assert "it is a tip" in reasons(read(tipped, "events"))


def test_a_problem_names_the_value(read: Callable[..., Any]) -> None:
    (row,) = read(order(customer=None, email=None))
    assert str(row.problems[0]).startswith("customer (customer.id, email): is empty")


def test_a_canceled_order_without_all_its_units_in_refunds_is_refused(read: Callable[..., Any]) -> None:
    canceled = order(cancelled_at="2024-04-01T10:00:00-05:00")
    reason = "the order is canceled, but {} of 3 units of line 11 are in its refunds"
    assert bad(read(canceled)) == ("cancelled_at", reason.format(0))
    assert bad(read({**canceled, "refunds": [returned("2024-04-01", 2)]})) == ("cancelled_at", reason.format(2))
    whole = read({**canceled, "refunds": [returned("2024-04-01", 3)]})
    assert [amount for *_line, amount in amounts(whole)] == [3000, -3000]


@pytest.mark.parametrize("name", ["gift_card", "isGiftCard"])
def test_a_gift_card_is_a_line_of_its_kind(read: Callable[..., Any], name: str) -> None:
    card = order(total_price="30.00", line_items=[line(**{name: True})])
    (row,) = read(card, dimensions={"kind": "kind"})
    assert (row.line.amount, row.line.dimensions) == (3000, {"kind": "gift_card"})


def test_a_list_that_goes_on_on_another_page_refuses_the_order(read: Callable[..., Any]) -> None:
    cut = {"nodes": [line()], "pageInfo": {"hasNextPage": True}}
    one = {name: value for name, value in ORDER.items() if name != "line_items"} | {"lineItems": cut}
    assert bad(read(one))[1] == "a list of the document is cut off"


def test_shipping_loses_its_discounts_and_taxes(read: Callable[..., Any]) -> None:
    shipping = {"id": 5, "title": "Express", "price": "11.90", "tax_lines": [{"price": "1.90"}]}
    rows = read(order(taxes_included=True, shipping_lines=[shipping], line_items=[line(tax_lines=[])]))
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


def parts(rows: list[Any]) -> list[tuple[str, str, str, str]]:
    found = [row.line for row in rows if isinstance(row, GoodRow)]
    return [(one.charge[10:], one.name, str(one.date)[5:], str(one.quantity or "")) for one in found]


def returned(day: str, quantity: int = 1, **more: Any) -> dict[str, Any]:
    amount = f"{quantity * 10}.00"
    return {"id": 9, "created_at": day,
            "refund_line_items": [{"line_item_id": 11, "quantity": quantity, "subtotal": amount, **more}]}  # fmt: skip


def test_each_fulfilment_delivers_its_units(read: Callable[..., Any]) -> None:
    first, second = delivered("2024-04-01", 2), delivered("2024-04-05", 1, id=4)
    rows = read(order(fulfillments=[first]), "events")
    assert parts(rows) == [("11", "3", "04-01", "2")] and reasons(rows) == ["2 of 3 delivered"]
    rows = read(order(fulfillments=[second, first]), "events")
    assert parts(rows) == [("11", "4", "04-05", "1"), ("11", "3", "04-01", "2")] and reasons(rows) == []
    canceled = order(fulfillments=[first, {**second, "status": "cancelled"}])
    assert reasons(read(canceled, "events")) == ["2 of 3 delivered"]


@pytest.mark.parametrize(("refund_day", "rest_day"), [("2024-03-30", "04-01"), ("2024-04-03", "04-03")])
def test_units_that_were_refunded_instead_of_shipped_end_with_the_rest_of_their_line(
    read: Callable[..., Any], refund_day: str, rest_day: str
) -> None:
    rows = read(order(fulfillments=[delivered("2024-04-01", 2)], refunds=[returned(refund_day)]), "events")
    assert parts(rows) == [
        ("11", "3", "04-01", "2"), ("11", "", rest_day, ""), ("refund-9-11", "", rest_day, ""),
    ]  # fmt: skip


def test_a_returned_unit_does_not_replace_one_that_is_still_on_its_way(read: Callable[..., Any]) -> None:
    back = returned("2024-04-03", restock_type="return")
    rows = read(order(fulfillments=[delivered("2024-04-01", 2)], refunds=[back]), "events")
    assert parts(rows) == [("11", "3", "04-01", "2"), ("refund-9-11", "", "04-03", "")]
    assert reasons(rows) == ["2 of 3 delivered"]


def test_the_day_of_delivery_is_that_of_the_event_before_any_other(read: Callable[..., Any]) -> None:
    happened = [
        {"status": "in_transit", "happened_at": "2024-04-09"},
        {"status": "delivered", "happened_at": "2024-04-02"},
    ]
    rows = read(order(fulfillments=[delivered("2024-04-20", 3, events=happened)]), "events")
    assert days(rows) == [("shopify/1/11", "2024-04-02")]


def test_a_fulfilment_by_itself_delivers_the_same_units(read: Callable[..., Any]) -> None:
    body = {"order_id": 1, **delivered("2024-04-02", 2)}
    assert parts(read(body, "events")) == [("11", "3", "04-02", "2")]
    assert parts(read(order(fulfillments=[body]), "events")) == [("11", "3", "04-02", "2")]
    assert reasons(read({**body, "shipment_status": "in_transit"}, "events")) == ["not delivered yet"]
    assert reasons(read({**body, "status": "cancelled"}, "events")) == ["the fulfillment is canceled"]
    event = {"id": 1, "fulfillment_id": 3, "order_id": 1, "status": "delivered"}
    assert reasons(read(event, "events")) == ["it is a fulfillment event, which names no delivered lines"]
    assert reasons(read(body)) == ["it is a fulfillment, whose order has the charges"]
    gift = {**body, "line_items": [{"id": 12, "quantity": 1, "price": "0.00"}]}
    assert reasons(read(gift, "events")) == ["its amount is zero"]
    unknown = {**body, "line_items": [{"id": 11}]}
    assert bad(read(unknown, "events")) == ("line_items[0].quantity", "is missing")


def test_a_mapping_can_use_the_day_of_the_fulfillment(read: Callable[..., Any]) -> None:
    on_the_way = delivered("2024-04-05", 2, shipment_status="in_transit", created_at="2024-04-01")
    arrived = delivered("2024-04-09", 1, id=4, created_at="2024-04-02")
    both = order(fulfillments=[on_the_way, arrived], refunds=[])
    shipped = {
        "only": {"status": ["delivered", "shipped"]},
        "columns": {"document": "order_id", "name": "fulfillment", "date": "shipped"},
    }
    assert parts(read(both, "events", **shipped)) == [("11", "3", "04-01", "2"), ("11", "4", "04-02", "1")]
    assert parts(read(both, "events")) == [("11", "4", "04-09", "1")]
    # When the rest arrives, the events with the day of the fulfillment stay the same.
    later = order(fulfillments=[{**on_the_way, "shipment_status": "delivered"}, arrived])
    assert parts(read(later, "events", **shipped)) == parts(read(both, "events", **shipped))
    refunded = order(fulfillments=[on_the_way], refunds=[returned("2024-04-03")])
    assert parts(read(refunded, "events", **shipped)) == [
        ("11", "3", "04-01", "2"), ("11", "", "04-03", ""), ("refund-9-11", "", "04-03", ""),
    ]  # fmt: skip
    assert parts(read(refunded, "events")) == []
    failed = order(fulfillments=[{**on_the_way, "status": "failure"}])
    assert parts(read(failed, "events", **shipped)) == []


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
