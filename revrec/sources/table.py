"""A source file as a table of text values, before any value is read."""

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple, Protocol

from revrec.sources.rows import DamagedRecord, PassedOverRecord

Record = tuple[int, list[str] | DamagedRecord | PassedOverRecord]
"""A record's number and its values in the header's order, or what is wrong with its shape, or why it is left out."""


class Table(NamedTuple):
    """A source as rows of text. ``place`` names the row being read, by its number, for people.

    ``strict`` is True where a column that the mapping names must be in the header (tables), False where a record may
    leave out what it has no value for, or where the format has looked at the mapping's columns itself. ``looks`` knows
    whether the rows read so far were plain printable ASCII; without it each row is looked at. ``expected`` is the mend
    where no record is found.
    """

    header: Sequence[str]
    records: Iterator[Record]
    place: Callable[[int], str]
    strict: bool = False
    scan: "TextScan | None" = None
    expected: str = "it needs at least one row below its header"


class TextScan(Protocol):
    """Whatever knows if the rows read so far were plain printable ASCII."""

    @property
    def unusual(self) -> bool: ...


def by_line(number: int) -> str:
    """The place of a row whose number is its line."""
    return f"line {number}"
