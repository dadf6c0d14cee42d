"""Documents of JSON and XML with a head and lines: one charge line for each line, checked against the total."""

import io
import json
from collections.abc import Callable
from typing import Any

import pytest

from revrec.core.errors import BadConfiguration
from revrec.sources import BadRow, GoodRow, PassedOver, SourceError, SourceStream, read_charges
from revrec.sources.mapping_reader import read_mapping

ORDER: dict[str, Any] = {
    "id": 7, "day": "2024-03-21T12:00:00", "who": {"id": "C-1", "tags": ["a", "b"]}, "money": "USD", "net": "16.50",
    "state": "paid", "goods": [
        {"id": "a", "code": "MUG", "net": "5.00", "is_gift": False, "off": [{"sum": "1.00"}, {"sum": "0.50"}]},
        {"id": "b", "code": "MAG", "net": "3.00", "is_gift": True, "off": []},
    ],
    "fees": {"data": [{"id": "c", "net": "10.00", "off": []}]},
}  # fmt: skip
MAPPING: dict[str, Any] = {
    "source": "shop", "lines": ["goods", "fees.data"],
    "columns": {
        "document": "id", "line": "line.id", "customer": "who.id", "post_date": "day", "currency": "money",
        "description": "line.is_gift",
    },
    "compute": {
        "item": "line.code or 'FEE'", "amount": "line.net - sum(line.off.sum)", "document_total": "net",
    },
}  # fmt: skip


def lines(rows: list[Any]) -> list[tuple[str, str, str, int]]:
    assert all(isinstance(row, GoodRow) for row in rows), rows
    return [(row.line.document, row.line.line, row.line.item, row.line.amount) for row in rows]


EXPECTED = [("7", "a", "MUG", 350), ("7", "b", "MAG", 300), ("7", "c", "FEE", 1000)]


@pytest.mark.parametrize(
    ("name", "text", "record"),
    [
        ("in.json", json.dumps(ORDER), ""),
        ("in.json", json.dumps([ORDER]), ""),
        ("in.json", json.dumps({"object": "list", "data": [ORDER], "has_more": False}), "data"),
        ("in.json", json.dumps(ORDER), "data"),
        ("in.json", json.dumps({"data": {"orders": [ORDER]}}), "data/orders"),
        ("in.jsonl", json.dumps(ORDER) + "\n", ""),
    ],
)
def test_each_line_of_a_document_is_a_charge_line(
    charges: Callable[..., Any], name: str, text: str, record: str
) -> None:
    rows = charges(text, name, {**MAPPING, **({"record": record} if record else {})})
    assert lines(rows) == EXPECTED
    assert {(row.line.customer, row.line.currency, str(row.line.post_date)) for row in rows} == {
        ("C-1", "USD", "2024-03-21")
    }
    assert [row.line.description for row in rows] == ["false", "true", ""]


def test_a_document_whose_lines_differ_from_its_total_is_refused_alone(charges: Callable[..., Any]) -> None:
    wrong = {**ORDER, "id": 8, "net": "16.51"}
    *good, bad = charges(json.dumps([ORDER, wrong]), "in.json", MAPPING)
    assert lines(good) == EXPECTED
    assert isinstance(bad, BadRow) and bad.place == "document 8"
    assert str(bad.problems[0]).startswith(
        'document_total "16.51": is 16.51, the charge lines add up to 16.50; fetch the document again'
    )
    assert bad.money is not None and bad.money.amount == 1650


def test_a_negative_total_is_compared_with_its_sign(charges: Callable[..., Any]) -> None:
    (bad,) = charges(json.dumps({**ORDER, "net": "-16.50"}), "in.json", MAPPING)
    assert isinstance(bad, BadRow) and "is -16.50, the charge lines add up to 16.50" in str(bad.problems[0])


def test_a_document_that_lacks_an_amount_is_broken_and_not_zero(charges: Callable[..., Any]) -> None:
    goods = [{**ORDER["goods"][0], "net": None}, ORDER["goods"][1]]
    bad = charges(json.dumps({**ORDER, "goods": goods}), "in.json", MAPPING)[0]
    assert isinstance(bad, BadRow)
    assert bad.problems[0].reason == "cannot be computed: line.net is empty"
    assert bad.place == "document 1 (line 1), goods 1"


