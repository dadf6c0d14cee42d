"""An amount for each day of service."""

from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from typing import Any

from revrec.core.anchors import Anchor, Events, anchor
from revrec.core.calendar import month_end
from revrec.core.charge_line import ChargeLine
from revrec.core.keys import DATE, Key, Kind, Refused, choice, whole
from revrec.core.recognition import ANCHOR, MOST_PARTS, AnchorDates, Method, Plan
from revrec.core.recurrence import END_INCLUSIVE, last_service_day, no_service_day
from revrec.core.schedule import Unscheduled


def _end(value: Any) -> Any:
    try:
        return DATE.read(value)
    except Refused:
        return ANCHOR.read(value)


END = Kind(
    f"a date such as 2024-12-31, or {ANCHOR.wanted}",
    _end,
    {"anyOf": [DATE.schema, ANCHOR.schema]},
    ANCHOR.choices,
)


class Daily(Method):
    """The same amount for every day from ``start`` + ``offset`` to ``end``, both days included.

    The days run to the end of the service unless ``end`` names another date or ``days`` their number;
    ``end_inclusive = false`` leaves the end itself out. ``by = "day"`` makes a part for each day. ``by = "month"``
    makes one part for the days of each month, on the month's last day, the last part on the last day of service:
    the same revenue a month, with fewer lines.

    Keys: ``end`` (default ``service_end``) or ``days``, ``end_inclusive``, ``by`` (default ``day``), ``start``
    (default ``post_date`` with ``days``, else ``service_start``), ``offset``, ``rounding``, ``roll``, ``calendar``.

    Example::

        [rule.recognize]
        method = "daily"
        by = "month"

    Source: ASC 606-10-25-27(a) and 25-31 (IFRS 15.35(a) and 39): the customer receives the benefit day by day.
    """

    name = "daily"
    keys = (
        Key("end", END, "The last day; default the end of the service."),
        Key("days", whole(1, MOST_PARTS), "How many days, instead of an end."),
        END_INCLUSIVE,
        Key("by", choice("day", "month"), "A part for each day, or for the days of each month.", "day"),
    )

    def __init__(self, settings: Mapping[str, Any]) -> None:
        super().__init__(settings)
        end = settings.get("end") or "service_end"
        self.end: date | Anchor = end if isinstance(end, date) else anchor(end)
        self.days: int | None = settings.get("days")
        self.end_inclusive: bool = settings.get("end_inclusive", True)
        self.by: str = settings.get("by") or "day"

    @classmethod
    def default_start(cls, settings: Mapping[str, Any]) -> str:
        """The post date if the number of days is given, else the start of the service."""
        return "post_date" if settings.get("days") else "service_start"

    @classmethod
    def contradictions(cls, settings: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
        """An end and a number of days say the same thing twice."""
        if settings.get("end") and settings.get("days"):
            yield "days", "cannot stand beside end: keep one of them"

    def anchors(self, line: ChargeLine, events: Events) -> AnchorDates | Unscheduled:
        """The start; and the end if it differs from line to line."""
        start = self.start.find(line, events)
        if start is None:
            return self.start.missing(line)
        if self.days or isinstance(self.end, date):
            return (start,)
        end = self.end.find(line, events)
        return (start, end) if end else self.end.missing(line)

    def plan(self, anchors: AnchorDates) -> Plan | Unscheduled:
        """A weight of one for each day, or the number of days for each month."""
        first = self.first(anchors[0])
        last = self._last(first, anchors)
        if last < first:
            return no_service_day(first, last)
        if self.by == "month":
            return self.planned(anchors[0], list(_months(first, last)))
        count = min((last - first).days + 1, MOST_PARTS + 1)
        return self.planned(anchors[0], [(first + timedelta(days=index), 1) for index in range(count)])

    def _last(self, first: date, anchors: AnchorDates) -> date:
        if self.days:
            return first + timedelta(days=self.days - 1)
        end = self.end if isinstance(self.end, date) else anchors[1]
        return last_service_day(end, self.end_inclusive)


def _months(first: date, last: date) -> Iterable[tuple[date, int]]:
    """The last day of each month from first to last (of the last one, ``last``) and the days up to it."""
    while first <= last:
        end = min(month_end(first), last)
        yield end, (end - first).days + 1
        if end == last:
            return
        first = end + timedelta(days=1)
