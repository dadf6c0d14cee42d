"""Calendar arithmetic: offsets such as ``2 business days``, month ends, and business-day rolls."""

import re
from datetime import date, timedelta
from functools import lru_cache
from typing import NamedTuple, Protocol

from dateutil.relativedelta import relativedelta

ROLLS = ("none", "following", "preceding", "modified_following")
"""What happens to a date on a day that is no business day: see :func:`roll`."""

LONGEST_DAYS = 36_600
"""The longest offset, a hundred years: a limit on what a slip of the keyboard can do."""

_DAY = timedelta(days=1)
_LAST_OF_MONTH = relativedelta(day=31)
_OFFSET = re.compile(r"([+-]?)\s*(\d{1,6})\s+(business\s+day|day|week|month|year)s?", re.IGNORECASE)
_DAYS_OF = {"business day": 1, "day": 1, "week": 7, "month": 31, "year": 366}


class Calendar(Protocol):
    """Tells business days from the others; holiday calendars of countries take this shape."""

    name: str
    version: str
    """What a rule's version says of the calendar that it uses; empty if there is nothing to say."""

    def is_business_day(self, day: date) -> bool:
        """Whether banks and books are open on ``day``."""
        ...

    def holiday(self, day: date) -> str:
        """The name of the holiday on ``day``; empty if there is none."""
        ...


class Weekdays:
    """Every Monday to Friday is a business day; there are no holidays."""

    name = "weekdays"
    version = ""

    def is_business_day(self, day: date) -> bool:
        """Monday to Friday."""
        return day.weekday() < 5

    def holiday(self, day: date) -> str:
        """None has a name."""
        return ""


WEEKDAYS = Weekdays()


class Offset(NamedTuple):
    """A signed distance: ``number`` days, business days or months (``unit``); weeks are days here, years months."""

    number: int
    unit: str
    text: str

    def after(self, anchor: date, times: int = 1, calendar: Calendar = WEEKDAYS) -> date:
        """The date ``times`` offsets after ``anchor``, counted in one go so that month ends do not drift.

        Raises OverflowError beyond the years 1 to 9999.
        """
        number = self.number * times
        if self.unit == "month":
            return add_months(anchor, number)
        if self.unit == "day":
            return anchor + timedelta(days=number)
        return add_business_days(anchor, number, calendar)


NO_OFFSET = Offset(0, "day", "0 days")


def parse_offset(text: str) -> Offset:
    """Read ``7 days``, ``2 business days``, ``1 month``, ``-3 weeks`` or ``1 year``. Raises ValueError."""
    found = _OFFSET.fullmatch(text.strip())
    if not found:
        raise ValueError('an offset such as "7 days", "2 business days", "1 month", "-3 weeks" or "1 year"')
    sign, figures, unit = found.groups()
    unit = " ".join(unit.lower().split())
    count = int(sign + figures)
    if abs(count) * _DAYS_OF[unit] > LONGEST_DAYS:
        raise ValueError("an offset of at most a hundred years")
    words = " ".join(text.split())
    if unit == "week":
        return Offset(count * 7, "day", words)
    if unit == "year":
        return Offset(count * 12, "month", words)
    return Offset(count, unit, words)


@lru_cache(maxsize=65_536)
def iso(day: date) -> str:
    """``2024-03-28``. Remembered, since the same days recur in schedule after schedule."""
    return day.isoformat()


def month_end(day: date) -> date:
    """The last day of the month of ``day``."""
    return day + _LAST_OF_MONTH


def month_number(day: date) -> int:
    """Months since the year 0, so that the difference of two months is a subtraction."""
    return day.year * 12 + day.month - 1


def add_months(day: date, months: int) -> date:
    """The same day ``months`` later, or that month's last day: 31 Jan + 1 = 29 Feb, + 2 = 31 Mar.

    Raises OverflowError beyond the years 1 to 9999.
    """
    try:
        return day + _months(months)
    except ValueError:
        raise OverflowError("date value out of range") from None


@lru_cache(maxsize=1024)
def _months(count: int) -> relativedelta:
    return relativedelta(months=count)


def add_business_days(day: date, count: int, calendar: Calendar = WEEKDAYS) -> date:
    """The ``count``-th business day after (before, if negative) ``day``; 0 leaves the day as it is."""
    step = _DAY if count > 0 else -_DAY
    left = abs(count)
    if calendar is WEEKDAYS and left > 5:
        # Whole weeks in one go, from a weekday: long series would otherwise cost the square of their length.
        while day.weekday() >= 5:
            day -= step
        day, left = day + (left // 5) * 7 * step, left % 5
    while left:
        day += step
        left -= calendar.is_business_day(day)
    return day


def roll(day: date, rule: str, calendar: Calendar = WEEKDAYS) -> date:
    """Move a day that is no business day: to the next (``following``) or last (``preceding``) one.

    ``modified_following`` takes the next unless it lies in another month, then the last; ``none`` leaves it.
    """
    if rule == "none" or calendar.is_business_day(day):
        return day
    if rule == "preceding":
        return add_business_days(day, -1, calendar)
    later = add_business_days(day, 1, calendar)
    if rule == "modified_following" and later.month != day.month:
        return add_business_days(day, -1, calendar)
    return later
