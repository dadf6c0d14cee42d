"""Parts on recurring dates: the base of the methods with a steady pace."""

from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from itertools import islice, takewhile
from typing import Any

from revrec.core.aligned import AlignedPeriods, aligned_periods, days_after
from revrec.core.anchors import ANCHORS, Anchor, Events
from revrec.core.calendar import Offset, add_months, month_end, month_number
from revrec.core.charge_line import ChargeLine
from revrec.core.day_count import DAY
from revrec.core.keys import YES_OR_NO, ConfigKey, choice, whole_number
from revrec.core.recognition import MOST_PARTS, OVER_TIME, POINT_IN_TIME, AnchorDates, Method
from revrec.core.schedule import DaySpan, Plan, Unscheduled

PERIODS = ConfigKey(
    "periods", whole_number(1, 1200), "How many parts; without it they are counted from the service dates."
)
END_INCLUSIVE = ConfigKey("end_inclusive", YES_OR_NO, "Whether the last service day is part of the service.", True)
ON = ConfigKey(
    "on", choice("same_day", "first", "last", "end"), "On which day of month or span a part falls; default same_day."
)


class SeriesMethod(Method):
    """A method that makes one part every ``step``; their number is in the rule, or follows from the service dates.

    ``on`` says on which day a part falls: ``same_day``, the first day of its span, counted from the start, or the
    month's last day where it is shorter; ``end``, the last day of that span; ``first``, day 1 of its month, the first
    part on its own day; ``last``, the last day of its month, the first part in the month of the start. Parts that are
    ``aligned`` fall in calendar or fiscal periods, beginning with the one of the start, by ``first`` or ``last``. With
    ``day_offsets`` there is a part so many days after the start, or after the end of its aligned period.

    With ``last`` or ``end`` each part recognizes the days since the part before it, so a change within them divides the
    part. Any other part is earned on its date as a whole: one by ``same_day`` or ``first``, one of a rule whose
    ``transfer`` is ``point_in_time``, and one that ``roll``, ``smallest`` or ``not_before`` can move.
    """

    transfer = OVER_TIME

    def __init__(self, settings: Mapping[str, Any]) -> None:
        super().__init__(settings)
        self.step: Offset = settings.get("every") or Offset(1, "month", "1 month")
        self.aligned: AlignedPeriods | None = aligned_periods(settings, self.step)
        self.day_offsets: tuple[int, ...] = settings.get("day_offsets") or ()
        self.periods: int | None = len(self.day_offsets) or settings.get("periods")
        self.end_inclusive: bool = settings.get("end_inclusive", True)
        self.on: str = settings.get("on") or ("last" if self.aligned else "same_day")
        is_delivered = bool(self.day_offsets) or settings.get("transfer") == POINT_IN_TIME
        self.is_served_by_day = self.on in ("last", "end") and not is_delivered
        self.counts_days = self.is_served_by_day and self.roll == "none" and not self.reshapes

    @classmethod
    def default_start(cls, settings: Mapping[str, Any]) -> str:
        """Return the post date if the rule has the number of parts, else the start of the service."""
        return "post_date" if settings.get("periods") or settings.get("day_offsets") else "service_start"

    def anchors(self, line: ChargeLine, events: Events) -> AnchorDates | Unscheduled:
        """Return the start, and the service dates if the parts are counted from them."""
        if self.periods is None:
            return start_and_service(self.start, line, events)
        start = self.start.find(line, events)
        return (start,) if start else self.start.missing(line)

    def plan(self, anchors: AnchorDates) -> Plan | Unscheduled:
        """Plan the dates of the series with the weights of its parts."""
        start = anchors[0]
        begin, end = self._served(anchors)
        if end and end < begin:
            return no_service_day(begin, end)
        count = self._count(begin, end)
        dates = self.dates_of(start, count)
        return self.planned(start, list(zip(dates, self.weights(begin, end, count), strict=True)))

    def spans(self, anchors: AnchorDates) -> Sequence[DaySpan]:
        """Return the days since the part before each part; none if parts do not fall at the end of their days."""
        if not self.counts_days:
            return ()
        served, end = self._served(anchors)
        first = begin = self.first(anchors[0])
        spans = []
        for day in self.dates_of(anchors[0], self._count(served, end)):
            # The service may end before the last part falls, unless the rule counts the parts from another day.
            spans.append(DaySpan(day, begin, min(day, end) if end and served == first else day))
            begin = day + DAY
        return spans

    def period_ends(self, anchors: AnchorDates) -> Callable[[date], date]:
        """Return a function for the date of the part that recognizes a day, as if the series went on without end."""
        if aligned := self.aligned:
            return lambda day: next(aligned.since(day)).last
        ends: list[date] = []

        def end_of(day: date) -> date:
            while not ends or ends[-1] < day:
                ends.append(self.date_of(anchors[0], len(ends)))
            return ends[bisect_left(ends, day)]

        return end_of

    def _served(self, anchors: AnchorDates) -> tuple[date, date | None]:
        """Return the first and the last day of the service; no last day if the rule has the number of parts."""
        if self.periods is not None:
            return self.first(anchors[0]), None
        return anchors[1], last_service_day(anchors[2], self.end_inclusive)

    def _count(self, begin: date, end: date | None) -> int:
        return self.fitting(begin, end) if end else self.periods or 0

    def weights(self, begin: date, end: date | None, count: int) -> Sequence[int]:
        """Return the weight of each of ``count`` parts, of a service from ``begin`` to ``end`` if there is one."""
        return (1,) * count

    def dates_of(self, start: date, count: int) -> list[date]:
        """Return the dates of the first ``count`` parts."""
        first = self.first(start)
        if self.day_offsets:
            return days_after(next(self.aligned.since(first)).last if self.aligned else first, self.day_offsets)
        if self.aligned is None:
            return [self.date_of(start, index) for index in range(count)]
        periods = islice(self.aligned.since(first), count)
        return [period.last if self.on != "first" else max(period.first, first) for period in periods]

    def date_of(self, start: date, index: int) -> date:
        """Return the date of part ``index``, counted from 0.

        Months are added to the start itself, offset and all: 31 Jan + 1 month is 29 Feb, and the next is 31 Mar.
        """
        if self.on == "end":
            return self._counted(start, index + 1) - DAY
        if self.on == "same_day":
            return self._counted(start, index)
        first = self.first(start)
        month = add_months(first, self.step.number * index)
        if self.on == "last":
            return month_end(month)
        return month.replace(day=1) if index else first

    def _counted(self, start: date, index: int) -> date:
        if self.offset.unit == self.step.unit == "month":
            return Offset(self.offset.number + self.step.number * index, "month", "").after(start)
        return self.step.after(self.first(start), index, self.calendar)

    def fitting(self, begin: date, end: date) -> int:
        """Return the number of parts that begin in a service; for ``on = "last"`` as many as reach its end."""
        if self.aligned:
            touched = takewhile(lambda period: period.first <= end, self.aligned.since(begin))
            return len(list(islice(touched, MOST_PARTS + 1)))
        if self.on in ("first", "last"):
            months = month_number(end) - month_number(begin)
            return 1 + (months // self.step.number if self.on == "first" else -(-months // self.step.number))
        count = 1
        while count <= MOST_PARTS and self.step.after(begin, count, self.calendar) <= end:
            count += 1
        return count


def start_and_service(start: Anchor, line: ChargeLine, events: Events) -> AnchorDates | Unscheduled:
    """Return the start, service start and service end of a line, or the reason why it waits."""
    found = []
    for one in (start, ANCHORS["service_start"], ANCHORS["service_end"]):
        day = one.find(line, events)
        if day is None:
            return one.missing(line)
        found.append(day)
    return tuple(found)


def last_service_day(end: date, inclusive: bool) -> date:
    """Return the end itself if it is part of the service, else the day before."""
    return end if inclusive else end - DAY


def no_service_day(begin: date, end: date) -> Unscheduled:
    """Return the reason why service dates without a day cannot be scheduled."""
    return Unscheduled(
        "impossible",
        f"its service would begin on {begin} and end on {end}, which leaves no day: correct the dates with "
        "`revrec event add CHARGE service_dates DATE --name start` (or `--name end`), or the rule's start, offset "
        "or end_inclusive",
    )
