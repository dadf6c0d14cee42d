"""A service from a first to a last day, possibly in terms that renew: the base of the methods over time."""

from abc import abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from fractions import Fraction
from itertools import count
from math import lcm
from typing import Any

from revrec.core.anchors import Anchor, Events, anchor
from revrec.core.calendar import Offset
from revrec.core.charge_line import ChargeLine
from revrec.core.keys import DATE, OFFSET, ConfigKey, RejectedValue, ValueKind, whole_number
from revrec.core.recognition import ANCHOR, MOST_PARTS, OVER_TIME, AnchorDates, Method
from revrec.core.recurrence import END_INCLUSIVE, last_service_day, no_service_day
from revrec.core.schedule import DaySpan, Plan, Unscheduled

WeightedDate = tuple[date, Fraction]
"""A date and its weight in proportion to the others."""


def _end(value: Any) -> Any:
    try:
        return DATE.read(value)
    except RejectedValue:
        return ANCHOR.read(value)


END = ValueKind(
    f"a date such as 2024-12-31, or {ANCHOR.wanted}",
    _end,
    {"anyOf": [DATE.schema, ANCHOR.schema]},
    ANCHOR.choices,
)

SPAN_KEYS = (
    ConfigKey("end", END, "The last day; default the end of the service."),
    ConfigKey("days", whole_number(1, MOST_PARTS), "How many days, instead of an end."),
    ConfigKey(
        "term", OFFSET, 'The length of one term, such as "1 year": instead of an end, or to cut the service by it.'
    ),
    ConfigKey(
        "renews",
        whole_number(1, 100),
        "How many times the term is expected to renew; the service ends with the last one.",
    ),
    END_INCLUSIVE,
)


class SpanMethod(Method):
    """A method that recognizes a service by weighted days. Each term is a separate span with the same amount."""

    transfer = OVER_TIME

    def __init__(self, settings: Mapping[str, Any]) -> None:
        super().__init__(settings)
        end = settings.get("end") or "service_end"
        self.end: date | Anchor = end if isinstance(end, date) else anchor(end)
        self.days: int | None = settings.get("days")
        self.term: Offset | None = settings.get("term")
        self.renews: int | None = settings.get("renews")
        self.end_inclusive: bool = settings.get("end_inclusive", True)

    @classmethod
    def default_start(cls, settings: Mapping[str, Any]) -> str:
        """Return the post date if the rule has the number of days, else the start of the service."""
        return "post_date" if settings.get("days") else "service_start"

    @classmethod
    def contradictions(cls, settings: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
        """Report keys that state the end of the service twice."""
        if settings.get("end") and settings.get("days"):
            yield "days", "cannot be combined with end: keep one of them"
        if settings.get("renews"):
            if not settings.get("term"):
                yield "renews", 'needs a term, such as term = "1 year"'
            if settings.get("end") or settings.get("days"):
                yield "renews", "sets the end of the service, like end and days: keep one of them"
        if settings.get("term") and settings["term"].number <= 0:
            yield "term", 'must lead forward in time, such as "1 year"'

    def anchors(self, line: ChargeLine, events: Events) -> AnchorDates | Unscheduled:
        """Return the start, and the end if it differs from line to line; a term replaces an end that is not known."""
        start = self.start.find(line, events)
        if start is None:
            return self.start.missing(line)
        if self.days or self.renews or isinstance(self.end, date):
            return (start,)
        end = self.end.find(line, events)
        if end is None and self.term is None:
            return self.end.missing(line)
        return (start, end) if end else (start,)

    def plan(self, anchors: AnchorDates) -> Plan | Unscheduled:
        """Plan the shares of each term; every whole term has the same weight."""
        first = self.first(anchors[0])
        last = self.last(first, anchors)
        if last < first:
            return no_service_day(first, last)
        if self.term is None:
            return self.planned(anchors[0], whole_numbers(self.shares(first, last)))
        shares: list[WeightedDate] = []
        for begin, full_end in self._terms(first, last):
            end = min(full_end, last)
            own = self.shares(begin, end)
            scale = Fraction((end - begin).days + 1, (full_end - begin).days + 1) / (sum(w for _, w in own) or 1)
            shares += [(day, scale * weight) for day, weight in own]
        return self.planned(anchors[0], whole_numbers(shares))

    def spans(self, anchors: AnchorDates) -> Sequence[DaySpan]:
        """Return the days of service of each part; none if parts are rolled, combined or moved."""
        if self.roll != "none" or self.reshapes:
            return ()
        first = self.first(anchors[0])
        last = self.last(first, anchors)
        terms = [(first, last)] if self.term is None else self._terms(first, last)
        return [span for begin, end in terms for span in self.days_of(begin, min(end, last))]

    def days_of(self, first: date, last: date) -> Sequence[DaySpan]:
        """Return the days of each part, for the days from ``first`` to ``last``."""
        return ()

    def last(self, first: date, anchors: AnchorDates) -> date:
        """Return the last day of service."""
        if self.days:
            return first + timedelta(days=self.days - 1)
        if isinstance(self.end, date):
            return last_service_day(self.end, self.end_inclusive)
        if len(anchors) > 1:
            return last_service_day(anchors[1], self.end_inclusive)
        assert self.term is not None
        return self.term.after(first, 1 + (self.renews or 0)) - timedelta(days=1)

    def _terms(self, first: date, last: date) -> Iterator[tuple[date, date]]:
        """Yield the terms that begin by the last day, counted from the first one so that month ends do not drift."""
        assert self.term is not None
        for number in count():
            begin = self.term.after(first, number)
            if begin > last or number > MOST_PARTS:
                return
            yield begin, self.term.after(first, number + 1) - timedelta(days=1)

    @abstractmethod
    def shares(self, first: date, last: date) -> Sequence[tuple[date, Fraction | int]]:
        """Return the dates in order with their weights, for the days from ``first`` to ``last``."""


class PeriodSpanMethod(SpanMethod):
    """A span whose length may be a number of months or fiscal periods."""

    def __init__(self, settings: Mapping[str, Any]) -> None:
        super().__init__(settings)
        self.periods: int | None = settings.get("periods")

    @classmethod
    def default_start(cls, settings: Mapping[str, Any]) -> str:
        """Return the post date if the rule has the number of periods or days, else the start of the service."""
        return "post_date" if settings.get("periods") else super().default_start(settings)

    @classmethod
    def contradictions(cls, settings: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
        """Report a number of periods next to an end: they state the same thing twice."""
        yield from super().contradictions(settings)
        twice = [name for name in ("end", "days", "term") if settings.get(name)]
        if settings.get("periods") and twice:
            yield "periods", f"cannot be combined with {twice[0]}: keep one of them"

    def anchors(self, line: ChargeLine, events: Events) -> AnchorDates | Unscheduled:
        """Return the start, and the end unless the number of periods decides it."""
        if self.periods is None:
            return super().anchors(line, events)
        start = self.start.find(line, events)
        return (start,) if start else self.start.missing(line)


def whole_numbers(shares: Sequence[tuple[date, Fraction | int]]) -> list[tuple[date, int]]:
    """Return the same shares with whole-number weights."""
    scale = lcm(*(weight.denominator for _day, weight in shares))
    return [(day, weight.numerator * (scale // weight.denominator)) for day, weight in shares]
