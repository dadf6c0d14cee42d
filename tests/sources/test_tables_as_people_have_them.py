"""Tables as people have them: duplicated and short columns, titles, merged cells, rows without a number."""

import re
import zipfile
from collections.abc import Callable
from io import BytesIO
from typing import Any

import pytest
import xlsxwriter

from revrec.core.errors import BadConfiguration
from revrec.sources import BadRow, GoodRow, SourceError, SourceStream, read_charges
from revrec.sources.mapping_reader import read_mapping
from revrec.sources.shipped import resolved

BILL: dict[str, Any] = {
    "source": "bill", "line": "#", "currency": "USD",
    "columns": {"document": "Bill", "post_date": "Date", "customer": "Who", "item": "What", "amount": "Net"},
}  # fmt: skip
HEADER = "Bill,Date,Who,What,Net"
ROWS = ("B-1,2024-03-05,C-1,POD-LAMP,24.00", "B-1,2024-03-05,C-1,POD-LAMP,24.00", "B-2,2024-03-06,C-1,MAG-01,10.00")


def table(*rows: str, header: str = HEADER) -> str:
    return "".join(f"{row}\n" for row in (header, *rows))


def ids(rows: list[Any]) -> list[tuple[str, str, int]]:
    return [(row.line.document, row.line.line, row.line.amount) for row in rows if isinstance(row, GoodRow)]


@pytest.mark.parametrize("name", ["in.csv", "in.tsv"])
def test_rows_without_a_line_number_are_numbered_within_their_document(charges: Callable[..., Any], name: str) -> None:
    text = table(*ROWS, "B-1,2024-03-07,C-1,MAG-01,1.00")
    found = ids(charges(text.replace(",", "\t") if name == "in.tsv" else text, name, BILL))
    assert found == [("B-1", "1", 2400), ("B-1", "2", 2400), ("B-2", "1", 1000), ("B-1", "3", 100)]


def test_rows_that_are_left_out_of_a_numbered_file_show_their_money(charges: Callable[..., Any]) -> None:
    text = table(*ROWS, "Total,,,,58.00")
    [*_, left_out] = charges(text, mapping={**BILL, "only": {"Who": "?*"}})
    assert left_out.reason == "Who is empty"
    assert [(one.amount, one.currency) for one in left_out.money] == [(5800, "USD")]


def test_records_of_json_are_numbered_too(charges: Callable[..., Any]) -> None:
    one = '{"Bill": "B-1", "Date": "2024-03-05", "Who": "C-1", "What": "MAG-01", "Net": 24.00}'
    assert ids(charges(f"[{one}, {one}]", "in.json", BILL)) == [("B-1", "1", 2400), ("B-1", "2", 2400)]


def test_a_file_with_a_line_column_is_not_numbered(charges: Callable[..., Any]) -> None:
    with pytest.raises(SourceError, match='has a column "line", and the mapping numbers the rows'):
        charges(table(ROWS[0] + ",7", header=f"{HEADER},line"), mapping=BILL)


def test_a_column_that_is_ignored_may_appear_twice(charges: Callable[..., Any]) -> None:
    text = table(ROWS[0] + ",x,y", header=f"{HEADER},Note,Note")
    assert ids(charges(text, mapping={**BILL, "ignore": ["Note"]})) == [("B-1", "1", 2400)]
    with pytest.raises(SourceError, match='column "Note" appears 2 times'):
        charges(text, mapping=BILL)
    twice = table(ROWS[0] + ",9.00", header=f"{HEADER},Net")
    with pytest.raises(SourceError, match='column "Net" appears 2 times'):
        charges(twice, mapping={**BILL, "ignore": ["*"]})


