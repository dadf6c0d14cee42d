"""Constrained variable consideration: billed, but not included in the price while it may have to be given back.

The amount is the accountant's estimate: an expected value or the most likely amount. The constrained part of a line
waits in the deferred account, as a refund liability. A new estimate, or the end of the uncertainty, changes the price:
the effect on the parts up to that day is booked on the day, the rest over the parts to come. A credit or a refund was
expected, so it reduces the constrained part first and the price only beyond it.

Source: ASC 606-10-32-5 to 32-14 (IFRS 15.50 to 59), estimates and their constraint; 32-42 to 32-45 (IFRS 15.87 to 90),
changes; 55-22 to 55-29 (IFRS 15.B20 to B27), the right of return.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from operator import lt
from typing import NamedTuple

from revrec.core.anchors import Anchor, Events, known_on
from revrec.core.calendar import Offset, iso
from revrec.core.charge_line import INCLUDE, ChargeLine, FulfillmentEvent, event_command, make_event
from revrec.core.money import decimal_string
from revrec.core.numbers import in_minor_units
from revrec.core.pricing import INCREASES, PLANNED, effective_changes, order_of_change, price_of
from revrec.core.recognition import Method
from revrec.core.schedule import UNDATED, Schedule, SchedulePart, ScheduleRule, Unscheduled, covered_amount
from revrec.core.standalone import rounded

CONSTRAINT = "constraint"
"""The kind of event that records a new estimate: the percentage of the billed amount, or the amount, constrained."""
PARAGRAPH = (
    "For what is constrained: ASC 606-10-32-11 to 32-14 and 32-42 to 32-45 (IFRS 15.56 to 59 and 87 to 90): "
    "no part of the price until it is probable that it is not reversed, then a change of the price."
)


@dataclass(frozen=True, slots=True)
class Constraint:
    """A rule's constraint: ``percent`` of the line, or ``amount`` in units of its currency, for a ``reason``.

    The amount is included automatically ``until`` after the day that ``counted`` names (None: the start of the rule's
    method); without ``until``, only by events. ``costs``: the same share of the rule's costs waits.
    """

    reason: str
    percent: Decimal | None = None
    amount: Decimal | None = None
    until: Offset | None = None
    counted: Anchor | None = None
    costs: bool = False

    def of(self, line: ChargeLine, billed: int) -> int:
        """Return the amount that is constrained at the start; ``billed`` is what percentages count from (minor units).

        The line's own amount differs from it where a contract's price was allocated.
        """
        if self.percent is not None:
            return _share(self.percent, billed)
        return _signed(in_minor_units(self.amount, line.currency), billed) if self.amount is not None else 0

    def ends(self, method: Method, line: ChargeLine, events: Events) -> date | None:
        """Return the day on which it is included automatically; None if there is no such day or it is not known yet.

        Raises:
            OverflowError: the day is outside the years 1 to 9999.
        """
        begin = self._counted(method).find(line, events) if self.until else None
        return self.until.after(begin, 1, method.calendar) if self.until and begin else None

    def term(self, method: Method) -> str:
        """Return ``, until 90 days after delivered``; empty if only events include the amount."""
        return f", until {self.until.text} after {self._counted(method).name}" if self.until else ""

    def _counted(self, method: Method) -> Anchor:
        return self.counted or method.start


class ConstrainedSplit(NamedTuple):
    """A charge line reduced to the amount included in its price, with its events adjusted to that amount.

    ``left`` is what stays constrained at the end, in minor units, for a ``reason``; ``words`` explain it.
    """

    line: ChargeLine
    events: Sequence[FulfillmentEvent]
    left: int
    words: str
    reason: str

    def merge_into(self, found: Schedule | Unscheduled) -> Schedule | Unscheduled:
        """Add the constrained amount to what waits in the schedule of the included amount."""
        if isinstance(found, Unscheduled):
            return found._replace(reason=f"{found.reason}; {self.words}") if self.left else found
        said = f"{found.explanation}; {self.words}" if self.words else found.explanation
        if not self.left:
            return found._replace(explanation=said)
        waiting, waits = (*found.on_hold, SchedulePart(UNDATED, found.undated + self.left)), self.waits(found.rule)
        if found.waits:
            reason = f"{found.waits.reason}; {_money(self.left, self.line)} of it {self.reason}"
            waits = found.waits._replace(reason=reason)
        return found._replace(explanation=said, constrained=self.left, waiting=waiting, waits=waits)

    def waits(self, rule: ScheduleRule) -> Unscheduled:
        """Return why the constrained amount waits, if nothing else of the line does."""
        return Unscheduled("waiting", f'rule "{rule.name}": {self.reason}', rule)


class _PriceState(NamedTuple):
    """The price of a line including its constrained part, and that part (``left``), in minor units."""

    price: int
    left: int

    @property
    def included(self) -> int:
        return self.price - self.left


class _PriceStep(NamedTuple):
    """One event with a line's price before and after it.

    ``at`` is the event's position among the line's events; None for the automatic end of the constraint.
    """

    at: int | None
    event: FulfillmentEvent
    before: _PriceState
    after: _PriceState

    @property
    def more(self) -> int:
        """Return the increase of the included amount."""
        return self.after.included - self.before.included

    @property
    def taken(self) -> int:
        """Return the decrease of the constrained amount."""
        return self.before.left - self.after.left


def constraint_in_force(constraint: Constraint | None, events: Events) -> Constraint | None:
    """Return a rule's constraint; if the rule has none, the constraint that the line's events state, if any does."""
    if constraint or not events:
        return constraint
    adjusted = [event for event in events if event.kind == CONSTRAINT]
    return _stated(adjusted[-1].note or f"by the estimate of {iso(adjusted[-1].date)}") if adjusted else None


@lru_cache(maxsize=1024)
def _stated(reason: str) -> Constraint:
    """Return the constraint that events state: nothing at first. Many lines have the same reason."""
    return Constraint(reason)


class IncludedChange(NamedTuple):
    """A change of the included amount of a line by ``more`` minor units.

    ``event`` is a new estimate, a credit or a new price; for the end of the constraint, an event without a charge.
    """

    event: FulfillmentEvent
    more: int


def included_changes(
    constraint: Constraint | None, method: Method | None, line: ChargeLine, events: Events
) -> tuple[int, list[IncludedChange]]:
    """Return what is constrained of a line as billed at first, and the changes of what is included, in date order.

    A line without a rule has no ``method``.

    A credit that the constrained amount covers does not change what is included. Cancellations are left out: what they
    end is the line's alone.

    Raises:
        OverflowError: as :meth:`Constraint.ends`.
    """
    constraint = constraint_in_force(constraint, events)
    if constraint is None and not events:
        return 0, []
    first = covered_amount(line.amount, constraint.of(line, line.amount)) if constraint else 0
    ends = constraint.ends(method, line, events) if constraint and method else None
    turns = _price_steps(_PriceState(line.amount, first), events, ends, line.amount)
    return first, [IncludedChange(turn.event, turn.more) for turn in turns if turn.more and turn.event.kind != "cancel"]


def included_price(
    constraint: Constraint | None, method: Method, line: ChargeLine, events: Events, billed: int, day: date
) -> int:
    """Return the price of a line at the end of a day without what is constrained then, in minor units.

    Raises:
        OverflowError: as :meth:`Constraint.ends`.
    """
    return _state_on(constraint, method, line, events, billed, day).included


def constrained_on(constraint: Constraint | None, method: Method, line: ChargeLine, events: Events, day: date) -> int:
    """Return what is constrained of a line at the end of a day, in minor units, with the sign of the line.

    Raises:
        OverflowError: as :meth:`Constraint.ends`.
    """
    return _state_on(constraint, method, line, events, line.amount, day).left


def _state_on(
    constraint: Constraint | None, method: Method, line: ChargeLine, events: Events, billed: int, day: date
) -> _PriceState:
    until_then = known_on(events, day)
    constraint = constraint_in_force(constraint, until_then)
    if constraint is None:
        return _PriceState(price_of(line, until_then), 0)
    state = _PriceState(line.amount, covered_amount(line.amount, constraint.of(line, billed)))
    ends = constraint.ends(method, line, until_then)
    for turn in _price_steps(state, until_then, ends, billed):
        if turn.event.date <= day:
            state = turn.after
    return state


def split_constrained(
    constraint: Constraint | None, method: Method, line: ChargeLine, events: Events, billed: int | None = None
) -> ConstrainedSplit | None:
    """Separate the included from the constrained amount of a line and of its events; None if nothing is constrained.

    ``billed`` is what percentages count from, if it is not the line's amount, because a contract's price was allocated.
    Credits and other price changes are reduced by the amount that the constrained part covers. New estimates and the
    end of the constraint become separate events, whose amount is the increase of the included amount.

    Raises:
        OverflowError: as :meth:`Constraint.ends`.
    """
    # The rest of the engine sees an ordinary line whose price changes. If pricing knew about constraints, each of its
    # treatments would have to keep two sums, and a credit could reduce the revenue and the refund liability at once.
    constraint = constraint_in_force(constraint, events)
    return _split(constraint, method, line, events, line.amount if billed is None else billed) if constraint else None


def _split(constraint: Constraint, method: Method, line: ChargeLine, events: Events, billed: int) -> ConstrainedSplit:
    ends = constraint.ends(method, line, events)
    first = _PriceState(line.amount, covered_amount(line.amount, constraint.of(line, billed)))
    adjusted, inclusions, used, left = list(events), [], [], first.left
    for turn in _price_steps(first, events, ends, billed):
        left = turn.after.left
        if turn.event.kind == CONSTRAINT:
            # An estimate leaves the price as it is, so what is no longer constrained is included.
            if turn.taken:
                inclusions.append(_inclusion(turn.event, turn.taken))
        elif turn.at is not None:
            adjusted[turn.at] = turn.event._replace(amount=_included_amount(turn))
            if turn.taken:
                used.append(_describe_release(turn, line))
    till = f", until {ends}" if ends else constraint.term(method)
    why = f"{constraint.reason} (ASC 606-10-32-11)"
    said = [f"at first {_money(first.left, line)} of it is constrained{till}: {why}"] if first.left else []
    reason = ""
    if left:
        reason = reason_of_waiting(constraint, line, "" if ends else till)
    included = line if first.included == line.amount else line._replace(amount=first.included)
    return ConstrainedSplit(included, [*adjusted, *inclusions], left, "; ".join([*said, *used]), reason)


def reason_of_waiting(constraint: Constraint, line: ChargeLine, till: str = "") -> str:
    """Return why the constrained amount of a line waits, with how to record a new estimate."""
    fix = event_command(line, CONSTRAINT, options=" --amount N", do="record a new estimate with")
    return f"constrained{till}: {constraint.reason} (ASC 606-10-32-11); {fix}"


def _price_steps(state: _PriceState, events: Events, ends: date | None, billed: int) -> Iterator[_PriceStep]:
    for at, event in _in_order(events, ends):
        after = _after(state, event, billed)
        yield _PriceStep(at, event, state, after)
        state = after


def _in_order(events: Events, ends: date | None) -> Sequence[tuple[int | None, FulfillmentEvent]]:
    """Return the effective events with their positions, in the order in which they take effect.

    On one day credits come before estimates, and the end of the constraint, which has no position, comes last: an
    estimate states what is constrained at the end of its day.
    """
    found: list[tuple[int | None, FulfillmentEvent]] = [*effective_changes(events), *_estimates(events)]
    if ends:
        found.append((None, FulfillmentEvent(PLANNED, CONSTRAINT, ends, amount=0)))
    days = [event.date for _at, event in found]
    if not all(map(lt, days, days[1:])):
        found.sort(key=lambda one: (one[1].date, one[1].kind == CONSTRAINT, order_of_change(one[1]), one[0] is None))
    return found


def _estimates(events: Events) -> Iterable[tuple[int, FulfillmentEvent]]:
    """Return the estimate recorded last for each day."""
    return {one.date: (at, one) for at, one in enumerate(events) if one.kind == CONSTRAINT}.values()


def _after(state: _PriceState, event: FulfillmentEvent, billed: int) -> _PriceState:
    amount = event.amount or 0
    if event.kind == CONSTRAINT:
        left = _share(event.percent, billed) if event.percent is not None else _signed(amount, billed)
        return _PriceState(state.price, covered_amount(state.price, left))
    if event.kind in ("price", *INCREASES):
        price = amount if event.kind == "price" else state.price + amount
        return _PriceState(price, covered_amount(price, state.left))
    price = state.price - amount
    return _PriceState(price, covered_amount(price, state.left - covered_amount(state.left, amount)))


def _included_amount(turn: _PriceStep) -> int:
    """Return the amount of an event adjusted to the included amount."""
    if turn.event.kind == "price":
        return turn.after.included
    return turn.more if turn.event.kind in INCREASES else -turn.more


def _inclusion(event: FulfillmentEvent, more: int) -> FulfillmentEvent:
    """Turn a new estimate, or the end of the constraint, into an event that changes the included amount."""
    return make_event((event.charge, INCLUDE, event.date, None, None, more, "", "", ""))


def _share(percent: Decimal, billed: int) -> int:
    return rounded(Fraction(percent) * billed / 100)


def _signed(amount: int, billed: int) -> int:
    return -amount if billed < 0 else amount


def _describe_release(turn: _PriceStep, line: ChargeLine) -> str:
    named = f"{turn.event.kind} {turn.event.name}".strip()
    return f"{named} on {turn.event.date} uses {_money(turn.taken, line)} of the constrained amount"


def _money(amount: int, line: ChargeLine) -> str:
    return f"{decimal_string(amount, line.currency)} {line.currency}"
