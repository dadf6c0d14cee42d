"""Continue charge lines in progress: what another system recognized before the cutover is history.

A migrated line has its original amount and dates, so its rule plans it in full. Its parts before the cutover are
historical: they count as recognized, and are never due or on an entry. If the rule plans another amount before the
cutover than was recognized, the rule decides by ``on_migration``:

``refuse``: the line is not scheduled, and the difference is reported.

``spread``: what is left of the amount is spread over the parts to come, by their weights.

``catch_up``: the difference is a part on the day of the cutover, and the parts to come stay as planned.

Where events date the parts and none is recorded before the cutover, or all parts wait, the rule plans nothing before
it. Then there is nothing to compare, and the amount that was recognized covers the first parts to come.
"""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import NamedTuple

from revrec.core.anchors import Events
from revrec.core.charge_line import ChargeLine, FulfillmentEvent
from revrec.core.constraint import CONSTRAINT
from revrec.core.money import decimal_string, split
from revrec.core.pricing import PLANNED, PRICE_EVENT_KINDS, price_of
from revrec.core.schedule import (
    UNDATED,
    Remaining,
    Schedule,
    SchedulePart,
    ScheduleRule,
    Unscheduled,
    covered_amount,
    explained,
    not_before,
    split_undated,
    total_of,
    uncovered_parts,
)

DIFFERS = "migration"
"""The code of a line of which another system recognized more or less before the cutover than its rule plans."""


class ImportedPrice(NamedTuple):
    """The price of a migrated line as the rules plan it until the cutover, apart from what was recorded since.

    ``planned`` are changes of the price before the cutover that follow from the rules alone, such as the end of a right
    of return. ``line`` has the price after them, and ``events`` are the other ones, for that price.
    """

    planned: Events
    line: ChargeLine
    events: Events


def events_of_import(events: Events) -> list[FulfillmentEvent]:
    """Return the events that count for the plan of a migrated line's import: no recorded change of its price."""
    priced = (*PRICE_EVENT_KINDS, CONSTRAINT)
    return [event for event in events if event.charge == PLANNED or event.kind not in priced]


def is_planned_before_cutover(line: ChargeLine, event: FulfillmentEvent) -> bool:
    """Check whether a change of a migrated line's price follows from the rules alone, on a day before the cutover."""
    return event.charge == PLANNED and event.date < cutover_of(line)


def as_imported(line: ChargeLine, events: Events, before: Events) -> list[FulfillmentEvent]:
    """Return the events of a migrated line with the planned changes of its price as they were when it was imported.

    A recorded event can leave less to include at the end of a constraint. The difference becomes a separate event: what
    was recognized is compared with the plan of the import. ``before`` are the events without those recorded since.
    """
    now, then = ([event for event in some if is_planned_before_cutover(line, event)] for some in (events, before))
    others = [event for event in events if event not in now]
    offset = [
        event._replace(charge=line.id, amount=sign * (event.amount or 0))
        for some, sign in ((now, 1), (then, -1))
        for event in some
    ]
    return [*others, *then, *(offset if now != then else ())]


def imported_price(line: ChargeLine, events: Events) -> ImportedPrice:
    """Separate the planned changes of a migrated line's price before the cutover from its other events.

    Another system made the same changes, so what it recognized is compared with the plan after them. Recorded events
    change what is left.
    """
    planned = [event for event in events if is_planned_before_cutover(line, event)]
    if not planned:
        return ImportedPrice((), line, events)
    others = [
        # A new price is stated for its day, before the planned changes that follow.
        event._replace(amount=(event.amount or 0) + sum(one.amount or 0 for one in planned if one.date >= event.date))
        if event.kind == "price"
        else event
        for event in events
        if event not in planned
    ]
    return ImportedPrice(planned, line._replace(amount=price_of(line, planned)), others)


