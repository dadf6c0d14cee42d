"""Apply changes of a charge line's price to its schedule: credits, new prices, cancellations.

The plan up to the day of a change stays, so that amounts already posted stay right. The rest is planned again, so that
all parts together add up to the new price. The rule decides how, by ``on_credit`` and ``on_price``:

``prospective``: spread the rest of the new price over the parts to come, by their original weights.

``catch_up``: make the plan again at the new price; book the difference up to the day as one part on that day.

``latest``: reduce the latest parts first.

``earned_first``: take back recognized revenue first, on the day; a larger credit then reduces the parts to come.

A credit larger than the parts to come is taken back on its day. A cancellation ends the promise: the rest of the price,
less any refund, is recognized (or taken back) on its day, and nothing follows.

Source: ASC 606-10-25-10 to 25-13 (IFRS 15.18 to 21), contract modifications: 25-12 a separate contract, which is a
separate charge line; 25-13(a) prospectively; 25-13(b) by cumulative catch-up. ASC 606-10-32-42 to 32-45 (IFRS 15.87 to
90), changes in the transaction price. ASC 606-10-55-47, a customer that gives up the rest.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import date
from functools import lru_cache, partial
from operator import lt
from typing import NamedTuple

from revrec.core.anchors import Events
from revrec.core.calendar import iso
from revrec.core.charge_line import (
    ALLOCATE,
    IMPAIR,
    INCLUDE,
    LOSS,
    LOSS_MARK,
    SATISFIED,
    SHARE,
    SHARED,
    ChargeLine,
    FulfillmentEvent,
)
from revrec.core.holding import HoldPeriod, moved_by_hold, resumed
from revrec.core.money import decimal_string, split
from revrec.core.policies import ON_PRICE, RecognitionPolicies
from revrec.core.schedule import UNDATED, Schedule, SchedulePart, ScheduleRule, total_of

AT_ONCE = "what is left is recognized at once"
ON_ITS_DAY = "recognized on that day"
PRICE_EVENT_KINDS = ("credit", "price", "cancel", ALLOCATE, INCLUDE, SHARE, SATISFIED, IMPAIR)
"""Kinds of event that change what a charge line earns in all."""
INCREASES = (ALLOCATE, INCLUDE, SHARE, SATISFIED, IMPAIR)
"""Kinds of event whose amount is added to the price; a cost has a negative one, so an impairment leaves less of it."""
_RANK, _SHARED_CREDIT, _STEP = {"price": 0, "credit": 1, "cancel": 4}, 2, 3
"""The order of changes within a day: what a contract shares comes after what a line has by itself."""

PLANNED = ""
"""The charge of a change of the price that the engine makes from the rules alone, without a recorded event."""

PlanAtPrice = Callable[[int], Sequence[SchedulePart]]
"""A function that returns the line's plan at another price: every part in order, including those that wait."""


class AllocationStep(NamedTuple):
    """The ``difference`` between a line's allocated and its billed amount (minor units), from a day on.

    ``date`` is None for the allocation at the start of the contract. ``words`` explain the allocation. ``kind`` is
    :data:`SHARE` where the price of the contract changed, and :data:`SATISFIED` for what was satisfied before the
    contract was modified. ``of`` is the line's own event whose change of the price is shared. ``planned``: the change
    follows from the rules, such as the end of a constraint, and not from a recorded event.
    """

    date: date | None
    difference: int
    words: str
    kind: str = ALLOCATE
    of: FulfillmentEvent | None = None
    planned: bool = False


class PriceChange(NamedTuple):
    """One change of a line's price, on a day: the price before and after it in minor units, and the event's name.

    ``ended``: this change or one before it canceled the promise, so that nothing is left to spread. ``shared``: it is a
    change of the price that the obligations of a contract share.
    """

    kind: str
    date: date
    before: int
    after: int
    name: str
    ended: bool = False
    shared: bool = False


_price_change: Callable[[tuple[object, ...]], PriceChange] = partial(tuple.__new__, PriceChange)
"""Make a PriceChange from its values; twice as fast as calling the class, and each change of a line is made again."""


