"""CSV and its relatives: fields separated by a comma, semicolon, tab or bar, quoted with ``"`` where need be."""

import csv
import io
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from revrec.sources.keyed import damaged
from revrec.sources.mapping import ColumnMapping
from revrec.sources.problems import shorten
from revrec.sources.stream import DecodedStream, SourceStream
from revrec.sources.table import Record, Table, by_line

if TYPE_CHECKING:
    from _csv import Reader

SUFFIXES = (".csv", ".txt")
DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}
_PEEK = 64 * 1024


def read(source: SourceStream, mapping: ColumnMapping, delimiter: str = "") -> Table:
    """The rows below the header line. A row's number is the line of the file where it starts."""
    scan = DecodedStream(source, mapping.encoding, breaks=b"\n\r")
    text = io.TextIOWrapper(io.BufferedReader(scan, _PEEK), "utf-8", newline="")
    start = _start(text)
    delimiter = mapping.delimiter or delimiter or _delimiter(start, source, mapping)
    # skipinitialspace: `a, "b, c"` is quoted too, and every value is trimmed anyway.
    lines = csv.reader(_again(start, text), delimiter=delimiter, strict=True, skipinitialspace=True)
    header = _header(lines, source)
    return Table(header, _records(lines, len(header), source), by_line, strict=True, scan=scan)


def _start(text: io.TextIOWrapper) -> list[str]:
    """The first lines up to the header's end: enough to see the delimiter; they are read again later."""
    lines: list[str] = []
    for line in text:
        lines.append(line)
        joined = "".join(lines)
        if joined.strip() and joined.count('"') % 2 == 0:
            break
        if len(joined) > _PEEK:
            break
    return lines


def _again(start: Sequence[str], rest: io.TextIOWrapper) -> Iterator[str]:
    yield from start
    yield from rest


def _delimiter(start: Sequence[str], source: SourceStream, mapping: ColumnMapping) -> str:
    """The one delimiter under which the header shows most of the columns that are looked for."""
    if not "".join(start).strip():
        raise source.error("", "has only blank lines", "it needs a header and at least one row")
    wanted = set(mapping.wanted_columns())
    found = {delimiter: _known(start, delimiter, wanted) for delimiter in DELIMITERS}
    best = max(found.values())
    fitting = [delimiter for delimiter, count in found.items() if count == best]
    if best and len(fitting) == 1:
        return fitting[0]
    if best:
        raise source.error(
            "the header", "more than one delimiter would fit", 'set delimiter = ";" or the like in the mapping'
        )
    raise source.error(
        "the header",
        f'has none of the expected columns: "{shorten("".join(start).strip())}"',
        f"start with a header such as {','.join(mapping.wanted_columns()[:8])}, or set delimiter and columns",
    )


def _known(start: Sequence[str], delimiter: str, wanted: set[str]) -> int:
    try:
        rows = csv.reader(start, delimiter=delimiter, strict=True, skipinitialspace=True)
        return max((len(wanted & {cell.strip() for cell in row}) for row in rows), default=0)
    except csv.Error:
        return 0


def _header(lines: "Reader", source: SourceStream) -> list[str]:
    try:
        return next(([cell.strip() for cell in row] for row in lines if any(map(str.strip, row))), [])
    except csv.Error as err:
        raise source.error(f"line {lines.line_num}", f"the header is damaged ({err})", "correct its quotes") from None


def _records(lines: "Reader", width: int, source: SourceStream) -> Iterator[Record]:
    while True:
        start = lines.line_num + 1
        try:
            for row in lines:
                if len(row) == width and (row[0] or any(row)):
                    yield start, row
                elif any(map(str.strip, row)):
                    fix = "quote values that hold the delimiter; leave the others empty"
                    reason = f"has {len(row)} fields, the header has {width}"
                    yield start, damaged("row", reason, fix, " | ".join(row[:20]), row)
                start = lines.line_num + 1
            return
        except csv.Error as err:
            if lines.line_num > start or "limit" in str(err):
                # Past a broken quotation that spans lines nobody can tell where the next row starts.
                raise _broken(source, start, lines.line_num, err) from None
            yield start, damaged("row", f"is not well quoted ({err})", 'write a quote inside quotes as ""')


def _broken(source: SourceStream, first: int, last: int, err: csv.Error) -> Exception:
    place = f"line {first}" if first == last else f"lines {first} to {last}"
    if "limit" in str(err):
        return source.error(place, "a field is longer than 64 KiB", "shorten it, or close its quotes")
    return source.error(place, f"a quoted field does not end well ({err})", 'close it with one " at its end')
