"""``revrec import --explain``: show how the first rows of a file would be read, field by field; write nothing."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from revrec.jobs.importing.rows import path_as_text
from revrec.sources import ColumnMapping, SourceError
from revrec.sources.archives import ArchiveMember, members
from revrec.sources.explaining import ExplainedField, explain_rows
from revrec.sources.formats import format_name
from revrec.sources.problems import RowProblem, shorten
from revrec.sources.rows import CleaningStep


class ShownField(NamedTuple):
    """A field of a row: its column, the original text, the value, and the steps or the problem that explain it."""

    field: str
    column: str
    raw: str
    value: str
    how: str
    steps: tuple[CleaningStep, ...]
    problem: RowProblem | None


class ShownRecord(NamedTuple):
    """A record of a file: its place, a remark about the whole record, and its fields."""

    place: str
    said: str
    fields: tuple[ShownField, ...]


class ExplainedFile(NamedTuple):
    """The first records of a file as a mapping reads them; ``refused`` is the reason why there are no more."""

    file: str
    kind: str
    format: str
    mapping: str
    rows: tuple[ShownRecord, ...]
    refused: str


def explain(path: Path, mappings: Sequence[ColumnMapping], most: int) -> Iterator[ExplainedFile]:
    """Yield the first rows for each member of the file and each mapping; ``refused`` says why there are no more."""
    try:
        parts = members(path, path_as_text(path), mappings[0].format)
    except SourceError as error:
        yield ExplainedFile(path_as_text(path), mappings[0].rows, "", mappings[0].name, (), str(error))
        return
    for part in parts:
        for mapping in mappings:
            yield _part(part, mapping, most)


def _part(part: ArchiveMember, mapping: ColumnMapping, most: int) -> ExplainedFile:
    format, refused = "", ""
    rows: list[ShownRecord] = []
    try:
        stream = part.open()
        format = format_name(stream, mapping)
        for row in explain_rows(stream, mapping, most):
            rows.append(ShownRecord(row.place, row.said, tuple(map(_field, row.fields))))
    except SourceError as error:
        refused = str(error)
    return ExplainedFile(part.name, mapping.rows, format, mapping.name, tuple(rows), refused)


def _field(one: ExplainedField) -> ShownField:
    how = f"{one.problem.reason}; {one.problem.fix}" if one.problem else ", ".join(map(str, one.steps))
    return ShownField(one.field, one.column, shorten(one.raw), one.value, how, tuple(one.steps), one.problem)
