"""Documents that sources sent: the outcome of each, and when each source was last fetched."""

from typing import NamedTuple

from sqlalchemy import Connection, insert, select

from revrec.store.audit import AuditStamp, record
from revrec.store.database.bulk import next_number
from revrec.store.digests import digest_rows
from revrec.store.tables import received_document, source_fetch

OUTCOMES = ("imported", "unchanged", "refused")


class ReceivedDocument(NamedTuple):
    """One document as it arrived. ``kept`` is the path of its copy, empty without; ``detail`` explains the outcome."""

    source: str
    name: str
    marker: str
    sha256: str
    size: int
    outcome: str
    detail: str
    kept: str


def known_markers(connection: Connection, source: str) -> set[str]:
    """Return the markers of all documents that this source ever sent."""
    table = received_document.c
    return set(connection.execute(select(table.marker).where(table.source == source)).scalars())


def add_document(connection: Connection, document: ReceivedDocument, who: AuditStamp) -> None:
    """Record that a document was received, and its outcome."""
    number = next_number(connection, received_document.c.id)
    values = {"id": number, **document._asdict(), "at": who.at, "actor": who.actor}
    added = connection.execute(insert(received_document).values(values).returning(*received_document.c)).one()
    shown = {"document": document.name, "sha256": document.sha256, "outcome": document.outcome}
    subject = f"source {document.source}"
    record(connection, who, f"document {document.outcome}", subject, shown, [digest_rows(received_document, [added])])


def last_fetch(connection: Connection, source: str) -> str | None:
    """Return the start time of the last successful fetch of this source; None without one."""
    table = source_fetch.c
    query = select(table.started_at).where(table.source == source, table.outcome == "done").order_by(table.id.desc())
    return connection.execute(query.limit(1)).scalar()


def add_fetch(
    connection: Connection, source: str, started_at: str, documents: int, outcome: str, who: AuditStamp
) -> None:
    """Record a fetch from a source, and its outcome: ``done``, or why it failed."""
    number = next_number(connection, source_fetch.c.id)
    values = [number, source, started_at, who.at, who.actor, documents, outcome]
    connection.execute(insert(source_fetch).values(values))
    shown = {"documents": documents, "outcome": outcome}
    record(connection, who, "source fetched", f"source {source}", shown, [digest_rows(source_fetch, [values])])
