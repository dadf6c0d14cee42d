"""Deliveries of parts: each notice earns its items and units on its day, adds to the others, and takes nothing back."""

import json
from pathlib import Path
from typing import Any

import pytest

from revrec.jobs.importing.import_files import ImportResult, import_document
from revrec.jobs.importing.mappings import mappings_of
from support.books import Books

pytestmark = pytest.mark.both_databases

ISA = f"ISA*00*{'':10}*00*{'':10}*ZZ*{'ACME':15}*ZZ*{'WINGTIP':15}*240329*0915*U*00401*000000001*0*P*>"


def put(books: Books, kind: str, *body: str) -> list[ImportResult]:
    segments = [ISA, "GS*IN*A*B*20240329*0915*7*X*004010", f"ST*{kind}*0001", *body, f"SE*{len(body) + 2}*0001"]
    path: Path = books.folder / "partner.x12"
    path.write_text("".join(f"{one}~\n" for one in (*segments, "GE*1*7", "IEA*1*000000001")))
    context = books.context("import")
    return import_document(context, path, mappings_of(context, "x12"))


def notice(books: Books, shipment: str, day: str, *items: tuple[str, int], code: str = "035", of: str = "INV-7") -> Any:
    levels = [
        segment
        for at, (item, quantity) in enumerate(items, 3)
        for segment in (f"HL*{at}*2*I", f"LIN**VN*{item}", f"SN1**{quantity}*EA")
    ]
    order = (f"BSN*00*{shipment}*20240328*1015", "HL*1**S", f"DTM*{code}*{day}", "HL*2*1*O", f"REF*IV*{of}")
    return put(books, "856", *order, *levels)[1]


def invoice(books: Books, number: str) -> None:
    """Import an invoice of four chairs for 400.00, in lines of three and one, and a table for 900.00."""
    lines = ("IT1*1*3*EA*100.00**VN*POD-CHAIR", "IT1*2*1*EA*900.00**VN*POD-TABLE", "IT1*3*1*EA*100.00**VN*POD-CHAIR")
    charges, _events = put(books, "810", f"BIG*20240325*{number}**PO-7", "N1*BY*Ada*92*C-1", *lines, "TDS*130000")
    assert charges.accepted == 3


@pytest.fixture
def billed(offline: Books) -> Books:
    invoice(offline, "INV-7")
    return offline


def test_a_notice_delivers_its_items_and_no_others(billed: Books) -> None:
    assert notice(billed, "S-1", "20240330", ("POD-TABLE", 1)).accepted == 1
    assert billed.open_parts("edi/INV-7/2") == [("2024-03-30", 90_000)]
    assert billed.open_parts("edi/INV-7/1") == [] and billed.open_parts("edi/INV-7/3") == []


def test_a_later_notice_adds_and_the_same_notice_again_changes_nothing(billed: Books) -> None:
    notice(billed, "S-1", "20240330", ("POD-CHAIR", 1))
    assert billed.open_parts("edi/INV-7/1") == [("2024-03-30", 10_000)]
    notice(billed, "S-2", "20240510", ("POD-CHAIR", 3), ("POD-TABLE", 1))
    expected = [("2024-03-30", 10_000), ("2024-05-10", 20_000)]
    assert billed.open_parts("edi/INV-7/1") == expected
    assert billed.open_parts("edi/INV-7/2") == [("2024-05-10", 90_000)]
    assert billed.open_parts("edi/INV-7/3") == [("2024-05-10", 10_000)]
    before = billed.content()
    for shipment, day, items in (("S-1", "20240330", (("POD-CHAIR", 1),)), ("S-2", "20240510", (("POD-CHAIR", 3),))):
        assert notice(billed, shipment, day, *items).unchanged == 1
    assert billed.content() == before


