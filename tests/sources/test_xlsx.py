"""XLSX: numbers by their shortest text, dates as dates, and workbooks that would fill the memory refused."""

import io
import zipfile
from collections.abc import Callable
from datetime import date, datetime, time
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter

from revrec.sources import BadRow, GoodRow, SourceError, SourceStream, read_charges, workbook
from revrec.sources.mapping_reader import read_mapping

HEADER = ("source", "document", "line", "customer", "item", "post_date", "amount", "currency", "description")
SAMPLE = Path(__file__).parents[2] / "sample_data" / "charges.xlsx"


def made(
    *rows: tuple[Any, ...], header: tuple[str, ...] = HEADER, skip: int = 0, sheets: tuple[str, ...] = ("S",)
) -> bytes:
    """A workbook of these rows, below ``skip`` blank ones, in the first of its sheets."""
    out = io.BytesIO()
    with xlsxwriter.Workbook(out, {"in_memory": True, "default_date_format": "yyyy-mm-dd"}) as book:
        made_sheets = [book.add_worksheet(name) for name in sheets]
        for at, row in enumerate((header, *rows), skip):
            made_sheets[0].write_row(at, 0, row)
    return out.getvalue()


def row(amount: Any = 24.0, **changed: Any) -> tuple[Any, ...]:
    values = dict(zip(HEADER, ("shop", "INV-1", 1, "C-1", "MAG-01", date(2024, 1, 5), amount, "USD", ""), strict=True))
    return tuple({**values, **changed}.values())


def read(data: bytes, **mapping: Any) -> list[Any]:
    return list(read_charges(SourceStream(io.BytesIO(data), "in.xlsx"), read_mapping("test", mapping)))


