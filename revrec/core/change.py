"""Treat amounts that are already posted when the plan of a charge line changes.

Posted amounts are never rewritten: every difference becomes a separate part, so that posted and new parts always add up
to the charge line. The rule decides on the treatment (``on_change``):

``restate``: a fact was wrong. Revenue on a day where the plan no longer has it is taken back on that day, and
recognized where the plan has it. Differences that cancel out within one month are not posted.

``prospective``: an estimate changed. Recognized revenue stays; the rest is spread over the plan's parts to come.

``catch_up``: the amount recognized too little or too much so far is corrected with the next part of the plan.

The entry's date follows from the part's date by the policy for closed periods (``revrec.core.periods``).

Source: ASC 250-10-45-17 and 45-23 (IAS 8.36 and 8.42): changes in estimate are accounted for from now on, errors by
restating; ASC 606-10-25-13 (IFRS 15.21): contract modifications, prospectively or by cumulative catch-up.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from itertools import groupby

from revrec.core.money import decimal_string, split
from revrec.core.schedule import Remaining, Schedule, SchedulePart, total_of, uncovered_parts, unposted_parts

Parts = Sequence[tuple[date, int]]


def replan(schedule: Schedule, posted: Parts, still_open: Parts, currency: str) -> Remaining:
    """Return what remains of a new plan, by the rule's ``on_change``.

    ``posted`` parts are on entries and must not be empty; ``still_open`` parts of the old plan are not. If everything
    posted is still planned as it was, it is not touched. While parts of the new plan wait, the posted amount fills the
    plan from the first part, except under ``restate``; under ``restate`` too if everything waits or a hold is active.
    A constrained amount is not part of the plan.
    """
    how = schedule.rule.method.on_change
    waiting = total_of(schedule.waiting)
    unknown = waiting - schedule.constrained
    if not schedule.on_hold and not Counter(posted) - Counter((day, amount) for day, amount in schedule.parts):
        return Remaining(unposted_parts(schedule.parts, posted), waiting, "")
    stays = f"on_change {how}: {_money(posted, currency)} on entries"
    if schedule.on_hold or (unknown and (not schedule.parts or how != "restate")):
        return schedule.remaining(posted)
    if how == "restate":
        return _restate(schedule, posted, currency, stays)
    if how == "prospective":
        parts = spread_prospectively(schedule, posted, still_open)
        return Remaining(parts, waiting, f"{stays} stays, the rest follows the new plan")
    parts = catch_up_next(schedule.parts, posted)
    return Remaining(parts, waiting, f"{stays} stays, the difference up to now comes with the next part")


def take_back(posted: Parts, waiting: int, currency: str) -> Remaining:
    """Return what remains if nothing of a plan has a date anymore: what is posted is taken back, and all of it waits.

    It happens if the event that dated it was withdrawn. Amounts that cancel out within a month stay as they are.
    """
    parts = restate((), posted)
    words = f"{_money(posted, currency)} on entries is taken back" if parts else ""
    return Remaining(parts, waiting, words)


def _restate(schedule: Schedule, posted: Parts, currency: str, stays: str) -> Remaining:
    parts, whole = restate(schedule.parts, posted), total_of(schedule.all_parts)
    back = [part for part in parts if (part.amount > 0) != (whole > 0)]
    taken = ", ".join(f"{decimal_string(part.amount, currency)} on {part.date}" for part in back)
    words = f"{stays} is corrected by {taken}" if taken else f"{stays} stays"
    return Remaining(parts, total_of(schedule.waiting), words)


def restate(parts: Parts, posted: Parts) -> tuple[SchedulePart, ...]:
    """Return the difference between plan and posted amounts by day, without what cancels out within a month."""
    moved: Counter[date] = Counter()
    for day, amount in parts:
        moved[day] += amount
    for day, amount in posted:
        moved[day] -= amount
    by_month = groupby(sorted(moved.items()), key=lambda one: (one[0].year, one[0].month))
    return tuple(part for _month, days in by_month for part in _netted(days))


def _netted(days: Iterable[tuple[date, int]]) -> Iterator[SchedulePart]:
    """Yield the differences of one month in one sign: differences of the other sign reduce them from the first one."""
    differences = [SchedulePart(*one) for one in days if one[1]]
    total = total_of(differences)
    if total:
        kept = tuple(part for part in differences if (part.amount > 0) == (total > 0))
        yield from uncovered_parts(kept, total_of(kept) - total)


def spread_prospectively(schedule: Schedule, posted: Parts, still_open: Parts) -> tuple[SchedulePart, ...]:
    """Spread what is not posted over the plan's parts after the last posted day, by their weights.

    Parts of the old plan that are due before that day and only blocked by a closed period stay as they are. If the new
    plan ended before that day, the rest is due at once.
    """
    last = max(day for day, _amount in posted)
    kept = [SchedulePart(*part) for part in still_open if part[0] <= last]
    rest = total_of(schedule.parts) - total_of(posted) - total_of(kept)
    later = [part for part in schedule.parts if part.date > last]
    if rest == total_of(later):
        return (*kept, *later)
    if not later:
        return (*kept, SchedulePart(last, rest))
    amounts = split(rest, schedule.weights_of(later), schedule.rule.method.rounding)
    spread = (SchedulePart(part.date, amount) for part, amount in zip(later, amounts, strict=True) if amount)
    return (*kept, *spread)


def catch_up_next(parts: Sequence[SchedulePart], posted: Parts) -> tuple[SchedulePart, ...]:
    """Return the plan's parts after the last posted day, preceded by the difference up to then.

    The difference is dated with the first of these parts, or with the last posted day if none follows.
    """
    last = max(day for day, _amount in posted)
    later = tuple(part for part in parts if part.date > last)
    behind = total_of(parts) - total_of(later) - total_of(posted)
    return (SchedulePart(later[0].date if later else last, behind), *later) if behind else later


def _money(parts: Parts, currency: str) -> str:
    return f"{decimal_string(total_of(parts), currency)} {currency}"
