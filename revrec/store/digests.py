"""Digests of the rows that a change wrote, stored in its audit event so that the rows are tamper-evident too.

The canonical form, the same on every database: a row is the JSON array of its columns in the order of the table (no
blanks, UTF-8, no escapes for non-ASCII letters); rows are in the order of their key, joined by line feeds, which
JSON never contains. The digest is the SHA-256 of that text. ``marks`` has for each row the lower 16 bits of the
CRC-32 of its text (four hex digits, low byte first). They prove nothing: without them a digest over 2,000 rows could
only say that one of them was changed, and with them ``revrec verify`` names the row.
"""

import hashlib
import json
import json.encoder
import sys
from array import array
from collections.abc import Callable, Iterable, Sequence
from itertools import repeat
from typing import Any, NamedTuple
from zlib import crc32

from sqlalchemy import Table

from revrec.store.tables import journal_line, metadata, schedule, summary_line

BUCKET = 256
"""The number of charge lines whose worklist rows share a digest, so that a change rereads at most that many."""

MANY = 16
"""From so many rows on, texts are made faster from columns."""

SUPERSEDED = "entered_line.superseded_by"
"""The name of the digest of the released lines that a version superseded, as rows (charge, by, version, seq)."""

KeyRun = tuple[Any, ...]
"""Consecutive keys: (first, last), or (first charge, last charge, schedule version)."""


class RowDigest(NamedTuple):
    """The digest of the rows of a table that have the keys ``keys``."""

    table: str
    keys: list[KeyRun]
    rows: int
    sha256: str
    marks: str

    def shown(self) -> dict[str, object]:
        """Return the digest as it is stored in the detail of an audit event."""
        return {name: value for name, value in self._asdict().items() if value != ""}


def covered_columns(table: Table) -> list[Any]:
    """Return the columns of a table that its digests cover.

    The entry of a journal or summary line is already in the key. The columns of a schedule version that change later
    follow from the next version (``superseded_by``) and from the journal lines (``open_from``), as the columns of an
    entered line do. The database computes the id of a charge line.
    """
    if table in (journal_line, summary_line):
        return [column for column in table.columns if column.name != "entry_id"]
    if table is schedule:
        return [column for column in table.columns if column.name not in ("superseded_by", "open_from")]
    return [column for column in table.columns if column.computed is None]


def _replace_foreign_value(value: object) -> object:
    """Return a placeholder for a value that revrec never writes but a tampered database may have."""
    return {"not a value of revrec": repr(value)}


_encoder = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), default=_replace_foreign_value)


def _made_once() -> Callable[[tuple[Any, ...]], str]:
    """Return the encoder's ``encode`` without what it prepares again for each row, which takes half of its time."""
    make: Any = getattr(json.encoder, "c_make_encoder", None)
    if make is None:
        return _encoder.encode
    options = (None, ":", ",", False, False, True)
    encode = make(None, _replace_foreign_value, json.encoder.encode_basestring, *options)
    return lambda row: "".join(encode(row, 0))


row_text = _made_once()
"""Return the canonical text of one row."""
quoted = json.encoder.encode_basestring
"""Return the canonical text of a text."""


def text_of_numbers(row: Sequence[int | None]) -> str:
    """Return the canonical text of a row of whole numbers. It is faster, and an import writes one row per charge."""
    return str(list(row)).replace(" ", "").replace("None", "null")


def texts_of_columns(columns: Sequence[Sequence[Any]]) -> list[str]:
    """Return the canonical texts of rows from their columns: many times faster than row by row.

    Columns of one value are joined once. The first column is the key, and is never one of them.
    """
    first, count = columns[0], len(columns[0])
    found: list[str | Iterable[str]] = [_texts_of_column(first)]
    for column in columns[1:]:
        if column.count(column[0]) < count:
            found.append(_texts_of_column(column))
        elif isinstance(found[-1], str):
            found[-1] += f",{row_text((column[0],))[1:-1]}"
        else:
            found.append(row_text((column[0],))[1:-1])
    last = found[-1]
    end = f",{found.pop()}]" if isinstance(last, str) else "]"
    texts = (repeat(one, count) if isinstance(one, str) else one for one in found)
    return [f"[{row}{end}" for row in map(",".join, zip(*texts, strict=True))]


