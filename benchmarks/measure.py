"""Shared by the benchmarks: runs in turn, medians, separate processes, and the rows of the table."""

import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

HERE = Path(__file__).resolve().parent


class Row(NamedTuple):
    """One line of the table; ``good`` is True if the target is met, or if there is no target."""

    what: str
    ours: str
    bound: str = ""
    ratio: str = ""
    target: str = ""
    good: bool = True


def alternate(ours: Callable[[], float], bound: Callable[[], float], repeats: int) -> tuple[float, float]:
    """Run both in turn, so that a slow minute of the machine affects both; return the median seconds of each."""
    pairs = [(ours(), bound()) for _ in range(repeats)]
    one, other = zip(*pairs, strict=True)
    return statistics.median(one), statistics.median(other)


def child(script: str, *arguments: object) -> dict[str, Any]:
    """Run a script of this folder in a separate process and return the figures that it prints as JSON."""
    command = [sys.executable, str(HERE / script), *map(str, arguments)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=environment())
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def processor_seconds() -> float:
    """Return the processor seconds that the child processes that have ended used, and theirs."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def peak_mb(used: resource.struct_rusage) -> float:
    """Return the peak memory of a process in megabytes; macOS reports bytes, and Linux kilobytes."""
    return used.ru_maxrss / (1024 if sys.platform != "darwin" else 1024 * 1024)


@cache
def environment() -> dict[str, str]:
    """Return the environment of measured processes: none of this user's settings, modules compiled as if installed."""
    others = {name: value for name, value in os.environ.items() if not name.startswith(("REVREC_", "INTACCT_"))}
    others.pop("PYTHONDONTWRITEBYTECODE", None)
    paths = [str(HERE.parent), *filter(None, [others.get("PYTHONPATH")])]
    return {**others, "PYTHONPYCACHEPREFIX": tempfile.mkdtemp(), "PYTHONPATH": os.pathsep.join(paths)}


def seconds(value: float) -> str:
    """Format seconds for the table."""
    return f"{value:.2f} s" if value >= 1 else f"{value * 1000:.0f} ms"


def ratio(ours: float, bound: float) -> str:
    """Format how many times the bound revrec needs."""
    return f"{ours / bound:.2f}"
