"""Runs at work on one database, each a worker with a name; its locks die with its process, however that ends.

On SQLite a worker is alone: it holds a file lock for as long as it works. On PostgreSQL several share a run. A session
of its own holds three advisory locks for each: that a run is at work, that the worker of this name lives, and, for the
length of a turn, one of the slots of which there are as many as requests may be out at the same time.
"""

import os
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from sqlalchemy import Connection, TextClause, text
from sqlalchemy.exc import DBAPIError, OperationalError

from revrec.core.errors import BadConfiguration, Busy
from revrec.store.database.engine import Database
from revrec.store.database.postgresql import lock_key
from revrec.store.posting.run_lock import run_lock_file

SESSION = (
    "SET tcp_keepalives_idle = 30; SET tcp_keepalives_interval = 10; SET tcp_keepalives_count = 3;"
    " SET idle_session_timeout = 0"
)
"""The server notices within a minute that a worker's machine is gone, and does not end a worker for being silent."""

KEY = lock_key("' || :name || '")
LOCK = text(f"SELECT pg_advisory_lock({KEY})")
TRY_LOCK_SHARED = text(f"SELECT pg_try_advisory_lock_shared({KEY})")
TRY_LOCK = text(f"SELECT pg_try_advisory_lock({KEY})")
UNLOCK = text(f"SELECT pg_advisory_unlock({KEY})")
HELD = text(f"""
    SELECT one.name FROM unnest(CAST(:names AS text[])) AS one (name) JOIN pg_locks l
      ON (l.classid::bigint << 32) | l.objid::bigint = {lock_key("' || one.name || '")}
    WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1
      AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())""")  # noqa: S608
AT_WORK = "run"


class Worker:
    """A run at work, alone on its database, under the name by which it holds entries."""

    def __init__(self, owner: str) -> None:
        self.owner = owner
        self.confirm: Callable[[], None] = lambda: None
        """Checks, right before a request that posts, that these books still own the posting."""

    @contextmanager
    def turn(self) -> Iterator[None]:
        """The time for one entry: as many workers have theirs at the same time as requests may be out."""
        yield

    @contextmanager
    def only(self, what: str) -> Iterator[None]:
        """Do something that one worker of this database does at a time."""
        yield

    def lost(self, owners: Iterable[str]) -> set[str]:
        """Those of these workers that are dead, or have lost the right to send: all others, since this one is alone."""
        return {owner for owner in owners if owner != self.owner}

    def waits_for_others(self) -> bool:
        """Wait until whoever has a turn now has ended it; tells whether there may be anybody."""
        return False


class SharingWorker(Worker):
    """A run at work beside others, by a session of its own; no turn can last longer than ``patience``, in seconds."""

    def __init__(self, owner: str, session: Connection, database: Database, slots: int, patience: float) -> None:
        super().__init__(owner)
        self._session = session
        self._database = database
        self._slots = [f"slot {number}" for number in range(slots)]
        self._patience = patience

    @contextmanager
    def turn(self) -> Iterator[None]:
        """The time for one entry: as many workers have theirs at the same time as requests may be out.

        Raises:
            Busy: a worker that hangs does not end its turn.
            BadConfiguration: the session was lost, and with it the right to send.
        """
        slot = self._taken_slot()
        try:
            yield
        finally:
            self._free(slot)

    @contextmanager
    def only(self, what: str) -> Iterator[None]:
        """Do something that one worker of this database does at a time. Raises as :meth:`turn`."""
        self._wait_for(what)
        try:
            yield
        finally:
            self._free(what)

    def lost(self, owners: Iterable[str]) -> set[str]:
        """Those of these workers whose session has ended."""
        names = {_alive(owner): owner for owner in owners}
        with self._database.translated():
            alive = self._session.execute(HELD, {"names": list(names)}).scalars().all()
        return {owner for name, owner in names.items() if name not in alive}

    def waits_for_others(self) -> bool:
        """Wait until whoever has a turn now has ended it; tells that there may be somebody."""
        for slot in self._slots:
            self._wait_for(slot)
            self._free(slot)
        return True

    def _free(self, slot: str) -> None:
        # Lost with its session, it is free already.
        with suppress(DBAPIError):
            self._session.execute(UNLOCK, {"name": slot})

    def _taken_slot(self) -> str:
        with self._database.translated():
            for slot in self._slots:
                if self._session.execute(TRY_LOCK, {"name": slot}).scalar():
                    return slot
        # All are taken: stand in line at one of them.
        slot = self._slots[os.getpid() % len(self._slots)]
        self._wait_for(slot)
        return slot

    def _wait_for(self, slot: str) -> None:
        until = time.monotonic() + self._patience
        while True:
            try:
                self._session.execute(LOCK, {"name": slot})
            except OperationalError as error:
                hangs = self._database.backend.is_locked(error.orig)
                if not hangs or time.monotonic() >= until:
                    raise _hanging(self._database) if hangs else self._database.translate(error) from error
            else:
                return


