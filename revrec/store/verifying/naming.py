"""Name the first row that differs, if a digest over many rows does."""

from collections.abc import Iterable, Iterator
from itertools import zip_longest
from typing import Any, NamedTuple
from zlib import crc32

from revrec.store.digests import SUPERSEDED, row_text, sha256, table_named

Row = tuple[Any, ...]


class DigestedRows(NamedTuple):
    """The table and the digest of the rows among which one differs."""

    name: str
    digest: dict[str, Any]

    @property
    def parent(self) -> str:
        """The entry of journal and summary lines, which only the digest's key has."""
        return f"entry_id {self.digest['keys'][0][0]}, " if self.name in OF_ENTRIES else ""


PIECES = ("schedule", "schedule_wait", "schedule_plan", "price_change", "schedule_allocation")
"""Tables with at most one row for a schedule version."""

OF_ENTRIES = ("journal_line", "summary_line")
"""Tables whose digests cover the lines of one entry each."""

NUMBERED = {"plan_part": 1, **dict.fromkeys(OF_ENTRIES, 0), "invoice_line": 1, "adjusting_line": 1}
"""Tables of lines numbered without gaps within their parent, and the position of the column that counts them."""


def name_difference(place: DigestedRows, rows: Iterable[Row]) -> tuple[str, str]:
    """Return the key of the first row that differs, and how it differs."""
    found = list(rows)
    count = place.digest["rows"]
    at = _first_difference(place.digest, found)
    if len(found) < count:
        return _missing(place, found, at), "it is missing"
    if at is None:
        return _range(place), "a row among these differs from what was written"
    said = "it was added" if len(found) > count else "its content differs from what was written"
    return _said(place, found[at]), said


def _first_difference(digest: dict[str, Any], rows: list[Row]) -> int | None:
    marks = digest.get("marks", "")
    if not marks:
        # A single row was written: the digest is its own.
        return next((at for at, row in enumerate(rows) if sha256([row_text(row)]) != digest["sha256"]), None)
    recorded = [marks[at : at + 4] for at in range(0, len(marks), 4)]
    for at, (mark, row) in enumerate(zip_longest(recorded, rows)):
        if row is None or mark is None or mark != _mark(row):
            return at
    return None


def _mark(row: Row) -> str:
    return (crc32(row_text(row).encode("utf-8", "surrogatepass")) & 0xFFFF).to_bytes(2, "little").hex()


def _said(place: DigestedRows, row: Row) -> str:
    if place.name == SUPERSEDED:
        return f"charge_no {row[0]}, version {row[2]}, seq {row[3]}"
    key = table_named(place.name).primary_key.columns
    names = [column.name for column in key if not place.parent or column.name != "entry_id"]
    return place.parent + ", ".join(f"{name} {value}" for name, value in zip(names, row, strict=False))


def _missing(place: DigestedRows, rows: list[Row], at: int | None) -> str:
    if place.name in NUMBERED:
        return _gap(place, rows, len(rows) if at is None else at)
    if place.name in (*PIECES, SUPERSEDED):
        found = {tuple(row[:2]) for row in rows}
        return next((f"charge_no {no}, version {v}" for no, v in _pairs(place) if (no, v) not in found), _range(place))
    there = {row[0] for row in rows}
    keys = (key for run in place.digest["keys"] for key in _between(run))
    name = next(iter(table_named(place.name).primary_key.columns)).name
    gone = [key for key in keys if key not in there]
    # The worklist has no row for most charges, so it is not known which row is missing.
    return f"{name} {gone[0]}" if gone and place.name != "unscheduled" else _range(place)


def _pairs(place: DigestedRows) -> Iterator[tuple[int, int]]:
    for first, last, version in place.digest["keys"]:
        yield from ((no, version) for no in range(first, last + 1))


def _between(run: list[Any]) -> Iterable[Any]:
    return range(run[0], run[1] + 1) if isinstance(run[0], int) else (run[0],)


def _gap(place: DigestedRows, rows: list[Row], at: int) -> str:
    """Return the key of a missing line from its neighbors, since lines are numbered without gaps."""
    column = NUMBERED[place.name]
    before = rows[at - 1] if at else None
    after = rows[at] if at < len(rows) else None
    if after is not None and (before is None or before[:column] != after[:column]) and _later(after, column):
        return _said(place, (*after[:column], after[column] - 1))
    if before is None:
        return _range(place)
    return _said(place, (*before[:column], before[column] + 1))


def _later(row: Row, column: int) -> bool:
    return isinstance(row[column], int) and row[column] > 1


def _range(place: DigestedRows) -> str:
    keys = place.digest["keys"]
    first, last = keys[0][0], keys[-1][1]
    name = next(iter(table_named(place.name.partition(".")[0]).primary_key.columns)).name
    return f"{name} {first}" if first == last else f"{name} {first} to {last}"