class _PlanAtChange(NamedTuple):
    """A schedule at a change: its parts up to the day and after it, and the plan at any price."""

    schedule: Schedule
    past: Sequence[SchedulePart]
    later: Sequence[SchedulePart]
    whole: PlanAtPrice


def price_changes(line: ChargeLine, events: Events) -> list[PriceChange]:
    """Return the changes of a line's price in date order.

    A credit reduces the price by its amount; a price event states the new price; a cancellation reduces it by the
    refund, if any. An impairment moves its amount from a cost to the loss beside it. A credit or an impairment with a
    name corrects the earlier one of that name; without a name they add up. The cancellation recorded last counts, and
    of the prices of a day the last one.
    """
    found: list[PriceChange] = []
    price, ended = line.amount, False
    effective = effective_changes(events)
    days = [event.date for _at, event in effective]
    if not all(map(lt, days, days[1:])):
        effective.sort(key=lambda one: order_of_change(one[1]))
    for _at, event in effective:
        amount, kind, name = event.amount or 0, event.kind, event.name
        if kind == IMPAIR and line.line.endswith(LOSS_MARK):
            kind = LOSS
        if kind == "credit":
            after = price - amount
        else:
            after = amount if kind == "price" else price + (amount if kind in INCREASES else -amount)
        is_shared = event.scope == SHARED or kind in (INCLUDE, SHARE)
        if is_shared and found and found[-1].shared and event.date == found[-1].date:
            # A change of a line's price, and its contract's allocation of that amount, are one change of its price.
            own = found.pop()
            price = own.before
            kind, name = (own.kind, own.name) if kind == SHARE else (kind, name)
        if after != price or kind == "cancel":
            ended = ended or kind == "cancel"
            found.append(_price_change((kind, event.date, price, after, name, ended, is_shared)))
        price = after
    return found


def order_of_change(event: FulfillmentEvent) -> tuple[date, int]:
    """Return a key that sorts events as they take effect: within a day a new price, credits, and last a cancellation.

    The order of recording must not matter: a credit counts from the price of its day, whichever was recorded first.
    """
    is_shared_credit = event.scope == SHARED and event.kind == "credit"
    return event.date, _SHARED_CREDIT if is_shared_credit else _RANK.get(event.kind, _STEP)


def price_of(line: ChargeLine, events: Events) -> int:
    """Return a line's price after its events, in minor units."""
    changes = price_changes(line, events) if events else ()
    return changes[-1].after if changes else line.amount


def apply_allocation(line: ChargeLine, events: Events, steps: Sequence[AllocationStep]) -> tuple[ChargeLine, Events]:
    """Return the line with its allocated amount, and its events adjusted to that amount.

    A price event states the price as billed, so the allocation difference is added to it. Later allocation steps become
    separate events, whose amount is the increase.
    """
    first, *later = steps
    shared = {step.of for step in later if step.of}
    adjusted = [event._replace(scope=SHARED if event in shared else "") for event in events]
    adjusted = [
        event._replace(amount=(event.amount or 0) + _difference(steps, event.date)) if event.kind == "price" else event
        for event in adjusted
    ]
    for before, step in zip(steps, later, strict=False):
        assert step.date is not None
        more = step.difference - before.difference
        adjusted.append(FulfillmentEvent(PLANNED if step.planned else line.id, step.kind, step.date, amount=more))
    return line._replace(amount=line.amount + first.difference), adjusted


def _difference(steps: Sequence[AllocationStep], day: date) -> int:
    return [step.difference for step in steps if step.date is None or step.date < day][-1]


def effective_changes(events: Events) -> list[tuple[int, FulfillmentEvent]]:
    """Return the price events that no later one corrects, each with its position, in the order of recording."""
    last: dict[object, tuple[int, FulfillmentEvent]] = {}
    for at, event in enumerate(events):
        kind = event.kind
        if kind in PRICE_EVENT_KINDS:
            # A price states the whole price of the line, so the last one of a day replaces those before it.
            # A promise ends once: a second cancellation would refund the line again, whatever its name.
            name = "" if kind == "cancel" else event.name or (event.date if kind == "price" else at)
            last[kind, name] = (at, event)
    return list(last.values())


