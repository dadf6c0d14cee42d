"""Back up the database: each copy is whole, even while another command writes."""

import os
import shlex
import sqlite3
from contextlib import closing
from pathlib import Path

from revrec.core.errors import BadInput, RevrecError
from revrec.files import draft_of
from revrec.store.database.engine import Database


def copy(database: Database, file: Path) -> int:
    """Copy the database with SQLite's online backup, check the copy, and return its size in bytes.

    The file appears under its name only when it is whole and checked: a copy of the bare file, made while a run
    commits, would lack the commits that are still in the write-ahead log.

    Raises:
        BadInput: the file already exists, or cannot be created.
        RevrecError: the copy failed, or is damaged.
    """
    if database.path is None:
        command = shlex.join(["pg_dump", "--format=custom", f"--file={file}", database.where])
        raise BadInput(f"{database.where}: is not a file; back it up with PostgreSQL's own tool: {command}")
    if os.path.lexists(file):
        raise _already_exists(file)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _cannot_be_created(file, error) from error
    try:
        with draft_of(file, overwrite=False) as draft:
            _copy(database.path, draft, file)
    except FileExistsError:
        raise _already_exists(file) from None
    except OSError as error:
        raise _cannot_be_created(file, error) from error
    return file.stat().st_size


def _already_exists(file: Path) -> BadInput:
    return BadInput(f"{file}: already exists; a backup never overwrites, choose another name")


def _cannot_be_created(file: Path, error: OSError) -> BadInput:
    return BadInput(f"{file}: cannot be created: {error.strerror or error}; choose another place")


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
            f"{file}: the copy is damaged: {found}; check the disk, and the database with: revrec db status"
        )
