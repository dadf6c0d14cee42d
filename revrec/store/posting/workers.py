"""The runs on one database: each is a worker with a name, and its locks end with its process.

A lock in a table would outlive a worker that is killed, and no run could post until a person removed it. On SQLite a
run is the only worker and holds a file lock. On PostgreSQL several workers share a run. A separate session holds three
advisory locks for each worker: that a run is active, that the worker of this name is alive, and, for the length of a
turn, one of the slots. There are as many slots as requests may be out at the same time.
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
"""Lets the server notice within a minute that a worker's machine is gone, and never end a session for being idle."""

KEY = lock_key("' || :name || '")
LOCK = text(f"SELECT pg_advisory_lock({KEY})")
TRY_LOCK_SHARED = text(f"SELECT pg_try_advisory_lock_shared({KEY})")
TRY_LOCK = text(f"SELECT pg_try_advisory_lock({KEY})")
UNLOCK = text(f"SELECT pg_advisory_unlock({KEY})")
IS_OF_DATABASE = """l.locktype = 'advisory' AND l.granted AND l.objsubid = 1
      AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())"""
"""The condition that a row of ``pg_locks`` is an advisory lock that a session of this database holds."""
HELD = text(f"""
    SELECT one.name FROM unnest(CAST(:names AS text[])) AS one (name) JOIN pg_locks l
      ON (l.classid::bigint << 32) | l.objid::bigint = {lock_key("' || one.name || '")}
    WHERE {IS_OF_DATABASE}""")  # noqa: S608
RUN_ACTIVE = "run"
COUNT_ACTIVE = text(f"""
    SELECT count(*) FROM pg_locks l
    WHERE (l.classid::bigint << 32) | l.objid::bigint = {KEY} AND {IS_OF_DATABASE}""")  # noqa: S608
SHORTEST_WAIT = 0.5
"""Seconds that a run waits for the run lock at least."""


