"""Measure a daily run without Intacct, against the bare driver doing the same work with the same commits."""

import json
import shutil
import sqlite3
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import date, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import sample
from measure import Row, alternate, child, ratio, seconds
from replay import Changes
from start_up import status_seconds

MONTHS_POSTED = 6
FIRST = date(2024, 1, 1)


def section(folder: Path, due: int, days: int, repeats: int) -> list[Row]:
    """Return rows for a database with few schedule lines and one with many, with the same number due on the day.

    The large one has charges on each of ``days`` days, the small one on a single day. Every charge has 12 parts, a
    month apart, so that the lines due on a day come from the charges of one day. Half of the lines are posted.
    """
    small = _pair(folder / "small", due, 1, repeats)
    large = _pair(folder / "large", due, days, repeats)
    ours, bounds = large[0] / small[0], large[1] / small[1]
    growth = f"  growth with {days} x the lines"
    status = status_seconds(folder / "large", repeats)
    return [
        _row(due, 1, small),
        _row(due, days, large),
        Row(growth, f"x {ours:.2f}", f"x {bounds:.2f}", ratio(ours, bounds), "<= 1.2", ours <= 1.2 * bounds),
        Row(f"revrec status on {due * days * 12:,} schedule lines", seconds(status)),
    ]


def _row(due: int, days: int, medians: tuple[float, float]) -> Row:
    ours, bound = medians
    what = f"daily run, {due:,} lines due of {due * days * 12:,}"
    return Row(what, seconds(ours), seconds(bound), ratio(ours, bound), "<= 1.5", ours <= 1.5 * bound)


def _pair(folder: Path, due: int, days: int, repeats: int) -> tuple[float, float]:
    """Return the median processor seconds of revrec and the bound on twins of one database, over the days still due."""
    posted_on = [FIRST + timedelta(days=day) for day in range(days)]
    home, twin = sample.company(folder), folder.with_name(f"{folder.name}-twin")
    child("importing.py", "ours", home, sample.write_charges(folder / "charges.csv", due * days, posted_on))
    child("daily_run.py", "ours", home, _due_on(days * MONTHS_POSTED - 1, days))
    shutil.copytree(home, twin)
    turns = iter(range(days * MONTHS_POSTED, days * 12))

    def ours() -> float:
        return float(child("daily_run.py", "ours", home, _due_on(next(turns), days))["seconds"])

    def bound() -> float:
        return float(child("daily_run.py", "bound", twin, home)["seconds"])

    return alternate(ours, bound, repeats)


def _due_on(turn: int, days: int) -> str:
    """Return the day on which portion ``turn`` of the lines is due: a week after the post date, or months later."""
    month, day = divmod(turn, days)
    return date(FIRST.year + month // 12, month % 12 + 1, FIRST.day + 7 + day).isoformat()


class AtOnce:
    """A gateway that posts every entry at once."""

    def __init__(self) -> None:
        self._numbers = count(1)

    def sign_in(self) -> None:
        """Do nothing."""

    def clock_offset(self) -> None:
        """Return None: the clock is unknown."""
        return

    def claim(self, control_ids: Any) -> list[Any]:
        """Win every claim."""
        from revrec.intacct.gateway import ClaimOutcome

        return [ClaimOutcome.WON for _ in control_ids]

    def entries_since(self, _journal: str, _since: object) -> list[Any]:
        """Return no entries: no one else posts."""
        return []

    def entries_numbered(self, record_nos: Any) -> list[Any]:
        """Return the entries with these record numbers: each is posted."""
        from revrec.intacct.gateway import POSTED_STATE, FoundEntry

        return [FoundEntry(one, "", "", None, "", "", POSTED_STATE, "") for one in record_nos]

    def closed_through(self, _entity: str = "") -> None:
        """Return None: no period is closed."""

    def prepare(self, entry: Any, comment: str = "") -> Any:
        """Return an empty request."""
        from revrec.intacct.gateway import PreparedPosting

        return PreparedPosting(entry.control_id, entry.reference, b"", f"create {entry.reference}")

    def send(self, prepared: Any) -> Any:
        """Return the answer "posted"."""
        from revrec.intacct.gateway import PostingAnswer, PostingOutcome

        return PostingAnswer(PostingOutcome.POSTED, prepared.control_id, str(next(self._numbers)), http_status=200)


@contextmanager
def at_once(_context: object) -> Iterator[Any]:
    """Connect ``revrec.jobs.running.run`` to this gateway instead of Intacct."""
    yield AtOnce()


def post(folder: Path, day: str) -> float:
    """Return the processor seconds that ``revrec run`` needs for a day."""
    from revrec.jobs.running.run import run

    context = sample.context(folder)
    begun = time.process_time()
    result = run(context, date.fromisoformat(day), connect=at_once)
    took = time.process_time() - begun
    assert result.complete and result.counts["posted"], result
    return took


def write_rows(folder: Path, done: Path) -> float:
    """Return the processor seconds that sqlite3 needs to do the work of the last run in ``done`` in its twin."""
    engine = sample.context(folder).database.engine
    with closing(sqlite3.connect(done / "revrec.db")) as source, engine.connect() as own:
        driver = own.connection.dbapi_connection
        assert driver is not None
        changes = Changes(source, driver.execute("SELECT max(seq) FROM audit_event").fetchone()[0])
        begun = time.process_time()
        changes.write(driver)
        took = time.process_time() - begun
        changes.check()
        return took


def main(which: str, folder: str, other: str) -> None:
    """Print one measurement as JSON."""
    took = post(Path(folder), other) if which == "ours" else write_rows(Path(folder), Path(other))
    print(json.dumps({"seconds": took}))


if __name__ == "__main__":
    main(*sys.argv[1:])
