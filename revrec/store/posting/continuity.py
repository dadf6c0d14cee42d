"""Whether a database is the newest of its books: its epoch, its last look at the ledger, and its head kept outside.

A copy that was put back does not know what was posted after it was made. ``meta`` holds the epoch, which a restore
raises, and with which epoch and when Intacct's journals were last looked at. The head of the audit trail is kept in a
small file beside the database too, which a copy of the database alone does not bring back.
"""

import hashlib
import json
import platform
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from sqlalchemy import Connection, insert, select, update
from sqlalchemy.exc import SQLAlchemyError

from revrec.core.errors import BadConfiguration, RevrecError
from revrec.files import write_text
from revrec.store.audit import GENESIS, AuditStamp, canonical, record
from revrec.store.database.engine import Database, deployment
from revrec.store.digests import digest_rows
from revrec.store.tables import audit_event, invoice, journal_entry, meta, posting_run

RAISED = "epoch raised"
SUFFIX = ".head"


class TrailHead(NamedTuple):
    """The end of an audit trail: of which database, the last event's number and hash; and since when the machine is up.

    ``boot`` is the kernel's id of that, empty where it has none. What a machine that lost its power had committed last
    may be gone, if its disk had promised too much.
    """

    deployment: str
    seq: int
    hash: str
    boot: str = ""


class LedgerScan(NamedTuple):
    """The epoch in which the ledger was last looked at, and since when all that was made there has been seen."""

    epoch: int
    at: str


class BooksPlace(NamedTuple):
    """A place that books are kept in: an id, and the place in words for people."""

    id: str
    shown: str


class PostingClaim(NamedTuple):
    """The numbers that these books have claimed in Intacct, where each number can be claimed once.

    ``number`` is the last one that they won; ``asked`` the last one that they asked for, whose answer may be lost.
    ``epoch`` is the epoch in which they own the posting, ``since`` when that began and ``at`` when they won last, in
    UTC; ``place`` and ``shown`` are the place that they were in then.
    """

    number: int = 0
    asked: int = 0
    epoch: int = 0
    since: str = ""
    at: str = ""
    place: str = ""
    shown: str = ""


def epoch(connection: Connection) -> int:
    """The number that every restore raises."""
    return int(connection.execute(select(meta.c.value).where(meta.c.key == "epoch")).scalar_one())


def raise_epoch(connection: Connection, who: AuditStamp, detail: Mapping[str, Any], least: int = 0) -> int:
    """Note that these books may have been posted from in a future that they do not know; the new epoch.

    ``least`` is what the epoch becomes at least, where a later one is known.
    """
    raised = max(epoch(connection) + 1, least)
    digest = _put(connection, "epoch", str(raised))
    record(connection, who, RAISED, f"epoch {raised}", detail, [digest])
    return raised


def raised_at(connection: Connection) -> str | None:
    """When the epoch was last raised; None if it never was."""
    query = select(audit_event.c.at).where(audit_event.c.action == RAISED).order_by(audit_event.c.seq.desc())
    return connection.execute(query.limit(1)).scalar()


def last_scan(connection: Connection) -> LedgerScan:
    """The last look; before the first one, everything since the database was made is unseen."""
    found = connection.execute(select(meta.c.value).where(meta.c.key == "looked")).scalar()
    if found is not None:
        number, at = found.split(" ", 1)
        return LedgerScan(int(number), at)
    return LedgerScan(1, connection.execute(select(audit_event.c.at).order_by(audit_event.c.seq).limit(1)).scalar_one())


def record_scan(connection: Connection, who: AuditStamp, began: str, detail: Mapping[str, Any]) -> None:
    """Keep that all that the ledger had when a look ``began`` is accounted for."""
    digest = _put(connection, "looked", f"{epoch(connection)} {began}")
    record(connection, who, "ledger looked at", "Intacct", detail, [digest])


def read_claim(connection: Connection) -> PostingClaim:
    """Return what these books have claimed in Intacct; nothing before their first run."""
    found = connection.execute(select(meta.c.value).where(meta.c.key == "claim")).scalar()
    return PostingClaim(epoch=last_scan(connection).epoch) if found is None else PostingClaim(**json.loads(found))


def record_claim(connection: Connection, who: AuditStamp, claim: PostingClaim) -> None:
    """Keep what these books have claimed, or are about to claim."""
    digest = _put(connection, "claim", canonical(claim._asdict()))
    record(connection, who, "posting claimed", f"number {claim.number}", claim._asdict(), [digest])


