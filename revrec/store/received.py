"""Documents that sources sent: the outcome of each, those that need attention, and how far each source was read."""

import json
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from sqlalchemy import ColumnElement, Connection, Select, and_, exists, insert, or_, select

from revrec.store.audit import AuditStamp, record
from revrec.store.bulk import next_number
from revrec.store.digests import digest_rows
from revrec.store.meta import put_meta
from revrec.store.tables import NOT_IMPORTED, document_resolution, meta, received_document, source_fetch

OUTCOMES = ("imported", "unchanged", "refused", "unreachable")
DISMISSED, REPLACED = "dismissed", "replaced"


class ReceivedDocument(NamedTuple):
    """One document as it arrived. ``kept`` is the path of its copy, empty without; ``detail`` explains the outcome.

    ``waits_for`` are the charge lines whose absence is the only reason why it was refused; ``source/document/*`` means
    any line of a document.
    """

    source: str
    name: str
    marker: str
    sha256: str
    size: int
    outcome: str
    detail: str
    waits_for: tuple[str, ...]
    kept: str


class StoredDocument(NamedTuple):
    """A document as it is stored. ``resolution`` is dismissed or replaced, with its reason, time and actor."""

    id: int
    source: str
    name: str
    marker: str
    sha256: str
    size: int
    outcome: str
    detail: str
    waits_for: tuple[str, ...]
    kept: str
    at: str
    actor: str
    resolution: str | None
    reason: str | None
    resolved_at: str | None
    resolved_by: str | None

    @property
    def is_settled(self) -> bool:
        """Return True if it is imported, unchanged, dismissed or replaced."""
        return self.outcome in ("imported", "unchanged") or self.resolution is not None


_DOCUMENTS = select(
    *received_document.c,
    document_resolution.c.outcome.label("resolution"),
    document_resolution.c.reason,
    document_resolution.c.at.label("resolved_at"),
    document_resolution.c.actor.label("resolved_by"),
).outerjoin(document_resolution, document_resolution.c.document_id == received_document.c.id)


def _newest() -> ColumnElement[bool]:
    """Return the condition that a document has no newer version under the same name."""
    newer = received_document.alias("newer")
    own = received_document.c
    return ~exists().where(newer.c.source == own.source, newer.c.name == own.name, newer.c.id > own.id)


def _read(connection: Connection, query: Select[tuple[object, ...]]) -> Iterator[StoredDocument]:
    for row in connection.execute(query.order_by(received_document.c.id)):
        found = row._asdict()
        yield StoredDocument(**found | {"waits_for": tuple(json.loads(found["waits_for"] or "[]"))})


def latest_documents(connection: Connection, source: str) -> Iterator[StoredDocument]:
    """Yield the newest version of each document that this source ever sent, oldest first."""
    yield from _read(connection, _DOCUMENTS.where(received_document.c.source == source, _newest()))


def newest_document(connection: Connection, source: str, name: str) -> StoredDocument | None:
    """Return the newest version of a document; None if there is none."""
    own = received_document.c
    return next(_read(connection, _DOCUMENTS.where(own.source == source, own.name == name, _newest())), None)


def open_documents(connection: Connection) -> list[StoredDocument]:
    """Return the documents that need attention: refused or unreachable, and neither replaced nor dismissed."""
    is_open = and_(NOT_IMPORTED, document_resolution.c.document_id.is_(None), _newest())
    return list(_read(connection, _DOCUMENTS.where(is_open)))


def all_documents(connection: Connection) -> Iterator[StoredDocument]:
    """Yield every version of every document, oldest first."""
    yield from _read(connection, _DOCUMENTS)


def documents_named(connection: Connection, name: str) -> list[StoredDocument]:
    """Return every version of the documents with this name at their source, this file name, or this SHA-256."""
    own = received_document.c
    ends = (own.name.endswith(f"{before}{name}", autoescape=True) for before in ("/", ": "))
    return list(_read(connection, _DOCUMENTS.where(or_(own.name == name, own.sha256 == name, *ends))))


def document(connection: Connection, id: int) -> StoredDocument | None:
    """Return the document with this number; None if there is none."""
    return next(_read(connection, _DOCUMENTS.where(received_document.c.id == id)), None)


def add_document(
    connection: Connection, one: ReceivedDocument, who: AuditStamp, position: str | None = None
) -> StoredDocument:
    """Record that a document was received, its outcome, and how far its source was read."""
    number = next_number(connection, received_document.c.id)
    values = {"id": number, **one._asdict(), "at": who.at, "actor": who.actor}
    values["waits_for"] = json.dumps(one.waits_for, ensure_ascii=False) if one.waits_for else ""
    added = connection.execute(insert(received_document).values(values).returning(*received_document.c)).one()
    digests = [digest_rows(received_document, [added])]
    if position is not None:
        digests.append(put_meta(connection, _position_key(one.source), position))
    shown = {"document": one.name, "sha256": one.sha256, "outcome": one.outcome}
    record(connection, who, f"document {one.outcome}", f"source {one.source}", shown, digests)
    return as_stored(one, number, who)


def as_stored(one: ReceivedDocument, number: int, who: AuditStamp) -> StoredDocument:
    """Return a document as it is stored under a number."""
    return StoredDocument(number, *one, who.at, who.actor, None, None, None, None)


def resolve_documents(
    connection: Connection, documents: Iterable[StoredDocument], outcome: str, reason: str, who: AuditStamp
) -> None:
    """Record that refused or unreachable documents were dismissed or replaced, and why."""
    for one in documents:
        values = [one.id, outcome, reason, who.at, who.actor]
        connection.execute(insert(document_resolution).values(values))
        shown = {"document": one.name, "id": one.id, "reason": reason}
        digests = [digest_rows(document_resolution, [values])]
        record(connection, who, f"document {outcome}", f"source {one.source}", shown, digests)


def read_position(connection: Connection, source: str) -> str:
    """Return how far this source was read, in the words of its transport; empty at the beginning."""
    query = select(meta.c.value).where(meta.c.key == _position_key(source))
    return connection.execute(query).scalar() or ""


def _position_key(source: str) -> str:
    return f"position of source {source}"


def add_fetch(
    connection: Connection,
    source: str,
    started_at: str,
    documents: int,
    outcome: str,
    who: AuditStamp,
    position: str | None = None,
) -> None:
    """Record a fetch from a source, its outcome (``done``, or why it failed), and how far the source was read."""
    number = next_number(connection, source_fetch.c.id)
    values = [number, source, started_at, who.at, who.actor, documents, outcome]
    connection.execute(insert(source_fetch).values(values))
    digests = [digest_rows(source_fetch, [values])]
    if position is not None:
        digests.append(put_meta(connection, _position_key(source), position))
    shown = {"documents": documents, "outcome": outcome}
    record(connection, who, "source fetched", f"source {source}", shown, digests)
