"""Print the journal as CSV, entry by entry: what the lines of an entry share is converted once."""

import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from revrec.cli.output import CsvCells
from revrec.cli.terminal import raw
from revrec.jobs.reports.activity import JOURNAL, OF_LINE

_AT = JOURNAL.index(OF_LINE[0])
_BEFORE, _AFTER = JOURNAL[:_AT], JOURNAL[_AT + len(OF_LINE) :]


def print_journal(entries: Iterable[tuple[Mapping[str, Any], Sequence[tuple[Any, ...]]]]) -> None:
    """Print what :func:`revrec.cli.output.print_csv` prints of the same lines, in less than half the time."""
    write, cells = raw(sys.stdout).write, CsvCells()
    write(",".join(JOURNAL) + "\n")
    for entry, lines in entries:
        before = "".join([f"{cells.of(entry[name])}," for name in _BEFORE])
        after = "".join([f",{cells.of(entry[name])}" for name in _AFTER])
        write(
            "".join([
                f"{before}{line},{cells[account]},{debit or ''},{credit or ''},{cells[currency]},{cells[charge]},"
                f"{cells[document]},{cells[customer]},{cells[item]},{cells[dimensions]},{cells[memo]},{cells[rule]},"
                f"{version}{after}\n"
                for line, account, debit, credit, currency, charge, document, customer, item, dimensions, memo, rule,
                version in lines
            ])
        )  # fmt: skip
