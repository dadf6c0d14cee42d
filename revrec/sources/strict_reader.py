"""Read rows field by field, so that every problem of a row is reported, not only the first."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from functools import partial
from typing import Any

from revrec.core.money import decimal_string
from revrec.sources.amounts import currency_beside
from revrec.sources.fields import FieldSpec
from revrec.sources.formula import UnreadableText
from revrec.sources.layout import Layout
from revrec.sources.mapping import ColumnMapping
from revrec.sources.problems import InvalidValue, RowProblem, shorten
from revrec.sources.text import clean_id
from revrec.sources.values import ValueReaders


class StrictReader:
    """Reader of one row at a time: a dict of field values, and the problems found."""

    def __init__(self, mapping: ColumnMapping, layout: Layout, values: ValueReaders) -> None:
        self._fields = mapping.fields
        self._dimensions = mapping.all_dimensions
        self._exclusive_end = mapping.exclusive_end
        self._from_document = mapping.from_document
        self._style = mapping.style
        self._positions = layout.positions
        self._values = values

    def read(self, row: Sequence[str]) -> tuple[dict[str, Any], list[RowProblem]]:
        """Return the field values of a completed row, with dimensions under ``dimensions``, and its problems."""
        found: dict[str, Any] = {}
        problems: list[RowProblem] = []
        currency = self.currency(row)
        for field in self._fields:
            raw = row[self._positions[field.name]]
            reader = self._reader(field, currency)
            if field.name == "currency" and not raw.strip():
                raw = currency
            if field.required and not raw.strip():
                problems.append(RowProblem(field.name, "", "is empty", self._fix_of_empty(field.name)))
            else:
                _try(found, problems, field.name, raw, reader)
        if self._dimensions:
            found["dimensions"] = self._read_dimensions(row, problems)
        if self._exclusive_end and found.get("service_start") and found.get("service_end"):
            found["service_end"] = last_day(found["service_start"], found["service_end"])
        problems += _order(found)
        if "recognized_before" in found:
            problems += _migration(found)
        return found, problems

    def _fix_of_empty(self, name: str) -> str:
        if name in self._from_document:
            default = f"or set defaults.{name} in the mapping"
            return f"import the order that it belongs to first, which has the {name}; {default}"
        return "every row needs a value here"

    def _reader(self, field: FieldSpec, currency: str) -> Callable[[str], Any]:
        if field.kind != "amount":
            return self._values.of_kind(field.kind)
        # Without a usable currency the number itself can still be checked.
        read: Callable[[str], Any] = self._values.number
        if currency:
            read = partial(self._values.amount, currency=currency)
        return read if field.required else lambda text: read(text) if text.strip() else 0

    def currency(self, row: Sequence[str]) -> str:
        """Return the currency, or the one of the amount's sign if the mapping declares ``signs``; else empty."""
        raw = row[self._positions["currency"]] if "currency" in self._positions else ""
        try:
            if raw.strip() or not self._style.signs:
                return self._values.currencies[raw]
            beside = currency_beside(self._values.number(row[self._positions["amount"]]), self._style)
            return self._values.currencies[beside]
        except InvalidValue:
            return ""

    def _read_dimensions(self, row: Sequence[str], problems: list[RowProblem]) -> Mapping[str, str]:
        found: dict[str, str] = {}
        for name in self._dimensions:
            _try(found, problems, name, row[self._positions[name]], clean_id)
        return {name: value for name, value in found.items() if value}


def last_day(start: date, after: date) -> date:
    """Return the last day of a service, from its first day and the first day after it."""
    return after - timedelta(days=1) if after > start else after


def _try(found: dict[str, Any], problems: list[RowProblem], name: str, raw: str, reader: Callable[[str], Any]) -> None:
    try:
        if isinstance(raw, UnreadableText):
            raise InvalidValue(raw.reason, raw.fix)
        found[name] = reader(raw)
    except InvalidValue as refused:
        problems.append(RowProblem(name, shorten(raw), refused.reason, refused.fix))


def _order(found: Mapping[str, Any]) -> list[RowProblem]:
    start, end = found.get("service_start"), found.get("service_end")
    if not start or not end or start <= end:
        return []
    return [
        RowProblem("service_end", str(end), f"is before service_start {start}", "swap the two dates or correct one")
    ]


def _migration(found: dict[str, Any]) -> Iterator[RowProblem]:
    """Check what was recognized before the cutover; leave out the cutover of a line that was billed on it or later.

    Whether it is more than the line earns depends on the contract of the line, which the import knows.
    """
    cutover, posted = found.get("cutover"), found.get("post_date")
    recognized = found["recognized_before"]
    if cutover and posted and posted >= cutover:
        found["cutover"] = None
        if recognized:
            fix = "leave it empty: the whole line is recognized here"
            yield RowProblem(
                "recognized_before",
                _written(found),
                f"is set, but post_date {posted} is not before the cutover on {cutover}",
                fix,
            )
    elif recognized and "cutover" in found and not cutover:
        fix = "write the cutover: the first day that revrec recognizes"
        yield RowProblem("cutover", "", "is empty, and recognized_before is not", fix)


def _written(found: Mapping[str, Any]) -> str:
    amount, currency = found["recognized_before"], found.get("currency")
    return decimal_string(amount, currency) if isinstance(amount, int) and currency else ""
