"""CSV: delimiters, quotes, encodings, row numbers."""

from collections.abc import Callable
from typing import Any

import pytest

from revrec.sources import BadRow, GoodRow, SourceError

HEADER = "source,document,line,customer,item,post_date,amount,currency,description"
ROW = "shop,INV-1,1,C-1,MAG-01,2024-01-05,24.00,USD,Magazine"


def table(*rows: str) -> str:
    return "\n".join((HEADER, *rows)) + "\n"


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_a_common_delimiter_is_known_by_the_header(charges: Callable[..., Any], delimiter: str) -> None:
    (row,) = charges(table(ROW).replace(",", delimiter))
    assert row.line.id == "shop/INV-1/1"


def test_any_other_delimiter_is_declared(charges: Callable[..., Any]) -> None:
    (row,) = charges(table(ROW).replace(",", "^"), mapping={"delimiter": "^"})
    assert row.line.amount == 2400


def test_a_semicolon_file_may_have_commas_in_its_values(charges: Callable[..., Any]) -> None:
    (row,) = charges(table(ROW).replace(",", ";").replace("Magazine", "a, b, c, d, e, f, g, h, i, j"))
    assert row.line.description == "a, b, c, d, e, f, g, h, i, j"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_unicode_is_read_with_or_without_a_byte_order_mark(charges: Callable[..., Any], encoding: str) -> None:
    (row,) = charges(table(ROW.replace("Magazine", "Zürich, 東京 €".replace(",", ""))).encode(encoding))
    assert row.line.description == "Zürich 東京 €"


@pytest.mark.parametrize("encoding", ["cp1252", "utf-16-be", "shift_jis", "iso8859-15"])
def test_any_other_encoding_is_declared(charges: Callable[..., Any], encoding: str) -> None:
    name = "東京" if encoding == "shift_jis" else "Zürich"
    (row,) = charges(table(ROW.replace("Magazine", name)).encode(encoding), mapping={"encoding": encoding})
    assert row.line.description == name


def test_a_character_cut_by_the_end_of_a_block_is_whole(charges: Callable[..., Any]) -> None:
    rows = charges(table(*[ROW.replace("Magazine", "é" * 50)] * 2000))
    assert {row.line.description for row in rows} == {"é" * 50}


def test_a_wrong_byte_far_into_the_file_is_named_by_line_and_offset(charges: Callable[..., Any]) -> None:
    data = table(*[ROW] * 5000).encode() + ROW.encode() + b"\xff\n"
    with pytest.raises(SourceError, match=f"line 5002, byte {len(data) - 2}: byte 0xff is not valid utf-8"):
        charges(data)


def test_quoted_fields_hold_delimiters_quotes_and_line_breaks(charges: Callable[..., Any]) -> None:
    (row,) = charges(table(ROW.replace("Magazine", '"a, ""b""\nc"')))
    assert row.line.description == 'a, "b"\nc'


def test_rows_are_numbered_by_the_line_where_they_start(charges: Callable[..., Any]) -> None:
    two_lines = ROW.replace("Magazine", '"a\nb"')
    rows = charges("\n" + table(two_lines, ROW, "", ",,,,,,,,", ROW.replace("24.00", "x"), ROW))
    assert [row.row_number for row in rows] == [3, 5, 8, 9]
    assert rows[2].report("in.csv") == ['in.csv: row 8: amount "x": is not a number; write it as 1200.00']


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_all_line_ends_are_read(charges: Callable[..., Any], end: str) -> None:
    rows = charges(table(ROW, ROW).replace("\n", end))
    assert [row.row_number for row in rows] == [2, 3]


def test_values_are_trimmed_and_composed(charges: Callable[..., Any]) -> None:
    (row,) = charges(table("  shop , INV-1 ,1, C-1 ,MAG-01, 2024-01-05 , 24.00 , USD , \u00a0Zu\u0308rich  "))
    assert row.line.description == "Zürich" and row.line.document == "INV-1" and row.line.amount == 2400


def test_text_that_a_spreadsheet_would_run_is_kept_as_it_is(charges: Callable[..., Any]) -> None:
    (row,) = charges(table(ROW.replace("Magazine", "=HYPERLINK(1)")))
    assert row.line.description == "=HYPERLINK(1)"


def test_all_problems_of_a_row_are_reported_at_once(charges: Callable[..., Any]) -> None:
    good, bad = charges(table(ROW, "shop,,1,C-1,MAG-01,2023-02-29,12.345,US,x"))
    assert isinstance(good, GoodRow) and isinstance(bad, BadRow)
    assert [problem.field for problem in bad.problems] == ["document", "post_date", "currency"]


def test_a_long_hostile_value_is_shown_short_and_harmless(charges: Callable[..., Any]) -> None:
    (bad,) = charges(table(ROW.replace("2024-01-05", "\x1b]0;" + "x" * 500)))
    (shown,) = [problem.value for problem in bad.problems]
    assert shown.startswith("\\x1b]0;xxx") and len(shown) <= 60


def test_columns_may_stand_in_any_order_and_optional_ones_be_absent(charges: Callable[..., Any]) -> None:
    (row,) = charges("currency,amount,post_date,item,customer,line,document,source\nUSD,1.00,2024-01-05,I,C,1,D,S\n")
    assert row.line.id == "S/D/1" and row.line.dimensions == {}


def test_raw_values_are_kept_in_the_headers_order(charges: Callable[..., Any]) -> None:
    (row,) = charges(table(ROW.replace("24.00", " 24.00")))
    assert row.raw[6].strip() == "24.00" and len(row.raw) == 9
