"""``revrec db``: show the state of the database, back it up, and replace it by a copy, safely for later runs."""

from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from revrec.core.errors import BadConfiguration, BadInput, RevrecError
from revrec.jobs.posting.poster import worker_name
from revrec.store.database import backups, engine, restoring
from revrec.store.database.migrations import HEAD
from revrec.store.posting import continuity
from revrec.store.posting.workers import active_run

if TYPE_CHECKING:
    from revrec.jobs.context import Context
    from revrec.store.connection import Connection
    from revrec.store.posting.continuity import TrailHead


class RestoreResult(NamedTuple):
    """The result of a restore: database, new epoch, the copy's last event, and where the replaced file is kept."""

    database: str
    epoch: int
    event: int
    kept: str | None


def database_status(context: "Context") -> dict[str, object]:
    """Return where the database is, its revision, and whether this program can work with it.

    Raises:
        BadConfiguration: The database does not exist.
    """
    database = context.database
    if database.path and not database.path.exists():
        raise BadConfiguration(f"{database.path}: there is no database here; create one with: revrec init")
    found = database.revision()
    return {"database": database.where, "revision": found, "needs": HEAD, "current": found == HEAD}


def backup(context: "Context", file: Path) -> int:
    """Write a verified copy of the database; return its size in bytes.

    Raises:
        BadInput: The file exists already, or cannot be written.
    """
    with context.database.read():
        pass
    return backups.copy(context.database, file)


def restore(context: "Context", file: Path) -> RestoreResult:
    """Replace the database by a copy; the next run reads Intacct before it sends anything.

    The copy is verified first. The replaced database is kept next to it.

    Raises:
        Busy: A run or another command is active.
        BadInput: The file is not a sound copy of these books.
        BadConfiguration: The database is not a file.
    """
    path = context.database.path
    if path is None:
        raise BadConfiguration(
            f"{context.database.where}: is not a file; restore it with the server's own tools, then: revrec db restored"
        )
    path = path.resolve()
    with active_run(context.database, worker_name(context), 0, 1, 0):
        new = restoring.copied(file, path)
        try:
            with restoring.alone_with(path):
                replaced, epoch = _present(context)
                number, seq, head = _prepare_copy(context, file, new, replaced, epoch)
                aside = path.with_name(f"{path.name}.replaced-{context.now():%Y%m%d-%H%M%S.%f}")
                restoring.take_place(new, path, aside)
                _keep(context, head)
        finally:
            restoring.discard(new)
    return RestoreResult(context.database.where, number, seq, str(aside) if aside.exists() else None)


def note_restored(context: "Context", reason: str) -> int:
    """Raise the epoch of a database that was restored by other means; return the new epoch."""
    if not reason.strip():
        raise BadInput("db restored: name the copy that was restored, for the auditor: --reason TEXT")
    file = context.database.path is not None
    known = continuity.read_kept_head(context.database) if file else None
    with context.database.write() as connection:
        detail = {"why": reason, **({"kept": known._asdict()} if known else {})}
        number = continuity.raise_epoch(connection, context.who(), detail)
        _move_here(context, connection)
        head = continuity.trail_head(connection)
    _keep(context, head)
    return number


def _move_here(context: "Context", connection: "Connection") -> None:
    """Note that the books in this place are the ones that post from now on."""
    here, claim = continuity.books_place(context.database), continuity.read_claim(connection)
    continuity.record_claim(connection, context.who(), claim._replace(place=here.id, shown=here.shown))


def _keep(context: "Context", head: "TrailHead") -> None:
    """Keep the head of the restored books, so that they differ from their copies even before the next run."""
    if context.database.path is not None:
        # Without it, the next run itself detects that these books were restored.
        with suppress(BadConfiguration):
            continuity.write_kept_head(context.database, head)


def _present(context: "Context") -> "tuple[TrailHead | None, int]":
    """Return head and epoch of the database to be replaced; None and 0 if it is gone or cannot be read."""
    there = engine.Database(context.database.url)
    try:
        with there.read() as connection:
            return continuity.trail_head(connection), continuity.epoch(connection)
    except RevrecError:
        return None, 0
    finally:
        there.engine.dispose()


def _prepare_copy(
    context: "Context", file: Path, new: Path, replaced: "TrailHead | None", epoch: int
) -> "tuple[int, int, TrailHead]":
    """Verify the copy and raise its epoch; return the epoch, the number of its last event before, and its new head."""
    from revrec.jobs.admin.verify import verify

    copy = engine.Database(f"sqlite:///{new}")
    if copy.revision() is None:
        raise BadInput(f"{file}: is not a database of revrec; name a file that revrec db backup wrote")
    copy.create()
    within = replace(context)
    within.__dict__["database"] = copy
    result = verify(within)
    if not result.sound:
        (first, *_) = result.findings
        raise BadInput(
            f"{file}: is not sound: {result.count} problems, the first in {first.table} {first.key}: {first.problem}; "
            f"nothing was changed; see all: revrec verify --database sqlite:///{file}"
        )
    with copy.write() as connection:
        found = continuity.trail_head(connection)
        if replaced is not None and replaced.deployment != found.deployment:
            raise BadInput(
                f"{file}: is a copy of other books ({found.deployment}, these are {replaced.deployment}); "
                "nothing was changed"
            )
        detail = {"why": f"restored from {file}", "copy": found._asdict()}
        if replaced is not None:
            detail["replaced"] = replaced._asdict()
        number = continuity.raise_epoch(connection, context.who(), detail, epoch + 1)
        _move_here(context, connection)
        head = continuity.trail_head(connection)
    copy.engine.dispose()
    return number, found.seq, head
