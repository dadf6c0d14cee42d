"""Lay out records that name their own values (JSON objects, XML elements) in columns, like the rows of a table."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from revrec.core.keys import suggestion
from revrec.sources.mapping import ColumnMapping
from revrec.sources.problems import RowProblem, shorten
from revrec.sources.rows import DamagedRecord


class RecordWithDuplicates(dict[str, Any]):
    """A record in which a name appears more than once. ``name`` is the first such name."""

    name = ""


def record_of(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    """Return names and values as a dict; as a :class:`RecordWithDuplicates` if a name repeats.

    A plain dict would silently keep the last of two amounts, and no one would know which one was meant.
    """
    record = dict(pairs)
    if len(record) == len(pairs):
        return record
    names = [name for name, _ in pairs]
    twice = RecordWithDuplicates(record)
    twice.name = next(name for name in names if names.count(name) > 1)
    return twice


_LINES = 'set lines = "{name}" in the mapping to read each of its items as a row, or list it in ignore'

DEEPEST = 8
"""Levels of nesting that a dotted column name such as ``buyer.address.city`` can reach."""


class RecordColumns:
    """The columns that a mapping asks for, and the conversion of a record to one row of them."""

    def __init__(self, mapping: ColumnMapping) -> None:
        self.header = mapping.wanted_columns()
        self._known = frozenset(self.header)
        self._mapping = mapping

    def row(self, record: object) -> list[str] | DamagedRecord:
        """Return the record's values in the header's order, missing ones empty; or a damaged record."""
        if isinstance(record, RecordWithDuplicates):
            return damaged(record.name, "appears twice in the record", "keep one")
        if not isinstance(record, dict):
            return damaged("record", "is not an object with names and values", 'write {"document": ...}')
        if any(type(value) in (dict, list) for value in record.values()):
            record = dict(_flat(record))
        cells = [_cell(record.get(name)) for name in self.header]
        if None in cells or not self._known.issuperset(record):
            problems = [*self._unreadable(record), *self._unknown(record)]
            if problems:
                return DamagedRecord(problems, [cell or "" for cell in cells])
        return [cell or "" for cell in cells]

    def _unreadable(self, record: Mapping[str, Any]) -> Iterator[RowProblem]:
        for name in self.header:
            if _cell(record.get(name)) is None:
                kind = {list: "a list", bool: "true or false"}.get(type(record[name]), "an object")
                yield RowProblem(name, "", f"is {kind}, not text or a number", "write it as text")

    def _unknown(self, record: Mapping[str, Any]) -> Iterator[RowProblem]:
        for name in record:
            if name not in self._known and not self._mapping.ignores(name):
                problem = unknown_column(name, self.header)
                is_lines = type(record[name]) is list and any(type(one) is dict for one in record[name])
                yield problem._replace(fix=_LINES.format(name=shorten(name))) if is_lines else problem


def unknown_column(name: str, known: Sequence[str]) -> RowProblem:
    """Return the problem of a column that nothing reads. Dropping it silently could lose a discount or a credit."""
    fix = f"{suggestion(name, known)}map it in columns or dimensions, or list it in ignore"
    return RowProblem(shorten(name) or "(no name)", "", "is not a known column", fix)


def damaged(field: str, reason: str, fix: str, value: str = "", raw: Sequence[str] = ()) -> DamagedRecord:
    """Return a record that is broken in one place. ``raw`` holds what could be read of it."""
    return DamagedRecord([RowProblem(shorten(field), shorten(value), reason, fix)], raw)


def _cell(value: Any) -> str | None:
    """Return a value's text; None for what a charge line cannot hold (a list, an object, true or false)."""
    if type(value) is str:
        return value
    return "" if value is None else None


def _flat(record: Mapping[str, Any], prefix: str = "", depth: int = 1) -> Iterator[tuple[str, Any]]:
    for name, value in record.items():
        if type(value) is dict and depth < DEEPEST:
            yield from _flat(value, f"{prefix}{name}.", depth + 1)
        else:
            yield prefix + name, value