def changed(data: bytes, part: str, change: Callable[[bytes], bytes]) -> bytes:
    """The workbook with one of its parts changed."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for info in old.infolist():
            content = old.read(info)
            new.writestr(info.filename, change(content) if info.filename == part else content)
    return out.getvalue()


def test_the_sample() -> None:
    rows = [row for row in read_charges(SAMPLE) if isinstance(row, GoodRow)]
    assert [(row.line.id, row.line.amount, str(row.line.post_date)) for row in rows] == [
        ("desk/Q-7001/1", 120000, "2024-03-01"),
        ("desk/Q-7001/2", 8990, "2024-03-01"),
        ("desk/Q-7002/1", -2400, "2024-03-15"),
    ]


@pytest.mark.parametrize(
    ("amount", "minor"),
    [
        (24.0, 2400),
        (24, 2400),
        (0.1, 10),
        (1234.56, 123456),
        (-12.5, -1250),
        ("1,024.00", 102400),
        (9999999.99, 999999999),
    ],
)
def test_amounts_are_exact(amount: Any, minor: int) -> None:
    (found,) = read(made(row(amount)))
    assert found.line.amount == minor


@pytest.mark.parametrize("amount", [24.005, 1 / 3, 0.1234567])
def test_an_amount_that_is_not_exact_is_refused_with_both_ways(amount: float) -> None:
    (found,) = read(made(row(amount)))
    assert isinstance(found, BadRow) and " or " in found.problems[0].fix and found.place == 'sheet "S", row 2'


@pytest.mark.parametrize("written", [date(2024, 3, 28), datetime(2024, 3, 28, 18, 5), "2024-03-28"])  # noqa: DTZ001
def test_dates_are_dates(written: Any) -> None:
    (found,) = read(made(row(post_date=written)))
    assert found.line.post_date == date(2024, 3, 28)


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("post_date", 45379, "is not an ISO date"),
        ("post_date", time(12, 5), "is a time without a date"),
        ("document", 12345678901234567890, "has more than 15 digits, and a spreadsheet does not store more"),
        ("document", True, "is true or false, not text or a number"),
    ],
)
def test_what_a_spreadsheet_cannot_tell_is_refused(field: str, value: Any, said: str) -> None:
    (found,) = read(made(row(**{field: value})))
    assert isinstance(found, BadRow) and found.problems[0].reason == said and found.problems[0].field == field


def test_an_error_of_a_formula_is_not_read_as_empty() -> None:
    out = io.BytesIO()
    with xlsxwriter.Workbook(out, {"default_date_format": "yyyy-mm-dd"}) as book:
        sheet = book.add_worksheet("S")
        sheet.write_row(0, 0, HEADER)
        sheet.write_row(1, 0, row())
        sheet.write_row(2, 0, row(document="INV-2"))
        sheet.write_formula(1, 8, "=1/0", None, "#DIV/0!")
    bad, good = read(out.getvalue())
    assert (bad.problems[0].field, bad.problems[0].reason) == ("I2", "contains a formula error")
    assert good.line.document == "INV-2"


def test_rows_are_numbered_as_the_spreadsheet_shows_them() -> None:
    first, second = read(made(row(), row(document="INV-2"), skip=4))
    assert (first.row_number, second.row_number) == (6, 7)


def test_a_value_beside_the_columns_is_refused() -> None:
    (found,) = read(made((*row(), "note")))
    assert found.problems[0].reason == "has a value to the right of the last column"


def test_blank_rows_are_passed_over_and_short_ones_filled_up() -> None:
    found = read(made(row()[:8], ("", " "), row(document="INV-2")))
    assert [one.line.document for one in found] == ["INV-1", "INV-2"]


def test_of_several_sheets_one_is_chosen_by_name() -> None:
    data = made(row(), sheets=("Bills", "Notes"))
    assert isinstance(read(data, sheet="Bills")[0], GoodRow)
    with pytest.raises(SourceError, match='has 2 sheets; set sheet in the mapping to one of "Bills", "Notes"'):
        read(data)
    with pytest.raises(SourceError, match='has no sheet "Bill"'):
        read(data, sheet="Bill")


def test_two_cells_far_apart_do_not_fill_the_memory() -> None:
    data = changed(
        made(row()), "xl/worksheets/sheet1.xml",
        lambda xml: xml.replace(b"</sheetData>", b'<row r="1048576"><c r="XFD1048576"><v>1</v></c></row></sheetData>'),
    )  # fmt: skip
    with pytest.raises(SourceError, match=r"XFD1048576: its sheet spans 17,179,869,184 cells"):
        read(data)


def test_one_long_text_in_many_cells_does_not_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workbook, "MOST_TEXT", 100_000)
    text = "x" * 5_000
    with pytest.raises(SourceError, match="characters; save it as CSV in UTF-8, or split it"):
        read(made(*(row(description=text, document=f"INV-{n}") for n in range(30))))


def test_a_workbook_that_unpacks_to_too_much_is_refused() -> None:
    data = changed(made(row()), "docProps/app.xml", lambda _xml: b" " * 40_000_000)
    with pytest.raises(SourceError, match="unpacks to 40,"):
        read(data)


@pytest.mark.parametrize(
    ("part", "change", "said"),
    [
        ("xl/worksheets/sheet1.xml", lambda xml: xml[: len(xml) // 2], "is damaged"),
        ("xl/worksheets/sheet1.xml", lambda xml: xml.replace(b'r="A1"', b'r="?"'), "is not the name of a cell"),
        ("xl/workbook.xml", lambda xml: xml.replace(b"<sheet ", b"<shed "), "has 0 sheets"),
        ("xl/_rels/workbook.xml.rels", lambda xml: xml.replace(b"sheet1.xml", b"sheet9.xml"), "has no xl/worksheets/"),
        ("xl/sharedStrings.xml", lambda _xml: b"", "is damaged"),
        ("xl/workbook.xml", lambda xml: b'<!DOCTYPE a [<!ENTITY x "y">]>' + xml.partition(b"?>")[2], "a DOCTYPE"),
    ],
)  # fmt: skip
def test_a_damaged_workbook_is_refused(part: str, change: Callable[[bytes], bytes], said: str) -> None:
    with pytest.raises(SourceError) as caught:
        read(changed(made(row()), part, change))
    assert said in str(caught.value)


def test_what_is_no_workbook_is_refused() -> None:
    for data in (b"hello", b"PK\x03\x04" + b"x" * 50, made(row())[:-400]):
        with pytest.raises(SourceError, match="is not a readable XLSX workbook"):
            read(data)


def test_the_missing_library_is_reported_with_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "python_calamine", None)
    with pytest.raises(SourceError, match=r'-m pip install "revrec\[xlsx\]"'):
        read(made(row()))
