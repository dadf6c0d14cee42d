"""JSON Lines: one object a line."""

import io
import json
from collections.abc import Iterator

from revrec.sources.json_text import DECODER
from revrec.sources.keyed import Columns, damaged
from revrec.sources.mapping import ColumnMapping
from revrec.sources.rows import Damaged
from revrec.sources.stream import DecodedStream, SourceStream
from revrec.sources.table import Record, Table, by_line

SUFFIXES = (".jsonl", ".ndjson")


def read(source: SourceStream, mapping: ColumnMapping) -> Table:
    """The objects, one a line; blank lines are passed over. A row's number is its line."""
    looks = DecodedStream(source, mapping.encoding, breaks=b"\n\r")
    text = io.TextIOWrapper(io.BufferedReader(looks), "utf-8")
    columns = Columns(mapping)
    return Table(columns.header, _records(text, columns), by_line)


def _records(text: io.TextIOWrapper, columns: Columns) -> Iterator[Record]:
    for number, line in enumerate(text, start=1):
        if line.strip():
            yield number, _row(line, columns)


def _row(line: str, columns: Columns) -> list[str] | Damaged:
    try:
        return columns.row(DECODER.decode(line.strip()))
    except json.JSONDecodeError as err:
        return damaged("record", f"damaged JSON at column {err.colno} ({err.msg})", "correct it there", line.strip())
    except RecursionError:
        return damaged("record", "is nested too deeply", "write it flat", line.strip())
