"""JSON of shops: find the documents in it, whatever wraps them, and read their values with type checks."""

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from revrec.sources.documents import SENT_AGAIN, BrokenDocument, ColumnFinder
from revrec.sources.json_text import LONGEST_VALUE, JsonText
from revrec.sources.keyed import RecordWithDuplicates
from revrec.sources.problems import shorten

DEEPEST = 8
"""Most wrappers around a document: ``{"data": {"orders": {"edges": [{"node": ...``."""

_NUMBER = re.compile(r"[+-]?[0-9]{1,20}(?:\.[0-9]{1,20})?")

Json = dict[str, Any]
IsWrapper = Callable[[str, Mapping[str, Any]], bool]


class JsonNode:
    """One object of a document. Each method reads a value of one type.

    Raises:
        BrokenDocument: a value is of another type, or a name appears twice. It names the place of the document.
    """

    def __init__(self, value: Json, place: str, name: str = "") -> None:
        self.value = value
        self.place = place
        self._name = name
        if isinstance(value, RecordWithDuplicates):
            raise self.broken(value.name, "", "appears twice in the record")

    def broken(self, name: str, value: object, reason: str, fix: str = SENT_AGAIN) -> BrokenDocument:
        """Return the exception for a document that is broken at this value."""
        shown = value if isinstance(value, str) else ""
        return BrokenDocument(f"{self._name}{name}", shown, reason, self.place, fix)

    def has(self, name: str) -> bool:
        """Return True if the value is present and not null."""
        return self.value.get(name) is not None

    def text(self, name: str) -> str:
        """Return a text or number as text; empty if it is missing."""
        value = self.value.get(name)
        if value is None:
            return ""
        if not isinstance(value, str):
            raise self.broken(name, "", f"is {_kind(value)}, expected text")
        return value.strip()

    def flag(self, name: str) -> bool:
        """Return a boolean; False if it is missing."""
        value = self.value.get(name)
        if value in ("1", "0"):
            return bool(value == "1")
        if value is not None and not isinstance(value, bool):
            raise self.broken(name, value, "is neither true nor false")
        return bool(value)

    def number(self, name: str) -> Decimal:
        """Return an exact number; 0 if it is missing."""
        text = self.text(name)
        if not text:
            return Decimal(0)
        if not _NUMBER.fullmatch(text):
            raise self.broken(name, text, "is not a plain number")
        return Decimal(text)

    def required_number(self, name: str) -> Decimal:
        """Return an exact number that must be present: a missing amount is unknown, and not zero."""
        if not self.text(name):
            raise self.broken(name, "", "is missing")
        return self.number(name)

    def node(self, name: str) -> "JsonNode":
        """Return a nested object; an empty one if it is missing."""
        value = self.value.get(name)
        if value is not None and not isinstance(value, dict):
            raise self.broken(name, value, f"is {_kind(value)}, expected an object")
        return JsonNode(value or {}, self.place, f"{self._name}{name}.")

    def nodes(self, name: str) -> list["JsonNode"]:
        """Return the objects of a nested list; none if it is missing."""
        value = self.value.get(name)
        if value is None:
            return []
        if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
            raise self.broken(name, value, "is not a list of objects")
        return [JsonNode(one, self.place, f"{self._name}{name}[{at}].") for at, one in enumerate(value)]


def _kind(value: object) -> str:
    if isinstance(value, bool):
        return "true or false"
    return "a list" if isinstance(value, list) else "an object" if isinstance(value, dict) else "a text"


def documents(text: JsonText, is_wrapper: IsWrapper) -> Iterator[tuple[Json, int]]:
    """Yield every document of the text with its line: alone, in arrays, wrapped in objects, or one after another.

    ``is_wrapper`` receives a name and the object so far, and returns True if documents are nested under that name.
    """
    for value, line, _name in named_documents(text, is_wrapper):
        yield value, line


def named_documents(text: JsonText, is_wrapper: IsWrapper) -> Iterator[tuple[Json, int, str]]:
    """Yield the same, each also with the name under which it is: the nearest wrapper, or an empty text."""
    while text.peek():
        yield from _walk(text, is_wrapper, 1, "")


def _walk(text: JsonText, is_wrapper: IsWrapper, depth: int, above: str) -> Iterator[tuple[Json, int, str]]:
    if depth > DEEPEST:
        raise text.error("is nested too deeply", "write the documents into one array")
    if text.peek() == "[":
        for _here in text.steps("[", "]"):
            yield from _walk(text, is_wrapper, depth + 1, above)
        return
    if text.peek() != "{":
        value = text.value()
        if value is None:
            return
        raise text.error(f"{_kind(value)} is in the place of a document", "correct it there")
    yield from _object(text, is_wrapper, depth, above)


def _object(text: JsonText, is_wrapper: IsWrapper, depth: int, above: str) -> Iterator[tuple[Json, int, str]]:
    record: Json = {}
    line, size, wrapped = text.line, 0, False
    for name in text.items("{", "}"):
        text.expect(":")
        if not isinstance(name, str):
            raise text.error("expected a name in quotes here", "correct the JSON")
        if name in record:
            raise text.error(f'"{shorten(name)}" appears twice in a record', "keep one")
        if is_wrapper(name, record) and text.peek() in ("[", "{"):
            wrapped = True
            yield from _walk(text, is_wrapper, depth + 1, name)
            continue
        before = text.consumed
        record[name] = text.value()
        size += text.consumed - before
        if size > LONGEST_VALUE:
            raise text.error(f"a document is over {LONGEST_VALUE // 1024} KiB long", "ask the sender to split it")
    if wrapped and record.get("errors"):
        raise text.error("the shop's answer reports errors", "request it from the shop again")
    if not wrapped:
        yield record, line, above


def latest(*times: str) -> str:
    """Return the latest of some times in ISO 8601, whatever their UTC offsets; a time without one is in UTC."""
    return max(times, key=_instant)


def _instant(text: str) -> tuple[datetime, str]:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return datetime.min.replace(tzinfo=UTC), text
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)), text


def path_column(roots: tuple[str, ...]) -> Callable[[str], ColumnFinder | None]:
    """Return a parser of columns such as ``order.shipping_address.country``: a value by its path under a root."""

    def parse(column: str) -> ColumnFinder | None:
        root, *names = column.split(".")
        if root not in roots or not names:
            return None
        return lambda scopes: _at(scopes.get(root), names)

    return parse


def _at(value: Any, names: list[str]) -> str:
    for name in names:
        value = value.get(name) if isinstance(value, dict) else None
    return value if isinstance(value, str) else str(value).lower() if isinstance(value, bool) else ""
