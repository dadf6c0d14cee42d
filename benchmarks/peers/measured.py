"""Print what a piece of work used: processor seconds, schedule lines, bytes, and peak memory."""

import csv
import json
import resource
import time
from collections.abc import Callable
from pathlib import Path


def show(work: Callable[[], int], size: Callable[[], int], others: Callable[[], float] = lambda: 0.0) -> None:
    """Run the work, which returns its schedule lines, and print the figures as JSON.

    Loading Python and the libraries is not counted. ``size`` returns the bytes that were written, ``others`` the
    processor seconds of other processes that worked for this one.
    """
    begun, clock = time.process_time(), time.perf_counter()
    lines = work()
    used, took = time.process_time() - begun + others(), time.perf_counter() - clock
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"cpu": used, "seconds": took, "lines": lines, "bytes": size(), "peak_mb": peak}))


def size_of(path: str) -> Callable[[], int]:
    """Return a function that returns the bytes of a file and of its log."""
    files = (Path(path + end) for end in ("", "-wal"))
    return lambda: sum(file.stat().st_size for file in files if file.exists())


def shorten(charges: str, target: str, lines: int) -> str:
    """Write the first lines of a file of charge lines to another one, for a program that would need minutes for all."""
    with Path(charges).open(encoding="utf-8", newline="") as file, Path(target).open("w", encoding="utf-8") as short:
        writer = csv.writer(short)
        for number, row in enumerate(csv.reader(file)):
            if number <= lines:
                writer.writerow(row)
    return target
