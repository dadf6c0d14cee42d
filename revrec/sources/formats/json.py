"""JSON: an array of objects, or an object that holds one (``{"charges": [...]}``), read object by object.

The standard library decodes each object by itself, so memory stays flat, numbers keep their digits as they stand,
and damage of any kind (endless numbers, bottomless nesting) ends in an error that names the line.
"""

import io
import json
from collections.abc import Iterator
from typing import Any

from revrec.sources.formats import Record, Table
from revrec.sources.keyed import Columns, record_of
from revrec.sources.mapping import ColumnMapping
from revrec.sources.stream import DecodedStream, SourceStream

SUFFIXES = (".json",)
LONGEST_VALUE = 1024 * 1024
"""Characters of one record; a longer one is refused rather than gathered in memory."""

_CHUNK = 64 * 1024

# Numbers stay the text they are: 24.00 is neither a float nor 24.0, and NaN is refused later by name.
DECODER = json.JSONDecoder(object_pairs_hook=record_of, parse_float=str, parse_int=str, parse_constant=str)
"""Decodes one record."""


def read(source: SourceStream, mapping: ColumnMapping) -> Table:
    """The objects of the array. A row's number is its place in the array, from 1."""
    looks = DecodedStream(source, mapping.encoding, breaks=b'"')
    text = _Text(io.TextIOWrapper(io.BufferedReader(looks, _CHUNK), "utf-8", newline=""), source)
    columns = Columns(mapping)
    where = f'under "{mapping.record}"' if mapping.record else f'alone or under "{mapping.rows}"'
    return Table(
        columns.header,
        _records(text, mapping, columns),
        lambda number: f"item {number} (line {text.value_line})",
        expected=f"write an array of objects, {where}",
    )


def _records(text: "_Text", mapping: ColumnMapping, columns: Columns) -> Iterator[Record]:
    path = tuple(mapping.record.split("/")) if mapping.record else ()
    if not path and text.peek() == "{":
        path = (mapping.rows,)
    for number, record in enumerate(_under(text, path), start=1):
        yield number, columns.row(record)
    if text.peek():
        raise text.error("there is text after the end", "keep one array in a file, or name it .jsonl")


def _under(text: "_Text", path: tuple[str, ...]) -> Iterator[Any]:
    """The items of the array at ``path``."""
    if not path:
        yield from text.items("[", "]")
        return
    for name in text.items("{", "}"):
        text.expect(":")
        if name == path[0]:
            yield from _under(text, path[1:])
        else:
            text.value()


class _Text:
    """A window on the text that slides along with what was read."""

    def __init__(self, stream: io.TextIOWrapper, source: SourceStream) -> None:
        self._stream = stream
        self._source = source
        self._window, self._at = "", 0
        self._line, self._counted = 1, 0
        self.value_line = 1

    def error(self, reason: str, mend: str, at: int | None = None) -> Exception:
        line = self._line + self._window.count("\n", self._counted, self._at if at is None else at)
        return self._source.error(f"line {line}", reason, mend)

    def peek(self) -> str:
        """The next character that is not blank; empty at the end."""
        while True:
            while self._at < len(self._window):
                if self._window[self._at] not in " \t\r\n":
                    return self._window[self._at]
                self._at += 1
            if not self._more():
                return ""

    def expect(self, character: str) -> None:
        """Step over ``character`` or refuse."""
        if self.peek() != character:
            raise self.error(f'"{character}" was expected here', "correct the JSON")
        self._at += 1

    def items(self, opening: str, closing: str) -> Iterator[Any]:
        """Each value between the brackets (of an object: each name, whose value the caller must take)."""
        self.expect(opening)
        if self.peek() == closing:
            self._at += 1
            return
        while True:
            yield self.value()
            if self.peek() == closing:
                self._at += 1
                return
            self.expect(",")

    def value(self) -> Any:
        """The next value, whole."""
        self.peek()
        self._count_lines()
        self.value_line = self._line
        while True:
            try:
                value, end = DECODER.raw_decode(self._window, self._at)
            except json.JSONDecodeError as err:
                # It may only be cut off at the window's end.
                if not self._more():
                    raise self.error(f"damaged JSON ({err.msg})", "correct it there", err.pos) from None
            except RecursionError:
                raise self.error("is nested too deeply", "write the records flat") from None
            else:
                if end < len(self._window) or not self._more():
                    self._at = end
                    return value

    def _more(self) -> bool:
        if len(self._window) - self._at > LONGEST_VALUE:
            raise self.error(f"a record is damaged or over {LONGEST_VALUE // 1024} KiB long", "correct or split it")
        chunk = self._stream.read(_CHUNK)
        if chunk:
            self._count_lines()
            self._window, self._at, self._counted = self._window[self._at :] + chunk, 0, 0
        return bool(chunk)

    def _count_lines(self) -> None:
        self._line += self._window.count("\n", self._counted, self._at)
        self._counted = self._at
