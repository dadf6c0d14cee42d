"""Read shop documents from JSON; the part that the formats of all shops share."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

from revrec.sources.documents import DocumentColumns, DocumentOutcome, DocumentRows, read_whole
from revrec.sources.json_text import JsonText
from revrec.sources.mapping import ColumnMapping
from revrec.sources.shops.objects import Json, JsonNode, documents, path_column
from revrec.sources.stream import SourceStream
from revrec.sources.table import Table


class Shop(NamedTuple):
    """One kind of shop: its column names, the values that they come from, and how to read its documents.

    ``is_wrapper`` receives a name and the object so far, and returns True if documents are nested under that name.
    """

    own_columns: Sequence[str]
    elements: Mapping[str, str]
    is_wrapper: Callable[[str, Mapping[str, Any]], bool]
    document: Callable[[Json, str], JsonNode]
    charges: Callable[[JsonNode], Iterator[DocumentOutcome]]
    events: Callable[[JsonNode], Iterator[DocumentOutcome]]


def read_shop(source: SourceStream, mapping: ColumnMapping, shop: Shop) -> Table:
    """Return the charges or events of every document, numbered from 1 in their order."""
    own, example = shop.own_columns, "order.note or line.vendor"
    columns = DocumentColumns(source, mapping, own, path_column(("order", "line")), example, shop.elements)
    convert = shop.charges if mapping.rows == "charges" else shop.events
    rows = DocumentRows(_outcomes(JsonText(source, mapping.encoding), shop, convert), columns.row)
    expected, elements = "it needs at least one order", columns.elements
    return Table(columns.header, rows.records(), lambda _number: rows.place, expected=expected, elements=elements)


def _outcomes(
    text: JsonText, shop: Shop, convert: Callable[[JsonNode], Iterator[DocumentOutcome]]
) -> Iterator[DocumentOutcome]:
    for number, (value, line) in enumerate(documents(text, shop.is_wrapper), start=1):
        place = f"document {number} (line {line})"
        made = partial(shop.document, value, place)
        yield from read_whole(lambda made=made: convert(made()), lambda value=value: [json.dumps(value)])  # type: ignore[misc]