def migrate(schedule: Schedule, line: ChargeLine) -> Schedule | Unscheduled:
    """Return the schedule of a migrated line with its historical parts and what is left to recognize after them."""
    first = cutover_of(line)
    method, recognized = schedule.rule.method, line.recognized_before
    before = tuple(part for part in schedule.parts if part.date < first)
    later = tuple(part for part in schedule.parts if part.date >= first)
    difference = recognized - total_of(before)
    if not difference:
        return _with_history(schedule, line, before, later, "as planned")
    past = history(before, line)
    if not before and (method.is_dated_by_events or schedule.waiting):
        known, waiting = split_undated(uncovered_parts(later + schedule.waiting, recognized))
        return _with_history(schedule._replace(waiting=waiting), line, past, known, "")
    if method.on_migration == "refuse":
        return explained(Unscheduled(DIFFERS, "; ".join(difference_in_words(line, total_of(before)))), schedule.rule)
    words = f"{_money(difference, line)} more than planned, on_migration {method.on_migration}"
    if method.on_migration == "catch_up":
        caught_up = SchedulePart(first, -difference)
        schedule, later = schedule._replace(caught_up=caught_up), (caught_up, *later)
    else:
        later = _spread(schedule, later, first, total_of(later) - difference)
    return _with_history(schedule, line, past, later, words)


def migrate_undated(rule: ScheduleRule, line: ChargeLine, price: int, why: str, waits: Unscheduled) -> Schedule | None:
    """Return the schedule of a migrated line that waits for an event; None if nothing was recognized before.

    ``price`` is the price in force in minor units, and ``waits`` the reason why the rest waits.
    """
    past, rest = history((), line), price - line.recognized_before
    if not past:
        return None
    waiting = (SchedulePart(UNDATED, rest),) if rest else ()
    return Schedule(rule, past, f"{why}; {_words(line, '')}", waiting, waits if rest else None, historical=past)


def migrate_ended(schedule: Schedule, line: ChargeLine, ended: date) -> Schedule:
    """Return the schedule of a migrated line that was canceled or credited in full before it had a date.

    What was recognized before the cutover counts; what exceeds the price is taken back on the day of the last change.
    """
    past = history((), line)
    if not past:
        return schedule
    if schedule.parts:
        rest = uncovered_parts(schedule.parts, line.recognized_before)
    else:
        rest = (SchedulePart(ended, -line.recognized_before),)
    return schedule._replace(parts=past + rest, historical=past)


def history(before: Sequence[SchedulePart], line: ChargeLine) -> tuple[SchedulePart, ...]:
    """Return the historical parts: what was recognized, on the dates that the rule plans before the cutover.

    It fills these parts from the first one, and the last one has what exceeds them. Without them it is one part on the
    day before the cutover.
    """
    left = line.recognized_before
    if not left:
        return ()
    if not before:
        return (SchedulePart(cutover_of(line) - timedelta(days=1), left),)
    filled = []
    for part in before:
        covered = left if part is before[-1] else covered_amount(part.amount, left)
        left -= covered
        if covered:
            filled.append(SchedulePart(part.date, covered))
    return tuple(filled)


def after_cutover(left: Remaining, line: ChargeLine) -> Remaining:
    """Return what remains of a migrated line, with nothing of it before the cutover."""
    return left._replace(parts=not_before(left.parts, cutover_of(line)))


def difference_in_words(line: ChargeLine, planned: int) -> tuple[str, str]:
    """Return how ``recognized_before`` differs from what a rule plans before the cutover, and the fix."""
    said = (
        f"the rule recognizes {_money(planned, line)} before the cutover on {line.cutover}, and recognized_before is "
        f"{_money(line.recognized_before, line)}: a difference of {_money(line.recognized_before - planned, line)}"
    )
    return (
        said,
        'correct recognized_before, the dates or the events, or set on_migration = "spread" or "catch_up" in the rule',
    )


def cutover_of(line: ChargeLine) -> date:
    """Return the cutover of a migrated line."""
    assert line.cutover is not None
    return line.cutover


def _spread(schedule: Schedule, later: tuple[SchedulePart, ...], first: date, amount: int) -> tuple[SchedulePart, ...]:
    if not later:
        return (SchedulePart(first, amount),)
    amounts = split(amount, schedule.weights_of(later), schedule.rule.method.rounding)
    return tuple(SchedulePart(part.date, some) for part, some in zip(later, amounts, strict=True))


def _with_history(
    schedule: Schedule, line: ChargeLine, past: tuple[SchedulePart, ...], later: tuple[SchedulePart, ...], words: str
) -> Schedule:
    said = f"{schedule.explanation}; {_words(line, words)}"
    return schedule._replace(parts=past + later, explanation=said, historical=past)


def _words(line: ChargeLine, words: str) -> str:
    said = f"{_money(line.recognized_before, line)} was recognized before the cutover on {line.cutover}"
    return f"{said}, {words}" if words else said


def _money(amount: int, line: ChargeLine) -> str:
    return f"{decimal_string(amount, line.currency)} {line.currency}"
