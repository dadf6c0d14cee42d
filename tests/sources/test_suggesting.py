"""Drafts of mappings: what decides, what stays open, and that a draft reads exactly what was written."""

import csv
import io
import json
import tomllib
from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from revrec.core.errors import BadConfiguration
from revrec.sources import ColumnMapping, SourceError, SourceStream, read_charges
from revrec.sources.mapping_reader import read_mapping
from revrec.sources.rows import GoodRow, PassedOver
from revrec.sources.suggesting.draft import Draft, suggest
from revrec.sources.suggesting.values import DATE_FORMATS, STYLES

HEADER = "Order no.,Billed on,Client,SKU,Net,Currency"


def drafted(data: str | bytes, name: str = "orders.csv") -> Draft:
    """Return the draft for a file of this content."""
    content = data.encode() if isinstance(data, str) else data
    return suggest(lambda: SourceStream(io.BytesIO(content), name), "orders", ColumnMapping())


def table(draft: Draft) -> dict[str, Any]:
    """Return the mapping's table of a draft."""
    found: dict[str, Any] = tomllib.loads(draft.toml())["mapping"]["orders"]
    return found


def rows(data: str | bytes, draft: Draft) -> list[Any]:
    """Return what a file's rows become with a draft."""
    content = data.encode() if isinstance(data, str) else data
    return list(read_charges(SourceStream(io.BytesIO(content), "orders.csv"), read_mapping("orders", table(draft))))


def file(*lines: str, header: str = HEADER) -> str:
    """Return a CSV file."""
    return "\n".join((header, *lines)) + "\n"


def test_columns_dates_and_numbers_are_found_with_their_evidence() -> None:
    draft = drafted(file('A-1,03/16/2024,C-1,MAG,"1,200.00",USD', "A-2,03/04/2024,C-1,MAG,24.00,USD"))
    assert table(draft) == {
        "source": "orders",
        "line": "#",
        "delimiter": ",",
        "date_format": "%m/%d/%Y",
        "columns": {
            "document": "Order no.", "customer": "Client", "item": "SKU", "post_date": "Billed on", "amount": "Net",
            "currency": "Currency",
        },
    }  # fmt: skip
    assert '1 of 2 dates can only be %m/%d/%Y, such as "03/16/2024"' in draft.toml()
    assert "This draft reads 2 charge lines: 1,224.00 USD" in draft.toml()
    assert draft.readable == 2


@pytest.mark.parametrize("column", ["", "Customer:Job"])
def test_headings_of_groups_supply_the_customer(column: str) -> None:
    report = file(
        "C-ADA,,,,", ",03/16/2024,1001,MAG-01,24.00", ",03/17/2024,1002,MAG-01,5.00", "Total for C-ADA,,,,29.00",
        "C-BOB,,,,", ",03/18/2024,1003,MAG-01,7.00", "Total for C-BOB,,,,7.00", "TOTAL,,,,36.00",
        header=f"{column},Date,Num,SKU,Amount",
    )  # fmt: skip
    draft = drafted(report)
    name = column or "#1"
    assert (table(draft)["headings"], table(draft)["columns"]["customer"]) == ([name], name)
    assert draft.undecided == ["currency"]
    assert "headings: 2 headings above the rows, such as row 2: C-ADA" in draft.doubtful
    whole = draft.toml().replace('currency = "?"', 'currency = "USD"')
    mapping = read_mapping("orders", tomllib.loads(whole)["mapping"]["orders"])
    found = read_charges(SourceStream(io.BytesIO(report.encode()), "orders.csv"), mapping)
    read = [(one.line.customer, one.line.amount) for one in found if isinstance(one, GoodRow)]
    assert read == [("C-ADA", 2400), ("C-ADA", 500), ("C-BOB", 700)]


def test_an_order_of_day_and_month_that_nothing_decides_is_left_open_and_cannot_be_used() -> None:
    draft = drafted(file("A-1,03/05/2024,C-1,MAG,24.00,USD"))
    assert draft.undecided == ["date_format"]
    assert '"03/05/2024" can be 2024-03-05 (%m/%d/%Y) or 2024-05-03 (%d/%m/%Y)' in draft.toml()
    with pytest.raises(BadConfiguration, match=r'date_format = "\?": is not decided yet'):
        read_mapping("orders", table(draft))


