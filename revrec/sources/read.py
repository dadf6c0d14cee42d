"""Reading a source from end to end: its format found, its header checked, its rows yielded one by one."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO, TypeAlias, TypeVar

from revrec.core.errors import BadConfiguration
from revrec.sources import formats
from revrec.sources.charges import ChargeRows
from revrec.sources.events import EventRows
from revrec.sources.formats import Table
from revrec.sources.layout import Layout, check_header
from revrec.sources.mapping import NATIVE_CHARGES, NATIVE_EVENTS, ColumnMapping
from revrec.sources.rows import EventRowResult, Row
from revrec.sources.stream import SourceStream

Source: TypeAlias = str | Path | BinaryIO | SourceStream
"""A path, an open binary stream, or a :class:`SourceStream` that its owner will ask for the digest."""

AnyRow = TypeVar("AnyRow")


def read_charges(source: Source, mapping: ColumnMapping = NATIVE_CHARGES) -> Iterator[Row]:
    """Yield each row of ``source`` as a good row with its charge line, or as a bad one with all its problems.

    Nothing is read before the first row is asked for, and no more than a block ahead of it. Raises SourceError where
    the file as a whole cannot be used, which may be after rows were yielded (damage in its midst): whoever imports
    all or nothing must keep what came before uncommitted until the end. The source is closed at the end.
    """
    return _read(source, mapping, "charges", lambda layout, table: ChargeRows(mapping, layout).rows(table))


def read_events(source: Source, mapping: ColumnMapping = NATIVE_EVENTS) -> Iterator[EventRowResult]:
    """As :func:`read_charges`, for fulfilment events."""
    return _read(source, mapping, "events", lambda layout, table: EventRows(mapping, layout).rows(table))


def _read(
    source: Source, mapping: ColumnMapping, rows: str, convert: Callable[[Layout, Table], Iterator[AnyRow]]
) -> Iterator[AnyRow]:
    if mapping.rows != rows:
        raise BadConfiguration(f'[mapping.{mapping.name}] is for {mapping.rows}: set rows = "{rows}" to read {rows}')
    with source if isinstance(source, SourceStream) else SourceStream(source) as stream:
        table = formats.find(stream, mapping).read(stream, mapping)
        check_header(stream, mapping, table)
        row = None
        for row in convert(Layout(mapping, table.header), table):
            yield row
        if row is None:
            raise stream.error("", f"has no {rows}", table.expected)
        stream.drain()
