"""Fiscal years, their quarters and their periods, as the periods of reports.

A fiscal year ends with a month, and its periods are months; or it has whole weeks, as in retail, and its periods have
the weeks of a pattern such as 4-4-5.
"""

import re
from collections.abc import Iterator
from datetime import date, timedelta
from typing import NamedTuple

from revrec.core.calendar import add_months
from revrec.core.fiscal import MONTHS, PATTERNS, FiscalCalendar, YearEnd, month_or_year_end

_TEXT = re.compile(r"(year|quarter|period) of (?:(\S+) )?years to (.+)")
_DAY = timedelta(days=1)
_PERIODS = {"year": 1, "quarter": 4}
USUAL_PATTERN = "4-4-5"


class FiscalSpan(NamedTuple):
    """A fiscal year, or one of its quarters or periods: its name, such as ``fy2024-Q1``, and its days."""

    name: str
    first: date
    last: date


def fiscal_length(length: str, ends: str, pattern: str = "") -> str:
    """Return the length of the periods of a report as text, such as ``quarter of years to june``.

    ``length`` is year, quarter or period. ``ends`` is a month, or as in :func:`year_end`: then the year has whole
    weeks, and ``pattern`` (default 4-4-5) says how many each period has.

    Raises:
        ValueError: it is not a length, an end or a pattern, or the pattern has no quarters.
    """
    if length not in ("year", "quarter", "period"):
        raise ValueError(f"--each {length}: --year-end goes with --each year, quarter or period")
    end = month_or_year_end(ends)
    if pattern and end.text in MONTHS:
        raise ValueError(f"--pattern {pattern}: years to {end.text} have months; patterns are of years of whole weeks")
    if end.text not in MONTHS:
        pattern = pattern or USUAL_PATTERN
    if pattern and pattern not in PATTERNS:
        raise ValueError(f"--pattern {pattern}: expected {', '.join(PATTERNS)}")
    if pattern and length == "quarter" and len(PATTERNS[pattern]) % _PERIODS[length]:
        raise ValueError(f"--each quarter: years of the pattern {pattern} have no quarters; use period or year")
    return f"{length} of {pattern + ' ' if pattern else ''}years to {end.text}"


def fiscal_spans(text: str, first: date) -> Iterator[FiscalSpan] | None:
    """Yield the periods of a length from the one that contains a day, without end; None if the text is not one."""
    found = _TEXT.fullmatch(text)
    if found is None:
        return None
    length, pattern, ends = found[1], found[2] or "", month_or_year_end(found[3])
    return _from(length, pattern, ends, first)


def _from(length: str, pattern: str, ends: YearEnd, first: date) -> Iterator[FiscalSpan]:
    year = first.year - 1
    while ends.of(year) < first:
        year += 1
    while True:
        for span in _spans_of(length, pattern, ends, year):
            if span.last >= first:
                yield span
        year += 1


def _spans_of(length: str, pattern: str, ends: YearEnd, year: int) -> Iterator[FiscalSpan]:
    """Yield the periods of a fiscal year."""
    lasts = list(_lasts(pattern, ends, year))
    each = len(lasts) // _PERIODS.get(length, len(lasts))
    begin = ends.of(year - 1) + _DAY
    for number, last in enumerate(lasts[each - 1 :: each], 1):
        part = {"year": "", "quarter": f"-Q{number}", "period": f"-P{number:02}"}[length]
        yield FiscalSpan(f"fy{year}{part}", begin, last)
        begin = last + _DAY


def _lasts(pattern: str, ends: YearEnd, year: int) -> Iterator[date]:
    """Yield the last day of each period of a fiscal year."""
    if pattern:
        yield from (one.last for one in FiscalCalendar(pattern, ends).periods(year))
        return
    begin = ends.of(year - 1) + _DAY
    yield from (add_months(begin, count) - _DAY for count in range(1, 13))
