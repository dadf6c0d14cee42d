"""Turn documents with several lines (EDI, shop orders, CargoWise) into rows, whatever their format."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from revrec.core.keys import suggestion
from revrec.sources.mapping import ColumnMapping
from revrec.sources.problems import RowProblem, shorten
from revrec.sources.rows import DamagedRecord, PassedOverRecord, SentRow, TakesBack
from revrec.sources.stream import SourceStream
from revrec.sources.table import Record

SENT_AGAIN = "ask the sender to send the document again"
EXCERPT_LIMIT = 64 * 1024
"""Characters of a broken document that the quarantine stores. The whole document remains in its file."""


class FoundRecord(NamedTuple):
    """One charge or event: values derived from its document, by column, and scopes where a mapping can find more."""

    values: Mapping[str, str]
    scopes: Any
    place: str


class RejectedDocument(NamedTuple):
    """A document or line that contradicts itself or cannot be read. ``raw`` is its original text."""

    field: str
    value: str
    reason: str
    fix: str
    place: str
    raw: Sequence[str] = ()


class SkippedDocument(NamedTuple):
    """A document, or a part of one, that is skipped on purpose. ``lines`` are the charge lines that it would have.

    ``takes_back`` is True if an earlier version of it may have billed these lines: a canceled order.
    """

    reason: str
    place: str
    lines: Sequence[FoundRecord] = ()
    takes_back: bool = False


DocumentOutcome = FoundRecord | RejectedDocument | SkippedDocument


class BrokenDocument(Exception):
    """A document that contradicts itself. Nothing of it is used, since any of its figures may be the wrong one."""

    def __init__(self, field: str, value: str, reason: str, place: str, fix: str = SENT_AGAIN) -> None:
        super().__init__(field, reason)
        self.wrong = RejectedDocument(shorten(field), shorten(value), reason, fix, place)


def read_whole(
    outcomes: Callable[[], Iterable[DocumentOutcome]], raw: Callable[[], Iterable[str]]
) -> list[DocumentOutcome]:
    """Return all outcomes of a document. If it turns out to be broken, return only that, with the original text."""
    try:
        return list(outcomes())
    except BrokenDocument as broken:
        return [broken.wrong._replace(raw=excerpt(raw()))]


def skipped_lines(outcomes: Callable[[], Iterable[DocumentOutcome]]) -> list[FoundRecord]:
    """Return the charge lines that a skipped document would have; an empty list if it is broken."""
    try:
        return [one for one in outcomes() if isinstance(one, FoundRecord)]
    except BrokenDocument:
        return []


def excerpt(texts: Iterable[str]) -> list[str]:
    """Return the texts of a broken document for the quarantine, up to :data:`EXCERPT_LIMIT` characters in total."""
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
"""Finds the value of a column in the scopes of a record; empty if it has none."""


class DocumentColumns:
    """The columns that a mapping asks for, checked once against the columns of the format.

    ``own`` are the columns that the format derives. ``parse`` returns a finder for any other column, or None if there
    is no such column. ``example`` names some other columns for the message. ``elements`` are the places in a document
    that the derived columns come from, for messages.
    """

    def __init__(
        self,
        source: SourceStream,
        mapping: ColumnMapping,
        own: Sequence[str],
        parse: Callable[[str], ColumnFinder | None],
        example: str,
        elements: Mapping[str, str],
    ) -> None:
        self.header = mapping.wanted_columns()
        self.elements = dict(elements)
        self._finders: dict[str, ColumnFinder] = {}
        named = mapping.named_columns()
        for column in self.header:
            if column in own:
                continue
            finder = parse(column)
            if finder:
                self._finders[column] = finder
                self.elements[column] = column
            elif column in named:
                fix = f"{suggestion(column, own)}columns are {', '.join(own)}, and others such as {example}"
                raise source.error("", f'"{column}" of the mapping is not a column of this format', fix)

    def row(self, found: FoundRecord) -> list[str]:
        """Return a row of the columns that the mapping asks for."""
        finders, values = self._finders, found.values
        return [finders[name](found.scopes) if name in finders else values.get(name, "") for name in self.header]


PART, AS_OF = "part", "as_of"
"""Derived values of every format: see :class:`revrec.sources.rows.SentRow`."""


class DocumentRows:
    """Outcomes as the records of a table, numbered from 1. ``place`` is the place of the last one."""

    def __init__(self, outcomes: Iterable[DocumentOutcome], row: Callable[[FoundRecord], list[str]]) -> None:
        self._outcomes = outcomes
        self._row = row
        self.place = ""

    def records(self) -> Iterator[Record]:
        """Yield the records."""
        for number, found in enumerate(self._outcomes, start=1):
            self.place = found.place
            if isinstance(found, FoundRecord):
                yield number, self._sent(found)
            elif isinstance(found, SkippedDocument):
                takes_back = TakesBack.DOCUMENT if found.takes_back else TakesBack.NOTHING
                yield number, PassedOverRecord(found.reason, [self._sent(one) for one in found.lines], takes_back)
            else:
                yield number, DamagedRecord([RowProblem(*found[:4])], found.raw)

    def _sent(self, found: FoundRecord) -> SentRow:
        return SentRow(self._row(found), found.values.get(PART, ""), found.values.get(AS_OF, ""))