def test_dates_that_contradict_each_other_are_left_open_with_both() -> None:
    draft = drafted(
        file("A-1,03/16/2024,C-1,M,1.00,USD", "A-2,03/17/2024,C-1,M,1.00,USD", "A-3,18/03/2024,C-1,M,1.00,USD")
    )
    assert draft.undecided == ["date_format"]
    assert '2 of 3 dates can only be %m/%d/%Y, such as "03/16/2024", but 1 date cannot: "18/03/2024"' in draft.toml()


def test_as_many_dates_of_one_order_as_of_the_other_are_a_contradiction() -> None:
    draft = drafted(file("A-1,03/16/2024,C-1,M,1.00,USD", "A-2,18/03/2024,C-1,M,1.00,USD"))
    assert draft.undecided == ["date_format"]
    said = 'the dates contradict each other: "03/16/2024" can only be %m/%d/%Y, "18/03/2024" can only be %d/%m/%Y'
    assert said in draft.toml()


def test_rows_that_are_too_long_are_one_doubt() -> None:
    rows = [f"A-{at},2024-03-28,C-1,MAG,24.00,USD,extra" for at in range(3)]
    assert "DOUBT: more values than columns in 3 rows, the first is row 2" in drafted(file(*rows)).toml()


@pytest.mark.parametrize(
    ("written", "form"),
    [
        ("28.03.2024", "%d.%m.%Y"),
        ("28-Mar-2024 14:22", "%d-%b-%Y"),
        ("March 28, 2024", "%B %d, %Y"),
        ("3/28/24", "%m/%d/%y"),
    ],
)
def test_further_notations_of_dates(written: str, form: str) -> None:
    data = file(f'A-1,"{written}",C-1,MAG,24.00,USD')
    draft = drafted(data)
    assert table(draft)["date_format"] == form
    assert [row.line.post_date for row in rows(data, draft)] == [date(2024, 3, 28)]


def test_iso_dates_need_no_format() -> None:
    assert "date_format" not in table(drafted(file("A-1,2024-03-05,C-1,MAG,24.00,USD")))


def test_european_numbers_and_delimiters() -> None:
    data = file("A-1;28.03.2024;C-1;MAG;1.024,50;EUR", header=HEADER.replace(",", ";"))
    found = table(drafted(data))
    assert (found["delimiter"], found["decimal"]) == (";", ",")
    assert [row.line.amount for row in rows(data, drafted(data))] == [102450]


@pytest.mark.parametrize(("currency", "is_open"), [("USD", False), ("KWD", True)])
def test_a_thousands_sign_is_decided_by_the_decimals_of_the_currency(currency: str, is_open: bool) -> None:
    draft = drafted(file(f'A-1,2024-03-28,C-1,MAG,"1,200",{currency}'))
    assert ("decimal" in draft.undecided) is is_open


def test_a_currency_that_no_column_names_is_left_open_but_one_beside_each_amount_is_used() -> None:
    header = "Order no.,Billed on,Client,SKU,Net"
    assert drafted(file("A-1,2024-03-28,C-1,MAG,24.00", header=header)).undecided == ["currency"]
    assert drafted(file("A-1,2024-03-28,C-1,MAG,$24.00", header=header)).undecided == ["signs"]
    assert table(drafted(file("A-1,2024-03-28,C-1,MAG,24.00 EUR", header=header)))["currency"] == "EUR"


def test_titles_and_totals_are_left_out_and_the_total_is_compared() -> None:
    lines = ("A-1,2024-03-28,C-1,MAG,24.00,USD", "A-2,2024-03-28,C-1,MAG,6.00,USD", "Total,,,,30.00,")
    data = "Sales report,,,,,\n\n" + file(*lines)
    draft = drafted(data)
    assert (table(draft)["header_row"], table(draft)["only"]) == ("3", {"Client": "?*"})
    assert "leaves out 1 row with totals or notes (row 6: Total 30.00)" in draft.toml()
    assert "Row 6 states the same total. Check each file with: --expect 30.00" in draft.toml()
    assert [type(row) for row in rows(data, draft)] == [GoodRow, GoodRow, PassedOver]
    assert "row 6 states 30.00, and the rows add up to 36.00" in drafted(data.replace(",6.00", ",12.00")).toml()


def test_two_columns_that_fit_equally_are_left_open() -> None:
    draft = drafted(file("A-1,2024-03-28,C-1,MAG,24.00,20.00,USD", header=HEADER.replace("Net", "Net,Line amount")))
    assert draft.undecided == ["amount"]
    assert 'write "Net" or "Line amount"' in draft.toml()


