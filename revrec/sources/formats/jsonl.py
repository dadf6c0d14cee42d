"""JSON Lines: one object a line."""

import io
import json
from collections.abc import Iterator

from revrec.sources.formats.json import nested_documents
from revrec.sources.json_text import DECODER, JsonText
from revrec.sources.keyed import RecordColumns, damaged
from revrec.sources.mapping import ColumnMapping
from revrec.sources.nested import nested_table
from revrec.sources.rows import DamagedRecord
from revrec.sources.stream import DecodedStream, SourceStream
from revrec.sources.table import Record, Table, by_row

SUFFIXES = (".jsonl", ".ndjson")


def read(source: SourceStream, mapping: ColumnMapping) -> Table:
    """Return the objects, one a line, without blank lines. A row's number is its line."""
    if mapping.lines:
        return nested_table(nested_documents(JsonText(source, mapping.encoding), mapping), mapping)
    scan = DecodedStream(source, mapping.encoding, breaks=b"\n\r")
    text = io.TextIOWrapper(io.BufferedReader(scan), "utf-8")
    columns = RecordColumns(mapping)
    return Table(columns.header, _records(text, columns), by_row)


def _records(text: io.TextIOWrapper, columns: RecordColumns) -> Iterator[Record]:
    for number, line in enumerate(text, start=1):
        if line.strip():
            yield number, _row(line, columns)


def _row(line: str, columns: RecordColumns) -> list[str] | DamagedRecord:
    try:
        return columns.row(DECODER.decode(line.strip()))
    except json.JSONDecodeError as err:
        return damaged("record", f"damaged JSON at column {err.colno} ({err.msg})", "correct it there", line.strip())
    except RecursionError:
        return damaged("record", "is nested too deeply", "write it flat", line.strip())
