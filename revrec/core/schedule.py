"""The recognition schedule: what is recognized when, and why; or why nothing is scheduled yet."""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import date
from typing import NamedTuple, Protocol

from revrec.core.charge_line import ChargeLine, event_command
from revrec.core.policies import RecognitionPolicies

UNDATED = date.max
"""The date of a part that waits for something: nobody knows when it will be recognized."""


class PostingTarget(NamedTuple):
    """Where a rule posts: account numbers, the journal's symbol and the memo template."""

    deferred: str
    accrued: str
    journal: str
    memo: str


class ScheduleRule(Protocol):
    """The part of a rule that a schedule carries. :class:`revrec.core.rules.Rule` is one; so is the rule of a cost.

    A schedule names its rule by this protocol alone, so that the lowest value of the model does not depend on rules
    and methods, which depend on it.
    """

    @property
    def name(self) -> str:
        """The rule's name."""
        ...

    @property
    def text(self) -> str:
        """The rule's exact text in its file."""
        ...

    @property
    def sha256(self) -> str:
        """The digest of the text: the rule's version."""
        ...

    @property
    def file(self) -> str:
        """The file that the rule is in."""
        ...

    @property
    def post(self) -> PostingTarget:
        """Where the rule posts."""
        ...

    @property
    def method(self) -> RecognitionPolicies:
        """The method, with the policies for later changes."""
        ...

    @property
    def after_invoice(self) -> bool:
        """Whether nothing of a line goes on an entry before its document is invoiced."""
        ...


class SchedulePart(NamedTuple):
    """One schedule line: recognize ``amount`` (minor units of the charge line's currency) on ``date``."""

    date: date
    amount: int


class Unscheduled(NamedTuple):
    """Why a charge line, or a part of it, has no schedule.

    ``code``: no_rule, waiting, ambiguous, held, closed or impossible.
    """

    code: str
    reason: str
    rule: ScheduleRule | None = None


class WaitReason(NamedTuple):
    """What a share waits for: ``code`` and ``reason`` as of Unscheduled, and the event that would tell it, if any.

    ``kind``, ``name`` and ``more`` (options) are those of ``revrec event add``.
    """

    code: str
    reason: str
    kind: str = ""
    name: str = ""
    more: str = ""

    def of(self, line: ChargeLine) -> Unscheduled:
        """The same of one charge line, with the command that records the event."""
        mend = f": {event_command(line, self.kind, self.name, self.more)}" if self.kind else ""
        return Unscheduled(self.code, f"{self.reason}{mend}")


class Plan(NamedTuple):
    """When shares of an amount fall due: dates in order, whole-number weights, and in words how they came to be.

    Where ``waits`` tells that a share waits, the dates may be in any order, and the date of such a share is
    :data:`UNDATED`.
    """

    dates: tuple[date, ...]
    weights: tuple[int, ...]
    words: str
    waits: WaitReason | None = None


class Remaining(NamedTuple):
    """The part of a plan that is still to be recognized: dated ``parts``, and the amount that waits (minor units).

    ``words`` explain how the amounts that are already on entries were treated.
    """

    parts: tuple[SchedulePart, ...]
    waiting: int = 0
    words: str = ""


class Schedule(NamedTuple):
    """The parts of one charge line in date order, those that are known and after them those that wait.

    Together they sum to the charge line to the minor unit. ``waits`` tells why those in ``waiting`` wait; their dates
    are when they would have fallen, or :data:`UNDATED`. All may wait: then ``parts`` is empty.
    """

    rule: ScheduleRule
    parts: tuple[SchedulePart, ...]
    explanation: str
    waiting: tuple[SchedulePart, ...] = ()
    waits: Unscheduled | None = None
    table_target: PostingTarget | None = None
    """Where it posts, if tables told that."""
    plan: Plan | None = None
    """What the amount was split by."""
    constrained: int = 0
    """What of the amount that waits is constrained: no part of the price yet."""

    @property
    def post(self) -> PostingTarget:
        """Where it posts."""
        return self.table_target or self.rule.post

    @property
    def all_parts(self) -> tuple[SchedulePart, ...]:
        """All parts, those that wait too."""
        return self.parts + self.waiting

    @property
    def on_hold(self) -> tuple[SchedulePart, ...]:
        """The parts that wait though it is known when they would have fallen: a hold has stopped them."""
        return tuple(part for part in self.waiting if part.date != UNDATED)

    @property
    def undated(self) -> int:
        """The amount that waits because nobody knows when it will be recognized."""
        return sum(part.amount for part in self.waiting if part.date == UNDATED)

    def shares(self) -> list[tuple[date, int]]:
        """The dates of the parts with their weights, as they were planned; else with their amounts."""
        dates = tuple(part.date for part in self.parts)
        if self.plan is not None and self.plan.dates == dates:
            return list(zip(dates, self.plan.weights, strict=True))
        return [(part.date, abs(part.amount)) for part in self.parts]

    def remaining(self, posted: Sequence[tuple[date, int]]) -> Remaining:
        """What of it is neither on journal entries (``posted``) nor waiting, and the amount that waits.

        What was posted beyond the parts that are known is taken back, unless none is known at all: then it stays.
        """
        held = self.on_hold
        if not self.parts and not held:
            return Remaining((), self.undated - sum(amount for _day, amount in posted))
        rest = unposted_parts(self.parts + held, posted)
        begin = held[0].date if held else UNDATED
        known = tuple(part for part in rest if part.date < begin)
        return Remaining(known, self.undated + sum(part.amount for part in rest if part.date >= begin))


