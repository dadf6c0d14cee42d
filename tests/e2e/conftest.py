"""The program as processes of their own, in folders of their own."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = [sys.executable, "-c", "from revrec.cli.main import main; main()"]
PATIENCE = 60


def environment(**more: str) -> dict[str, str]:
    """The environment without settings and colours; a bare checkout is importable."""
    ours = {name: value for name, value in os.environ.items() if not name.startswith(("REVREC_", "INTACCT_"))}
    return {**ours, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1", **more}


@dataclass(frozen=True)
class Ended:
    """How a process ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Standard output as JSON."""
        return json.loads(self.out)


class Terminal:
    """A person at a shell in one folder: gives commands and waits for them, or leaves them running."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._running: list[subprocess.Popen[str]] = []

    def __call__(self, *words: str | Path, **more: str) -> Ended:
        """Give a command and wait for its end."""
        given = [*PROGRAM, *map(str, words)]
        ended = subprocess.run(
            given,
            cwd=self.folder,
            env=environment(**more),
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        return Ended(ended.returncode, ended.stdout, ended.stderr)

    def json(self, *words: str | Path) -> Any:
        """The result of a command that succeeds, as JSON."""
        ended = self(*words, "--format", "json")
        assert ended.code == 0, ended.err
        return ended.json

    def start(self, *words: str | Path) -> "subprocess.Popen[str]":
        """Give a command and leave it running, in a process group of its own as a shell does it."""
        process = subprocess.Popen(
            [*PROGRAM, *map(str, words)],
            cwd=self.folder,
            env=environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self._running.append(process)
        return process

    def close(self) -> None:
        """End what still runs."""
        for process in self._running:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
            process.communicate()


@pytest.fixture(scope="session")
def at() -> Iterator[Callable[[Path], Terminal]]:
    """Opens a terminal in a folder; whatever still runs in one ends with the tests."""
    opened: list[Terminal] = []

    def opens(folder: Path) -> Terminal:
        opened.append(Terminal(folder))
        return opened[-1]

    yield opens
    for one in opened:
        one.close()


@pytest.fixture
def terminal(at: Callable[[Path], Terminal], tmp_path: Path) -> Callable[..., Terminal]:
    """Opens a terminal in a folder, by default a fresh one."""

    def opens(folder: Path = tmp_path) -> Terminal:
        return at(folder)

    return opens
