"""Copies of the database that are whole, whoever writes meanwhile."""

import sqlite3
from contextlib import closing
from pathlib import Path

from revrec.core.errors import BadInput, RevrecError
from revrec.store.engine import Database


def copy(database: Database, file: Path) -> int:
    """Copy the database by SQLite's own online backup, check the copy, and return its size in bytes.

    Raises:
        BadInput: the copy cannot be written.
    """
    assert database.path is not None
    try:
        return _copy(database.path, file)
    except (OSError, sqlite3.Error) as error:
        raise BadInput(f"{file}: the backup cannot be written: {error}; choose another place") from error


def _copy(path: Path, file: Path) -> int:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.touch(mode=0o600)
    with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(file)) as target:
        source.backup(target, pages=4096)
        target.execute("PRAGMA journal_mode = DELETE")
        found = target.execute("PRAGMA integrity_check").fetchone()[0]
    if found != "ok":
        raise RevrecError(f"{file}: the copy is not sound: {found}")
    return file.stat().st_size