def or_unscheduled(derived: Schedule | Unscheduled) -> Schedule | Unscheduled:
    """What a charge line gets that was never scheduled: unscheduled while all of it waits, or if nothing is left."""
    if isinstance(derived, Schedule) and not derived.parts:
        return derived.waits or Unscheduled(
            "closed", f"nothing is left to recognize: {derived.explanation}", derived.rule
        )
    return derived


def split_undated(parts: Iterable[SchedulePart]) -> tuple[tuple[SchedulePart, ...], tuple[SchedulePart, ...]]:
    """The dated parts in order, one for each date; and those that wait without a date, as one."""
    by_date: Counter[date] = Counter()
    for day, amount in parts:
        by_date[day] += amount
    waiting = by_date.pop(UNDATED, 0)
    known = tuple(SchedulePart(day, amount) for day, amount in sorted(by_date.items()) if amount)
    return known, (SchedulePart(UNDATED, waiting),) if waiting else ()


def catch_up_on(parts: tuple[SchedulePart, ...], floor: date) -> tuple[SchedulePart, ...]:
    """The parts with all that would fall before ``floor`` on that day instead."""
    late = sum(part.amount for part in parts if part.date <= floor)
    later = tuple(part for part in parts if part.date > floor)
    return (SchedulePart(floor, late), *later) if late else later


def combine_small_parts(parts: tuple[SchedulePart, ...], smallest: int, first: date) -> tuple[SchedulePart, ...]:
    """Parts of at least ``smallest`` minor units: lesser ones are held back and fall with the next.

    The last part takes what is left, whatever it is. What is less than ``smallest`` in all falls on ``first``, the
    first date of the plan.
    """
    whole = sum(part.amount for part in parts)
    if abs(whole) < smallest:
        return (SchedulePart(first, whole),)
    kept, held = [], 0
    for part in parts:
        held += part.amount
        if held and (abs(held) >= smallest or part is parts[-1]):
            kept.append(SchedulePart(part.date, held))
            held = 0
    return tuple(kept)


def unposted_parts(parts: tuple[SchedulePart, ...], posted: Iterable[tuple[date, int]]) -> tuple[SchedulePart, ...]:
    """What is left of a plan when ``posted`` parts are already on journal entries, perhaps of an older plan.

    A part that was posted as it is planned, same date and amount, is done, even if one before it is still open. Where
    the two plans differ, :func:`uncovered_parts` says how the posted amount fills the new parts.
    """
    done = Counter(posted)
    left = []
    for part in parts:
        if done[part] > 0:
            done[part] -= 1
        else:
            left.append(part)
    odd = sum(amount * count for (_day, amount), count in done.items())
    return uncovered_parts(tuple(left), odd) if left or not odd else (SchedulePart(parts[-1].date, -odd),)


def uncovered_parts(parts: tuple[SchedulePart, ...], posted: int) -> tuple[SchedulePart, ...]:
    """What is left of a plan when ``posted`` (minor units) is already on journal entries under an older plan.

    The posted amount fills the new parts from the first on; what it does not reach stays due on the new plan's
    dates. A plan's late parts may fall before what was posted: they are then due at once, which is the catch-up.
    Carried and remaining parts sum to the plan, to the minor unit.
    """
    left, rest = posted, []
    for part in parts:
        covered = covered_amount(part.amount, left)
        left -= covered
        if part.amount != covered:
            rest.append(SchedulePart(part.date, part.amount - covered))
    if left:
        rest.append(SchedulePart(parts[-1].date, -left))
    return tuple(rest)


def covered_amount(amount: int, available: int) -> int:
    """As much of ``amount`` as ``available`` covers; nothing if their signs differ."""
    if amount > 0:
        return max(0, min(amount, available))
    return min(0, max(amount, available))
