"""Fixed width: one record a line, with columns at the places that the mapping's ``positions`` define."""

import io
from collections.abc import Iterator, Mapping

from revrec.sources.keyed import damaged
from revrec.sources.mapping import ColumnMapping, ColumnPosition
from revrec.sources.rows import DamagedRecord
from revrec.sources.stream import DecodedStream, SourceStream
from revrec.sources.table import Record, Table, by_row

SUFFIXES = (".fixed", ".fix")


def read(source: SourceStream, mapping: ColumnMapping) -> Table:
    """Return the lines that are not blank. A row's number is its line; there is no header line."""
    if not mapping.positions:
        raise source.error(
            "",
            "a fixed-width file needs the positions of its columns",
            'set positions.amount = "21-32" and so on in a mapping',
        )
    scan = DecodedStream(source, mapping.encoding, breaks=b"\n\r")
    text = io.TextIOWrapper(io.BufferedReader(scan), "utf-8")
    header = tuple(mapping.positions)
    return Table(header, _records(text, mapping.positions), by_row, strict=True, scan=scan, expected="write a line")


def _records(text: io.TextIOWrapper, positions: Mapping[str, ColumnPosition]) -> Iterator[Record]:
    longest = max(position.last for position in positions.values())
    for number, line in enumerate(text, start=1):
        row = line.rstrip("\r\n\x1a")
        if row.strip():
            yield number, _row(row, positions, longest)


def _row(line: str, positions: Mapping[str, ColumnPosition], longest: int) -> list[str] | DamagedRecord:
    cells = [line[first - 1 : last] for first, last, _ in positions.values()]
    if len(line) > longest and line[longest:].strip():
        reason = f"has {len(line)} characters, the last column ends at {longest}"
        return damaged("line", reason, "add a position for the rest and list it in ignore", line[longest:], cells)
    # A line may end before its last columns. It must not end inside one with implied decimals: "24" cut from "2400"
    # would read as 0.24.
    for place, (name, position) in enumerate(positions.items()):
        if position.decimals and cells[place].strip():
            pointed = _pointed(cells[place].strip(), position.decimals)
            if pointed is None or len(line) < position.last:
                reason = f"is not {position.last - position.first + 1} digits with {position.decimals} implied decimals"
                return damaged(name, reason, "write digits only, with a sign if negative", cells[place], cells)
            cells[place] = pointed
    return cells


def _pointed(text: str, decimals: int) -> str | None:
    """Return ``0000002400-`` with two implied decimals as ``-24.00``; None if it is not digits and a sign."""
    negative = text[:1] == "-" or text[-1:] == "-"
    digits = text.strip("+-")
    if not digits.isascii() or not digits.isdigit() or len(text) - len(digits) > 1:
        return None
    whole = digits.rjust(decimals + 1, "0")
    return f"{'-' if negative else ''}{whole[:-decimals].lstrip('0') or '0'}.{whole[-decimals:]}"
