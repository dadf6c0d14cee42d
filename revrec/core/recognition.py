"""What every recognition method is made of: its keys, its anchor dates, and the plan that follows from them."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from itertools import groupby
from typing import Any, ClassVar, NamedTuple

from revrec.core.anchors import ANCHORS, Anchor, Events, anchor
from revrec.core.calendar import CALENDARS, NO_OFFSET, ROLLS, Calendar, Offset, roll
from revrec.core.charge_line import ChargeLine
from revrec.core.keys import OFFSET, Key, Kind, Refused, choice
from revrec.core.money import ROUNDINGS
from revrec.core.schedule import Unscheduled

MOST_PARTS = 36_600
"""The most parts of one schedule: a part a day for a hundred years."""


def _start(value: Any) -> str:
    try:
        return anchor(value).name
    except (ValueError, AttributeError, TypeError):
        raise Refused() from None


ANCHOR = Kind(
    f"one of {', '.join(ANCHORS)} or event:NAME",
    _start,
    {"type": "string", "anyOf": [{"enum": list(ANCHORS)}, {"pattern": r"^event:\s*\S"}]},
    tuple(ANCHORS),
)

COMMON_KEYS = (
    Key("method", None, "How the amount is recognised; the other keys depend on it.", required=True),
    Key("start", ANCHOR, "The date that recognition is counted from; each method has its own default."),
    Key("offset", OFFSET, "How long after the start (before, if negative) the first part falls.", NO_OFFSET),
    Key("rounding", choice(*ROUNDINGS), "Who gets the odd minor units when the amount is split.", "cumulative"),
    Key("roll", choice(*ROLLS), "Where a date goes that is no business day.", "none"),
    Key("calendar", choice(*CALENDARS), "Which days are business days.", "weekdays"),
)
"""Keys of ``[rule.recognize]`` that every method takes."""

AnchorDates = tuple[date, ...]


class Plan(NamedTuple):
    """When shares of an amount fall due: dates in order, whole-number weights, and in words how they came to be."""

    dates: tuple[date, ...]
    weights: tuple[int, ...]
    words: str


class Method(ABC):
    """A way to recognise a charge line, set up by the keys of one rule.

    It works in two steps, so that the costly second one is done once for all lines that share their dates:
    :meth:`anchors` picks the dates of the line that matter, :meth:`plan` makes the plan from them alone.
    """

    name: ClassVar[str]
    keys: ClassVar[tuple[Key, ...]] = ()

    def __init__(self, settings: Mapping[str, Any]) -> None:
        self.start: Anchor = anchor(settings.get("start") or self.default_start(settings))
        self.offset: Offset = settings.get("offset") or NO_OFFSET
        self.rounding: str = settings.get("rounding") or "cumulative"
        self.roll: str = settings.get("roll") or "none"
        self.calendar: Calendar = CALENDARS[settings.get("calendar") or "weekdays"]

    @classmethod
    def default_start(cls, settings: Mapping[str, Any]) -> str:  # noqa: ARG003 - for methods whose default depends
        """The anchor that is meant when a rule names none."""
        return "post_date"

    @classmethod
    def contradictions(cls, settings: Mapping[str, Any]) -> Iterable[tuple[str, str]]:  # noqa: ARG003 - as above
        """Keys that do not go together: (key, what is wrong and the mend)."""
        return ()

    @abstractmethod
    def anchors(self, line: ChargeLine, events: Events) -> AnchorDates | Unscheduled:
        """The dates of this line that the plan rests on, or what it waits for."""

    @abstractmethod
    def plan(self, anchors: AnchorDates) -> Plan | Unscheduled:
        """Dates and weights for these anchor dates. OverflowError means the calendar's end."""

    def first(self, day: date) -> date:
        """The start moved by the offset."""
        return self.offset.after(day, 1, self.calendar)

    def planned(self, start: date, shares: Sequence[tuple[date, int]]) -> Plan | Unscheduled:
        """A plan of (date, weight) shares in order, after the business-day roll; shares of one day become one."""
        if len(shares) > MOST_PARTS:
            return Unscheduled("impossible", f"{self.name} would make more than {MOST_PARTS} parts")
        rolled = tuple(_merged((roll(day, self.roll, self.calendar), weight) for day, weight in shares))
        dates, weights = zip(*rolled, strict=True)
        return Plan(dates, weights, self._words(start, dates))

    def _words(self, start: date, dates: Sequence[date]) -> str:
        offset = f" + {self.offset.text}" if self.offset.number else ""
        span = f"on {dates[0]}" if len(dates) == 1 else f"in {len(dates)} parts from {dates[0]} to {dates[-1]}"
        rolled = f", rolled {self.roll} by {self.calendar.name}" if self.roll != "none" else ""
        rounding = f", rounding {self.rounding}" if len(dates) > 1 else ""
        return f"{self.name} recognises it {span}, counted from {self.start.name} {start}{offset}{rolled}{rounding}"


def _merged(shares: Iterable[tuple[date, int]]) -> Iterator[tuple[date, int]]:
    for day, same in groupby(shares, key=lambda share: share[0]):
        yield day, sum(weight for _day, weight in same)


class OneDate(Method):
    """The whole amount on one date, start + offset: the common part of the point-in-time methods."""

    def anchors(self, line: ChargeLine, events: Events) -> AnchorDates | Unscheduled:
        """The start."""
        start = self.start.find(line, events)
        return (start,) if start else self.start.missing(line)

    def plan(self, anchors: AnchorDates) -> Plan | Unscheduled:
        """One part."""
        return self.planned(anchors[0], ((self.first(anchors[0]), 1),))
