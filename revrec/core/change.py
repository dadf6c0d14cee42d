"""What a changed plan makes of amounts that are on journal entries already.

What was posted is never rewritten: whatever must differ is planned as parts of its own, so that carried and new parts
always sum to the charge line. Which treatment is meant, a rule says (``on_change``):

``restate``: a fact was wrong. What was recognised on a day on which the plan has it no longer is taken back on that
day, and recognised where the plan has it. Within one month nothing is posted that would only cancel out.

``prospective``: an estimate changed. What was recognised stays, the rest is spread over the plan's parts to come.

``catch_up``: what was recognised too little or too much up to now is made good with the next part of the plan.

The entry's date follows from the part's by the policy for closed periods (``revrec.core.periods``).

Source: ASC 250-10-45-17 and 45-23 (IAS 8.36 and 8.42): changes in estimate are accounted for from now on, errors by
restating; ASC 606-10-25-13 (IFRS 15.21): contract modifications, prospectively or by cumulative catch-up.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from itertools import groupby
from typing import NamedTuple

from revrec.core.money import decimal_string, split
from revrec.core.schedule import Schedule, SchedulePart, remaining, replanned

Parts = Sequence[tuple[date, int]]


class Replanned(NamedTuple):
    """The parts that are still to be recognised, taken-back ones too; the amount that waits for its date; and in words
    what became of the amounts on entries."""

    parts: tuple[SchedulePart, ...]
    waiting: int
    words: str


def changed(schedule: Schedule, carried: Parts, still_open: Parts, currency: str) -> Replanned:
    """A new plan, when ``carried`` parts are on entries and ``still_open`` ones of the old plan are not, by the rule's
    ``on_change``. ``carried`` must not be empty.

    Where all that is carried is planned as it was, nothing of it is touched: the rest of the plan is what is left.
    While parts of the new plan wait, what is carried fills it from the first part on, but for ``restate``; and for
    that too while all waits, or a hold is on. What is constrained is no part of the plan.
    """
    how = schedule.rule.method.on_change
    waiting = _sum(schedule.waiting)
    unknown = waiting - schedule.constrained
    if not schedule.held and not Counter(carried) - Counter((day, amount) for day, amount in schedule.parts):
        return Replanned(replanned(schedule.parts, carried), waiting, "")
    stays = f"on_change {how}: {_money(carried, currency)} on entries"
    if schedule.held or (unknown and (not schedule.parts or how != "restate")):
        return Replanned(*schedule.left(carried), "")
    if how == "restate":
        return _restated(schedule, carried, currency, stays)
    if how == "prospective":
        parts = prospective(schedule, carried, still_open)
        return Replanned(parts, waiting, f"{stays} stays, the rest follows the new plan")
    parts = with_catch_up(schedule.parts, carried)
    return Replanned(parts, waiting, f"{stays} stays, the difference up to now comes with the next part")


def _restated(schedule: Schedule, carried: Parts, currency: str, stays: str) -> Replanned:
    parts, whole = restated(schedule.parts, carried), _sum(schedule.whole)
    back = [part for part in parts if (part.amount > 0) != (whole > 0)]
    taken = ", ".join(f"{decimal_string(part.amount, currency)} on {part.date}" for part in back)
    return Replanned(parts, _sum(schedule.waiting), f"{stays} is corrected by {taken}" if taken else f"{stays} stays")


def restated(parts: Parts, carried: Parts) -> tuple[SchedulePart, ...]:
    """The difference of the plan and what is carried, day by day; what cancels out within a month is left out."""
    moved: Counter[date] = Counter()
    for day, amount in parts:
        moved[day] += amount
    for day, amount in carried:
        moved[day] -= amount
    by_month = groupby(sorted(moved.items()), key=lambda one: (one[0].year, one[0].month))
    return tuple(part for _month, days in by_month for part in _netted(days))


def _netted(days: Iterable[tuple[date, int]]) -> Iterator[SchedulePart]:
    """The differences of one month with one sign alone: those of the other sign use them up from the first on."""
    differences = [SchedulePart(*one) for one in days if one[1]]
    total = sum(part.amount for part in differences)
    if total:
        kept = tuple(part for part in differences if (part.amount > 0) == (total > 0))
        yield from remaining(kept, sum(part.amount for part in kept) - total)


def prospective(schedule: Schedule, carried: Parts, still_open: Parts) -> tuple[SchedulePart, ...]:
    """What is not carried, over the plan's parts after the last carried day, by their weights.

    Parts of the old plan that are due before that day, and only wait (for a closed period to open), stay as they are.
    Where the new plan has ended before, the rest is due at once.
    """
    last = max(day for day, _amount in carried)
    kept = [SchedulePart(*part) for part in still_open if part[0] <= last]
    rest = _sum(schedule.parts) - _sum(carried) - _sum(kept)
    later = [part for part in schedule.parts if part.date > last]
    if rest == _sum(later):
        return (*kept, *later)
    if not later:
        return (*kept, SchedulePart(last, rest))
    shares = [(day, weight) for day, weight in schedule.shares() if day > last]
    amounts = split(rest, [weight for _day, weight in shares], schedule.rule.method.rounding)
    spread = (SchedulePart(day, amount) for (day, _weight), amount in zip(shares, amounts, strict=True) if amount)
    return (*kept, *spread)


def with_catch_up(parts: Sequence[SchedulePart], carried: Parts) -> tuple[SchedulePart, ...]:
    """The plan's parts after the last carried day; before the first of them, on its day, what the plan differs by up to
    then (on the last carried day if none follows)."""
    last = max(day for day, _amount in carried)
    later = tuple(part for part in parts if part.date > last)
    behind = _sum(parts) - _sum(later) - _sum(carried)
    return (SchedulePart(later[0].date if later else last, behind), *later) if behind else later


def _sum(parts: Parts) -> int:
    return sum(amount for _day, amount in parts)


def _money(parts: Parts, currency: str) -> str:
    return f"{decimal_string(_sum(parts), currency)} {currency}"
