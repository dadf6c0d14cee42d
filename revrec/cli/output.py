"""Print results on standard output: tables for people, JSON and CSV for programs."""

import json
import os
import re
import sys
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, redirect_stdout
from pathlib import Path
from typing import Any

from revrec.cli.shared import fail
from revrec.cli.terminal import UNLIMITED, SafeStream, raw, safe_console, terminal_width, wrapped
from revrec.core.harmless import one_line
from revrec.core.posting import needs_review

FORMULA_STARTS = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20", "\t", "\r", "\n")
"""Starts of a cell that a spreadsheet runs as a formula; it treats the full-width forms like the plain ones."""

RENAMED: tuple[Mapping[str, str], ...] = (
    {"recognised": "recognized"},
    {"unrecognised": "unrecognized"},
    {"mend": "fix"},
    {"carried": "already_posted"},
    {"accrued": "revenue"},
    {"now": "current", "then": "proposed"},
)
"""Keys of results by their former names; keys in one group are renamed only where all of them occur.

Tables and CSV show the new names. JSON also has the former ones until 0.2, so that programs that read it keep working.
"""

FORMER = frozenset(key for group in RENAMED for key in group)

MOST_TEXTS = 20_000
"""The most texts of a CSV file that are kept while it is written."""

AMOUNTS = frozenset(
    {
        "amount", "already_posted", "moved", "current", "proposed", "books", "others", "difference", "rest", "intacct",
        "unrecognized", "billed", "standalone", "allocated", "costs", "adjusting",
    }
)  # fmt: skip
"""Columns of decimal strings; people see them grouped by thousands."""


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
    """Print a value as JSON, with renamed keys under both names; amounts are already decimal strings, dates ISO."""
    json.dump(with_former_keys(value), sys.stdout, indent=2, ensure_ascii=False, default=str)
    sys.stdout.write("\n")


def print_json_list(name: str, items: Iterable[Any]) -> None:
    """Print a JSON object of one list, item by item."""
    write = sys.stdout.write
    write(f"{{\n  {json_text(name)}: [")
    for at, item in enumerate(items):
        write(("," if at else "") + f"\n    {json_text(item)}")
    write("\n  ]\n}\n")


def json_text(value: Any) -> str:
    """Return a value as JSON in one line, with renamed keys under both names."""
    return json.dumps(with_former_keys(value), ensure_ascii=False, default=str)


def as_data(value: Any) -> Any:
    """Return a result as JSON data: a NamedTuple becomes a dict by field name, in the order of the fields."""
    if isinstance(value, list | tuple):
        fields = getattr(value, "_fields", None)
        found = [as_data(one) for one in value]
        return dict(zip(fields, found, strict=True)) if fields else found
    return value


