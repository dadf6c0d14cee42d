"""``revrec db``: the state of the database, and its backups."""

from pathlib import Path
from typing import TYPE_CHECKING

from revrec.core.errors import BadConfiguration
from revrec.store.database import backups
from revrec.store.database.migrations import HEAD

if TYPE_CHECKING:
    from revrec.jobs.context import Context


def database_status(context: "Context") -> dict[str, object]:
    """Where the database is, its revision, and whether this program can work with it."""
    database = context.database
    if database.path and not database.path.exists():
        raise BadConfiguration(f"{database.path}: there is no database here; make one with: revrec init")
    found = database.revision()
    return {"database": database.where, "revision": found, "needs": HEAD, "current": found == HEAD}


def backup(context: "Context", file: Path) -> int:
    """A checked copy of the database; returns its size in bytes.

    Raises:
        BadInput: the file exists already, or cannot be written.
    """
    with context.database.read():
        pass
    return backups.copy(context.database, file)