def _texts_of_column(column: Sequence[Any]) -> Iterable[str]:
    kinds = set(map(type, column))
    if kinds == {str}:
        return map(quoted, column)
    if kinds == {int}:
        return map(str, column)
    if kinds == {type(None)}:
        return repeat("null", len(column))
    if kinds == {str, type(None)}:
        return ("null" if value is None else quoted(value) for value in column)
    if kinds == {int, type(None)}:
        return ("null" if value is None else str(value) for value in column)
    return (row_text((value,))[1:-1] for value in column)


def sha256(texts: Sequence[str]) -> str:
    """Return the SHA-256 of rows from their texts."""
    return hashlib.sha256("\n".join(texts).encode("utf-8", "surrogatepass")).hexdigest()


def marks(texts: Iterable[str]) -> str:
    """Return the marks of rows from their texts."""
    # Arrays instead of a loop, for speed: an import marks every row. Put low byte first, the low half of each 32-bit
    # checksum is its first 16-bit item.
    whole = array("I", map(crc32, map(str.encode, texts)))
    if sys.byteorder == "big":
        whole.byteswap()
    return array("H", whole.tobytes())[::2].tobytes().hex()


def digest_texts(table: str, keys: list[KeyRun], texts: Sequence[str]) -> RowDigest:
    """Return the digest of rows whose texts are already made."""
    return RowDigest(table, keys, len(texts), sha256(texts), marks(texts) if len(texts) > 1 else "")


def digest_rows(table: Table, rows: Sequence[Sequence[Any]], keys: list[KeyRun] | None = None) -> RowDigest:
    """Return the digest of whole rows in the order of their key: their first column, unless ``keys`` says otherwise."""
    if keys is None:
        keys = key_runs(row[0] for row in rows)
    return digest_texts(table.name, keys, texts_of_rows(rows))


def texts_of_rows(rows: Sequence[Sequence[Any]]) -> list[str]:
    """Return the canonical texts of rows: of many by columns."""
    return [row_text(tuple(row)) for row in rows] if len(rows) < MANY else texts_of_columns([*zip(*rows, strict=True)])


def key_runs(keys: Iterable[Any]) -> list[KeyRun]:
    """Return keys as runs of consecutive numbers; each text is a run by itself."""
    keys = list(keys)
    # A block mostly has one run, which is found faster as a whole.
    if keys and isinstance(keys[0], int) and keys == [*range(keys[0], keys[0] + len(keys))]:
        return [(keys[0], keys[-1])]
    found: list[list[Any]] = []
    for key in keys:
        if found and isinstance(key, int) and found[-1][1] == key - 1:
            found[-1][1] = key
        else:
            found.append([key, key])
    return [tuple(run) for run in found]


def version_runs(keys: Iterable[tuple[int, int]]) -> list[KeyRun]:
    """Return (charge number, version) keys as runs of consecutive charges with the same version."""
    keys = list(keys)
    if keys:
        (first, version), count = keys[0], len(keys)
        if keys == list(zip(range(first, first + count), repeat(version, count), strict=True)):
            return [(first, first + count - 1, version)]
    found: list[list[int]] = []
    for no, version in keys:
        if found and found[-1][1] == no - 1 and found[-1][2] == version:
            found[-1][1] = no
        else:
            found.append([no, no, version])
    return [tuple(run) for run in found]


def bucket(charge_no: int) -> KeyRun:
    """Return the run of charge numbers that share one digest of their worklist rows."""
    first = charge_no // BUCKET * BUCKET
    return (first, first + BUCKET - 1)


def table_named(name: str) -> Table:
    """Return a table by its name."""
    return metadata.tables[name]
