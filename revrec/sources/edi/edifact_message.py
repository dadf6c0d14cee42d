"""One EDIFACT message: its segments, its numbers and dates."""

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import NamedTuple

from revrec.sources.documents import SENT_AGAIN, BrokenDocument
from revrec.sources.edi.columns import ElementReference, find_element
from revrec.sources.edi.segments import Segment, Separators, number
from revrec.sources.problems import InvalidValue

_CENTURY_FIRST = {"102": 8, "203": 8, "204": 8, "205": 8, "303": 8, "304": 8}
"""Formats of DTM (2379) that begin with the date as CCYYMMDD."""

_SHORT = ("101", "201", "202", "301", "302")
"""Formats of DTM that begin with the date as YYMMDD."""

_REORDERED = {"2": "{4}{5}{2}{3}{0}{1}", "3": "{4}{5}{0}{1}{2}{3}", "4": "{4}{5}{6}{7}{2}{3}{0}{1}"}
"""Formats DDMMYY, MMDDYY and DDMMCCYY: the order of their digits in a date that begins with the year."""


class EdifactMessage(NamedTuple):
    """One message: its type, its segments between UNH and UNT, its envelope, and its separators."""

    kind: str
    segments: Sequence[Segment]
    envelope: Sequence[Segment]
    separators: Separators
    place: str

    def at(self, segment: Segment) -> str:
        """Return the place of one of its segments."""
        return f"{self.place}, {segment.place}"

    def texts(self) -> Iterator[str]:
        """Return its segments as texts."""
        return (segment.text for segment in self.segments)

    def broken(self, segment: Segment, field: str, value: str, reason: str, fix: str = SENT_AGAIN) -> BrokenDocument:
        """Return the exception for an element that makes the document unusable, such as ``MOA 79``."""
        return BrokenDocument(field, value, reason, self.at(segment), fix)

    def number(self, segment: Segment, element: int, component: int) -> Decimal:
        """Return a number that the document needs.

        Raises:
            BrokenDocument: the component is empty or not a number.
        """
        text, code = segment.get(element, component), segment.get(1)
        field = f"{segment.tag} {code} ({segment.tag}.{element}.{component})"
        if not text.strip():
            raise self.broken(segment, field, "", "is empty, a number is needed here")
        try:
            return number(text, self.separators)
        except InvalidValue as refused:
            raise self.broken(segment, field, text, refused.reason) from None

    def date(self, scopes: Sequence[Sequence[Segment]], *codes: str) -> str:
        """Return the date of the first of these kinds that is present, in ISO 8601; empty if none is.

        Raises:
            BrokenDocument: the date has a format that is not supported.
        """
        for code in codes:
            for scope in scopes:
                for segment in scope:
                    if segment.tag == "DTM" and segment.get(1) == code and segment.get(1, 2):
                        return self._iso(segment)
        return ""

    def _iso(self, segment: Segment) -> str:
        text, form = segment.get(1, 2).strip(), segment.get(1, 3)
        digits = _digits(text, form)
        if len(digits) != 8 or not digits.isascii() or not digits.isdecimal():
            reason = (
                f'a date in format "{form}" cannot be read; supported are 2, 3, 4, 101, 102, 201, 203, 204, 303, 304'
            )
            raise self.broken(segment, f"DTM {segment.get(1)} (DTM.1.2)", text, reason)
        return f"{digits[:4]}-{digits[4:6]}-{digits[6:]}"


def _digits(text: str, form: str) -> str:
    """Return the date as CCYYMMDD; a text of another length if it is not in its format."""
    if form in _CENTURY_FIRST:
        return text[:8]
    if form in _SHORT and len(text) >= 6:
        return f"20{text[:6]}"
    if form in _REORDERED and len(text) == (8 if form == "4" else 6):
        digits = _REORDERED[form].format(*text)
        return digits if len(digits) == 8 else f"20{digits}"
    return ""


def first_of(scopes: Sequence[Sequence[Segment]], *references: tuple[str, str, int, int]) -> str:
    """Return the first of these values that is not empty, each by tag, qualifier, element and component."""
    return next((value for one in references if (value := find_element(ElementReference(*one), scopes))), "")


def amount_of(segments: Sequence[Segment], *codes: str) -> Segment | None:
    """Return the first monetary amount (MOA) of one of these kinds, in the order of the kinds."""
    for code in codes:
        for segment in segments:
            if segment.tag == "MOA" and segment.get(1) == code and segment.get(1, 2):
                return segment
    return None
