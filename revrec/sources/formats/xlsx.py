"""XLSX: one sheet of a workbook, with column names in its first row that is not blank.

The extra ``xlsx`` installs the library that reads it. A number is read as the shortest text that represents it, never
as a float; dates and texts are read as they are. The whole workbook is held in memory, within the limits of
:mod:`revrec.sources.workbook`.
"""

import io
from collections.abc import Iterator, Sequence
from datetime import date, datetime
from decimal import Decimal
from itertools import islice
from typing import Any

from revrec.core.extras import install_command
from revrec.sources.keyed import damaged
from revrec.sources.mapping import ColumnMapping
from revrec.sources.rows import DamagedRecord
from revrec.sources.stream import SourceStream
from revrec.sources.table import Record, Table, column_names
from revrec.sources.workbook import UNCALCULATED, Workbook

SUFFIXES = (".xlsx", ".xlsm")

_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
MOST_DIGITS = 15
"""Digits of a number that a spreadsheet stores. Any digits after them are not what was entered."""


def read(source: SourceStream, mapping: ColumnMapping) -> Table:
    """Return the rows below the header row. A row's number is the one that the spreadsheet shows."""
    workbook = Workbook(source)
    sheets = workbook.sheets()
    name = _sheet(source, mapping, list(sheets))
    errors = {int(place.strip(_LETTERS)): (place, why) for place, why in workbook.errors(sheets[name]).items()}
    rows = enumerate(_rows(source, workbook.data, name), start=1)
    header = _header(rows, mapping)
    if not header:
        raise source.error(f'sheet "{name}"', "has no row", "it needs a header and at least one row")
    merged = _MergedColumns(workbook.merged(sheets[name]), header, mapping)
    records = _records(rows, header, errors, merged)
    return Table(header, records, lambda number: f'sheet "{name}", row {number}', strict=True)


def _sheet(source: SourceStream, mapping: ColumnMapping, sheets: Sequence[str]) -> str:
    """Return the mapping's sheet, or else the only one."""
    if mapping.sheet in sheets:
        return mapping.sheet
    known = ", ".join(f'"{name}"' for name in sheets[:20]) or "none"
    if mapping.sheet:
        raise source.error("", f'has no sheet "{mapping.sheet}"', f"set sheet in the mapping to one of {known}")
    if len(sheets) != 1:
        raise source.error("", f"has {len(sheets)} sheets", f"set sheet in the mapping to one of {known}")
    return sheets[0]


def _rows(source: SourceStream, data: bytes, name: str) -> Iterator[list[Any]]:
    try:
        from python_calamine import CalamineWorkbook
    except ImportError:
        fix = f"install it with: {install_command('xlsx')}, or save the sheet as CSV in UTF-8"
        raise source.error("", "is a spreadsheet, and the extra xlsx is not installed", fix) from None
    try:
        yield from CalamineWorkbook.from_filelike(io.BytesIO(data)).get_sheet_by_name(name).iter_rows()
    except (KeyboardInterrupt, SystemExit, GeneratorExit):
        raise
    except BaseException as error:  # a panic in the library is not an Exception
        fix = "open it in a spreadsheet program and save it again"
        raise source.error("", f"cannot be read ({error})", fix) from None


def _header(rows: Iterator[tuple[int, list[Any]]], mapping: ColumnMapping) -> list[str]:
    """Return the names of the columns, from the first row that is not blank, or from the rows of the mapping."""
    first, last = mapping.header_row or (1, 1)
    for number, row in rows:
        if number >= first and any(str(cell).strip() for cell in row):
            below = (cells for _number, cells in islice(rows, last - first))
            names = column_names([[str(cell) for cell in cells] for cells in (row, *below)], mapping)
            while names and not names[-1]:
                names.pop()
            return names
    return []


class _MergedColumns:
    """Cells that are merged over several rows: each of these rows has the value.

    A merged amount or quantity could be meant once or for each row, so its rows are refused.
    """

    def __init__(self, areas: list[tuple[int, int, int, int]], header: Sequence[str], mapping: ColumnMapping) -> None:
        self._figures = {mapping.column_of("amount"), mapping.column_of("quantity")}
        self._header = header
        self._areas = sorted((top, left, bottom) for top, left, bottom, _right in areas if bottom > top)
        self._open: dict[int, tuple[int, Any]] = {}

    def fill(self, number: int, row: list[Any]) -> str:
        """Fill in the merged cells of a row; return the column of a merged figure, or an empty text."""
        while self._areas and self._areas[0][0] <= number:
            _top, left, bottom = self._areas.pop(0)
            if left <= min(len(row), len(self._header)):
                self._open[left - 1] = (bottom, row[left - 1])
        self._open = {place: one for place, one in self._open.items() if one[0] >= number}
        for place, (_bottom, value) in self._open.items():
            if self._header[place] in self._figures:
                return self._header[place]
            row[place] = value
        return ""


def _records(
    rows: Iterator[tuple[int, list[Any]]],
    header: Sequence[str],
    errors: dict[int, tuple[str, str]],
    merged: _MergedColumns,
) -> Iterator[Record]:
    for number, row in rows:
        figure = merged.fill(number, row)
        if figure:
            fix = "unmerge the cells, and write the value of each row"
            yield number, damaged(figure, "is merged over several rows", fix, raw=list(map(_shown, row)))
        elif number in errors:
            place, why = errors[number]
            fix = "correct the formula, or clear the cell"
            if why == UNCALCULATED:
                fix = "open the file in a spreadsheet program and save it again, or write the number"
            yield number, damaged(place, why, fix, raw=list(map(_shown, row)))
        elif any(cell != "" and str(cell).strip() for cell in row):
            yield number, _row(row, header)


def _row(row: list[Any], header: Sequence[str]) -> list[str] | DamagedRecord:
    beyond = [cell for cell in row[len(header) :] if str(cell).strip()]
    if beyond:
        reason, fix = "has a value to the right of the last column", "name the column, or clear the cell"
        return damaged("row", reason, fix, str(beyond[0]), [_shown(one) for one in row])
    cells: list[str] = []
    for name, cell in zip(header, row, strict=False):
        text = _text(cell)
        if text is None:
            raw = [_shown(one) for one in row[: len(header)]]
            return damaged(name, *_refusal(cell), str(cell), raw)
        cells.append(text)
    return cells + [""] * (len(header) - len(cells))


def _text(cell: Any) -> str | None:
    """Return a cell as text; None for a value that a charge line cannot hold or the spreadsheet did not store whole."""
    if type(cell) is str:
        return cell
    if type(cell) is float:
        return _number(cell)
    if type(cell) is datetime:
        return cell.isoformat() if cell.time() != datetime.min.time() else cell.date().isoformat()
    if type(cell) is date:
        return cell.isoformat()
    if type(cell) is int:
        return str(cell) if abs(cell) < 10**MOST_DIGITS else None
    return None


def _number(value: float) -> str | None:
    """Return the shortest decimal that represents the number; None if digits were lost, or it is not a number."""
    if not abs(value) < 10**MOST_DIGITS:
        return None
    text = f"{Decimal(repr(value)):f}"
    return text.removesuffix(".0")


def _shown(cell: Any) -> str:
    text = _text(cell)
    return str(cell) if text is None else text


def _refusal(cell: Any) -> tuple[str, str]:
    if isinstance(cell, bool):
        return "is true or false, not text or a number", "write it as text"
    if isinstance(cell, int | float):
        reason = f"has more than {MOST_DIGITS} digits, and a spreadsheet does not store more"
        return reason, "format the column as text and enter the value again"
    return "is a time without a date", "write it as text, or as a date"
