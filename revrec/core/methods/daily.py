"""An amount for each day of service."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from fractions import Fraction
from typing import Any

from revrec.core.calendar import month_end
from revrec.core.day_count import DAY, DAY_COUNT, weight
from revrec.core.keys import Key, choice
from revrec.core.recognition import MOST_PARTS
from revrec.core.span import SPAN_KEYS, Span


class Daily(Span):
    """The same amount for every day from ``start`` + ``offset`` to ``end``, both days included.

    The days run to the end of the service unless ``end`` names another date, ``days`` their number or ``term`` their
    length; ``end_inclusive = false`` leaves the end itself out. ``by = "day"`` makes a part for each day. ``by =
    "month"`` makes one part for the days of each month, on the month's last day, the last part on the last day of
    service: the same revenue a month, with fewer lines.

    ``day_count`` says what a day weighs. ``actual`` is Intacct's "exact days per period", Odoo's "Days", Zuora's and
    Recurly's daily proration; ``30/360`` is Odoo's "Months", in which every whole month weighs the same.

    With ``term`` the service is cut into terms of the same amount, each a span of its own: three years at
    ``term = "1 year"`` earn a third in each year, leap year or not. ``renews = 2`` says that the amount, such as an
    activation fee, is earned over the term and the two renewals that are expected.

    Keys: ``end`` (default ``service_end``), ``days`` or ``term``, ``renews``, ``end_inclusive``, ``by`` (default
    ``day``), ``day_count``, ``start`` (default ``post_date`` with ``days``, else ``service_start``), ``offset``,
    ``rounding``, ``roll``, ``calendar``.

    Example::

        [rule.recognize]
        method = "daily"
        by = "month"

    Source: ASC 606-10-25-27(a) and 25-31 (IFRS 15.35(a) and 39): the customer receives the benefit day by day; for
    ``renews`` ASC 606-10-55-51 (IFRS 15.B49), fees that cannot be given back.
    """

    name = "daily"
    keys = (
        *SPAN_KEYS,
        Key("by", choice("day", "month"), "A part for each day, or for the days of each month.", "day"),
        DAY_COUNT,
    )

    def __init__(self, settings: Mapping[str, Any]) -> None:
        super().__init__(settings)
        self.by: str = settings.get("by") or "day"
        self.day_count: str = settings.get("day_count") or "actual"

    def shares(self, first: date, last: date) -> Sequence[tuple[date, Fraction | int]]:
        """What each day weighs, or the days of each month together."""
        pieces = _months(first, last) if self.by == "month" else _days(first, last)
        return [(end, weight(self.day_count, begin, end)) for begin, end in pieces]


def _days(first: date, last: date) -> Iterator[tuple[date, date]]:
    for index in range(min((last - first).days + 1, MOST_PARTS + 1)):
        day = first + timedelta(days=index)
        yield day, day


def _months(first: date, last: date) -> Iterator[tuple[date, date]]:
    """The first and last day in each month."""
    while first <= last:
        end = min(month_end(first), last)
        yield first, end
        if end == last:
            return
        first = end + DAY
