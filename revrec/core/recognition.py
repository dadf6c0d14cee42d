"""The base of every recognition method: its keys, its anchor dates, and the plan that follows from them."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from itertools import groupby
from typing import Any, ClassVar

from revrec.core.anchors import ANCHORS, EVENT, Anchor, Events, anchor
from revrec.core.calendar import NO_OFFSET, ROLLS, WEEKDAYS, Calendar, Offset, month_end, roll
from revrec.core.charge_line import SCOPES, ChargeLine
from revrec.core.explanation import explain_split
from revrec.core.holidays import CALENDAR
from revrec.core.keys import OFFSET, YES_OR_NO, ConfigKey, RejectedValue, ValueKind, choice
from revrec.core.money import ROUNDINGS, split
from revrec.core.numbers import POSITIVE, in_minor_units
from revrec.core.policies import ON_CHANGE, ON_CREDIT, ON_MIGRATION, ON_PRICE, ON_RELEASE, SCOPE_TEXT
from revrec.core.schedule import DaySpan, Plan, SchedulePart, Unscheduled, catch_up_on, combine_small_parts

POINT_IN_TIME, OVER_TIME = "point_in_time", "over_time"
"""When control of what is sold passes to the customer (ASC 606-10-25-23 to 25-30)."""

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
    ConfigKey(
        "rounding",
        choice(*ROUNDINGS),
        "Which part gets the odd minor units when the amount is split; `period` rounds "
        "the amount of a whole period first.",
        "cumulative",
    ),
    ConfigKey("roll", choice(*ROLLS), "How a date that is not a business day is moved.", "none"),
    ConfigKey("calendar", CALENDAR, "Which days are business days; default weekdays."),
    ConfigKey("not_before", ANCHOR, "A date before which no part falls: earlier amounts are caught up on it."),
    ConfigKey(
        "on_release", choice(*ON_RELEASE), "How a release treats the parts that fell during the hold.", "catch_up"
    ),
    ConfigKey("smallest", POSITIVE, "The smallest part, in the line's currency: smaller ones are added to the next."),
    ConfigKey(
        "on_change",
        choice(*ON_CHANGE),
        "How an event that changes the dates affects amounts that are already on entries. Default: restate for a whole "
        "amount on one date, for methods that follow events and where the start is delivered or an event; else "
        "prospective.",
    ),
    ConfigKey("after_invoice", YES_OR_NO, "Whether recognition waits until the line's document is invoiced.", False),
    ConfigKey("on_credit", choice(*ON_CREDIT), "How a credit changes the plan after its day.", "prospective"),
    ConfigKey("on_price", choice(*ON_PRICE), "How a new price changes the plan after its day.", "prospective"),
    ConfigKey(
        "on_migration",
        choice(*ON_MIGRATION),
        "How a line is treated of which another system recognized more or less before the cutover than the rule plans.",
        "refuse",
    ),
    ConfigKey("scope", choice(*SCOPES), SCOPE_TEXT),
)
"""Keys of ``[rule.recognize]`` that every method accepts."""

POLICIES = (
    "pattern", "year_end", "week_53", "term", "renews", "first_part", "last_part", "part_rate", "month_end", "weigh",
    "day_count", "align", "day_offsets",
)  # fmt: skip
"""Keys of single methods that set how amounts are weighted. A schedule's explanation names them if they differ from
the default, and always names the day count."""

AnchorDates = tuple[Any, ...]
"""The dates of a line on which its plan depends; for methods that follow events, also the events' values."""


