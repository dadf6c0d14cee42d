"""Print what a piece of work used: processor seconds, schedule lines, and bytes of the file it wrote."""

import json
import resource
import time
from collections.abc import Callable
from pathlib import Path


def show(work: Callable[[], int], path: str) -> None:
    """Run the work and print the figures as JSON. Loading Python and the libraries is not counted."""
    begun, clock = time.process_time(), time.perf_counter()
    lines = work()
    used, took = time.process_time() - begun, time.perf_counter() - clock
    files = (Path(path + end) for end in ("", "-wal"))
    size = sum(file.stat().st_size for file in files if file.exists())
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"cpu": used, "seconds": took, "lines": lines, "bytes": size, "peak_mb": peak}))