def test_documents_are_left_out_by_the_values_of_their_head(charges: Callable[..., Any]) -> None:
    mapping = {**MAPPING, "skip": {"the order is a draft": "state == 'draft'"}}
    rows = charges(json.dumps([{**ORDER, "state": "draft", "net": "0"}, ORDER]), "in.json", mapping)
    assert [row.reason for row in rows if isinstance(row, PassedOver)] == ["the order is a draft"] * 3
    assert lines([row for row in rows if not isinstance(row, PassedOver)]) == EXPECTED


def test_a_document_without_lines_is_refused_unless_it_is_left_out(charges: Callable[..., Any]) -> None:
    empty = json.dumps([{**ORDER, "goods": [], "fees": None}])
    (bad,) = charges(empty, "in.json", MAPPING)
    assert isinstance(bad, BadRow)
    (left_out,) = charges(empty, "in.json", {**MAPPING, "skip": {"it has no lines": "column['#list'] == ''"}})
    assert left_out.reason == "it has no lines"


def test_a_value_that_occurs_several_times_is_chosen_by_its_neighbor(charges: Callable[..., Any]) -> None:
    order = {**ORDER, "parties": [{"role": "buyer", "id": "C-9"}, {"role": "seller", "id": "US"}]}
    columns = {**MAPPING["columns"], "customer": "parties.id"}
    bad = charges(json.dumps(order), "in.json", {**MAPPING, "columns": columns})[0]
    assert isinstance(bad, BadRow) and bad.problems[0].reason == "has 2 different values in the document"
    columns |= {"customer": "parties[role=buyer].id"}
    rows = charges(json.dumps(order), "in.json", {**MAPPING, "columns": columns})
    assert {row.line.customer for row in rows} == {"C-9"}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"who": {"id": {"x": 1}}}, "is an object, not text or a number"),
        ({"goods": [1]}, "is empty"),
        ({"goods": [{**ORDER["goods"][0], "off": [{"sum": "many"}]}]}, 'cannot be added: "many" is not a plain number'),
    ],
)
def test_a_value_of_the_wrong_kind_is_refused(charges: Callable[..., Any], change: dict[str, Any], said: str) -> None:
    bad = charges(json.dumps({**ORDER, **change}), "in.json", MAPPING)[0]
    assert isinstance(bad, BadRow) and bad.problems[0].reason == said


def test_a_name_that_appears_twice_is_refused(charges: Callable[..., Any]) -> None:
    text = json.dumps(ORDER).replace('"code": "MUG"', '"code": "MUG", "net": "9.00"')
    bad = charges(text, "in.json", MAPPING)[0]
    assert isinstance(bad, BadRow) and '"net" appears twice in a record' in bad.problems[0].reason


def test_without_a_total_the_mapping_must_say_that_the_rest_is_ignored() -> None:
    open_ended = {**MAPPING, "compute": {"amount": "line.net", "item": "'X'"}}
    with pytest.raises(
        BadConfiguration, match="without the total of each document, a value that nothing reads could be"
    ):
        read_mapping("shop", open_ended)
    assert read_mapping("shop", {**open_ended, "ignore": ["*"]}).lines == ("goods", "fees.data")


BILL = """<b:Bill xmlns:b="urn:x" version="2"><b:ID>X-1</b:ID><b:Day>2024-03-28</b:Day>
<b:Who><b:ID scheme="s">C-1</b:ID></b:Who>
<b:Net currency="EUR">7.50</b:Net><b:Note>one</b:Note><b:Note>two</b:Note>
<b:Line><b:ID>1</b:ID><b:Item>MUG</b:Item><b:Net currency="EUR">5.00</b:Net></b:Line>
<b:Line><b:ID>2</b:ID><b:Item>MAG</b:Item><b:Net currency="EUR">2.50</b:Net></b:Line></b:Bill>"""
XML: dict[str, Any] = {
    "source": "xml", "record": ["Bill", "Bills/Bill"], "lines": "Line", "control": {"document_total": "Net"},
    "columns": {
        "document": "ID", "line": "line.ID", "customer": "Who.ID", "item": "line.Item", "post_date": "Day",
        "amount": "line.Net", "currency": "Net.@currency",
    },
}  # fmt: skip


@pytest.mark.parametrize("text", [BILL, f"<Bills>{BILL}{BILL.replace('X-1', 'X-2')}</Bills>"])
def test_a_document_of_xml_has_lines_too(charges: Callable[..., Any], text: str) -> None:
    rows = charges(text, "in.xml", XML)
    assert lines(rows)[:2] == [("X-1", "1", "MUG", 500), ("X-1", "2", "MAG", 250)]
    assert {(row.line.customer, row.line.currency) for row in rows} == {("C-1", "EUR")}
    assert len(rows) == text.count("<b:Line>")


