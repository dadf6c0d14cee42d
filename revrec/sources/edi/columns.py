"""Columns of EDI documents that a mapping can name besides the derived ones: any element, by its place."""

import re
from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

from revrec.sources.documents import ColumnFinder
from revrec.sources.edi.segments import Segment


class ElementReference(NamedTuple):
    """Reference to an element: in the segment ``tag`` whose qualifier is ``qualifier`` (any qualifier if empty)."""

    tag: str
    qualifier: str
    element: int
    component: int = 1


Scopes = Sequence[Sequence[Segment]]
"""The segments that a row can refer to, the nearest first: of its line, its order, its document, its envelope."""

QUALIFIED_AT = {"L11": 2, "PID": 2, "SAC": 2}
"""The element that holds the qualifier of a segment, if it is not the first one."""


def find_element(reference: ElementReference, scopes: Scopes) -> str:
    """Return the value of the nearest such element that is not empty; empty if there is no such element."""
    at = QUALIFIED_AT.get(reference.tag, 1)
    for scope in scopes:
        for segment in scope:
            fits = segment.tag == reference.tag and reference.qualifier in ("", segment.get(at))
            if fits and (value := segment.get(reference.element, reference.component).strip()):
                return value
    return ""


_X12 = re.compile(r"([A-Z][A-Z0-9]{1,2})(?:\[([^\]]{1,20})\])?([0-9]{2})", re.ASCII)
_EDIFACT = re.compile(r"([A-Z]{3})(?:\[([^\]]{1,20})\])?\.([0-9]{1,2})(?:\.([0-9]{1,2}))?", re.ASCII)


def x12_column(text: str) -> ColumnFinder | None:
    """Return the finder of a column such as ``BIG02`` or ``N1[BY]04``: segment, qualifier, element."""
    found = _X12.fullmatch(text)
    return partial(find_element, ElementReference(found[1], found[2] or "", int(found[3]))) if found else None


def edifact_column(text: str) -> ColumnFinder | None:
    """Return the finder of a column such as ``BGM.2.1`` or ``NAD[BY].2.1``: segment, qualifier, element, component."""
    found = _EDIFACT.fullmatch(text)
    if not found:
        return None
    return partial(find_element, ElementReference(found[1], found[2] or "", int(found[3]), int(found[4] or 1)))