def test_rows_that_end_early_are_filled_if_the_mapping_says_so(charges: Callable[..., Any]) -> None:
    text, ignore = table(ROWS[0], header=f"{HEADER},Note,Class"), {"ignore": ["Note", "Class"]}
    (bad,) = charges(text, mapping={**BILL, **ignore})
    assert isinstance(bad, BadRow) and 'short_rows = "fill"' in bad.problems[0].fix
    assert ids(charges(text, mapping={**BILL, **ignore, "short_rows": "fill"})) == [("B-1", "1", 2400)]
    (bad,) = charges(table("B-1,2024-03-05"), mapping={**BILL, "short_rows": "fill"})
    assert {one.field for one in bad.problems} == {"customer", "item", "amount"}


def test_the_header_may_be_below_title_rows(charges: Callable[..., Any]) -> None:
    text = 'Acme, Inc\n"Sales, March\n\n' + table(ROWS[0])
    assert ids(charges(text.replace('"', ""), mapping={**BILL, "header_row": "4"})) == [("B-1", "1", 2400)]
    with pytest.raises(SourceError, match="set header_row if the header is below other rows"):
        charges(text.replace('"', ""), mapping=BILL)
    (bad,) = charges("title\n" + table("B-1,2024-03-05,C-1,MAG-01,ten"), mapping={**BILL, "header_row": "2"})
    assert bad.place == "row 3"


def sheet(fill: Callable[[Any], None], *rows: tuple[Any, ...]) -> bytes:
    """Return a workbook with a header and these rows, and what ``fill`` adds to it."""
    out = BytesIO()
    with xlsxwriter.Workbook(out) as book:
        page = book.add_worksheet("S")
        for at, row in enumerate((tuple(HEADER.split(",")), *rows)):
            page.write_row(at, 0, row)
        fill(page)
    return out.getvalue()


def read(data: bytes, **more: Any) -> list[Any]:
    return list(read_charges(SourceStream(BytesIO(data), "in.xlsx"), read_mapping("bill", {**BILL, **more})))


def changed(data: bytes, part: str, change: Callable[[bytes], bytes]) -> bytes:
    """Return the workbook with one of its parts changed."""
    out = BytesIO()
    with zipfile.ZipFile(BytesIO(data)) as old, zipfile.ZipFile(out, "w") as new:
        for info in old.infolist():
            content = old.read(info)
            new.writestr(info.filename, change(content) if info.filename == part else content)
    return out.getvalue()


LAMP, PLAN = ("B-1", "2024-03-05", "C-1", "POD-LAMP", 24.0), ("", "2024-03-05", "C-1", "MAG-01", 10.0)


def test_a_merged_cell_is_the_value_of_each_of_its_rows() -> None:
    rows = read(sheet(lambda page: page.merge_range("A2:A3", "B-1"), LAMP, PLAN))
    assert ids(rows) == [("B-1", "1", 2400), ("B-1", "2", 1000)]


def test_a_merged_amount_is_refused_since_it_could_be_meant_once() -> None:
    rows = read(sheet(lambda page: page.merge_range("E2:E3", 24.0), LAMP, ("B-2", *PLAN[1:])))
    assert [row.problems[0].reason for row in rows] == ["is merged over several rows"] * 2


@pytest.mark.parametrize("result", [b"", b"<v></v>", b"<v/>"])
def test_a_formula_that_was_never_calculated_is_named(result: bytes) -> None:
    data = sheet(lambda page: page.write_formula("E2", "=2*12", None, ""), LAMP)
    (bad,) = read(
        changed(
            data, "xl/worksheets/sheet1.xml", lambda part: part.replace(b' t="str"', b"").replace(b"<v></v>", result)
        )
    )
    assert (bad.problems[0].field, bad.problems[0].reason) == (
        "E2", "contains a formula whose result was never calculated",
    )  # fmt: skip


def test_the_header_of_a_sheet_may_be_below_a_title() -> None:
    titled = sheet(lambda page: page.write_row("A1", ("Sales by item", "", "", "", "")), tuple(HEADER.split(",")), LAMP)
    assert ids(read(titled, header_row="2")) == [("B-1", "1", 2400)]