def other_cancellation(events: Events, event: FulfillmentEvent) -> FulfillmentEvent | None:
    """Return the cancellation of another name that a line has already, if ``event`` is one too."""
    if event.kind != "cancel":
        return None
    found = [one for one in events if one.kind == "cancel"]
    return found[-1] if found and found[-1].name != event.name else None


def apply_price_changes(
    schedule: Schedule,
    line: ChargeLine,
    events: Events,
    whole: PlanAtPrice,
    begins: date | None = None,
    holds: Sequence[HoldPeriod] = (),
) -> Schedule:
    """Return the schedule after all changes of its line's price. ``whole`` returns its plan at another price.

    ``begins`` is the first day of a service: a change by then is the price from the start. ``holds`` are those that
    move what follows them: a change since the first day of a hold counts from its own day in the plan that they moved.

    Raises:
        OverflowError: a hold moves a date beyond the year 9999.
    """
    plan, ahead = schedule.plan, list(holds)
    # Each change starts from the schedule that the one before it left, not from the original plan: parts up to a change
    # may be posted, and a later change must not move them.
    for change in price_changes(line, events):
        while ahead and ahead[0].begin <= change.date:
            schedule, whole = _after_hold(schedule, whole, ahead.pop(0))
        remainder = _plan_of_remainder(schedule, change, begins) if change.kind == ALLOCATE else None
        schedule = _apply_change(schedule, line, change, whole, begins)
        whole = remainder or whole
    for hold in ahead:
        schedule, whole = _after_hold(schedule, whole, hold)
    # Parts without a cent are dropped last: a later price may give them some.
    parts = tuple(part for part in schedule.parts if part.amount)
    waiting = tuple(part for part in schedule.waiting if part.amount)
    return schedule._replace(parts=parts, waiting=waiting, plan=plan)


def _after_hold(schedule: Schedule, whole: PlanAtPrice, hold: HoldPeriod) -> tuple[Schedule, PlanAtPrice]:
    """Return a schedule and its plan at another price, moved by a released hold."""
    begin, end, method = hold.begin, hold.end, schedule.rule.method
    assert end is not None
    moved = resumed(schedule, begin, end)
    if schedule.plan:
        # The weights of the parts are found by their dates.
        dates = moved_by_hold([SchedulePart(day, 0) for day in schedule.plan.dates], begin, end, method)
        moved = moved._replace(plan=schedule.plan._replace(dates=tuple(part.date for part in dates)))
    return moved, lambda price: moved_by_hold(whole(price), begin, end, method)


def schedule_without_dates(rule: ScheduleRule, why: str, line: ChargeLine, events: Events) -> Schedule | None:
    """Return the schedule of a line without known dates: the rest of its price on the day it was canceled.

    The schedule is empty if nothing is left of the price. Return None if the line is neither canceled nor fully
    credited.
    """
    changes = price_changes(line, events)
    canceled = next((at for at, change in enumerate(changes) if change.kind == "cancel"), None)
    if not changes or (canceled is None and (changes[-1].after or changes[-1].kind in (INCLUDE, SHARE))):
        return None
    last, *later = changes[-1:] if canceled is None else changes[canceled:]
    parts = [SchedulePart(last.date, last.after), *(SchedulePart(one.date, one.after - one.before) for one in later)]
    said = "; ".join(_words(line, change, AT_ONCE) for change in (last, *later))
    return Schedule(rule, tuple(part for part in parts if part.amount), f"{why}; {said}")


def _apply_change(
    schedule: Schedule, line: ChargeLine, change: PriceChange, whole: PlanAtPrice, begins: date | None
) -> Schedule:
    """Return the schedule after one change."""
    is_from_start = begins is not None and change.date <= begins
    past = [] if is_from_start else [part for part in schedule.all_parts if part.date <= change.date]
    later = [part for part in schedule.all_parts if is_from_start or part.date > change.date]
    how = treatment_of(change, schedule.rule.method)
    rest = _TREATMENTS[how](change, _PlanAtChange(schedule, past, later, whole))
    parts = tuple(sorted((part for part in (*past, *rest) if part.date != UNDATED), key=lambda part: part.date))
    waiting = tuple(part for part in rest if part.date == UNDATED)
    said = f"{schedule.explanation}; {_words(line, change, how)}"
    divides = amounts_divided(schedule.divides, how, bool(past))
    return schedule._replace(parts=parts, waiting=waiting, explanation=said, divides=divides)


