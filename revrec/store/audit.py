"""The audit trail: append-only events, each sealed with the hash of the one before it.

The hash is SHA-256 over the canonical JSON (sorted keys, no blanks, UTF-8) of the list
``[seq, at, actor, command, action, subject, detail, previous_hash]``, so that anyone can recompute the chain.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection, select

from revrec.store.bulk import first_row, insert_rows
from revrec.store.digests import RowDigest
from revrec.store.tables import audit_event

GENESIS = "0" * 64
_COLUMNS = tuple(audit_event.columns.keys())
_LAST = select(audit_event.c.seq, audit_event.c.hash).order_by(audit_event.c.seq.desc()).limit(1)


class AuditStamp(NamedTuple):
    """The origin of a change: the actor, such as ``anna@office (uid 1000)``, the command, and the UTC time as text."""

    actor: str
    command: str
    at: str


class AuditEvent(NamedTuple):
    """An event to be appended. ``digests`` cover the rows that the change wrote; they become part of the detail."""

    action: str
    subject: str
    detail: Mapping[str, Any]
    digests: Sequence[RowDigest] = ()


def record(
    connection: Connection,
    who: AuditStamp,
    action: str,
    subject: str,
    detail: Mapping[str, Any],
    digests: Sequence[RowDigest] = (),
) -> int:
    """Append one event in the caller's transaction; return its sequence number.

    ``digests`` cover the rows that the change wrote; they are stored under that name in the event's detail.
    """
    return record_all(connection, who, [AuditEvent(action, subject, detail, digests)])


def record_all(connection: Connection, who: AuditStamp, events: Sequence[AuditEvent]) -> int:
    """Append events, at least one, in the caller's transaction; return the sequence number of the last one."""
    seq, seal = first_row(connection, _LAST) or (0, GENESIS)
    rows = []
    for event in events:
        seq += 1
        detail = event.detail
        if event.digests:
            detail = {**detail, "digests": [one.shown() for one in event.digests]}
        values = [seq, who.at, who.actor, who.command, event.action, event.subject, canonical(detail), seal]
        seal = chain_hash(values)
        rows.append((*values, seal))
    insert_rows(connection, audit_event, _COLUMNS, rows)
    return int(seq)


class TrailEvent(NamedTuple):
    """An event of the trail: its number, when, by whom, and its detail."""

    seq: int
    at: str
    actor: str
    detail: dict[str, Any]


def last_event(connection: Connection, action: str) -> TrailEvent | None:
    """Return the last event of an action; None without any."""
    event = audit_event.c
    query = select(event.seq, event.at, event.actor, event.detail).where(event.action == action)
    found = connection.execute(query.order_by(event.seq.desc()).limit(1)).first()
    return TrailEvent(found.seq, found.at, found.actor, json.loads(found.detail)) if found else None


_encoder = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def canonical(value: object) -> str:
    """Return the canonical JSON text of a value: the same on every database and Python version."""
    return _encoder.encode(value)


def chain_hash(values: list[Any]) -> str:
    """Return the hash that seals one event, from its fields in the order of the table."""
    return hashlib.sha256(canonical(values).encode()).hexdigest()