def _hanging(database: Database) -> Busy:
    return Busy(f"{database.where}: another revrec run hangs and lets none other post; end that process, and run again")


@contextmanager
def at_work(
    database: Database, owner: str, wait: float, slots: int, patience: float, alone: bool = False
) -> Iterator[Worker]:
    """Be at work on this database; ``wait`` and ``patience`` in seconds.

    Raises:
        Busy: another is still at work after ``wait``: on SQLite, or where one of the two has to be ``alone``.
    """
    if database.engine.dialect.name == "postgresql":
        with _session(database, owner, wait, TRY_LOCK if alone else TRY_LOCK_SHARED) as session:
            yield SharingWorker(owner, session, database, slots, patience)
    elif database.path is None:
        raise BadConfiguration(f"{database.where}: a run needs a database file; write its URL as sqlite:///FILE")
    else:
        with _file_lock(database.path, wait):
            yield Worker(owner)


def is_run_active(database: Database) -> bool:
    """Whether a run is at work on this PostgreSQL database at this moment."""
    with database.read() as connection:
        return bool(connection.execute(HELD, {"names": [AT_WORK]}).first())


@contextmanager
def _file_lock(database: Path, wait: float) -> Iterator[None]:
    from filelock import FileLock, Timeout

    path = run_lock_file(database)
    lock = FileLock(path, timeout=wait, mode=0o600)
    # Only taking the lock: what fails in the run itself must not be reported as a problem of the lock file.
    try:
        lock.acquire()
    except Timeout:
        raise _busy(database) from None
    except OSError as error:
        why = error.strerror or error
        raise BadConfiguration(f"{path}: cannot be written: {why}; give this user write permission here") from error
    try:
        yield
    finally:
        lock.release()


def _busy(where: object) -> Busy:
    return Busy(f"{where}: another revrec run is posting; wait for it to end, or give this one --wait '5 min'")


@contextmanager
def _session(database: Database, owner: str, wait: float, be_at_work: TextClause) -> Iterator[Connection]:
    """A session whose locks tell that this worker lives; without transactions, so that it may last."""
    with database.read():
        """The database is there, and of this program's revision."""
    with database.translated():
        session = database.engine.connect().execution_options(isolation_level="AUTOCOMMIT")
    try:
        with database.translated():
            session.exec_driver_sql(SESSION)
            until = time.monotonic() + wait
            while not session.execute(be_at_work, {"name": AT_WORK}).scalar():
                if time.monotonic() >= until:
                    raise _busy(database.where)
                time.sleep(0.1)
            session.execute(LOCK, {"name": _alive(owner)})
        yield session
    finally:
        # Closed, not given back to the pool: its locks end here.
        session.invalidate()
        session.close()


def _alive(owner: str) -> str:
    return f"worker {owner}"
