"""Read dates and periods as people type them: ``2024-03-28``, ``2024-03``, ``2024-Q1``, ``last month``, ``today``."""

import re
from datetime import MAXYEAR, MINYEAR, date, timedelta
from typing import NamedTuple

EXAMPLES = "2024-03-28, 2024-03, 2024-Q1, 2024, today, yesterday or last month"


class DateSpan(NamedTuple):
    """A day, month, quarter or year, by its first and last day."""

    first: date
    last: date

    @property
    def is_day(self) -> bool:
        """Return whether it is a single day."""
        return self.first == self.last


_DAYS = {"today": 0, "yesterday": -1, "tomorrow": 1}
_MONTHS = {"month": 1, "quarter": 3, "year": 12}
_SHIFTS = {"last": -1, "this": 0, "next": 1}
_MONTH = re.compile(r"(\d{4})-?(\d\d)", re.ASCII)
_QUARTER = re.compile(r"(\d{4})-?q([1-4])", re.ASCII)
_YEAR = re.compile(r"\d{4}", re.ASCII)


def read_span(text: str, today: date) -> DateSpan | None:
    """Return the day or calendar period that a text means, None if it means none.

    Quarters and years are calendar ones. ``last month`` and the like count from ``today``.
    """
    words = " ".join(text.lower().replace("_", " ").split())
    if words in _DAYS:
        day = today + timedelta(days=_DAYS[words])
        return DateSpan(day, day)
    try:
        return _relative(words, today) or _named(words) or _iso_day(words)
    except ValueError:
        return None


def _relative(words: str, today: date) -> DateSpan | None:
    which, _space, unit = words.partition(" ")
    if which not in _SHIFTS or unit not in _MONTHS:
        return None
    months = _MONTHS[unit]
    number = 12 * today.year + today.month - 1
    return _months((number // months + _SHIFTS[which]) * months, months)


def _named(words: str) -> DateSpan | None:
    if found := _QUARTER.fullmatch(words):
        return _months(12 * int(found[1]) + 3 * (int(found[2]) - 1), 3)
    if (found := _MONTH.fullmatch(words)) and 1 <= int(found[2]) <= 12:
        return _months(12 * int(found[1]) + int(found[2]) - 1, 1)
    return _months(12 * int(words), 12) if _YEAR.fullmatch(words) else None


def _iso_day(words: str) -> DateSpan:
    day = date.fromisoformat(words.upper())
    return DateSpan(day, day)


def _months(first: int, count: int) -> DateSpan:
    """Return the span of ``count`` months from the month with this number; 12 times the year is its January."""
    start = date(first // 12, first % 12 + 1, 1)
    after = first + count
    last = date.max if after // 12 > MAXYEAR else date(max(after // 12, MINYEAR), after % 12 + 1, 1) - timedelta(days=1)
    return DateSpan(start, last)
