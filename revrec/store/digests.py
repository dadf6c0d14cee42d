"""Digests of the rows that a change wrote, for its audit event: what makes the rows themselves tamper-evident.

The canonical form, the same on every database: a row is the JSON array of its columns in the order of the table (no
blanks, UTF-8, other letters than ASCII as they are); rows stand in the order of their key, joined by line feeds, which
JSON never holds. The digest is the SHA-256 of that text. ``marks`` holds for each row the lower 16 bits of the
CRC-32 of its text (four hex digits, low byte first): they prove nothing, but name the row where a digest differs.
"""

import hashlib
import json
import sys
from array import array
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple
from zlib import crc32

from sqlalchemy import Table

from revrec.store.tables import journal_line, metadata, schedule_line

BUCKET = 256
"""Charge numbers whose worklist rows share one digest: a change costs no more than so many rows."""

SUPERSEDED = "schedule_line.superseded_by"
"""The digest of which schedule lines a schedule version superseded, as rows (charge, by, version, seq)."""

KeyRun = tuple[Any, ...]
"""Consecutive keys: (first, last), or (first charge, last charge, schedule version)."""


class RowDigest(NamedTuple):
    """The digest of some rows of a table: those with the keys ``keys``."""

    table: str
    keys: list[KeyRun]
    rows: int
    sha256: str
    marks: str

    def shown(self) -> dict[str, object]:
        """As it stands in the detail of an audit event."""
        return {name: value for name, value in self._asdict().items() if value != ""}


def covered_columns(table: Table) -> list[Any]:
    """The columns of a table that its digests cover.

    A journal line's entry is in the key already. What of a schedule line changes later has digests of its own
    (``superseded_by``), or follows from the journal lines (``entry_id``, ``revision``).
    """
    if table is journal_line:
        return [column for column in table.columns if column.name != "entry_id"]
    if table is schedule_line:
        return [table.c[name] for name in ("charge_no", "version", "seq", "date", "amount")]
    return list(table.columns)


def _replace_foreign_value(value: object) -> object:
    """What no column of ours can hold, but a database that was tampered with might."""
    return {"not a value of revrec": repr(value)}


row_text = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), default=_replace_foreign_value).encode
"""The canonical text of one row."""


def sha256(texts: Sequence[str]) -> str:
    """The digest of rows from their texts."""
    return hashlib.sha256("\n".join(texts).encode("utf-8", "surrogatepass")).hexdigest()


def marks(texts: Iterable[str]) -> str:
    """The marks of rows from their texts."""
    whole = array("I", map(crc32, map(str.encode, texts)))
    if sys.byteorder == "big":
        whole.byteswap()
    return array("H", whole.tobytes())[::2].tobytes().hex()


def digest_texts(table: str, keys: list[KeyRun], texts: Sequence[str]) -> RowDigest:
    """The digest of rows whose texts are made already."""
    return RowDigest(table, keys, len(texts), sha256(texts), marks(texts) if len(texts) > 1 else "")


def digest_rows(table: Table, rows: Sequence[Sequence[Any]], keys: list[KeyRun] | None = None) -> RowDigest:
    """The digest of whole rows in the order of their key, which is their first column unless ``keys`` are given."""
    if keys is None:
        keys = key_runs(row[0] for row in rows)
    return digest_texts(table.name, keys, [row_text(tuple(row)) for row in rows])


def digest_schedule_lines(keys: list[KeyRun], rows: Iterable[tuple[int, int, int, str, int]]) -> RowDigest:
    """The digest of new schedule lines. There are so many of them that their JSON is written directly."""
    texts = [f'[{no},{version},{seq},"{day}",{amount}]' for no, version, seq, day, amount in rows]
    return digest_texts(schedule_line.name, keys, texts)


def key_runs(keys: Iterable[Any]) -> list[KeyRun]:
    """Keys as runs of consecutive ones; texts and other keys stand alone."""
    found: list[list[Any]] = []
    for key in keys:
        if found and isinstance(key, int) and found[-1][1] == key - 1:
            found[-1][1] = key
        else:
            found.append([key, key])
    return [tuple(run) for run in found]


def version_runs(keys: Iterable[tuple[int, int]]) -> list[KeyRun]:
    """(charge number, version) keys as runs of consecutive charges with the same version."""
    found: list[list[int]] = []
    for no, version in keys:
        if found and found[-1][1] == no - 1 and found[-1][2] == version:
            found[-1][1] = no
        else:
            found.append([no, no, version])
    return [tuple(run) for run in found]


def bucket(charge_no: int) -> KeyRun:
    """The run of charge numbers whose worklist rows share one digest."""
    first = charge_no // BUCKET * BUCKET
    return (first, first + BUCKET - 1)


def table_named(name: str) -> Table:
    """A table by its name."""
    return metadata.tables[name]
