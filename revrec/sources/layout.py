"""Where each field of a row stands: a mapping and a header worked out once, so that rows are read by position."""

from collections import Counter
from collections.abc import Sequence

from revrec.sources.formats import Table
from revrec.sources.keyed import unknown_column
from revrec.sources.mapping import ColumnMapping
from revrec.sources.problems import did_you_mean, shorten
from revrec.sources.stream import SourceStream

MOST_COLUMNS = 1000
"""Columns a header may have."""


class Layout:
    """Positions of fields and dimensions in a row that :meth:`complete` has filled up.

    Constants and the empty text stand behind the row's own values, so every field has a position.
    """

    def __init__(self, mapping: ColumnMapping, header: Sequence[str]) -> None:
        self._tail = [""]
        self._fill: list[tuple[int, str]] = []
        self.positions: dict[str, int] = {}
        columns = {column: place for place, column in enumerate(header)}
        for name in (*(field.name for field in mapping.fields), *mapping.all_dimensions):
            self.positions[name] = self._place(name, mapping, columns, len(header))

    def _place(self, name: str, mapping: ColumnMapping, columns: dict[str, int], width: int) -> int:
        column = mapping.column_of(name)
        default = mapping.defaults.get(name, "")
        if column in columns:
            if default:
                self._fill.append((columns[column], default))
            return columns[column]
        fixed = mapping.constants.get(name, "") or default
        if fixed:
            self._tail.append(fixed)
        return width + (len(self._tail) - 1 if fixed else 0)

    def complete(self, row: list[str]) -> list[str]:
        """The row with constants behind it and defaults where it is empty."""
        values = row + self._tail
        for place, default in self._fill:
            if not values[place].strip():
                values[place] = default
        return values


def check_header(source: SourceStream, mapping: ColumnMapping, table: Table) -> None:
    """Refuse a header with columns that are missing, unknown, unnamed or there twice; all of it in one message."""
    header = list(table.header)
    if not table.strict:
        return
    if len(header) > MOST_COLUMNS:
        raise source.error("the header", f"has {len(header):,} columns", "check the delimiter")
    wrong = [*_twice(header), *_missing(header, mapping), *_unknown(header, mapping)]
    if wrong:
        reasons, mends = zip(*wrong, strict=True)
        raise source.error("the header", ", ".join(reasons), "; ".join(dict.fromkeys(mends)))


Wrong = tuple[str, str]


def _twice(header: list[str]) -> list[Wrong]:
    names = Counter(name for name in header if name)
    return [
        (f'column "{shorten(name)}" stands {count} times', "keep one of them")
        for name, count in names.items()
        if count > 1
    ]


def _missing(header: list[str], mapping: ColumnMapping) -> list[Wrong]:
    """Columns of required fields, and those that the mapping names itself."""
    wrong = []
    named = {*mapping.columns, *mapping.dimensions}
    required = {field.name for field in mapping.fields if field.required} - set(mapping.defaults)
    if not mapping.needs_currency():
        required.discard("currency")
    for name in (*(field.name for field in mapping.fields), *mapping.all_dimensions):
        column = mapping.column_of(name)
        if column is None or column in header or name not in named | required:
            continue
        what = f'column "{column}" is missing' + (f" (for {name})" if column != name else "")
        other = f'columns.{name} or a constant {name} = "..." in the mapping'
        mend = f"{did_you_mean(column, header)}add the column, or set {other}"
        wrong.append((what, mend))
    return wrong


def _unknown(header: list[str], mapping: ColumnMapping) -> list[Wrong]:
    known = mapping.wanted_columns()
    wrong = []
    for place, name in enumerate(header, start=1):
        if name in known or mapping.ignores(name):
            continue
        if not name:
            wrong.append((f"column {place} has no name", "name it, or remove it"))
        else:
            wrong.append((f'column "{shorten(name)}" is not known', unknown_column(name, known).mend))
    return wrong
