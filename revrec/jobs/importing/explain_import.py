"""``revrec import --explain``: show how the first rows of a file would be read, field by field; write nothing."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from revrec.jobs.importing.rows import path_as_text
from revrec.sources import ColumnMapping, SourceError
from revrec.sources.archives import ArchiveMember, members
from revrec.sources.explaining import ExplainedField, explain_rows
from revrec.sources.formats import format_name
from revrec.sources.problems import shorten

Fact = dict[str, Any]


def explain(path: Path, mappings: Sequence[ColumnMapping], most: int) -> Iterator[Fact]:
    """Yield the first rows for each member of the file and each mapping; ``refused`` says why there are no more."""
    try:
        parts = members(path, path_as_text(path), mappings[0].format)
    except SourceError as error:
        yield _fact(path_as_text(path), mappings[0], "", refused=str(error))
        return
    for part in parts:
        for mapping in mappings:
            yield _part(part, mapping, most)


def _part(part: ArchiveMember, mapping: ColumnMapping, most: int) -> Fact:
    format, rows, refused = "", [], ""
    try:
        stream = part.open()
        format = format_name(stream, mapping)
        for row in explain_rows(stream, mapping, most):
            rows.append({"place": row.place, "said": row.said, "fields": [_field(one) for one in row.fields]})
    except SourceError as error:
        refused = str(error)
    return _fact(part.name, mapping, format, rows, refused)


def _fact(file: str, mapping: ColumnMapping, format: str, rows: Sequence[Fact] = (), refused: str = "") -> Fact:
    named = {"file": file, "kind": mapping.rows, "format": format, "mapping": mapping.name}
    return {**named, "rows": list(rows), "refused": refused}


def _field(one: ExplainedField) -> Fact:
    problem = one.problem.as_dict() if one.problem else None
    how = f"{one.problem.reason}; {one.problem.fix}" if one.problem else ", ".join(map(str, one.steps))
    return {
        "field": one.field,
        "column": one.column,
        "raw": shorten(one.raw),
        "value": one.value,
        "how": how,
        "steps": [step._asdict() for step in one.steps],
        "problem": problem,
    }
