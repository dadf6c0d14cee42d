"""An amount for each day of service."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, timedelta
from fractions import Fraction
from typing import Any

from revrec.core.day_count import DAY_COUNT, weight
from revrec.core.keys import ConfigKey, choice
from revrec.core.part_months import FIRST_PARTS, LAST_PARTS, ServiceMonth, first_share, last_share, months
from revrec.core.recognition import MOST_PARTS
from revrec.core.schedule import DaySpan
from revrec.core.span import SPAN_KEYS, SpanMethod


class Daily(SpanMethod):
    """The same amount for every day from ``start`` + ``offset`` to ``end``, both days included.

    The days run to the end of the service unless ``end`` names another date, ``days`` their number or ``term`` their
    length; ``end_inclusive = false`` leaves the end itself out. ``by = "day"`` makes a part for each day. ``by =
    "month"`` makes one part for the days of each month, on the month's last day, the last part on the last day of
    service: the same revenue a month, with fewer lines.

    ``day_count`` sets the weight of a day. ``actual`` is Intacct's "exact days per period", Odoo's "Days", Zuora's and
    Recurly's daily proration; ``30/360`` is Odoo's "Months", in which every whole month weighs the same.

    With ``by = "month"`` the first and the last month may count more or fewer of their days by ``first_part`` and
    ``last_part``: ``full_month`` all of them, ``half_month`` half, ``next_month`` and ``previous_month`` none,
    ``mid_month`` all or none, as for ``monthly_prorated``.

    With ``term`` the service is cut into terms of the same amount, each a separate span: three years at
    ``term = "1 year"`` earn a third in each year, leap year or not. ``renews = 2`` says that the amount, such as an
    activation fee, is earned over the term and the two renewals that are expected.

    Keys: ``end`` (default ``service_end``), ``days`` or ``term``, ``renews``, ``end_inclusive``, ``by`` (default
    ``day``), ``first_part``, ``last_part``, ``day_count``, ``start`` (default ``post_date`` with ``days``, else
    ``service_start``), ``offset``, ``rounding``, ``roll``, ``calendar``.

    Example::

        [rule.recognize]
        method = "daily"
        by = "month"

    Source: ASC 606-10-25-27(a) and 25-31 (IFRS 15.35(a) and 39): the customer receives the benefit day by day; for
    ``renews`` ASC 606-10-55-51 (IFRS 15.B49), nonrefundable fees.
    """

    name = "daily"
    counts_days = True
    keys = (
        *SPAN_KEYS,
        ConfigKey("by", choice("day", "month"), "A part for each day, or for the days of each month.", "day"),
        ConfigKey(
            "first_part", choice(*FIRST_PARTS), "How many of its days the first month counts; default exact_days."
        ),
        ConfigKey("last_part", choice(*LAST_PARTS), "How many of its days the last month counts; default exact_days."),
        DAY_COUNT,
    )

    def __init__(self, settings: Mapping[str, Any]) -> None:
        super().__init__(settings)
        self.by: str = settings.get("by") or "day"
        self.day_count: str = settings.get("day_count") or "actual"
        self.first_part: str = settings.get("first_part") or "exact_days"
        self.last_part: str = settings.get("last_part") or "exact_days"

    @classmethod
    def contradictions(cls, settings: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
        """Report conventions for part months without ``by = "month"``."""
        yield from super().contradictions(settings)
        for name in ("first_part", "last_part"):
            if settings.get(name) and settings.get("by") != "month":
                yield name, 'is about months: write by = "month"'

    def shares(self, first: date, last: date) -> Sequence[tuple[date, Fraction | int]]:
        """Return the weight of each day, or of the days of each month together."""
        if self.by == "day":
            count = min((last - first).days + 1, MOST_PARTS + 1)
            days = (first + timedelta(days=index) for index in range(count))
            return [(day, weight(self.day_count, day, day)) for day in days]
        served = list(months(first, last))
        weights: list[Fraction | int] = [month.days(self.day_count) for month in served]
        if len(served) > 1:
            weights[0] = self._as(first_share, self.first_part, served[0])
            weights[-1] = self._as(last_share, self.last_part, served[-1])
        if not any(weights):
            weights[-1] = 1
        return [(month.last, weight) for month, weight in zip(served, weights, strict=True)]

    def days_of(self, first: date, last: date) -> Sequence[DaySpan]:
        """Return the days of each part."""
        if self.by == "month":
            return [DaySpan(one.last, one.first, one.last) for one in months(first, last)]
        days = (first + timedelta(days=index) for index in range((last - first).days + 1))
        return [DaySpan(day, day, day) for day in days]

    def _as(
        self, share: Callable[[str, ServiceMonth, str], Fraction], convention: str, month: ServiceMonth
    ) -> Fraction:
        whole = weight(self.day_count, month.begin, month.end)
        return Fraction(whole) if month.is_whole() else share(convention, month, self.day_count) * whole
