"""Detect a database that is not the newest copy of its books, before it posts anything twice.

A restored backup does not know what was posted after it was made, and a run on it would post that again. Three marks
show it. ``meta`` has the epoch, which each restore raises, and the last scan of Intacct's journals with the epoch that
it was made in: if the two epochs differ, the next run scans before it sends. The head of the audit trail is also kept
in a small file beside the database, which a copy of the database file alone does not bring back.
"""

import hashlib
import json
import platform
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from sqlalchemy import Connection, select
from sqlalchemy.exc import SQLAlchemyError

from revrec.core.errors import BadConfiguration, RevrecError
from revrec.files import write_text
from revrec.store.audit import GENESIS, AuditStamp, canonical, record
from revrec.store.database.engine import Database, deployment
from revrec.store.meta import put_meta
from revrec.store.tables import adjusting_entry, audit_event, invoice, journal_entry, meta, posting_run

POSTINGS = (journal_entry, invoice, adjusting_entry)
RAISED = "epoch raised"
SUFFIX = ".head"


class TrailHead(NamedTuple):
    """The end of an audit trail: the database's deployment id, and the number and hash of the last event.

    ``boot`` is the kernel's id of the machine's last start, empty where there is none. After a power failure the last
    commits may be gone, if the disk reported them written when they were not: a new ``boot`` means that this may be so.
    """

    deployment: str
    seq: int
    hash: str
    boot: str = ""


class LedgerScan(NamedTuple):
    """The last scan of Intacct's journals: its epoch, and its start (UTC). It saw everything posted before that."""

    epoch: int
    at: str


class BooksPlace(NamedTuple):
    """The place of a database: an id, and a description for people."""

    id: str
    shown: str


class PostingClaim(NamedTuple):
    """The numbers that this database has claimed in Intacct, where each number can be claimed only once.

    ``number`` is the last one claimed; ``asked`` the last one requested, whose answer may have been lost. ``epoch`` is
    the epoch in which the database owns the posting, ``since`` when that began and ``at`` when it last claimed a number
    (UTC); ``place`` and ``shown`` are where the database was then.
    """

    number: int = 0
    asked: int = 0
    epoch: int = 0
    since: str = ""
    at: str = ""
    place: str = ""
    shown: str = ""


def epoch(connection: Connection) -> int:
    """Return the epoch: the number that every restore raises."""
    return int(connection.execute(select(meta.c.value).where(meta.c.key == "epoch")).scalar_one())


def raise_epoch(connection: Connection, who: AuditStamp, detail: Mapping[str, Any], least: int = 0) -> int:
    """Record that entries may have been posted that this database does not know; return the new epoch.

    ``least`` is the lowest value of the new epoch, if a later one is already known.
    """
    raised = max(epoch(connection) + 1, least)
    digest = put_meta(connection, "epoch", str(raised))
    record(connection, who, RAISED, f"epoch {raised}", detail, [digest])
    return raised


def raised_at(connection: Connection) -> str | None:
    """Return when the epoch was last raised; None if it never was."""
    query = select(audit_event.c.at).where(audit_event.c.action == RAISED).order_by(audit_event.c.seq.desc())
    return connection.execute(query.limit(1)).scalar()


def last_scan(connection: Connection) -> LedgerScan:
    """Return the last scan; before the first one, nothing since the creation of the database was seen."""
    found = connection.execute(select(meta.c.value).where(meta.c.key == "looked")).scalar()
    if found is not None:
        number, at = found.split(" ", 1)
        return LedgerScan(int(number), at)
    return LedgerScan(1, connection.execute(select(audit_event.c.at).order_by(audit_event.c.seq).limit(1)).scalar_one())


def record_scan(connection: Connection, who: AuditStamp, began: str, detail: Mapping[str, Any]) -> None:
    """Record that everything in the ledger when a scan ``began`` is accounted for."""
    digest = put_meta(connection, "looked", f"{epoch(connection)} {began}")
    record(connection, who, "ledger looked at", "Intacct", detail, [digest])


