"""Progress bars on standard error, where a person looks; nothing elsewhere."""

import sys
from collections.abc import Iterable, Iterator
from typing import TypeVar

from revrec.cli.streams import raw, safe_console
from revrec.jobs.context import Progress, Silent

T = TypeVar("T")
STEPS_SHOWN = 1_000


class Bars:
    """Progress drawn with rich."""

    def track(self, items: Iterable[T], what: str, total: int | None = None) -> Iterator[T]:
        """Pass the items on, moving a bar now and then."""
        from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
        from rich.progress import Progress as RichProgress

        total = total if total is not None else _length(items)
        columns = (
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
        )
        with RichProgress(*columns, console=safe_console(file=raw(sys.stderr)), transient=True) as bars:
            task = bars.add_task(what, total=total)
            step = 1 if total is not None and total < STEPS_SHOWN else 500
            for number, item in enumerate(items, 1):
                yield item
                if number % step == 0:
                    bars.update(task, completed=number)


def _length(items: object) -> int | None:
    return len(items) if hasattr(items, "__len__") else None


def progress() -> Progress:
    """Bars on a terminal, silence otherwise."""
    return Bars() if sys.stderr.isatty() else Silent()
