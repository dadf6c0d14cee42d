"""Measure the commands that read all books, such as ``status``, ``preview``, ``verify`` and ``reconcile``."""

import subprocess
import sys
import time
from pathlib import Path

import sample
from measure import Row, child, environment, processor_seconds, seconds
from start_up import PROGRAM

POSTED = "2024-01-31"
COMMANDS = {
    "status": ("status",),
    "preview": ("preview", "--to", POSTED),
    "verify": ("verify",),
    "report balance": ("report", "balance", "--date", POSTED),
    "reconcile": ("reconcile", "--date", POSTED),
}


def section(folder: Path, charges: int) -> list[Row]:
    """Return a row for each command, with 12 schedule lines per charge; those up to :data:`POSTED` are posted."""
    home = sample.company(folder / "reading")
    child("importing.py", "ours", home, sample.write_charges(folder / "reading.csv", charges))
    _timed(home, ("run", "--date", POSTED))
    rows = []
    for name, words in COMMANDS.items():
        clock, cpu = _timed(home, words)
        rows.append(Row(f"revrec {name} on {charges * 12:,} schedule lines", f"{seconds(clock)}, CPU {seconds(cpu)}"))
    return rows


def _timed(home: Path, words: tuple[str, ...]) -> tuple[float, float]:
    """Return the elapsed seconds, and the processor seconds of the command and its child processes."""
    before, begun = processor_seconds(), time.perf_counter()
    command = [sys.executable, *PROGRAM, *words]
    subprocess.run(command, check=True, cwd=home, env=environment(), stdout=subprocess.DEVNULL)
    return time.perf_counter() - begun, processor_seconds() - before
