"""``revrec db restore`` and ``revrec db restored``: a copy in the place of the database, and what follows from it."""

from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from revrec.core.errors import BadConfiguration, BadInput, RevrecError
from revrec.jobs.posting.poster import worker_name
from revrec.store.database import engine, restoring
from revrec.store.posting import continuity
from revrec.store.posting.workers import at_work

if TYPE_CHECKING:
    from revrec.jobs.context import Context
    from revrec.store.connection import Connection
    from revrec.store.posting.continuity import TrailHead


class Restored(NamedTuple):
    """The database, its new epoch, the copy's last event, and where the database that it replaced is kept."""

    database: str
    epoch: int
    event: int
    kept: str | None


def restore(context: "Context", file: Path) -> Restored:
    """Put a copy in the place of the database; the next run looks at Intacct before it sends anything.

    The copy is verified first. The database that it replaces is kept beside it.

    Raises:
        Busy: a run or another command is at work.
        BadInput: the file is no sound copy of these books.
        BadConfiguration: the database is no file.
    """
    path = context.database.path
    if path is None:
        raise BadConfiguration(
            f"{context.database.where}: is no file; restore it with its own tools, then: revrec db restored"
        )
    path = path.resolve()
    with at_work(context.database, worker_name(context), 0, 1, 0):
        new = restoring.copied(file, path)
        try:
            with restoring.alone_with(path):
                replaced, epoch = _present(context)
                number, seq, head = _made_ready(context, file, new, replaced, epoch)
                aside = path.with_name(f"{path.name}.replaced-{context.now():%Y%m%d-%H%M%S.%f}")
                restoring.take_place(new, path, aside)
                _keep(context, head)
        finally:
            restoring.discard(new)
    return Restored(context.database.where, number, seq, str(aside) if aside.exists() else None)


def note_restored(context: "Context", reason: str) -> int:
    """Raise the epoch of a database that was restored by other means; returns it."""
    if not reason.strip():
        raise BadInput("db restored: say which copy was restored, for the auditor: --reason TEXT")
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
    """Keep the head of what was restored, so that it is known from its copies before the next run has looked."""
    if context.database.path is not None:
        # Without it the next run notices for itself that these are not the books of before.
        with suppress(BadConfiguration):
            continuity.write_kept_head(context.database, head)


def _present(context: "Context") -> "tuple[TrailHead | None, int]":
    """Head and epoch of the database that is to be replaced; None and 0 if it is gone or cannot be read."""
    there = engine.Database(context.database.url)
    try:
        with there.read() as connection:
            return continuity.trail_head(connection), continuity.epoch(connection)
    except RevrecError:
        return None, 0
    finally:
        there.engine.dispose()


def _made_ready(
    context: "Context", file: Path, new: Path, replaced: "TrailHead | None", epoch: int
) -> "tuple[int, int, TrailHead]":
    """Verify the copy and raise its epoch; returns that, its last event's number before, and its head now."""
    from revrec.jobs.admin.verify import verify

    copy = engine.Database(f"sqlite:///{new}")
    if copy.revision() is None:
        raise BadInput(f"{file}: is no database of revrec; give one that revrec db backup wrote")
    copy.create()
    within = replace(context)
    within.__dict__["database"] = copy
    result = verify(within)
    if not result.sound:
        (first, *_) = result.findings
        raise BadInput(
            f"{file}: is not sound, {result.count} found, first {first.table} {first.key}: {first.problem}; "
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
