"""Read a file whose columns are unknown: find its encoding, delimiter, sheet, header row and total rows."""

import codecs
import csv
import re
import statistics
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import NamedTuple

from revrec.sources.formats import csv as csv_format
from revrec.sources.formats import format_name, xlsx
from revrec.sources.layout import MOST_COLUMNS
from revrec.sources.mapping import UNDECIDED, ColumnMapping
from revrec.sources.problems import SourceError, shorten
from revrec.sources.rows import DamagedRecord
from revrec.sources.stream import BLOCK, SourceStream, byte_order_mark
from revrec.sources.suggesting.values import counted, is_date, is_number
from revrec.sources.table import Table
from revrec.sources.workbook import Workbook

FORMATS = ("csv", "tsv", "xlsx")
"""The formats that a draft can be made for. The others name their values themselves."""

MOST_ROWS = 20_000
"""Rows that are examined."""

_MOST_SHEETS = 20
_SHOWN_BLOCKS = 100
_HEADER_WITHIN = 30
"""The header is looked for in so many rows."""

_TOTAL = re.compile(r"(?i)(?:grand |sub[ -]?)?(?:totals?|sum|summe|gesamt|zwischensumme|endsumme)\b")

Opener = Callable[[], SourceStream]
"""Opens the file again from its beginning."""


def is_total(text: str) -> bool:
    """Check whether a text begins like the label of a total row."""
    return bool(_TOTAL.match(text.strip()))


class GridRow(NamedTuple):
    """A row: its number for people, and its texts, as many as the header has columns."""

    number: int
    cells: list[str]

    @property
    def texts(self) -> list[str]:
        """Return the texts that are not empty."""
        return [cell.strip() for cell in self.cells if cell.strip()]


@dataclass
class Grid:
    """A file as columns of text. ``doubts`` are remarks about its shape, ``extras`` its total rows and notes.

    ``encoding`` is empty for UTF-8 and for workbooks; ``delimiter`` is empty for workbooks, and ``?`` if several fit.
    ``header_row`` is 0 if the header comes first. ``short`` is True if rows end before the last column.
    """

    format: str
    encoding: str = ""
    delimiter: str = ""
    sheet: str = ""
    header: list[str] = field(default_factory=list)
    header_row: int = 0
    rows: list[GridRow] = field(default_factory=list)
    extras: list[GridRow] = field(default_factory=list)
    short: bool = False
    doubts: list[str] = field(default_factory=list)
    record: str = ""
    """The path of the records of JSON or XML."""
    lines: str = ""
    """The path of the lines in a record; its values are the columns that begin with ``line.``."""

    def column(self, place: int) -> list[str]:
        """Return the texts of a column that are not empty, trimmed."""
        return [text for row in self.rows if (text := row.cells[place].strip())]

    def place_of(self, column: str) -> int:
        """Return the place of a column."""
        return self.header.index(column)


def read_grid(opened: Opener, mapping: ColumnMapping) -> Grid:
    """Read up to :data:`MOST_ROWS` rows of a file.

    Raises:
        SourceError: it is of another format, cannot be read, or has no row of column names.
    """
    with opened() as stream:
        name = format_name(stream, mapping)
        if name not in FORMATS:
            fix = "set up one of the mappings that revrec has for it, or write one: revrec docs formats"
            what = "CSV, TSV, XLSX, JSON and XML only"
            raise stream.error("", f"is {name.upper()}, and a draft can be made for {what}", fix)
    grid = Grid(name)
    rows = _sheet_rows(opened, grid) if name == "xlsx" else _text_rows(opened, grid)
    if len(rows) > MOST_ROWS:
        del rows[MOST_ROWS:]
        grid.doubts.append(f"only the first {MOST_ROWS:,} rows were examined")
    with opened() as stream:
        _split(stream, rows, grid)
    return grid


def _text_rows(opened: Opener, grid: Grid) -> list[GridRow]:
    grid.encoding = _encoding(opened, grid)
    with opened() as stream:
        delimiters = ["\t"] if grid.format == "tsv" else _delimiters(stream, grid.encoding)
    if not delimiters:
        with opened() as stream:
            raise stream.error(
                "", "has only one column", "check the delimiter; it may be a sign other than , ; | or tab"
            )
    grid.delimiter = delimiters[0] if len(delimiters) == 1 else UNDECIDED
    # Any bytes are latin-1, so that the columns can be found before the user has found out the encoding.
    encoding = "latin-1" if grid.encoding == UNDECIDED else grid.encoding
    options = ColumnMapping(delimiter=delimiters[0], encoding=encoding)
    with opened() as stream:
        table = csv_format.read(stream, options)
        return list(islice(_rows(table), MOST_ROWS + 1))


def _encoding(opened: Opener, grid: Grid) -> str:
    """Return the encoding to declare; empty for UTF-8 and for files with a byte order mark."""
    with opened() as stream:
        start = stream.start()
    if byte_order_mark(start, "")[1]:
        return ""
    if b"\0" in start:
        grid.doubts.append("the file has no byte order mark and looks like UTF-16: check the letters of a few names")
        return "utf-16-le" if start[1::2].count(0) >= start[::2].count(0) else "utf-16-be"
    if _decodes(opened, "utf-8"):
        return ""
    if not _decodes(opened, "cp1252"):
        grid.doubts.append("the file is neither UTF-8 nor cp1252: find out its encoding")
        return UNDECIDED
    with opened() as stream:
        odd = Counter(word for block in islice(_blocks(stream), _SHOWN_BLOCKS) for word in _odd_words(block))
    words = ", ".join(f'"{shorten(word)}"' for word, _ in odd.most_common(3))
    grid.doubts.append(f"the file is not UTF-8; as cp1252 it has words such as {words}: check that they are right")
    return "cp1252"


