"""Read a block of ordinary rows as columns: each different text is read once, and numbers are checked all at once.

Like the fast path for rows in :mod:`revrec.sources.charges`, it may only give up, never disagree: a block with anything
that cleaning would change, or that has a problem, is read row by row. A property test compares the two.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from functools import partial
from typing import Any, NamedTuple
from unicodedata import is_normalized

from revrec.core.charge_columns import ChargeColumns
from revrec.core.charge_line import ChargeLine
from revrec.core.money import minor_digits
from revrec.sources.layout import Layout
from revrec.sources.mapping import ColumnMapping
from revrec.sources.problems import InvalidValue
from revrec.sources.rows import GoodRow
from revrec.sources.table import RowBlock
from revrec.sources.text import FIELD_LIMIT, ID_LIMIT
from revrec.sources.values import ValueReaders

REQUIRED = ("source", "line", "customer", "item", "post_date")
"""The fields with few different values that every row needs. Documents, amounts and currencies are checked apart."""

SERVICE = ("service_start", "service_end")


class ChargeBlock(NamedTuple):
    """Charge lines of consecutive rows in which cleaning changed nothing. ``first`` is the number of the first row."""

    first: int
    rows: Sequence[list[str]]
    columns: ChargeColumns

    def good_rows(self) -> Iterator[GoodRow[ChargeLine]]:
        """Return the same as rows."""
        lines = self.columns.lines()
        return (GoodRow(no, line, row) for no, (line, row) in enumerate(zip(lines, self.rows, strict=True), self.first))


class ColumnReader:
    """Reader of blocks of rows; ``dimensions`` returns the set of dimensions for the texts of a row."""

    def __init__(
        self,
        mapping: ColumnMapping,
        layout: Layout,
        values: ValueReaders,
        dimensions: Callable[[tuple[str, ...]], Mapping[str, str]],
    ) -> None:
        self.reads_anything = layout.only_adds_constants and mapping.style.decimal == "." and not mapping.exclusive_end
        """False if the mapping may change any row, so that none is ordinary."""
        self._layout = layout
        self._values = values
        self._dimensions = dimensions
        self._dimension_names = mapping.all_dimensions
        self._amounts = {
            digits: re.compile(f"(?:{mapping.style.plain(digits).pattern}\n)+").fullmatch for digits in range(5)
        }

    def read(self, block: RowBlock, is_unusual: bool) -> ChargeBlock | None:
        """Return the rows as columns; None if a row is out of the ordinary.

        ``is_unusual``: there may be characters that are not plain ASCII.
        """
        try:
            found = self._read(block, is_unusual)
        except InvalidValue:
            return None
        return found and ChargeBlock(block.first, block.rows, found)

    def _read(self, block: RowBlock, is_unusual: bool) -> ChargeColumns | None:
        texts = list(zip(*block.rows, strict=True))
        if is_unusual and not all(map(are_plain, texts)):
            return None
        values, column = self._values, partial(column_texts, self._layout, texts, len(block.rows))
        ids, id_parts, dates = values.ids.__getitem__, values.id_parts.__getitem__, values.dates.__getitem__
        found: dict[str, Sequence[Any]] = {
            "source": same_texts(column("source"), id_parts),
            "document": column("document"),
            "line": same_texts(column("line"), id_parts),
            "customer": same_texts(column("customer"), ids),
            "item": same_texts(column("item"), ids),
            "currency": same_texts(column("currency"), values.currencies.__getitem__),
            "description": column("description"),
            "entity": same_texts(column("entity"), ids),
            "credits": same_texts(column("credits"), ids),
            "bills": same_texts(column("bills"), ids),
            "quantity": values_of(column("quantity"), values.quantities.__getitem__),
            **{name: values_of(column(name), dates) for name in ("post_date", "rev_rec_date", *SERVICE)},
            "recognized_before": [0] * len(block.rows),
            "cutover": [None] * len(block.rows),
        }
        dimensions = zip(*(same_texts(column(name), ids) for name in self._dimension_names), strict=True)
        found["dimensions"] = list(map(self._dimensions, dimensions))
        found["amount"] = self._amount(column("amount"), found["currency"])
        service = [found[name] for name in SERVICE]
        is_ordinary = (
            all(all(set(found[name])) for name in REQUIRED)
            and are_ids(found["document"])
            and are_texts(found["description"])
            and found["amount"]
            and not any(column("recognized_before"))
            and not _is_any_before(found["post_date"], values_of(column("cutover"), dates))
            and not any(start and end and end < start for start, end in set(zip(*service, strict=True)))
        )
        return ChargeColumns(**found) if is_ordinary else None

    def _amount(self, texts: Sequence[str], currencies: Sequence[str]) -> Sequence[int]:
        """Return amounts in minor units; empty if one is zero or not an ordinary amount, or a currency is missing."""
        if not all(set(currencies)):
            return ()
        digits = {currency: minor_digits(currency) for currency in set(currencies)}
        joined = "\n".join(texts) + "\n"
        if len({*digits.values()}) == 1:
            are_ordinary = self._amounts[digits[currencies[0]]](joined) is not None
        else:
            pairs = zip(texts, currencies, strict=True)
            are_ordinary = all(self._values.plain[digits[currency]](text) for text, currency in pairs)
        amounts = list(map(int, joined.replace(".", "").split())) if are_ordinary else []
        return amounts if len(amounts) == len(texts) and all(amounts) else ()


def _is_any_before(days: Sequence[date], cutovers: Sequence[date | None]) -> bool:
    """Check for lines in progress: those that were billed before their cutover."""
    last = max((day for day in set(cutovers) if day), default=None)
    return last is not None and min(days) < last


def column_texts(layout: Layout, texts: Sequence[tuple[str, ...]], count: int, name: str) -> Sequence[str]:
    """Return the texts of a field or dimension, or its constant for each row."""
    place = layout.positions[name]
    return texts[place] if place < len(texts) else layout.constant(place, len(texts), count)


def same_texts(texts: Sequence[str], read: Callable[[str], str]) -> Sequence[str]:
    """Return the texts, each of which is its own value.

    Raises:
        InvalidValue: one is not.
    """
    for text in set(texts):
        if read(text) != text:
            raise InvalidValue("is not written as its value", "")
    return texts


def values_of(texts: Sequence[str], read: Callable[[str], Any]) -> Sequence[Any]:
    """Return the values of texts that are written as their values are shown.

    Raises:
        InvalidValue: one is not.
    """
    values = {text: read(text) for text in set(texts)}
    if any(text and str(value) != text for text, value in values.items()):
        raise InvalidValue("is not written as its value", "")
    return list(map(values.__getitem__, texts))


def are_ids(texts: Sequence[str]) -> bool:
    """Check ids, most of which are different, all at once."""
    return all(texts) and max(map(len, texts)) <= ID_LIMIT and "".join(texts).isprintable() and _are_trimmed(texts)


def are_texts(texts: Sequence[str]) -> bool:
    """Check free texts of plain characters all at once."""
    return max(map(len, texts)) <= FIELD_LIMIT and _are_trimmed(texts)


def _are_trimmed(texts: Sequence[str]) -> bool:
    return all(map(str.__eq__, texts, map(str.strip, texts)))


def are_plain(texts: Sequence[str]) -> bool:
    """Check for printable characters in NFC. Texts are in NFC if the text that joins them is."""
    joined = "".join(texts)
    return joined.isprintable() and (joined.isascii() or is_normalized("NFC", joined))
