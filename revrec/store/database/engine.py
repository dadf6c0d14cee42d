"""Open the database: the engine, its transactions, and its errors in words for the user."""

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol
from uuid import uuid4

from sqlalchemy import Connection, Engine, RootTransaction, Select, column, insert, make_url, select, table
from sqlalchemy.exc import DBAPIError, OperationalError, SQLAlchemyError

from revrec.core.errors import BadConfiguration, BadInput, RevrecError
from revrec.core.known_time import KnownTime
from revrec.store.as_known import Moment, find_moment, hide_later_rows
from revrec.store.audit import AuditStamp, record
from revrec.store.bulk import FACTS, SECOND_READER, first_row
from revrec.store.database import migrations
from revrec.store.digests import digest_rows
from revrec.store.tables import meta
from revrec.store.two_readers import SecondReader

if TYPE_CHECKING:
    from sqlalchemy import URL

_REVISION: Select[Any] = select(column("version_num")).select_from(table("alembic_version"))
URL_FORMS = "sqlite:///FILE or postgresql://USER@HOST/DATABASE"


class Backend(Protocol):
    """The parts that differ between the databases; :class:`Database` is the same on all of them."""

    engine: Engine
    path: Path | None
    where: str
    secrets: list[str]
    """The parts of its URL that must never be shown."""
    reading: dict[str, Any]
    reading_as_known: dict[str, Any]
    """As ``reading``, and temporary views can be created."""
    writing: dict[str, Any]
    last_commit: Callable[[Connection], int] | None
    """Returns a number that changes once the connection sees a commit of another one; None without such a number."""

    def check_exists(self) -> None:
        """Raise BadConfiguration if the database is missing."""

    def create_empty(self) -> None:
        """Create an empty database file if needed; raise BadConfiguration for a database that cannot be used."""

    def lock(self, connection: Connection) -> None:
        """Take the write lock, in a transaction that has begun."""

    def is_locked(self, error: BaseException | None) -> bool:
        """Check whether an error says that another process holds the write lock."""

    def known_error(self, error: BaseException | None) -> RevrecError | None:
        """Return revrec's error for one about the database, with its fix; None for one about a statement."""

    def unexpected_error(self, error: BaseException | None) -> RevrecError:
        """Return revrec's error for one about the database that is not known."""


