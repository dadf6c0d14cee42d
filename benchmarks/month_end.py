"""Measure a month-end: many lines that are due on one day, posted line by line and summarized."""

import json
import resource
import shutil
import sys
import time
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

import daily_run
import sample
from measure import Row, child, peak_mb, seconds

LEVELS = ("line", "item", "dimensions", "account")
POSTED, DUE = date(2024, 1, 5), date(2024, 1, 12)
"""The post date of all charge lines, and the day on which the first part of each is due."""


def section(folder: Path, lines: int) -> list[Row]:
    """Return a row for each level: the entries and lines that Intacct gets, time and peak memory of the run."""
    return [_row(folder / f"month-end-{level}", lines, level) for level in LEVELS]


def _row(folder: Path, lines: int, level: str) -> Row:
    home = sample.company(folder)
    with (home / "revrec.toml").open("a", encoding="utf-8") as config:
        config.write(f'[posting]\nsummarize = "{level}"\n')
    child("importing.py", "ours", home, sample.write_charges(folder / "charges.csv", lines, [POSTED]))
    found = child("month_end.py", home)
    shutil.rmtree(folder)
    sent = f"{found['entries']:,} entries, {found['lines']:,} lines, {found['peak_mb']:.0f} MB"
    return Row(f"month-end, {lines:,} lines due, by {level}: {sent}", seconds(found["seconds"]))


def post(folder: Path) -> dict[str, Any]:
    """Run the day on which all lines are due; return what Intacct got, and what that needed."""
    from revrec.jobs.running.run import run

    begun = time.process_time()
    result = run(sample.context(folder), DUE, connect=daily_run.at_once)
    took = time.process_time() - begun
    assert result.complete, result
    peak = peak_mb(resource.getrusage(resource.RUSAGE_SELF))
    lines = sum(entry["lines"] for entry in result.entries)
    return {"entries": len(result.entries), "lines": lines, "seconds": took, "peak_mb": peak}


def main(arguments: Sequence[str]) -> None:
    """Print the figures of a run in this folder."""
    print(json.dumps(post(Path(arguments[0]))))


if __name__ == "__main__":
    main(sys.argv[1:])
