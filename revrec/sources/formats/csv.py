"""CSV: fields separated by a comma, semicolon, tab or vertical bar, and quoted with ``"`` if needed."""

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from itertools import chain, islice
from typing import TYPE_CHECKING, NamedTuple

from revrec.sources.keyed import damaged
from revrec.sources.mapping import ColumnMapping
from revrec.sources.problems import SourceError, shorten
from revrec.sources.rows import DamagedRecord
from revrec.sources.stream import DecodedStream, SourceStream
from revrec.sources.table import Record, RecordBlocks, RowBlock, Table, by_row, column_names

if TYPE_CHECKING:
    from _csv import Reader

SUFFIXES = (".csv", ".txt")
DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}
_PEEK = 64 * 1024
LINES_AT_ONCE = 2_000
"""Lines that are split together, if each of them is a row."""


def read(source: SourceStream, mapping: ColumnMapping, delimiter: str = "") -> Table:
    """Return the rows below the header line. A row's number is the line of the file where it starts."""
    scan = DecodedStream(source, mapping.encoding, breaks=b"\n\r")
    text = io.TextIOWrapper(io.BufferedReader(scan, _PEEK), "utf-8", newline="")
    first, last = mapping.header_row or (1, 1)
    above = ["\n" for _line in islice(text, first - 1)]
    start = _start(text, last - first)
    delimiter = mapping.delimiter or delimiter or _delimiter(start, source, mapping)
    # skipinitialspace: without it the quotes in `a, "b, c"` would be part of the values. Values are trimmed anyway.
    # Blank lines instead of the rows above the header keep the numbers of the lines.
    split = partial(csv.reader, delimiter=delimiter, strict=True, skipinitialspace=True)
    lines = chain(above, start, text)
    reader = split(lines)
    header = _header(reader, source, mapping, last - first)
    blocks = _blocks(_Body(lines, split, len(header), source, mapping), reader.line_num)
    return Table(header, RecordBlocks(blocks), by_row, strict=True, scan=scan)


def _start(text: io.TextIOWrapper, more: int) -> list[str]:
    """Return the first lines up to the end of the header, enough to find the delimiter. They are read again later."""
    lines: list[str] = []
    for line in text:
        lines.append(line)
        joined = "".join(lines)
        if joined.strip() and joined.count('"') % 2 == 0:
            break
        if len(joined) > _PEEK:
            break
    return [*lines, *islice(text, more)]


def _delimiter(start: Sequence[str], source: SourceStream, mapping: ColumnMapping) -> str:
    """Return the one delimiter that splits the header into most of the expected columns.

    Raises:
        SourceError: none of the expected columns is there, or two delimiters fit equally well.
    """
    if not "".join(start).strip():
        raise source.error("", "has only blank lines", "it needs a header and at least one row")
    wanted = set(mapping.wanted_columns())
    found = {delimiter: _known(start, delimiter, wanted, mapping) for delimiter in DELIMITERS}
    best = max(found.values())
    fitting = [delimiter for delimiter, count in found.items() if count == best]
    if best and len(fitting) == 1:
        return fitting[0]
    if best:
        raise source.error(
            "the header", "more than one delimiter fits", 'set one in the mapping, such as delimiter = ";"'
        )
    raise source.error(
        "the header",
        f'has none of the expected columns: "{shorten("".join(start).strip())}"',
        f"start with a header such as {','.join(mapping.wanted_columns()[:8])}, or set delimiter and columns, or set"
        " header_row if the header is below other rows; `revrec import --suggest` drafts such a mapping",
    )


def _known(start: Sequence[str], delimiter: str, wanted: set[str], mapping: ColumnMapping) -> int:
    try:
        rows = list(csv.reader(start, delimiter=delimiter, strict=True, skipinitialspace=True))
        alone = max((len(wanted & {cell.strip() for cell in row}) for row in rows), default=0)
        return max(alone, len(wanted.intersection(column_names(rows, mapping))))
    except csv.Error:
        return 0


