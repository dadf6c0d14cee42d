"""SQLite as the database: one file, one writer at a time by its own lock, everything written through at once."""

import stat
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.exc import SQLAlchemyError

from revrec.core.errors import BadConfiguration, RevrecError
from revrec.store.database.sqlite_errors import translate_sqlite_error

BUSY_SECONDS = 15
ADVICE = "look at the file and its folder, then run the command again"


class Sqlite:
    """How an SQLite file is opened, locked for writing, and how its complaints read."""

    def __init__(self, url: URL) -> None:
        self.reading: dict[str, Any] = {}
        self.writing: dict[str, Any] = {"revrec_begin": "BEGIN IMMEDIATE"}
        try:
            self.engine: Engine = create_engine(url)
        except (SQLAlchemyError, ImportError) as error:
            mend = "write sqlite:///FILE or postgresql://USER@HOST/DATABASE"
            raise BadConfiguration(f"database URL {url}: cannot be used: {error}; {mend}") from error
        event.listen(self.engine, "connect", prepare)
        event.listen(self.engine, "begin", begin)
        self.path = Path(url.database) if url.database and url.database != ":memory:" else None
        self.where = str(self.path or url)
        self.secrets: list[str] = []

    def check_exists(self) -> None:
        """Refuse a file that is missing: opening would make it. Raises BadConfiguration."""
        if self.path and not self.path.exists():
            raise BadConfiguration(f"{self.path}: there is no database here; make one with: revrec init")

    def make(self) -> None:
        """Make an empty file, if there is none, that its owner alone can read: it will hold customers' data."""
        if not self.path or self.path.exists():
            return
        try:
            self.path.touch(mode=stat.S_IRUSR | stat.S_IWUSR)
        except OSError as error:
            why = error.strerror or error
            said = f"{self.path}: the database cannot be made here: {why}; choose another place"
            raise BadConfiguration(said) from error

    def lock(self, connection: Connection) -> None:
        """Nothing: ``BEGIN IMMEDIATE`` took the write lock."""

    def is_locked(self, error: BaseException | None) -> bool:
        """Whether a complaint says that somebody else is writing."""
        return "locked" in str(error)

    def complaint(self, error: BaseException | None) -> RevrecError | None:
        """A complaint about the file, with its mend; None if it is about a statement."""
        return translate_sqlite_error(str(error), self.where)

    def unknown(self, error: BaseException | None) -> RevrecError:
        """A complaint about the file that nobody foresaw."""
        return BadConfiguration(f"{self.where}: {error}; {ADVICE}")


def prepare(dbapi: Any, _record: object) -> None:
    """Durable commits, constraints that bite, and transactions begun by us, not by the driver."""
    dbapi.isolation_level = None
    for pragma in (
        f"busy_timeout = {BUSY_SECONDS * 1000}",
        "foreign_keys = ON",
        # Without it, INSERT OR REPLACE would pass by the triggers that forbid deletion.
        "recursive_triggers = ON",
        "synchronous = FULL",
        "cache_size = -65536",
        "temp_store = MEMORY",
    ):
        dbapi.execute(f"PRAGMA {pragma}")
    if dbapi.execute("PRAGMA query_only").fetchone()[0] == 0:
        _try_wal(dbapi)


def _try_wal(dbapi: Any) -> None:
    """Write-ahead logging, unless the file is read-only, where reading must still work."""
    import sqlite3

    try:
        dbapi.execute("PRAGMA journal_mode = WAL")
    except sqlite3.OperationalError as error:
        if "readonly" not in str(error) and "locked" not in str(error):
            raise


def begin(connection: Connection) -> None:
    """Begin as the transaction's options say."""
    connection.exec_driver_sql(connection.get_execution_options().get("revrec_begin", "BEGIN"))
