"""Day counts: how much each day of a service weighs when an amount is earned by days."""

from calendar import isleap, monthrange
from collections.abc import Callable
from datetime import date, timedelta

from revrec.core.keys import ConfigKey, choice

DAY = timedelta(days=1)


def _actual(day: date) -> int:
    return day.toordinal()


def _actual_actual(day: date) -> int:
    """A year weighs 365 x 366, whether it has 365 days or 366."""
    return day.year * 365 * 366 + (day.timetuple().tm_yday - 1) * (365 if isleap(day.year) else 366)


def _actual_365(day: date) -> int:
    """29 February weighs nothing: it begins where 1 March begins."""
    after_february = isleap(day.year) and day.month > 2
    return day.year * 365 + day.timetuple().tm_yday - after_february


def _30_360(day: date) -> int:
    """Months of 30 days; the last day of a month, whichever it is, is its 30th."""
    last = day.day == monthrange(day.year, day.month)[1]
    return day.year * 360 + (day.month - 1) * 30 + (30 if last else day.day)


COUNTS: dict[str, Callable[[date], int]] = {
    "actual": _actual,
    "actual/actual": _actual_actual,
    "actual/365": _actual_365,
    "30/360": _30_360,
}
"""A position on a line for the beginning of each day; the weight of a span is the distance between two of them."""

DAY_COUNT = ConfigKey(
    "day_count",
    choice(*COUNTS),
    "How days weigh: all alike (`actual`); every year alike (`actual/actual`); as `actual` but 29 February not at all "
    "(`actual/365`); every month as 30 days (`30/360`).",
    "actual",
)


def weight(count: str, first: date, last: date) -> int:
    """How much the days from ``first`` to ``last``, both included, weigh under a day count.

    Raises OverflowError at the calendar's end.
    """
    position = COUNTS[count]
    return position(last + DAY) - position(first)
