"""Turn rows into charge lines: a fast path for ordinary rows, and a strict one that finds every problem.

The fast path reads by position and from caches. It exists because imports of millions of rows are common and nearly all
their rows are clean. The rule that keeps it safe: it may only give up, never disagree. Anything out of the ordinary
raises InvalidValue, and the row is read again by the strict path, which alone decides what is wrong. A property test
compares the two.
"""

from collections.abc import Iterator, Mapping
from functools import partial
from operator import itemgetter
from typing import Any
from unicodedata import is_normalized

from revrec.core.charge_line import ChargeLine
from revrec.core.money import minor_digits
from revrec.sources.cleaning import CleaningTrail
from revrec.sources.columns import ChargeBlock, ColumnReader
from revrec.sources.events import ALL_LINES
from revrec.sources.fields import CHARGE_FIELDS
from revrec.sources.formula import UnreadableText
from revrec.sources.layout import Layout
from revrec.sources.mapping import ColumnMapping
from revrec.sources.problems import InvalidValue, RowProblem
from revrec.sources.rows import (
    BadRow,
    ChargeRowResult,
    DamagedRecord,
    GoodRow,
    PassedOver,
    PassedOverRecord,
    ReadableValues,
    RowMoney,
    SentRow,
)
from revrec.sources.strict_reader import StrictReader, last_day
from revrec.sources.table import Table, read_in_blocks
from revrec.sources.text import FIELD_LIMIT, ID_LIMIT
from revrec.sources.values import CACHE_LIMIT, ValueReaders


class _DimensionSets(dict[tuple[str, ...], dict[str, str]]):
    """Dimension values of a row as a dict. Charge lines with the same values share one dict, which saves memory."""

    def __init__(self, names: tuple[str, ...], values: ValueReaders) -> None:
        super().__init__()
        self._names = names
        self._ids = values.ids

    def __missing__(self, row: tuple[str, ...]) -> dict[str, str]:
        texts = (self._ids[text] for text in row)
        made = {name: text for name, text in zip(self._names, texts, strict=True) if text}
        if len(self) >= CACHE_LIMIT:
            self.clear()
        self[row] = made
        return made


