"""PostgreSQL as the database: one writer at a time, through an advisory lock.

A writing transaction takes the lock before anything else. Without it two writers would read the same last number and
the same last audit event, and the second would get a duplicate number and a broken chain. Reading needs no lock and
sees one moment.
"""

from contextlib import suppress
from functools import cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import URL, Connection, create_engine, event, text

from revrec.core.errors import BadConfiguration, Busy, RevrecError
from revrec.core.extras import install_command
from revrec.core.redaction import redact_text
from revrec.store.database import BUSY_SECONDS

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

ADVICE = "check the server and its log, then run the command again"
SESSION = {
    "lock_timeout": f"{BUSY_SECONDS}s",
    "synchronous_commit": "on",
    "cursor_tuple_fraction": "1",
}
"""Durable commits, a limit on waiting, and query plans for a whole result, since every result is read to its end."""

CONNECT = {
    "client_encoding": "utf8",
    "application_name": "revrec",
    "connect_timeout": 10,
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
}
"""Defaults that a URL may change. A request to Intacct can take minutes: no firewall may drop the idle session."""


def lock_key(purpose: str) -> str:
    """Return the SQL of the number of an advisory lock of revrec in this schema."""
    return f"hashtextextended('revrec {purpose} ' || current_schema(), 0)"


TAKE_WRITE_LOCK = text(f"SELECT pg_advisory_xact_lock({lock_key('write')})")


class Postgresql:
    """The PostgreSQL backend: opens a database, takes its write lock, and translates its errors."""

    def __init__(self, url: URL) -> None:
        self.path: Path | None = None
        self.reading: dict[str, Any] = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
        self.reading_as_known: dict[str, Any] = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": False}
        self.writing: dict[str, Any] = {"isolation_level": "READ COMMITTED", "postgresql_readonly": False}
        self.last_commit: Callable[[Connection], int] | None = None
        self.where = shown(url)
        self.secrets = _secrets(url)
        defaults = {name: value for name, value in CONNECT.items() if name not in url.query}
        try:
            self.engine = create_engine(
                url.set(drivername="postgresql+psycopg"), connect_args=defaults, pool_pre_ping=True
            )
        except ImportError:
            said = f"PostgreSQL needs psycopg; install it with: {install_command('postgres')}"
            raise BadConfiguration(f"{self.where}: {said}") from None
        event.listen(self.engine, "connect", prepare)

    def check_exists(self) -> None:
        """Do nothing: the server itself reports a missing database."""

    def create_empty(self) -> None:
        """Raise BadConfiguration for a database that cannot store every text, or has no schema."""
        with self.engine.connect() as connection:
            encoding = connection.exec_driver_sql("SHOW server_encoding").scalar()
            place = connection.exec_driver_sql("SELECT current_schema()").scalar()
        if encoding != "UTF8":
            said = f"its encoding is {encoding}; create one for revrec: CREATE DATABASE revrec ENCODING 'UTF8'"
            raise BadConfiguration(f"{self.where}: {said} TEMPLATE template0")
        if place is None:
            raise BadConfiguration(f"{self.where}: no schema of the search_path exists; create it: CREATE SCHEMA")

    def lock(self, connection: Connection) -> None:
        """Take the write lock until the transaction ends."""
        connection.execute(TAKE_WRITE_LOCK)

    def is_locked(self, error: BaseException | None) -> bool:
        """Check whether an error says that another process holds the write lock."""
        return _state(error) == "55P03"

    def known_error(self, error: BaseException | None) -> RevrecError | None:
        """Return revrec's error for one about the server, with its fix; None for one about a statement."""
        state, said = _state(error), self._said(error)
        for known, kind, message in KNOWN_ERRORS:
            # A message has numbers too, such as a port: they are no codes.
            if state.startswith(known) if state else known in said and not known[0].isdigit():
                return kind(f"{self.where}: {message.format(said=said)}")
        return None

    def unexpected_error(self, error: BaseException | None) -> RevrecError:
        """Return revrec's error for one about the server, or the way to it, that is not known."""
        if not _state(error):
            fix = "check that the server runs, and the host, port, user and password in the URL (or PGPASSWORD)"
            return BadConfiguration(f"{self.where}: cannot be reached: {self._said(error)}; {fix}")
        return BadConfiguration(f"{self.where}: {self._said(error)}; {ADVICE}")

    def _said(self, error: BaseException | None) -> str:
        return redact_text(" ".join(str(error).split()), self.secrets)


