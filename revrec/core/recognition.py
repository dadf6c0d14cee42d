"""What every recognition method is made of: its keys, its anchor dates, and the plan that follows from them."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from itertools import groupby
from typing import Any, ClassVar

from revrec.core.anchors import ANCHORS, EVENT, Anchor, Events, anchor
from revrec.core.calendar import NO_OFFSET, ROLLS, WEEKDAYS, Calendar, Offset, roll
from revrec.core.charge_line import ChargeLine
from revrec.core.explanation import explain_split
from revrec.core.holidays import CALENDAR
from revrec.core.keys import OFFSET, YES_OR_NO, ConfigKey, RejectedValue, ValueKind, choice
from revrec.core.money import ROUNDINGS, split
from revrec.core.numbers import POSITIVE, in_minor_units
from revrec.core.policies import ON_CHANGE, ON_CREDIT, ON_PRICE, ON_RELEASE
from revrec.core.schedule import Plan, SchedulePart, Unscheduled, catch_up_on, combine_small_parts

MOST_PARTS = 36_600
"""The most parts of one schedule: a part a day for a hundred years."""


def _start(value: Any) -> str:
    try:
        return anchor(value).name
    except (ValueError, AttributeError, TypeError):
        raise RejectedValue() from None


ANCHOR = ValueKind(
    f"one of {', '.join(ANCHORS)} or event:NAME",
    _start,
    {"type": "string", "anyOf": [{"enum": list(ANCHORS)}, {"pattern": r"^event:\s*\S"}]},
    tuple(ANCHORS),
)

COMMON_KEYS = (
    ConfigKey("method", None, "How the amount is recognized; the other keys depend on it.", required=True),
    ConfigKey("start", ANCHOR, "The date that recognition is counted from; each method has its own default."),
    ConfigKey("offset", OFFSET, "How long after the start (before, if negative) the first part falls.", NO_OFFSET),
    ConfigKey("rounding", choice(*ROUNDINGS), "Who gets the odd minor units when the amount is split.", "cumulative"),
    ConfigKey("roll", choice(*ROLLS), "Where a date goes that is no business day.", "none"),
    ConfigKey("calendar", CALENDAR, "Which days are business days; default weekdays."),
    ConfigKey("not_before", ANCHOR, "A date that no part falls before: what would is caught up on it."),
    ConfigKey(
        "on_release", choice(*ON_RELEASE), "What a release does with the parts that fell in the hold.", "catch_up"
    ),
    ConfigKey(
        "smallest", POSITIVE, "The smallest part, in the line's currency: lesser ones are held back for the next."
    ),
    ConfigKey(
        "on_change",
        choice(*ON_CHANGE),
        "What an event that changes the dates makes of what is on entries already. Default: restate for a whole amount "
        "on one date, for methods that follow events and where the start is delivered or an event; else prospective.",
    ),
    ConfigKey("after_invoice", YES_OR_NO, "Whether recognition waits until the line's document is invoiced.", False),
    ConfigKey("on_credit", choice(*ON_CREDIT), "What a credit makes of the plan after its day.", "prospective"),
    ConfigKey("on_price", choice(*ON_PRICE), "What a new price makes of the plan after its day.", "prospective"),
)
"""Keys of ``[rule.recognize]`` that every method takes."""

POLICIES = (
    "pattern", "year_end", "week_53", "term", "renews", "first_part", "last_part", "part_rate", "month_end", "weigh",
    "day_count",
)  # fmt: skip
"""Keys of single methods that say how amounts are weighed: every schedule tells them where they are not the default,
and the day count always."""

AnchorDates = tuple[Any, ...]
"""The dates of a line that its plan rests on; for methods that follow events, also what the events tell."""


class Method(ABC):
    """A way to recognize a charge line, set up by the keys of one rule.

    It works in two steps, so that the costly second one is done once for all lines that share their dates:
    :meth:`anchors` picks the dates of the line that matter, :meth:`plan` makes the plan from them alone.
    """

    name: ClassVar[str]
    keys: ClassVar[tuple[ConfigKey, ...]] = ()

    def __init__(self, settings: Mapping[str, Any]) -> None:
        self.start: Anchor = anchor(settings.get("start") or self.default_start(settings))
        self.offset: Offset = settings.get("offset") or NO_OFFSET
        self.rounding: str = settings.get("rounding") or "cumulative"
        self.roll: str = settings.get("roll") or "none"
        self.calendar: Calendar = settings.get("calendar") or WEEKDAYS
        floor = settings.get("not_before")
        self.not_before: Anchor | None = anchor(floor) if floor else None
        self.smallest: Decimal | None = settings.get("smallest")
        self.on_release: str = settings.get("on_release") or "catch_up"
        self.on_change: str = settings.get("on_change") or self.default_on_change()
        self.on_credit: str = settings.get("on_credit") or "prospective"
        self.on_price: str = settings.get("on_price") or "prospective"
        self.reshapes: bool = bool(self.not_before or self.smallest)
        self._policy = "".join(f", {name} {value}" for name, value in self._policies(settings))

    def _policies(self, settings: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
        defaults = {key.name: key.default for key in self.keys}
        for name in POLICIES:
            value = settings.get(name)
            if value is not None and (value != defaults.get(name) or name == "day_count"):
                yield name, getattr(value, "text", value)

    @classmethod
    def default_start(cls, settings: Mapping[str, Any]) -> str:  # noqa: ARG003 - for methods whose default depends
        """The anchor that is meant when a rule names none."""
        return "post_date"

    def default_on_change(self) -> str:
        """What is meant when a rule does not say what a changed date does: a delivery or another event that was
        recorded wrongly is a wrong fact, changed service dates are a changed estimate."""
        happened = self.start.name == "delivered" or self.start.name.startswith(EVENT)
        return "restate" if happened else "prospective"

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

    def amounts(self, total: int, weights: Sequence[int]) -> list[int]:
        """What of ``total`` (minor units) falls on each date of a plan."""
        return split(total, weights, self.rounding)

    def explain_amounts(self, total: int, weights: Sequence[int], currency: str) -> list[str]:
        """How each of these amounts comes to be, a sentence each."""
        return explain_split(self.amounts(total, weights), weights, self.rounding, currency)

    def reshaped(
        self, line: ChargeLine, events: Events, parts: tuple[SchedulePart, ...], first: date
    ) -> tuple[SchedulePart, ...] | Unscheduled:
        """The parts of a plan that begins on ``first``, as ``smallest`` and ``not_before`` want them."""
        if self.smallest:
            parts = combine_small_parts(parts, in_minor_units(self.smallest, line.currency), first)
        if self.not_before:
            floor = self.not_before.find(line, events)
            if floor is None:
                return self.not_before.missing(line)
            parts = catch_up_on(parts, roll(floor, self.roll, self.calendar))
        return parts

    def first(self, day: date) -> date:
        """The start moved by the offset."""
        return self.offset.after(day, 1, self.calendar)

    def planned(self, start: date, shares: Sequence[tuple[date, int]]) -> Plan | Unscheduled:
        """A plan of (date, weight) shares in order, after the business-day roll; shares of one day become one."""
        if len(shares) > MOST_PARTS:
            return Unscheduled("impossible", f"{self.name} would make more than {MOST_PARTS} parts")
        weighing = [share for share in shares if share[1]] or [(day, 1) for day, _weight in shares]
        rolled = tuple(_merged((roll(day, self.roll, self.calendar), weight) for day, weight in weighing))
        dates, weights = zip(*rolled, strict=True)
        return Plan(dates, weights, self._words(start, dates))

    def _words(self, start: date, dates: Sequence[date]) -> str:
        offset = f" + {self.offset.text}" if self.offset.number else ""
        span = f"on {dates[0]}" if len(dates) == 1 else f"in {len(dates)} parts from {dates[0]} to {dates[-1]}"
        rolled = f", rolled {self.roll} by {self.calendar.name}" if self.roll != "none" else ""
        rounding = f", rounding {self.rounding}" if len(dates) > 1 else ""
        said = f"{self.name} recognizes it {span}, counted from {self.start.name} {start}{offset}{rolled}{rounding}"
        floor = f", nothing before {self.not_before.name}" if self.not_before else ""
        return said + self._policy + floor + (f", parts below {self.smallest} held back" if self.smallest else "")


def _merged(shares: Iterable[tuple[date, int]]) -> Iterator[tuple[date, int]]:
    for day, same in groupby(shares, key=lambda share: share[0]):
        yield day, sum(weight for _day, weight in same)


class PointInTimeMethod(Method):
    """The whole amount on one date, start + offset: the common part of the point-in-time methods."""

    def anchors(self, line: ChargeLine, events: Events) -> AnchorDates | Unscheduled:
        """The start."""
        start = self.start.find(line, events)
        return (start,) if start else self.start.missing(line)

    def default_on_change(self) -> str:
        """A whole amount has no rest that could be spread: it belongs to its date."""
        return "restate"

    def plan(self, anchors: AnchorDates) -> Plan | Unscheduled:
        """One part."""
        return self.planned(anchors[0], ((self.first(anchors[0]), 1),))
