"""Summarize the lines of a journal entry: one debit and one credit for each pair of accounts and what a level keeps."""

from collections.abc import Mapping
from datetime import date
from typing import NamedTuple

LINE = "line"
"""The level that summarizes nothing: one debit and one credit for each schedule line."""

KEPT: Mapping[str, frozenset[str]] = {
    LINE: frozenset({"customer", "item", "dimensions"}),
    "item": frozenset({"item", "dimensions"}),
    "customer": frozenset({"customer", "dimensions"}),
    "dimensions": frozenset({"dimensions"}),
    "account": frozenset(),
}
"""The levels of ``[rule.post] summarize``, finest first, each with the fields that its lines keep."""

PARTS_PER_ENTRY = 20_000
"""The most schedule lines that one summarized entry has. Entries are built and stored as a whole, so that without a
limit a large month-end would need memory for all of its lines at once."""


class SummaryLine(NamedTuple):
    """A line of a summarized entry as Intacct gets it (GLENTRY).

    Its parts are the journal lines of its side numbered ``first`` to ``last``; ``amount`` is their sum, in minor units.
    What the level does not keep is empty. ``billed`` is the day of the exchange rate, only in a foreign currency.
    ``fields`` are the custom fields that all parts share.
    """

    line_no: int
    side: str
    account: str
    amount: int
    currency: str
    memo: str
    customer: str
    item: str
    dimensions: Mapping[str, str]
    billed: date | None
    fields: tuple[tuple[str, str], ...]
    first: int
    last: int

    @property
    def charge(self) -> str:
        """Return no charge: a summary line is of several."""
        return ""

    @property
    def document(self) -> str:
        """Return no document: a summary line is of several."""
        return ""

    @property
    def parts(self) -> int:
        """Return the number of schedule lines that it adds up."""
        return (self.last - self.first + 1) // 2

    def has(self, line_no: int, side: str) -> bool:
        """Check if a journal line of the entry is one of its parts."""
        return side == self.side and self.first <= line_no <= self.last


def summary_memo(memos: frozenset[str], parts: int) -> str:
    """Return the memo of a summary line: the memo of its parts if they share one, and their number."""
    count = f"{parts:,} schedule line{'' if parts == 1 else 's'}"
    (shared,) = memos if len(memos) == 1 else ("",)
    return f"{shared} ({count})" if shared else count
