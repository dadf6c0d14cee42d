"""SQLite as the database: one file, one writer at a time through SQLite's own lock, and durable commits."""

import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.exc import SQLAlchemyError

from revrec.core.errors import BadConfiguration, RevrecError
from revrec.store.bulk import execute_text
from revrec.store.database import BUSY_SECONDS
from revrec.store.database.sqlite_errors import translate_sqlite_error

ADVICE = "check the file and its folder, then run the command again"


class Sqlite:
    """The SQLite backend: opens a file, takes its write lock, and translates its errors."""

    def __init__(self, url: URL) -> None:
        self.reading: dict[str, Any] = {}
        self.reading_as_known = self.reading
        self.writing: dict[str, Any] = {"revrec_begin": "BEGIN IMMEDIATE"}
        try:
            self.engine: Engine = create_engine(url)
        except (SQLAlchemyError, ImportError) as error:
            fix = "write sqlite:///FILE or postgresql://USER@HOST/DATABASE"
            raise BadConfiguration(f"database URL {url}: cannot be used: {error}; {fix}") from error
        event.listen(self.engine, "connect", prepare)
        event.listen(self.engine, "begin", begin)
        self.path = Path(url.database) if url.database and url.database != ":memory:" else None
        self.where = str(self.path or url)
        self.secrets: list[str] = []
        # A second connection to a database in memory would see another database.
        self.last_commit: Callable[[Connection], int] | None = data_version if self.path else None

    def check_exists(self) -> None:
        """Raise BadConfiguration if the file is missing: SQLite would create an empty one on opening."""
        if self.path and not self.path.exists():
            raise BadConfiguration(f"{self.path}: there is no database here; create one with: revrec init")

    def create_empty(self) -> None:
        """Create an empty file if there is none; only its owner can read it, since it will have customers' data."""
        if not self.path or self.path.exists():
            return
        try:
            self.path.touch(mode=stat.S_IRUSR | stat.S_IWUSR)
        except OSError as error:
            why = error.strerror or error
            said = f"{self.path}: the database cannot be created here: {why}; choose another place"
            raise BadConfiguration(said) from error

    def lock(self, connection: Connection) -> None:
        """Do nothing: ``BEGIN IMMEDIATE`` has taken the write lock."""

    def is_locked(self, error: BaseException | None) -> bool:
        """Check whether an error says that another process holds the write lock."""
        return "locked" in str(error)

    def known_error(self, error: BaseException | None) -> RevrecError | None:
        """Return revrec's error for one about the file, with its fix; None for one about a statement."""
        return translate_sqlite_error(str(error), self.where)

    def unexpected_error(self, error: BaseException | None) -> RevrecError:
        """Return revrec's error for one about the file that is not known."""
        return BadConfiguration(f"{self.where}: {error}; {ADVICE}")


def prepare(dbapi: Any, _record: object) -> None:
    """Set up a connection: durable commits, enforced constraints, and no transactions begun by the driver."""
    dbapi.isolation_level = None
    for pragma in (
        f"busy_timeout = {BUSY_SECONDS * 1000}",
        "foreign_keys = ON",
        # Without it, INSERT OR REPLACE would delete a row without firing the triggers that forbid it.
        "recursive_triggers = ON",
        "synchronous = FULL",
        "cache_size = -65536",
        "temp_store = MEMORY",
    ):
        dbapi.execute(f"PRAGMA {pragma}")
    if dbapi.execute("PRAGMA query_only").fetchone()[0] == 0:
        _try_wal(dbapi)


def _try_wal(dbapi: Any) -> None:
    """Turn on write-ahead logging, unless the file is read-only: reading it must still work."""
    import sqlite3

    try:
        dbapi.execute("PRAGMA journal_mode = WAL")
    except sqlite3.OperationalError as error:
        if "readonly" not in str(error) and "locked" not in str(error):
            raise


def data_version(connection: Connection) -> int:
    """Return a number that changes once the connection sees a commit of another one; it begins no transaction."""
    cursor: Any = connection.connection.cursor()
    return int(cursor.execute("PRAGMA data_version").fetchone()[0])


def begin(connection: Connection) -> None:
    """Begin a transaction as its options say."""
    execute_text(connection, connection.get_execution_options().get("revrec_begin", "BEGIN"))