def test_credits_with_amounts_above_zero_are_left_open() -> None:
    header = f"{HEADER},Type"
    draft = drafted(
        file("A-1,2024-03-28,C-1,MAG,24.00,USD,Invoice", "A-2,2024-03-28,C-1,MAG,5.00,USD,Credit memo", header=header)
    )
    assert draft.undecided == ["amount"]
    below = drafted(file("A-2,2024-03-28,C-1,MAG,(5.00),USD,Credit memo", header=header))
    assert below.undecided == []


def test_a_unit_price_with_a_quantity_becomes_the_amount() -> None:
    data = file("A-1,2024-03-28,C-1,MAG,12.00,2,USD", header="Order no.,Billed on,Client,SKU,Unit price,Qty,Currency")
    assert table(drafted(data))["amount_is"] == "unit_price"
    assert [row.line.amount for row in rows(data, drafted(data))] == [2400]


def test_line_numbers_are_used_unless_they_repeat() -> None:
    header = f"{HEADER},Line"
    assert table(drafted(file("A-1,2024-03-28,C-1,M,1.00,USD,1", header=header)))["columns"]["line"] == "Line"
    draft = drafted(file("A-1,2024-03-28,C-1,M,1.00,USD,1", "A-1,2024-03-28,C-1,N,1.00,USD,1", header=header))
    assert table(draft)["line"] == "#"
    assert "DOUBT: line numbers repeat within a document" in draft.toml()


def test_an_encoding_other_than_utf8_is_a_doubt_that_shows_words() -> None:
    draft = drafted(file("A-1,2024-03-28,Müller,MAG,24.00,USD").encode("cp1252"))
    assert table(draft)["encoding"] == "cp1252"
    assert 'as cp1252 it has words such as "Müller": check' in draft.toml()


def test_every_column_that_nothing_reads_is_listed_whatever_its_name() -> None:
    data = file("A-1,2024-03-28,C-1,MAG,24.00,USD,x,y", header=f"{HEADER},Tax [%],*")
    assert table(drafted(data))["ignore"] == ["Tax [[]%]", "[*]"]
    assert [type(row) for row in rows(data, drafted(data))] == [GoodRow]


def test_a_hostile_name_cannot_add_a_line_to_the_draft() -> None:
    data = file(
        'A-1,2024-03-28,C-1,MAG,24.00,USD,"x\n[gateway]\nendpoint = 1"', header=f'{HEADER},"Memo\nsource = 1\x07"'
    )
    assert tomllib.loads(drafted(data, "a\n[gateway].csv").toml()).keys() == {"mapping"}


def test_a_workbook_names_its_sheet_and_needs_no_date_format() -> None:
    import xlsxwriter

    made = io.BytesIO()
    with xlsxwriter.Workbook(made, {"in_memory": True}) as book:
        day = book.add_format({"num_format": "yyyy-mm-dd"})
        book.add_worksheet("Notes").write_row(0, 0, ["Author", "Ann"])
        sheet = book.add_worksheet("Orders")
        sheet.write_row(0, 0, ["Orders of March"])
        sheet.write_row(2, 0, HEADER.split(","))
        for at, amount in enumerate((24.5, 1200), 3):
            sheet.write_row(at, 0, [f"A-{at}", "", "C-1", "MAG", amount, "USD"])
            sheet.write_datetime(at, 1, date(2024, 3, at), day)
    draft = drafted(made.getvalue(), "orders.xlsx")
    assert draft.undecided == []
    assert (table(draft)["sheet"], table(draft)["header_row"], draft.readable) == ("Orders", "3", 2)


ORDERS: dict[str, Any] = {
    "meta": {"page": 1},
    "orders": [
        {"id": 91, "number": "A-1", "buyer": {"id": "C-1"}, "order_date": "2024-03-28", "currency": "USD",
         "net_total": "54.00", "total": "60.00", "tags": [],
         "line_items": [{"id": 1, "sku": "MUG", "amount": "24.00"}, {"id": 2, "sku": "MAG", "amount": "30.00"}]},
        {"id": 92, "number": "A-2", "buyer": {"id": "C-2"}, "order_date": "2024-03-29", "currency": "USD",
         "net_total": "24.00", "total": "26.40", "tags": ["new"],
         "line_items": [{"id": 3, "sku": "MUG", "amount": "24.00"}]},
    ],
}  # fmt: skip
OF_ORDERS = {
    "document": "number", "line": "line.id", "customer": "buyer.id", "item": "line.sku", "post_date": "order_date",
    "amount": "line.amount", "currency": "currency",
}  # fmt: skip


