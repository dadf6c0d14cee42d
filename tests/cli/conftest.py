"""Books to work in, and the program as a user calls it, in this process."""

import contextlib
import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from revrec.sandbox.control.sandbox import Sandbox
from support.commands import ROOT, SAMPLES, Revrec, call
from support.intacct import sign_in
from support.sqlite import Content

HEADER = "source,document,line,customer,item,post_date,amount,currency"


@pytest.fixture
def revrec() -> Revrec:
    """Return the program, called in this process."""
    return call


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Remove settings, colors and widths of the outside; processes find the package in a bare checkout too."""
    for name in list(os.environ):
        if name.startswith(("REVREC_", "INTACCT_")) or name in ("NO_COLOR", "FORCE_COLOR", "COLUMNS"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))


@pytest.fixture(scope="session")
def _new_books(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("new") / "books"
    assert call("init", folder).code == 0
    return _settled(folder)


@pytest.fixture(scope="session")
def _imported_books(_new_books: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("imported") / "books"
    shutil.copytree(_new_books, folder, ignore=shutil.ignore_patterns("*-wal", "*-shm"))
    config = ["--config", str(folder / "revrec.toml")]
    for words in (["charges.csv", "orders.xml", "shop-orders.jsonl"], ["--events", "events.csv"]):
        files = [word if word.startswith("--") else str(SAMPLES / word) for word in words]
        assert call("import", *config, *files).code == 0
    return _settled(folder)


def _settled(folder: Path) -> Path:
    """Move the log of a database into its file: a connection that is not collected yet keeps a log beside it."""
    with contextlib.closing(sqlite3.connect(folder / "revrec.db")) as connection:
        (busy, *_pages) = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    assert not busy
    return folder


@pytest.fixture
def books(_new_books: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make a folder by ``revrec init`` and enter it."""
    return _enter(_new_books, tmp_path, monkeypatch)


@pytest.fixture
def story(_imported_books: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make books with the sample data imported and nothing posted, and enter them."""
    return _enter(_imported_books, tmp_path, monkeypatch)


def _enter(template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "books"
    shutil.copytree(template, folder, ignore=shutil.ignore_patterns("*-wal", "*-shm"))
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture(scope="session")
def _posted_books(_imported_books: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("posted") / "books"
    shutil.copytree(_imported_books, folder, ignore=shutil.ignore_patterns("*-wal", "*-shm"))
    served = Sandbox()
    served.start()
    for day in ("2024-01-31", "2024-02-29"):
        words = ["run", "--config", str(folder / "revrec.toml"), "--date", day]
        assert call(*words, env=sign_in(served.address)).code == 0
    served.stop()
    return _settled(folder)


@pytest.fixture
def posted_story(_posted_books: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make books with the sample data imported, and January and February posted by two runs; enter them.

    The sandbox that has the entries has ended: a test that needs it posts its own ``story``.
    """
    return _enter(_posted_books, tmp_path, monkeypatch)


@pytest.fixture
def charges() -> Callable[..., Path]:
    """Return a function that writes ``charges.csv`` in the current folder with the native header and these rows."""

    def write(*rows: str, name: str = "charges.csv") -> Path:
        path = Path(name)
        path.write_text("\n".join([HEADER, *rows]) + "\n", encoding="utf-8")
        return path

    return write


@pytest.fixture
def intacct() -> Iterator[dict[str, str]]:
    """Serve a sandbox in this process; return the environment with which commands sign in to it."""
    served = Sandbox()
    served.start()
    yield sign_in(served.address)
    served.stop()


@pytest.fixture
def signed_in(intacct: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Let all commands of a test sign in to the sandbox."""
    for name, value in intacct.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def april(story: Path, signed_in: None, revrec: Revrec) -> Path:
    """Make books with the sample data posted to the end of April, and enter them."""
    assert revrec("run", "--date", "2024-03-31").code == 0
    assert revrec("event", "add", "shop/INV-1005/1", "pod", "2024-04-11").code == 0
    assert revrec("run", "--date", "2024-04-30").code == 0
    return story


@pytest.fixture
def fingerprint() -> Callable[[Path], object]:
    """Return a function that returns everything that the database of a folder holds."""
    return lambda folder: Content(folder / "revrec.db")


@pytest.fixture
def as_ordinary_user() -> Callable[[], contextlib.AbstractContextManager[None]]:
    """Return a block that runs with the rights of an ordinary user: permission bits do not bind root."""

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
