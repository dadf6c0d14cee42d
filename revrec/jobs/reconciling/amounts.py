"""Amounts of entries by account and currency, and the range of days that they are counted in."""

from collections import Counter
from collections.abc import Iterable
from datetime import date
from typing import NamedTuple, TypeVar

from revrec.core.journal import JournalEntry
from revrec.intacct.gateway import POSTED_STATE, FoundEntry
from revrec.jobs.posting.findings import Amounts


class DateRange(NamedTuple):
    """The days that are reconciled, both included."""

    start: date
    end: date

    def has(self, day: date | None) -> bool:
        """Check if a day is in the range."""
        return day is not None and self.start <= day <= self.end


def net(entry: JournalEntry | FoundEntry) -> Counter[tuple[str, str]]:
    """Return the net amounts of an entry by account and currency, in minor units, debits positive."""
    amounts: Counter[tuple[str, str]] = Counter()
    for line in entry.sent_lines if isinstance(entry, JournalEntry) else entry.lines:
        amounts[line.account, line.currency] += line.amount if line.side == "debit" else -line.amount
    return amounts


def counted(found: FoundEntry, within: DateRange) -> Amounts:
    """Return what an entry of Intacct adds to the balances of a range; nothing if it is not posted there."""
    return net(found) if found.state == POSTED_STATE and within.has(found.date) else {}


def moved(less: Amounts, more: Amounts) -> dict[tuple[str, str], int]:
    """Return by how much ``more`` exceeds ``less``."""
    keys = {**less, **more}
    return {key: more.get(key, 0) - less.get(key, 0) for key in keys if more.get(key, 0) != less.get(key, 0)}


def added(amounts: Iterable[Amounts]) -> dict[tuple[str, str], int]:
    """Return the sum of several."""
    total: dict[tuple[str, str], int] = {}
    for some in amounts:
        for key, amount in some.items():
            total[key] = total.get(key, 0) + amount
    return total


T = TypeVar("T")


def by(items: Iterable[T], name: str) -> dict[str, list[T]]:
    """Return items by the text of one of their fields, in their order."""
    found: dict[str, list[T]] = {}
    for item in items:
        found.setdefault(getattr(item, name), []).append(item)
    return found
