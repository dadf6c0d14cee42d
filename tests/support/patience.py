"""Waiting for other processes: as long as it takes, within a bound that only a hang reaches."""

import time
from collections.abc import Callable

PATIENCE = 120.0
"""Seconds after which a test gives up. A slow machine must not reach it, so no test measures speed with it."""


def until(condition: Callable[[], object]) -> None:
    """Wait until a condition is true."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)
