"""Read a source from end to end: find its format, check its header, yield its rows one by one."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, BinaryIO, TypeAlias

from revrec.core.errors import BadConfiguration
from revrec.sources import formats
from revrec.sources.charges import ChargeRows
from revrec.sources.control import controlled
from revrec.sources.events import EventRows
from revrec.sources.layout import Layout, check_header
from revrec.sources.mapping import NATIVE_CHARGES, NATIVE_EVENTS, ColumnMapping
from revrec.sources.problems import shorten
from revrec.sources.rows import ChargeRowResult, EventRowResult, PassedOverRecord
from revrec.sources.stream import SourceStream
from revrec.sources.table import Record, Table

Source: TypeAlias = str | Path | BinaryIO | SourceStream
"""A path, an open binary stream, or a :class:`SourceStream`, whose owner can ask it for the digest afterwards."""

LINE = "line"
"""Column that is added to a file whose rows are numbered."""


def read_charges(
    source: Source, mapping: ColumnMapping = NATIVE_CHARGES, may_be_empty: bool = False
) -> Iterator[ChargeRowResult]:
    """Yield each row of ``source`` as a good row with its charge line, or as a bad one with all its problems.

    Reading starts with the first row that is requested and stays at most one block ahead. The source is closed at the
    end.

    Raises:
        SourceError: the file as a whole cannot be used, or has no row and ``may_be_empty`` is False. Damage in the
            middle of a file is found after rows were yielded, so do not commit any row before the end.
        BadConfiguration: the mapping is for events.
    """

    return _read(source, mapping, "charges", ChargeRows, may_be_empty)


def read_events(
    source: Source, mapping: ColumnMapping = NATIVE_EVENTS, may_be_empty: bool = False
) -> Iterator[EventRowResult]:
    """Yield the rows of a file of fulfillment events; otherwise the same as :func:`read_charges`."""
    return _read(source, mapping, "events", EventRows, may_be_empty)


def _read(
    source: Source,
    mapping: ColumnMapping,
    rows: str,
    kind: Callable[[ColumnMapping, Layout], Any],
    may_be_empty: bool,
) -> Iterator[Any]:
    if mapping.rows != rows:
        raise BadConfiguration(f'[mapping.{mapping.name}] is for {mapping.rows}: set rows = "{rows}" to read {rows}')
    with source if isinstance(source, SourceStream) else SourceStream(source) as stream:
        table = open_table(stream, mapping)
        row, reader = None, kind(mapping, Layout(mapping, table.header))
        for row in _controlled(reader.rows(table), stream, mapping, table):
            yield row
        if row is None and not may_be_empty:
            raise stream.error("", f"has no {rows}", table.expected)
        stream.drain()
        stream.warnings += [reader.warning] if reader.warning else []


def _controlled(rows: Iterator[Any], stream: SourceStream, mapping: ColumnMapping, table: Table) -> Iterator[Any]:
    return controlled(rows, stream, mapping, table.header) if mapping.totals or mapping.document_total else rows


def reread(
    mapping: ColumnMapping, columns: Mapping[str, str], fixes: Mapping[str, str], number: int, place: str
) -> ChargeRowResult | EventRowResult:
    """Read one row again from its values by column, with ``fixes`` (by field) replacing what the source wrote."""
    header = tuple(columns)
    layout = Layout(mapping, header, fixes)
    table = Table(header, iter([(number, list(columns.values()))]), lambda _: place)
    rows = ChargeRows(mapping, layout) if mapping.rows == "charges" else EventRows(mapping, layout)
    return next(iter(rows.rows(table)))


def open_table(stream: SourceStream, mapping: ColumnMapping) -> Table:
    """Open the source as a table, check its header, and set ``stream.header`` to its columns.

    Raises:
        SourceError: the format is unknown, or the header cannot be used.
    """
    table = formats.find_format(stream, mapping).read(stream, mapping)
    if mapping.numbered:
        table = _with_line_column(stream, table)
    check_header(stream, mapping, table)
    stream.header = tuple(table.header)
    if mapping.only:
        table = table._replace(records=_chosen(table, mapping))
    return table._replace(records=_numbered(table, mapping)) if mapping.numbered else table


def _with_line_column(stream: SourceStream, table: Table) -> Table:
    """Return the table with a column for the number of each row.

    Raises:
        SourceError: the file has this column itself.
    """
    if LINE not in table.header:
        return table._replace(header=[*table.header, LINE])
    if table.strict:
        fix = 'remove line = "#" from the mapping, or map another column'
        raise stream.error("the header", f'has a column "{LINE}", and the mapping numbers the rows', fix)
    return table


def _numbered(table: Table, mapping: ColumnMapping) -> Iterator[Record]:
    """Yield the records, each with its number within its document in the column for it."""
    column = mapping.column_of("document")
    place, line = table.header.index(column) if column else None, table.header.index(LINE)
    counts: Counter[str] = Counter()
    for number, row in table.records:
        if isinstance(row, list):
            document = row[place].strip() if place is not None else ""
            counts[document] += 1
            yield number, [*row[:line], str(counts[document]), *row[line + 1 :]]
        elif isinstance(row, PassedOverRecord):
            # The amounts of these rows are read by the same places, so they need the column, too.
            yield number, row._replace(rows=[[*one[:line], "", *one[line + 1 :]] for one in row.rows])
        else:
            yield number, row


def _chosen(table: Table, mapping: ColumnMapping) -> Iterator[Record]:
    """Yield the records; those that the mapping's ``only`` does not select are passed over."""
    asked = [(table.header.index(column), column, patterns) for column, patterns in mapping.only.items()]
    for number, row in table.records:
        if isinstance(row, list):
            for place, column, patterns in asked:
                value = row[place].strip()
                if not any(fnmatchcase(value, pattern) for pattern in patterns):
                    said = f'{column} is "{shorten(value)}"' if value else f"{column} is empty"
                    yield number, PassedOverRecord(said, [row])
                    break
            else:
                yield number, row
        else:
            yield number, row
