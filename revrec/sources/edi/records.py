"""What the documents of both standards become: rows of values by column, with the segments that they stand in."""

from collections.abc import Mapping
from typing import NamedTuple

from revrec.sources.edi.columns import Scopes


class Found(NamedTuple):
    """One charge or event of a document: what was worked out of it, and the segments that a mapping may ask further."""

    values: Mapping[str, str]
    scopes: Scopes
    place: str


class Wrong(NamedTuple):
    """A document, or a line of one, that contradicts itself."""

    field: str
    value: str
    reason: str
    mend: str
    place: str


class Left(NamedTuple):
    """A document, or a part of one, that is left out on purpose."""

    reason: str
    place: str


Record = Found | Wrong | Left

SENT_AGAIN = "get the document sent again"
