"""Day counts: the weight of each day of a service when an amount is earned by days."""

from calendar import isleap, monthrange
from collections.abc import Callable
from datetime import date, timedelta

from revrec.core.keys import ConfigKey, choice

DAY = timedelta(days=1)


def _actual(day: date) -> int:
    return day.toordinal()


def _actual_actual(day: date) -> int:
    """Return a position in which every year weighs 365 x 366, with 365 days or 366."""
    return day.year * 365 * 366 + (day.timetuple().tm_yday - 1) * (365 if isleap(day.year) else 366)


def _actual_365(day: date) -> int:
    """Return a position in which February 29 weighs nothing: it begins where March 1 begins."""
    after_february = isleap(day.year) and day.month > 2
    return day.year * 365 + day.timetuple().tm_yday - after_february


def _30_360(day: date) -> int:
    """Return a position in months of 30 days; the last day of a month is always its 30th."""
    last = day.day == monthrange(day.year, day.month)[1]
    return day.year * 360 + (day.month - 1) * 30 + (30 if last else day.day)


COUNTS: dict[str, Callable[[date], int]] = {
    "actual": _actual,
    "actual/actual": _actual_actual,
    "actual/365": _actual_365,
    "30/360": _30_360,
}
"""A position on a line for the start of each day; the weight of a span is the distance of two positions."""

DAY_COUNT = ConfigKey(
    "day_count",
    choice(*COUNTS),
    "How days weigh: all alike (`actual`); every year alike (`actual/actual`); as `actual` but 29 February not at all "
    "(`actual/365`); every month as 30 days (`30/360`).",
    "actual",
)


def weight(count: str, first: date, last: date) -> int:
    """Return the weight of the days from ``first`` to ``last``, both included, under a day count.

    Raises:
        OverflowError: ``last`` is the last day of the calendar.
    """
    position = COUNTS[count]
    return position(last + DAY) - position(first)
