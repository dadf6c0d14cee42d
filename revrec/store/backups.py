"""Copies of the database that are whole, whoever writes meanwhile."""

import sqlite3
from contextlib import closing
from pathlib import Path

from revrec.core.errors import RevrecError
from revrec.store.engine import Database


def copy(database: Database, file: Path) -> int:
    """Copy the database by SQLite's own online backup, check the copy, and return its size in bytes."""
    assert database.path is not None
    file.parent.mkdir(parents=True, exist_ok=True)
    file.touch(mode=0o600)
    with closing(sqlite3.connect(database.path)) as source, closing(sqlite3.connect(file)) as target:
        source.backup(target, pages=4096)
        target.execute("PRAGMA journal_mode = DELETE")
        found = target.execute("PRAGMA integrity_check").fetchone()[0]
    if found != "ok":
        raise RevrecError(f"{file}: the copy is not sound: {found}")
    return file.stat().st_size
