"""Compare revrec with other ways to do its import; with ``--write``, update ``docs/performance.md`` and its chart.

Install the other programs in a separate environment, since revrec needs none of them. PostgreSQL's server is the one
that the tests start::

    python -m venv peers
    peers/bin/pip install pandas duckdb beancount
    python benchmarks/compare.py --peers peers/bin/python --write
"""

import argparse
import json
import platform
import shutil
import sqlite3
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

import page
import sample
from measure import HERE, child, environment
from page import Bar

TITLE = "Schedule lines per processor second"
PEERS = {
    "with_duckdb.py": "DuckDB, CSV to Parquet, no checks",
    "with_pandas.py": "pandas script writing to SQLite, no checks",
    "with_sqlite.py": "standard library writing to SQLite, no checks",
    "with_postgresql.py copy": "COPY to PostgreSQL, no checks",
    "with_postgresql.py executemany": "executemany to PostgreSQL, no checks",
    "with_beancount.py": "beancount, load and check a ledger",
}


class Speed(NamedTuple):
    """A program's schedule lines per processor second, bytes per line, and peak memory in MB."""

    program: str
    lines: float
    bytes: float
    peak: float


def revrec(folder: Path, charges: Path) -> dict[str, float]:
    """Return the figures of ``revrec import`` on a new database."""
    home = sample.company(folder)
    found = child("importing.py", "ours", home, charges)
    with sqlite3.connect(home / "revrec.db") as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        (count,) = connection.execute("SELECT count(*) FROM schedule_line").fetchone()
    connection.close()
    return {**found, "lines": count, "bytes": (home / "revrec.db").stat().st_size}


def peer(python: str, script: str, charges: Path, target: Path) -> dict[str, float] | None:
    """Return the figures of another program; None if it is not installed."""
    file, *way = script.split()
    # revrec's environment has the server and its driver.
    program = sys.executable if way else python
    command = [program, str(HERE / "peers" / file), *way, str(charges), str(target)]
    done = subprocess.run(command, check=False, capture_output=True, text=True, env=environment())
    if done.returncode:
        print(f"{script}: left out: {done.stderr.strip().splitlines()[-1]}", file=sys.stderr)
        return None
    found: dict[str, float] = json.loads(done.stdout)
    return found


def measure(folder: Path, python: str, count: int, repeats: int) -> list[Speed]:
    """Measure every program in turn, ``repeats`` times, and return the medians, fastest first."""
    charges = sample.write_charges(folder / "charges.csv", count)
    runs: dict[str, list[dict[str, Any]]] = {}
    for turn in range(repeats):
        runs.setdefault("**revrec**", []).append(revrec(folder / f"ours-{turn}", charges))
        for script, name in PEERS.items():
            found = peer(python, script, charges, folder / f"{script.replace(' ', '-')}-{turn}")
            if found:
                runs.setdefault(name, []).append(found)
    return sorted((_speed(name, found) for name, found in runs.items()), key=lambda one: -one.lines)


def _speed(name: str, runs: list[dict[str, Any]]) -> Speed:
    def median(value: Any) -> float:
        return statistics.median(map(value, runs))

    return Speed(
        name,
        median(lambda one: one["lines"] / one["cpu"]),
        median(lambda one: one["bytes"] / one["lines"]),
        median(lambda one: one["peak_mb"]),
    )


def table(speeds: list[Speed]) -> str:
    """Return the table as Markdown."""
    rows = [
        "| program | schedule lines per processor second | compared with pandas | bytes per line | peak memory |",
        "|---|--:|--:|--:|--:|",
    ]
    pandas = next((one.lines for one in speeds if one.program == PEERS["with_pandas.py"]), None)
    for one in speeds:
        ratio = f"{one.lines / pandas:.2f}" if pandas else ""
        rows.append(f"| {one.program} | {one.lines:,.0f} | {ratio} | {one.bytes:.1f} | {one.peak:,.0f} MB |")
    return "\n".join(rows)


def write(speeds: list[Speed]) -> None:
    """Replace the part of the page that this program writes, and the chart."""
    machine = f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}, {platform.machine()}"
    bars = [Bar(one.program.strip("*"), one.lines, f"{one.lines:,.0f}", "revrec" in one.program) for one in speeds]
    page.write("compare.py", f"{table(speeds)}\n\n{machine}.", "import-speed.svg", TITLE, bars)


def main() -> None:
    """Measure and print the table; with ``--write``, also update the page and the chart."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peers", default=sys.executable, help="the Python that has pandas, duckdb and beancount")
    parser.add_argument("--lines", type=int, default=100_000, help="charge lines, of 12 parts each")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--write", action="store_true", help="write docs/performance.md and the chart")
    given = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="revrec-compare-"))
    try:
        speeds = measure(folder, given.peers, given.lines, given.repeats)
    finally:
        shutil.rmtree(folder)
    print(table(speeds))
    if given.write:
        write(speeds)


if __name__ == "__main__":
    main()
