"""Documents of JSON and XML with several lines: one row for each line, with values of the line and of its document.

A mapping names the lists of lines (``lines = "line_items"``) and values by their paths: ``customer.id`` from the
document, ``line.sku`` from a line of any list, ``line_items.sku`` from a line of that list. A path ends at one value:
``taxes[type=VAT].amount`` chooses one by its neighbor, and ``sum(taxes.amount)`` adds several.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from typing import Any, NamedTuple

from revrec.core.keys import suggestion
from revrec.sources.keyed import RecordWithDuplicates, damaged
from revrec.sources.mapping import (
    DOCUMENT_COLUMN,
    LINE_SCOPE,
    LIST_COLUMN,
    NUMBER_COLUMN,
    RECORD_COLUMN,
    VALUE_COLUMN,
    ColumnMapping,
)
from revrec.sources.problems import InvalidValue, RowProblem, shorten
from revrec.sources.rows import DamagedRecord
from revrec.sources.table import Record, Table

TEXT = ""
"""Name of an XML element's own text beside its attributes."""

_STEP = re.compile(r"([^.\[\]()]+)(?:\[([^.\[\]=]+)=([^\[\]]*)\])?", re.DOTALL)
_SUM = re.compile(r"sum\((.+)\)", re.DOTALL)
_NUMBER = re.compile(r"[+-]?[0-9]{1,40}(?:\.[0-9]{1,40})?")


class NestedDocument(NamedTuple):
    """One document: its nested values, its place for people, and the name under which it is.

    In XML a list of one item looks like a single value.
    """

    value: Any
    place: str
    name: str
    is_xml: bool = False


class PathStep(NamedTuple):
    """One step of a path: a name, and if it has a condition (``[key=wanted]``) the value that a neighbor must have."""

    name: str
    key: str = ""
    wanted: str = ""


Path = tuple[PathStep, ...]


def read_path(text: str) -> Path:
    """Return the steps of a path such as ``taxes[type=VAT].amount``; a text that is not a path is one name."""
    steps, at = [], 0
    while found := _STEP.match(text, at):
        steps.append(PathStep(found[1], found[2] or "", found[3] or ""))
        if found.end() == len(text):
            return tuple(steps)
        if text[found.end()] != ".":
            break
        at = found.end() + 1
    return (PathStep(text),)


def nested_table(
    documents: Iterator[NestedDocument], mapping: ColumnMapping, expected: str = "it needs at least one document"
) -> Table:
    """Return the lines of all documents as a table, numbered from 1 in their order."""
    rows = _NestedRows(documents, mapping)
    return Table(rows.header, rows.records(), lambda _number: rows.place, expected=expected)


class _NestedRows:
    """The rows of documents. ``place`` is the place of the last one."""

    def __init__(self, documents: Iterator[NestedDocument], mapping: ColumnMapping) -> None:
        self._documents = documents
        self._lists = {path: read_path(path) for path in mapping.lines}
        self.header = (*mapping.wanted_columns(), DOCUMENT_COLUMN)
        named = {*mapping.named_columns()}
        self._columns = [_NestedColumn(name, name in named, tuple(self._lists)) for name in self.header]
        self.place = ""

    def records(self) -> Iterator[Record]:
        """Yield a row for each line; a document without lines has one row with its own values."""
        number = 0
        for at, document in enumerate(self._documents, start=1):
            is_empty = True
            for name, position, line in self._lines(document):
                is_empty = False
                number += 1
                self.place = f"{document.place}, {name} {position}"
                yield number, self._row(_LineScopes(document, line, name, position, at))
            if is_empty:
                number += 1
                self.place = document.place
                yield number, self._row(_LineScopes(document, {}, "", 0, at))

    def _lines(self, document: NestedDocument) -> Iterator[tuple[str, int, Any]]:
        for name, path in self._lists.items():
            found = (one for above in found_at(document.value, path[:-1]) for one in _items(above, path[-1], document))
            for position, line in enumerate(found, start=1):
                yield name, position, line if isinstance(line, Mapping) else {TEXT: line}

    def _row(self, scopes: "_LineScopes") -> list[str] | DamagedRecord:
        if not isinstance(scopes.document.value, Mapping):
            return damaged("record", "is not an object with names and values", "correct the document")
        cells, problems = [], []
        for column in self._columns:
            try:
                cells.append(column.text(scopes))
            except InvalidValue as refused:
                cells.append("")
                problems.append(RowProblem(shorten(column.name), "", refused.reason, refused.fix))
        # A damaged line has its cells, too: they say which document it belongs to.
        return DamagedRecord(problems, cells) if problems else cells


