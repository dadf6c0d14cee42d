"""One run at a time on one database: a lock that dies with its process, however that ends."""

from collections.abc import Iterator
from contextlib import contextmanager

from revrec.core.errors import BadConfiguration, Busy
from revrec.store.engine import Database


@contextmanager
def run_lock(database: Database, wait_seconds: float) -> Iterator[None]:
    """Hold the run lock of this database.

    Raises:
        Busy: another run still holds it after ``wait_seconds``.
    """
    from filelock import FileLock, Timeout

    if database.path is None:
        raise BadConfiguration(f"{database.where}: a run needs a database file; write its URL as sqlite:///FILE")
    # By the real file, so that a link to a database is not taken for another one.
    real = database.path.resolve()
    path = real.with_name(real.name + ".run-lock")
    try:
        with FileLock(path, timeout=wait_seconds, mode=0o600):
            yield
    except Timeout:
        raise Busy(
            f"{database.where}: another revrec run is posting; wait for it to end, or give this one --wait '5 min'"
        ) from None
    except OSError as error:
        why = error.strerror or error
        raise BadConfiguration(f"{path}: cannot be written: {why}; give this user write permission here") from error
