"""JSON, JSON Lines and XML: shapes, exact numbers, places, records elsewhere in the file."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from revrec.sources import BadRow, SourceError

ROW = {
    "source": "shop", "document": "INV-1", "line": 1, "customer": "C-1", "item": "MAG-01",
    "post_date": "2024-01-05", "amount": "24.00", "currency": "USD",
}  # fmt: skip


def xml(row: dict[str, Any]) -> str:
    return "<charge>" + "".join(f"<{name}>{value}</{name}>" for name, value in row.items()) + "</charge>"


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("in.json", json.dumps([ROW])),
        ("in.json", json.dumps({"charges": [ROW]})),
        ("in.json", "\ufeff" + json.dumps({"exported": {"by": ["x"]}, "charges": [ROW], "count": 1}, indent=4)),
        ("in.jsonl", "\n" + json.dumps(ROW) + "\r\n\n"),
        ("in.ndjson", json.dumps(ROW)),
        ("in.xml", f"<charges>{xml(ROW)}</charges>"),
        ("in.xml", f'<?xml version="1.0"?><!-- a --><x:charges xmlns:x="urn:a">\n{xml(ROW)}\n</x:charges>'),
    ],
)
def test_each_shape_gives_the_same_charge_line(charges: Callable[..., Any], name: str, data: str) -> None:
    (row,) = charges(data, name)
    assert (row.line.id, row.line.amount) == ("shop/INV-1/1", 2400)


@pytest.mark.parametrize(("number", "minor"), [("24.00", 2400), ("24", 2400), ("24.1", 2410), ("-0.07", -7)])
def test_json_numbers_are_exact(charges: Callable[..., Any], number: str, minor: int) -> None:
    data = json.dumps([ROW]).replace('"24.00"', number)
    assert charges(data, "in.json")[0].line.amount == minor


@pytest.mark.parametrize("number", ["24.001", "1e2", "NaN", "Infinity", "24.10000000000000000001"])
def test_json_numbers_that_are_not_plain_amounts_are_refused(charges: Callable[..., Any], number: str) -> None:
    assert isinstance(charges(json.dumps([ROW]).replace('"24.00"', number), "in.json")[0], BadRow)


def test_json_null_and_a_missing_name_are_empty(charges: Callable[..., Any]) -> None:
    (row,) = charges(json.dumps([{**ROW, "description": None}]), "in.json")
    assert row.line.description == ""


def test_json_rows_are_numbered_by_place_and_problems_name_the_line(charges: Callable[..., Any]) -> None:
    data = "[\n" + ",\n".join([json.dumps(ROW), json.dumps({**ROW, "amount": "x"})]) + "\n]"
    good, bad = charges(data, "in.json")
    assert (good.row_number, bad.row_number, bad.place) == (1, 2, "item 2 (line 3)")


def test_json_records_longer_than_a_block_and_across_blocks_are_whole(charges: Callable[..., Any]) -> None:
    rows = [{**ROW, "document": str(number), "description": "x" * (number % 700)} for number in range(900)]
    read = charges(json.dumps(rows, indent=1), "in.json")
    assert [(row.line.document, len(row.line.description)) for row in read] == [
        (str(number), number % 700) for number in range(900)
    ]


def test_records_elsewhere_are_found_by_their_path(charges: Callable[..., Any]) -> None:
    mapping = {"record": "data/orders", "columns": {"customer": "buyer.id"}, "ignore": ["buyer.*"]}
    order = {**{name: value for name, value in ROW.items() if name != "customer"}, "buyer": {"id": "C-9", "vip": "no"}}
    (row,) = charges(json.dumps({"data": {"page": 1, "orders": [order]}}), "in.json", mapping)
    assert row.line.customer == "C-9"


def test_xml_attributes_and_nested_elements_are_columns(charges: Callable[..., Any]) -> None:
    mapping = {"record": "batch/orders/order", "columns": {"document": "@no", "customer": "buyer.id"}}
    inner = "".join(f"<{k}>{v}</{k}>" for k, v in ROW.items() if k not in ("document", "customer"))
    order = f'<order no="INV-7"><buyer><id>C-9</id></buyer>{inner}</order>'
    data = f"<batch><head>12</head><orders>{order}</orders><orders>{order}</orders></batch>"
    first, second = charges(data, "in.xml", mapping)
    assert first.line == second.line and (first.line.document, first.line.customer) == ("INV-7", "C-9")


def test_xml_values_keep_their_text_across_comments_and_cdata(charges: Callable[..., Any]) -> None:
    row = {**ROW, "description": "<![CDATA[a < b]]> &amp;<!-- no --> c"}
    assert charges(f"<charges>{xml(row)}</charges>", "in.xml")[0].line.description == "a < b & c"


def test_xml_problems_name_record_and_line(charges: Callable[..., Any]) -> None:
    good, bad = charges(f"<charges>\n{xml(ROW)}\n{xml({**ROW, 'amount': 'x'})}\n</charges>", "in.xml")
    assert (good.row_number, bad.row_number, bad.place) == (1, 2, "record 2 (line 3)")


def test_many_xml_records_are_all_read(charges: Callable[..., Any]) -> None:
    rows = "\n".join(xml({**ROW, "document": number}) for number in range(3000))
    read = charges(f"<charges>{rows}</charges>", "in.xml")
    assert [row.line.document for row in read] == [str(number) for number in range(3000)]


def test_an_xml_encoding_is_the_files_own(charges: Callable[..., Any]) -> None:
    data = f'<?xml version="1.0" encoding="iso-8859-1"?><charges>{xml({**ROW, "customer": "Müller"})}</charges>'
    assert charges(data.encode("latin-1"), "in.xml")[0].line.customer == "Müller"


def test_an_entity_of_an_external_file_is_never_read(charges: Callable[..., Any]) -> None:
    data = '<!DOCTYPE a SYSTEM "file:///etc/passwd"><charges></charges>'
    for encoding in ("utf-8", "utf-16"):
        with pytest.raises(SourceError, match="line 1: a DOCTYPE"):
            charges(data.encode(encoding), "in.xml")


def test_the_format_is_chosen_when_the_name_does_not_tell(charges: Callable[..., Any]) -> None:
    assert charges(json.dumps([ROW]), "download", {"format": "json"})[0].line.amount == 2400
    with pytest.raises(SourceError, match="the format is not known without a suffix; set format in the mapping"):
        charges(json.dumps([ROW]), "download")