class Worker:
    """An active run that is alone on its database; ``owner`` is the name under which it claims entries."""

    shares_runs = False
    """True if other runs can work at the same time."""

    def __init__(self, owner: str) -> None:
        self.owner = owner
        self.confirm: Callable[[], None] = lambda: None
        """Checks, right before a request that posts, that these books still own the posting."""

    def begin_turn(self, wait: bool = True) -> str | None:
        """Begin a turn, in which one entry is posted, and return its slot; return None if all are in use.

        There are as many slots as requests may be in flight, over all workers of the database. With ``wait``, wait for
        a slot. A worker must not wait while it has a turn: two workers could wait for each other.
        """
        return ""

    def end_turn(self, slot: str) -> None:
        """End a turn, so that another worker can have its slot."""

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Hold a turn for a block. Raises as :meth:`begin_turn`."""
        slot = self.begin_turn()
        assert slot is not None
        try:
            yield
        finally:
            self.end_turn(slot)

    @contextmanager
    def only(self, what: str) -> Iterator[None]:
        """Do something that one worker of this database does at a time."""
        yield

    def lost(self, owners: Iterable[str]) -> set[str]:
        """Return the workers that are dead: all others, since this one is alone."""
        return {owner for owner in owners if owner != self.owner}

    def waits_for_others(self) -> bool:
        """Wait until every turn of another worker has ended; return whether there can be other workers."""
        return False

    def is_last(self) -> bool:
        """Return whether no other run is active."""
        return True


class SharingWorker(Worker):
    """An active run beside others, with a separate session; it waits ``patience`` seconds at most for a turn."""

    shares_runs = True

    def __init__(self, owner: str, session: Connection, database: Database, slots: int, patience: float) -> None:
        super().__init__(owner)
        self._session = session
        self._database = database
        self._slots = [f"slot {number}" for number in range(slots)]
        self._patience = patience
        self._in_use: set[str] = set()

    def begin_turn(self, wait: bool = True) -> str | None:
        """Begin a turn, in which one entry is posted, and return its slot; return None if all are in use.

        Raises:
            Busy: another worker hangs and does not end its turn.
            BadConfiguration: the session was lost, and with it the right to send: others count this worker as dead.
        """
        slot = self._acquire_slot(wait)
        if slot is not None:
            self._in_use.add(slot)
        return slot

    def end_turn(self, slot: str) -> None:
        """End a turn, so that another worker can have its slot."""
        self._in_use.discard(slot)
        self._free(slot)

    @contextmanager
    def only(self, what: str) -> Iterator[None]:
        """Do something that one worker of this database does at a time. Raises as :meth:`begin_turn`."""
        self._wait_for(what)
        try:
            yield
        finally:
            self._free(what)

    def lost(self, owners: Iterable[str]) -> set[str]:
        """Return the workers whose session has ended."""
        names = {_alive(owner): owner for owner in owners}
        with self._database.translated():
            alive = self._session.execute(HELD, {"names": list(names)}).scalars().all()
        return {owner for name, owner in names.items() if name not in alive}

    def waits_for_others(self) -> bool:
        """Wait until every turn of another worker has ended; return True, since there can be other workers."""
        for slot in self._slots:
            self._wait_for(slot)
            self._free(slot)
        return True

    def is_last(self) -> bool:
        """Return whether no other run is active."""
        with self._database.translated():
            return bool(self._session.execute(COUNT_ACTIVE, {"name": RUN_ACTIVE}).scalar_one() == 1)

    def _free(self, slot: str) -> None:
        # If the session was lost, the server has already freed the slot.
        with suppress(DBAPIError):
            self._session.execute(UNLOCK, {"name": slot})

    def _acquire_slot(self, wait: bool) -> str | None:
        with self._database.translated():
            for slot in self._slots:
                # The server would give this session a lock that it holds a second time.
                if slot not in self._in_use and self._session.execute(TRY_LOCK, {"name": slot}).scalar():
                    return slot
        if not wait:
            return None
        # All slots are in use: wait in the queue of one. By process id, so that workers do not all wait for the first.
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
    said = "another revrec run hangs and keeps others from posting; end that process, and run again"
    return Busy(f"{database.where}: {said}")


@contextmanager
def active_run(
    database: Database, owner: str, wait: float, slots: int, patience: float, alone: bool = False
) -> Iterator[Worker]:
    """Register as an active run on this database; ``wait`` and ``patience`` are in seconds.

    Raises:
        Busy: another run is still active after ``wait``: on SQLite, or if one of the two must be ``alone``.
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
    """Check whether a run is active on this PostgreSQL database at this moment."""
    with database.read() as connection:
        return bool(connection.execute(HELD, {"names": [RUN_ACTIVE]}).first())


@contextmanager
def _file_lock(database: Path, wait: float) -> Iterator[None]:
    from filelock import FileLock, Timeout

    path = run_lock_file(database)
    # ``revrec status --check`` holds the lock for an instant, which must not end a run that begins at that moment.
    lock = FileLock(path, timeout=max(wait, SHORTEST_WAIT), mode=0o600)
    # Only the acquiring is caught: an error of the run itself must not be reported as a problem of the lock file.
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
def _session(database: Database, owner: str, wait: float, register: TextClause) -> Iterator[Connection]:
    """Open a session whose locks show that this worker is alive; without transactions, so that it can stay open."""
    with database.read():
        """Check that the database exists and has this program's revision."""
    with database.translated():
        session = database.engine.connect().execution_options(isolation_level="AUTOCOMMIT")
    try:
        with database.translated():
            session.exec_driver_sql(SESSION)
            until = time.monotonic() + wait
            while not session.execute(register, {"name": RUN_ACTIVE}).scalar():
                if time.monotonic() >= until:
                    raise _busy(database.where)
                time.sleep(0.1)
            session.execute(LOCK, {"name": _alive(owner)})
        yield session
    finally:
        # Closed, not returned to the pool: a pooled session would keep its locks, and a dead worker would look alive.
        session.invalidate()
        session.close()


def _alive(owner: str) -> str:
    return f"worker {owner}"
