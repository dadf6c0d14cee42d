"""What documents with several lines in them become (EDI, shops' orders, CargoWise): rows, by whichever format."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from revrec.core.keys import suggestion
from revrec.sources.mapping import ColumnMapping
from revrec.sources.problems import RowProblem, shorten
from revrec.sources.rows import DamagedRecord, PassedOverRecord
from revrec.sources.stream import SourceStream
from revrec.sources.table import Record

SENT_AGAIN = "get the document sent again"
EXCERPT_LIMIT = 64 * 1024
"""Characters of a broken document that the quarantine keeps; the rest stays in its file."""


class FoundRecord(NamedTuple):
    """One charge or event: what was worked out of its document, by column, and where a mapping may look for more."""

    values: Mapping[str, str]
    scopes: Any
    place: str


class RejectedDocument(NamedTuple):
    """A document, or a line of one, that contradicts itself or cannot be read; ``raw`` is what it said."""

    field: str
    value: str
    reason: str
    fix: str
    place: str
    raw: Sequence[str] = ()


class SkippedDocument(NamedTuple):
    """A document, or a part of one, that is left out on purpose."""

    reason: str
    place: str


DocumentOutcome = FoundRecord | RejectedDocument | SkippedDocument


class BrokenDocument(Exception):
    """Raised while a document is read that contradicts itself: nothing of it is used."""

    def __init__(self, field: str, value: str, reason: str, place: str, fix: str = SENT_AGAIN) -> None:
        super().__init__(field, reason)
        self.wrong = RejectedDocument(shorten(field), shorten(value), reason, fix, place)


def read_whole(
    outcomes: Callable[[], Iterable[DocumentOutcome]], raw: Callable[[], Iterable[str]]
) -> list[DocumentOutcome]:
    """All outcomes of a document; or, where it turns out to be broken, that alone with the document's own words."""
    try:
        return list(outcomes())
    except BrokenDocument as broken:
        return [broken.wrong._replace(raw=excerpt(raw()))]


def excerpt(texts: Iterable[str]) -> list[str]:
    """A broken document's own words for the quarantine, as far as they are within :data:`EXCERPT_LIMIT`."""
    found: list[str] = []
    left = EXCERPT_LIMIT
    for text in texts:
        if len(text) > left:
            found.append(f"{text[:left]}...")
            break
        found.append(text)
        left -= len(text)
    return found


ColumnFinder = Callable[[Any], str]
"""Finds a value in the scopes of what was found."""


class DocumentColumns:
    """The columns that a mapping asks for, checked once against what the format knows.

    ``own`` are those that are worked out; ``parse`` makes a way to look for any other, or tells with None that there is
    none of that name; ``example`` names some for the message.
    """

    def __init__(
        self,
        source: SourceStream,
        mapping: ColumnMapping,
        own: Sequence[str],
        parse: Callable[[str], ColumnFinder | None],
        example: str,
    ) -> None:
        self.header = mapping.wanted_columns()
        self._finders: dict[str, ColumnFinder] = {}
        named = mapping.named_columns()
        for column in self.header:
            if column in own:
                continue
            finder = parse(column)
            if finder:
                self._finders[column] = finder
            elif column in named:
                fix = f"{suggestion(column, own)}columns are {', '.join(own)}, and others such as {example}"
                raise source.error("", f'"{column}" of the mapping is not a column of this format', fix)

    def row(self, found: FoundRecord) -> list[str]:
        """A row of the columns asked for."""
        finders, values = self._finders, found.values
        return [finders[name](found.scopes) if name in finders else values.get(name, "") for name in self.header]


class DocumentRows:
    """Outcomes as the records of a table, numbered from 1; ``place`` is where the last one stands."""

    def __init__(self, outcomes: Iterable[DocumentOutcome], row: Callable[[FoundRecord], list[str]]) -> None:
        self._outcomes = outcomes
        self._row = row
        self.place = ""

    def records(self) -> Iterator[Record]:
        """The records."""
        for number, found in enumerate(self._outcomes, start=1):
            self.place = found.place
            if isinstance(found, FoundRecord):
                yield number, self._row(found)
            elif isinstance(found, SkippedDocument):
                yield number, PassedOverRecord(found.reason)
            else:
                yield number, DamagedRecord([RowProblem(*found[:4])], found.raw)
