"""The schedule of a line of which one event at most changes the price or stops the recognition.

Most changed lines are such. Their schedules follow from a plan that other lines share, and are made here without the
steps of the general way (:mod:`revrec.core.pricing` and :mod:`revrec.core.holding`), which takes several times as long
and decides what is right: a property test compares the two. Whatever is out of the ordinary gives up.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from datetime import date
from typing import NamedTuple

from revrec.core.anchors import Events
from revrec.core.charge_line import ChargeLine, FulfillmentEvent
from revrec.core.holding import reason_of_hold
from revrec.core.money import split
from revrec.core.pricing import AT_ONCE, PriceChange, change_in_words, price_changes, treatment_of
from revrec.core.schedule import RecordedPlan, Unscheduled, explained


class PlainSchedule(NamedTuple):
    """A schedule that a shared plan and one event at most result in; amounts are in minor units.

    ``parts`` are (date, amount) in order, and at least one. ``undated`` waits for the reason ``waits``; 0 and None if
    nothing does. ``price`` is the price of the line: all parts together. ``price_words`` describe the change of the
    price, if there is one. ``carried`` is the number of the first parts that are what they were before a change, as far
    as it is known.
    """

    plan: RecordedPlan
    parts: tuple[tuple[date, int], ...]
    undated: int
    waits: Unscheduled | None
    explanation: str
    price: int
    price_words: str = ""
    carried: int = 0


def plain_schedule(plan: RecordedPlan, line: ChargeLine, changing: Events) -> PlainSchedule | None:
    """Return the schedule of a line after ``changing``, its events that are no reports; None if it is not plain."""
    found = plan.divide(line.amount)
    if found is None or len(changing) > 1 or (changing and not plan.is_changeable):
        return None
    amounts, undated = found
    if not changing:
        waits = explained(plan.waits.of(line), plan.rule) if plan.waits else None
        parts = tuple(zip(plan.dates, amounts, strict=True))
        return PlainSchedule(plan, parts, undated, waits, plan.explanation, line.amount)
    if changing[0].kind == "hold":
        return _held(plan, line, changing[0], amounts)
    changes = price_changes(line, changing)
    return _priced(plan, line, changes[0], amounts) if changes else None


def _held(plan: RecordedPlan, line: ChargeLine, hold: FulfillmentEvent, amounts: Sequence[int]) -> PlainSchedule | None:
    count = bisect_left(plan.dates, hold.date)
    if count in (0, len(plan.dates)):
        return None
    waits = Unscheduled("held", reason_of_hold(plan.rule, line, hold.date, hold.note or hold.name), plan.rule)
    parts = tuple(zip(plan.dates[:count], amounts, strict=False))
    return PlainSchedule(plan, parts, sum(amounts[count:]), waits, plan.explanation, line.amount, carried=count)


def _priced(plan: RecordedPlan, line: ChargeLine, change: PriceChange, amounts: Sequence[int]) -> PlainSchedule | None:
    how = treatment_of(change, plan.rule.method)
    count = bisect_right(plan.dates, change.date)
    past, later = amounts[:count], sum(amounts[count:])
    rest, carried = change.after - sum(past), count
    if how == AT_ONCE or (how == "prospective" and past and (not later or (rest > 0) != (later > 0))):
        parts = (*zip(plan.dates[:count], past, strict=True), *(((change.date, rest),) if rest else ()))
    elif how == "prospective":
        rests = split(rest, plan.weights[count:])
        parts = () if 0 in rests else tuple(zip(plan.dates, (*past, *rests), strict=True))
        # By chance, a part after the change can be what it was before. It is carried over then, as it seems.
        carried = 0 if rests[0] == amounts[count] else count
    else:
        return None
    if not parts:
        return None
    words, treated = change_in_words(line, change, how)
    return PlainSchedule(plan, parts, 0, None, f"{plan.explanation}; {treated}", change.after, words, carried)
