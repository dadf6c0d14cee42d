"""Documents of sources that need attention, for ``revrec status``, monitors and alerts."""

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, NamedTuple

from revrec.core.harmless import one_line
from revrec.store.reports import figures

if TYPE_CHECKING:
    from revrec.jobs.context import Context

STATES = {
    "refused": ("1 document refused", "{:,} documents refused"),
    "waiting": ("1 document waits for charge lines", "{:,} documents wait for charge lines"),
    "unreachable": ("1 document cannot be read", "{:,} documents cannot be read"),
}
"""The states of documents that need attention, each in words."""


class OpenDocument(NamedTuple):
    """A document that was not imported; ``state`` is refused, waiting or unreachable, ``reason`` why, with the fix."""

    id: int
    source: str
    document: str
    state: str
    received: str
    reason: str


class FailedSource(NamedTuple):
    """A source whose last fetch failed, when, and why."""

    source: str
    at: str
    reason: str

    def __str__(self) -> str:
        return f"source {self.source} failed: {one_line(self.reason)}"


def open_documents(view: figures.ViewCursor) -> Iterator[OpenDocument]:
    """Yield the documents that need attention, oldest first."""
    for row in view.execute(figures.OPEN_DOCUMENTS):
        yield OpenDocument(*row)


def failed_sources(context: "Context", view: figures.ViewCursor) -> Iterator[FailedSource]:
    """Yield the sources of the configuration whose last fetch failed."""
    for row in view.execute(figures.FAILED_SOURCES):
        if row[0] in context.settings.free.get("source", {}):
            yield FailedSource(*row)


def documents_in_words(states: Iterable[str]) -> list[str]:
    """Return how many documents have each state, such as ``2 documents refused``."""
    counts = Counter(states)
    return [
        one if counts[state] == 1 else more.format(counts[state])
        for state, (one, more) in STATES.items()
        if counts[state]
    ]
