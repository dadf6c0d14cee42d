"""The audit trail: append-only events, each sealed with the hash of the one before it.

The hash is SHA-256 over the canonical JSON (sorted keys, no blanks, UTF-8) of the list
``[seq, at, actor, command, action, subject, detail, previous_hash]``, so that anyone can recompute the chain.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection, insert, select

from revrec.store.digests import RowDigest
from revrec.store.tables import audit_event

GENESIS = "0" * 64


class AuditStamp(NamedTuple):
    """The origin of a change: the actor, such as ``anna@office (uid 1000)``, the command, and the UTC time as text."""

    actor: str
    command: str
    at: str


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
    if digests:
        detail = {**detail, "digests": [one.shown() for one in digests]}
    last = connection.execute(
        select(audit_event.c.seq, audit_event.c.hash).order_by(audit_event.c.seq.desc()).limit(1)
    ).first()
    seq, previous = (last.seq + 1, last.hash) if last else (1, GENESIS)
    text = canonical(detail)
    values = [seq, who.at, who.actor, who.command, action, subject, text, previous]
    connection.execute(insert(audit_event).values([*values, chain_hash(values)]))
    return int(seq)


def canonical(value: object) -> str:
    """Return the canonical JSON text of a value: the same on every database and Python version."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def chain_hash(values: list[Any]) -> str:
    """Return the hash that seals one event, from its fields in the order of the table."""
    return hashlib.sha256(canonical(values).encode()).hexdigest()
