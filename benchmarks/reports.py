"""Measure the reports of a month-end on posted books, beside DuckDB computing the same figures from the same rows."""

import csv
import json
import os
import sqlite3
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from typing import Any, TextIO

import sample
from measure import HERE, Row, child, environment, peak_mb, ratio, seconds
from start_up import PROGRAM

UNTIL = "2024-12-31"
"""The last day of recognition that is posted."""
BEFORE, CLOSED = "2024-11-30", "2024-11"
"""The last day that is posted before a month is closed, and that month."""
REPORTS = {
    "rollforward": ("--from", "2024-12", "--to", "2024-12"),
    "waterfall": ("--date", UNTIL, "--from", "2024-12"),
    "rpo": ("--date", UNTIL, "--bands", "6,12"),
    "revenue": ("--period", "2024-12"),
    "balance": ("--date", UNTIL),
    "activity": ("--period", "2024-12"),
    "tie-out": ("--date", UNTIL),
    "exceptions": ("--date", UNTIL),
    "late": ("--from", CLOSED, "--to", "2024-12", "--by", "month"),
    "forecast": ("--period", "2024-12"),
    "costs": ("--period", "2024-12"),
    "disclosures": ("--period", "2024-12"),
    "journal": ("--from", "2024-12-01", "--to", UNTIL),
}
LONG = ("journal",)
"""Reports without a target: it lists every journal line of the month."""
LISTED = ("balance",)
"""Reports measured as tables, which show the first rows and all sums: as JSON, they list every contract."""
SECONDS = 3.0
LINES = """
    SELECT l.charge_no, l.date, l.amount, l.entry_id IS NOT NULL, c.document, c.item, c.post_date, c.amount, l.seq
    FROM schedule_line l JOIN charge_line c ON c.no = l.charge_no"""
NOT_INSTALLED = "DuckDB is not installed beside this Python, so the reports are measured alone"


def section(folder: Path, lines: int, peers: str, target: float = SECONDS) -> list[Row]:
    """Return a row for each report of books with ``lines`` charge lines x 12, half of them posted.

    The figures of revrec and DuckDB must be equal. ``peers`` is a Python with DuckDB. The target is of the seconds from
    the start of the process to its end. The others are processor seconds: of revrec with its second process, of DuckDB
    for the query alone, with its rows loaded.
    """
    home = sample.company(folder / "reports")
    child("importing.py", "ours", home, sample.write_charges(folder / "charges.csv", lines))
    child("daily_run.py", "ours", home, BEFORE)
    close = [sys.executable, *PROGRAM, "periods", "close", CLOSED, "--reason", "reported"]
    subprocess.run(close, check=True, cwd=home, env=environment(), stdout=subprocess.DEVNULL)
    child("daily_run.py", "ours", home, UNTIL)
    bounds = _peer(peers, _export(home, folder / "lines.csv"))
    rows = []
    for name, options in REPORTS.items():
        found = measure(home, name, *options)
        bound = bounds.get(name)
        assert bound is None or bound["figures"] == found["figures"], (name, bound, found["figures"])
        cells = (seconds(bound["cpu"]), ratio(found["cpu"], bound["cpu"])) if bound else ("", "")
        what = f"report {name}, {lines * 12:,} schedule lines: {seconds(found['seconds'])}, {found['peak_mb']:.0f} MB"
        targets = ("", True) if name in LONG else (f"< {target:.0f} s", found["seconds"] < target)
        rows.append(Row(what, seconds(found["cpu"]), *cells, *targets))
    return rows


def _export(home: Path, path: Path) -> Path:
    """Write the schedule lines with the fields of their charge lines that the reports need."""
    with closing(sqlite3.connect(home / "revrec.db")) as books, path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(books.execute(LINES))
    return path


def _peer(python: str, path: Path) -> dict[str, Any]:
    """Return the figures and times of DuckDB; none if it is not installed."""
    command = [python, str(HERE / "peers" / "reports_with_duckdb.py"), str(path), UNTIL]
    done = subprocess.run(command, check=False, capture_output=True, text=True, env=environment())
    if "No module named 'duckdb'" in done.stderr:
        print(NOT_INSTALLED, file=sys.stderr)
        return {}
    assert not done.returncode, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


COLUMNS = {
    "rollforward": ("opening", "billed", "recognized_from_opening", "recognized", "closing"),
    "waterfall": ("billed", "total", "2024-12", "2025-01", "later", "recognized", "remaining"),
    "rpo": ("within_6_months", "months_7_to_12", "later", "total"),
    "revenue": ("item", "revenue"),
    "activity": ("account", "opening", "debits", "credits", "closing"),
    "late": ("month", "as_reported", "now"),
    "forecast": ("item", "baseline", "actual"),
}
"""The columns of reports that DuckDB computes too, in its order."""
STEPS = {"accepted, as billed", "dated", "posted", "recognized by journal lines", "rollforward: closing"}
"""The figures of the tie-out that DuckDB computes too."""
BY_TEXT = ("waterfall", "revenue", "activity", "late", "forecast")
"""The reports of which the first column is not an amount."""


def _figures(name: str, shown: TextIO) -> list[list[Any]]:
    """Return the figures of a report in minor units, in the order of DuckDB's columns."""
    if name == "journal":
        debits = [_minor(line["debit"]) for line in csv.DictReader(shown) if line["debit"]]
        return [[2 * len(debits), sum(debits)]]
    found = json.load(shown)
    if name == "balance":
        sums = (sum(_minor(one[side]) for one in found["contracts"]) for side in ("asset", "liability"))
        return [[sum(one["asset"] != one["liability"] for one in found["contracts"]), *sums]]
    rows = found["rows"]
    if name == "tie-out":
        steps = (one for one in rows if one["figure"] in STEPS)
        return sorted([one["figure"], one["count"], _minor(one["amount"])] for one in steps)
    columns = COLUMNS.get(name, ())
    texts = columns[:1] if name in BY_TEXT else ()
    return sorted([*(row[one] for one in texts), *(_minor(row[one]) for one in columns[len(texts) :])] for row in rows)


def _minor(amount: str) -> int:
    return int(Decimal(amount) * 100)


def measure(home: Path, name: str, *options: str) -> dict[str, Any]:
    """Return the figures of a report with the seconds, processor seconds and peak memory of its process."""
    form = "csv" if name == "journal" else "json"
    with tempfile.TemporaryFile("w+", encoding="utf-8") as shown:
        found = _run(home, shown, name, *options, "--format", form)
        shown.seek(0)
        figures = _figures(name, shown)
        if name in LISTED:
            shown.seek(0)
            found = _run(home, shown, name, *options)
    return {"figures": figures, **found}


def _run(home: Path, shown: TextIO, *arguments: str) -> dict[str, float]:
    """Print a report to a file; return what its process used."""
    begun = time.perf_counter()
    command = [sys.executable, *PROGRAM, "report", *arguments]
    process = subprocess.Popen(command, cwd=home, env=environment(), stdout=shown)
    _pid, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    took = time.perf_counter() - begun
    assert not process.returncode, arguments
    return {"seconds": took, "cpu": used.ru_utime + used.ru_stime, "peak_mb": peak_mb(used)}
