"""Measure a run at a gateway with latency, against the time that the latency alone takes."""

import json
import os
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import date, datetime
from pathlib import Path
from typing import Any

import sample
from measure import Row, child, environment, processor_seconds, ratio, seconds
from start_up import PROGRAM

LATENCY = 0.2
"""Seconds that the gateway waits before it executes a request."""
POSTED, DUE = date(2024, 1, 1), "2024-01-08"
AT_ONCE = (1, 2, 4, 8)
REQUESTS = 2
"""Requests of an entry: the create, and the read that confirms its state."""


def section(folder: Path, lines: int) -> list[Row]:
    """Return a row for each number of requests in flight, and one for a gateway without latency."""
    home = sample.company(folder / "in-flight")
    child("importing.py", "ours", home, sample.write_charges(folder / "in-flight.csv", lines, [POSTED]))
    rows = [_row(home, lines, at_once, LATENCY) for at_once in AT_ONCE]
    return [*rows, _row(home, lines, 4, 0.0)]


def _row(books: Path, lines: int, at_once: int, latency: float) -> Row:
    """Post all lines from a copy of the books to a new sandbox.

    The bound is the time that the requests of the entries wait, if as many as allowed always do.
    """
    home = books.with_name(f"{books.name}-{at_once}-{latency}")
    shutil.copytree(books, home)
    with _sandbox(home, latency) as (address, process):
        used, begun = processor_seconds(), time.perf_counter()
        command = [sys.executable, *PROGRAM, "run", "--date", DUE, "--yes"]
        also = {"REVREC_POSTING_MAX_IN_FLIGHT": str(at_once), **_sign_in(address)}
        subprocess.run(command, check=True, cwd=home, env={**environment(), **also}, stdout=subprocess.DEVNULL)
        took, own = time.perf_counter() - begun, processor_seconds() - used
        theirs = _processor_seconds_of(process)
    entries, sending = _sending(home)
    bound = entries * REQUESTS * latency / at_once
    what = f"posting {lines:,} lines in {entries} entries, {latency * 1000:.0f} ms latency, {at_once} in flight"
    shown = f"{seconds(sending)} (the whole run {seconds(took)}, processor {seconds(own)}, sandbox's {seconds(theirs)})"
    return Row(what, shown, seconds(bound), ratio(sending, bound)) if latency else Row(what, shown)


def _sending(home: Path) -> tuple[int, float]:
    """Return how many entries were sent, and the seconds from the first request to the last answer."""
    with closing(sqlite3.connect(home / "revrec.db")) as books:
        sent = "SELECT count(*), min(a.at), max(o.at) FROM attempt a JOIN attempt_outcome o ON o.attempt_id = a.id"
        count, first, last = books.execute(sent).fetchone()
    return count, (datetime.fromisoformat(last) - datetime.fromisoformat(first)).total_seconds()


@contextmanager
def _sandbox(home: Path, latency: float) -> Iterator[tuple[dict[str, Any], "subprocess.Popen[str]"]]:
    """Serve a sandbox that waits before each request; yield its address and its process."""
    words = ["-m", "revrec.sandbox", "serve", "--quiet", "--data", str(home / "company.db")]
    delay = ["--fault", f"slow={latency}@before:1.0"] if latency else []
    with subprocess.Popen(
        [sys.executable, *words, *delay], stdout=subprocess.PIPE, text=True, env=environment()
    ) as process:
        assert process.stdout is not None
        try:
            yield json.loads(process.stdout.readline()), process
        finally:
            process.terminate()


def _sign_in(address: dict[str, Any]) -> dict[str, str]:
    names = ("sender_id", "sender_password", "company_id", "user_id", "user_password")
    return {"INTACCT_ENDPOINT_URL": address["url"], **{f"INTACCT_{name.upper()}": address[name] for name in names}}


def _processor_seconds_of(process: "subprocess.Popen[str]") -> float:
    """Return the processor seconds that a running process has used."""
    fields = Path(f"/proc/{process.pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
