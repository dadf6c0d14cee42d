"""The head of the audit trail that is kept beside a database file: an older file in its place does not continue it."""

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
    "this one is meant, record it: revrec db restored --reason TEXT; the next run then looks at Intacct before it sends"
)
_UNREADABLE = (
    "it was damaged or edited, so an older copy of the database would not be found: compare with an anchor, then have "
    "it written again: revrec db restored --reason TEXT"
)


class KeptHead(NamedTuple):
    """What is kept beside a database file: the file's name, and the head in it, None if it cannot be read."""

    name: str
    head: continuity.TrailHead | None


def read_kept_head(database: Database) -> KeptHead | None:
    """Return what is kept beside the database file; None on PostgreSQL, beside a backup, and before any command wrote.

    It is to be read before the trail is: a head that is kept meanwhile is of events that came later.
    """
    if database.path is None or not continuity.kept_head_file(database).exists():
        return None
    return KeptHead(continuity.kept_head_file(database).name, continuity.read_kept_head(database))


def check_kept_head(connection: Connection, there: KeptHead | None) -> Iterator[VerifyFinding]:
    """Check that the audit trail goes on from the head that is kept beside the database file."""
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
        problem = f"the trail ends at event {end}, {name} has seen event {known.seq}"
        yield VerifyFinding(CHECK, "audit_event", place, problem, _OLDER)
    elif found != known.hash:
        yield VerifyFinding(
            CHECK, "audit_event", place, f"it is another event than the one that {name} has seen", _OLDER
        )
