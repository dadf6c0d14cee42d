"""Bare SQLite: the standard library reads the file and writes 12 rows per line, without checks and without indexes."""

import csv
import sqlite3
import sys
from collections.abc import Iterator
from datetime import date, timedelta
from functools import lru_cache
from pathlib import Path

PARTS = 12


@lru_cache(maxsize=1000)
def dates(posted: str) -> tuple[str, ...]:
    """Return the dates of the parts: a week after the post date, and months later."""
    first = date.fromisoformat(posted) + timedelta(days=7)
    found = []
    for month in range(PARTS):
        year, at = divmod(first.month - 1 + month, 12)
        found.append(f"{first.year + year}-{at + 1:02}-{min(first.day, 28):02}")
    return tuple(found)


def rows(charges: str) -> Iterator[tuple[str, int, str, int]]:
    """Yield the schedule lines of a file of charge lines."""
    with Path(charges).open(encoding="utf-8", newline="") as file:
        for line in csv.DictReader(file):
            charge = f"{line['source']}/{line['document']}/{line['line']}"
            cents, done = round(float(line["amount"]) * 100), 0
            for seq, day in enumerate(dates(line["post_date"]), 1):
                due = (2 * cents * seq + PARTS) // (2 * PARTS)
                yield charge, seq, day, due - done
                done = due


def write(charges: str, database: str) -> int:
    """Write the schedule lines of a file of charge lines; return their number."""
    with sqlite3.connect(database) as connection:
        connection.execute("CREATE TABLE schedule_line (charge TEXT, seq INTEGER, date TEXT, amount INTEGER)")
        connection.executemany("INSERT INTO schedule_line VALUES (?, ?, ?, ?)", rows(charges))
        (count,) = connection.execute("SELECT count(*) FROM schedule_line").fetchone()
    connection.close()
    return int(count)


if __name__ == "__main__":
    import measured

    measured.show(lambda: write(*sys.argv[1:3]), measured.size_of(sys.argv[2]))
