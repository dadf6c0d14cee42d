"""Replace the database file with a copy: complete and checked, and the replaced file is kept."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from revrec.core.errors import BadInput, Busy, RevrecError
from revrec.files import create_private, rename

ENDS = ("", "-wal", "-shm")
"""The ends of SQLite's files. Commits that are not in the main file yet are in the two others: left behind, they would
be read into the copy and damage it."""


def copied(file: Path, database: Path) -> Path:
    """Copy ``file`` beside the database, have SQLite check the copy, and return it, ready to replace the database.

    Raises:
        BadInput: the file cannot be read, is not a database, or is damaged.
    """
    new = database.with_name(database.name + ".restoring")
    discard(new)
    if not file.is_file():
        raise BadInput(f"{file}: no such file; name one that revrec db backup wrote")
    try:
        create_private(new)
        with closing(sqlite3.connect(f"{file.resolve().as_uri()}?mode=ro", uri=True)) as source:
            _copy(source, new)
    except (sqlite3.Error, OSError) as error:
        discard(new)
        raise BadInput(f"{file}: cannot be restored: {error}; nothing was changed") from error
    return new


def _copy(source: sqlite3.Connection, new: Path) -> None:
    with closing(sqlite3.connect(new)) as target:
        source.backup(target, pages=4096)
        target.execute("PRAGMA journal_mode = DELETE")
        found = target.execute("PRAGMA integrity_check").fetchone()[0]
    if found != "ok":
        raise sqlite3.DatabaseError(f"it is damaged: {found}")


def discard(new: Path) -> None:
    """Remove a copy that does not replace the database after all."""
    for end in (*ENDS, "-journal"):
        Path(f"{new}{end}").unlink(missing_ok=True)


@contextmanager
def alone_with(database: Path) -> Iterator[None]:
    """Lock out all writers, and write everything in the write-ahead log to the main file.

    Raises:
        Busy: another command is writing.
    """
    if not database.exists():
        yield
        return
    with closing(sqlite3.connect(database, isolation_level=None, timeout=5)) as connection:
        try:
            # A damaged file cannot be read, and is set aside as it is.
            with suppress(sqlite3.DatabaseError):
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            connection.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as error:
            if "locked" in str(error):
                raise Busy(f"{database}: another command is writing to the database; wait until it ends") from None
        except sqlite3.DatabaseError:
            pass
        yield


def take_place(new: Path, database: Path, aside: Path) -> None:
    """Replace the database with ``new``, and keep the old one as ``aside``.

    Raises:
        RevrecError: the files cannot be moved; the message says which file is where.
    """
    try:
        for end in ENDS:
            old = Path(f"{database}{end}")
            if old.exists():
                old.replace(f"{aside}{end}")
        rename(new, database)
    except OSError as error:
        raise RevrecError(
            f"{database}: cannot be replaced: {error}; the old database is {database} or {aside}, the copy is {new}"
        ) from error
