"""One run at a time on one database: a lock that dies with its process, however that ends."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Connection, text

from revrec.core.errors import BadConfiguration, Busy
from revrec.store.engine import Database
from revrec.store.postgresql import lock_key

HELD = text(f"""
    SELECT count(*) > 0 FROM pg_locks WHERE locktype = 'advisory' AND granted AND objsubid = 1
      AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
      AND (classid::bigint << 32) | objid::bigint = {lock_key("run")}""")  # noqa: S608


@contextmanager
def run_lock(database: Database, wait_seconds: float) -> Iterator[None]:
    """Hold the run lock of this database.

    Raises:
        Busy: another run still holds it after ``wait_seconds``.
    """
    if database.engine.dialect.name == "postgresql":
        with _session(database) as connection:
            _lock(connection, database.where, wait_seconds)
            yield
    elif database.path is None:
        raise BadConfiguration(f"{database.where}: a run needs a database file; write its URL as sqlite:///FILE")
    else:
        with _file_lock(database.path, wait_seconds):
            yield


def run_lock_is_held(database: Database) -> bool:
    """Whether a run is at work on this PostgreSQL database at this moment."""
    if database.engine.dialect.name != "postgresql":
        return False
    with database.read() as connection:
        return bool(connection.execute(HELD).scalar())


def _busy(where: object) -> Busy:
    return Busy(f"{where}: another revrec run is posting; wait for it to end, or give this one --wait '5 min'")


@contextmanager
def _file_lock(database: Path, wait_seconds: float) -> Iterator[None]:
    from filelock import FileLock, Timeout

    # By the real file, so that a link to a database is not taken for another one.
    real = database.resolve()
    path = real.with_name(real.name + ".run-lock")
    try:
        with FileLock(path, timeout=wait_seconds, mode=0o600):
            yield
    except Timeout:
        raise _busy(database) from None
    except OSError as error:
        why = error.strerror or error
        raise BadConfiguration(f"{path}: cannot be written: {why}; give this user write permission here") from error


@contextmanager
def _session(database: Database) -> Iterator[Connection]:
    """A connection of its own, whose locks end with it; without transactions, so that it may last."""
    with database.engine.connect() as connection:
        connection.execution_options(isolation_level="AUTOCOMMIT")
        try:
            yield connection
        finally:
            connection.invalidate()


def _lock(connection: Connection, where: str, wait_seconds: float) -> None:
    until = time.monotonic() + wait_seconds
    while not connection.execute(text(f"SELECT pg_try_advisory_lock({lock_key('run')})")).scalar():
        if time.monotonic() >= until:
            raise _busy(where)
        time.sleep(0.1)
