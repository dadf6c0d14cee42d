"""A part for each month of service; the first and the last month by conventions."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from fractions import Fraction
from typing import Any

from revrec.core.calendar import add_months
from revrec.core.day_count import DAY, DAY_COUNT
from revrec.core.keys import ConfigKey, choice, whole_number
from revrec.core.part_months import FIRST_PARTS, LAST_PARTS, ServiceMonth, first_share, last_share, months
from revrec.core.recognition import AnchorDates
from revrec.core.schedule import DaySpan
from revrec.core.span import SPAN_KEYS, PeriodSpanMethod


class MonthlyProrated(PeriodSpanMethod):
    """A part for each month of service: equal for whole months, by conventions for the first and the last.

    A whole month weighs one. ``first_part`` and ``last_part`` set the weight of a month that is served in part:

    - ``exact_days``: its days served, of the days of that month (Intacct "straight line, percent allocation", OCA
      prorated spread, NetSuite "prorate first & last period", iDempiere with a fixed day);
    - ``full_month``: as much as a whole month (Odoo "Full Months" for the first, OCA equal months);
    - ``half_month``: half a month;
    - ``mid_month``: a whole month if the service begins by the month's 15th day, else nothing; for the last month, if
      it ends on the 15th day or later (the mid-month cut-off);
    - ``next_month`` (``previous_month`` for the last): nothing; the service counts from the next month on, or to the
      month before;
    - ``tenths``: ERPNext's "Months": the length of the service and the first month are rounded to a tenth of a month,
      the last month has what is left.

    ``part_rate = "term"`` is Business Central's convention: a part month is charged by the day at the rate of the whole
    term, and the whole months share the rest equally (its subscription billing). Its deferral method "Straight-Line"
    is ``periods = 12``, ``on = "first"`` and ``rounding = "period"``: the amount of a period is the total divided by
    the number of periods, rounded; the first part month gets the share of its days of that amount, and the last one
    what is left (`DeferralUtilities.Codeunit.al` in microsoft/BCApps).

    With ``periods`` the service lasts that many months, and if it does not begin on a month's first day, the last
    month weighs what the first one left of its month; with ``rounding = "period"`` also if the service dates are whole
    months from day to day. ``month_end = 15`` cuts months after the 15th (iDempiere's fixed
    recognition day). ``on`` sets the day of a part in its month: ``last``, its last day; ``end``, the same but the
    last part on the last day of service (ERPNext); ``first``, its first day served (Business Central).

    Keys: ``periods`` or ``end`` (default ``service_end``), ``days`` or ``term``, ``renews``, ``end_inclusive``,
    ``first_part``, ``last_part``, ``part_rate``, ``month_end``, ``on``, ``day_count``, ``start`` (default
    ``service_start``; ``post_date`` with ``periods`` or ``days``), ``offset``, ``rounding``, ``roll``, ``calendar``.

    Example::

        [rule.recognize]
        method = "monthly_prorated"
        first_part = "half_month"
        last_part = "half_month"

    Source: ASC 606-10-25-31 and 55-20 (IFRS 15.39 and B18), straight line where effort is spent evenly.
    """

    name = "monthly_prorated"
    keys = (
        ConfigKey("periods", whole_number(1, 1200), "How many months the service lasts, instead of an end."),
        *SPAN_KEYS,
        ConfigKey(
            "first_part", choice(*FIRST_PARTS, "tenths"), "What the first month weighs if served in part.", "exact_days"
        ),
        ConfigKey(
            "last_part", choice(*LAST_PARTS), "What the last month weighs if served in part; default exact_days."
        ),
        ConfigKey("part_rate", choice("month", "term"), "Whose daily rate a part month is paid at.", "month"),
        ConfigKey(
            "month_end",
            whole_number(1, 31),
            "The day after which a month is cut; the last one where it is shorter.",
            31,
        ),
        ConfigKey("on", choice("last", "end", "first"), "On which day of its month a part falls.", "last"),
        DAY_COUNT,
    )

    def __init__(self, settings: Mapping[str, Any]) -> None:
        super().__init__(settings)
        self.first_part: str = settings.get("first_part") or "exact_days"
        self.last_part: str | None = settings.get("last_part")
        self.part_rate: str = settings.get("part_rate") or "month"
        self.month_end: int = settings.get("month_end") or 31
        self.on: str = settings.get("on") or "last"
        self.day_count: str = settings.get("day_count") or "actual"
        self.counts_days = self.on != "first"

    @classmethod
    def contradictions(cls, settings: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
        """Report keys that have no effect."""
        yield from super().contradictions(settings)
        if settings.get("periods") and settings.get("last_part"):
            yield "last_part", "has no say beside periods: the last month weighs what the first one left"
        if settings.get("first_part") == "tenths" and settings.get("last_part"):
            yield "last_part", 'has no say beside first_part = "tenths": the last month has what is left'
        if settings.get("part_rate") == "term" and (settings.get("first_part") or "exact_days") != "exact_days":
            yield "part_rate", 'pays part months by exact days: leave first_part out, or write part_rate = "month"'
        if settings.get("part_rate") == "term" and (settings.get("last_part") or "exact_days") != "exact_days":
            yield "part_rate", 'pays part months by exact days: leave last_part out, or write part_rate = "month"'

    def last(self, first: date, anchors: AnchorDates) -> date:
        """Return the last day of service."""
        return add_months(first, self.periods) - DAY if self.periods else super().last(first, anchors)

    def shares(self, first: date, last: date) -> Sequence[tuple[date, Fraction | int]]:
        """Return the months and their weights."""
        slices = list(months(first, last, self.month_end))
        weights = self._weights(slices)
        if not any(weights):
            weights[-1] = Fraction(1)
        return [(self._date(one), weight) for one, weight in zip(slices, weights, strict=True)]

    def days_of(self, first: date, last: date) -> Sequence[DaySpan]:
        """Return the days of each month, if its part falls at the end of them."""
        if self.on == "first":
            return ()
        return [DaySpan(self._date(one), one.first, one.last) for one in months(first, last, self.month_end)]

    def period_ends(self, anchors: AnchorDates) -> Callable[[date], date]:
        """Return a function for the last day of the month of a day, where ``month_end`` cuts it."""
        return lambda day: next(months(day, day, self.month_end)).end

    def _date(self, one: ServiceMonth) -> date:
        return {"last": one.end, "end": one.last, "first": one.first}[self.on]

    def _weights(self, slices: list[ServiceMonth]) -> list[Fraction]:
        if len(slices) == 1:
            return [Fraction(1)]
        if self.first_part == "tenths":
            return _tenths(slices)
        if self.part_rate == "term":
            return self._at_the_rate_of_the_term(slices)
        weights = [Fraction(1)] * len(slices)
        if not slices[0].is_whole():
            weights[0] = first_share(self.first_part, slices[0], self.day_count)
        if not slices[-1].is_whole():
            rest = 1 - weights[0] if self._is_months_long(slices) and not slices[0].is_whole() else None
            weights[-1] = (
                last_share(self.last_part or "exact_days", slices[-1], self.day_count) if rest is None else rest
            )
        return weights

    def _is_months_long(self, slices: list[ServiceMonth]) -> bool:
        """Check whether the last month weighs what the first one left: the service lasts a number of months."""
        if self.rounding != "period" or self.last_part:
            return bool(self.periods)
        return add_months(slices[0].first, len(slices) - 1) == slices[-1].last + DAY

    def _at_the_rate_of_the_term(self, slices: list[ServiceMonth]) -> list[Fraction]:
        days = [one.days(self.day_count) for one in slices]
        whole_months = sum(one.is_whole() for one in slices)
        rest = sum(served for served, one in zip(days, slices, strict=True) if one.is_whole())
        return [
            Fraction(rest, whole_months) if one.is_whole() else Fraction(served)
            for served, one in zip(days, slices, strict=True)
        ]


def _tenths(slices: list[ServiceMonth]) -> list[Fraction]:
    """Return tenths of a month by differences of dates, as ERPNext counts them (a month of 31 days is 30 long)."""
    served = (slices[-1].last - slices[0].first).days
    left = _rounded(Fraction(10 * len(slices) * served, (slices[-1].end - slices[0].begin).days))
    weights = []
    for one in slices[:-1]:
        share = Fraction((one.last - one.first).days, (one.end - one.begin).days)
        weights.append(min(_rounded(10 * share), left))
        left -= weights[-1]
    return [*weights, left]


def _rounded(value: Fraction) -> Fraction:
    """Round to a whole number, halves up."""
    return Fraction((2 * value.numerator + value.denominator) // (2 * value.denominator))
