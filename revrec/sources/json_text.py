"""Read JSON text of any size, value by value."""

import io
import json
from collections.abc import Iterator
from typing import Any

from revrec.sources.keyed import record_of
from revrec.sources.stream import DecodedStream, SourceStream

LONGEST_VALUE = 1024 * 1024
"""Most characters of one record. A longer one is refused, since it would have to be held in memory."""

_CHUNK = 64 * 1024

# Numbers keep their text: 24.00 must become neither a float nor 24.0. NaN becomes a text and is rejected as an amount.
DECODER = json.JSONDecoder(object_pairs_hook=record_of, parse_float=str, parse_int=str, parse_constant=str)
"""Decoder of one record."""


class JsonText:
    """A window on the text that moves along as values are read.

    ``json.load`` would read a whole export into memory, turn amounts into floats, and report damage without the place.
    Here the standard library decodes one value at a time from a window of bounded size: memory use stays flat, numbers
    keep their digits, and damage of any kind (endless numbers, bottomless nesting) ends in an error with the line.
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
        """Characters read so far."""
        return self._behind + self._at

    @property
    def line(self) -> int:
        """The line being read."""
        return self._line + self._window.count("\n", self._counted, self._at)

    def error(self, reason: str, fix: str, at: int | None = None) -> Exception:
        """Return a SourceError with the current line."""
        line = self._line + self._window.count("\n", self._counted, self._at if at is None else at)
        return self._source.error(f"line {line}", reason, fix)

    def peek(self) -> str:
        """Return the next character that is not blank, without reading it; empty at the end."""
        while True:
            while self._at < len(self._window):
                if self._window[self._at] not in " \t\r\n":
                    return self._window[self._at]
                self._at += 1
            if not self._more():
                return ""

    def expect(self, character: str) -> None:
        """Read ``character``, or raise SourceError if another follows."""
        if self.peek() != character:
            raise self.error(f'expected "{character}" here', "correct the JSON")
        self._at += 1

    def items(self, opening: str, closing: str) -> Iterator[Any]:
        """Yield each value between the brackets; for an object each name, after which the caller reads the value."""
        for _here in self.steps(opening, closing):
            yield self.value()

    def steps(self, opening: str, closing: str) -> Iterator[None]:
        """Yield before each value between the brackets. The caller reads the value."""
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
        """Read the next value."""
        self.peek()
        self._count_lines()
        self.value_line = self._line
        while True:
            try:
                value, end = DECODER.raw_decode(self._window, self._at)
            except json.JSONDecodeError as err:
                # The value may be whole but cut off by the end of the window. Only after the last byte is it damage.
                if not self._more():
                    raise self.error(f"damaged JSON ({err.msg})", "correct it there", err.pos) from None
            except RecursionError:
                raise self.error("is nested too deeply", "write the records flat") from None
            else:
                # A number that touches the end of the window may continue after it: 24.0 could be the start of 24.05.
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