def test_notices_without_a_number_fill_one_line_of_an_item_after_the_other(billed: Books) -> None:
    notices = (("20240330", 3), ("20240510", 1))
    for day, chairs in notices:
        assert notice(billed, "", day, ("POD-CHAIR", chairs)).accepted == 1
    assert billed.open_parts("edi/INV-7/1") == [("2024-03-30", 30_000)]
    assert billed.open_parts("edi/INV-7/3") == [("2024-05-10", 10_000)]
    before = billed.content()
    assert [notice(billed, "", day, ("POD-CHAIR", chairs)).unchanged for day, chairs in notices] == [1, 1]
    assert billed.content() == before


def test_a_document_number_may_contain_what_marks_a_cost(offline: Books) -> None:
    invoice(offline, "A:cost:7")
    assert notice(offline, "S-1", "20240330", ("POD-CHAIR", 4), of="A:cost:7").accepted == 1
    assert offline.open_parts("edi/A:cost:7/1") == [("2024-03-30", 30_000)]
    assert offline.open_parts("edi/A:cost:7/3") == [("2024-03-30", 10_000)]


def test_two_packages_of_one_item_add_up(billed: Books) -> None:
    notice(billed, "S-1", "20240330", ("POD-CHAIR", 1), ("POD-CHAIR", 1))
    assert billed.open_parts("edi/INV-7/1") == [("2024-03-30", 20_000)]


def test_an_item_that_the_document_does_not_have_is_refused(billed: Books) -> None:
    before = billed.content()
    result = notice(billed, "S-1", "20240330", ("POD-LAMP", 1))
    assert (result.accepted, result.rejected) == (0, 1) and billed.content() == before
    assert result.report[0]["reason"] == "no charge line of the document has this item"


def test_a_notice_without_items_delivers_what_is_left(billed: Books) -> None:
    notice(billed, "S-1", "20240330", ("POD-CHAIR", 1))
    notice(billed, "S-2", "20240510")
    assert billed.open_parts("edi/INV-7/1") == [("2024-03-30", 10_000), ("2024-05-10", 20_000)]
    assert billed.open_parts("edi/INV-7/2") == [("2024-05-10", 90_000)]


def put_shop(books: Books, by: str, *documents: dict[str, Any]) -> None:
    path = books.folder / "shop.jsonl"
    path.write_text("\n".join(map(json.dumps, documents)))
    context = books.context("import")
    assert not [one.refused for one in import_document(context, path, mappings_of(context, by)) if one.refused]


def test_each_shipment_of_magento_earns_its_units(offline: Books) -> None:
    item = {"item_id": 1, "sku": "POD-MUG", "name": "Mug", "qty_ordered": 3, "row_total": 90}
    order = {"entity_id": 7, "state": "processing", "created_at": "2024-03-05", "items": [item],
             "customer_id": 1, "order_currency_code": "USD"}  # fmt: skip
    shipments = [
        {"entity_id": id, "order_id": 7, "created_at": day, "items": [{"order_item_id": 1, "qty": units}]}
        for id, day, units in ((5, "2024-03-07", 1), (6, "2024-04-02", 2))
    ]
    put_shop(offline, "magento-orders", order, shipments[0])
    assert offline.open_parts("magento/7/1") == [("2024-03-07", 3_000)]
    put_shop(offline, "magento-orders", *shipments)
    assert offline.open_parts("magento/7/1") == [("2024-03-07", 3_000), ("2024-04-02", 6_000)]


def test_each_fulfillment_of_shopify_earns_its_units(offline: Books) -> None:
    def order(*fulfillments: tuple[int, str, int]) -> dict[str, Any]:
        return {
            "id": 7, "processed_at": "2024-03-05", "financial_status": "paid", "currency": "USD", "email": "a",
            "line_items": [{"id": 1, "sku": "POD-LAMP", "quantity": 3, "price": "30.00"}],
            "fulfillments": [{"id": id, "delivered_at": day, "line_items": [{"id": 1, "quantity": units}]}
                             for id, day, units in fulfillments],
        }  # fmt: skip

    put_shop(offline, "shopify-orders", order((5, "2024-03-30", 2)))
    assert offline.open_parts("shopify/7/1") == [("2024-03-30", 6_000)]
    put_shop(offline, "shopify-orders", order((5, "2024-03-30", 2), (6, "2024-04-02", 1)))
    assert offline.open_parts("shopify/7/1") == [("2024-03-30", 6_000), ("2024-04-02", 3_000)]


