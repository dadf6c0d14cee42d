"""Changes of charge lines by documents that arrived again with other figures: stored beside the line, never over it."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any, NamedTuple

from sqlalchemy import Connection, select

from revrec.core.batching import batched
from revrec.core.charge_line import ChargeLine
from revrec.store.audit import canonical
from revrec.store.bulk import insert_rows, next_number
from revrec.store.charges import LINE_COLUMNS, charge_from_row, voided
from revrec.store.digests import RowDigest, digest_rows
from revrec.store.tables import charge_change, charge_line, document_part, import_file

CHANGING = ("amount", "description", "quantity", "rev_rec_date", "service_end", "service_start")
"""The fields of a charge line that a change can have; all others stay as they were imported."""

_DATES = ("rev_rec_date", "service_end", "service_start")

LINES_AT_ONCE = 2_000
"""Charge lines in one query: the number of values in a statement is limited, and a document can have many lines."""

DocumentKey = tuple[str, str]
"""The source and the document of charge lines."""


class Statement(NamedTuple):
    """A charge line as a file stated it, None if its document did not have it any more, and the file's SHA-256."""

    line: ChargeLine | None
    sha256: str


class KnownLine(NamedTuple):
    """A stored charge line with everything that files stated of it, oldest first.

    ``part`` is the part of the document that states it, None for a line of a table, which has only its ``mapping``.
    ``as_of`` are the times at which its sender changed it.
    """

    no: int
    import_id: int
    row: int
    imported: ChargeLine
    statements: tuple[Statement, ...]
    mapping: str
    part: str | None
    as_of: tuple[str, ...]
    is_void: bool

    @property
    def present(self) -> ChargeLine | None:
        """The line as it was last stated; None if its document does not have it any more."""
        return self.statements[-1].line


class LineChange(NamedTuple):
    """A change to store: the new figures of a charge line, None if its document does not have it any more."""

    charge_no: int
    line: ChargeLine | None
    row: int
    as_of: str


def changed_lines(connection: Connection, before: Mapping[int, ChargeLine]) -> dict[int, ChargeLine | None]:
    """Return these charge lines as they were last stated, by number, as far as they were changed."""
    query = select(charge_change.c.charge_no, charge_change.c.figures).where(charge_change.c.charge_no.in_(before))
    changed = connection.execute(query.order_by(charge_change.c.id))
    return {no: _changed(before[no], json.loads(figures)) for no, figures in changed}


def stored_documents(connection: Connection, keys: Iterable[DocumentKey], but: int) -> set[DocumentKey]:
    """Return which of these documents have charge lines of other imports than ``but``."""
    wanted = set(keys)
    query = select(charge_line.c.source, charge_line.c.document).distinct().where(charge_line.c.import_id != but)
    named = query.where(charge_line.c.document.in_(sorted({document for _source, document in wanted})))
    return {key for source, document in connection.execute(named) if (key := (source, document)) in wanted}


def known_lines(connection: Connection, documents: Iterable[DocumentKey]) -> dict[DocumentKey, list[KnownLine]]:
    """Return the stored lines of documents, in the order of their import."""
    wanted = set(documents)
    query = (
        select(
            *LINE_COLUMNS, charge_line.c.no, charge_line.c.import_id, charge_line.c.row, import_file.c.sha256,
            import_file.c.mapping, document_part.c.part, document_part.c.as_of,
        )
        .join(import_file, import_file.c.id == charge_line.c.import_id)
        .outerjoin(document_part, document_part.c.charge_no == charge_line.c.no)
        .where(charge_line.c.document.in_(sorted({document for _source, document in wanted})))
        .order_by(charge_line.c.no)
    )  # fmt: skip
    rows = [row for row in connection.execute(query) if (row.source, row.document) in wanted]
    changes: dict[int, list[Any]] = {}
    void: set[int] = set()
    for numbers in batched((row.no for row in rows), LINES_AT_ONCE):
        changes |= _changes(connection, numbers)
        void |= voided(connection, numbers)
    found: dict[DocumentKey, list[KnownLine]] = {}
    for row in rows:
        known = _known(row, changes.get(row.no, ()), row.no in void)
        found.setdefault((row.source, row.document), []).append(known)
    return found


