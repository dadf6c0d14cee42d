"""A source file as a table of text values, before any value is read."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import pairwise
from types import MappingProxyType
from typing import NamedTuple, Protocol, TypeVar

from revrec.sources.mapping import ColumnMapping
from revrec.sources.rows import DamagedRecord, PassedOverRecord

Record = tuple[int, list[str] | DamagedRecord | PassedOverRecord]
"""A record's number and its values in the header's order; or a damaged record; or one that is passed over."""


class RowBlock(NamedTuple):
    """Whole rows of a text file, each on one line and with a value for each column; ``first`` is the first line."""

    first: int
    rows: list[list[str]]

    def records(self) -> Iterator[Record]:
        """Return the rows as records, without those that are empty."""
        return ((number, row) for number, row in enumerate(self.rows, self.first) if row[0] or any(row))


class RecordBlocks(Iterator[Record]):
    """Records of which many come in blocks: iterate over it, or over its ``blocks``, but not over both."""

    def __init__(self, blocks: Iterator[RowBlock | Record]) -> None:
        self.blocks = blocks
        self._records = _one_by_one(blocks)

    def __iter__(self) -> Iterator[Record]:
        """Return the records one by one."""
        return self._records

    def __next__(self) -> Record:
        """Return the next record."""
        return next(self._records)


def _one_by_one(blocks: Iterator[RowBlock | Record]) -> Iterator[Record]:
    for one in blocks:
        if isinstance(one, RowBlock):
            yield from one.records()
        else:
            yield one


class Table(NamedTuple):
    """A source as rows of text. ``place`` returns the name of a row for people, from its number.

    ``strict`` is True if the header must have every column that the mapping names. It is False for formats whose
    records may omit values, or that check the mapping's columns themselves. ``scan`` knows whether all rows so far were
    plain printable ASCII; without it each row is checked. ``expected`` is the fix in the message about a file without
    records. ``elements`` names the place in a document that the values of a column come from, such as ``BIG02``.
    """

    header: Sequence[str]
    records: Iterator[Record]
    place: Callable[[int], str]
    strict: bool = False
    scan: "TextScan | None" = None
    expected: str = "it needs at least one row below its header"
    elements: Mapping[str, str] = MappingProxyType({})

    @property
    def is_unusual(self) -> bool:
        """Return True if a row so far may have characters that are not plain ASCII."""
        return self.scan is None or self.scan.unusual


class TextScan(Protocol):
    """A scan of the bytes read so far. ``unusual`` is True once anything but plain printable ASCII has passed."""

    @property
    def unusual(self) -> bool: ...


Block = TypeVar("Block")
Result = TypeVar("Result")


def read_in_blocks(
    table: Table,
    read_block: Callable[[RowBlock, bool], Block | None] | None,
    read_record: Callable[[int, list[str] | DamagedRecord | PassedOverRecord], Result],
) -> Iterator[Block | Result]:
    """Yield ordinary rows in blocks, and the others one by one, in the order of the file.

    ``read_block`` returns None for a block with a row that is out of the ordinary; without it, no row is ordinary.
    """
    if read_block is None or not isinstance(table.records, RecordBlocks):
        yield from (read_record(number, row) for number, row in table.records)
        return
    for one in table.records.blocks:
        if not isinstance(one, RowBlock):
            yield read_record(*one)
        elif block := read_block(one, table.is_unusual):
            yield block
        else:
            yield from (read_record(number, row) for number, row in one.records())


def by_row(number: int) -> str:
    """Return the place of a row whose number is its line: the word that warnings and the trace use, too."""
    return f"row {number}"


def column_names(rows: Sequence[Sequence[str]], mapping: ColumnMapping) -> list[str]:
    """Return the names of the columns from the rows of a header.

    With two rows, a title above several columns is part of each name: ``Amount`` above ``Net`` and ``Tax`` is
    ``Amount Net`` and ``Amount Tax``. A column without a name is ``#3`` by its position if the mapping names it so.
    """
    width = max(map(len, rows), default=0)
    cells = [[text.strip() for text in row] + [""] * (width - len(row)) for row in rows]
    for above, below in pairwise(cells):
        title = ""
        for place in range(width):
            if above[place]:
                # A title without a name below it is a column itself, and not a title of the next ones.
                title = above[place] if below[place] else ""
            elif below[place]:
                above[place] = title
            else:
                title = ""
    named = mapping.named_columns()
    names = [" ".join(filter(None, column)) for column in zip(*cells, strict=True)]
    return [name or (f"#{number}" if f"#{number}" in named else "") for number, name in enumerate(names, start=1)]
