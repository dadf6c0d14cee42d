"""Parts at the ends of calendar or fiscal periods, whatever day of its period a contract begins on."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from itertools import count
from typing import Any, NamedTuple

from revrec.core.calendar import Offset, add_months, month_end, month_number
from revrec.core.day_count import DAY
from revrec.core.fiscal import MONTHS, PATTERNS, PLAIN, FiscalCalendar, YearEnd, month_or_year_end
from revrec.core.keys import ConfigKey, RejectedValue, ValueKind, choice, whole_number

MOST_OFFSETS = 1200
LONGEST_DAYS = 36_600
_YEAR = 12


def _day_offsets(value: Any) -> tuple[int, ...]:
    if not isinstance(value, list) or not 0 < len(value) <= MOST_OFFSETS:
        raise RejectedValue()
    for index, one in enumerate(value):
        if type(one) is not int or not 0 <= one <= LONGEST_DAYS:
            raise RejectedValue(item=index)
        if index and one <= value[index - 1]:
            raise RejectedValue("write them in ascending order", item=index)
    return tuple(value)


def _year_end(value: Any) -> YearEnd:
    try:
        return month_or_year_end(value)
    except (ValueError, AttributeError):
        raise RejectedValue() from None


DAY_OFFSETS = ValueKind(
    "a list of days from 0 on in ascending order, such as [0, 60, 90]",
    _day_offsets,
    {
        "type": "array",
        "items": {"type": "integer", "minimum": 0, "maximum": LONGEST_DAYS},
        "minItems": 1,
        "maxItems": MOST_OFFSETS,
    },
)
FISCAL_YEAR_END = ValueKind(
    'a month such as "june", or with pattern "last saturday of december" or "saturday nearest january 31"',
    _year_end,
    {"type": "string"},
)
WEEK_53 = ConfigKey(
    "week_53", whole_number(1, 13), "The number of the period that a 53rd week belongs to; default the last."
)
ALIGNED_KEYS = (
    ConfigKey(
        "align", choice("calendar", "fiscal"), "Parts fall in calendar or fiscal periods, each `every` long; see `on`."
    ),
    ConfigKey("pattern", choice(*PATTERNS), "The weeks of the fiscal periods, as for `fiscal`."),
    ConfigKey("year_end", FISCAL_YEAR_END, "The end of the fiscal year."),
    WEEK_53,
    ConfigKey("day_offsets", DAY_OFFSETS, "Days after the start, one for each part; instead of `every`."),
)
"""Keys of the methods whose parts can be aligned with periods, or fall on a list of days."""


class AlignedPeriod(NamedTuple):
    """A calendar or fiscal period, both days included."""

    first: date
    last: date


class AlignedPeriods:
    """The periods of calendar or fiscal years: months, quarters, halves or years.

    All methods raise OverflowError outside the years 1 to 9999.
    """

    def __init__(self, months: int, ends: YearEnd, pattern: str | None = None, week_53: int | None = None) -> None:
        self._months = months
        self._ends = ends
        self._fiscal = FiscalCalendar(pattern, ends, week_53) if pattern else None
        self._together = len(PATTERNS[pattern]) * months // _YEAR if pattern else 0

    def since(self, day: date) -> Iterator[AlignedPeriod]:
        """Yield the period that contains ``day`` and then those after it, without end."""
        return self._of_weeks(self._fiscal, day) if self._fiscal else self._of_months(day)

    def _of_months(self, day: date) -> Iterator[AlignedPeriod]:
        into = (month_number(day) - month_number(self._ends.of(day.year)) - 1) % self._months
        first = add_months(day.replace(day=1), -into)
        for index in count():
            begin = add_months(first, index * self._months)
            yield AlignedPeriod(begin, month_end(add_months(begin, self._months - 1)))

    def _of_weeks(self, fiscal: FiscalCalendar, day: date) -> Iterator[AlignedPeriod]:
        inside = next(fiscal.since(day))
        for year in count(inside.year):
            periods = fiscal.periods(year)
            for at in range(0, len(periods), self._together):
                first, last = periods[at].first, periods[min(at + self._together, len(periods)) - 1].last
                if last >= day:
                    yield AlignedPeriod(first, last)


def aligned_periods(settings: Mapping[str, Any], step: Offset) -> AlignedPeriods | None:
    """Return the periods that the parts are aligned with; None if they are not."""
    if not settings.get("align"):
        return None
    pattern = settings.get("pattern")
    ends = settings.get("year_end") or month_or_year_end(PLAIN if pattern else MONTHS[-1])
    return AlignedPeriods(step.number, ends, pattern, settings.get("week_53"))


def aligned_contradictions(settings: Mapping[str, Any], parts: Sequence[str]) -> Iterable[tuple[str, str]]:
    """Yield the contradictions of the keys, as (key, problem and fix); ``parts`` are keys that also set the parts."""
    align, step, pattern, ends = (settings.get(name) for name in ("align", "every", "pattern", "year_end"))
    if settings.get("day_offsets"):
        for name in (name for name in parts if settings.get(name)):
            yield "day_offsets", f"cannot be combined with {name}: keep one of them"
    for name in ("pattern", "year_end", "week_53"):
        if settings.get(name) and align != "fiscal":
            yield name, 'is about fiscal periods: write align = "fiscal"'
    if not align:
        return
    if settings.get("on") in ("same_day", "end"):
        yield "on", "must be last or first beside align: the last or the first day of each period"
    if step and (step.unit != "month" or step.number <= 0 or _YEAR % step.number):
        yield "every", "must divide a year beside align: 1, 2, 3, 4 or 6 months, or 1 year"
    elif step and pattern == "13" and step.number not in (1, _YEAR):
        yield "every", "must be 1 month (a period) or 1 year if there are 13 periods"
    is_month = ends is not None and ends.text in MONTHS
    if align == "fiscal" and not pattern and not is_month:
        yield "align", '= "fiscal" needs a year_end such as "june", or a pattern such as "4-4-5"'
    if pattern and is_month:
        yield "year_end", 'must be by weeks beside pattern, such as "last saturday of december"'
    if (settings.get("week_53") or 1) > len(PATTERNS.get(pattern or "13", ())):
        yield "week_53", "must be at most the number of periods of a year"


def days_after(anchor: date, offsets: Iterable[int]) -> list[date]:
    """Return the dates so many days after an anchor.

    Raises:
        OverflowError: a date is outside the years 1 to 9999.
    """
    return [anchor + days * DAY for days in offsets]
