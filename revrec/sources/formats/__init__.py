"""Source formats, one file each: whichever module stands in this folder is a format, named as the module is.

A format module has

- ``SUFFIXES``: the file name endings it is known by, such as ``(".csv",)``;
- ``read(source, mapping)``: takes a :class:`SourceStream` and a :class:`ColumnMapping`, returns a :class:`Table`.
"""

import pkgutil
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from importlib import import_module
from pathlib import PurePath
from typing import NamedTuple, Protocol, cast

from revrec.sources.mapping import ColumnMapping
from revrec.sources.rows import Damaged, Passed
from revrec.sources.stream import SourceStream

Record = tuple[int, list[str] | Damaged | Passed]
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
    looks: "Unusual | None" = None
    expected: str = "it needs at least one row below its header"


class Unusual(Protocol):
    """Whatever knows if the rows read so far were plain printable ASCII."""

    @property
    def unusual(self) -> bool: ...


class Format(Protocol):
    """What a module of this package must have."""

    SUFFIXES: tuple[str, ...]

    def read(self, source: SourceStream, mapping: ColumnMapping) -> Table: ...


def by_line(number: int) -> str:
    """The place of a row whose number is its line."""
    return f"line {number}"


@cache
def names() -> tuple[str, ...]:
    """The formats that are here, by name."""
    return tuple(sorted(module.name for module in pkgutil.iter_modules(__path__)))


def load(name: str) -> Format:
    """The format of that name."""
    return cast(Format, import_module(f"{__name__}.{name}"))


def find(source: SourceStream, mapping: ColumnMapping) -> Format:
    """The format the mapping chose, else the one that the file's suffix tells. Raises SourceError; never guesses."""
    return load(format_name(source, mapping))


def format_name(source: SourceStream, mapping: ColumnMapping) -> str:
    """The name of the format that :func:`find` finds."""
    if mapping.format:
        return mapping.format
    suffix = PurePath(source.name).suffix.lower()
    known = {suffix: name for name in names() for suffix in load(name).SUFFIXES}
    if suffix in known:
        return known[suffix]
    if suffix in (".xls", ".xlsb", ".ods"):
        raise source.error("", "is a spreadsheet of another kind", "save it as XLSX, or as CSV in UTF-8")
    what = f'the suffix "{suffix}" is not a known format' if suffix else "the format is not known without a suffix"
    mend = f"set format in the mapping to one of {', '.join(names())}"
    raise source.error("", what, mend)