def renamed(row: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a row with the current names of its keys."""
    if FORMER.isdisjoint(row):
        return row
    names: dict[str, str] = {}
    for group in RENAMED:
        if group.keys() <= row.keys():
            names |= group
    return {names.get(key, key): value for key, value in row.items()} if names else row


def with_former_keys(value: Any) -> Any:
    """Return JSON data with the current names of its keys, and the former names beside them."""
    if isinstance(value, Mapping):
        found = {key: with_former_keys(one) for key, one in renamed(value).items()}
        for group in RENAMED:
            if all(key in found for key in group.values()):
                found |= {old: found[new] for old, new in group.items() if old not in found}
        return found
    return [with_former_keys(one) for one in value] if isinstance(value, list | tuple) else value


def print_csv(rows: Iterable[Mapping[str, Any]], columns: Sequence[str]) -> None:
    """Print rows as CSV with a header. Text that a spreadsheet would run as a formula gets a leading apostrophe."""
    # Cells are harmless already, and to look at a long list twice takes a third of the time.
    out, cells = raw(sys.stdout), CsvCells()
    out.write(f"{','.join([cells[column] for column in columns])}\n")
    for row in map(renamed, rows):
        line = ",".join(
            [cells[value] if value.__class__ is str else cells.of(value) for value in map(row.get, columns)]
        )
        # An empty line would be no row.
        out.write(f"{line}\n" if line else '""\n')


class CsvCells(dict[str, str]):
    """Texts, each as the cell of a CSV file. They are kept, because columns of a list repeat most of their values."""

    def __missing__(self, text: str) -> str:
        """Convert a text; the ones before it are forgotten if they are many."""
        if len(self) >= MOST_TEXTS:
            self.clear()
        cell = _inert(text)
        found = self[text] = '"{}"'.format(cell.replace('"', '""')) if "," in cell or '"' in cell else cell
        return found

    def of(self, value: Any) -> str:
        """Return the cell of any value."""
        return "" if value is None else self[str(value)]


def _inert(text: str) -> str:
    """Escape the start of a formula; an amount such as ``-12.00`` stays a number."""
    if not text.startswith(FORMULA_STARTS):
        return one_line(text)
    # An escaped amount would be text in the spreadsheet, and its sums would silently leave it out.
    digits = text[1:].replace(".", "", 1)
    return text if text[0] in "+-" and digits.isascii() and digits.isdigit() else one_line(f"'{text}")


def grouped(amount: Any) -> str:
    """Return a decimal string as people read it: ``1234.50`` as ``1,234.50``. Anything else is unchanged."""
    whole, point, rest = str(amount).partition(".")
    digits = whole.removeprefix("-")
    if not digits.isdigit():
        return str(amount)
    return f"{'-' if whole[0] == '-' else ''}{int(digits):,}{point}{rest}"


def counted(count: int, one: str, many: str = "") -> str:
    """Return a count with its noun: ``1 charge line``, ``1,200 charge lines``."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def counts_in_words(counts: Mapping[str, int], blocked: int = 0) -> list[str]:
    """Return the counts of a run in words; ``blocked`` of its ``held`` are lines on no entry, not entries to review."""
    words = []
    for state, count in counts.items():
        if state == "held":
            words.append(needs_review(count - blocked))
            words += [f"{blocked:,} blocked"] if blocked else []
        else:
            words.append(f"{count:,} {'not sent' if state == 'waiting' else state.replace('_', ' ')}")
    return words


def print_more(count: int, one: str, many: str = "") -> None:
    """Print how many rows --limit left out, if any."""
    if count > 0:
        print(more_in_words(count, one, many))


def more_in_words(count: int, one: str, many: str = "") -> str:
    """Return ``... and 7 more lines (--limit 0 shows all)``."""
    return f"... and {count:,} more {one if count == 1 else many or one + 's'} (--limit 0 shows all)"


def conclude(text: str, after_table: bool) -> None:
    """Print the line that sums up a result, after an empty line if a table precedes it."""
    print(f"\n{text}" if after_table else text)


def print_table(
    rows: Sequence[Mapping[str, Any]],
    columns: Sequence[str],
    title: str = "",
    right: Sequence[str] = (),
    spare: Sequence[str] = (),
    amounts: Collection[str] = AMOUNTS,
    limit: int = 0,
    noun: tuple[str, str] = ("row", "rows"),
) -> None:
    """Print rows as a table under a ``title``, with ``amounts`` and ``right`` right-aligned; nothing without rows.

    At most ``limit`` rows are printed (0: all), with a line that says how many more there are.

    On a terminal that is too narrow, the ``spare`` columns are left out, the last one first, and a note says so. If the
    others do not fit either, each row is printed as a small block. Elsewhere nothing is cut or colored.
    """
    from revrec.cli import layout

    if not rows:
        return
    cells = [
        {column: _cell(column, row.get(column), amounts) for column in columns}
        for row in map(renamed, rows[: limit or None])
    ]
    width = terminal_width(sys.stdout)
    widths = layout.column_widths(cells, columns, spare, width)
    if title:
        print(f"\n{title}")
    show(layout.table(cells, widths, {*right, *amounts}) if widths else layout.blocks(cells, columns, width))
    left_out = [column for column in columns if widths and column not in widths]
    if left_out:
        print(f"(too narrow for {', '.join(left_out)}; a wider terminal or --format csv shows all)")
    print_more(len(rows) - len(cells), *noun)


def print_shares(shares: Sequence[Mapping[str, Any]], title: str) -> None:
    """Print the shares of the lines of a contract, with a column of warnings if there is one."""
    columns = ["charge", "billed", "standalone", "allocated", "difference", "currency"]
    columns += ["warning"] if any(one["warning"] for one in shares) else []
    print_table(shares, columns, title=title, spare=("currency", "difference"))


def _cell(column: str, value: Any, amounts: Collection[str]) -> str:
    if value is None:
        return ""
    return grouped(value) if column in amounts else one_line(str(value))


def show(what: Any) -> None:
    """Print something that rich can draw, as wide as it is, without trailing spaces.

    Copied output and recorded transcripts have no spaces at the ends of lines.
    """
    for line in _drawn(what):
        print(line, file=raw(sys.stdout))


def show_tree(tree: Any) -> None:
    """Print a tree; lines that are wider than the terminal are broken between words, and the guides continue."""
    width = terminal_width(sys.stdout)
    for line in _drawn(tree):
        guides = re.match("[\u2502\u251c\u2514\u2500 ]*", line)
        assert guides
        continued = guides[0].translate({0x251C: "\u2502", 0x2514: " ", 0x2500: " "})
        print("\n".join(wrapped(line, width, continued)), file=raw(sys.stdout))


def _drawn(what: Any) -> list[str]:
    is_plain = not sys.stdout.isatty() or bool(os.environ.get("NO_COLOR"))
    # With a width but no height, rich assumes 80 columns where TERM is dumb, and cuts what is wider.
    out = safe_console(width=UNLIMITED, height=UNLIMITED, color_system=None if is_plain else "auto")
    with out.capture() as captured:
        out.print(what, soft_wrap=True)
    return [line.rstrip() for line in captured.get().splitlines()]
