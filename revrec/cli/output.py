"""Results on standard output: tables for people, JSON and CSV for programs."""

import csv
import json
import os
import sys
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, redirect_stdout
from pathlib import Path
from typing import Any

from revrec.cli.shared import fail
from revrec.cli.terminal import SafeStream, raw, safe_console
from revrec.core.harmless import one_line

FORMULA_STARTS = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20", "\t", "\r", "\n")
"""How a cell begins that a spreadsheet runs; the full-width forms act as the plain ones do."""

AMOUNTS = frozenset(
    {
        "amount", "carried", "moved", "now", "then", "books", "others", "difference", "rest", "intacct", "unrecognised",
        "billed", "standalone", "allocated",
    }
)  # fmt: skip
"""Columns of decimal strings; people see them grouped by thousands."""

PROSE = frozenset({"reason", "error", "advice", "note", "fix", "mend", "before", "after", "expected", "found"})
"""Columns of sentences: these may be wrapped, everything else stays on one line while there is room."""

PROSE_WIDTH = 90
STATES = {"posted": "green", "rejected": "red", "refused": "red", "in_doubt": "yellow", "held": "yellow"}
GAP = 3
"""Characters between two columns."""


@contextmanager
def writing_to(output: Path | None) -> Iterator[None]:
    """Redirect standard output into a file, if one is named (``--output``); it appears whole when the block ends well.

    A file that cannot be written is a usage error.
    """
    if output is None:
        yield
        return
    from revrec.files import writing

    with ExitStack() as stack:
        try:
            file = stack.enter_context(writing(output))
        except OSError as error:
            fail(f"{output}: cannot be written: {error.strerror or error}", 2)
        with redirect_stdout(SafeStream(file)):
            yield


def print_json(value: Any) -> None:
    """The value as JSON; amounts are already decimal strings and dates ISO."""
    json.dump(value, sys.stdout, indent=2, ensure_ascii=False, default=str)
    sys.stdout.write("\n")


def print_json_list(
    name: str, items: Iterable[Any], head: Mapping[str, Any], rest: Callable[[], Mapping[str, Any]]
) -> None:
    """An object of ``head``, a list written as its items come, and ``rest``, which is asked for when they all came."""
    write = sys.stdout.write
    write("{\n" + "".join(f"  {_json(key)}: {_json(value)},\n" for key, value in head.items()))
    write(f"  {_json(name)}: [")
    for at, item in enumerate(items):
        write(("," if at else "") + f"\n    {_json(item)}")
    write("\n  ]" + "".join(f",\n  {_json(key)}: {_json(value)}" for key, value in rest().items()) + "\n}\n")


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)


def print_csv(rows: Iterable[Mapping[str, Any]], columns: Sequence[str]) -> None:
    """Rows as CSV with a header. Text that a spreadsheet would run as a formula gets a leading apostrophe."""
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([_inert(row.get(column)) for column in columns] for row in rows)


def _inert(value: Any) -> Any:
    """Formula starts are escaped, but an amount such as ``-12.00`` stays a number."""
    if not isinstance(value, str):
        return value
    if not value.startswith(FORMULA_STARTS):
        return one_line(value)
    digits = value[1:].replace(".", "", 1)
    return value if value[0] in "+-" and digits.isascii() and digits.isdigit() else one_line(f"'{value}")


def grouped(amount: Any) -> str:
    """A decimal string as people read it: ``1234.50`` as ``1,234.50``. Anything else stays as it is."""
    whole, point, rest = str(amount).partition(".")
    digits = whole.removeprefix("-")
    if not digits.isdigit():
        return str(amount)
    return f"{'-' if whole[0] == '-' else ''}{int(digits):,}{point}{rest}"


def counted(count: int, one: str, many: str = "") -> str:
    """``1 charge line``, ``1,200 charge lines``."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def conclude(text: str, after_table: bool) -> None:
    """The line that sums a result up, set off from the table before it."""
    print(f"\n{text}" if after_table else text)


def print_table(
    rows: Sequence[Mapping[str, Any]],
    columns: Sequence[str],
    title: str = "",
    right: Sequence[str] = (),
    spare: Sequence[str] = (),
    amounts: Collection[str] = AMOUNTS,
) -> None:
    """Rows as a table, ``amounts`` (and ``right``) to the right; nothing at all if there are no rows.

    A ``title`` sets it off from what was printed before.
    On a terminal too narrow for it, the ``spare`` columns are left out, the last named first, and that is said.
    Off a terminal nothing is cut or coloured.
    """
    if not rows:
        return
    cells = [{column: _cell(column, row.get(column), amounts) for column in columns} for row in rows]
    out = console()
    shown = _fitting(cells, columns, spare, out.width)
    if title:
        print(f"\n{title}")
    _write(out, _table(cells, shown, {*right, *amounts}))
    left_out = [column for column in columns if column not in shown]
    if left_out:
        _write(out, f"(too narrow for {', '.join(left_out)}; a wider terminal or --format csv shows all)")


def _cell(column: str, value: Any, amounts: Collection[str]) -> str:
    if value is None:
        return ""
    return grouped(value) if column in amounts else one_line(str(value))


def _fitting(cells: Sequence[Mapping[str, str]], columns: Sequence[str], spare: Sequence[str], width: int) -> list[str]:
    """The columns for which there is room; columns of sentences need a third of what they could use."""

    def wanted(column: str) -> int:
        longest = max(len(column), *(len(row[column]) for row in cells))
        return min(longest, PROSE_WIDTH // 3) if column in PROSE else longest

    shown = list(columns)
    for column in reversed(spare):
        if sum(wanted(one) + GAP for one in shown) - GAP <= width:
            break
        shown.remove(column)
    return shown


def _table(cells: Sequence[Mapping[str, str]], columns: Sequence[str], right: Collection[str]) -> Any:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    for column in columns:
        table.add_column(
            column,
            justify="right" if column in right else "left",
            overflow="fold",
            max_width=PROSE_WIDTH if column in PROSE else None,
        )
    for row in cells:
        table.add_row(*(Text(row[column], _style(column, row[column])) for column in columns))
    return table


def _style(column: str, value: str) -> str:
    return STATES.get(value, "") if column in ("status", "state", "outcome") else ""


def show(what: Any) -> None:
    """Print something that rich can draw."""
    _write(console(), what)


def _write(out: Any, what: Any) -> None:
    """Print without the spaces that fill a table's lines up."""
    with out.capture() as captured:
        out.print(what)
    for line in captured.get().splitlines():
        print(line.rstrip(), file=raw(sys.stdout))


def console() -> Any:
    """Standard output for people: in colour on a terminal, unless NO_COLOR is set."""
    seen = sys.stdout.isatty()
    plain = not seen or bool(os.environ.get("NO_COLOR"))
    return safe_console(width=None if seen else 10_000, color_system=None if plain else "auto")
