"""Results on standard output: tables for people, JSON and CSV for programs."""

import csv
import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def print_json(value: Any) -> None:
    """The value as JSON; amounts are already decimal strings and dates ISO."""
    json.dump(value, sys.stdout, indent=2, ensure_ascii=False, default=str)
    sys.stdout.write("\n")


def print_csv(rows: Iterable[Mapping[str, Any]], columns: Sequence[str]) -> None:
    """Rows as CSV with a header. Text that a spreadsheet would run as a formula gets a leading apostrophe."""
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([_inert(row.get(column)) for column in columns] for row in rows)


def _inert(value: Any) -> Any:
    """Formula starts are escaped, but an amount such as ``-12.00`` stays a number."""
    if not isinstance(value, str) or not value.startswith(FORMULA_STARTS):
        return value
    return value if value[0] in "+-" and value[1:].replace(".", "", 1).isdigit() else f"'{value}"


def print_table(
    rows: Sequence[Mapping[str, Any]], columns: Sequence[str], title: str = "", right: Sequence[str] = ()
) -> None:
    """Rows as a table; amounts (``right``) to the right. Off a terminal nothing is cut or coloured."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, title=title or None, title_justify="left", pad_edge=False)
    for column in columns:
        table.add_column(column, justify="right" if column in right else "left", overflow="fold")
    for row in rows:
        table.add_row(*(Text("" if row.get(column) is None else str(row[column])) for column in columns))
    console().print(table)


def console() -> Any:
    """Standard output for people."""
    from rich.console import Console

    wide = None if sys.stdout.isatty() else 200
    return Console(width=wide, highlight=False, markup=False, emoji=False)
