"""Calendar arithmetic: offsets such as ``2 business days``, month ends, and business-day rolls."""

import re
from calendar import monthrange
from datetime import MAXYEAR, MINYEAR, date, timedelta
from functools import lru_cache
from typing import NamedTuple, Protocol

ROLLS = ("none", "following", "preceding", "modified_following")
"""How a date that is not a business day is moved: see :func:`roll`."""

LONGEST_DAYS = 36_600
"""The longest offset, a hundred years, so that a typing error cannot plan a schedule of millennia."""

_DAY = timedelta(days=1)
_OFFSET = re.compile(r"([+-]?)\s*(\d{1,6})\s+(business\s+day|day|week|month|year)s?", re.IGNORECASE)
_DAYS_OF = {"business day": 1, "day": 1, "week": 7, "month": 31, "year": 366}


class Calendar(Protocol):
    """A calendar of business days; holiday calendars of countries implement it."""

    name: str
    version: str
    """A text that identifies the calendar's content in a rule's version; empty if the content cannot change."""

    def is_business_day(self, day: date) -> bool:
        """Check whether ``day`` is a business day."""
        ...

    def holiday(self, day: date) -> str:
        """Return the name of the holiday on ``day``; empty if it is not one."""
        ...


class Weekdays:
    """A calendar without holidays: every Monday to Friday is a business day."""

    name = "weekdays"
    version = ""

    def is_business_day(self, day: date) -> bool:
        """Check whether ``day`` is a Monday to Friday."""
        return day.weekday() < 5

    def holiday(self, day: date) -> str:
        """Return an empty name: this calendar has no holidays."""
        return ""


WEEKDAYS = Weekdays()


class Offset(NamedTuple):
    """A signed distance: ``number`` days, business days or months (``unit``); weeks are days here, years months."""

    number: int
    unit: str
    text: str

    def after(self, anchor: date, times: int = 1, calendar: Calendar = WEEKDAYS) -> date:
        """Return the date ``times`` offsets after ``anchor``, counted in one step so that month ends do not drift.

        Raises:
            OverflowError: the date is outside the years 1 to 9999.
        """
        number = self.number * times
        if self.unit == "month":
            return add_months(anchor, number)
        if self.unit == "day":
            return anchor + timedelta(days=number)
        return add_business_days(anchor, number, calendar)


NO_OFFSET = Offset(0, "day", "0 days")


def parse_offset(text: str) -> Offset:
    """Read ``7 days``, ``2 business days``, ``1 month``, ``-3 weeks`` or ``1 year``.

    Raises:
        ValueError: the text is not an offset, or longer than a hundred years.
    """
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
    """Return a date as ``2024-03-28``. Cached, since the same days recur in schedule after schedule."""
    return day.isoformat()


@lru_cache(maxsize=65_536)
def day_of(text: str) -> date:
    """Return the date of a text such as ``2024-03-28``. Cached, as :func:`iso` is."""
    return date.fromisoformat(text)


def month_end(day: date) -> date:
    """Return the last day of the month of ``day``."""
    return day.replace(day=monthrange(day.year, day.month)[1])


def month_number(day: date) -> int:
    """Return the months since the year 0, so that the distance of two months is a subtraction."""
    return day.year * 12 + day.month - 1


def add_months(day: date, months: int) -> date:
    """Return the same day ``months`` later, or that month's last day: 31 Jan + 1 = 29 Feb, + 2 = 31 Mar.

    Raises:
        OverflowError: the date is outside the years 1 to 9999.
    """
    year, before = divmod(month_number(day) + months, 12)
    if not MINYEAR <= year <= MAXYEAR:
        raise OverflowError("date value out of range")
    month = before + 1
    # Every month has 28 days, so that most dates need no look at the length of theirs.
    return date(year, month, day.day if day.day <= 28 else min(day.day, monthrange(year, month)[1]))


def add_business_days(day: date, count: int, calendar: Calendar = WEEKDAYS) -> date:
    """Return the ``count``-th business day after (before, if negative) ``day``; 0 returns the day itself."""
    step = _DAY if count > 0 else -_DAY
    left = abs(count)
    if calendar is WEEKDAYS and left > 5:
        # Skip whole weeks at once, from a weekday: stepping day by day costs long series the square of their length.
        while day.weekday() >= 5:
            day -= step
        day, left = day + (left // 5) * 7 * step, left % 5
    while left:
        day += step
        left -= calendar.is_business_day(day)
    return day


def roll(day: date, rule: str, calendar: Calendar = WEEKDAYS) -> date:
    """Move a day that is not a business day to the next (``following``) or the previous one (``preceding``).

    ``modified_following`` uses the next unless it is in another month, then the previous; ``none`` keeps the day.
    """
    if rule == "none" or calendar.is_business_day(day):
        return day
    if rule == "preceding":
        return add_business_days(day, -1, calendar)
    later = add_business_days(day, 1, calendar)
    if rule == "modified_following" and later.month != day.month:
        return add_business_days(day, -1, calendar)
    return later
