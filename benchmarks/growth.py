"""Measure how the import grows with the file: processor time, memory and bytes from ten thousand charge lines on.

One size after the other, each on a new database, which is deleted afterwards. The largest of the default sizes needs
8 GB of disk. The figures of each size are also printed as JSON, so that ``--known`` can add sizes measured before.
``--write`` puts the table and a chart into ``docs/performance.md``.
"""

import argparse
import json
import math
import shutil
import sqlite3
import sys
import tempfile
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import page
import sample
from measure import child
from page import Bar

SIZES = (10_000, 100_000, 1_000_000, 10_000_000)
PARTS = 12
MOST = 1.05
"""The largest exponent by which time and bytes may grow with the number of charge lines."""


class Step(NamedTuple):
    """The figures of one size: charge lines, processor seconds, peak memory in MB, and bytes of the database."""

    charges: int
    cpu: float
    peak_mb: float
    bytes: int


def measure(folder: Path, charges: int) -> Step:
    """Import this number of charge lines into a new database."""
    home = sample.company(folder)
    file = sample.write_charges(folder / "charges.csv", charges)
    found = child("importing.py", "ours", home, file)
    with closing(sqlite3.connect(home / "revrec.db")) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        (lines,) = connection.execute("SELECT sum(lines) FROM schedule").fetchone()
    assert lines == charges * PARTS, lines
    step = Step(charges, found["cpu"], found["peak_mb"], (home / "revrec.db").stat().st_size)
    shutil.rmtree(folder)
    return step


def exponent(steps: Sequence[Step], value: str) -> float:
    """Return the slope of a value over the number of charge lines, both as logarithms, by least squares."""
    xs = [math.log(step.charges) for step in steps]
    ys = [math.log(getattr(step, value)) for step in steps]
    x, y = sum(xs) / len(xs), sum(ys) / len(ys)
    return sum((a - x) * (b - y) for a, b in zip(xs, ys, strict=True)) / sum((a - x) ** 2 for a in xs)


def table(steps: Sequence[Step]) -> str:
    """Return the table as Markdown, with the exponents in the last row."""
    rows = [
        "| charge lines | schedule lines | processor seconds | lines per second | bytes per line | peak memory |",
        "|--:|--:|--:|--:|--:|--:|",
    ]
    for step in steps:
        lines = step.charges * PARTS
        speed, size = f"{lines / step.cpu:,.0f}", f"{step.bytes / lines:.1f}"
        rows.append(f"| {step.charges:,} | {lines:,} | {step.cpu:.2f} | {speed} | {size} | {step.peak_mb:,.0f} MB |")
    if len(steps) > 1:
        found = [exponent(steps, value) for value in ("cpu", "bytes", "peak_mb")]
        rows.append("| exponent | | {:.2f} | | {:.2f} | {:.2f} |".format(*found))
    return "\n".join(rows)


def main() -> None:
    """Measure and print the table; exit with code 1 if time or bytes grow faster than they may."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="*", default=SIZES, help="charge lines, of 12 parts each")
    parser.add_argument("--folder", type=Path, help="folder on the disk to measure; default: a temporary folder")
    parser.add_argument("--write", action="store_true", help="write docs/performance.md and the chart")
    parser.add_argument("--known", type=Path, help="file with the JSON lines of sizes that were measured before")
    given = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="revrec-growth-", dir=given.folder))
    steps = [Step(**json.loads(line)) for line in given.known.read_text("utf-8").splitlines()] if given.known else []
    try:
        for charges in given.sizes:
            steps.append(measure(folder / str(charges), charges))
            print(json.dumps(steps[-1]._asdict()), file=sys.stderr, flush=True)
    finally:
        shutil.rmtree(folder)
    steps.sort()
    print(table(steps))
    if given.write:
        title = "Processor microseconds for each schedule line"
        page.write("growth.py", table(steps), "import-growth.svg", title, [_bar(step) for step in steps])
    if len(steps) > 1 and max(exponent(steps, "cpu"), exponent(steps, "bytes")) > MOST:
        sys.exit(1)


def _bar(step: Step) -> Bar:
    micros = step.cpu * 1e6 / (step.charges * PARTS)
    return Bar(f"{step.charges:,} charge lines", micros, f"{micros:.2f}")


if __name__ == "__main__":
    main()
