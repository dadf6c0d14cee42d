"""The file lock that makes a run the only one on an SQLite database. Free of SQLAlchemy, for ``revrec health``."""

from pathlib import Path


def run_lock_file(database: Path) -> Path:
    """Return the lock file of a database file.

    Links are resolved: a run that opened the database through a link would otherwise hold another lock, and two runs
    would post at the same time.
    """
    real = database.resolve()
    return real.with_name(real.name + ".run-lock")


def is_run_lock_held(database: Path) -> bool:
    """Check whether a run holds the lock of a database file at this moment."""
    from filelock import FileLock, Timeout

    lock = run_lock_file(database)
    if not lock.exists():
        return False
    try:
        with FileLock(lock, timeout=0, mode=0o600):
            return False
    except Timeout:
        return True
    except OSError:
        return False
