"""Rows to charge lines: by position and cache where a row is ordinary, field by field where it is not."""

from collections.abc import Iterator
from operator import itemgetter
from typing import Any
from unicodedata import is_normalized

from revrec.core.charge_line import ChargeLine
from revrec.core.money import minor_digits
from revrec.sources.careful import Careful
from revrec.sources.cleaning import Trail
from revrec.sources.fields import CHARGE_FIELDS
from revrec.sources.layout import Layout
from revrec.sources.mapping import ColumnMapping
from revrec.sources.problems import Problem, Refused
from revrec.sources.rows import Bad, Damaged, Good, Passed, PassedOver, Row
from revrec.sources.table import Table
from revrec.sources.text import FIELD_LIMIT, ID_LIMIT
from revrec.sources.values import CACHED, Values


class _DimensionSets(dict[tuple[str, ...], dict[str, str]]):
    """Dimension values of a row to the mapping that its charge line carries, shared by all lines that have the same."""

    def __init__(self, names: tuple[str, ...], values: Values) -> None:
        super().__init__()
        self._names = names
        self._ids = values.ids

    def __missing__(self, row: tuple[str, ...]) -> dict[str, str]:
        texts = (self._ids[text] for text in row)
        made = {name: text for name, text in zip(self._names, texts, strict=True) if text}
        if len(self) >= CACHED:
            self.clear()
        self[row] = made
        return made


class ChargeRows:
    """Turns a table's rows into charge lines; :meth:`quick` and :meth:`careful` agree wherever quick has an answer."""

    def __init__(self, mapping: ColumnMapping, layout: Layout) -> None:
        self._layout = layout
        self._values = Values(mapping)
        self._careful = Careful(mapping, layout, self._values)
        self._trail = Trail(mapping, layout)
        self._pick = itemgetter(*(layout.positions[field.name] for field in CHARGE_FIELDS))
        self._pick_dimensions = itemgetter(*(layout.positions[name] for name in mapping.all_dimensions))
        self._point = mapping.dialect.decimal
        self._dimensions = _DimensionSets(mapping.all_dimensions, self._values)
        self._renoted = False

    def rows(self, table: Table) -> Iterator[Row]:
        """Each record as a good or a bad row, in the file's order."""
        looks, quick, careful, mended = table.looks, self.quick, self.careful, self._layout.mended
        unlike = self._values.unlike
        for number, row in table.records:
            if isinstance(row, Passed):
                yield PassedOver(number, row.reason, table.place(number))
                continue
            if isinstance(row, Damaged):
                yield Bad(number, row.problems, table.place(number), row.raw)
                continue
            values, changed = mended(row)
            if (looks is None or looks.unusual) and not _is_plain(values):
                result, changed = careful(values), True
            else:
                try:
                    result = quick(values)
                    changed |= self._renoted or not unlike.isdisjoint(values)
                except Refused:
                    result, changed = careful(values), True
            if isinstance(result, ChargeLine):
                yield Good(number, result, row, self._trail.steps(row, result._asdict()) if changed else ())
            else:
                yield Bad(number, result, table.place(number), row)

    def quick(self, row: list[str]) -> ChargeLine:
        """The charge line of a completed row of plain characters; raises Refused for anything out of the ordinary."""
        (
            source, document, line, customer, item, posted, amount, currency,
            rev_rec, description, quantity, start, end, entity,
        ) = self._pick(row)  # fmt: skip
        values = self._values
        ids, id_parts, dates = values.ids, values.id_parts, values.dates
        source, line, customer, item = id_parts[source], id_parts[line], ids[customer], ids[item]
        currency, written, document = values.currencies[currency], document, document.strip()
        post_date, starts, ends = dates[posted], dates[start], dates[end]
        if not (source and line and customer and item and currency and post_date):
            raise Refused("is empty", "")
        # Line breaks and tabs are plain characters in a file, but an id must not hold them.
        if not 0 < len(document) <= ID_LIMIT or not document.isprintable() or len(description) > FIELD_LIMIT:
            raise Refused("is not an ordinary text", "")
        if starts and ends and ends < starts:
            raise Refused("is out of order", "")
        plain = description.strip()
        self._renoted = plain != description or written != document
        minor = self._amount(amount, currency)
        return ChargeLine(
            source, document, line, customer, item, post_date, minor, currency, dates[rev_rec],
            plain, values.quantities[quantity], starts, ends, ids[entity],
            self._dimensions[self._pick_dimensions(row)],
        )  # fmt: skip

    def _amount(self, text: str, currency: str) -> int:
        if self._values.plain[minor_digits(currency)](text):
            minor = int(text.replace(self._point, ""))
            if minor:
                self._renoted |= self._point != "."
                return minor
        self._renoted = True
        return self._values.amount(text, currency)

    def careful(self, row: list[str]) -> ChargeLine | list[Problem]:
        """The charge line of a completed row, or all its problems."""
        found, problems = self._careful.read(row)
        return problems or ChargeLine(**found)

    def details(self, row: list[str]) -> tuple[dict[str, Any], list[Problem]]:
        """The values of a completed row by field, as far as they can be read, and its problems."""
        return self._careful.read(row)


def _is_plain(row: list[str]) -> bool:
    """Whether the texts need no cleaning but trimming: printable, in NFC, none longer than its limit."""
    joined = "".join(row)
    return joined.isprintable() and len(joined) <= FIELD_LIMIT and (joined.isascii() or is_normalized("NFC", joined))
