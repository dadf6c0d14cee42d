"""Books to work in, and the program as a user calls it, without a process of its own."""

import contextlib
import hashlib
import json
import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from revrec.cli.main import app
from revrec.sandbox.control.sandbox import Sandbox

ROOT = Path(__file__).resolve().parents[2]
SAMPLES = ROOT / "sample_data"
HEADER = "source,document,line,customer,item,post_date,amount,currency"


@dataclass(frozen=True)
class Ended:
    """How a command ended: exit code, standard output, standard error."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Standard output, which must be one JSON document and nothing else."""
        return json.loads(self.out)


Revrec = Callable[..., Ended]


@pytest.fixture
def revrec() -> Revrec:
    """``revrec("run", "--date", "2024-04-30")``; the environment is set for the call by ``env``."""

    def call(*words: str | Path, env: Mapping[str, str | None] | None = None) -> Ended:
        ended = CliRunner().invoke(app, [str(word) for word in words], env=env, prog_name="revrec")
        return Ended(ended.exit_code, ended.stdout, ended.stderr)

    return call


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No settings, colours or widths from outside; the sandbox's process finds the package in a bare checkout too."""
    for name in list(os.environ):
        if name.startswith(("REVREC_", "INTACCT_")) or name in ("NO_COLOR", "FORCE_COLOR", "COLUMNS"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))


@pytest.fixture(scope="session")
def _new_books(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("new") / "books"
    assert CliRunner().invoke(app, ["init", str(folder)]).exit_code == 0
    return _settled(folder)


@pytest.fixture(scope="session")
def _told_books(_new_books: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("told") / "books"
    shutil.copytree(_new_books, folder, ignore=shutil.ignore_patterns("*-wal", "*-shm"))
    config = ["--config", str(folder / "revrec.toml")]
    for words in (["charges.csv", "orders.xml", "shop-orders.jsonl"], ["--events", "events.csv"]):
        given = [word if word.startswith("--") else str(SAMPLES / word) for word in words]
        assert CliRunner().invoke(app, ["import", *config, *given]).exit_code == 0
    return _settled(folder)


def _settled(folder: Path) -> Path:
    """The folder, all of its database in one file: a connection that nobody has collected yet keeps a log beside it."""
    with contextlib.closing(sqlite3.connect(folder / "revrec.db")) as connection:
        (busy, *_pages) = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    assert not busy
    return folder


@pytest.fixture
def books(_new_books: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder fresh from ``revrec init``, which the commands are called in."""
    return _enter(_new_books, tmp_path, monkeypatch)


@pytest.fixture
def story(_told_books: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Books into which the sample data was imported; nothing is posted yet."""
    return _enter(_told_books, tmp_path, monkeypatch)


def _enter(template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "books"
    shutil.copytree(template, folder, ignore=shutil.ignore_patterns("*-wal", "*-shm"))
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def charges() -> Callable[..., Path]:
    """Writes ``charges.csv`` in the present folder with the native header and these rows."""

    def write(*rows: str, name: str = "charges.csv") -> Path:
        path = Path(name)
        path.write_text("\n".join([HEADER, *rows]) + "\n", encoding="utf-8")
        return path

    return write


@pytest.fixture
def intacct() -> Iterator[dict[str, str]]:
    """The environment that leads a command to an Intacct served from here, with the right passwords."""
    served = Sandbox()
    served.start()
    address = served.address
    yield {
        "INTACCT_ENDPOINT_URL": address["url"],
        "INTACCT_SENDER_ID": address["sender_id"],
        "INTACCT_SENDER_PASSWORD": address["sender_password"],
        "INTACCT_COMPANY_ID": address["company_id"],
        "INTACCT_USER_ID": address["user_id"],
        "INTACCT_USER_PASSWORD": address["user_password"],
    }
    served.stop()


@pytest.fixture
def fingerprint() -> Callable[[Path], str]:
    """A digest of everything a database holds."""

    def digest(folder: Path) -> str:
        with contextlib.closing(sqlite3.connect(folder / "revrec.db")) as database:
            return hashlib.sha256("\n".join(database.iterdump()).encode()).hexdigest()

    return digest


@pytest.fixture
def as_somebody() -> Callable[[], contextlib.AbstractContextManager[None]]:
    """A block run with the rights of an ordinary user: permission bits do not bind root."""

    @contextlib.contextmanager
    def ordinary() -> Iterator[None]:
        if os.geteuid() != 0:
            yield
            return
        os.seteuid(65534)
        try:
            yield
        finally:
            os.seteuid(0)

    return ordinary
