"""Equal parts on dates that repeat: the common part of the methods with a steady pace."""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from revrec.core.anchors import ANCHORS, Anchor, Events
from revrec.core.calendar import Offset
from revrec.core.charge_line import ChargeLine
from revrec.core.keys import YES_OR_NO, Key, whole
from revrec.core.recognition import MOST_PARTS, AnchorDates, Method, Plan
from revrec.core.schedule import Unscheduled

PERIODS = Key("periods", whole(1, 1200), "How many parts; without it they are counted from the service dates.")
END_INCLUSIVE = Key("end_inclusive", YES_OR_NO, "Whether the last service day is part of the service.", True)


class Series(Method):
    """So many equal parts, one every ``step``; their number is given, or follows from the service dates."""

    step: Offset

    def __init__(self, settings: Mapping[str, Any]) -> None:
        super().__init__(settings)
        self.periods: int | None = settings.get("periods")
        self.end_inclusive: bool = settings.get("end_inclusive", True)

    @classmethod
    def default_start(cls, settings: Mapping[str, Any]) -> str:
        """The post date if the number of parts is given, else the start of the service."""
        return "post_date" if settings.get("periods") else "service_start"

    def anchors(self, line: ChargeLine, events: Events) -> AnchorDates | Unscheduled:
        """The start; and the service dates if the parts are counted from them."""
        if self.periods is None:
            return start_and_service(self.start, line, events)
        start = self.start.find(line, events)
        return (start,) if start else self.start.missing(line)

    def plan(self, anchors: AnchorDates) -> Plan | Unscheduled:
        """Equal weights on the dates of the series."""
        start, *service = anchors
        count = self.periods
        if count is None:
            begin, end = service[0], last_service_day(service[1], self.end_inclusive)
            if end < begin:
                return no_service_day(begin, end)
            count = self.fitting(begin, end)
        return self.planned(start, [(self.date_of(start, index), 1) for index in range(count)])

    def date_of(self, start: date, index: int) -> date:
        """The date of part ``index``, counted from 0.

        Months are added to the start itself, offset and all: 31 Jan + 1 month is 29 Feb, and the next is 31 Mar.
        """
        if self.offset.unit == self.step.unit == "month":
            return Offset(self.offset.number + self.step.number * index, "month", "").after(start)
        return self.step.after(self.first(start), index, self.calendar)

    def fitting(self, begin: date, end: date) -> int:
        """How many of begin, begin + step, begin + 2 steps, ... are on or before ``end``."""
        count = 1
        while count <= MOST_PARTS and self.step.after(begin, count, self.calendar) <= end:
            count += 1
        return count


def start_and_service(start: Anchor, line: ChargeLine, events: Events) -> AnchorDates | Unscheduled:
    """The start, service start and service end of a line, or what it waits for."""
    found = []
    for one in (start, ANCHORS["service_start"], ANCHORS["service_end"]):
        day = one.find(line, events)
        if day is None:
            return one.missing(line)
        found.append(day)
    return tuple(found)


def last_service_day(end: date, inclusive: bool) -> date:
    """The end itself if it is part of the service, else the day before."""
    return end if inclusive else end - timedelta(days=1)


def no_service_day(begin: date, end: date) -> Unscheduled:
    """The answer to service dates that leave no day."""
    return Unscheduled(
        "impossible",
        f"its service would begin on {begin} and end on {end}, which leaves no day: correct the dates with "
        "`revrec event add CHARGE service_dates DATE --name start` (or `--name end`), or the rule's start, offset "
        "or end_inclusive",
    )
