"""Print a report that may be longer than memory as JSON: its header, rows and checks, as short reports have them."""

import json
import shutil
import sys
import tempfile
from collections import defaultdict
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import IO, TYPE_CHECKING, Any

from revrec.cli.output import json_text

if TYPE_CHECKING:
    from revrec.core.report import Check

Row = Mapping[str, Any]
IN_MEMORY = 1 << 22
"""Characters of a list that are kept in memory; a longer one goes to a temporary file until it is printed."""


class StreamedReport:
    """The rows of a report as JSON, their number, and the totals of the columns ``amounts`` by currency.

    JSON had the rows under the key ``former`` before all reports had the same keys, and still has them there too.
    """

    def __init__(self, amounts: Sequence[str], former: str) -> None:
        self._amounts = amounts
        self._former = former
        self._rows, self._items = _SpooledList(), _SpooledList()
        self.totals: dict[str, dict[str, Decimal]] = {}

    def add(self, row: Row) -> None:
        """Add a row that is the same under both keys."""
        self.add_row(row)
        self.add_former(row)

    def add_row(self, row: Row) -> None:
        """Add a row of the report."""
        self._rows.append(_plain_json(row))
        totals = self.totals.setdefault(row["currency"], defaultdict(Decimal))
        for name in self._amounts:
            totals[name] += Decimal(row[name] or 0)

    def add_former(self, item: Row) -> None:
        """Add an item to the list under the former key."""
        self._items.append(json_text(item))

    def show(
        self, header: Row, checks: "Sequence[Check]" = (), first: Mapping[str, Any] | None = None, **last: Any
    ) -> None:
        """Print the report; ``first`` and ``last`` are other keys, before the rows and after the checks."""
        totals = {one: {name: str(total) for name, total in found.items()} for one, found in self.totals.items()}
        header = {**header, "row_count": self._rows.count, "control_totals": dict(sorted(totals.items()))}
        write = sys.stdout.write
        write(f'{{\n  "header": {_plain_json(header)},\n')
        write("".join(f'  "{key}": {json_text(one)},\n' for key, one in (first or {}).items()))
        for key, items in (("rows", self._rows), (self._former, self._items)):
            write(f'  "{key}": [')
            items.copy_to(sys.stdout)
            write("\n  ],\n")
        rest = {"checks": [one.as_row() for one in checks], **last}
        write(",\n".join(f'  "{key}": {json_text(one)}' for key, one in rest.items()) + "\n}\n")


def _plain_json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)


class _SpooledList:
    """Items of a JSON list."""

    def __init__(self) -> None:
        self.count = 0
        self._text: IO[str] = tempfile.SpooledTemporaryFile(IN_MEMORY, "w+", encoding="utf-8", newline="")  # noqa: SIM115 - closed by copy_to

    def append(self, item: str) -> None:
        self._text.write(f"{',' if self.count else ''}\n    {item}")
        self.count += 1

    def copy_to(self, out: Any) -> None:
        """Write all items, and close the list."""
        with self._text as text:
            text.seek(0)
            shutil.copyfileobj(text, out)
