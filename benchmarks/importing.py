"""Measure import and scheduling of charge lines, against the bare driver writing the same rows to the same tables."""

import json
import resource
import sqlite3
import sys
import time
from contextlib import closing
from pathlib import Path

import sample
from measure import Row, alternate, child, peak_mb, ratio, seconds

WRITTEN = {
    "audit_event": "*",
    "import_file": "*",
    "rule_version": "*",
    "charge_line": "no, source, document, line, customer, item, post_date, amount, currency, rev_rec_date, description,"
    " quantity, service_start, service_end, entity, credits, recognized_before, cutover, bills, dimensions, import_id,"
    " row",
    "explanation": "*",
    "plan_part": "*",
    "plan": "*",
    "schedule": "*",
}
"""The tables and columns that an import writes, in an order that the constraints allow."""


def section(folder: Path, lines: int, repeats: int) -> list[Row]:
    """Return the row: median processor seconds of revrec and of the bound, run in turn, each in a separate process."""
    charges = sample.write_charges(folder / "charges.csv", lines)
    first = sample.company(folder / "import-0")
    child("importing.py", "ours", first, charges)
    names = iter(range(1, 1000))

    def ours() -> float:
        at = sample.company(folder / f"import-{next(names)}")
        return float(child("importing.py", "ours", at, charges)["cpu"])

    def bound() -> float:
        at = sample.company(folder / f"import-{next(names)}")
        return float(child("importing.py", "bound", at, first)["cpu"])

    one, other = alternate(ours, bound, repeats)
    what = f"import + schedule, {lines:,} lines x 12"
    return [Row(what, seconds(one), seconds(other), ratio(one, other), "<= 2.5", one <= 2.5 * other)]


def import_file(folder: Path, charges: Path) -> tuple[float, float]:
    """Return the seconds and the processor seconds that ``revrec import`` needs for a file, on a new database."""
    from revrec.jobs.importing.import_files import import_charges

    context = sample.context(folder)
    context.database.create()
    begun, used = time.perf_counter(), time.process_time()
    result = import_charges(context, charges)
    took, used = time.perf_counter() - begun, time.process_time() - used
    assert not result.refused and result.scheduled == result.rows, result
    return took, used


def write_rows(folder: Path, done: Path) -> tuple[float, float]:
    """Return the seconds and processor seconds of sqlite3 for the rows in ``done``: one executemany per table."""
    context = sample.context(folder)
    context.database.create()
    with closing(sqlite3.connect(done / "revrec.db")) as source:
        rows = {table: source.execute(f"SELECT {names} FROM {table}").fetchall() for table, names in WRITTEN.items()}
        # The first event records that the database was created; the new database already has one.
        del rows["audit_event"][0]
    with context.database.engine.connect() as connection:
        driver = connection.connection.dbapi_connection
        assert driver is not None
        begun, used = time.perf_counter(), time.process_time()
        driver.execute("BEGIN IMMEDIATE")
        for table, names in WRITTEN.items():
            columns = "" if names == "*" else f" ({names})"
            marks = ", ".join("?" * len(rows[table][0]))
            driver.executemany(f"INSERT INTO {table}{columns} VALUES ({marks})", rows[table])
        driver.execute("COMMIT")
        return time.perf_counter() - begun, time.process_time() - used


def main(which: str, folder: str, other: str) -> None:
    """Print one measurement as JSON."""
    work = import_file if which == "ours" else write_rows
    took, used = work(Path(folder), Path(other))
    peak = peak_mb(resource.getrusage(resource.RUSAGE_SELF))
    print(json.dumps({"seconds": took, "cpu": used, "peak_mb": peak}))


if __name__ == "__main__":
    main(*sys.argv[1:])
