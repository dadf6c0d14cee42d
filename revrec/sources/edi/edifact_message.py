"""One EDIFACT message: its segments, its numbers and dates."""

import re
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import NamedTuple

from revrec.sources.documents import SENT_AGAIN, BrokenDocument
from revrec.sources.edi.columns import ElementReference, find_element
from revrec.sources.edi.segments import Segment, Separators, number
from revrec.sources.edi.times import moment
from revrec.sources.problems import InvalidValue

_FORMS = {
    "2": "DDMMYY", "3": "MMDDYY", "4": "DDMMCCYY", "101": "YYMMDD", "102": "CCYYMMDD",
    **dict.fromkeys(("201", "202", "301", "302"), "YYMMDD"),
    **dict.fromkeys(("203", "204", "205", "303", "304"), "CCYYMMDD"),
}  # fmt: skip
"""Formats of DTM (2379) and the order of their digits. From 201 on a time follows, in 205 and from 301 a time zone."""

_FIRST_WITH_TIME = 201


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
        try:
            return _iso_date(text, form)
        except ValueError as refused:
            raise self.broken(segment, f"DTM {segment.get(1)} (DTM.1.2)", text, str(refused)) from None


def _iso_date(text: str, form: str) -> str:
    """Return a date in a format of DTM in ISO 8601, with its time and time zone if it has them.

    Raises:
        ValueError: the text is not in the format, or the format is not supported.
    """
    written, has_time = _FORMS.get(form, ""), form.isdecimal() and int(form) >= _FIRST_WITH_TIME
    digits = text[: len(written)]
    is_whole = len(digits) == len(written) and (len(form) > 1 or len(text) == len(written))
    if not (written and is_whole and digits.isascii() and digits.isdecimal()):
        raise ValueError(f'a date in format "{form}" cannot be read; supported are {", ".join(_FORMS)}')
    year = digits[written.index("CCYY") :][:4] if "CC" in written else f"20{digits[written.index('YY') :][:2]}"
    day = f"{year}{digits[written.index('MM') :][:2]}{digits[written.index('DD') :][:2]}"
    clock = re.match("[0-9]{0,6}", text[len(written) :] if has_time else "")
    assert clock
    return moment(day, clock[0], text[len(written) + len(clock[0]) :] if has_time else "")


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
