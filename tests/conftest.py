"""Both databases for the tests: SQLite needs a file, PostgreSQL a server, which is started when first asked for.

A test that is marked ``both_databases`` and uses the fixture ``kind``, itself or through another, is played on both.
All tests on PostgreSQL are slow ones.
"""

import contextlib
import gc
import json
import os
import signal
import sys
import tempfile
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock
from hypothesis import HealthCheck, settings

from revrec.sandbox.company.switches import Switches
from support import sqlite
from support.postgresql import PostgresqlServer, shared_statements

# A slow machine is not a failure of a property. A check has the same examples in every run of a commit, so that a
# failure is never a matter of luck; --hypothesis-profile=exploring draws new ones.
settings.register_profile("exploring", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("steady", settings.get_profile("exploring"), derandomize=True, database=None)
settings.load_profile("steady")

# A shell that runs the tests in the background ignores SIGINT, and so would the commands that tests interrupt.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def _names(parametrized: pytest.Mark) -> list[str]:
    names = parametrized.args[0]
    return [name.strip() for name in names.split(",")] if isinstance(names, str) else list(names)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Play a test on each database, if it is marked so."""
    markers = [one for one in metafunc.definition.iter_markers("parametrize") if "kind" in _names(one)]
    given = bool(markers)
    is_direct = not all(one.kwargs.get("indirect") for one in markers)
    if is_direct and {"database", "database_url"} & {*metafunc.fixturenames}:
        # Such a test would silently run on PostgreSQL, whatever its parameter means.
        pytest.fail(f"{metafunc.definition.nodeid}: the parameter kind is the kind of database; choose another name")
    marked = metafunc.definition.get_closest_marker("both_databases")
    if "kind" in metafunc.fixturenames and marked and not given:
        kinds = ["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)]
        metafunc.parametrize("kind", kinds, indirect=True, scope="session")


def pytest_configure(config: pytest.Config) -> None:
    """Keep compiled modules in pytest's cache, where PYTHONDONTWRITEBYTECODE forbids files beside the modules.

    Without it, each worker would rewrite the assertions of all tests in each run, and each process that a test starts
    would compile all modules again: together a tenth of the time of a run.
    """
    if sys.dont_write_bytecode and config.pluginmanager.has_plugin("cacheprovider"):
        # In a folder that cannot be written to, each process compiles for itself.
        with contextlib.suppress(OSError):
            sys.pycache_prefix = str(config.cache.mkdir("compiled"))
            sys.dont_write_bytecode = False


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests that choose PostgreSQL themselves as slow, as the others on PostgreSQL are."""
    for item in items:
        chosen = getattr(getattr(item, "callspec", None), "params", {}).get("kind") == "postgresql"
        uses = "postgresql" in getattr(item, "fixturenames", ())
        if (chosen or uses) and item.get_closest_marker("long") is None:
            item.add_marker(pytest.mark.slow)


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Spare the garbage collector the collected tests: they are most of the objects, and live until the end.

    Afterwards it looks for garbage less often: SQLAlchemy makes many objects, and few of them in cycles.
    """
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.set_threshold(50_000, 20, 20)
        gc.enable()


@pytest.fixture(scope="session", autouse=True)
def _own_config_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """What tests confirm with ``revrec trust`` is not the user's."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CONFIG_HOME", str(tmp_path_factory.mktemp("config")))
        yield


def pytest_xdist_auto_num_workers() -> int:
    """Start one worker more than there are cores: a test that waits for a process leaves its core idle."""
    return (os.cpu_count() or 1) + 1


@pytest.fixture(scope="session", autouse=True)
def _compiled_once(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Let the processes that tests start use the compiled modules of this one, in the folder that it keeps them in."""
    with pytest.MonkeyPatch.context() as patch:
        if sys.pycache_prefix:
            patch.delenv("PYTHONDONTWRITEBYTECODE", raising=False)
            patch.setenv("PYTHONPYCACHEPREFIX", sys.pycache_prefix)
        yield


@pytest.fixture(scope="session", autouse=True)
def _quick_engines() -> Iterator[None]:
    """Spare the tests SQLite's waits for the disk, and the compilation of the same SQL for each command."""
    with sqlite.quick_engines(), shared_statements():
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


def _shared(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """Return the folder that all workers of a session share."""
    own = tmp_path_factory.getbasetemp()
    return own if worker_id == "master" else own.parent


@pytest.fixture(scope="session")
def postgresql(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> PostgresqlServer:
    """The server, which all workers of a session share; the last one to leave stops it and removes its folder."""
    shared = _shared(tmp_path_factory, worker_id)
    with FileLock(shared / "postgresql.lock"):
        shown = shared / "postgresql.folder"
        if not shown.exists():
            shown.write_text(tempfile.mkdtemp(prefix="revrec-postgresql-"))
        return PostgresqlServer(Path(shown.read_text()))


@pytest.fixture
def database_url(kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of a new database of this test's kind, with its tables made."""
    if kind == "sqlite":
        yield f"sqlite:///{sqlite.copied(tmp_path / 'revrec.db')}"
        return
    server: PostgresqlServer = request.getfixturevalue("postgresql")
    url = server.fresh()
    yield url
    server.drop(url)
