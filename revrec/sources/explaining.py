"""Explain how a row was read, field by field: the original text, the cleaning steps, and the resulting value."""

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from itertools import islice
from typing import Any, NamedTuple

from revrec.core.money import decimal_string
from revrec.sources.charges import ChargeRows
from revrec.sources.cleaning import CleaningTrail
from revrec.sources.events import EventRows
from revrec.sources.layout import Layout
from revrec.sources.mapping import ColumnMapping
from revrec.sources.problems import RowProblem
from revrec.sources.read import open_table, wanted_rows
from revrec.sources.rows import CleaningStep, DamagedRecord, PassedOverRecord
from revrec.sources.stream import SourceStream


class ExplainedField(NamedTuple):
    """One field of one row. ``column`` is where it came from; ``value`` is empty if there is a ``problem``."""

    field: str
    column: str
    raw: str
    value: str
    steps: Sequence[CleaningStep]
    problem: RowProblem | None


class ExplainedRow(NamedTuple):
    """One record: its place, its fields, and a remark about the whole record (a broken shape, or why it is skipped)."""

    place: str
    fields: Sequence[ExplainedField]
    said: str


def explain_rows(stream: SourceStream, mapping: ColumnMapping, most: int) -> Iterator[ExplainedRow]:
    """Yield the first ``most`` records of a file.

    Raises:
        SourceError: the file as a whole cannot be used.
    """
    with stream:
        table = open_table(stream, mapping)
        layout = Layout(mapping, table.header)
        table = wanted_rows(table, mapping, layout)
        reader = _Explainer(mapping, layout)
        for number, row in islice(table.records, most):
            place = table.place(number)
            if isinstance(row, PassedOverRecord):
                yield ExplainedRow(place, (), f"passed over: {row.reason}")
            elif isinstance(row, DamagedRecord):
                yield ExplainedRow(place, (), "; ".join(map(str, row.problems)))
            else:
                yield reader.row(place, row)


class _Explainer:
    def __init__(self, mapping: ColumnMapping, layout: Layout) -> None:
        self._mapping = mapping
        self._layout = layout
        self._trail = CleaningTrail(mapping, layout)
        charges = mapping.rows == "charges"
        self._reader: Any = ChargeRows(mapping, layout) if charges else EventRows(mapping, layout)

    def row(self, place: str, row: list[str]) -> ExplainedRow:
        found, problems = self._reader.details(self._layout.complete(row))
        by_field: dict[str, list[RowProblem]] = {}
        for problem in problems:
            by_field.setdefault(problem.field, []).append(problem)
        steps = self._trail.steps(row, found)
        names = [*(field.name for field in self._mapping.fields), *self._mapping.all_dimensions]
        said = "; ".join(str(problem) for problem in problems if problem.field not in names)
        fields = [self._field(name, row, found, by_field.get(name), steps) for name in names]
        return ExplainedRow(place, [one for one in fields if one.raw or one.value or one.problem], said)

    def _field(
        self,
        name: str,
        row: list[str],
        found: Mapping[str, Any],
        problems: list[RowProblem] | None,
        steps: Sequence[CleaningStep],
    ) -> ExplainedField:
        column = self._layout.columns.get(name) or self._origin(name)
        raw = self._layout.spread(row)[self._layout.positions[name]]
        value = found.get(name, (found.get("dimensions") or {}).get(name))
        if name == "recognized_before" and not raw and not value:
            value = None  # an empty cell means nothing was recognized
        elif name in ("amount", "recognized_before") and isinstance(value, int):
            value = decimal_string(value, found["currency"])
        elif isinstance(value, Decimal):
            value = f"{value:f}"
        own = [step for step in steps if step.field == name]
        problem = problems[0] if problems else None
        return ExplainedField(name, column, raw, "" if problem or value is None else str(value), own, problem)

    def _origin(self, name: str) -> str:
        """Return what a field without a column comes from."""
        if name in self._mapping.constants:
            return "(constant)"
        return "(formula)" if name in self._mapping.formulas else ""
