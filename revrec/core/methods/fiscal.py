"""Parts by the periods of a fiscal calendar of weeks."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from fractions import Fraction
from itertools import islice
from typing import Any

from revrec.core.aligned import WEEK_53
from revrec.core.day_count import DAY
from revrec.core.fiscal import PATTERNS, PLAIN, FiscalCalendar, FiscalPeriod, YearEnd, year_end
from revrec.core.keys import ConfigKey, RejectedValue, ValueKind, choice, whole_number
from revrec.core.recognition import MOST_PARTS, AnchorDates
from revrec.core.schedule import DaySpan
from revrec.core.span import SPAN_KEYS, PeriodSpanMethod


def _year_end(value: Any) -> YearEnd:
    try:
        return year_end(value)
    except (ValueError, AttributeError):
        raise RejectedValue() from None


YEAR_END = ValueKind(
    'a year end such as "last saturday of december" or "saturday nearest january 31"', _year_end, {"type": "string"}
)


class Fiscal(PeriodSpanMethod):
    """A part for each period of a fiscal calendar of weeks that the service touches.

    ``pattern`` is the number of weeks of the periods: ``4-4-5``, ``4-5-4`` (the retail calendar) or ``5-4-4`` in each
    quarter, or ``13`` periods of four weeks. ``year_end`` is the end of a year: ``last saturday of december``, or
    ``saturday nearest january 31``, with any weekday and month; the next year begins the day after. Years that have 53
    weeks by that rule get the 53rd in the period ``week_53``, by default the last one.

    A part is proportional to the days of service in its period (``weigh = "days"``), or all are equal (``periods``,
    the default if ``periods`` is their number: that many whole periods, beginning with the one of the start). With
    ``weigh = "part_periods"`` whole periods are equal and a part period weighs the share of its days in service; with
    ``periods`` the last one then weighs what the first one left of its period, as for ``monthly_prorated``. ``on``
    sets the day of a part in its period: ``last``, its last day; ``end``, the same but the last part on the last day
    of service; ``first``, its first day served. `revrec rules calendar RULE YEAR` prints the periods.

    Keys: ``pattern`` (required), ``year_end`` (default ``last saturday of december``), ``week_53``, ``periods`` or
    ``end`` (default ``service_end``), ``days`` or ``term``, ``renews``, ``end_inclusive``, ``weigh``, ``on``, ``start``
    (default ``service_start``; ``post_date`` with ``periods`` or ``days``), ``offset``, ``rounding``, ``roll``,
    ``calendar``.

    Example::

        [rule.recognize]
        method = "fiscal"
        pattern = "4-4-5"
        year_end = "last saturday of december"

    Source: ASC 606-10-25-31 (IFRS 15.39), by the entity's own reporting periods.
    """

    name = "fiscal"
    keys = (
        ConfigKey(
            "pattern", choice(*PATTERNS), "The weeks of the periods of each quarter, or 13 periods.", required=True
        ),
        ConfigKey("year_end", YEAR_END, f"The last day of the fiscal year; default {PLAIN}."),
        WEEK_53,
        ConfigKey("periods", whole_number(1, 1200), "How many whole periods, instead of an end."),
        *SPAN_KEYS,
        ConfigKey(
            "weigh",
            choice("days", "periods", "part_periods"),
            "Whether a part is as large as its days of service, or all alike, or alike except for part periods.",
        ),
        ConfigKey("on", choice("last", "end", "first"), "On which day of its period a part falls.", "last"),
    )

    def __init__(self, settings: Mapping[str, Any]) -> None:
        super().__init__(settings)
        self.fiscal = FiscalCalendar(
            settings["pattern"], settings.get("year_end") or year_end(PLAIN), settings.get("week_53")
        )
        self.weigh: str = settings.get("weigh") or ("periods" if self.periods else "days")
        self.on: str = settings.get("on") or "last"
        self.counts_days = self.on != "first"

    @classmethod
    def contradictions(cls, settings: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
        """Report a ``week_53`` beyond the periods of the pattern."""
        yield from super().contradictions(settings)
        count = len(PATTERNS[settings["pattern"]])
        if (settings.get("week_53") or 1) > count:
            yield "week_53", f"must be at most {count}: a year has so many periods"

    def last(self, first: date, anchors: AnchorDates) -> date:
        """Return the last day of service."""
        if self.periods is None:
            return super().last(first, anchors)
        whole = next(islice(self.fiscal.since(first), self.periods - 1, None))
        into = (first - next(self.fiscal.since(first)).first).days
        if self.weigh != "part_periods" or not into:
            return whole.last
        after = next(self.fiscal.since(whole.last + DAY))
        return after.first + timedelta(days=min(into, (after.last - after.first).days) - 1)

    def shares(self, first: date, last: date) -> Sequence[tuple[date, Fraction | int]]:
        """Return the periods with their days of service as weights, or with equal weights."""
        found = [
            (span.falls_on, self._weight(period, (span.last - span.first).days + 1))
            for period, span in self._spans(first, last)
        ]
        if self.weigh == "part_periods" and self.periods:
            found[-1] = (found[-1][0], self.periods - sum(weight for _day, weight in found[:-1]))
        return found

    def days_of(self, first: date, last: date) -> Sequence[DaySpan]:
        """Return the days of each period, if its part falls at the end of them."""
        return () if self.on == "first" else [span for _period, span in self._spans(first, last)]

    def _spans(self, first: date, last: date) -> Iterator[tuple[FiscalPeriod, DaySpan]]:
        """Yield the periods of a service, each with its days of service and the date of its part."""
        for period in self._touched(first, last):
            begin, end = max(period.first, first), min(period.last, last)
            falls_on = {"last": period.last, "end": end, "first": begin}[self.on]
            yield period, DaySpan(falls_on, begin, end)

    def period_ends(self, anchors: AnchorDates) -> Callable[[date], date]:
        """Return a function for the last day of the period of a day."""
        return lambda day: next(self.fiscal.since(day)).last

    def _weight(self, period: FiscalPeriod, served: int) -> Fraction | int:
        if self.weigh == "part_periods":
            return Fraction(served, (period.last - period.first).days + 1)
        return served if self.weigh == "days" else 1

    def _touched(self, first: date, last: date) -> Iterator[FiscalPeriod]:
        for count, period in enumerate(self.fiscal.since(first)):
            if period.first > last or count > MOST_PARTS:
                return
            yield period
