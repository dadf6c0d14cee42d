"""The months of a service, and the weight of a month that is served in part."""

from collections.abc import Iterator
from datetime import date
from fractions import Fraction
from typing import NamedTuple

from revrec.core.calendar import add_months
from revrec.core.day_count import DAY, weight

FIRST_PARTS = ("exact_days", "full_month", "half_month", "mid_month", "next_month")
LAST_PARTS = ("exact_days", "full_month", "half_month", "mid_month", "previous_month")
"""Conventions for the month in which a service begins, and for the one in which it ends."""

MID_MONTH = 15
_FIXED = {
    "full_month": Fraction(1),
    "half_month": Fraction(1, 2),
    "next_month": Fraction(0),
    "previous_month": Fraction(0),
}


class ServiceMonth(NamedTuple):
    """The days ``first`` to ``last`` that are served in the month ``begin`` to ``end``."""

    begin: date
    end: date
    first: date
    last: date

    def days(self, count: str) -> int:
        """Return the weight of the days served."""
        return weight(count, self.first, self.last)

    def exact(self, count: str) -> Fraction:
        """Return the days served as a share of the month."""
        return Fraction(self.days(count), weight(count, self.begin, self.end))

    def is_whole(self) -> bool:
        """Check whether every day of the month is served."""
        return (self.begin, self.end) == (self.first, self.last)


def months(first: date, last: date, month_end: int = 31) -> Iterator[ServiceMonth]:
    """Yield the months from one day to another, each cut after day ``month_end``, or its last day if it is shorter."""
    begin = _day_after_last_cut(first, month_end)
    while True:
        end = _cut(begin, month_end)
        yield ServiceMonth(begin, end, max(begin, first), min(end, last))
        if end >= last:
            return
        begin = end + DAY


def first_share(convention: str, month: ServiceMonth, count: str) -> Fraction:
    """Return the weight of the first month if it is served in part; a whole month weighs one."""
    if convention == "mid_month":
        return Fraction((month.first - month.begin).days < MID_MONTH)
    return _FIXED[convention] if convention in _FIXED else month.exact(count)


def last_share(convention: str, month: ServiceMonth, count: str) -> Fraction:
    """Return the weight of the last month if it is served in part; a whole month weighs one."""
    if convention == "mid_month":
        return Fraction((month.last - month.begin).days + 1 >= MID_MONTH)
    return _FIXED[convention] if convention in _FIXED else month.exact(count)


def _cut(day: date, month_end: int) -> date:
    """Return the first end of a month on or after a day, with months cut after day ``month_end``."""
    in_this = _ending(day, month_end)
    return in_this if in_this >= day else _ending(add_months(day.replace(day=1), 1), month_end)


def _ending(day: date, month_end: int) -> date:
    """Return day ``month_end`` of the month of ``day``, or its last day."""
    return add_months(day.replace(month=1, day=month_end), day.month - 1)


def _day_after_last_cut(day: date, month_end: int) -> date:
    in_this = _ending(day, month_end)
    if in_this < day:
        return in_this + DAY
    return _ending(add_months(day.replace(day=1), -1), month_end) + DAY
