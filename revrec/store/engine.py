"""Opening the database: the engine, its transactions, its errors in the user's words."""

import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

from sqlalchemy import Connection, Engine, RootTransaction, create_engine, event, insert, make_url, select
from sqlalchemy.exc import DBAPIError, OperationalError, SQLAlchemyError

from revrec.core.errors import BadConfiguration, RevrecError
from revrec.store import migrations
from revrec.store.audit import Who, record
from revrec.store.complaints import translated
from revrec.store.digests import of_rows
from revrec.store.tables import meta

BUSY_SECONDS = 15
WRITE = {"revrec_begin": "BEGIN IMMEDIATE"}


class Database:
    """One revrec database. All reading and writing goes through :meth:`read` and :meth:`write`."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.engine = _engine(url)
        self.path = _path(self.engine)
        self._known: set[str] = set()

    @property
    def where(self) -> str:
        """The database as messages name it: the file, or the URL without its password."""
        return str(self.path) if self.path else self.engine.url.render_as_string(hide_password=True)

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A read-only view of one moment; the revision is checked first.

        Raises:
            BadConfiguration: there is no database here, or one of another revision.
        """
        with self._translated(), self._connect() as connection, connection.begin():
            self._check(connection)
            yield connection

    @contextmanager
    def write(self, checked: bool = True, patience: float = 0) -> Iterator[Connection]:
        """One transaction that takes the write lock at once: all of it is kept, or nothing.

        Raises:
            Busy: another process holds the database for more than some seconds, or than ``patience``.
            BadConfiguration: the database cannot be written to, or is of another revision.
        """
        with self._translated(), self._connect(create=not checked) as connection:
            writing = connection.execution_options(**WRITE)
            with _begun(writing, patience):
                if checked:
                    self._check(writing)
                yield writing

    def revision(self) -> str | None:
        """The revision found in the database; None for an empty one."""
        with self._translated(), self._connect(create=True) as connection, connection.begin():
            return found_revision(connection)

    def create(self) -> bool:
        """Make or upgrade the database to this program's revision; tells whether anything changed.

        A database file is made readable by its owner alone, since it holds customers' data.
        """
        if self.path and not self.path.exists():
            self._touch(self.path)
        with self.write(checked=False) as connection:
            found = found_revision(connection)
            if found is not None and found > migrations.HEAD:
                migrations.check_revision(found, self.where)
            if found == migrations.HEAD:
                return False
            migrations.upgrade(connection)
            _name_deployment(connection)
            return True

    def _touch(self, path: Path) -> None:
        try:
            path.touch(mode=stat.S_IRUSR | stat.S_IWUSR)
        except OSError as error:
            why = error.strerror or error
            raise BadConfiguration(f"{path}: the database cannot be made here: {why}; choose another place") from error

    def _connect(self, create: bool = False) -> Connection:
        if self.path and not create and not self.path.exists():
            raise BadConfiguration(f"{self.path}: there is no database here; make one with: revrec init")
        return self.engine.connect()

    def _check(self, connection: Connection) -> None:
        if not self._known:
            migrations.check_revision(found_revision(connection), self.where)
            self._known.add(migrations.HEAD)

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except DBAPIError as error:
            raise translate(error, self.where) from error


def _begun(connection: Connection, patience: float) -> RootTransaction:
    """A transaction; begun again while somebody else holds the lock, in turns that let Ctrl-C through."""
    until = time.monotonic() + patience
    while True:
        try:
            return connection.begin()
        except OperationalError as error:
            if "locked" not in str(error.orig) or time.monotonic() >= until:
                raise


def translate(error: DBAPIError, where: str) -> RevrecError:
    """The database's own complaint as one of ours, with the mend."""
    text = str(error.orig)
    known = translated(text, where)
    if known is not None:
        return known
    if isinstance(error, OperationalError):
        return BadConfiguration(f"{where}: {text}; look at the file and its folder, then run the command again")
    return RevrecError(f"{where}: the database refused the change: {text}; nothing was kept, please report it")


def found_revision(connection: Connection) -> str | None:
    """The revision a database says it has; None if it has no tables of ours."""
    if not connection.dialect.has_table(connection, "alembic_version"):
        return None
    return connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar()


def deployment(connection: Connection) -> str:
    """The id of this database among all that post to the same company; part of every reference and control id."""
    return str(connection.execute(select(meta.c.value).where(meta.c.key == "deployment")).scalar_one())


def _name_deployment(connection: Connection) -> None:
    if connection.execute(select(meta.c.value).where(meta.c.key == "deployment")).scalar() is None:
        values = [{"key": "deployment", "value": uuid4().hex[:12]}, {"key": "epoch", "value": "1"}]
        connection.execute(insert(meta), values)
        who = Who("revrec", "db upgrade", datetime.now(UTC).isoformat(timespec="microseconds"))
        digests = [of_rows(meta, [tuple(row.values())]) for row in values]
        record(connection, who, "database made", f"database {values[0]['value']}", {}, digests)


def _engine(url: str) -> Engine:
    try:
        parsed = make_url(url)
    except SQLAlchemyError:
        # Not even quoted: what is no URL may still hold a password.
        raise BadConfiguration("database URL: cannot be used: it is not a URL; write sqlite:///FILE") from None
    if parsed.get_backend_name() != "sqlite":
        shown = parsed.render_as_string(hide_password=True)
        raise BadConfiguration(f"database URL {shown}: revrec keeps its data in SQLite; write sqlite:///FILE")
    try:
        engine = create_engine(parsed)
    except (SQLAlchemyError, ImportError) as error:
        raise BadConfiguration(f"database URL {url}: cannot be used: {error}; write sqlite:///FILE") from error
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _path(engine: Engine) -> Path | None:
    name = engine.url.database
    return Path(name) if engine.dialect.name == "sqlite" and name and name != ":memory:" else None


def _prepare_sqlite(dbapi: Any, _record: object) -> None:
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


def _begin_sqlite(connection: Connection) -> None:
    connection.exec_driver_sql(connection.get_execution_options().get("revrec_begin", "BEGIN"))