def read_claim(connection: Connection) -> PostingClaim:
    """Return what this database has claimed in Intacct; nothing before its first run."""
    found = connection.execute(select(meta.c.value).where(meta.c.key == "claim")).scalar()
    return PostingClaim(epoch=last_scan(connection).epoch) if found is None else PostingClaim(**json.loads(found))


def record_claim(connection: Connection, who: AuditStamp, claim: PostingClaim) -> None:
    """Record what this database has claimed, or is about to claim."""
    digest = put_meta(connection, "claim", canonical(claim._asdict()))
    record(connection, who, "posting claimed", f"number {claim.number}", claim._asdict(), [digest])


def books_place(database: Database) -> BooksPlace:
    """Return the place of a database: the machine and path of a file, or the server and the database's name."""
    if database.path is not None:
        path = database.path.resolve()
        return BooksPlace(_digest(_machine(), str(path)), f"{platform.node()}:{path}")
    with database.read() as connection:
        named = "SELECT current_database() || ' ' || oid FROM pg_database WHERE datname = current_database()"
        name = str(connection.exec_driver_sql(named).scalar())
    server = ""
    # Some servers, such as hosted ones, do not let their users read it.
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


def ended_uncleanly(connection: Connection, run: int) -> bool:
    """Check whether the run before ``run`` was cut off; only valid while the run lock is held."""
    query = select(posting_run.c.finished_at).where(posting_run.c.id < run).order_by(posting_run.c.id.desc())
    last = connection.execute(query.limit(1)).first()
    return last is not None and last.finished_at is None


def trail_head(connection: Connection) -> TrailHead:
    """Return the end of the audit trail."""
    query = select(audit_event.c.seq, audit_event.c.hash).order_by(audit_event.c.seq.desc())
    last = connection.execute(query.limit(1)).first()
    seq, seal = (last.seq, last.hash) if last else (0, GENESIS)
    return TrailHead(deployment(connection), seq, seal, _boot())


def continues_from(connection: Connection, known: TrailHead | None) -> bool:
    """Check whether the trail continues from a head that was kept outside the database.

    Without a kept head, or with another database's, only a database that never had a posting is known to
    be complete.
    """
    if known is None or known.deployment != deployment(connection):
        return all(connection.execute(select(one.c.id).limit(1)).first() is None for one in POSTINGS)
    at = select(audit_event.c.hash).where(audit_event.c.seq == known.seq)
    return connection.execute(at).scalar() == known.hash


def is_same_boot(known: TrailHead | None) -> bool:
    """Check whether the machine has stayed up since a head was kept, as far as its kernel shows."""
    return known is None or known.boot in ("", _boot())


def _boot() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return ""


def read_kept_head(database: Database) -> TrailHead | None:
    """Return the head from the file beside the database; None if it is missing or cannot be read."""
    try:
        found = json.loads(kept_head_file(database).read_text(encoding="utf-8"))
        return TrailHead(str(found["deployment"]), int(found["seq"]), str(found["hash"]), str(found.get("boot", "")))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def write_kept_head(database: Database, known: TrailHead) -> None:
    """Write the head to the file beside the database, completely or not at all.

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
    """Update the kept head after a command has written, if the trail continues from it.

    A head that the trail does not continue is left for ``revrec verify`` and the next run to find: to replace it would
    hide that the database is an older copy. ``boot`` stays as the last run kept it, since only a run checks it.

    Raises:
        BadConfiguration: the file cannot be written.
    """
    known = read_kept_head(database)
    with database.read() as connection:
        goes_on, now = continues_from(connection, known), trail_head(connection)
    if goes_on and (known is None or known.seq < now.seq):
        write_kept_head(database, now._replace(boot=known.boot if known else now.boot))


def kept_head_file(database: Database) -> Path:
    """Return the file beside the database that has its head."""
    assert database.path is not None
    real = database.path.resolve()
    return real.with_name(real.name + SUFFIX)