class _LineScopes(NamedTuple):
    """A line, the list that it is in, its position there from 1, and its document with its number in the file."""

    document: NestedDocument
    line: Mapping[str, Any]
    list_name: str
    position: int
    number: int


class _NestedColumn:
    """One column of the rows. A column that the mapping does not name is empty instead of wrong if it is no text."""

    def __init__(self, name: str, is_named: bool, lists: tuple[str, ...]) -> None:
        self.name = name
        self._is_named = is_named
        summed = _SUM.fullmatch(name)
        self._is_sum = summed is not None
        path = summed[1] if summed else name
        # The longest list first: "lines.data" before "lines".
        found = sorted((one for one in lists if path.startswith(f"{one}.")), key=len, reverse=True)
        self._list = found[0] if found and not summed else ""
        self._of_line = bool(self._list) or path.startswith(LINE_SCOPE)
        start = len(self._list) + 1 if self._list else len(LINE_SCOPE) if self._of_line else 0
        self._path = read_path(path[start:])

    def text(self, scopes: _LineScopes) -> str:
        """Return the value of a line or of its document; empty if there is none.

        Raises:
            InvalidValue: there are several values, or the value is no text or number.
        """
        special = {
            LIST_COLUMN: scopes.list_name, NUMBER_COLUMN: str(scopes.position), DOCUMENT_COLUMN: str(scopes.number),
            RECORD_COLUMN: scopes.document.name, VALUE_COLUMN: scalar_text(scopes.line.get(TEXT)) or "",
        }  # fmt: skip
        if self.name in special:
            return special[self.name]
        if self._list and self._list != scopes.list_name:
            return ""
        found = found_at(scopes.line if self._of_line else scopes.document.value, self._path)
        if self._is_sum:
            return f"{sum(map(_number, found), Decimal(0)):f}"
        texts = list(dict.fromkeys(text for one in found if (text := self._scalar(one))))
        if len(texts) > 1:
            fix = f'choose one, such as "{self.name}[name=value]" does, or add them with "sum({self.name})"'
            raise InvalidValue(f"has {len(texts)} different values in the document", fix)
        return texts[0] if texts else ""

    def _scalar(self, value: Any) -> str:
        text = scalar_text(value)
        if text is None and self._is_named:
            kind = "a list" if isinstance(value, list) else "an object"
            inside = suggestion(self.name, [f"{self.name}.{one}" for one in value] if isinstance(value, dict) else [])
            raise InvalidValue(f"is {kind}, not text or a number", f"{inside}name a value inside it, or ask for its id")
        return text or ""


def scalar_text(value: Any) -> str | None:
    """Return a value as text; None for a list or an object without a text."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return str(value).lower()
    if value is None:
        return ""
    return value.get(TEXT) if isinstance(value, Mapping) else None


def _number(value: Any) -> Decimal:
    text = (scalar_text(value) or "").strip()
    if not _NUMBER.fullmatch(text):
        raise InvalidValue(f'cannot be added: "{shorten(text)}" is not a plain number', "correct the document")
    return Decimal(text)


def found_at(value: Any, path: Path) -> list[Any]:
    """Return what a path leads to, in every item of the lists on its way.

    Raises:
        InvalidValue: a name appears twice in an object on the way.
    """
    if isinstance(value, list):
        return [found for one in value for found in found_at(one, path)]
    if not path:
        return [] if value is None else [value]
    if not isinstance(value, Mapping):
        return []
    if isinstance(value, RecordWithDuplicates):
        raise InvalidValue(f'"{shorten(value.name)}" appears twice in a record', "keep one")
    step, rest = path[0], path[1:]
    inner = value.get(step.name)
    if step.key:
        many = inner if isinstance(inner, list) else [inner]
        key = read_path(step.key)
        inner = [one for one in many if step.wanted in map(scalar_text, found_at(one, key))]
    return found_at(inner, rest)


def _items(above: Any, step: PathStep, document: NestedDocument) -> list[Any]:
    """Return the lines that an object has under a name: the items of a list, or a single value that is no object."""
    inner = above.get(step.name) if isinstance(above, Mapping) else None
    is_list = isinstance(inner, list) or document.is_xml or not isinstance(inner, Mapping)
    return found_at(above, (step,)) if is_list else []


def wrappers(mapping: ColumnMapping) -> Callable[[str, Mapping[str, Any]], bool]:
    """Return a function that is True for the names that a mapping's ``record`` gives to what wraps its documents."""
    names = {name for path in mapping.record for name in path.split("/")}
    return lambda name, _before: name in names
