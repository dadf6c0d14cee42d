"""EDI text taken apart: segments, their elements and components, by whatever separators the file declares."""

import io
import re
from decimal import Decimal, localcontext
from typing import NamedTuple

from revrec.sources.problems import RejectedValue
from revrec.sources.stream import DecodedStream, SourceStream

LONGEST_SEGMENT = 64 * 1024
"""Characters of a segment; a longer one means that its terminator is missing."""

MOST_SEGMENTS = 200_000
"""Segments of one document, which is held in memory."""

MOST_ELEMENTS = 500

_CHUNK = 64 * 1024
_NUMBER = re.compile(r"[+-]?[0-9]{0,20}(?:\.[0-9]{0,20})?")
_ANY_BREAK = bytes(range(1, 256))


class Separators(NamedTuple):
    """What separates segments, elements and components; ``release`` takes the next character as it is (or empty)."""

    terminator: str
    element: str
    component: str
    release: str = ""
    decimal: str = "."


class Segment(NamedTuple):
    """One segment: its tag, its elements (each a list of components) and its number in the file, from 1."""

    tag: str
    elements: list[list[str]]
    number: int

    def get(self, element: int, component: int = 1) -> str:
        """An element's component, both counted from 1; empty if it is not there."""
        if 0 < element <= len(self.elements):
            components = self.elements[element - 1]
            if 0 < component <= len(components):
                return components[component - 1]
        return ""

    @property
    def text(self) -> str:
        """The segment as people write it, whatever its own separators were."""
        return "*".join([self.tag, *(":".join(components) for components in self.elements)])

    @property
    def place(self) -> str:
        """``segment 12 (IT1)``."""
        return f"segment {self.number} ({self.tag})"


class Splitter:
    """Segments one by one, from a window on the text that slides along with what was read."""

    def __init__(self, source: SourceStream, encoding: str) -> None:
        scan = DecodedStream(source, encoding, breaks=_ANY_BREAK)
        self._text = io.TextIOWrapper(io.BufferedReader(scan, _CHUNK), "utf-8", newline="")
        self._source = source
        self._window, self._at = "", 0
        self._number = 0
        self.separators = Separators("", "", "")

    def peek(self, size: int) -> str:
        """The next characters, after blanks and line breaks, at most ``size``; they stay to be read."""
        while True:
            self._skip_blanks()
            if len(self._window) - self._at >= size or not self._more():
                return self._window[self._at : self._at + size]

    def skip(self, size: int) -> None:
        """Step over characters that were peeked at."""
        self._at += size

    def segment(self) -> Segment | None:
        """The next segment; None at the end. Raises SourceError for one that does not end."""
        if not self.peek(1):
            return None
        terminator, _element, _component, release, _decimal = self.separators
        end = self._end(terminator, release)
        text = self._window[self._at : end].rstrip("\r\n")
        self._at = end + 1
        self._number += 1
        return self._taken_apart(text)

    def _end(self, terminator: str, release: str) -> int:
        """Where the segment's terminator stands in the window."""
        searched = 0
        while True:
            at = self._window.find(terminator, self._at + searched)
            while release and at > 0 and self._released(at, release):
                at = self._window.find(terminator, at + 1)
            if 0 <= at <= self._at + LONGEST_SEGMENT:
                return at
            searched = max(0, len(self._window) - self._at - 1)
            if searched > LONGEST_SEGMENT or at >= 0:
                raise self.error(f"is longer than {LONGEST_SEGMENT // 1024} KiB", "check its terminator")
            if not self._more():
                reason = f'ends without its terminator "{terminator}"'
                raise self.error(reason, "the file is cut off: get it sent again")

    def _released(self, at: int, release: str) -> bool:
        """Whether a release character takes away the meaning of the one at ``at``: an odd number of them does."""
        before = at
        while before > self._at and self._window[before - 1] == release:
            before -= 1
        return (at - before) % 2 == 1

    def _taken_apart(self, text: str) -> Segment:
        _terminator, element, component, release, _decimal = self.separators
        elements = [_split(one, component, release) for one in _split(text, element, release)]
        if len(elements) > MOST_ELEMENTS:
            raise self.error(f"has {len(elements):,} elements", "check its terminator")
        if release:
            elements = [[_unreleased(one, release) for one in components] for components in elements]
        return Segment(elements[0][0].strip(), elements[1:], self._number)

    def error(self, reason: str, fix: str) -> Exception:
        """A SourceError about the segment that is being read."""
        begin = self._window[self._at : self._at + 3]
        return self._source.error(f"segment {self._number + 1} ({begin.strip()})", reason, fix)

    def _skip_blanks(self) -> None:
        while self._at < len(self._window) and self._window[self._at] in " \t\r\n\x1a":
            self._at += 1

    def _more(self) -> bool:
        chunk = self._text.read(_CHUNK)
        if chunk:
            self._window, self._at = self._window[self._at :] + chunk, 0
        return bool(chunk)


def _split(text: str, separator: str, release: str) -> list[str]:
    if not separator:
        return [text]
    if not release or release not in text:
        return text.split(separator)
    parts, current, at = [], "", 0
    while at < len(text):
        if text[at] == release:
            current += text[at : at + 2]
            at += 2
        elif text[at] == separator:
            parts.append(current)
            current, at = "", at + 1
        else:
            current += text[at]
            at += 1
    return [*parts, current]


def _unreleased(text: str, release: str) -> str:
    """The text without its release characters, each of which kept the one after it."""
    if release not in text:
        return text
    return re.sub(f"{re.escape(release)}(.)", r"\1", text, flags=re.DOTALL)


def number(text: str, separators: Separators | None = None) -> Decimal:
    """An EDI number as an exact decimal. Raises Refused for what is none."""
    text = text.strip()
    if separators and separators.release:
        # EDIFACT takes either sign for decimals, and groups no digits.
        text = text.replace(",", ".")
    if not _NUMBER.fullmatch(text) or not re.search("[0-9]", text):
        raise RejectedValue("is not a number", "get the document sent again")
    return Decimal(text)


def times(one: Decimal, other: Decimal) -> Decimal:
    """Their product, exact."""
    with localcontext() as context:
        context.prec = 90
        return one * other


def plain(value: Decimal) -> str:
    """The number's shortest exact text, without an exponent."""
    text = f"{value:f}"
    return (text.rstrip("0").rstrip(".") if "." in text else text) or "0"
