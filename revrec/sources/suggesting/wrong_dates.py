"""Report the dates of a column that are written in an unexpected way once, with the evidence of all of them."""

from collections.abc import Sequence
from typing import NamedTuple

from revrec.sources.dates import is_about_notation
from revrec.sources.mapping import NATIVE_CHARGES, UNDECIDED, ColumnMapping
from revrec.sources.rows import BadRow
from revrec.sources.suggesting.values import date_evidence


class WrongDates(NamedTuple):
    """The dates of a column that cannot be read: how many rows, the first one and its place, the reason, the fix."""

    field: str
    column: str
    rows: int
    place: str
    value: str
    reason: str
    fix: str


def wrong_dates(rows: Sequence[BadRow], mapping: ColumnMapping) -> list[WrongDates]:
    """Return one summary for each field with more than one date in a notation that the mapping does not read."""
    found: dict[str, list[tuple[str, str]]] = {}
    for row in rows:
        for problem in row.problems:
            if is_about_notation(problem.reason):
                found.setdefault(problem.field, []).append((row.place, problem.value))
    return [_summary(name, dates, mapping) for name, dates in found.items() if len(dates) > 1]


def _summary(name: str, dates: Sequence[tuple[str, str]], mapping: ColumnMapping) -> WrongDates:
    place, value = dates[0]
    reads = f"{mapping.date_format} and ISO dates" if mapping.date_format else "ISO dates such as 2024-03-28"
    return WrongDates(
        name,
        mapping.column_of(name) or name,
        len(dates),
        place,
        value,
        f"{len(dates):,} dates cannot be read: this mapping reads {reads}",
        _fix([text for _place, text in dates], mapping),
    )


def _fix(texts: Sequence[str], mapping: ColumnMapping) -> str:
    evidence = date_evidence(texts)
    where = "a mapping" if mapping.name == NATIVE_CHARGES.name else f"[mapping.{mapping.name}]"
    if evidence.format == UNDECIDED:
        if not evidence.choices:
            return f"{evidence.why}; write them as 2024-03-28"
        either = " or ".join(f'"{form}"' for form in evidence.choices)
        return f"{evidence.why}; ask the sender, and set date_format = {either} in {where}"
    if mapping.date_format:
        return f"{evidence.why}; write all dates of a file in one way, or change date_format in {where}"
    return f'set date_format = "{evidence.format}" in {where}: {evidence.why}'
