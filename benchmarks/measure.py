"""Measuring: things run in turn, medians, processes of their own; and the rows of the table."""

import json
import os
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
    """One line of the table; ``good`` tells whether the aim is met, where there is one."""

    what: str
    ours: str
    bound: str = ""
    ratio: str = ""
    aim: str = ""
    good: bool = True


def alternate(ours: Callable[[], float], bound: Callable[[], float], repeats: int) -> tuple[float, float]:
    """Run the two in turn, so that a slow minute of the machine meets both; the median seconds of each."""
    pairs = [(ours(), bound()) for _ in range(repeats)]
    one, other = zip(*pairs, strict=True)
    return statistics.median(one), statistics.median(other)


def child(script: str, *arguments: object) -> dict[str, Any]:
    """Run a script of this folder in a process of its own; it tells its figures as JSON."""
    command = [sys.executable, str(HERE / script), *map(str, arguments)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=environment())
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@cache
def environment() -> dict[str, str]:
    """The environment of our processes: none of this user's settings, and compiled modules kept, as if installed."""
    others = {name: value for name, value in os.environ.items() if not name.startswith(("REVREC_", "INTACCT_"))}
    others.pop("PYTHONDONTWRITEBYTECODE", None)
    paths = [str(HERE.parent), *filter(None, [others.get("PYTHONPATH")])]
    return {**others, "PYTHONPYCACHEPREFIX": tempfile.mkdtemp(), "PYTHONPATH": os.pathsep.join(paths)}


def seconds(value: float) -> str:
    """As people read it."""
    return f"{value:.2f} s" if value >= 1 else f"{value * 1000:.0f} ms"


def ratio(ours: float, bound: float) -> str:
    """How many times the bound we need."""
    return f"{ours / bound:.2f}"
