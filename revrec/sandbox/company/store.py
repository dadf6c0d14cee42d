"""The sandbox's SQLite file: transactions and counters.

It uses one connection, one writer at a time, WAL and synchronous=FULL. A journal entry and the record of its control id
are committed together or not at all, and survive a power failure once the answer has been sent.
"""

import contextlib
import os
import sqlite3
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from revrec.sandbox.company.schema import STEPS, TABLES

APPLICATION_ID = 0x52525342  # "RRSB"


class StoreError(Exception):
    """The data file cannot be used; the message names the file and the reason."""


def _make_private(path: Path) -> None:
    """Create a new file that only its owner can read; SQLite gives the same mode to its log."""
    with contextlib.suppress(OSError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL, 0o600))


class Store:
    """The open data file (without a path: a store in memory). Safe for use by several threads."""

    def __init__(self, path: Path | None = None) -> None:
        self.lock = threading.RLock()
        self._depth = 0
        self._after_commit: list[Callable[[], None]] = []
        if path is not None:
            _make_private(path)
        self._connection = sqlite3.connect(
            ":memory:" if path is None else str(path), isolation_level=None, check_same_thread=False
        )
        try:
            self.is_new = self._prepare()
        except (sqlite3.DatabaseError, StoreError) as error:
            self._connection.close()
            raise StoreError(f"{path}: {error}; choose another --data file") from None

    def _prepare(self) -> bool:
        connection = self._connection
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA case_sensitive_like = ON")
        connection.execute("PRAGMA busy_timeout = 5000")
        tables = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
        if tables == 0:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        elif connection.execute("PRAGMA application_id").fetchone()[0] != APPLICATION_ID:
            raise StoreError("this SQLite file was not created by the sandbox")
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        if version > len(STEPS):
            raise StoreError(f"the file has schema version {version}, but this sandbox supports up to {len(STEPS)}")
        for number, step in enumerate(STEPS[version:], version + 1):
            connection.executescript(f"BEGIN; {step} PRAGMA user_version = {number}; COMMIT;")
        return version < len(STEPS) or not connection.execute("SELECT count(*) FROM master").fetchone()[0]

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Run a block in a transaction. Nested blocks are savepoints; other threads wait for the outermost one."""
        with self.lock:
            name = f"level_{self._depth}"
            pending = len(self._after_commit)
            self._connection.execute(f"SAVEPOINT {name}" if self._depth else "BEGIN IMMEDIATE")
            self._depth += 1
            try:
                yield
            except BaseException:
                self._depth -= 1
                self._undo(name)
                # The actions of a failed function must not outlive it, or a master record that was rolled back would
                # stay in the cache and be accepted from then on.
                del self._after_commit[pending:]
                raise
            self._depth -= 1
            self._connection.execute(f"RELEASE {name}" if self._depth else "COMMIT")
            if not self._depth:
                self._run_after_commit()

    def _undo(self, name: str) -> None:
        if self._depth:
            self._connection.execute(f"ROLLBACK TO {name}")
            self._connection.execute(f"RELEASE {name}")
        elif self._connection.in_transaction:
            self._connection.execute("ROLLBACK")

    def _run_after_commit(self) -> None:
        actions, self._after_commit = self._after_commit, []
        for action in actions:
            action()

    def after_commit(self, action: Callable[[], None]) -> None:
        """Run ``action`` once the outermost transaction is committed; drop it if that rolls back."""
        self._after_commit.append(action)

    def execute(self, sql: str, values: Sequence[Any] | dict[str, Any] = ()) -> None:
        """Run one statement."""
        with self.lock:
            self._connection.execute(sql, values)

    def executemany(self, sql: str, rows: Iterable[Sequence[Any]]) -> None:
        """Run one statement for each row."""
        with self.lock:
            self._connection.executemany(sql, rows)

    def insert(self, table: str, *rows: Mapping[str, Any]) -> None:
        """Insert rows, all with the same columns."""
        if rows:
            columns = list(rows[0])
            sql = f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))})"  # noqa: S608
            self.executemany(sql, [[row[column] for column in columns] for row in rows])

    def rows(self, sql: str, values: Sequence[Any] | dict[str, Any] = ()) -> list[tuple[Any, ...]]:
        """Return all rows of a SELECT."""
        with self.lock:
            return self._connection.execute(sql, values).fetchall()

    def value(self, sql: str, values: Sequence[Any] | dict[str, Any] = ()) -> Any:
        """Return the first column of the first row, or None when there are no rows."""
        found = self.rows(sql, values)
        return found[0][0] if found else None

    def dicts(self, sql: str, values: Sequence[Any] | dict[str, Any] = ()) -> list[dict[str, Any]]:
        """Return all rows of a SELECT as dictionaries by column name."""
        with self.lock:
            cursor = self._connection.execute(sql, values)
            names = [column[0] for column in cursor.description]
            return [dict(zip(names, row, strict=True)) for row in cursor]

    def next(self, counter: str, step: int = 1) -> int:
        """Advance a counter by ``step`` and return its new value. Call it inside a transaction."""
        sql = (
            "INSERT INTO counter VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = value + excluded.value "
            "RETURNING value"
        )
        return int(self.value(sql, (counter, step)))

    def clear(self) -> None:
        """Empty all tables, for the admin's reset."""
        for table in TABLES:
            self.execute(f"DELETE FROM {table}")  # noqa: S608

    def close(self) -> None:
        """Close the file; SQLite merges the WAL into it."""
        with self.lock:
            self._connection.close()
