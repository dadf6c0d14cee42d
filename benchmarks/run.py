"""Measure revrec and print one table: ``python benchmarks/run.py [--quick] [SECTION...]``."""

import argparse
import platform
import shutil
import sqlite3
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import by_method
import daily_run
import importing
import in_flight
import memory
import month_end
import reading
import reports
import start_up
from measure import Row

SECTIONS = ("start-up", "import", "run", "month-end", "memory", "methods", "reading", "in-flight", "reports")


def sections(folder: Path, quick: bool, peers: str) -> dict[str, Callable[[], list[Row]]]:
    """Return what can be measured, by name. ``quick`` only shows that it works: its figures mean little."""
    return {
        "start-up": lambda: start_up.section(folder, 3 if quick else 21),
        "import": lambda: importing.section(folder, 2_000 if quick else 100_000, 1 if quick else 5),
        "run": lambda: daily_run.section(folder, 500 if quick else 10_000, 2 if quick else 10, 1 if quick else 5),
        "month-end": lambda: month_end.section(folder, 2_000 if quick else 195_000),
        "methods": lambda: by_method.section(folder, 500 if quick else 20_000),
        "in-flight": lambda: in_flight.section(folder, 1_000 if quick else 100_000),
        "reading": lambda: reading.section(folder, 200 if quick else 84_000),
        "reports": lambda: reports.section(folder, 2_000 if quick else 400_000, peers),
        "memory": lambda: memory.section(folder, (1_000, 2_000) if quick else (10_000, 100_000, 1_000_000)),
    }


def main() -> None:
    """Measure the requested sections, or all, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("section", nargs="*", help=f"what to measure: {', '.join(SECTIONS)}; default: all")
    parser.add_argument("--quick", action="store_true", help="small sizes, to check that it works")
    parser.add_argument("--folder", type=Path, help="folder on the disk to measure; default: a temporary folder")
    parser.add_argument("--peers", default=sys.executable, help="a Python with DuckDB, to compare reports with")
    given = parser.parse_args()
    for name in given.section:
        if name not in SECTIONS:
            parser.error(f"unknown section {name}; choose from {', '.join(SECTIONS)}")
    folder = Path(tempfile.mkdtemp(prefix="revrec-benchmark-", dir=given.folder))
    try:
        found = sections(folder, given.quick, given.peers)
        rows = [row for name in given.section or SECTIONS for row in found[name]()]
    finally:
        shutil.rmtree(folder)
    if given.quick:
        rows = [row._replace(target="", good=True) for row in rows]
    _print(rows)
    if not all(row.good for row in rows):
        sys.exit(1)


def _print(rows: list[Row]) -> None:
    print(f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}, {platform.machine()}")
    heads = ("measured", "revrec", "bound", "ratio", "target", "")
    table = [heads, *((*row[:5], _verdict(row)) for row in rows)]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    for line in table:
        print("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())


def _verdict(row: Row) -> str:
    if not row.target:
        return ""
    return "ok" if row.good else "MISSED"


if __name__ == "__main__":
    main()
