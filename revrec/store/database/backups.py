"""Copies of the database that are whole, whoever writes meanwhile."""

import os
import shlex
import sqlite3
from contextlib import closing
from pathlib import Path

from revrec.core.errors import BadInput, RevrecError
from revrec.files import draft_of
from revrec.store.database.engine import Database


def copy(database: Database, file: Path) -> int:
    """Copy the database by SQLite's own online backup, check the copy, and return its size in bytes.

    The file appears under its name when it is whole and checked; a copy that fails or is killed does not.

    Raises:
        BadInput: the file exists already, or cannot be made.
        RevrecError: the copy failed, or is not sound.
    """
    if database.path is None:
        command = shlex.join(["pg_dump", "--format=custom", f"--file={file}", database.where])
        raise BadInput(f"{database.where}: is no file; PostgreSQL copies it by its own tool: {command}")
    if os.path.lexists(file):
        raise BadInput(f"{file}: exists already; a backup never overwrites, choose another name")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with draft_of(file, overwrite=False) as draft:
            _copy(database.path, draft, file)
    except FileExistsError:
        raise BadInput(f"{file}: exists already; a backup never overwrites, choose another name") from None
    except OSError as error:
        raise BadInput(f"{file}: cannot be made: {error.strerror or error}; choose another place") from error
    return file.stat().st_size


def _copy(database: Path, draft: Path, file: Path) -> None:
    try:
        with closing(sqlite3.connect(database)) as source, closing(sqlite3.connect(draft)) as target:
            source.backup(target, pages=4096)
            target.execute("PRAGMA journal_mode = DELETE")
            found = target.execute("PRAGMA integrity_check").fetchone()[0]
    except sqlite3.Error as error:
        raise RevrecError(f"{file}: the copy failed: {error}; make room and try again") from error
    if found != "ok":
        raise RevrecError(
            f"{file}: the copy is not sound: {found}; check the disk, and the database with: revrec db status"
        )
