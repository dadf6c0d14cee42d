"""JSON text read value by value, whatever its size."""

import io
import json
from collections.abc import Iterator
from typing import Any

from revrec.sources.keyed import record_of
from revrec.sources.stream import DecodedStream, SourceStream

LONGEST_VALUE = 1024 * 1024
"""Characters of one record; a longer one is refused rather than gathered in memory."""

_CHUNK = 64 * 1024

# Numbers stay the text they are: 24.00 is neither a float nor 24.0, and NaN is refused later by name.
DECODER = json.JSONDecoder(object_pairs_hook=record_of, parse_float=str, parse_int=str, parse_constant=str)
"""Decodes one record."""


class JsonText:
    """A window on the text that slides along with what was read, value by value.

    The standard library decodes each value by itself, so memory stays flat, numbers keep their digits as they stand,
    and damage of any kind (endless numbers, bottomless nesting) ends in an error that names the line.
    """

    def __init__(self, source: SourceStream, encoding: str) -> None:
        scan = DecodedStream(source, encoding, breaks=b'"')
        self._stream = io.TextIOWrapper(io.BufferedReader(scan, _CHUNK), "utf-8", newline="")
        self._source = source
        self._window, self._at, self._behind = "", 0, 0
        self._line, self._counted = 1, 0
        self.value_line = 1

    @property
    def consumed(self) -> int:
        """Characters stepped over so far."""
        return self._behind + self._at

    @property
    def line(self) -> int:
        """The line that is being read."""
        return self._line + self._window.count("\n", self._counted, self._at)

    def error(self, reason: str, fix: str, at: int | None = None) -> Exception:
        """A SourceError about the text at hand."""
        line = self._line + self._window.count("\n", self._counted, self._at if at is None else at)
        return self._source.error(f"line {line}", reason, fix)

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
        for _here in self.steps(opening, closing):
            yield self.value()

    def steps(self, opening: str, closing: str) -> Iterator[None]:
        """Before each value between the brackets, which the caller must take."""
        self.expect(opening)
        if self.peek() == closing:
            self._at += 1
            return
        while True:
            yield
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
            self._behind += self._at
            self._window, self._at, self._counted = self._window[self._at :] + chunk, 0, 0
        return bool(chunk)

    def _count_lines(self) -> None:
        self._line += self._window.count("\n", self._counted, self._at)
        self._counted = self._at