def _header(lines: "Reader", source: SourceStream, mapping: ColumnMapping, more: int) -> list[str]:
    """Return the names of the columns, from the first row that is not blank and ``more`` rows below it."""
    try:
        first: list[str] = next((row for row in lines if any(map(str.strip, row))), [])
        return column_names([first, *islice(lines, more)], mapping)
    except csv.Error as err:
        raise source.error(f"line {lines.line_num}", f"the header is damaged ({err})", "correct its quotes") from None


class _Body(NamedTuple):
    """The lines below the header, how they are split into fields, and the number of columns."""

    lines: Iterator[str]
    split: Callable[[Iterable[str]], "Reader"]
    width: int
    source: SourceStream
    mapping: ColumnMapping


def _blocks(body: _Body, done: int) -> Iterator[RowBlock | Record]:
    """Yield the rows below ``done`` lines: ordinary ones in blocks, the others one by one."""
    while lines := _next_lines(body.lines):
        rows = _ordinary(body, lines.read)
        if rows is not None and lines.damage is None:
            yield RowBlock(done + 1, rows)
            done += len(rows)
            continue
        reader = body.split(chain(lines.read, lines.damage or body.lines))
        # With damage, one line more than there is: the error is raised when it is read.
        yield from _records(body, reader, done, len(lines.read) + (lines.damage is not None))
        done += reader.line_num


class _PartlyReadLines(NamedTuple):
    """Lines that were read, and an iterator that raises the error at which reading them ended, if one did."""

    read: list[str]
    damage: Iterator[str] | None = None


def _next_lines(lines: Iterator[str]) -> _PartlyReadLines | None:
    """Return the next lines; None at the end. Those before an error are returned, to be read before it is raised."""
    read: list[str] = []
    try:
        read.extend(islice(lines, LINES_AT_ONCE))
    except SourceError as error:
        return _PartlyReadLines(read, _raising(error))
    return _PartlyReadLines(read) if read else None


def _raising(error: SourceError) -> Iterator[str]:
    raise error
    yield


def _ordinary(body: _Body, lines: Sequence[str]) -> list[list[str]] | None:
    """Return the rows of lines if each line is a row with a value for each column; else None."""
    try:
        rows = list(body.split(lines))
    except csv.Error:
        return None
    # A row is at least one line. So if there are as many rows as lines, no quoted value has a line break.
    return rows if len(rows) == len(lines) and set(map(len, rows)) == {body.width} else None


def _records(body: _Body, lines: "Reader", done: int, until: int) -> Iterator[Record]:
    """Yield the rows of ``lines``, which follow ``done`` lines, up to the row that ends in line ``until`` or later."""
    width, source, mapping = body.width, body.source, body.mapping
    while True:
        start = lines.line_num + 1
        try:
            for row in lines:
                if len(row) == width and (row[0] or any(row)):
                    yield done + start, row
                elif any(map(str.strip, row)):
                    is_filled = mapping.short_rows and len(row) < width
                    yield done + start, [*row, *[""] * (width - len(row))] if is_filled else _of_wrong_width(row, width)
                if lines.line_num >= until:
                    return
                start = lines.line_num + 1
            return
        except csv.Error as err:
            if lines.line_num > start or "limit" in str(err):
                # After a broken quotation that spans lines it is unknown where the next row starts. Reading on could
                # turn half a row into a whole one.
                raise _broken(source, done + start, done + lines.line_num, err) from None
            yield done + start, damaged("row", f"has a misplaced quote ({err})", 'write a quote inside quotes as ""')
            if lines.line_num >= until:
                return


def _of_wrong_width(row: list[str], width: int) -> DamagedRecord:
    fix = "quote values that contain the delimiter, and keep a place for empty values"
    if len(row) < width:
        fix += ', or set short_rows = "fill" in the mapping if empty values at the end are left out'
    return damaged("row", f"has {len(row)} fields, the header has {width}", fix, " | ".join(row[:20]), row)


def _broken(source: SourceStream, first: int, last: int, err: csv.Error) -> Exception:
    place = f"line {first}" if first == last else f"lines {first} to {last}"
    if "limit" in str(err):
        return source.error(place, "a field is longer than 64 KiB", "shorten it, or close its quotes")
    return source.error(place, f"a quoted field does not end properly ({err})", 'end it with one "')
