"""Find the accounts of what is taken back: an amount leaves the accounts that it was posted to.

A credit, a correction or a higher estimate takes back what was recognized. If the rule posts to other accounts by then,
an entry on these would leave revenue on the old account and lack it on the new one. The amounts that were posted last
are taken back first, each from its accounts: on the day of the part or before it, and then after it. What exceeds the
posted amounts has the present accounts, and is one part with what is taken back from them.
"""

from collections.abc import Sequence
from datetime import date
from typing import NamedTuple

from revrec.core.schedule import PostingTarget


class PartOnAccounts(NamedTuple):
    """A part of a schedule, in minor units, and where it is posted.

    None: where its rule posts at present, because not all of it takes back what is posted.
    """

    date: date
    amount: int
    accounts: PostingTarget | None = None


class _Lot:
    """A posted amount, without its sign, and what was taken back of it."""

    def __init__(self, part: PartOnAccounts) -> None:
        self.date, self.accounts, self.left = part.date, part.accounts, abs(part.amount)


def on_posted_accounts(
    parts: Sequence[tuple[date, int]], posted: Sequence[PartOnAccounts], present: PostingTarget, is_positive: bool
) -> tuple[PartOnAccounts, ...]:
    """Return the parts in order of date: those that take something back on the accounts where that was posted.

    ``posted`` parts are in the order in which they were planned; ``present`` is where the rule posts now.
    ``is_positive``: the line earns positive amounts, so that negative ones take back. A part that takes back from
    several accounts becomes several parts of its day.
    """
    lots = [_Lot(part) for part in posted if (part.amount > 0) == is_positive]
    for part in posted:
        if (part.amount > 0) != is_positive:
            _take(part.date, abs(part.amount), [lot for lot in lots if lot.accounts == part.accounts])
    found: list[PartOnAccounts] = []
    for day, amount in sorted(parts, key=lambda part: part[0]):
        if (amount > 0) == is_positive:
            found.append(PartOnAccounts(day, amount))
            continue
        sign = -1 if is_positive else 1
        taken = _take(day, abs(amount), lots)
        rest = abs(amount) - sum(taken.values())
        if rest:
            taken[present] = taken.get(present, 0) + rest
        for accounts, some in taken.items():
            found.append(PartOnAccounts(day, sign * some, None if rest and accounts == present else accounts))
    return tuple(found)


def _take(day: date, amount: int, lots: Sequence[_Lot]) -> dict[PostingTarget | None, int]:
    """Take an amount from lots, as far as they reach; return the amounts by their accounts."""
    taken: dict[PostingTarget | None, int] = {}
    oldest_first = sorted(lots, key=lambda lot: (lot.date <= day, lot.date))
    for lot in reversed(oldest_first):
        some = min(lot.left, amount)
        if some:
            lot.left -= some
            amount -= some
            taken[lot.accounts] = taken.get(lot.accounts, 0) + some
    return taken