def amounts_divided(before: int, how: str, has_past: bool) -> int:
    """Return the number of amounts of which the parts are shares after a change; see :attr:`Schedule.divides`."""
    if how == "catch_up":
        return before + 2 if has_past else before
    return before + 1 if has_past else 1


def treatment_of(change: PriceChange, method: RecognitionPolicies) -> str:
    """Return how a change of the price is planned: :data:`AT_ONCE` or a value of ``on_credit``.

    The schedule and its explanation both ask here, so that they cannot disagree. ``latest`` and ``earned_first`` take
    something away from the plan; a change that takes nothing away (a credit on a negative line makes it more negative)
    is planned prospectively instead.
    """
    if change.ended:
        return AT_ONCE
    if change.shared:
        return "catch_up"
    if change.kind in (SATISFIED, LOSS):
        return ON_ITS_DAY
    if change.kind == IMPAIR:
        return "prospective"
    how = method.on_credit if change.kind == "credit" else method.on_price
    return how if how in ON_PRICE or _reduces(change) else "prospective"


def _reduces(change: PriceChange) -> bool:
    return abs(change.after) < abs(change.before) or change.after * change.before < 0


def _at_once(change: PriceChange, past: Sequence[SchedulePart]) -> list[SchedulePart]:
    rest = change.after - total_of(past)
    return [SchedulePart(change.date, rest)] if rest else []


def _prospective(change: PriceChange, plan: _PlanAtChange) -> list[SchedulePart]:
    """Spread the rest of the price over the parts to come; on the day itself if it has no place there."""
    if not plan.past:
        return list(plan.whole(change.after))
    rest = change.after - total_of(plan.past)
    # A rest of the other sign means that more was recognized than the new price: it is taken back at once, not spread
    # as negative revenue over future months.
    # Where a price of zero left nothing to come, the new price alone says which sign that has.
    to_come = total_of(plan.later) or change.after
    if not plan.later or rest * to_come <= 0:
        # Parts to come keep their place without a cent: a higher price later is spread over them.
        return [*_at_once(change, plan.past), *(SchedulePart(part.date, 0) for part in plan.later)]
    amounts = split(rest, plan.schedule.weights_of(plan.later), plan.schedule.rule.method.rounding)
    return [SchedulePart(part.date, amount) for part, amount in zip(plan.later, amounts, strict=True)]


def _catch_up(change: PriceChange, plan: _PlanAtChange) -> list[SchedulePart]:
    """Plan the change of the price, and book what of it falls up to the day on that day."""
    target, before = plan.whole(change.after), plan.whole(change.before)
    past = [total_of([part for part in one if part.date <= change.date]) for one in (target, before)]
    behind = past[0] - past[1]
    caught = [SchedulePart(change.date, behind)] if behind else []
    # What an earlier change left to come is kept: planning the whole price again would undo a prospective change.
    amounts = Counter({part.date: part.amount for part in target if part.date > change.date})
    for parts, sign in ((plan.later, 1), ([part for part in before if part.date > change.date], -1)):
        for part in parts:
            amounts[part.date] += sign * part.amount
    return [*caught, *(SchedulePart(day, amount) for day, amount in sorted(amounts.items()))]


def _on_its_day(change: PriceChange, plan: _PlanAtChange) -> list[SchedulePart]:
    """Recognize the change of the price on its day; what is to come stays."""
    return [SchedulePart(change.date, change.after - change.before), *plan.later]


