"""Split EDI text into segments, elements and components by the separators that the file declares."""

import io
import re
from decimal import ROUND_HALF_UP, Decimal, localcontext
from typing import NamedTuple

from revrec.core.money import UnknownCurrency, minor_digits
from revrec.sources.problems import InvalidValue
from revrec.sources.stream import DecodedStream, SourceStream

LONGEST_SEGMENT = 64 * 1024
"""Most characters of a segment. If one is longer, its terminator is missing."""

MOST_SEGMENTS = 200_000
"""Most segments of one document, which is held in memory."""

MOST_ELEMENTS = 500

CLOSING = ("IEA", "UNZ")
"""Tags of the segments that close an interchange. The terminator of the last one in a file may be missing."""

_CHUNK = 64 * 1024
_NUMBER = re.compile(r"[+-]?[0-9]{0,20}(?:\.[0-9]{0,20})?")
_ANY_BREAK = bytes(range(1, 256))


class Separators(NamedTuple):
    """The characters that end segments and separate elements and components.

    A separator after ``release`` is ordinary text; ``release`` is empty if the format has no such character.
    """

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
        """Return a component of an element, both counted from 1; empty if it is missing."""
        if 0 < element <= len(self.elements):
            components = self.elements[element - 1]
            if 0 < component <= len(components):
                return components[component - 1]
        return ""

    @property
    def text(self) -> str:
        """The segment for people, with ``*`` and ``:`` whatever its own separators are."""
        return "*".join([self.tag, *(":".join(components) for components in self.elements)])

    @property
    def place(self) -> str:
        """Its place, such as ``segment 12 (IT1)``."""
        return f"segment {self.number} ({self.tag})"


class Splitter:
    """Reader of segments one by one, from a window on the text that moves along.

    A file need not have line breaks, so lines cannot be the unit of reading, and the separators may change in the
    middle: a file can hold several interchanges, each with its own. Hence the window, which never holds much more than
    one segment, and ``separators``, which the formats set at the start of each interchange.
    """

    def __init__(self, source: SourceStream, encoding: str) -> None:
        scan = DecodedStream(source, encoding, breaks=_ANY_BREAK)
        self._text = io.TextIOWrapper(io.BufferedReader(scan, _CHUNK), "utf-8", newline="")
        self._source = source
        self._window, self._at = "", 0
        self._number = 0
        self.separators = Separators("", "", "")

    def peek(self, size: int) -> str:
        """Return the next ``size`` characters after blanks and line breaks without reading them; fewer at the end."""
        while True:
            self._skip_blanks()
            if len(self._window) - self._at >= size or not self._more():
                return self._window[self._at : self._at + size]

    def skip(self, size: int) -> None:
        """Skip characters that were peeked at."""
        self._at += size

    def segment(self) -> Segment | None:
        """Return the next segment; None at the end.

        Raises:
            SourceError: the segment does not end, is too long, or has too many elements.
        """
        if not self.peek(1):
            return None
        terminator, _element, _component, release, _decimal = self.separators
        end = self._end(terminator, release)
        text = self._window[self._at : end].rstrip("\r\n\x1a")
        self._at = end + 1
        self._number += 1
        return self._parse(text)

    def _end(self, terminator: str, release: str) -> int:
        """Return the place of the segment's terminator in the window."""
        searched = 0
        while True:
            at = self._window.find(terminator, self._at + searched)
            while release and at > 0 and self._released(at, release):
                at = self._window.find(terminator, at + 1)
            if 0 <= at <= self._at + LONGEST_SEGMENT:
                return at
            # Search on where the last search ended, not from the start: a segment without terminator would otherwise
            # cost time in the square of its length.
            searched = max(0, len(self._window) - self._at - 1)
            if searched > LONGEST_SEGMENT or at >= 0:
                raise self.error(f"is longer than {LONGEST_SEGMENT // 1024} KiB", "check the segment terminator")
            if not self._more():
                if self._closes(terminator):
                    return len(self._window)
                reason = f'ends without its terminator "{terminator}"'
                raise self.error(reason, "the file is cut off: ask the sender to send it again")

    def _closes(self, terminator: str) -> bool:
        """Return True if the rest of the file closes its interchange, so that only its terminator is missing.

        The count and the control number in it show if it is cut off.
        """
        rest = self._window[self._at :].rstrip()
        return rest.startswith(CLOSING) and terminator not in rest

    def _released(self, at: int, release: str) -> bool:
        """Return True if the character at ``at`` is released, so that it is text.

        A release character releases itself too: ``?'`` is a quote in the text, but ``??'`` is a question mark and then
        the end of the segment. So an odd number of them in front decides.
        """
        before = at
        while before > self._at and self._window[before - 1] == release:
            before -= 1
        return (at - before) % 2 == 1

    def _parse(self, text: str) -> Segment:
        _terminator, element, component, release, _decimal = self.separators
        elements = [_split(one, component, release) for one in _split(text, element, release)]
        if len(elements) > MOST_ELEMENTS:
            raise self.error(f"has {len(elements):,} elements", "check the segment terminator")
        if release:
            elements = [[_unreleased(one, release) for one in components] for components in elements]
        return Segment(elements[0][0].strip(), elements[1:], self._number)

    def error(self, reason: str, fix: str) -> Exception:
        """Return a SourceError about the segment being read."""
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
    """Return the text without its release characters."""
    if release not in text:
        return text
    return re.sub(f"{re.escape(release)}(.)", r"\1", text, flags=re.DOTALL)


def number(text: str, separators: Separators | None = None) -> Decimal:
    """Return an EDI number as an exact decimal.

    Raises:
        InvalidValue: the text is not a number.
    """
    text = text.strip()
    if separators and separators.release:
        # EDIFACT allows either sign before decimals, and no grouping of digits, so "1,234" is 1.234.
        text = text.replace(",", ".")
    if not _NUMBER.fullmatch(text) or not re.search("[0-9]", text):
        raise InvalidValue("is not a number", "ask the sender to send the document again")
    return Decimal(text)


def times(one: Decimal, other: Decimal) -> Decimal:
    """Return the exact product of two decimals."""
    with localcontext() as context:
        context.prec = 90
        return one * other


def divided(value: Decimal, units: int) -> Decimal:
    """Return the quotient, exact if it has at most 90 digits."""
    if units == 1:
        return value
    with localcontext() as context:
        context.prec = 90
        return value / units


def rounded(value: Decimal, currency: str) -> Decimal:
    """Return the amount rounded half up to the currency's minor units; to two decimals if the currency is not known."""
    try:
        digits = minor_digits(currency) if currency else 2
    except UnknownCurrency:
        digits = 2
    with localcontext() as context:
        context.prec = 90
        return value.quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP)


def plain(value: Decimal) -> str:
    """Return the number's shortest exact text, without an exponent."""
    text = f"{value:f}"
    return (text.rstrip("0").rstrip(".") if "." in text else text) or "0"
