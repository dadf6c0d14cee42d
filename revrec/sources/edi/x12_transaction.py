"""One X12 transaction set: its segments, its hierarchical levels, its numbers and dates."""

import re
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import NamedTuple

from revrec.sources.documents import SENT_AGAIN, BrokenDocument
from revrec.sources.edi.columns import ElementReference, find_element
from revrec.sources.edi.segments import Segment, number
from revrec.sources.edi.times import moment
from revrec.sources.problems import InvalidValue


class TransactionSet(NamedTuple):
    """One transaction set: its number (``810``), its segments between ST and SE, and the envelope around it."""

    kind: str
    control: str
    segments: Sequence[Segment]
    envelope: Sequence[Segment]
    place: str

    def at(self, segment: Segment) -> str:
        """Return the place of one of its segments."""
        return f"{self.place}, {segment.place}"

    def texts(self) -> Iterator[str]:
        """Return its segments as texts."""
        return (segment.text for segment in self.segments)

    def broken(self, segment: Segment, element: int, reason: str, fix: str = SENT_AGAIN) -> BrokenDocument:
        """Return the exception for an element that makes the document unusable, such as ``IT104``."""
        return BrokenDocument(f"{segment.tag}{element:02d}", segment.get(element), reason, self.at(segment), fix)

    def number(self, segment: Segment, element: int) -> Decimal:
        """Return a number that the document needs.

        Raises:
            BrokenDocument: the element is empty or not a number.
        """
        if not segment.get(element).strip():
            raise self.broken(segment, element, "is empty, a number is needed here")
        try:
            return number(segment.get(element))
        except InvalidValue as refused:
            raise self.broken(segment, element, refused.reason) from None

    def implied(self, segment: Segment, element: int) -> Decimal:
        """Return a number whose last two digits are decimals (type N2).

        Raises:
            BrokenDocument: the element is empty, not a number, or has a decimal point.
        """
        value = self.number(segment, element)
        if "." in segment.get(element):
            raise self.broken(segment, element, "has a decimal point, but its decimals are implied")
        return value.scaleb(-2)


class HierarchyLevel(NamedTuple):
    """One hierarchical level (HL): its segments, and the levels above it, the nearest first."""

    code: str
    segments: list[Segment]
    above: "tuple[HierarchyLevel, ...]"

    @property
    def scopes(self) -> list[Sequence[Segment]]:
        """The segments of the level and of those above it, the nearest first."""
        return [self.segments, *(level.segments for level in self.above)]


def levels_of(transaction: TransactionSet) -> tuple[list[Segment], list[HierarchyLevel]]:
    """Return the segments before the first level, and the levels in order.

    Raises:
        BrokenDocument: a level names a parent that does not come before it.
    """
    head: list[Segment] = []
    levels: list[HierarchyLevel] = []
    by_id: dict[str, HierarchyLevel] = {}
    for segment in transaction.segments:
        if segment.tag != "HL":
            (levels[-1].segments if levels else head).append(segment)
            continue
        parent = segment.get(2)
        if parent and parent not in by_id:
            raise transaction.broken(segment, 2, "names a parent level that does not come before it")
        above = (by_id[parent], *by_id[parent].above) if parent else ()
        level = HierarchyLevel(segment.get(3), [segment], above)
        levels.append(level)
        by_id[segment.get(1)] = level
    return head, levels


def first_of(scopes: Sequence[Sequence[Segment]], *references: tuple[str, str, int]) -> str:
    """Return the first of these elements that is not empty, each a tag, a qualifier and an element."""
    return next((value for one in references if (value := find_element(ElementReference(*one), scopes))), "")


class TimeReference(NamedTuple):
    """The elements of a segment that have a date, its time and its time code (623); 0 for an element that is missing.

    ``qualifier`` is the qualifier of the segment, in its first element; any if it is empty.
    """

    tag: str
    qualifier: str
    date: int
    time: int
    code: int


DELIVERY_TIME, INVOICE_TIME = TimeReference("DTM", "035", 2, 3, 4), TimeReference("DTM", "003", 2, 3, 4)
SHIPPING_TIME = TimeReference("DTM", "011", 2, 3, 4)

_PERIODS = ("D8", "DT")
"""DTM05 (element 1250) of a date or time in DTM06 that begins with CCYYMMDD."""


def time_of(transaction: TransactionSet, scopes: Sequence[Sequence[Segment]], *references: TimeReference) -> str:
    """Return the first of these dates that is present, with its time and time zone if it has them; empty if none is.

    Raises:
        BrokenDocument: its time or time code cannot be read.
    """
    for one in references:
        for segment in (segment for scope in scopes for segment in scope if segment.tag == one.tag):
            if one.qualifier not in ("", segment.get(1)):
                continue
            if segment.get(one.date).strip():
                return _time(transaction, segment, one)
            if segment.tag == "DTM" and segment.get(5) in _PERIODS and segment.get(6):
                return segment.get(6)[:8]
    return ""


def _time(transaction: TransactionSet, segment: Segment, reference: TimeReference) -> str:
    day, clock = iso_date(segment.get(reference.date).strip()), segment.get(reference.time).strip()
    if not clock or not re.fullmatch("[0-9]{8}", day, re.ASCII):
        return day
    try:
        return moment(day, clock, segment.get(reference.code))
    except ValueError as refused:
        raise transaction.broken(segment, reference.time, str(refused)) from None


def product_ids(segment: Segment, first: int) -> list[str]:
    """Return the product ids of an IT1 or LIN, which come in pairs of qualifier and id from element ``first``."""
    pairs = range(first, len(segment.elements), 2)
    return [segment.get(at + 1) for at in pairs if segment.get(at) and segment.get(at + 1)]


def iso_date(text: str) -> str:
    """Return a date of six digits (YYMMDD, up to version 003) with its century; any other text unchanged."""
    return f"20{text}" if re.fullmatch("[0-9]{6}", text, re.ASCII) else text
