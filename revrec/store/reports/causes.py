"""Why schedule versions were written: a new line, an event, a changed rule, from the audit event of each."""

from collections.abc import Collection
from typing import NamedTuple

from sqlalchemy import Connection, select

from revrec.core.batching import batched
from revrec.core.pricing import PRICE_EVENT_KINDS
from revrec.store.reports.moves import REBUILT
from revrec.store.tables import audit_event, fulfillment_event, import_file, schedule, schedule_allocation

NEW_LINE, ALLOCATION, RULE_VERSION, DOCUMENT = "new line", "allocation", "rule version", "changed document"
BY_RULES = (REBUILT, "unscheduled lines tried again")
AT_ONCE = 1_000

Version = tuple[int, int]
"""A schedule version: the number of its charge line, and its own."""


class VersionCause(NamedTuple):
    """Why a schedule version was written, in words, with the audit event that wrote it, its UTC time and its actor."""

    words: str
    audit_seq: int
    at: str
    actor: str


def version_causes(connection: Connection, numbers: Collection[int]) -> dict[Version, VersionCause]:
    """Return the cause of every schedule version of these charge lines."""
    found: dict[Version, VersionCause] = {}
    for some in batched(sorted(numbers), AT_ONCE):
        kinds = _imported_kinds(connection, some)
        allocated = _allocated(connection, some)
        query = (
            select(schedule.c.charge_no, schedule.c.version, audit_event.c.action, *audit_event.c["seq", "at", "actor"])
            .join(audit_event, audit_event.c.seq == schedule.c.audit_seq)
            .where(schedule.c.charge_no.in_(some))
        )
        for no, version, action, seq, at, actor in connection.execute(query):
            kind = action.removeprefix("event ") if action.startswith("event ") else kinds.get((no, seq), "")
            words = _words(action, kind, version, (no, version) in allocated)
            found[no, version] = VersionCause(words, seq, at, actor)
    return found


def _words(action: str, kind: str, version: int, is_allocated: bool) -> str:
    if action in BY_RULES:
        return RULE_VERSION
    if kind:
        return f"{'price change' if kind in PRICE_EVENT_KINDS else 'event'} {kind}"
    if action.startswith(("import ", "quarantine release")):
        return NEW_LINE if version == 1 else ALLOCATION if is_allocated else DOCUMENT
    return action


def _imported_kinds(connection: Connection, some: Collection[int]) -> dict[tuple[int, int], str]:
    """Return the kind of the last event that an import recorded, by charge line and audit event of the import."""
    event = fulfillment_event.c
    query = (
        select(event.charge_no, import_file.c.audit_seq, event.kind)
        .join(import_file, import_file.c.id == event.import_id)
        .where(event.charge_no.in_(some))
        .order_by(event.id)
    )
    return {(no, seq): kind for no, seq, kind in connection.execute(query)}


def _allocated(connection: Connection, some: Collection[int]) -> set[Version]:
    allocated = schedule_allocation.c
    query = select(allocated.charge_no, allocated.version).where(allocated.charge_no.in_(some))
    return {(no, version) for no, version in connection.execute(query)}
