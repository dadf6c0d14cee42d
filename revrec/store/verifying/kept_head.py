"""Compare the audit trail with the head that is kept beside the database file: an older copy does not continue it."""

from collections.abc import Iterator
from typing import NamedTuple

from sqlalchemy import Connection, select

from revrec.store.database.engine import Database, deployment
from revrec.store.posting import continuity
from revrec.store.tables import audit_event
from revrec.store.verifying.findings import VerifyFinding

CHECK = "kept head"
_OLDER = (
    "an older copy of the database is in its place, or the end of its trail was cut off: put the newer file back. If "
    "you meant to restore this one, record it: revrec db restored --reason TEXT; the next run then reads Intacct first"
)
_UNREADABLE = (
    "it was damaged or edited, so an older copy of the database would not be found: compare with an anchor, then "
    "write it again: revrec db restored --reason TEXT"
)


class KeptHead(NamedTuple):
    """The file beside a database file: its name, and the head in it, None if it cannot be read."""

    name: str
    head: continuity.TrailHead | None


def read_kept_head(database: Database) -> KeptHead | None:
    """Return the head that is kept beside the database file; None on PostgreSQL, for a backup, and before any write.

    Read it before the trail: a head that another command writes in between is of events that the trail read here lacks,
    and would look like a trail that was cut off.
    """
    if database.path is None or not continuity.kept_head_file(database).exists():
        return None
    return KeptHead(continuity.kept_head_file(database).name, continuity.read_kept_head(database))


def check_kept_head(connection: Connection, there: KeptHead | None) -> Iterator[VerifyFinding]:
    """Yield a finding if the audit trail does not continue from the head that is kept beside the database file."""
    if there is None:
        return
    name, known = there
    if known is None:
        yield VerifyFinding(CHECK, "file", name, "it cannot be read as the end of an audit trail", _UNREADABLE)
        return
    ours, place = deployment(connection), f"seq {known.seq}"
    if known.deployment != ours:
        problem = f"{name} is of database {known.deployment}, this is {ours}"
        yield VerifyFinding(CHECK, "meta", "key deployment", problem, _OLDER)
        return
    found = connection.execute(select(audit_event.c.hash).where(audit_event.c.seq == known.seq)).scalar()
    if found is None:
        end = continuity.trail_head(connection).seq
        problem = f"the trail ends at event {end}, {name} has event {known.seq}"
        yield VerifyFinding(CHECK, "audit_event", place, problem, _OLDER)
    elif found != known.hash:
        yield VerifyFinding(CHECK, "audit_event", place, f"it is not the event that {name} has", _OLDER)
