"""Lookup tables: CSV files next to the configuration that translate codes and supply what a source leaves out.

A table of aliases has a column ``alias`` (what the source writes) and one named after the field (what it means here).
Any other table has a column named after the field that it is looked up by, and one named after the field it supplies.
"""

import csv
import hashlib
import io
from pathlib import Path
from typing import NamedTuple

from revrec.core.errors import BadConfiguration
from revrec.core.keys import suggestion
from revrec.sources.problems import InvalidValue
from revrec.sources.text import clean_id

ALIAS = "alias"
"""The column of an alias table that holds what the source writes."""

LARGEST = 64 * 1024 * 1024
"""Most bytes of a table, which is held in memory."""

_CACHE_LIMIT = 20_000


class TableHit(NamedTuple):
    """A value and its row in the table, counted in lines from 1."""

    value: str
    row: int


class MappingTable:
    """One table by one of its columns. ``file`` is its configured name; ``sha256`` is the digest of its content."""

    def __init__(self, file: str, sha256: str, rows: dict[str, TableHit]) -> None:
        self.file = file
        self.sha256 = sha256
        self._rows = rows
        self._cache: dict[str, TableHit | None] = {}

    @classmethod
    def load(cls, home: Path, file: str, by: str, value: str) -> "MappingTable":
        """Read the columns ``by`` and ``value`` of a table.

        Raises:
            BadConfiguration: the file is missing, damaged or too large, lacks a column, or has a key twice.
        """
        data = _read(home / file)
        try:
            lines = csv.reader(io.StringIO(data.decode("utf-8-sig"), newline=""), strict=True, skipinitialspace=True)
            rows = _rows(file, lines, by, value)
        except (UnicodeDecodeError, csv.Error) as error:
            raise BadConfiguration(f"{file}: cannot be read ({error}); save it as CSV in UTF-8") from None
        return cls(file, hashlib.sha256(data).hexdigest(), rows)

    def find(self, text: str) -> TableHit | None:
        """Return what the table has for ``text``, which is trimmed and cleaned first; None if it has nothing."""
        try:
            return self._cache[text]
        except KeyError:
            if len(self._cache) >= _CACHE_LIMIT:
                self._cache.clear()
            found = self._cache[text] = self._rows.get(_key(text))
            return found


class FieldLookup(NamedTuple):
    """Lookup of a missing value in ``table``, by the row's value of the field ``by``."""

    by: str
    table: MappingTable


def _key(text: str) -> str:
    try:
        return clean_id(text)
    except InvalidValue:
        return ""


def _read(path: Path) -> bytes:
    try:
        if path.stat().st_size > LARGEST:
            raise BadConfiguration(f"{path}: is over {LARGEST // 1024 // 1024} MiB; a lookup table is held in memory")
        return path.read_bytes()
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        raise BadConfiguration(
            f"{path}: cannot be read ({why}); put lookup tables next to the configuration file"
        ) from None


def _rows(file: str, lines: "csv._reader", by: str, value: str) -> dict[str, TableHit]:  # type: ignore[name-defined]
    header = [name.strip() for name in next(lines, [])]
    missing = [name for name in (by, value) if name not in header]
    if missing:
        hint = suggestion(missing[0], header)
        raise BadConfiguration(f'{file}: has no column "{missing[0]}"; {hint}its header must name {by} and {value}')
    key_at, value_at = header.index(by), header.index(value)
    found: dict[str, TableHit] = {}
    number = lines.line_num + 1
    for row in lines:
        if any(cell.strip() for cell in row):
            _one(file, number, row, (len(header), key_at, value_at), found)
        number = lines.line_num + 1
    return found


def _one(file: str, number: int, row: list[str], places: tuple[int, int, int], found: dict[str, TableHit]) -> None:
    width, key_at, value_at = places
    if len(row) != width:
        raise BadConfiguration(f"{file}: line {number}: has {len(row)} fields, the header has {width}; correct it")
    try:
        key, value = clean_id(row[key_at]), clean_id(row[value_at])
    except InvalidValue as refused:
        raise BadConfiguration(f"{file}: line {number}: {refused.reason}; {refused.fix}") from None
    if not key or not value:
        return
    same = found.get(key)
    if same and same.value != value:
        raise BadConfiguration(
            f'{file}: line {number}: "{key}" is already in line {same.row} with another value; keep one of the two'
        )
    found.setdefault(key, TableHit(value, number))