def _plan_of_remainder(schedule: Schedule, change: PriceChange, begins: date | None) -> PlanAtPrice | None:
    """Return the plan at any price from a modification on: what was recognized by then stays.

    Return None if the modification changes the plan from the start, or catches it up.
    """
    past = [part for part in schedule.all_parts if part.date <= change.date]
    later = [part for part in schedule.all_parts if part.date > change.date]
    method = schedule.rule.method
    if not past or not later or treatment_of(change, method) != "prospective" or (begins and change.date <= begins):
        return None
    weights = schedule.weights_of(later)

    def whole(price: int) -> Sequence[SchedulePart]:
        amounts = split(price - total_of(past), weights, method.rounding)
        return [*past, *(SchedulePart(part.date, amount) for part, amount in zip(later, amounts, strict=True))]

    return whole


def _latest(change: PriceChange, plan: _PlanAtChange) -> list[SchedulePart]:
    """Reduce the latest parts first; take back on the day what they cannot cover."""
    less = change.before - change.after
    kept: list[SchedulePart] = []
    for part in reversed(plan.later):
        taken = max(-abs(part.amount), min(abs(part.amount), less))
        less -= taken
        kept.append(SchedulePart(part.date, part.amount - taken))
    return [*([SchedulePart(change.date, -less)] if less else []), *reversed(kept)]


def _earned_first(change: PriceChange, plan: _PlanAtChange) -> list[SchedulePart]:
    """Take back recognized revenue first, on the day; plan the rest prospectively."""
    less, earned = change.before - change.after, total_of(plan.past)
    back = max(-abs(earned), min(abs(earned), less))
    taken = [SchedulePart(change.date, -back)] if back else []
    return [*taken, *_prospective(change, plan._replace(past=[*plan.past, *taken]))]


_TREATMENTS = {
    AT_ONCE: lambda change, plan: _at_once(change, plan.past),
    "prospective": _prospective,
    "catch_up": _catch_up,
    ON_ITS_DAY: _on_its_day,
    "latest": _latest,
    "earned_first": _earned_first,
}


_NAMED = {
    ALLOCATE: ("new allocation", "on_price "),
    INCLUDE: ("constraint", ""),
    SHARE: ("new price of the contract", ""),
    SATISFIED: ("new price of what the contract had satisfied", ""),
    IMPAIR: ("impairment", ""),
    LOSS: ("impairment", ""),
}
"""The names of changes that the engine makes, with the rule key that decides their treatment."""


def describe_price_changes(line: ChargeLine, events: Events) -> str:
    """Describe the changes of a line's price in one sentence."""
    changes = price_changes(line, events)
    return "; ".join(changes_in_words(line, changes, [""] * len(changes))[0])


def _words(line: ChargeLine, change: PriceChange, how: str) -> str:
    """Return ``credit CRN-7 on 2024-05-02 (on_credit prospective): 24.00 becomes 19.00``."""
    return changes_in_words(line, [change], [how])[1][0]


def changes_in_words(
    line: ChargeLine, changes: Sequence[PriceChange], ways: Sequence[str]
) -> tuple[list[str], list[str]]:
    """Return descriptions of changes, each of which follows the one before it, and the same with their ``ways``.

    The way of a change is how it is planned, or empty.
    """
    said: list[str] = []
    planned: list[str] = []
    currency = line.currency
    before = decimal_string(changes[0].before, currency) if changes else ""
    for (kind, day, _before, price, name, _ended, is_shared), how in zip(changes, ways, strict=True):
        what, treated = named_change(kind, name, day, is_shared, how)
        after = decimal_string(price, currency)
        becomes = f": {before} becomes {after} {currency}"
        said.append(what + becomes)
        planned.append(treated + becomes)
        before = after
    return said, planned


@lru_cache(maxsize=4096)
def named_change(kind: str, name: str, day: date, is_shared: bool, how: str) -> tuple[str, str]:
    """Return the name and day of a change, and the same with how it is planned; many lines change on one day."""
    named = f" {name}" if name else ""
    shown, key = _NAMED.get(kind) or (kind, f"on_{kind} ")
    if is_shared and kind in ("credit", "price"):
        key = "shared by its contract, "
    way = how if how in (AT_ONCE, ON_ITS_DAY) or not how else f"{key}{how}"
    what = f"{shown}{named} on {iso(day)}"
    return what, f"{what} ({way})" if way else what
