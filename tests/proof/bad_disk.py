"""What the disk may do to a run: fill up, refuse to be written to, be locked by another program.

Each time a real command ends with a clear message; when the disk is well again, the next runs end what it began, and
both ledgers are compared entry by entry. Power that fails is part of the kill harness.
"""

import os
import resource
import sqlite3
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple
from unittest import mock

from kill_harness import NEVER, RUN, SAID, Harness, Plan, forked, harness

NOBODY = 65_534
FILE_SIZES = (8, 16, 40, 80, 160, 320, 640, 1_200)
"""Sizes in KiB that a file can have at most: at each the log of a run ends at another moment."""
PAGES = (0, 2, 5, 10, 20)
"""How many pages the database can grow by."""


class Reported(NamedTuple):
    """How a command ended that the disk was bad to, and what it said."""

    what: str
    code: int | None
    said: str


def all_of_it() -> dict[str, list[Reported]]:
    """Everything, in a process of its own: the harness forks, and prepares its process for that."""
    with ProcessPoolExecutor(1) as pool:
        return pool.submit(_all_of_it).result()


def _all_of_it() -> dict[str, list[Reported]]:
    with harness(seed=1) as played:
        return {what.__name__: what(played) for what in (full, read_only, locked)}


def full(played: Harness) -> list[Reported]:
    """A run on a disk that fills up at one moment or another, and then runs on one that has room again."""
    limits = [(f"{size} KiB in a file", partial(_limit_files, size)) for size in FILE_SIZES]
    limits += [(f"{pages} more pages", partial(_limit_pages, pages)) for pages in PAGES]
    return [_ended_badly(played, what, before=before) for what, before in limits]


def read_only(played: Harness) -> list[Reported]:
    """A run by a user who may not write, and then by one who may."""
    played.folder.chmod(0o711)
    return [_ended_badly(played, "read-only", around=_unwritable, before=_become_ordinary_user)]


def locked(played: Harness) -> list[Reported]:
    """A decision while another program writes without end, and a run when it has ended."""
    return [_ended_badly(played, "locked", ["periods", "close", "2023-01", "--reason", "the proof"], around=_locked)]


def _ended_badly(
    played: Harness,
    what: str,
    words: list[str] = RUN,
    around: Callable[[Path], Any] = lambda _books: closing(_Nothing()),
    before: Callable[[], object] = lambda: None,
) -> Reported:
    code: list[int | None] = []

    def first(books: Path) -> None:
        with around(books):
            played.start = partial(forked, before=before)
            code.append(played._command(books, words, NEVER))
            played.start = forked

    books = played.play(Plan(), first)
    return Reported(what, code[0], (books / SAID).read_text())


class _Nothing:
    def close(self) -> None:
        """Nothing was opened."""


def _limit_files(kib: int) -> None:
    _soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (kib * 1024, hard))


def _limit_pages(more: int) -> None:
    from revrec.store.database import sqlite

    prepare = sqlite.prepare

    def limited(dbapi: Any, _record: object) -> None:
        prepare(dbapi, _record)
        (pages,) = dbapi.execute("PRAGMA page_count").fetchone()
        dbapi.execute(f"PRAGMA max_page_count = {pages + more}")

    sqlite.prepare = limited


@contextmanager
def _unwritable(books: Path) -> Iterator[None]:
    files = [books, *books.rglob("*")]
    for file in files:
        file.chmod(0o555 if file.is_dir() else 0o444)
    (books / SAID).touch()
    (books / SAID).chmod(0o666)
    try:
        yield
    finally:
        for file in [books, *books.rglob("*")]:
            file.chmod(0o755)


def _become_ordinary_user() -> None:
    if os.geteuid() == 0:
        os.setgid(NOBODY)
        os.setuid(NOBODY)


@contextmanager
def _locked(books: Path) -> Iterator[None]:
    from revrec.store.database import sqlite

    busy = mock.patch.object(sqlite, "BUSY_SECONDS", 1)
    with busy, closing(sqlite3.connect(books / "revrec.db", isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        yield
        connection.execute("ROLLBACK")
