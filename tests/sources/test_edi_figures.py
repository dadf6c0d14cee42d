"""EDI: no single changed figure of a sample is imported, since it contradicts the document's totals."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from revrec.sources import BadRow, GoodRow

SAMPLES = Path(__file__).parents[2] / "sample_data" / "edi"
FIGURES = {
    "x12": r"TDS\*(\d+)|SAC\*[AC]\*\w+\*\*\*(\d+)|IT1\*\d\*(\d+)|IT1\*\d\*\d+\*\w+\*([\d.]+)",
    "edifact": r"MOA\+(?:203|8|79|77|176):([\d.]+)",
}


def changed(text: str, figures: str) -> Iterator[str]:
    """Yield the text with one digit of one figure changed, for each digit of each figure."""
    for found in re.finditer(figures, text):
        group = found.lastindex or 0
        for at in range(*found.span(group)):
            if text[at].isdigit():
                yield f"{text[:at]}{(int(text[at]) + 1) % 10}{text[at + 1 :]}"


def amounts(rows: list[Any]) -> list[tuple[str, int]]:
    return [(row.line.id, row.line.amount) for row in rows if isinstance(row, GoodRow)]


@pytest.mark.parametrize("kind", ["x12", "edifact"])
def test_a_changed_figure_refuses_its_document(read_by: Callable[..., list[Any]], kind: str) -> None:
    text = (SAMPLES / f"invoices.{kind}").read_text()
    original = amounts(read_by(kind, text))
    tried = 0
    for wrong in changed(text, FIGURES[kind]):
        rows = read_by(kind, wrong)
        assert [row for row in rows if isinstance(row, BadRow)], wrong
        assert set(amounts(rows)) < set(original), wrong
        tried += 1
    assert tried > 30
