"""What a mapping may name of an EDI document: the columns that revrec works out, and any element by its place."""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from revrec.sources.edi.segments import Segment
from revrec.sources.mapping import ColumnMapping
from revrec.sources.problems import did_you_mean
from revrec.sources.stream import SourceStream


class Reference(NamedTuple):
    """An element by its place: of the segment ``tag`` whose qualifier is ``qualifier`` (any, if empty)."""

    tag: str
    qualifier: str
    element: int
    component: int = 1


Scopes = Sequence[Sequence[Segment]]
"""The segments that a row can speak of, the nearest first: its line's, its order's, its document's, the envelope's."""

QUALIFIED_AT = {"L11": 2, "PID": 2, "SAC": 2}
"""Where a segment's qualifier stands, if it is not its first element."""


def find(reference: Reference, scopes: Scopes) -> str:
    """The value of the nearest such element that has one; empty if none has."""
    at = QUALIFIED_AT.get(reference.tag, 1)
    for scope in scopes:
        for segment in scope:
            fits = segment.tag == reference.tag and reference.qualifier in ("", segment.get(at))
            if fits and (value := segment.get(reference.element, reference.component).strip()):
                return value
    return ""


class Columns:
    """The columns that a mapping asks for, checked once against what the format knows."""

    def __init__(
        self,
        source: SourceStream,
        mapping: ColumnMapping,
        own: Sequence[str],
        parse: Callable[[str], Reference | None],
        example: str,
    ) -> None:
        self.header = mapping.wanted_columns()
        self._references: dict[str, Reference] = {}
        named = mapping.named_columns()
        for column in self.header:
            if column in own:
                continue
            reference = parse(column)
            if reference:
                self._references[column] = reference
            elif column in named:
                hint = did_you_mean(column, own)
                mend = f"{hint}columns are {', '.join(own)}, and elements such as {example}"
                raise source.error("", f'"{column}" of the mapping is not a column of this format', mend)

    def row(self, own: Mapping[str, str], scopes: Scopes) -> list[str]:
        """A row of the columns asked for."""
        return [
            find(self._references[column], scopes) if column in self._references else own.get(column, "")
            for column in self.header
        ]


_X12 = re.compile(r"([A-Z][A-Z0-9]{1,2})(?:\[([^\]]{1,20})\])?([0-9]{2})", re.ASCII)
_EDIFACT = re.compile(r"([A-Z]{3})(?:\[([^\]]{1,20})\])?\.([0-9]{1,2})(?:\.([0-9]{1,2}))?", re.ASCII)


def x12_reference(text: str) -> Reference | None:
    """``BIG02``, ``N1[BY]04``: segment, qualifier, element."""
    found = _X12.fullmatch(text)
    return Reference(found[1], found[2] or "", int(found[3])) if found else None


def edifact_reference(text: str) -> Reference | None:
    """``BGM.2.1``, ``NAD[BY].2.1``: segment, qualifier, element, component."""
    found = _EDIFACT.fullmatch(text)
    return Reference(found[1], found[2] or "", int(found[3]), int(found[4] or 1)) if found else None