class Database:
    """One revrec database. All reading and writing goes through :meth:`read` and :meth:`write`."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.backend = backend(url)
        self.engine = self.backend.engine
        self.path = self.backend.path
        self.written = False
        """True once anything was committed through it."""
        self.moment: Moment | None = None
        """The last audit event that :meth:`read` shows; None for all of them."""
        self._writing: Connection | None = None
        self._known: set[str] = set()
        self._has_tables = False

    @property
    def where(self) -> str:
        """The database as messages name it: its file, or its URL without the password."""
        return self.backend.where

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Open a read-only view of one moment; the revision is checked first.

        Raises:
            BadConfiguration: there is no database, or it has another revision.
        """
        if self._writing is not None:
            yield self._writing
            return
        with self.translated(), self._connect() as connection:
            options = self.backend.reading if self.moment is None else self.backend.reading_as_known
            reading = connection.execution_options(**options)
            if self.moment is not None:
                # The temporary views end with the connection: it must not go back to the pool.
                reading.detach()
            with reading.begin():
                self._check(reading)
                if self.moment is not None:
                    hide_later_rows(reading, self.moment.seq)
                yield reading

    @contextmanager
    def read_twice(self) -> Iterator[Connection]:
        """Open the view of :meth:`read`, and let a second process read it too (:mod:`revrec.store.two_readers`).

        There is no second one with ``--known``, within :meth:`reading_within`, and on PostgreSQL.

        Raises:
            BadConfiguration: there is no database, or it has another revision.
        """
        last_commit = self.backend.last_commit
        if self._writing is not None:
            yield self._writing
        elif self.moment is not None or last_commit is None or self.path is None:
            with self.read() as connection:
                yield connection.execution_options(**{FACTS: {}})
        else:
            with self.translated(), self._connect() as watching:
                before = last_commit(watching)
                with self.read() as connection:
                    last_commit(connection)  # The view begins with the first statement that reads.
                    with SecondReader(self.path, lambda: last_commit(watching) == before) as second:
                        yield connection.execution_options(**{SECOND_READER: second, FACTS: {}})

    def read_as_known(self, wanted: KnownTime) -> None:
        """Let :meth:`read` show the books as they were at an earlier moment, and refuse to write.

        Raises:
            BadInput: the books began later, or have no such audit event yet.
        """
        with self.read() as connection:
            moment = find_moment(connection, wanted)
        self.moment = moment

    @contextmanager
    def reading_within(self, writing: Connection) -> Iterator[None]:
        """Let :meth:`read` show the open transaction of :meth:`write`: a report sees what is committed with it.

        A report that consists of several can pass its view instead, so that all of them show the same moment.
        """
        before, self._writing = self._writing, writing
        try:
            yield
        finally:
            self._writing = before

    @contextmanager
    def one_view(self) -> Iterator[Connection]:
        """Open the view of :meth:`read_twice`, which all reading within the block shows, whatever is committed.

        Raises:
            BadConfiguration: there is no database, or it has another revision.
        """
        with self.read_twice() as connection, self.reading_within(connection):
            yield connection

    @contextmanager
    def write(self, checked: bool = True, patience: float = 0) -> Iterator[Connection]:
        """Open a transaction that takes the write lock first; all of it is committed, or nothing.

        Raises:
            Busy: another process holds the lock for more than some seconds, or than ``patience``.
            BadConfiguration: the database cannot be written to, or has another revision.
            BadInput: the books are read as they were at an earlier moment.
        """
        if self.moment is not None:
            raise BadInput("--known shows the books as they were: nothing can be recorded; leave --known out")
        with self.translated(), self._connect(create=not checked) as connection:
            writing = connection.execution_options(**self.backend.writing)
            with self._begun(writing, patience):
                if checked:
                    # Each time: a long run must not write on after another program has upgraded the database.
                    self._known.clear()
                    self._check(writing)
                yield writing
            self.written = True

    def revision(self) -> str | None:
        """Return the revision of the database; None for an empty one."""
        with self.translated(), self._connect(create=True) as connection, connection.begin():
            return found_revision(connection)

    def create(self) -> bool:
        """Create the database, or upgrade it to this program's revision; return whether anything changed.

        Only its owner can read a new database file, since it has customers' data.
        """
        with self.translated():
            self.backend.create_empty()
        with self.write(checked=False) as connection:
            found = found_revision(connection)
            if found is not None and (found > migrations.HEAD or migrations.is_pre_release(found)):
                migrations.check_revision(found, self.where)
            if found == migrations.HEAD:
                return False
            migrations.upgrade(connection)
            _name_deployment(connection)
            return True

    def _connect(self, create: bool = False) -> Connection:
        if not create:
            self.backend.check_exists()
        return self.engine.connect()

    def _check(self, connection: Connection) -> None:
        if not self._known:
            found = stored_revision(connection) if self._has_tables else found_revision(connection)
            migrations.check_revision(found, self.where)
            self._known.add(migrations.HEAD)
            self._has_tables = True

    def _begun(self, connection: Connection, patience: float) -> RootTransaction:
        """Begin a transaction that holds the write lock; try again, for ``patience`` seconds, while another one does.

        Each try is short, so that Ctrl-C works between them.
        """
        until = time.monotonic() + patience
        while True:
            try:
                transaction = connection.begin()
                self.backend.lock(connection)
            except OperationalError as error:
                connection.rollback()
                if not self.backend.is_locked(error.orig) or time.monotonic() >= until:
                    raise
            else:
                return transaction

    @contextmanager
    def translated(self) -> Iterator[None]:
        """Raise the database's errors within the block as revrec's, each with its fix."""
        try:
            yield
        except DBAPIError as error:
            raise self.translate(error) from error

    def translate(self, error: DBAPIError) -> RevrecError:
        """Return the database's error as one of revrec's, with its fix."""
        known = self.backend.known_error(error.orig)
        if known is not None:
            return known
        if isinstance(error, OperationalError):
            return self.backend.unexpected_error(error.orig)
        said = str(error.orig).partition("\nCONTEXT:")[0]
        return RevrecError(f"{self.where}: the database rejected the change: {said}; nothing was saved, report it")


