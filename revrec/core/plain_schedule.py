"""The schedule of a line from a plan that other lines share, and from its changes of the price and its holds.

Most lines that change have such a schedule. It is made here without the steps of the general way
(:mod:`revrec.core.pricing` and :mod:`revrec.core.holding`), which need several times as long and decide what is right:
a property test compares the two. Whatever is out of the ordinary returns None.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from datetime import date
from operator import add, itemgetter, sub

from revrec.core.anchors import Events
from revrec.core.charge_line import ChargeLine, FulfillmentEvent
from revrec.core.constraint import CONSTRAINT, ConstrainedSplit, split_constrained
from revrec.core.holding import apply_holds, moving_holds, reason_of_hold
from revrec.core.money import decimal_string, split
from revrec.core.pricing import (
    AT_ONCE,
    PriceChange,
    amounts_divided,
    describe_price_changes,
    named_change,
    price_changes,
    treatment_of,
)
from revrec.core.recognition import Method
from revrec.core.same_changes import spread_price, template
from revrec.core.same_estimates import estimated_price
from revrec.core.schedule import (
    PlainSchedule,
    RecordedPlan,
    Schedule,
    Unscheduled,
    explained,
    make_plain,
    parts_on,
    total_of,
    weights_in_force,
)


def plain_schedule(plan: RecordedPlan, line: ChargeLine, changing: Events, method: Method) -> PlainSchedule | None:
    """Return the schedule of a line after ``changing``, its events that are not reports; None if it is not plain.

    ``method`` is the method of the plan's rule.
    """
    found = plan.divide(line.amount)
    if found is None or (changing and not plan.is_changeable):
        return None
    amounts, undated = found
    if not changing:
        waits = explained(plan.waits.of(line), plan.rule) if plan.waits else None
        parts = tuple(zip(plan.dates, amounts, strict=True))
        return PlainSchedule(plan, parts, undated, waits, plan.explanation, line.amount, is_whole=waits is None)
    if len(changing) == 1 and changing[0].kind == "hold":
        parts = tuple(zip(plan.dates, amounts, strict=True))
        whole = PlainSchedule(plan, parts, 0, None, plan.explanation, line.amount, carried=len(parts))
        return _stopped(whole, line, changing[0])
    if CONSTRAINT in [event.kind for event in changing]:
        estimated = estimated_price(plan, line, changing, amounts)
        return estimated or _changed(plan, line, changing, amounts, split_constrained(None, method, line, changing))
    return spread_price(plan, line, changing, amounts) or _changed(plan, line, changing, amounts)


def _changed(
    plan: RecordedPlan,
    line: ChargeLine,
    changing: Events,
    amounts: Sequence[int],
    apart: ConstrainedSplit | None = None,
) -> PlainSchedule | None:
    """Return the schedule after changes; ``apart`` separates what they constrain of the line, if they do."""
    changes = price_changes(apart.line, apart.events) if apart else price_changes(line, changing)
    if changes and moving_holds(changing, plan.rule.method):
        return None
    priced = _priced(plan, line, changes, amounts)
    if priced and [event for event in changing if event.kind in ("hold", "release")]:
        return _waiting(priced, line, changing, apart)
    return _constrained(priced.in_words(), line, changing, apart) if priced and apart else priced


def _waiting(
    priced: PlainSchedule, line: ChargeLine, changing: Events, apart: ConstrainedSplit | None
) -> PlainSchedule | None:
    """Return a schedule with the parts that its holds stop or move, and with what is constrained."""
    holds = [event for event in changing if event.kind in ("hold", "release")]
    if len(holds) == 1 and holds[0].kind == "hold" and not apart:
        stopped = _stopped(priced, line, holds[0])
        if stopped:
            return stopped
    priced = priced.in_words()
    schedule: Schedule | Unscheduled
    schedule = Schedule(priced.plan.rule, parts_on(*zip(*priced.parts, strict=True)), priced.explanation)
    try:
        schedule = apply_holds(schedule, line, changing)
    except OverflowError:
        return None
    schedule = apart.merge_into(schedule) if apart else schedule
    if isinstance(schedule, Unscheduled) or not schedule.parts:
        return None
    waiting = total_of(schedule.waiting)
    if schedule.waits and not waiting:
        return None
    words = describe_price_changes(line, changing) if apart else priced.price_words
    return priced._replace(
        parts=schedule.parts,
        undated=waiting,
        waits=schedule.waits,
        explanation=schedule.explanation,
        price=priced.price + (apart.left if apart else 0),
        price_words=words,
        carried=0,
    )


def _stopped(priced: PlainSchedule, line: ChargeLine, hold: FulfillmentEvent) -> PlainSchedule | None:
    """Return a schedule whose parts from the day of a hold on wait; None if no part is before it, or none after it."""
    count = bisect_left(priced.parts, hold.date, key=itemgetter(0))
    waiting = total_of(priced.parts[count:])
    if not count or not waiting:
        return None
    parts, rule = priced.parts[:count], priced.plan.rule
    # Two or more parts after those that are carried over need not be shares of what these leave.
    is_plan_known = count <= priced.carried + 1 and total_of(parts) != line.amount
    return priced._replace(
        parts=parts,
        undated=waiting,
        waits=Unscheduled("held", reason_of_hold(rule, line, hold.date, hold.note or hold.name), rule),
        carried=min(priced.carried, count) if is_plan_known else 0,
    )


def _constrained(priced: PlainSchedule, line: ChargeLine, changing: Events, apart: ConstrainedSplit) -> PlainSchedule:
    """Return a schedule with the constrained amount, which waits: the same as :meth:`ConstrainedSplit.merge_into`."""
    plan, parts, *_rest = priced
    waits = apart.waits(plan.rule) if apart.left else None
    explanation = f"{priced.explanation}; {apart.words}" if apart.words else priced.explanation
    price, words = priced.price + apart.left, describe_price_changes(line, changing)
    return PlainSchedule(plan, parts, apart.left, waits, explanation, price, words, divides=priced.divides)


def _priced(
    plan: RecordedPlan, line: ChargeLine, changes: Sequence[PriceChange], amounts: Sequence[int]
) -> PlainSchedule | None:
    """Return the schedule after changes of the price, which are in order of date; ``amounts`` are those before them."""
    parts, ways, method = _ChangingParts(plan, amounts), [], plan.rule.method
    for change in changes:
        how = treatment_of(change, method)
        if not parts.apply(change, how):
            return None
        ways.append(how)
    if not parts.amounts:
        return None
    prices, words, explanation = _texts_of(plan, line.currency, changes, ways)
    carried = parts.carried if len(changes) == 1 else 0
    dated = tuple(zip(parts.days, parts.amounts, strict=True))
    price = sum(parts.amounts)
    return make_plain((plan, dated, 0, None, explanation, price, words, carried, False, parts.divides, prices))


def _texts_of(
    plan: RecordedPlan, currency: str, changes: Sequence[PriceChange], ways: Sequence[str]
) -> tuple[tuple[str, ...], str, str]:
    """Return the prices before, between and after changes, and the price words and the explanation for them."""
    if not changes:
        return (), "", plan.explanation
    prices = [decimal_string(changes[0].before, currency)]
    said, planned = [], [template(plan.explanation)]
    for (kind, day, _before, price, name, _ended, is_shared), how in zip(changes, ways, strict=True):
        what, treated = named_change(kind, name, day, is_shared, how)
        prices.append(decimal_string(price, currency))
        said.append(template(what, currency))
        planned.append(template(treated, currency))
    return tuple(prices), "; ".join(said), "; ".join(planned)


class _ChangingParts:
    """The parts of a line, in order of date, while its price changes. Those after a change are on days of the plan.

    ``carried`` is the number of the first parts that the last change left, 0 if it is not known. ``divides`` is the
    same as :attr:`Schedule.divides`. ``is_steady``: the parts to come are shares of one amount by the weights of the
    plan. ``is_last``: the general way keeps the days of parts without a cent for the next change.
    """

    __slots__ = ("_divided", "_is_last", "_is_steady", "_plan", "amounts", "carried", "days", "divides")

    def __init__(self, plan: RecordedPlan, amounts: Sequence[int]) -> None:
        self._plan = plan
        self._is_steady = True
        self._is_last = False
        self.days: Sequence[date] = plan.dates
        self.amounts = list(amounts)
        self._divided = {sum(amounts): self.amounts[:]}
        self.carried = 0
        self.divides = 1

    def apply(self, change: PriceChange, how: str) -> bool:
        """Apply the next change; return False if only the general way can, as where a part has no cent."""
        if self._is_last:
            return False
        past = bisect_right(self.days, change.date)
        self.divides = amounts_divided(self.divides, how, past > 0)
        if how == "catch_up":
            self._catch_up(change, past)
        elif how == "prospective":
            self._spread(change, past)
        elif how == AT_ONCE:
            self._recognize(change, past)
        else:
            return False
        return 0 not in self.amounts

    def _recognize(self, change: PriceChange, past: int) -> None:
        """Recognize what is left of the price on the day of the change."""
        rest = change.after - sum(self.amounts[:past])
        self.days = (*self.days[:past], change.date) if rest else self.days[:past]
        self.amounts[past:] = [rest] if rest else []
        self.carried = past

    def _spread(self, change: PriceChange, past: int) -> None:
        """Spread what is left of the price over the parts to come, if it has the sign that they have."""
        later, done = self.amounts[past:], sum(self.amounts[:past])
        rest = change.after - done
        if past and (not later or rest * (sum(later) or change.after) <= 0):
            self._recognize(change, past)
            self._is_last = bool(later)
            return
        weights: Sequence[int] = self._plan.weights[-len(later) :]
        if past and not self._is_steady:
            weights = weights_in_force(later, weights)
        rests = split(rest, weights)
        # By chance, a part after the change can be what it was before. It is carried over then, as it seems.
        self.carried = 0 if rests[0] == later[0] else past
        self.amounts[past:] = rests
        self._is_steady = self._is_steady or not past

    def _catch_up(self, change: PriceChange, past: int) -> None:
        """Recognize on the day of the change what it adds to the shares until then, and change those to come."""
        target, before = self._shares_of(change.after), self._shares_of(change.before)
        done = bisect_right(self._plan.dates, change.date)
        behind = sum(target[:done]) - sum(before[:done])
        later = self.amounts[past:] or [0] * (len(target) - done)
        rests = target[done:]
        if later != before[done:]:
            self._is_steady = False
            rests = list(map(add, later, map(sub, rests, before[done:])))
        self.days = (*self.days[:past], *([change.date] if behind else []), *self._plan.dates[done:])
        self.amounts[past:] = [*([behind] if behind else []), *rests]
        self.carried = 0

    def _shares_of(self, price: int) -> list[int]:
        """Return the shares of a price by the weights of the plan. A price after a change is that before the next."""
        found = self._divided.get(price)
        if found is None:
            found = self._divided[price] = split(price, self._plan.weights)
        return found