def _decodes(opened: Opener, encoding: str) -> bool:
    """Return True if the whole file is valid in an encoding; it is read block by block."""
    decoder = codecs.getincrementaldecoder(encoding)()
    try:
        with opened() as stream:
            for block in _blocks(stream):
                decoder.decode(block)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def _blocks(stream: SourceStream) -> Iterator[bytes]:
    return iter(stream.read, b"")


def _odd_words(block: bytes) -> list[str]:
    """Return the words with a letter that depends on the encoding."""
    return re.findall(r"\w*[^\x00-\x7f]\w*", block.decode("cp1252"))


def _delimiters(stream: SourceStream, encoding: str) -> list[str]:
    """Return the delimiters that split the first rows equally well into the most columns of the same number."""
    name, skip = byte_order_mark(stream.start(), "" if encoding == UNDECIDED else encoding)
    text = codecs.getincrementaldecoder(name)("replace").decode(stream.start()[skip:])
    lines = text.splitlines(keepends=True)
    if len(lines) > 1 and len(stream.start()) >= BLOCK:
        lines.pop()
    found = {delimiter: _evenness(lines, delimiter) for delimiter in csv_format.DELIMITERS}
    best = max(found.values())
    return [delimiter for delimiter, evenness in found.items() if evenness == best and best[1] > 1]


def _evenness(lines: Sequence[str], delimiter: str) -> tuple[int, int]:
    """Return how many rows have the most common number of columns above one, and that number."""
    try:
        rows = csv.reader(lines, delimiter=delimiter, skipinitialspace=True)
        widths = Counter(len(row) for row in rows if len(row) > 1)
    except csv.Error:
        return 0, 0
    return max(((count, width) for width, count in widths.items()), default=(0, 0))


def _sheet_rows(opened: Opener, grid: Grid) -> list[GridRow]:
    """Return the rows of the sheet with the most rows; the other sheets with rows become a doubt."""
    with opened() as stream:
        names = list(Workbook(stream).sheets())[:_MOST_SHEETS]
    found = {name: _rows_of_sheet(opened, name, len(names)) for name in names}
    chosen = max(found, key=lambda name: len(found[name]))
    if len(names) > 1:
        grid.sheet = chosen
        others = [f'"{shorten(name)}" ({len(rows)} rows)' for name, rows in found.items() if name != chosen and rows]
        if others:
            grid.doubts.append(f'this draft is for the sheet "{shorten(chosen)}"; there are also {", ".join(others)}')
    return found[chosen]


def _rows_of_sheet(opened: Opener, name: str, sheets: int) -> list[GridRow]:
    """Return the rows of a sheet; none if it is empty and there are others.

    Raises:
        SourceError: the only sheet is empty, or a sheet cannot be read.
    """
    try:
        with opened() as stream:
            return list(islice(_rows(xlsx.read(stream, ColumnMapping(sheet=name))), MOST_ROWS + 1))
    except SourceError:
        if sheets == 1:
            raise
        return []


def _rows(table: Table) -> Iterator[GridRow]:
    """Yield the first row of a table, which the formats read as its header, and the others."""
    yield GridRow(0, list(table.header))
    for number, record in table.records:
        cells = record.raw if isinstance(record, DamagedRecord) else record
        if isinstance(cells, list | tuple) and cells:
            yield GridRow(number, [str(cell) for cell in cells])


def _split(stream: SourceStream, rows: list[GridRow], grid: Grid) -> None:
    """Separate header, data, total rows and notes."""
    at = _header_place(rows)
    if at is None:
        fix = "add a row with a name for each column"
        raise stream.error("", f"has no row of column names among its first {_HEADER_WITHIN} rows", fix)
    grid.header = [cell.strip() for cell in rows[at].cells[:MOST_COLUMNS]]
    grid.header_row = rows[at].number
    if at:
        above = "; ".join(shorten(" ".join(row.texts)) for row in rows[:at] if row.texts)
        grid.doubts.append(f"rows above the column names are skipped: {above}")
    width = len(grid.header)
    body = rows[at + 1 :]
    fullest = max((len(row.texts) for row in body), default=0)
    for row in body:
        grid.short |= len(row.cells) < width
        cells = [*row.cells[:width], *[""] * (width - len(row.cells))]
        whole = GridRow(row.number, cells)
        (grid.extras if _is_extra(whole, fullest, width) else grid.rows).append(whole)
    wide = [row.number for row in body if any(cell.strip() for cell in row.cells[width:])]
    if wide:
        grid.doubts.append(f"more values than columns in {counted(len(wide), 'row')}, the first is row {wide[0]}")
    if not grid.rows:
        raise stream.error("", "has no rows below its column names", "check whether this is the right file")


def _header_place(rows: Sequence[GridRow]) -> int | None:
    """Return the place of the first row that has names in most columns and neither numbers nor dates."""
    counts = [len(row.texts) for row in rows if len(row.texts) > 1]
    enough = max(2.0, 0.6 * statistics.median(counts)) if counts else 2.0
    for at, row in enumerate(rows[:_HEADER_WITHIN]):
        texts = row.texts
        named = [text for text in texts if re.search(r"[^\W\d_]", text) and not is_date(text) and not is_number(text)]
        if len(texts) >= enough and len(named) >= 0.8 * len(texts):
            return at
    return None


def _is_extra(row: GridRow, fullest: int, width: int) -> bool:
    """Return True for a total row, and for a note or a heading in a single cell."""
    texts = row.texts
    if not texts:
        return True
    totals = is_total(texts[0]) and len(texts) <= 0.7 * fullest
    return totals or (len(texts) == 1 and width > 2)
