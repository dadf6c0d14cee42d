"""The progress bar of a posting: entries, lines, amounts, lines per second, and the time left."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn
from rich.text import Text

from revrec.core.money import decimal_string

if TYPE_CHECKING:
    from revrec.store.posting.posting_tables import PostingSize


class PostingBar(Progress):
    """A bar of postings with their lines and amounts in a second line.

    The time left follows from the postings per second: Intacct needs about as long for a small entry as for a large
    one.
    """

    def __init__(self, console: Any, what: str, sizes: Mapping[int, "PostingSize"]) -> None:
        columns = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn())
        super().__init__(*columns, TimeRemainingColumn(), TextColumn("left"), console=console, transient=True)
        self._sizes = sizes
        self._lines, self._all_lines = 0, sum(one.lines for one in sizes.values())
        self._amounts: dict[str, int] = {}
        self._task: TaskID = self.add_task(what, total=len(sizes))

    def count(self, number: int) -> None:
        """Count a posting as done."""
        size = self._sizes[number]
        self._lines += size.lines
        self._amounts[size.currency] = self._amounts.get(size.currency, 0) + size.amount
        self.advance(self._task)

    def get_renderables(self) -> Iterable[Any]:
        """Yield the bar and the line below it."""
        yield from super().get_renderables()
        for task in self.tasks:
            yield Text(self._details(task.elapsed), overflow="ellipsis", no_wrap=True)

    def _details(self, elapsed: float | None) -> str:
        rate = [f"{self._lines / elapsed:,.0f} lines/s"] if elapsed else []
        amounts = [f"{Decimal(decimal_string(sum_, code)):,} {code}" for code, sum_ in sorted(self._amounts.items())]
        return " · ".join([f"{self._lines:,}/{self._all_lines:,} lines", *rate, *amounts])


@contextmanager
def posting_bar(console: Any, what: str, sizes: Mapping[int, "PostingSize"]) -> Iterator[Callable[[int], None]]:
    """Show a bar for a block; yield the function that counts a posting as done."""
    with PostingBar(console, what, sizes) as bar:
        yield bar.count
