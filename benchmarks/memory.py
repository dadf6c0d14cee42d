"""Measure the peak memory of an import: it must not grow with the file."""

import shutil
from collections.abc import Sequence
from pathlib import Path

import sample
from measure import Row, child

MOST_MB = 300


def section(folder: Path, sizes: Sequence[int]) -> list[Row]:
    """Return a row for each size: the peak of a process that imports and schedules that many lines."""
    return [_row(folder / f"memory-{lines}", lines) for lines in sizes]


def _row(folder: Path, lines: int) -> Row:
    sample.company(folder)
    charges = sample.write_charges(folder / "charges.csv", lines)
    peak = child("importing.py", "ours", folder, charges)["peak_mb"]
    shutil.rmtree(folder)
    what = f"peak memory, import of {lines:,} lines x 12"
    return Row(what, f"{peak:.0f} MB", target=f"< {MOST_MB} MB", good=peak < MOST_MB)