def books_place(database: Database) -> BooksPlace:
    """Return the place of a database: for a file the machine and the path, else the server and its database."""
    if database.path is not None:
        path = database.path.resolve()
        return BooksPlace(_digest(_machine(), str(path)), f"{platform.node()}:{path}")
    with database.read() as connection:
        named = "SELECT current_database() || ' ' || oid FROM pg_database WHERE datname = current_database()"
        name = str(connection.exec_driver_sql(named).scalar())
    server = ""
    # Not every server lets its users ask.
    with suppress(SQLAlchemyError, RevrecError), database.read() as connection:
        server = str(connection.exec_driver_sql("SELECT system_identifier FROM pg_control_system()").scalar())
    return BooksPlace(_digest(server, name), database.where)


def _machine() -> str:
    try:
        return Path("/etc/machine-id").read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        return ""


def _digest(*parts: str) -> str:
    return hashlib.sha256("\n".join(parts).encode("utf-8", "surrogateescape")).hexdigest()[:16]


def _put(connection: Connection, key: str, value: str) -> Any:
    there = connection.execute(select(meta.c.key).where(meta.c.key == key)).first()
    if there:
        connection.execute(update(meta).where(meta.c.key == key).values(value=value))
    else:
        connection.execute(insert(meta).values(key=key, value=value))
    return digest_rows(meta, [(key, value)])


def ended_uncleanly(connection: Connection, run: int) -> bool:
    """Whether the run before ``run`` was cut off; sound only while the run lock is held."""
    query = select(posting_run.c.finished_at).where(posting_run.c.id < run).order_by(posting_run.c.id.desc())
    last = connection.execute(query.limit(1)).first()
    return last is not None and last.finished_at is None


def trail_head(connection: Connection) -> TrailHead:
    """The end of the audit trail."""
    query = select(audit_event.c.seq, audit_event.c.hash).order_by(audit_event.c.seq.desc())
    last = connection.execute(query.limit(1)).first()
    seq, seal = (last.seq, last.hash) if last else (0, GENESIS)
    return TrailHead(deployment(connection), seq, seal, _boot())


def continues_from(connection: Connection, known: TrailHead | None) -> bool:
    """Whether the trail goes on from a head that was kept outside.

    Without one, or with that of another database, only books that never had an entry or an invoice
    are known to be whole.
    """
    if known is None or known.deployment != deployment(connection):
        return all(connection.execute(select(one.c.id).limit(1)).first() is None for one in (journal_entry, invoice))
    at = select(audit_event.c.hash).where(audit_event.c.seq == known.seq)
    return connection.execute(at).scalar() == known.hash


def is_same_boot(known: TrailHead | None) -> bool:
    """Whether the machine has not gone down since a head was kept, so far as that can be told."""
    return known is None or known.boot in ("", _boot())


def _boot() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return ""


def read_kept_head(database: Database) -> TrailHead | None:
    """The head in the file beside the database; None if there is none that can be read."""
    try:
        found = json.loads(kept_head_file(database).read_text(encoding="utf-8"))
        return TrailHead(str(found["deployment"]), int(found["seq"]), str(found["hash"]), str(found.get("boot", "")))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def write_kept_head(database: Database, known: TrailHead) -> None:
    """Write the head to the file beside the database, whole or not at all.

    Raises:
        BadConfiguration: the file cannot be written.
    """
    path = kept_head_file(database)
    try:
        write_text(path, json.dumps(known._asdict()))
    except OSError as error:
        why = error.strerror or error
        raise BadConfiguration(f"{path}: cannot be written: {why}; give this user write permission here") from error


def update_kept_head(database: Database) -> None:
    """Keep the head of books that go on from the one that is kept, after a command has written.

    A head that they do not continue is left for ``revrec verify`` and the next run to find. Since when the machine is
    up stays as the last run kept it, for only a run can tell what it means.

    Raises:
        BadConfiguration: the file cannot be written.
    """
    known = read_kept_head(database)
    with database.read() as connection:
        goes_on, now = continues_from(connection, known), trail_head(connection)
    if goes_on and (known is None or known.seq < now.seq):
        write_kept_head(database, now._replace(boot=known.boot if known else now.boot))


def kept_head_file(database: Database) -> Path:
    """Return the file beside the database that its head is kept in."""
    assert database.path is not None
    real = database.path.resolve()
    return real.with_name(real.name + SUFFIX)