@pytest.mark.parametrize(
    ("option", "said"),
    [
        ({"header_row": "0"}, 'header_row = "0": expected the number of the row'),
        ({"short_rows": "yes"}, 'short_rows = "yes": expected "fill"'),
        ({"control": {"totl": "1"}}, 'unknown key "totl" in [mapping.bill.control]; did you mean "total"?'),
        ({"control": {"total": "much"}}, 'control.total: "much" is not a number'),
    ],
)
def test_a_wrong_option_is_refused_before_any_file_is_read(option: dict[str, Any], said: str) -> None:
    with pytest.raises(BadConfiguration) as caught:
        read_mapping("bill", {**BILL, **option})
    assert said in str(caught.value)


def test_the_total_of_a_file_is_compared_with_its_rows(charges: Callable[..., Any]) -> None:
    assert len(charges(table(*ROWS), mapping={**BILL, "control": {"total": "58.00"}})) == 3
    with pytest.raises(SourceError, match=r"the total of the file is 59.00, its rows add up to 58.00"):
        charges(table(*ROWS), mapping={**BILL, "control": {"total": "59.00"}})
    with pytest.raises(SourceError, match=r"add up to 24.00; rows without an amount that can be read: 1"):
        charges(table(ROWS[0], "B-9,,,,"), mapping={**BILL, "control": {"total": "58.00"}})


def test_a_total_in_two_currencies_is_refused(charges: Callable[..., Any]) -> None:
    two = {**{key: value for key, value in BILL.items() if key != "currency"}, "control": {"total": "34.00"}}
    text = table(ROWS[0] + ",USD", ROWS[2] + ",EUR", header=f"{HEADER},currency")
    with pytest.raises(SourceError, match=r"has 10.00 EUR and 24.00 USD, and its total names no currency"):
        charges(text, mapping=two)


@pytest.mark.parametrize(
    ("stated", "said"),
    [
        (("48.00", "48.00", "10.00"), ""),
        (("48.00", "", "10.00"), ""),
        (("49.00", "49.00", "10.00"), "the total of bill/B-1 is 49.00, its rows add up to 48.00"),
        (("48.00", "48.00", "-10.00"), "the total of bill/B-2 is -10.00, its rows add up to 10.00"),
        (("48.00", "47.00", "10.00"), "the total of bill/B-1 is 47.00 here and 48.00 before"),
        (("48.00", "", ""), "Total is empty in each row of bill/B-2"),
        (("48.00", "", "ten"), 'Total "ten" is not a number'),
    ],
)
def test_the_total_of_each_document_is_compared_with_its_rows(
    charges: Callable[..., Any], stated: tuple[str, ...], said: str
) -> None:
    text = table(*(f"{row},{total}" for row, total in zip(ROWS, stated, strict=True)), header=f"{HEADER},Total")
    mapping = {**BILL, "control": {"document_total": "Total"}}
    if not said:
        assert len(charges(text, mapping=mapping)) == 3
        return
    with pytest.raises(SourceError, match=said):
        charges(text, mapping=mapping)


@pytest.mark.parametrize(
    ("amount", "quantity", "minor"),
    [("97.00", "2", 19400), ("0.3333", "30000", 999900), ("-12.50", "2", -2500), ("$1,000.00", "2", 200000)],
)
def test_a_unit_price_is_multiplied_by_the_quantity(
    charges: Callable[..., Any], amount: str, quantity: str, minor: int
) -> None:
    text = table(f'B-1,2024-03-05,C-1,POD-LAMP,"{amount}",{quantity}', header=f"{HEADER},quantity")
    (row,) = charges(text, mapping={**BILL, "amount_is": "unit_price"})
    assert row.line.amount == minor
    assert next(step.step for step in row.steps if step.field == "amount") == "unit price"


@pytest.mark.parametrize(("currency", "minor"), [("USD", 24000), ("JPY", 24000), ("KWD", 24000)])
def test_minor_units_are_scaled_by_the_currency(charges: Callable[..., Any], currency: str, minor: int) -> None:
    (row,) = charges(table("B-1,2024-03-05,C-1,MAG-01,24000"), mapping={
        **BILL, "currency": currency, "amount_is": "minor_units",
    })  # fmt: skip
    assert (row.line.amount, row.line.currency) == (minor, currency)


