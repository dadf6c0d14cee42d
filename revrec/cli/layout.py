"""Lay out tables for the width of the terminal: facts stay whole, sentences break between words."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from revrec.cli.terminal import wrapped

PROSE = frozenset({"reason", "error", "advice", "note", "fix", "before", "after", "expected", "found"})
"""Columns of sentences, which are wrapped at ``PROSE_WIDTH`` everywhere."""

TEXT = PROSE | {
    "what", "comes_from", "signs", "policy", "problem", "meaning", "change", "title", "how", "names", "files", "source",
    "detail", "outcome", "moved", "description", "figure",
}  # fmt: skip
"""Columns of words, which are wrapped where the terminal is too narrow for them."""

PROSE_WIDTH = 90
LEAST_PROSE = PROSE_WIDTH // 3
"""Width below which a column of sentences is not squeezed: a note in a strip of single words cannot be read."""

COLORS = {
    "posted": "green", "rejected": "red", "refused": "red", "in doubt": "yellow", "needs review": "yellow",
    "blocked": "yellow",
}  # fmt: skip
GAP = 3
"""Characters between two columns."""

Cells = Sequence[Mapping[str, str]]


def column_widths(cells: Cells, columns: Sequence[str], spare: Sequence[str], width: int) -> dict[str, int]:
    """Return the columns that fit into ``width`` with their widths; none if even the needed ones do not fit.

    Amounts, dates, references and names keep their full width. Instead of cutting them, whole columns are dropped:
    those without any value, then the ``spare`` ones, each time the last one first.
    """
    from rich.cells import cell_len

    sizes = {column: max(cell_len(column), *(cell_len(row[column]) for row in cells)) for column in columns}
    wanted = {column: min(size, PROSE_WIDTH) if column in PROSE else size for column, size in sizes.items()}
    least = {column: _least(cells, column, size) if column in TEXT else size for column, size in sizes.items()}
    empty = [column for column in columns if not any(row[column] for row in cells)]
    shown = list(columns)
    for column in (*reversed(empty), *reversed(spare), None):
        room = width + GAP - sum(least[one] + GAP for one in shown)
        if room >= 0:
            return _shared({one: least[one] for one in shown}, wanted, room)
        if column in shown:
            shown.remove(column)
    return {}


def _least(cells: Cells, column: str, size: int) -> int:
    """Return the least width of a column of sentences: no word of it is broken."""
    words = max((len(word) for row in cells for word in row[column].split()), default=0)
    return max(len(column), words, min(size, LEAST_PROSE))


def _shared(least: Mapping[str, int], wanted: Mapping[str, int], room: int) -> dict[str, int]:
    """Return the widths with the ``room`` that is left shared among the columns that want more."""
    widths = dict(least)
    hungry = sorted((column for column in least if wanted[column] > least[column]), key=lambda one: wanted[one])
    for at, column in enumerate(hungry):
        more = min(wanted[column] - least[column], room // (len(hungry) - at))
        widths[column] += more
        room -= more
    return widths


def table(cells: Cells, widths: Mapping[str, int], right: Collection[str]) -> Any:
    """Return a table with these columns, for a console that is wide enough for it."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    drawn = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    for column in widths:
        drawn.add_column(column, justify="right" if column in right else "left", no_wrap=True)
    for row in cells:
        texts = {column: _broken(row[column], column, width) for column, width in widths.items()}
        drawn.add_row(*(Text(text, style(column, row[column])) for column, text in texts.items()))
    return drawn


def blocks(cells: Cells, columns: Sequence[str], width: int) -> Any:
    """Return each row as a small block: one line for each value, named by its column; empty values are left out."""
    from rich.text import Text

    indent = max(map(len, columns)) + 2
    drawn = Text()
    for at, row in enumerate(cells):
        drawn.append("\n" if at else "")
        for column in columns:
            if value := row[column]:
                lines = _broken(value, column, max(width - indent, 1)).split("\n")
                drawn.append(f"{column:<{indent}}")
                drawn.append(f"\n{'':<{indent}}".join(lines) + "\n", style(column, value))
    drawn.rstrip()
    return drawn


def _broken(value: str, column: str, width: int) -> str:
    return "\n".join(wrapped(value, width)) if column in TEXT else value


def style(column: str, value: str) -> str:
    """Return the color of a state, empty for anything else."""
    return COLORS.get(value, "") if column in ("status", "state", "outcome") else ""
