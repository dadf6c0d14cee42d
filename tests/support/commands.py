"""The program as a user calls it: in this process, or as a process."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Protocol
from unittest.mock import patch

from typer.main import get_command
from typer.testing import CliRunner

from revrec.cli.main import build_app
from support.patience import PATIENCE

ROOT = Path(__file__).resolve().parents[2]
SAMPLES = ROOT / "sample_data"
_app = cache(lambda *first: build_app(first))
_built = cache(get_command)
"""Build the commands from their functions once: it takes much longer than most commands."""

PROGRAM = [sys.executable, "-c", "from revrec.cli.main import main; main()"]


@dataclass(frozen=True)
class Ended:
    """How a command ended: exit code, standard output, standard error."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Return standard output, which must be one JSON document and nothing else."""
        return json.loads(self.out)


def checked_rows(report: Any, *columns: str) -> list[tuple[Any, ...]]:
    """Return these columns of a report in JSON, which must have checks that all hold."""
    assert report["checks"] and {check["difference"] for check in report["checks"]} == {"0.00"}
    return [tuple(row[column] for column in columns) for row in report["rows"]]


class Revrec(Protocol):
    """The fixture ``revrec``: :func:`call`."""

    def __call__(self, *words: str | Path, env: Mapping[str, str | None] | None = None) -> Ended:
        """Run a command in this process."""


def call(*words: str | Path, env: Mapping[str, str | None] | None = None) -> Ended:
    """Run a command in this process: ``call("run", "--date", "2024-04-30")``; ``env`` changes its environment."""
    texts = [str(word) for word in words]
    with patch("typer.testing._get_command", _built):
        ended = CliRunner().invoke(_app(*texts[:1]), texts, env=env, prog_name="revrec")
    return Ended(ended.exit_code, ended.stdout, ended.stderr)


def call_at_terminal(width: int, *words: str | Path) -> Ended:
    """Run a command in this process, as on a terminal of ``width`` columns without colors."""
    with patch("typer.testing._NamedTextIOWrapper.isatty", lambda _stream: True, create=True):
        return call(*words, env={"COLUMNS": str(width), "NO_COLOR": "1", "TERM": "dumb"})


def environment(**more: str) -> dict[str, str]:
    """Return the environment without settings of revrec; processes find the package in a bare checkout too."""
    ours = {name: value for name, value in os.environ.items() if not name.startswith(("REVREC_", "INTACCT_"))}
    return {**ours, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1", **more}


class Terminal:
    """A shell in one folder: runs commands as processes, and waits for them or leaves them running."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._running: list[subprocess.Popen[str]] = []

    def __call__(self, *words: str | Path, **more: str) -> Ended:
        """Run a command and wait for its end."""
        ended = subprocess.run(
            [*PROGRAM, *map(str, words)],
            cwd=self.folder,
            env=environment(**more),
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        return Ended(ended.returncode, ended.stdout, ended.stderr)

    def json(self, *words: str | Path) -> Any:
        """Return the result of a command that succeeds, as JSON."""
        ended = self(*words, "--format", "json")
        assert ended.code == 0, ended.err
        return ended.json

    def start(self, *words: str | Path) -> "subprocess.Popen[str]":
        """Start a command and leave it running, in its own process group as in a shell."""
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
        """Kill the commands that still run."""
        for process in self._running:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
            process.communicate()


class OpenTerminal(Protocol):
    """The fixtures ``terminal`` and ``at``: open a terminal in a folder."""

    def __call__(self, folder: Path = ...) -> Terminal:
        """Return a terminal in this folder, by default in a fresh one."""