def test_damage_in_a_document_of_xml_is_reported_with_its_place(charges: Callable[..., Any]) -> None:
    with pytest.raises(SourceError, match="mixes text and elements"):
        charges(BILL.replace("<b:Who>", "<b:Who>text"), "in.xml", XML)
    with pytest.raises(SourceError, match="damaged XML"):
        charges(BILL.replace("</b:Bill>", ""), "in.xml", XML)
    with pytest.raises(SourceError, match="its records must be Bill or Bills/Bill"):
        charges("<Other/>", "in.xml", XML)


def test_a_mapping_without_lines_learns_how_to_read_them(charges: Callable[..., Any]) -> None:
    flat = {"source": "shop", "columns": {"document": "id", "line": "goods.id", "customer": "who.id"}}
    (bad,) = charges(json.dumps([ORDER]), "in.json", flat)
    fix = 'set lines = "goods" in the mapping to read each of its items as a row, or list it in ignore'
    assert [problem.fix for problem in bad.problems if problem.field == "goods"] == [fix]
    with pytest.raises(SourceError, match='if <Bill> is one document, set record = "Bill" and lines = "Line"'):
        charges(BILL, "in.xml", {**{key: XML[key] for key in ("source", "columns")}, "record": "Bill/Line"})


@pytest.mark.parametrize("description", ["plan", "Pl\u00e4ne"])
def test_a_period_that_ends_when_the_next_one_starts(charges: Callable[..., Any], description: str) -> None:
    header = "source,document,line,customer,item,post_date,amount,currency,service_start,service_end,description\n"
    for start, after, last in (("2024-04-01", "2025-04-01", "2025-03-31"), ("2024-04-01", "2024-04-01", "2024-04-01")):
        text = f"{header}shop,D,1,C,I,2024-04-01,1.00,USD,{start},{after},{description}\n"
        (row,) = charges(text, mapping={"service_end_is": "exclusive"})
        assert (str(row.line.service_start), str(row.line.service_end)) == (start, last)
    assert [(step.before, step.after) for step in row.steps] == []


def test_a_cell_holds_for_the_rows_below_it_and_the_sum_of_all_rows_is_checked(charges: Callable[..., Any]) -> None:
    text = "id,total,cur,kind,net\ns1,6.00,USD,,\nd1,,,fee,1.00\nd2,,,sale,5.00\n"
    mapping = {
        "source": "s", "line": "1", "customer": "C", "item": "I", "post_date": "2024-04-01", "fill_down": ["cur"],
        "columns": {"document": "id", "amount": "net", "currency": "cur"}, "only": {"kind": "sale"},
        "control": {"sum_of": "net", "sum_total": "total"},
    }  # fmt: skip
    found = [row.line for row in charges(text, mapping=mapping) if isinstance(row, GoodRow)]
    assert [(line.document, line.amount, line.currency) for line in found] == [("d2", 500, "USD")]
    with pytest.raises(SourceError, match=r'"total" states 6\.01, "net" adds up to 6\.00 in all rows'):
        charges(text.replace("6.00", "6.01"), mapping=mapping)
    with pytest.raises(SourceError, match='"total" states nothing'):
        charges(text.replace("6.00", ""), mapping=mapping)
    with pytest.raises(BadConfiguration, match="sum_of and sum_total need each other"):
        read_mapping("s", {**mapping, "control": {"sum_of": "net"}})


def test_lines_with_many_decimals_add_up_to_the_total_with_cumulative_rounding() -> None:
    lines = [{"id": at, "amount": "33.333333"} for at in (1, 2, 3)]
    order = {"id": 7, "customer": "C", "date": "2024-03-28", "total": "100.00", "lines": lines}
    config = {
        "format": "json", "source": "shop", "lines": "lines", "item": "MUG", "currency": "USD",
        "columns": {"document": "id", "post_date": "date", "line": "line.id", "amount": "line.amount"},
        "control": {"document_total": "total"},
    }  # fmt: skip

    def amounts(rounding: str) -> list[Any]:
        mapping = read_mapping("test", {**config, "rounding": rounding})
        rows = read_charges(SourceStream(io.BytesIO(json.dumps(order).encode()), "in.json"), mapping)
        return [row.line.amount if isinstance(row, GoodRow) else "refused" for row in rows]

    assert (amounts("cumulative"), amounts("half_up")) == ([3333, 3334, 3333], ["refused"])
