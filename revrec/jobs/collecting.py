"""Keep Python's collector of reference cycles from taking a fifth of the time of long tasks."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager

NEW_OBJECTS = 200_000
"""The number of new objects after which the collector runs, 700 by default. A batch of rows makes hundreds of thousands
of them, without cycles, and each run of the collector also reads the caches."""


@contextmanager
def seldom_collected() -> Iterator[None]:
    """Run the collector less often. Objects without cycles are freed as soon as they are not used, as always."""
    before = gc.get_threshold()
    gc.set_threshold(NEW_OBJECTS, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)
