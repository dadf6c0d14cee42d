"""Compare revrec with other ways to do its import; with ``--write``, update ``docs/performance.md`` and its chart.

Install the other programs in a separate environment, since revrec needs none of them::

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

import sample
from measure import HERE, child, environment

PAGE = HERE.parent / "docs" / "performance.md"
CHART = HERE.parent / "docs" / "site" / "import-speed.svg"
BEGIN, END = "<!-- compare.py writes the following -->", "<!-- end of what compare.py writes -->"
PEERS = {
    "with_duckdb.py": "DuckDB, CSV to Parquet, no checks",
    "with_pandas.py": "pandas script writing to SQLite, no checks",
    "with_sqlite.py": "standard library writing to SQLite, no checks",
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
    command = [python, str(HERE / "peers" / script), str(charges), str(target)]
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
            found = peer(python, script, charges, folder / f"{script}-{turn}")
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


def chart(speeds: list[Speed]) -> str:
    """Return a bar chart as SVG."""
    most = max(one.lines for one in speeds)
    height = 34 * len(speeds) + 30
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 760 {height}" font-family="sans-serif" font-size="13">',
        '<text x="0" y="16">Schedule lines per processor second</text>',
    ]
    for at, one in enumerate(speeds):
        top, width = 30 + 34 * at, max(2, 330 * one.lines / most)
        color = "#0b6e4f" if "revrec" in one.program else "#9aa5b1"
        parts += [
            f'<text x="0" y="{top + 17}">{one.program.strip("*")}</text>',
            f'<rect x="320" y="{top}" width="{width:.0f}" height="24" fill="{color}"/>',
            f'<text x="{326 + width:.0f}" y="{top + 17}">{one.lines:,.0f}</text>',
        ]
    return "\n".join([*parts, "</svg>", ""])


def write(speeds: list[Speed]) -> None:
    """Replace the part of the page that this program writes, and the chart."""
    machine = f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}, {platform.machine()}"
    text = PAGE.read_text(encoding="utf-8")
    before, rest = text.split(BEGIN)
    after = rest.split(END)[1]
    shown = f"{table(speeds)}\n\n{machine}.\n\n![Schedule lines per processor second](site/{CHART.name})"
    PAGE.write_text(f"{before}{BEGIN}\n\n{shown}\n\n{END}{after}", encoding="utf-8")
    CHART.write_text(chart(speeds), encoding="utf-8")


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
