"""Measure how long a command needs to start, against the minimum for a typer program: importing typer.

In processor seconds, because other programs on the machine disturb them less than elapsed time.
"""

import statistics
import subprocess
import sys
from pathlib import Path

import sample
from measure import Row, child, environment, processor_seconds, ratio, seconds

TYPER = ("-c", "import typer")
PROGRAM = ("-c", "from revrec.cli.main import main; main()")
COMMANDS = {
    "revrec --help": ("--help",),
    "revrec status": ("status",),
    "revrec status --format json": ("status", "--format", "json"),
}


def section(folder: Path, repeats: int) -> list[Row]:
    """Return a row for each command: median processor seconds, run in turn with the import of typer alone."""
    home = sample.company(folder / "start-up")
    child("importing.py", "ours", home, sample.write_charges(folder / "few.csv", 1000))
    child("daily_run.py", "ours", home, "2024-01-31")
    times = [_round(home) for _ in range(repeats + 1)][1:]  # the first one fills the caches
    typer, *ours = (statistics.median(column) for column in zip(*times, strict=True))
    rows = zip(COMMANDS, ours, strict=True)
    return [
        Row(f"start-up, {name}", seconds(one), seconds(typer), ratio(one, typer), "<= 2.0", one <= 2 * typer)
        for name, one in rows
    ]


def status_seconds(home: Path, repeats: int) -> float:
    """Return the median processor seconds of ``revrec status`` in a folder."""
    return statistics.median(_start(home, (*PROGRAM, "status")) for _ in range(repeats))


def _round(home: Path) -> list[float]:
    return [_start(home, TYPER), *(_start(home, (*PROGRAM, *arguments)) for arguments in COMMANDS.values())]


def _start(home: Path, arguments: tuple[str, ...]) -> float:
    before = processor_seconds()
    command = [sys.executable, *arguments]
    subprocess.run(command, check=True, cwd=home, env=environment(), stdout=subprocess.DEVNULL)
    return processor_seconds() - before
