"""Start the built-in Intacct simulator as a separate process, or find one that already serves the same data."""

import contextlib
import json
import os
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO

from revrec.core.errors import BadConfiguration
from revrec.sandbox import running
from revrec.sandbox.child import start_python

START_SECONDS = 30
PASSWORDS = ("REVREC_SANDBOX_SENDER_PASSWORD", "REVREC_SANDBOX_USER_PASSWORD")
"""The sandbox's passwords, the only secrets that it needs. It makes up those that are not set."""


@contextlib.contextmanager
def sandbox(data: Path, environment: Mapping[str, str], company: Path | None = None) -> Iterator[dict[str, Any]]:
    """Yield the address and credentials of a sandbox on this data file. If it was started here, it ends with the block.

    ``company`` is a file of the records of the user's own company. A sandbox that already runs keeps its own.

    It also ends when this process does, however that happens, because it serves only while its standard input is open.
    Its access log goes to ``DATA.log``, where a second terminal can watch it.

    Raises:
        BadConfiguration: it does not start.
    """
    found = running(data)
    if found:
        yield found
        return
    log = data.with_name(data.name + ".log")
    own = ["--company", str(company)] if company else []
    with _open_log(log) as errors:
        process = start_python(
            ["-m", "revrec.sandbox", "serve", "--attached", "--data", str(data), *own],
            {name: environment[name] for name in PASSWORDS if name in environment},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
        )
    try:
        yield _address(process, log)
    finally:
        process.terminate()
        process.communicate(timeout=START_SECONDS)


def _open_log(log: Path) -> BinaryIO:
    try:
        return open(log, "ab", opener=_private)
    except OSError as error:
        raise BadConfiguration(f"{log}: cannot be written: {error.strerror or error}; see [sandbox] data") from error


def _address(process: "subprocess.Popen[bytes]", log: Path) -> dict[str, Any]:
    assert process.stdout is not None
    line = process.stdout.readline()
    try:
        address: dict[str, Any] = json.loads(line)
    except ValueError:
        raise BadConfiguration(f"the sandbox did not start; see {log}: {_last_line(log)}") from None
    return address


def _last_line(log: Path) -> str:
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    return lines[-1] if lines else "it said nothing"


def _private(path: str, flags: int) -> int:
    return os.open(path, flags | getattr(os, "O_NOFOLLOW", 0), 0o600)