def as_xml(value: Any, name: str) -> str:
    """Return nested values as XML."""
    if isinstance(value, list):
        return "".join(as_xml(one, name) for one in value)
    inside = "".join(as_xml(one, key) for key, one in value.items()) if isinstance(value, dict) else str(value)
    return f"<{name}>{inside}</{name}>"


@pytest.mark.parametrize(
    ("name", "content", "record", "lines"),
    [
        ("orders.json", json.dumps(ORDERS), "orders", "line_items"),
        ("orders.jsonl", "\n".join(map(json.dumps, ORDERS["orders"])), None, "line_items"),
        ("orders.json", json.dumps(ORDERS["orders"][0]), None, "line_items"),
        ("orders.xml", as_xml({"order": ORDERS["orders"]}, "orders"), "orders/order", "line_items"),
    ],
    ids=["json", "jsonl", "one document", "xml"],
)
def test_records_and_lines_of_json_and_xml_are_found_with_their_total(
    name: str, content: str, record: str | None, lines: str
) -> None:
    draft = drafted(content, name)
    found = table(draft)
    assert (found.get("record"), found["lines"], found["columns"]) == (record, lines, OF_ORDERS)
    assert found["control"] == {"document_total": "net_total"} and draft.undecided == []
    read = read_charges(SourceStream(io.BytesIO(content.encode()), name), read_mapping("orders", found))
    wanted = [("A-1", "1", 2400), ("A-1", "2", 3000), ("A-2", "3", 2400)]
    charged = [(row.line.document, row.line.line, row.line.amount) for row in read if isinstance(row, GoodRow)]
    assert charged == wanted[: draft.readable] and charged


def test_records_without_lines_are_found_below_what_wraps_them() -> None:
    rows = [{"Invoice No": f"I-{at}", "customer": {"code": "C"}, "SKU": "MUG", "date": "2024-03-28",
             "net": "24.00", "ccy": "USD", "notes": ["x"]} for at in (1, 2)]  # fmt: skip
    content = json.dumps({"data": {"rows": rows}})
    draft = drafted(content, "orders.json")
    found = table(draft)
    assert (found["record"], found["line"], found["ignore"]) == ("data/rows", "#", ["notes"])
    assert found["columns"]["customer"] == "customer.code" and draft.readable == 2


def test_whole_amounts_of_lines_may_be_cents() -> None:
    content = json.dumps(ORDERS).replace(".00", "00").replace(".40", "40")
    assert any('amount_is = "minor_units"' in doubt for doubt in drafted(content, "orders.json").doubts)


def test_without_a_total_the_draft_says_that_nothing_shows_a_missing_line() -> None:
    draft = drafted(json.dumps(ORDERS).replace("54.00", "55.00"), "orders.json")
    assert table(draft)["ignore"] == ["*"]
    assert any("nothing shows if a line is missing" in doubt for doubt in draft.doubtful)


@pytest.mark.parametrize(
    ("data", "name", "message"),
    [
        ("{}", "orders.json", "has no records with names and values"),
        ("[1, 2]", "orders.json", "has no records with names and values"),
        ('{"orders": [{"a": 1', "orders.json", "it ends too early|ends in the middle|expected"),
        ("<orders><order>", "orders.xml", "damaged XML"),
        ('<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', "orders.xml", "a DOCTYPE is not allowed"),
        ("ISA*00*", "orders.x12", "is X12, and a draft can be made for CSV, TSV, XLSX, JSON and XML only"),
        ("a\nb\n", "orders.csv", "has only one column"),
        ("1,2\n3,4\n", "orders.csv", "has no row of column names among its first 30 rows"),
        (f"{HEADER}\n", "orders.csv", "has no rows below its column names"),
        ("", "orders.csv", "the file is empty"),
    ],
)
def test_a_file_without_a_draft_is_refused_with_the_reason(data: str, name: str, message: str) -> None:
    with pytest.raises(SourceError, match=message):
        drafted(data, name)


class Written(NamedTuple):
    """A file as generated, and its charge lines: document, day, customer, item, amount in cents."""

    content: bytes
    lines: list[tuple[str, date, str, str, int]]


NAMES = {
    "document": ("Invoice #", "Order no.", "InvoiceNumber"),
    "post_date": ("Invoice date", "Billed on", "Date"),
    "customer": ("Client", "customer_id", "Customer"),
    "item": ("SKU", "Item code", "Product"),
    "amount": ("Net", "Amount", "Line total"),
    "currency": ("Currency", "CCY"),
    "notes": ("Notes", "Rep", "Due date"),
}


