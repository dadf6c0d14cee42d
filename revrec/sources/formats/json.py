"""JSON: an array of objects, or an object that contains one (``{"charges": [...]}``), read object by object."""

from collections.abc import Iterator
from typing import Any

from revrec.sources.json_text import JsonText
from revrec.sources.keyed import RecordColumns
from revrec.sources.mapping import ColumnMapping
from revrec.sources.nested import NestedDocument, nested_table, wrappers
from revrec.sources.shops.objects import named_documents
from revrec.sources.stream import SourceStream
from revrec.sources.table import Record, Table

SUFFIXES = (".json",)


def read(source: SourceStream, mapping: ColumnMapping) -> Table:
    """Return the objects of the array. A row's number is its place in the array, from 1."""
    text = JsonText(source, mapping.encoding)
    if mapping.lines:
        return nested_table(nested_documents(text, mapping), mapping)
    columns = RecordColumns(mapping)
    named = " or ".join(f'"{path}"' for path in mapping.record)
    where = f"under {named}" if named else f'alone or under "{mapping.rows}"'
    return Table(
        columns.header,
        _records(text, mapping, columns),
        lambda number: f"item {number} (line {text.value_line})",
        expected=f"write an array of objects, {where}",
    )


def _records(text: JsonText, mapping: ColumnMapping, columns: RecordColumns) -> Iterator[Record]:
    paths = tuple(tuple(path.split("/")) for path in mapping.record)
    if not paths and text.peek() == "{":
        paths = ((mapping.rows,),)
    for number, record in enumerate(_under(text, paths), start=1):
        yield number, columns.row(record)
    if text.peek():
        raise text.error("there is more text after the array", "put one array in a file, or name the file .jsonl")


def _under(text: JsonText, paths: tuple[tuple[str, ...], ...]) -> Iterator[Any]:
    """Yield the items of the arrays at these paths."""
    if not any(paths):
        yield from text.items("[", "]")
        return
    for name in text.items("{", "}"):
        text.expect(":")
        inside = tuple(path[1:] for path in paths if path[:1] == (name,))
        if inside:
            yield from _under(text, inside)
        else:
            text.value()


def nested_documents(text: JsonText, mapping: ColumnMapping) -> Iterator[NestedDocument]:
    """Yield documents with lines: alone, in arrays, one after another, or under the names of the mapping's record."""
    found = named_documents(text, wrappers(mapping))
    for number, (value, line, name) in enumerate(found, start=1):
        yield NestedDocument(value, f"document {number} (line {line})", name)