@pytest.mark.parametrize(
    ("kind", "amount", "quantity"),
    [("unit_price", "97.00", ""), ("unit_price", "97.00", "two"), ("minor_units", "1.5", "")],
)
def test_an_amount_that_cannot_be_computed_is_refused(
    charges: Callable[..., Any], kind: str, amount: str, quantity: str
) -> None:
    text = table(f"B-1,2024-03-05,C-1,POD-LAMP,{amount},{quantity}", header=f"{HEADER},quantity")
    (bad,) = charges(text, mapping={**BILL, "amount_is": kind})
    assert isinstance(bad, BadRow) and "amount" in {one.field for one in bad.problems}


@pytest.mark.parametrize("separator", [",", ";"])
def test_a_header_may_be_spread_over_two_rows(charges: Callable[..., Any], separator: str) -> None:
    text = "Sales\nBill,,Customer,Line,,Note\nno.,date,,item,net,\nB-1,2024-03-05,C-1,MAG-01,24.00,x\n"
    columns = {
        "document": "Bill no.", "post_date": "Bill date", "customer": "Customer", "item": "Line item",
        "amount": "Line net",
    }  # fmt: skip
    mapping = {**BILL, "columns": columns, "header_row": "2-3", "ignore": ["Note"]}
    (row,) = charges(text.replace(",", separator), mapping=mapping)
    assert (row.line.document, row.line.customer, row.line.item, row.line.amount) == ("B-1", "C-1", "MAG-01", 2400)


def test_a_header_of_a_sheet_may_be_spread_over_two_rows() -> None:
    titles, names = ("Bill", "", "Line", "", ""), ("no.", "date", "customer", "item", "net")
    columns = {
        "document": "Bill no.", "post_date": "Bill date", "customer": "Line customer", "item": "Line item",
        "amount": "Line net",
    }  # fmt: skip
    data = sheet(lambda page: None, ("", "", "", "", ""), titles, names, LAMP)
    assert ids(read(data, columns=columns, header_row="3-4")) == [("B-1", "1", 2400)]


REPORT = """Acme Inc,,,,
Sales by Customer Detail,,,,
,Date,Type,Num,Amount
C-ADA,,,,
,2024-03-05,Invoice,1001,24.00
,2024-03-06,Invoice,1002,365.00
Total for C-ADA,,,,389.00
,2024-03-07,Invoice,1003,1.00
C-HOLM,,,,
,2024-03-08,Invoice,1004,2.00
C-OWN,2024-03-09,Invoice,1005,3.00
TOTAL,,,,395.00
"""


def test_a_heading_row_gives_the_rows_below_it_their_customer(charges: Callable[..., Any]) -> None:
    columns = {"document": "Num", "post_date": "Date", "customer": "#1", "amount": "Amount"}
    mapping = {
        "source": "qb", "line": "1", "currency": "USD", "item": "SALE", "columns": columns, "header_row": "3",
        "headings": ["#1"], "only": {"Type": "Invoice"},
    }  # fmt: skip
    rows = charges(REPORT, mapping=mapping)
    good = [(row.line.document, row.line.customer) for row in rows if isinstance(row, GoodRow)]
    assert good == [("1001", "C-ADA"), ("1002", "C-ADA"), ("1004", "C-HOLM"), ("1005", "C-OWN")]
    (bad,) = [row for row in rows if isinstance(row, BadRow)]
    assert [one.field for one in bad.problems] == ["customer"], "after its total the group has ended"
    assert [row.reason for row in rows if not isinstance(row, GoodRow | BadRow)] == [
        "it is a heading", "Type is empty", "it is a heading", "Type is empty",
    ]  # fmt: skip


def resolve(**table: Any) -> dict[str, Any]:
    base = {"line": "1", "source": "bill", "defaults": {"currency": "USD"}, "columns": {"document": "Bill"}}
    return resolved("own", {"base-one": base, "own": {"base": "base-one", **table}}, "revrec.toml")