@st.composite
def written_files(draw: st.DrawFn) -> Written:
    """A CSV file with a known format: any date format, number style, delimiter, encoding, title and total row."""
    form, (decimal, thousands) = draw(st.sampled_from(DATE_FORMATS)), draw(st.sampled_from(STYLES))
    lines = [
        (
            f"A-{draw(st.integers(1, 4))}",
            date(2024, 1, 1) + timedelta(draw(st.integers(0, 700))),
            draw(st.sampled_from(["C-1", "Müller & Söhne", "C, 3"])),
            draw(st.sampled_from(["MAG-01", "DESK"])),
            draw(st.integers(-3_000_000, 3_000_000)),
        )
        for _ in range(draw(st.integers(1, 8)))
    ]
    whole = draw(st.booleans())
    lines = [(*line[:4], line[4] // 100 * 100 if whole else line[4]) for line in lines]
    columns = draw(st.permutations(list(NAMES)))
    header = [draw(st.sampled_from(NAMES[column])) for column in columns]
    text = io.StringIO()
    out = csv.writer(text, delimiter=draw(st.sampled_from(",;\t|")))
    if draw(st.booleans()):
        out.writerow(["Sales by customer"])
    out.writerow(header)
    for document, day, customer, item, cents in lines:
        values = {
            "document": document, "post_date": dated(day, form), "customer": customer, "item": item,
            "amount": number(cents, decimal, thousands, whole), "currency": "USD", "notes": "n/a",
        }  # fmt: skip
        out.writerow([values[column] for column in columns])
    if draw(st.booleans()):
        total = number(sum(line[4] for line in lines), decimal, thousands, whole)
        out.writerow(["Total", *[total if column == "amount" else "" for column in columns[1:]]])
    return Written(text.getvalue().encode(draw(st.sampled_from(["utf-8", "utf-8-sig", "cp1252", "utf-16"]))), lines)


def dated(day: date, form: str) -> str:
    """Return a date as a source with this format writes it."""
    return day.strftime(form)


def number(cents: int, decimal: str, thousands: str, whole: bool) -> str:
    """Return an amount as a source with these signs writes it."""
    plain = f"{Decimal(cents).scaleb(-2):,.{0 if whole else 2}f}"
    return plain.replace(",", "T").replace(".", decimal).replace("T", thousands)


def read(lines: Sequence[Any]) -> list[tuple[str, date, str, str, int]]:
    """Return the figures of the charge lines that were read."""
    return [(one.document, one.post_date, one.customer, one.item, one.amount) for one in (row.line for row in lines)]


@pytest.mark.parametrize(
    "examples", [60, pytest.param(150, marks=pytest.mark.slow), pytest.param(300, marks=pytest.mark.long)]
)
def test_a_draft_reads_exactly_the_lines_that_were_written_or_leaves_something_to_decide(examples: int) -> None:
    settings(max_examples=examples, deadline=None)(given(written_files())(check_draft))()


def check_draft(made: Written) -> None:
    draft = drafted(made.content)
    if draft.undecided:
        with pytest.raises(BadConfiguration, match="is not decided yet"):
            read_mapping("orders", table(draft))
        return
    good = [row for row in rows(made.content, draft) if isinstance(row, GoodRow)]
    if draft.doubtful:
        assert set(read(good)) <= set(made.lines)
    else:
        assert read(good) == made.lines


BAD = sorted((Path(__file__).parent / "bad").iterdir())
SAMPLE = (Path(__file__).parents[2] / "sample_data" / "desk-orders.csv").read_bytes()


def is_draft_or_refusal(content: bytes, name: str) -> bool:
    """Return True if a file gives a draft that is TOML, or a refusal with the reason; no other error may occur."""
    try:
        return tomllib.loads(drafted(content, name).toml()).keys() == {"mapping"}
    except SourceError as error:
        return bool(error.reason and error.fix)


@pytest.mark.parametrize("path", BAD, ids=lambda path: path.name)
def test_a_damaged_file_is_drafted_or_refused(path: Path) -> None:
    assert is_draft_or_refusal(path.read_bytes(), path.name)


@given(st.lists(st.tuples(st.integers(0, len(SAMPLE)), st.binary(max_size=4), st.integers(0, 20)), max_size=6))
def test_a_file_with_broken_bytes_is_drafted_or_refused(changes: list[tuple[int, bytes, int]]) -> None:
    content = SAMPLE
    for place, put, cut in changes:
        content = content[:place] + put + content[place + cut :]
    assert is_draft_or_refusal(content, "orders.csv")
