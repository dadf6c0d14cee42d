"""Print lists that may be longer than memory, and limit how many rows a table shows."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from itertools import chain, islice
from typing import Any, TypeVar

from revrec.cli.output import AMOUNTS, conclude, counted, print_csv, print_json_list, print_more, print_table
from revrec.cli.shared import Options

Row = Mapping[str, Any]
T = TypeVar("T")


def show_list(
    options: Options,
    name: str,
    found: Iterator[Row],
    columns: Sequence[str],
    noun: tuple[str, str],
    limit: int,
    shown: Callable[[Row], Row] = lambda row: row,
    spare: Sequence[str] = (),
    right: Sequence[str] = (),
    conclusion: str = "",
    empty: str = "",
    amounts: Collection[str] = AMOUNTS,
) -> None:
    """Print a list as a table of at most ``limit`` rows (0: all), or whole as JSON under ``name`` or as CSV.

    ``columns`` are the columns of the CSV file and of the table. ``shown`` makes a row readable for people. ``empty``
    is what a list without rows says instead of its count.
    """
    rows = first_read(found)
    if options.json:
        print_json_list(name, rows)
    elif options.csv:
        print_csv(rows, columns)
    else:
        first = list(islice(rows, limit or None))
        print_table([*map(shown, first)], columns, spare=spare, right=right, amounts=amounts)
        rest = sum(1 for _row in rows)
        print_more(rest, *noun)
        said = f"{counted(len(first) + rest, *noun)}{conclusion if first else ''}"
        conclude(said if first or not empty else empty, bool(first))


def first_read(found: Iterator[T]) -> Iterator[T]:
    """Read the first item and return an iterator over all: a mistake, such as an unknown name, fails before output."""
    return chain(list(islice(found, 1)), found)


def when(at: str | None) -> str:
    """Return a stored time as people read it, to the second."""
    return f"{at[:10]} {at[11:19]} UTC" if at else ""
