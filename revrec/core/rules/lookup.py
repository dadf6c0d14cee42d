"""Lookup tables of rule files: CSV next to the rules with more data about an item, a customer or a dimension.

A table's key columns have the names of charge line fields; the other columns are its data. Optional ``from`` and ``to``
columns bound the post dates of a row, both inclusive. The key ``*`` matches every value without a row.
"""

import csv
import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from operator import attrgetter
from typing import Any, NamedTuple

from revrec.core.charge_line import ChargeLine
from revrec.core.rules.patterns import DIMENSIONS, Patterns

OTHERS = "*"
WINDOW = ("from", "to")
FIELDS = ("source", "document", "customer", "item", "description", "currency", "entity")
"""Fields of a charge line that can be keys of a table, besides ``dimensions.NAME``."""

MOST_ROWS = 1_000_000


class LookupTableError(ValueError):
    """The file is not a lookup table; ``line`` (from 1) is the place."""

    def __init__(self, line: int, message: str) -> None:
        super().__init__(message)
        self.line = line


class LookupRow(NamedTuple):
    """The data of one key between two post dates; ``line`` is its line in the file."""

    line: int
    first: date
    last: date
    values: Mapping[str, str]


class RuleLookupTable:
    """One ``[[table]]``: rows by key. ``sha256`` is the digest of the file, ``text`` its block in the rule file."""

    def __init__(self, name: str, file: str, keys: Sequence[str], content: str, text: str) -> None:
        """Read the table.

        Raises:
            LookupTableError: the file is not a table with these keys.
        """
        self.name = name
        self.file = file
        self.keys = tuple(keys)
        self.sha256 = hashlib.sha256(content.encode("utf-8", "surrogatepass")).hexdigest()
        self.text = text
        self._getters = tuple(field_of(key) for key in keys)
        self.columns, self._rows = _read(content, self.keys)

    def row(self, line: ChargeLine) -> LookupRow | None:
        """Return the row for a charge line on its post date; a row with its key wins over one with ``*``."""
        key = tuple(get(line) for get in self._getters)
        for wanted in (key, (OTHERS,) * len(key)):
            for row in self._rows.get(wanted, ()):
                if row.first <= line.post_date <= row.last:
                    return row
        return None

    def rows(self) -> Iterator[LookupRow]:
        """Return every row, in the order of the file."""
        yield from sorted((row for rows in self._rows.values() for row in rows), key=lambda row: row.line)

    def key_of(self, line: ChargeLine) -> str:
        """Return the key of a charge line as text: ``customer C1007``."""
        return ", ".join(f"{key} {get(line) or 'empty'}" for key, get in zip(self.keys, self._getters, strict=True))

    @property
    def version(self) -> str:
        """Return the text that a rule's version includes for a table: its block, and the digest of its content."""
        return f"{self.text}\n# {self.file}: sha256 {self.sha256}"


class LookupCondition(Patterns):
    """The condition ``lookup.TABLE.COLUMN``: the table's value for the line matches one of several patterns."""

    __slots__ = ("column", "table")

    def __init__(self, table: RuleLookupTable, column: str, patterns: Sequence[str]) -> None:
        self.table = table
        self.column = column
        super().__init__(f"lookup.{table.name}.{column}", patterns, self._looked_up)

    def _looked_up(self, line: ChargeLine) -> str:
        row = self.table.row(line)
        return row.values[self.column] if row else ""

    def failure(self, line: ChargeLine) -> str:
        """Return why the line does not match."""
        if self.table.row(line) is None:
            return f"{self.table.file} has no row for {self.table.key_of(line)} on {line.post_date}"
        return super().failure(line)


class LookupCell(NamedTuple):
    """A reference to a column of a table, from which a text comes."""

    table: RuleLookupTable
    column: str

    def of(self, line: ChargeLine) -> str:
        """Return the text for a charge line; empty if the table has none."""
        row = self.table.row(line)
        return row.values[self.column] if row else ""


def field_of(key: str) -> Callable[[ChargeLine], str]:
    """Return a function that gets a field of a charge line: one of :data:`FIELDS`, or ``dimensions.NAME``."""
    if key.startswith(DIMENSIONS):
        name = key.removeprefix(DIMENSIONS)
        return lambda line: line.dimensions.get(name, "")
    return attrgetter(key)


def _read(content: str, keys: tuple[str, ...]) -> tuple[tuple[str, ...], dict[tuple[str, ...], list[LookupRow]]]:
    lines = csv.reader(content.splitlines(keepends=True), strict=True, skipinitialspace=True)
    try:
        header = [name.strip() for name in next(lines, [])]
        _check_header(header, keys)
        columns = tuple(name for name in header if name not in (*keys, *WINDOW))
        rows: dict[tuple[str, ...], list[LookupRow]] = {}
        for key, row in _rows(lines, header, keys, columns):
            _add(rows.setdefault(key, []), row)
    except csv.Error as error:
        raise LookupTableError(lines.line_num, f"it is not CSV: {error}") from None
    return columns, rows


def _check_header(header: Sequence[str], keys: Sequence[str]) -> None:
    missing = [key for key in keys if key not in header]
    if missing:
        raise LookupTableError(
            1, f'it has no column "{missing[0]}": its header must name each key and each value column'
        )
    twice = [name for name in header if not name or header.count(name) > 1]
    if twice:
        raise LookupTableError(1, f'the column "{twice[0]}" needs a name that no other column has')


def _rows(
    lines: Any, header: Sequence[str], keys: Sequence[str], columns: Sequence[str]
) -> Iterator[tuple[tuple[str, ...], LookupRow]]:
    for number, cells in enumerate(lines, 1):
        if not any(cell.strip() for cell in cells):
            continue
        if number > MOST_ROWS:
            raise LookupTableError(lines.line_num, f"it has more than {MOST_ROWS:,} rows")
        if len(cells) != len(header):
            raise LookupTableError(lines.line_num, f"it has {len(cells)} fields, its header {len(header)}")
        values = {name: cell.strip() for name, cell in zip(header, cells, strict=True)}
        first, last = (_day(values.get(name, ""), name, lines.line_num) for name in WINDOW)
        window = (first or date.min, last or date.max)
        if window[0] > window[1]:
            raise LookupTableError(lines.line_num, f"from {window[0]} is after to {window[1]}")
        data = {name: values[name] for name in columns}
        yield tuple(values[key] for key in keys), LookupRow(lines.line_num, *window, data)


def _day(text: str, name: str, line: int) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise LookupTableError(line, f"{name} {text!r} is not a date; write it as 2024-03-28") from None


def _add(rows: list[LookupRow], row: LookupRow) -> None:
    for other in rows:
        if row.first <= other.last and other.first <= row.last:
            raise LookupTableError(row.line, f"its key is already in line {other.line}, for overlapping post dates")
    rows.append(row)