def test_a_mapping_replaces_a_constant_or_column_of_its_base() -> None:
    assert resolve(columns={"line": "No"}) == {
        "source": "bill", "defaults": {"currency": "USD"}, "columns": {"document": "Bill", "line": "No"},
    }  # fmt: skip
    assert resolve(document="D-1")["columns"] == {} and resolve(document="D-1")["document"] == "D-1"
    assert resolve(compute={"line": "No + '-' + Part"}).keys() == {"source", "defaults", "columns", "compute"}


def test_a_mapping_removes_keys_of_its_base() -> None:
    assert resolve(remove=["line", "defaults.currency"]) == {
        "source": "bill", "defaults": {}, "columns": {"document": "Bill"},
    }  # fmt: skip
    with pytest.raises(BadConfiguration, match='remove "lines": its base has no such key; did you mean "line"'):
        resolve(remove=["lines"])
    with pytest.raises(BadConfiguration, match=r'remove "defaults\.curency": its base .*did you mean "currency"'):
        resolve(remove=["defaults.curency"])
    with pytest.raises(BadConfiguration, match="remove: expected a list of keys"):
        resolve(remove="line")


GROUPED = """#,Num,Amount
A,,
,1,24.00
,2,-4.00
Total A,,20.00
B,,
,3,5.00
Total B,,5.00
TOTAL,,25.00
"""


@pytest.mark.parametrize(
    ("right", "wrong", "said"),
    [
        ("", "", ""),
        ("Total A,,20.00", "Total A,,28.00", "the total of the group above row 5 is 28.00, its rows add up to 20.00"),
        ("Total B,,5.00", "Total B,,25.00", "the total of the group above row 8 is 25.00, its rows add up to 5.00"),
        ("TOTAL,,25.00", "TOTAL,,-25.00", "the total of the rows above row 9 is -25.00, its rows add up to 25.00"),
        (",3,5.00\n", "", "the total of the group above row 7 is 5.00, its rows add up to 0.00"),
        ("TOTAL,,25.00", "TOTAL,,many", "it is the total, and its amount cannot be read"),
    ],
)
def test_total_rows_are_left_out_and_compared_with_the_rows_above_them(
    charges: Callable[..., Any], right: str, wrong: str, said: str
) -> None:
    mapping = {
        "source": "r", "line": "1", "item": "I", "post_date": "2024-04-01", "currency": "USD", "headings": ["#"],
        "columns": {"customer": "#", "document": "Num", "amount": "Amount"}, "only": {"Num": "?*"},
        "control": {"total_row": "column['#'] == 'TOTAL'", "group_total_row": "'Total ' in column['#']"},
    }  # fmt: skip
    text = GROUPED.replace(right, wrong) if right else GROUPED
    if said:
        with pytest.raises(SourceError, match=re.escape(said)):
            charges(text, mapping=mapping)
        return
    rows = charges(text, mapping=mapping)
    assert [(row.line.customer, row.line.amount) for row in rows if isinstance(row, GoodRow)] == [
        ("A", 2400), ("A", -400), ("B", 500),
    ]  # fmt: skip


def test_headings_may_have_two_levels(charges: Callable[..., Any]) -> None:
    text = "Who,What,Num,Amount\nA,,,\n,LAMP,,\n,,1,2.00\n,MUG,,\n,,2,3.00\nB,,,\n,,3,4.00\n"
    mapping = {
        "source": "r", "line": "1", "post_date": "2024-04-01", "currency": "USD", "headings": ["Who", "What"],
        "columns": {"customer": "Who", "item": "What", "document": "Num", "amount": "Amount"},
    }  # fmt: skip
    rows = charges(text, mapping=mapping)
    good = [(row.line.customer, row.line.item) for row in rows if isinstance(row, GoodRow)]
    assert good == [("A", "LAMP"), ("A", "MUG")]
    (bad,) = [row for row in rows if isinstance(row, BadRow)]
    assert [one.field for one in bad.problems] == ["item"], "a heading ends the headings to the right of it"