def status(books: Books, shipment: str, day: str) -> Any:
    body = (f"B10*PRO-1*{shipment}*ACMF", "L11*INV-7*IK", "LX*1", f"AT7*D1*NS***{day}")
    return put(books, "214", *body)[1]


def test_a_carriers_status_delivers_the_items_of_its_shipment_alone(billed: Books) -> None:
    notice(billed, "S-1", "20240330", ("POD-CHAIR", 2))
    assert status(billed, "S-1", "20240402").accepted == 1
    assert billed.open_parts("edi/INV-7/1") == [("2024-04-02", 20_000)]
    assert billed.open_parts("edi/INV-7/2") == []


def test_a_carriers_status_finds_its_shipment_by_the_bill_of_lading(billed: Books) -> None:
    for number, day in (("S-1", "20240330"), ("S-2", "20240331")):
        order = (f"BSN*00*{number}*20240328", "HL*1**S", "REF*BM*BOL-1", f"DTM*035*{day}", "HL*2*1*O", "REF*IV*INV-7")
        put(billed, "856", *order, "HL*3*2*I", "LIN**VN*POD-CHAIR", "SN1**1*EA")
    assert billed.open_parts("edi/INV-7/1") == [("2024-03-30", 10_000), ("2024-03-31", 10_000)]
    assert status(billed, "BOL-1", "20240402").accepted == 1
    assert billed.open_parts("edi/INV-7/1") == [("2024-04-02", 20_000)]
    assert billed.open_parts("edi/INV-7/2") == []


def test_a_status_of_a_shipment_whose_items_are_not_known_is_refused_if_others_list_theirs(billed: Books) -> None:
    notice(billed, "S-1", "20240330", ("POD-CHAIR", 2))
    before = billed.content()
    result = status(billed, "S-9", "20240402")
    assert (result.accepted, result.rejected) == (0, 1) and billed.content() == before
    assert result.report[0]["fix"].startswith("import the notice with its items first")


def test_a_shipment_on_its_way_earns_nothing_until_its_status_delivers_its_items(billed: Books) -> None:
    assert notice(billed, "S-1", "20240330", ("POD-CHAIR", 2), code="011").accepted == 1
    assert notice(billed, "S-2", "20240405", ("POD-CHAIR", 1), ("POD-TABLE", 1), code="011").accepted == 2
    assert [billed.open_parts(f"edi/INV-7/{line}") for line in "123"] == [[], [], []]
    assert status(billed, "S-1", "20240402").accepted == 1
    assert billed.open_parts("edi/INV-7/1") == [("2024-04-02", 20_000)]
    assert billed.open_parts("edi/INV-7/2") == []
    assert status(billed, "S-9", "20240402").rejected == 1
    before = billed.content()
    assert (status(billed, "S-1", "20240402").unchanged, billed.content()) == (1, before)
    status(billed, "S-2", "20240410")
    assert billed.open_parts("edi/INV-7/1") == [("2024-04-02", 20_000), ("2024-04-10", 10_000)]
    assert billed.open_parts("edi/INV-7/2") == [("2024-04-10", 90_000)]
    assert billed.open_parts("edi/INV-7/3") == []


def test_a_status_of_a_document_without_notices_delivers_all_of_it(billed: Books) -> None:
    status(billed, "S-1", "20240402")
    assert [billed.open_parts(f"edi/INV-7/{line}")[0][0] for line in "123"] == ["2024-04-02"] * 3
