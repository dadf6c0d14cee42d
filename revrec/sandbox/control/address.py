"""The address file beside a data file: how others find a running sandbox, and the lock that keeps it alone."""

import json
import os
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout


def address_file(data: Path) -> Path:
    """`FILE.address.json` of data file FILE."""
    return data.with_name(data.name + ".address.json")


def lock_of(data: Path) -> FileLock:
    """The lock a server holds on its data file as long as it lives."""
    return FileLock(str(data.with_name(data.name + ".lock")), mode=0o600)


def write_address(data: Path, address: dict[str, Any]) -> None:
    """Write the address, readable by its owner only, in one step."""
    target = address_file(data)
    draft = target.with_name(f"{target.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(address | {"pid": os.getpid()}, file)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(target)


def running(data: Path) -> dict[str, Any] | None:
    """The address of the sandbox that serves `data` at this moment; None when there is none.

    An address file left behind by a killed server is not believed: only a held lock proves life.
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
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None