def _known(row: Any, changes: Sequence[Any], is_void: bool) -> KnownLine:
    line = charge_from_row(row)
    later = [Statement(_changed(line, json.loads(one.figures)), one.sha256) for one in changes]
    times = tuple(one.as_of for one in (row, *changes) if one.as_of)
    stated = (Statement(line, row.sha256), *later)
    return KnownLine(row.no, row.import_id, row.row, line, stated, row.mapping, row.part, times, is_void)


def _changes(connection: Connection, numbers: Sequence[int]) -> dict[int, list[Any]]:
    change = charge_change.c
    query = (
        select(change.charge_no, change.figures, change.as_of, import_file.c.sha256)
        .join(import_file, import_file.c.id == change.import_id)
        .where(change.charge_no.in_(numbers))
        .order_by(change.id)
    )
    found: dict[int, list[Any]] = {}
    for row in connection.execute(query):
        found.setdefault(row.charge_no, []).append(row)
    return found


def was_imported(connection: Connection, sha256: str, but: int) -> bool:
    """Return True if another import of charge lines than ``but`` had this content."""
    query = select(import_file.c.id).where(import_file.c.sha256 == sha256, import_file.c.id != but)
    return connection.execute(query.where(import_file.c.kind == "charges").limit(1)).first() is not None


def _changed(line: ChargeLine, figures: Mapping[str, Any]) -> ChargeLine | None:
    """Return the line with the figures of a change; None without figures."""
    if not figures:
        return None
    values: dict[str, Any] = dict(figures)
    values |= {name: date.fromisoformat(values[name]) for name in _DATES if values[name]}
    values["quantity"] = None if values["quantity"] is None else Decimal(values["quantity"])
    return line._replace(**values)


def _figures(line: ChargeLine | None) -> dict[str, Any]:
    """Return the figures of a line that a change can have, as JSON; empty for a line that is gone."""
    values = {name: getattr(line, name) for name in CHANGING} if line else {}
    return {name: value if value is None or name == "amount" else str(value) for name, value in values.items()}


def add_changes(connection: Connection, changes: Sequence[LineChange], import_id: int, audit_seq: int) -> RowDigest:
    """Store changes of charge lines."""
    first = next_number(connection, charge_change.c.id)
    rows = [
        (id, one.charge_no, import_id, one.row, canonical(_figures(one.line)), one.as_of, audit_seq)
        for id, one in enumerate(changes, first)
    ]
    insert_rows(connection, charge_change, tuple(charge_change.columns.keys()), rows)
    return digest_rows(charge_change, rows)


def add_parts(connection: Connection, rows: Sequence[tuple[int, str, str]]) -> RowDigest:
    """Store which part of a document states a charge line, and as of when: (number, part, time)."""
    insert_rows(connection, document_part, tuple(document_part.columns.keys()), rows)
    return digest_rows(document_part, rows)


class StoredChange(NamedTuple):
    """A change of a charge line: the file and row that stated it, and the line; None if the document had it no more."""

    import_id: int
    uri: str
    sha256: str
    row: int
    imported_at: str
    actor: str
    line: ChargeLine | None


def changes_of(connection: Connection, no: int, imported: ChargeLine) -> Iterator[StoredChange]:
    """Yield the changes of a charge line, oldest first."""
    file = import_file.c
    query = (
        select(
            file.id, file.uri, file.sha256, charge_change.c.row, file.imported_at, file.actor, charge_change.c.figures
        )
        .join(import_file, file.id == charge_change.c.import_id)
        .where(charge_change.c.charge_no == no)
        .order_by(charge_change.c.id)
    )
    for import_id, uri, sha256, row, imported_at, actor, figures in connection.execute(query):
        line = _changed(imported, json.loads(figures))
        yield StoredChange(import_id, uri, sha256, row, imported_at, actor, line)
