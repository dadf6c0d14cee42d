"""Fiscal calendars of whole weeks: 4-4-5 and similar, thirteen periods, years of 52 or 53 weeks."""

import re
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from functools import lru_cache
from typing import NamedTuple

from revrec.core.calendar import month_end

PATTERNS = {"4-4-5": (4, 4, 5) * 4, "4-5-4": (4, 5, 4) * 4, "5-4-4": (5, 4, 4) * 4, "13": (4,) * 13}
"""The weeks of each period of a year of 52 weeks, by the pattern's name."""

PLAIN = "last saturday of december"
"""The end of a fiscal year of weeks if a rule does not say."""
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
MONTHS = (
    "january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november",
    "december",
)  # fmt: skip
_LAST = re.compile(rf"last ({'|'.join(WEEKDAYS)}) of ({'|'.join(MONTHS)})")
_NEAREST = re.compile(rf"({'|'.join(WEEKDAYS)}) nearest ({'|'.join(MONTHS)}) (\d\d?)")
_WEEK = timedelta(days=7)
_DAY = timedelta(days=1)


class YearEnd(NamedTuple):
    """The end of a fiscal year: ``text`` in words; ``of`` returns its last day by the year it is named after."""

    text: str
    of: Callable[[int], date]


def year_end(text: str) -> YearEnd:
    """Read ``last saturday of december`` or ``saturday nearest january 31``.

    Raises:
        ValueError: the text is neither.
    """
    words = " ".join(text.lower().split())
    if found := _LAST.fullmatch(words):
        weekday, month = WEEKDAYS.index(found[1]), MONTHS.index(found[2]) + 1
        return YearEnd(words, lambda year: _on_or_before(month_end(date(year, month, 1)), weekday))
    if found := _NEAREST.fullmatch(words):
        weekday, month, day = WEEKDAYS.index(found[1]), MONTHS.index(found[2]) + 1, int(found[3])
        date(2001, month, day)  # fails for a day that some years lack, such as February 29
        return YearEnd(words, lambda year: _on_or_before(date(year, month, day) + timedelta(days=3), weekday))
    raise ValueError(text)


def month_or_year_end(text: str) -> YearEnd:
    """Read the month that a fiscal year ends with, such as ``june``, or the end of a year as :func:`year_end` does.

    Raises:
        ValueError: the text is neither.
    """
    words = " ".join(text.lower().split())
    if words in MONTHS:
        month = MONTHS.index(words) + 1
        return YearEnd(words, lambda year: month_end(date(year, month, 1)))
    try:
        return year_end(words)
    except ValueError:
        known = "a month such as june, last saturday of january, or saturday nearest january 31"
        raise ValueError(f"--year-end {text}: expected {known}") from None


def _on_or_before(day: date, weekday: int) -> date:
    return day - timedelta(days=(day.weekday() - weekday) % 7)


class FiscalPeriod(NamedTuple):
    """One period of a fiscal year, both days included; ``number`` counts from 1."""

    year: int
    number: int
    first: date
    last: date

    @property
    def weeks(self) -> int:
        """Return its length in weeks."""
        return ((self.last - self.first).days + 1) // 7


class FiscalCalendar:
    """The periods of every fiscal year, by a pattern, a year end, and the period that gets a 53rd week.

    A year begins the day after the previous one ended, so it has 52 or 53 weeks. All methods raise OverflowError
    outside the years 1 to 9999.
    """

    def __init__(self, pattern: str, ends: YearEnd, week_53: int | None = None) -> None:
        self._weeks = PATTERNS[pattern]
        self._ends = ends
        self._longer = week_53 or len(self._weeks)
        self.periods = lru_cache(maxsize=256)(self._periods)

    def _end(self, year: int) -> date:
        try:
            return self._ends.of(year)
        except ValueError:
            raise OverflowError("date value out of range") from None

    def _periods(self, year: int) -> tuple[FiscalPeriod, ...]:
        """Return the periods of the fiscal year that is named after ``year``."""
        first, last = self._end(year - 1) + _DAY, self._end(year)
        extra = ((last - first).days + 1) // 7 - sum(self._weeks)
        found = []
        for number, weeks in enumerate(self._weeks, 1):
            end = first + (weeks + extra * (number == self._longer)) * _WEEK - _DAY
            found.append(FiscalPeriod(year, number, first, end))
            first = end + _DAY
        return tuple(found)

    def since(self, day: date) -> Iterator[FiscalPeriod]:
        """Yield the period that contains ``day`` and then those after it, without end."""
        year = day.year - 1
        while self._end(year) < day:
            year += 1
        while True:
            for period in self.periods(year):
                if period.last >= day:
                    yield period
            year += 1