RIGHTS = "this user lacks a right: {said}; have the owner grant it, see: revrec docs postgresql"
LOST = "the connection was lost: {said}; nothing is half done, run the command again"
KNOWN_ERRORS: tuple[tuple[str, type[RevrecError], str], ...] = (
    ("55P03", Busy, "another revrec is writing to the database; try again when it is done"),
    ("40P01", Busy, "another transaction was in the way ({said}); nothing was saved, try again"),
    ("40001", Busy, "another transaction was in the way ({said}); nothing was saved, try again"),
    ("57014", Busy, "the server canceled a statement ({said}); nothing was saved, raise its statement_timeout"),
    ("25006", BadConfiguration, "the database is read-only: {said}; use the URL of the server that accepts writes"),
    ("28P01", BadConfiguration, "the user or the password is wrong: {said}"),
    ("28000", BadConfiguration, "the server does not let this user in: {said}; see pg_hba.conf on the server"),
    ("3D000", BadConfiguration, "{said}; create it on the server: CREATE DATABASE"),
    ("42501", BadConfiguration, RIGHTS),
    ("53100", RevrecError, "the disk of the server is full: {said}; free some space, nothing is half done"),
    ("53", Busy, "the server has no more capacity: {said}; try again later"),
    ("57P", BadConfiguration, LOST),
    ("08", BadConfiguration, LOST),
    # Before a connection is open there is no code, only the server's message.
    ("password authentication failed", BadConfiguration, "the user or the password is wrong: {said}"),
    ("no password supplied", BadConfiguration, "{said}; set PGPASSWORD, a .pgpass file, or the password in the URL"),
    ("invalid connection option", BadConfiguration, "{said}; correct the URL after its question mark"),
    ("no pg_hba.conf entry", BadConfiguration, "{said}; let this user in by pg_hba.conf on the server"),
    ("does not exist", BadConfiguration, "{said}; create it on the server: CREATE DATABASE, CREATE ROLE"),
    ("too many clients", Busy, "the server has no more capacity: {said}; try again later"),
    ("starting up", Busy, "{said}; try again in a minute"),
    ("shutting down", Busy, "{said}; try again when it is back"),
    ("server closed the connection", BadConfiguration, LOST),
    ("terminating connection", BadConfiguration, LOST),
    ("connection is lost", BadConfiguration, LOST),
    ("connection is closed", BadConfiguration, LOST),
    ("timeout expired", BadConfiguration, "no answer: {said}; see host and port in the URL, and the firewall"),
)
"""SQLSTATE (or its class) or words of the message, revrec's error, and its message. The first match counts."""


def shown(url: URL) -> str:
    """Return a URL as messages show it: without any password."""
    plain = url.set(query={name: value for name, value in url.query.items() if "password" not in name})
    return plain._replace(password=None).render_as_string()


def prepare(dbapi: Any, _record: object) -> None:
    """Set up a session in one round trip, and read its numeric sums as whole numbers."""
    dbapi.adapters.register_loader("numeric", _whole_numbers())
    dbapi.autocommit = True
    with dbapi.cursor() as cursor:
        cursor.execute("; ".join(f"SET {name} = '{value}'" for name, value in SESSION.items()))
    dbapi.autocommit = False


@cache
def _whole_numbers() -> type:
    from decimal import Decimal

    from psycopg.adapt import Loader

    class WholeNumber(Loader):
        def load(self, data: Any) -> int | Decimal:
            number = Decimal(bytes(data).decode())
            return int(number) if number == number.to_integral_value() else number

    return WholeNumber


def _secrets(url: URL) -> list[str]:
    given = [str(value) for name, value in url.query.items() if "password" in name]
    return [*given, str(url.password)] if url.password else given


def _state(error: BaseException | None) -> str:
    with suppress(AttributeError):
        return error.sqlstate or ""  # type: ignore[union-attr]
    return ""