class Method(ABC):
    """A recognition method, configured by the keys of one rule.

    It works in two steps, so that the expensive second one runs once for all lines that share their dates:
    :meth:`anchors` picks the dates of the line that matter, and :meth:`plan` makes the plan from them only.
    """

    name: ClassVar[str]
    keys: ClassVar[tuple[ConfigKey, ...]] = ()
    follows: ClassVar[tuple[str, ...]] = ()
    """The kinds of event whose progress it measures."""
    transfer: ClassVar[str] = ""
    """When control passes under a rule that does not say: :data:`POINT_IN_TIME`, :data:`OVER_TIME`, or empty."""
    asks_for_transfer: ClassVar[bool] = False
    """True if its parts can be either, so that the rule has to say."""
    day_count: str = "actual"
    counts_days: bool = False
    """True if its parts are for days of service, which can be cut within a month and moved by days."""
    milestone_names: tuple[str, ...] = ()
    """The names of the milestones that it knows."""

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
        self.on_migration: str = settings.get("on_migration") or "refuse"
        self.scope: str = settings.get("scope") or ""
        self.reshapes: bool = bool(self.not_before or self.smallest)
        self._policy = "".join(f", {name} {value}" for name, value in self._policies(settings))

    def _policies(self, settings: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
        defaults = {key.name: key.default for key in self.keys}
        for name in POLICIES:
            value = settings.get(name)
            if value is not None and (value != defaults.get(name) or name == "day_count"):
                yield name, getattr(value, "text", value)

    @property
    def event_words(self) -> set[str]:
        """The words of its ``event:WORD`` anchors: kinds or names of events, whichever key names them."""
        return {one.word for one in vars(self).values() if isinstance(one, Anchor) and one.word}

    @classmethod
    def default_start(cls, settings: Mapping[str, Any]) -> str:  # noqa: ARG003 - for methods whose default depends
        """Return the name of the anchor that applies when a rule names none."""
        return "post_date"

    def default_on_change(self) -> str:
        """Return the ``on_change`` of a rule that has none.

        A wrongly recorded delivery or other event is a wrong fact; changed service dates are a changed estimate.
        """
        return "restate" if self._starts_with_event else "prospective"

    @property
    def _starts_with_event(self) -> bool:
        return self.start.name == "delivered" or self.start.name.startswith(EVENT)

    @property
    def is_dated_by_events(self) -> bool:
        """True if events decide what is recognized by which day."""
        return bool(self.follows) or self._starts_with_event

    @classmethod
    def contradictions(cls, settings: Mapping[str, Any]) -> Iterable[tuple[str, str]]:  # noqa: ARG003 - as above
        """Yield the keys that contradict each other, as (key, problem and fix)."""
        return ()

    @abstractmethod
    def anchors(self, line: ChargeLine, events: Events) -> AnchorDates | Unscheduled:
        """Return the dates of this line on which the plan depends, or the reason why it waits."""

    @abstractmethod
    def plan(self, anchors: AnchorDates) -> Plan | Unscheduled:
        """Return the plan for these anchor dates.

        Raises:
            OverflowError: a date is outside the years 1 to 9999.
        """

    def spans(self, anchors: AnchorDates) -> Sequence[DaySpan]:
        """Return the days of service that each part of a plan recognizes; none if a part cannot be cut."""
        return ()

    def period_ends(self, anchors: AnchorDates) -> Callable[[date], date]:
        """Return a function for the last day of the month, or other period, whose part recognizes a day of service."""
        return month_end

    @property
    def divides(self) -> bool:
        """Return True if it splits an amount by the weights of its plan alone, by cumulative rounding."""
        return self.rounding == "cumulative" and type(self).amounts is Method.amounts

    def amounts(self, total: int, weights: Sequence[int]) -> list[int]:
        """Split ``total`` (minor units) over the dates of a plan."""
        return split(total, weights, self.rounding)

    def dividing_weights(self, weights: Sequence[int]) -> tuple[int, ...] | None:
        """Return the weights by which cumulative rounding splits as :meth:`amounts` does; None if there are none."""
        return tuple(weights) if self.divides else None

    def explain_amounts(self, total: int, weights: Sequence[int], currency: str) -> list[str]:
        """Explain each of these amounts in a sentence."""
        return explain_split(self.amounts(total, weights), weights, self.rounding, currency)

    def reshaped(
        self, line: ChargeLine, events: Events, parts: tuple[SchedulePart, ...], first: date
    ) -> tuple[SchedulePart, ...] | Unscheduled:
        """Apply ``smallest`` and ``not_before`` to the parts of a plan that begins on ``first``."""
        if self.smallest:
            parts = combine_small_parts(parts, in_minor_units(self.smallest, line.currency), first)
        if self.not_before:
            floor = self.not_before.find(line, events)
            if floor is None:
                return self.not_before.missing(line)
            parts = catch_up_on(parts, roll(floor, self.roll, self.calendar))
        return parts

    def first(self, day: date) -> date:
        """Return the start moved by the offset."""
        return self.offset.after(day, 1, self.calendar)

    def planned(self, start: date, shares: Sequence[tuple[date, int]]) -> Plan | Unscheduled:
        """Make a plan of (date, weight) shares in order, after the business-day roll; merge shares of one day."""
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
        return (
            said + self._policy + floor + (f", parts below {self.smallest} added to the next" if self.smallest else "")
        )


def _merged(shares: Iterable[tuple[date, int]]) -> Iterator[tuple[date, int]]:
    for day, same in groupby(shares, key=lambda share: share[0]):
        yield day, sum(weight for _day, weight in same)


class PointInTimeMethod(Method):
    """A method that recognizes the whole amount on one date, start + offset."""

    transfer = POINT_IN_TIME

    def anchors(self, line: ChargeLine, events: Events) -> AnchorDates | Unscheduled:
        """Return the start."""
        start = self.start.find(line, events)
        return (start,) if start else self.start.missing(line)

    def default_on_change(self) -> str:
        """Return ``restate``: a whole amount belongs to its date and has no rest to spread."""
        return "restate"

    def plan(self, anchors: AnchorDates) -> Plan | Unscheduled:
        """Plan one part."""
        return self.planned(anchors[0], ((self.first(anchors[0]), 1),))