class _Discard(Exception):
    """The signal that ends a transaction which is to be rolled back."""


@contextmanager
def discarded(database: Database) -> Iterator[Connection]:
    """Yield a write transaction that is always rolled back, so that a dry run is the same code as a run."""
    try:
        with database.write() as connection:
            yield connection
            raise _Discard
    except _Discard:
        return


def transaction(database: Database, dry_run: bool) -> AbstractContextManager[Connection]:
    """Return a write transaction, which is rolled back at its end if it is a dry run."""
    return discarded(database) if dry_run else database.write()


def found_revision(connection: Connection) -> str | None:
    """Return the revision that a database says it has; None if it has no tables of revrec."""
    if not connection.dialect.has_table(connection, "alembic_version"):
        return None
    return stored_revision(connection)


def stored_revision(connection: Connection) -> str | None:
    """Return the revision that a database with tables of revrec says it has."""
    row = first_row(connection, _REVISION)
    return row[0] if row else None


def deployment(connection: Connection) -> str:
    """Return the id of this database among all that post to one company; part of every reference and control id."""
    return str(connection.execute(select(meta.c.value).where(meta.c.key == "deployment")).scalar_one())


def _name_deployment(connection: Connection) -> None:
    if connection.execute(select(meta.c.value).where(meta.c.key == "deployment")).scalar() is None:
        values = [{"key": "deployment", "value": uuid4().hex[:12]}, {"key": "epoch", "value": "1"}]
        connection.execute(insert(meta), values)
        who = AuditStamp("revrec", "db upgrade", datetime.now(UTC).isoformat(timespec="microseconds"))
        digests = [digest_rows(meta, [tuple(row.values())]) for row in values]
        record(connection, who, "database created", f"database {values[0]['value']}", {}, digests)


def backend(url: str) -> Backend:
    """Return the backend of the database that a URL names.

    Raises:
        BadConfiguration: revrec cannot use it. The URL is not quoted, since it may contain a password.
    """
    try:
        # libpq accepts both names, SQLAlchemy only the longer one.
        parsed = make_url(f"postgresql://{url.removeprefix('postgres://')}" if url.startswith("postgres://") else url)
        if parsed.port is not None and not 0 < parsed.port < 65_536:
            raise ValueError
    except SQLAlchemyError:
        raise BadConfiguration(f"database URL: cannot be used: it is not a URL; write {URL_FORMS}") from None
    except ValueError:
        wanted = "write a port from 1 to 65535, such as postgresql://USER@HOST:5432/DATABASE"
        raise BadConfiguration(f"database URL: cannot be used: its host or port is not valid; {wanted}") from None
    try:
        return _backend(parsed)
    except (SQLAlchemyError, ValueError):
        place = parsed.set(query={}, password=None)
        raise BadConfiguration(
            f"database URL {place}: cannot be used: a value after the question mark is wrong; correct it"
        ) from None


def _backend(url: "URL") -> Backend:
    kind = url.get_backend_name()
    if kind == "sqlite":
        from revrec.store.database.sqlite import Sqlite

        return Sqlite(url)
    if kind == "postgresql":
        from revrec.store.database.postgresql import Postgresql

        return Postgresql(url)
    place = url.set(query={})
    raise BadConfiguration(f"database URL {place}: revrec cannot use this kind of database; write {URL_FORMS}")
