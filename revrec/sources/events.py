"""Turn rows into fulfillment events."""

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

from revrec.sources.cleaning import CleaningTrail
from revrec.sources.event_columns import EventBlock, EventColumnReader
from revrec.sources.layout import Layout
from revrec.sources.mapping import ColumnMapping
from revrec.sources.problems import RowProblem
from revrec.sources.rows import (
    BadRow,
    CleaningStep,
    DamagedRecord,
    EventRow,
    EventRowResult,
    GoodRow,
    PassedOver,
    PassedOverRecord,
    ReadableValues,
)
from revrec.sources.strict_reader import StrictReader
from revrec.sources.table import Table, read_in_blocks
from revrec.sources.values import ValueReaders

ALL_LINES = "*"
"""Instead of a line in a charge's id: every charge line of the document."""

WITH_SCOPE = ("credit", "price", "constraint")
"""Kinds of event that change the price of a contract, or of a line of it."""
NEEDS = {
    "percent": "percent",
    "milestone": "name",
    "usage": "quantity",
    "estimate": "quantity",
    "credit": "amount",
    "price": "amount",
    "impair": "amount",
    "service_dates": "name",
}
"""The field that an event of each kind needs besides its date."""


class EventRows:
    """Reader of a table's rows as fulfillment events."""

    def __init__(self, mapping: ColumnMapping, layout: Layout) -> None:
        self._layout = layout
        self._values = ValueReaders(mapping)
        self._strict_reader = StrictReader(mapping, layout, self._values)
        self._trail = CleaningTrail(mapping, layout)
        self._by_document = mapping.by_document
        self._columns = EventColumnReader(mapping, layout, self._values, lacking, ALL_LINES)

    def rows(self, table: Table) -> Iterator[EventRowResult]:
        """Yield each record as a good or a bad row, in the file's order."""
        return (self._result(table, number, row) for number, row in table.records)

    def blocks(self, table: Table) -> Iterator[EventBlock | EventRowResult]:
        """Yield ordinary rows in blocks, and the others as :meth:`rows` does, in the file's order."""
        read_block = self._columns.read if self._columns.reads_anything else None
        return read_in_blocks(table, read_block, partial(self._result, table))

    def _result(self, table: Table, number: int, row: list[str] | DamagedRecord | PassedOverRecord) -> EventRowResult:
        """Return one record as a good or a bad row."""
        if isinstance(row, PassedOverRecord):
            return PassedOver(number, row.reason, table.place(number))
        if isinstance(row, DamagedRecord):
            return BadRow(number, row.problems, table.place(number), row.raw)
        values = self._layout.complete(row)
        event, problems = self.read_strict(values)
        if event is None:
            found, _problems = self.details(values)
            return BadRow(number, problems, table.place(number), row, ReadableValues.of(found))
        return GoodRow(number, event, row, self._steps(row, event))

    @property
    def warning(self) -> str:
        """The warning about the rows that were read, for a person to check; empty if there is nothing to check."""
        return self._values.days.doubts.warning()

    def _steps(self, row: list[str], event: EventRow) -> tuple[CleaningStep, ...]:
        found = event._asdict()
        if self._by_document:
            source, _, rest = event.charge.partition("/")
            document, _, line = rest.rpartition("/")
            found |= {"source": source, "document": document, "line": line}
        return self._trail.steps(row, found)

    def read_strict(self, row: list[str]) -> tuple[EventRow | None, list[RowProblem]]:
        """Return the event of a completed row, or None and all its problems."""
        found, problems = self.details(row)
        if problems:
            return None, problems
        if self._by_document:
            source, document, line = [found.pop(name) for name in ("source", "document", "line")]
            found["charge"] = f"{source}/{document}/{line or ALL_LINES}"
        return EventRow(**found), []

    def details(self, row: list[str]) -> tuple[dict[str, Any], list[RowProblem]]:
        """Return the values of a completed row by field, as far as they can be read, and its problems."""
        found, problems = self._strict_reader.read(row)
        if not self._by_document:
            problems += _charge_id(found)
        return found, problems + lacking(found)


def _charge_id(found: Mapping[str, Any]) -> list[RowProblem]:
    charge = found.get("charge", "")
    source, _, rest = charge.partition("/")
    document, _, line = rest.rpartition("/")
    if not charge or (source and document and line):
        return []
    return [RowProblem("charge", charge, "is not a charge id", "write source/document/line, such as shop/INV-1042/1")]


def lacking(found: Mapping[str, Any]) -> list[RowProblem]:
    """Return the problems of an event that lacks what its kind needs. ``found`` has its values by native column."""
    kind = found.get("kind", "")
    if kind == "constraint":
        return _lacking_of_constraint(found)
    return [*_odd_scope(found, kind), *_lacking_of_kind(found, kind)]


def _odd_scope(found: Mapping[str, Any], kind: str) -> list[RowProblem]:
    """Check that only an event that changes a price has a scope."""
    if not found.get("scope") or kind in WITH_SCOPE:
        return []
    fix = f"leave it empty; a scope is for {', '.join(WITH_SCOPE)}"
    return [RowProblem("scope", found["scope"], f"does not go with the kind {kind}", fix)]


def _lacking_of_kind(found: Mapping[str, Any], kind: str) -> list[RowProblem]:
    name = NEEDS.get(kind, "")
    if not name or name not in found:
        return []
    value = found[name]
    if value in (None, ""):
        fix = _START_OR_END if kind == "service_dates" else f"write its {name}"
        return [RowProblem(name, "", f"is empty, a {kind} event needs it", fix)]
    if kind == "service_dates" and value not in ("start", "end", "rev_rec_date"):
        return [RowProblem(name, value, "is not a service date", _START_OR_END)]
    if kind == "percent" and not 0 <= value <= 100:
        return [
            RowProblem(name, str(value), "is not between 0 and 100", "write the percentage complete so far, such as 40")
        ]
    return []


def _lacking_of_constraint(found: Mapping[str, Any]) -> list[RowProblem]:
    """Check that a constraint event has a percentage or an amount, and not both."""
    if "percent" not in found or "amount" not in found:
        return []
    percent, amount = found["percent"], found["amount"]
    if (percent is None) == (amount is None):
        said = (
            "is empty; a constraint event needs a percentage or an amount"
            if percent is None
            else "is given together with an amount"
        )
        return [
            RowProblem(
                "percent",
                "" if percent is None else str(percent),
                said,
                "write what is still constrained either as a percentage or as an amount",
            )
        ]
    if percent is not None and not 0 <= percent <= 100:
        fix = "write the percentage of the billed amount that is still constrained, such as 2"
        return [RowProblem("percent", str(percent), "is not between 0 and 100", fix)]
    if amount is not None and amount < 0:
        return [RowProblem("amount", str(amount), "is negative", "write it without a minus sign")]
    return []


_START_OR_END = "write start, end or rev_rec_date: the date of the line that the event corrects"
