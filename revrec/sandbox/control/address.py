"""The address file next to a data file, by which clients find a running sandbox, and the lock on the data file."""

import json
import os
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout


def address_file(data: Path) -> Path:
    """Return ``FILE.address.json`` for the data file FILE."""
    return data.with_name(data.name + ".address.json")


def lock_of(data: Path) -> FileLock:
    """Return the lock that a server holds on its data file while it runs."""
    return FileLock(str(data.with_name(data.name + ".lock")), mode=0o600)


def write_address(data: Path, address: dict[str, Any]) -> None:
    """Write the address atomically, readable only by its owner."""
    target = address_file(data)
    draft = target.with_name(f"{target.name}.{os.getpid()}")
    # A file or link that is already there, left by a killed server or put there by someone else, is not written to.
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(address | {"pid": os.getpid()}, file)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(target)


def running(data: Path) -> dict[str, Any] | None:
    """Return the address of the sandbox that serves ``data`` now, or None if there is none.

    A server that was killed leaves its address file behind, so the file alone proves nothing: the lock must be held
    too.
    """
    lock = lock_of(data)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        return _read(address_file(data))
    except OSError:
        return None
    lock.release()
    return None


def _read(path: Path) -> dict[str, Any] | None:
    """Read an address that this user wrote; one that others could write may lead to another user's server."""
    try:
        with open(path, encoding="utf-8", opener=_not_through_a_link) as file:
            found = json.load(file) if _is_private(os.fstat(file.fileno())) else None
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None


def _not_through_a_link(path: str, flags: int) -> int:
    return os.open(path, flags | getattr(os, "O_NOFOLLOW", 0))


def _is_private(found: os.stat_result) -> bool:
    if not hasattr(os, "geteuid"):
        return True
    return found.st_uid == os.geteuid() and not found.st_mode & 0o077
