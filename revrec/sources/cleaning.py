"""Record what cleaning changed in a row: each value before and after, and the lookup table that supplied it."""

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from revrec.core.money import decimal_string
from revrec.sources.dates import date_reader
from revrec.sources.fields import FieldSpec
from revrec.sources.layout import Layout
from revrec.sources.mapping import ColumnMapping
from revrec.sources.rows import CleaningStep
from revrec.sources.text import ID_STAGES, TEXT_STAGES, stages

DATE = "date"
"""The step that reads a date in another notation."""

SHOWN = 200
"""Characters of a value that a step stores. The whole row remains in its file."""

_PLAIN = re.compile(r"-?[0-9]+(?:\.[0-9]+)?")


class CleaningTrail:
    """The cleaning steps of rows, worked out after a row was read, and only for rows that changed."""

    def __init__(self, mapping: ColumnMapping, layout: Layout) -> None:
        fields = (*mapping.fields, *(FieldSpec(name, "id") for name in mapping.all_dimensions))
        self._places = [(field, layout.positions[field.name]) for field in fields]
        self._order = {field.name: at for at, field in enumerate(fields)}
        self._layout = layout
        self._dates = date_reader(mapping.date_format, mapping.timezone, mapping.times_in)
        self._zone = mapping.timezone

    def steps(self, row: Sequence[str], found: Mapping[str, Any]) -> tuple[CleaningStep, ...]:
        """Return the changes of a row in field order. ``found`` has the values that were read, by field."""
        values = self._layout.spread(row)
        steps = [step for filler in self._layout.fillers if (step := filler.fill(values))]
        currency = found.get("currency") or ""
        dimensions = found.get("dimensions") or {}
        for field, place in self._places:
            raw = values[place]
            value = found.get(field.name, dimensions.get(field.name))
            if value != raw:
                steps += map(self._with_zone, _read_steps(field, raw, value, currency))
        steps.sort(key=lambda step: self._order[step.field])
        return tuple(map(_short, steps))

    def _with_zone(self, step: CleaningStep) -> CleaningStep:
        """Name the time zone in the step of a date that is the day of a time in it."""
        if step.step == DATE and self._zone and self._dates.converts(step.before):
            return step._replace(step=f"{DATE} in {self._zone}")
        return step


def _read_steps(field: FieldSpec, raw: str, value: Any, currency: str) -> Iterator[CleaningStep]:
    """Yield what reading a value changed in its notation; nothing if it could not be read."""
    if value is None or (raw == "" and field.kind != "currency"):
        return
    if field.kind in ("id", "id_part", "text"):
        through = TEXT_STAGES if field.kind == "text" else ID_STAGES
        for name, before, after in stages(raw, through):
            yield CleaningStep(field.name, before, after, name)
        return
    canonical, name = _canonical(field, value, currency)
    if raw == canonical or (name == "number" and _PLAIN.fullmatch(raw) and Decimal(raw) == Decimal(canonical)):
        return
    if field.kind == "currency" and not raw.strip():
        name = "from the amount"
    yield CleaningStep(field.name, raw, canonical, name if raw.strip() != canonical else "trimmed")


def _canonical(field: FieldSpec, value: Any, currency: str) -> tuple[str, str]:
    if isinstance(value, date):
        return value.isoformat(), DATE
    if field.kind == "amount" and isinstance(value, int):
        return decimal_string(value, currency), "number"
    if isinstance(value, Decimal):
        return f"{value:f}", "number"
    return str(value), "code"


def _short(step: CleaningStep) -> CleaningStep:
    return step._replace(before=_cut(step.before), after=_cut(step.after))


def _cut(text: str) -> str:
    return text if len(text) <= SHOWN else text[: SHOWN - 3] + "..."
