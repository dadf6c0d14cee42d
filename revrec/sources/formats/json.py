"""JSON: an array of objects, or an object that contains one (``{"charges": [...]}``), read object by object."""

from collections.abc import Iterator
from typing import Any

from revrec.sources.json_text import JsonText
from revrec.sources.keyed import RecordColumns
from revrec.sources.mapping import ColumnMapping
from revrec.sources.stream import SourceStream
from revrec.sources.table import Record, Table

SUFFIXES = (".json",)


def read(source: SourceStream, mapping: ColumnMapping) -> Table:
    """Return the objects of the array. A row's number is its place in the array, from 1."""
    text = JsonText(source, mapping.encoding)
    columns = RecordColumns(mapping)
    where = f'under "{mapping.record}"' if mapping.record else f'alone or under "{mapping.rows}"'
    return Table(
        columns.header,
        _records(text, mapping, columns),
        lambda number: f"item {number} (line {text.value_line})",
        expected=f"write an array of objects, {where}",
    )


def _records(text: JsonText, mapping: ColumnMapping, columns: RecordColumns) -> Iterator[Record]:
    path = tuple(mapping.record.split("/")) if mapping.record else ()
    if not path and text.peek() == "{":
        path = (mapping.rows,)
    for number, record in enumerate(_under(text, path), start=1):
        yield number, columns.row(record)
    if text.peek():
        raise text.error("there is more text after the array", "put one array in a file, or name the file .jsonl")


def _under(text: JsonText, path: tuple[str, ...]) -> Iterator[Any]:
    """Yield the items of the array at ``path``."""
    if not path:
        yield from text.items("[", "]")
        return
    for name in text.items("{", "}"):
        text.expect(":")
        if name == path[0]:
            yield from _under(text, path[1:])
        else:
            text.value()