class ChargeRows:
    """Read the rows of a table as charge lines. Wherever :meth:`read_fast` succeeds, :meth:`read_strict` agrees."""

    def __init__(self, mapping: ColumnMapping, layout: Layout) -> None:
        self._layout = layout
        self._values = ValueReaders(mapping)
        self._strict_reader = StrictReader(mapping, layout, self._values)
        self._trail = CleaningTrail(mapping, layout)
        self._pick = itemgetter(*(layout.positions[field.name] for field in CHARGE_FIELDS))
        self._pick_dimensions = itemgetter(*(layout.positions[name] for name in mapping.all_dimensions))
        self._point = mapping.style.decimal
        self._dimensions = _DimensionSets(mapping.all_dimensions, self._values)
        self._columns = ColumnReader(mapping, layout, self._values, self._dimensions.__getitem__)
        self._was_normalized = False
        self._exclusive_end = mapping.exclusive_end
        self._from_document = frozenset(mapping.from_document)

    def rows(self, table: Table) -> Iterator[ChargeRowResult]:
        """Yield each record as a good or a bad row, in the file's order."""
        return (self._result(table, number, row) for number, row in table.records)

    def blocks(self, table: Table) -> Iterator[ChargeBlock | ChargeRowResult]:
        """Yield ordinary rows in blocks, and the others as :meth:`rows` does, in the file's order."""
        read_block = self._columns.read if self._columns.reads_anything else None
        return read_in_blocks(table, read_block, partial(self._result, table))

    def _result(self, table: Table, number: int, row: list[str] | DamagedRecord | PassedOverRecord) -> ChargeRowResult:
        """Return one record as a good or a bad row."""
        if isinstance(row, PassedOverRecord):
            completed = [(one, self._layout.complete(one)) for one in row.rows]
            money = [found for _one, values in completed if (found := self.money(values))]
            # The address of a row matters only where it may show that a line was removed.
            of_lines = (pair for pair in completed if row.takes_back or isinstance(pair[0], SentRow))
            lines = [(self._address(values), one) for one, values in of_lines]
            return PassedOver(number, row.reason, table.place(number), money, lines, row.takes_back)
        if isinstance(row, DamagedRecord):
            return BadRow(number, row.problems, table.place(number), row.raw)
        values, changed = self._layout.fill_row(row)
        # Control characters and Unicode outside NFC would pass the fast path unseen. The scan of the bytes already
        # knows whether any row so far could hold them, so most files never pay for a check of each row.
        is_unreadable = self._layout.has_formulas and any(type(text) is UnreadableText for text in values)
        if is_unreadable or (table.is_unusual and not _is_plain(values)):
            result, changed = self.read_strict(values), True
        else:
            try:
                result = self.read_fast(values)
                # Working out the cleaning steps costs more than reading the row: only do it if a text changed.
                changed |= self._was_normalized or not self._values.normalized_texts.isdisjoint(values)
            except InvalidValue:
                result, changed = self.read_strict(values), True
        if isinstance(result, ChargeLine):
            return GoodRow(number, result, row, self._trail.steps(row, result._asdict()) if changed else ())
        readable, _problems = self.details(values)
        waits_for = self._waits_for(result, readable)
        return BadRow(number, result, table.place(number), row, ReadableValues.of(readable), waits_for)

    def _waits_for(self, problems: list[RowProblem], found: Mapping[str, Any]) -> str:
        """Return the charge lines that a row needs, if it only lacks values that they supply; else an empty text."""
        if not self._from_document.issuperset(problem.field for problem in problems):
            return ""
        source, document = found.get("source"), found.get("document")
        return f"{source}/{document}/{ALL_LINES}" if source and document else ""

    def _address(self, values: list[str]) -> tuple[str, str, str]:
        """Return the source, the document and the line of a completed row, each empty if it cannot be read."""
        return self._id_part(values, "source"), self._id_part(values, "document"), self._id_part(values, "line")

    def _id_part(self, values: list[str], field: str) -> str:
        try:
            return self._values.id_parts[values[self._layout.positions[field]]]
        except InvalidValue:
            return ""

    @property
    def warning(self) -> str:
        """The warning about the rows that were read, for a person to check; empty if there is nothing to check."""
        return self._values.days.doubts.warning()

    def read_fast(self, row: list[str]) -> ChargeLine:
        """Return the charge line of a completed row of plain characters.

        Raises:
            InvalidValue: anything is out of the ordinary. The text does not matter, since the strict path reports it.
        """
        (
            source, document, line, customer, item, posted, amount, currency,
            rev_rec, description, quantity, start, end, entity, credits, recognized, cutover, bills,
        ) = self._pick(row)  # fmt: skip
        values = self._values
        ids, id_parts, dates = values.ids, values.id_parts, values.dates
        source, line, customer, item = id_parts[source], id_parts[line], ids[customer], ids[item]
        currency, written, document = values.currencies[currency], document, document.strip()
        post_date, starts, ends = dates[posted], dates[start], dates[end]
        if self._exclusive_end and starts and ends:
            ends = last_day(starts, ends)
        if not (source and line and customer and item and currency and post_date):
            raise InvalidValue("is empty", "")
        # The scan lets line breaks and tabs pass, since free text may hold them. An id must not.
        if not 0 < len(document) <= ID_LIMIT or not document.isprintable() or len(description) > FIELD_LIMIT:
            raise InvalidValue("is not an ordinary text", "")
        if starts and ends and ends < starts:
            raise InvalidValue("is out of order", "")
        first = dates[cutover]
        if recognized or (first and post_date < first):
            raise InvalidValue("is a line in progress, which is checked more closely", "")
        plain = description.strip()
        self._was_normalized = self._exclusive_end or plain != description or written != document
        minor = self._amount(amount, currency)
        return ChargeLine(
            source, document, line, customer, item, post_date, minor, currency, dates[rev_rec],
            plain, values.quantities[quantity], starts, ends, ids[entity],
            self._dimensions[self._pick_dimensions(row)], ids[credits], bills=ids[bills],
        )  # fmt: skip

    def _amount(self, text: str, currency: str) -> int:
        if self._values.plain[minor_digits(currency)](text):
            minor = int(text.replace(self._point, ""))
            # Zero may be written as -0.00, which is a change of notation: it goes through the full reader below.
            if minor:
                self._was_normalized |= self._point != "."
                return minor
        self._was_normalized = True
        return self._values.amount(text, currency)

    def read_strict(self, row: list[str]) -> ChargeLine | list[RowProblem]:
        """Return the charge line of a completed row, or all its problems."""
        found, problems = self._strict_reader.read(row)
        return problems or ChargeLine(**found)

    def money(self, row: list[str]) -> RowMoney | None:
        """Return the amount of a completed row that does not become a charge line; None if it cannot be read."""
        currency = self._strict_reader.currency(row)
        if not currency:
            return None
        try:
            return RowMoney(self._values.amount(row[self._layout.positions["amount"]], currency), currency)
        except InvalidValue:
            return None

    def details(self, row: list[str]) -> tuple[dict[str, Any], list[RowProblem]]:
        """Return the values of a completed row by field, as far as they can be read, and its problems."""
        return self._strict_reader.read(row)


def _is_plain(row: list[str]) -> bool:
    """Return True if the texts need trimming at most: printable, in NFC, and within the length limit."""
    joined = "".join(row)
    return joined.isprintable() and len(joined) <= FIELD_LIMIT and (joined.isascii() or is_normalized("NFC", joined))
