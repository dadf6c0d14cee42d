"""Read a block of ordinary event rows as columns: each different text is read once.

It may only give up, never disagree, as :mod:`revrec.sources.columns` does for charge lines: a block with anything that
cleaning would change, or that has a problem, is read row by row. A property test compares the two.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from revrec.sources.columns import are_ids, are_plain, are_texts, column_texts, same_texts, values_of
from revrec.sources.layout import Layout
from revrec.sources.mapping import ColumnMapping
from revrec.sources.problems import InvalidValue, RowProblem
from revrec.sources.rows import EventRow, GoodRow
from revrec.sources.table import RowBlock
from revrec.sources.values import ValueReaders, event_kind, scope

_CHARGE_IDS = re.compile(r"(?:[^/\n]+/[^\n]+/[^/\n]+\n)+").fullmatch


class EventBlock(NamedTuple):
    """Events of consecutive rows in which cleaning changed nothing. ``first`` is the number of the first row."""

    first: int
    rows: Sequence[list[str]]
    events: Sequence[EventRow]

    def good_rows(self) -> Iterator[GoodRow[EventRow]]:
        """Return the same as rows."""
        numbered = enumerate(zip(self.events, self.rows, strict=True), self.first)
        return (GoodRow(number, event, row) for number, (event, row) in numbered)


class EventColumnReader:
    """Reader of blocks of rows.

    ``lacking`` returns the problems of an event that lacks what its kind needs; ``all_lines`` replaces a line that is
    empty in a mapping by document.
    """

    def __init__(
        self,
        mapping: ColumnMapping,
        layout: Layout,
        values: ValueReaders,
        lacking: Callable[[Mapping[str, Any]], list[RowProblem]],
        all_lines: str,
    ) -> None:
        self.reads_anything = layout.only_adds_constants and mapping.style.decimal == "."
        """False if the mapping may change any row, so that none is ordinary."""
        self._layout = layout
        self._values = values
        self._lacking = lacking
        self._all_lines = all_lines
        self._by_document = mapping.by_document

    def read(self, block: RowBlock, is_unusual: bool) -> EventBlock | None:
        """Return the rows as events; None if a row is out of the ordinary.

        ``is_unusual``: there may be characters that are not plain ASCII.
        """
        texts = list(zip(*block.rows, strict=True))
        if is_unusual and not all(map(are_plain, texts)):
            return None
        try:
            events = self._read(texts, len(block.rows))
        except InvalidValue:
            return None
        return EventBlock(block.first, block.rows, events) if events else None

    def _read(self, texts: Sequence[tuple[str, ...]], count: int) -> list[EventRow] | None:
        def column(name: str) -> Sequence[str]:
            return column_texts(self._layout, texts, count, name)

        values = self._values
        charges, items = self._addresses(column, count)
        kinds = same_texts(column("kind"), event_kind)
        days = values_of(column("date"), values.dates.__getitem__)
        notes = column("note")
        scopes = same_texts(column("scope"), scope)
        if not (charges and all(set(kinds)) and all(set(days)) and are_texts(notes)):
            return None
        rest = (
            values_of(column("quantity"), values.quantities.__getitem__),
            values_of(column("percent"), values.percent),
            values_of(column("amount"), values.quantities.__getitem__),
            same_texts(column("name"), values.ids.__getitem__),
        )
        if any(map(self._lacks, {*zip(kinds, *rest, scopes, strict=True)})):
            return None
        return list(map(EventRow._make, zip(charges, kinds, days, *rest, notes, scopes, items, strict=True)))

    def _addresses(self, column: Callable[[str], Sequence[str]], count: int) -> tuple[Sequence[str], Sequence[str]]:
        """Return the charge ids and the items of events; no ids if one is not a charge id."""
        if not self._by_document:
            charges = column("charge")
            is_ordinary = are_ids(charges) and _CHARGE_IDS("\n".join(charges) + "\n")
            return (charges if is_ordinary else ()), [""] * count
        parts = self._values.id_parts.__getitem__
        sources, documents = same_texts(column("source"), parts), column("document")
        lines = same_texts(column("line"), parts)
        if not (all(set(sources)) and are_ids(documents)):
            return (), ()
        named = [line or self._all_lines for line in lines]
        ids = list(map("/".join, zip(sources, documents, named, strict=True)))
        return ids, same_texts(column("item"), self._values.ids.__getitem__)

    def _lacks(self, row: tuple[Any, ...]) -> bool:
        names = ("kind", "quantity", "percent", "amount", "name", "scope")
        return bool(self._lacking(dict(zip(names, row, strict=True))))
