"""The recognition schedule of a charge line: its parts, why they are as they are, or why there is no schedule yet.

This is the lowest value of the model. It names its rule and method by protocols only, so that rules, methods, pricing
and holds can depend on it without an import cycle.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from datetime import date
from functools import partial
from itertools import chain, groupby, pairwise
from operator import itemgetter
from typing import Any, NamedTuple, Protocol

from revrec.core.charge_line import ChargeLine, event_command
from revrec.core.money import split
from revrec.core.policies import RecognitionPolicies

UNDATED = date.max
"""The date of a part that waits: its recognition date is not known yet."""


class PostingTarget(NamedTuple):
    """The target of a rule's entries: account numbers, the journal's symbol and the memo template.

    ``accrued`` is the revenue account (for a cost, the expense account). ``options`` is the text of
    :class:`revrec.core.posting_options.PostingOptions`.
    """

    deferred: str
    accrued: str
    journal: str
    memo: str
    options: str = ""


class ScheduleRule(Protocol):
    """The part of a rule that a schedule carries. :class:`revrec.core.rules.Rule` is one; so is the rule of a cost.

    A schedule names its rule by this protocol alone, so that the lowest value of the model does not depend on rules
    and methods, which depend on it.
    """

    @property
    def name(self) -> str:
        """Return the rule's name."""
        ...

    @property
    def text(self) -> str:
        """Return the rule's exact text in its file."""
        ...

    @property
    def sha256(self) -> str:
        """Return the digest of the text: the rule's version."""
        ...

    @property
    def file(self) -> str:
        """Return the file that the rule is in."""
        ...

    @property
    def post(self) -> PostingTarget:
        """Return where the rule posts."""
        ...

    @property
    def method(self) -> RecognitionPolicies:
        """Return the method, with the policies for later changes."""
        ...

    @property
    def after_invoice(self) -> bool:
        """Return True if nothing of a line goes on an entry before its document is invoiced."""
        ...


class SchedulePart(NamedTuple):
    """One part of a schedule: recognize ``amount`` (minor units of the charge line's currency) on ``date``."""

    date: date
    amount: int


_part: Callable[[tuple[date, int]], SchedulePart] = partial(tuple.__new__, SchedulePart)
"""Make a SchedulePart from a pair; several times faster than calling the class, and every schedule has a dozen."""


def parts_on(dates: Sequence[date], amounts: Sequence[int]) -> tuple[SchedulePart, ...]:
    """Return parts of these amounts (minor units) on these dates."""
    return tuple(map(_part, zip(dates, amounts, strict=True)))


def total_of(parts: Iterable[tuple[date, int]]) -> int:
    """Return the sum of the amounts of parts, in minor units."""
    return sum(amount for _day, amount in parts)


NOT_REVENUE, CLOSED = "not_revenue", "closed"
"""Codes of charge lines of which nothing is ever recognized: by the method ``none``, or because nothing is left, as for
a line that is only a price of its contract."""
SETTLED = (NOT_REVENUE, CLOSED)
"""Codes of charge lines without a schedule that wait for no one."""


class Unscheduled(NamedTuple):
    """The reason why a charge line, or a part of it, has no schedule.

    ``code`` is waiting (for an event) or held (on hold); no_rule, ambiguous or impossible if a rule or table must
    change; stopped if its contract cannot be allocated any more; or one of :data:`SETTLED`.
    """

    code: str
    reason: str
    rule: ScheduleRule | None = None


class WaitReason(NamedTuple):
    """The reason why a share waits: ``code`` and ``reason`` as in Unscheduled, and the event that would date it.

    ``kind``, ``name`` and ``more`` (options) are arguments of ``revrec event add``.
    """

    code: str
    reason: str
    kind: str = ""
    name: str = ""
    more: str = ""

    def of(self, line: ChargeLine) -> Unscheduled:
        """Return the reason for one charge line, with the command that records the event."""
        fix = f": {event_command(line, self.kind, self.name, self.more)}" if self.kind else ""
        return Unscheduled(self.code, f"{self.reason}{fix}")


class DaySpan(NamedTuple):
    """The days of service, ``first`` to ``last``, that the part on ``falls_on`` recognizes."""

    falls_on: date
    first: date
    last: date


class Plan(NamedTuple):
    """The dates on which shares of an amount fall due, their whole-number weights, and an explanation.

    Dates are in order. If ``waits`` is set they may be in any order, and a share that waits is dated :data:`UNDATED`.
    """

    dates: tuple[date, ...]
    weights: tuple[int, ...]
    words: str
    waits: WaitReason | None = None


class DividedPlan(NamedTuple):
    """A plan of a rule, with the reason for it, and the amounts that it divides without anything else to consider.

    ``amounts`` are in minor units, without sign; empty if the amount of a line is not all that counts.
    """

    rule: ScheduleRule
    plan: Plan
    explanation: str
    amounts: range


class RecordedPlan(NamedTuple):
    """A plan that divides the whole amount of a line by what its events report, with the reason for it.

    ``dates`` are in order and all different. ``weights`` divide an amount by cumulative rounding; ``undated`` is the
    weight of the share that waits, for the reason ``waits``, and 0 without one.
    """

    rule: ScheduleRule
    dates: tuple[date, ...]
    weights: tuple[int, ...]
    undated: int
    waits: WaitReason | None
    explanation: str
    is_changeable: bool
    """True if a change of the price, or a hold, only moves parts, or the days of ``spans``: nothing waits."""
    divisible: range
    """The amounts (minor units, without sign) that a database divides by the weights as :meth:`divide` does."""
    spans: Sequence[DaySpan] = ()
    """The days that the parts are for, if a change within them divides a part."""

    def divide(self, amount: int) -> tuple[tuple[int, ...], int] | None:
        """Return the amounts on the dates and the one that waits, in minor units; None if one of them has no cent."""
        if not self.undated:
            amounts, waiting = split(amount, self.weights), 0
        else:
            *amounts, waiting = split(amount, (*self.weights, self.undated))
        return None if 0 in amounts or bool(waiting) != bool(self.undated) else (tuple(amounts), waiting)


class Remaining(NamedTuple):
    """The part of a plan that is still to be recognized: dated ``parts``, and the amount that waits (minor units).

    ``words`` explain how the amounts that are already on entries were treated.
    """

    parts: tuple[SchedulePart, ...]
    waiting: int = 0
    words: str = ""


class Schedule(NamedTuple):
    """The parts of one charge line in date order: ``parts`` have dates, ``waiting`` do not have one yet.

    All parts together add up to the charge line, to the minor unit. ``waits`` is why the ``waiting`` parts wait; their
    dates are when they would have fallen due, or :data:`UNDATED`. If everything waits, ``parts`` is empty.
    """

    rule: ScheduleRule
    parts: tuple[SchedulePart, ...]
    explanation: str
    waiting: tuple[SchedulePart, ...] = ()
    waits: Unscheduled | None = None
    table_target: PostingTarget | None = None
    """The target of its entries, if a lookup table decides it."""
    plan: Plan | None = None
    """The plan by which the amount was split."""
    constrained: int = 0
    """The part of the waiting amount that is constrained: not included in the price yet (minor units)."""
    pieces: "Schedule | None" = None
    """The same schedule with the months cut into the days before and after each change; None if none is cut."""
    piece_dates: tuple[date, ...] = ()
    """The date of the part for each of the dated parts of ``pieces``."""
    divides: int = 1
    """The number of amounts of which its parts are shares: one more after a change that leaves its first parts as they
    were, and two more if the change is caught up."""
    historical: tuple[SchedulePart, ...] = ()
    """The parts that another system recognized before the cutover of a migrated line."""
    caught_up: SchedulePart | None = None
    """The part on the day of the cutover by which a migrated line catches up."""

    @property
    def post(self) -> PostingTarget:
        """Return where it posts."""
        return self.table_target or self.rule.post

    @property
    def all_parts(self) -> tuple[SchedulePart, ...]:
        """Return all parts, including those that wait."""
        return self.parts + self.waiting

    @property
    def on_hold(self) -> tuple[SchedulePart, ...]:
        """Return the parts that a hold has stopped: they wait although their planned date is known."""
        return tuple(part for part in self.waiting if part.date != UNDATED)

    @property
    def undated(self) -> int:
        """Return the amount (minor units) that waits because its recognition date is not known."""
        return sum(part.amount for part in self.waiting if part.date == UNDATED)

    def weights_of(self, parts: Sequence[SchedulePart]) -> list[int]:
        """Return the planned weights of some parts; their amounts if they were not split by these weights."""
        amounts = [abs(part.amount) for part in parts]
        known = dict(zip(self.plan.dates, self.plan.weights, strict=True)) if self.plan else {}
        weights = [known.get(part.date, 0) for part in parts]
        if not self.plan or len(known) != len(self.plan.dates) or not all(weights):
            return amounts if any(amounts) else [1] * len(parts)
        return list(weights_in_force(amounts, weights))

    def remaining(self, posted: Sequence[tuple[date, int]]) -> Remaining:
        """Return what is still to be recognized when ``posted`` is already on journal entries.

        An amount posted beyond the dated parts is taken back; if no part is dated at all, it stays.
        """
        # Parts on hold still have planned dates, so posted amounts fill them like any others. Only then are they
        # separated again: filling the dated parts alone would take back what was posted before the hold was recorded.
        held = self.on_hold
        if not posted:
            return Remaining(self.parts, total_of(self.waiting))
        if not self.parts and not held:
            return Remaining((), self.undated - total_of(posted))
        rest = unposted_parts(self.parts + held, posted)
        begin = held[0].date if held else UNDATED
        known = tuple(part for part in rest if part.date < begin)
        return Remaining(known, self.undated + sum(part.amount for part in rest if part.date >= begin))


class PlainSchedule(NamedTuple):
    """A schedule that a shared plan and the changes of one line result in; amounts are in minor units.

    ``parts`` are (date, amount) in order, and at least one. ``undated`` waits for the reason ``waits``; 0 and None if
    nothing does. ``price`` is the price of the line: all parts together. ``price_words`` describe the changes of the
    price, if there are any. ``carried`` is the number of the first parts that are what they were before the only
    change, as far as it is known. ``is_whole``: the parts are the plan's shares of the amount of the line.
    ``divides`` is the same as :attr:`Schedule.divides`. If there are ``prices``, both texts have "%s becomes %s" for
    each change, and :meth:`in_words` puts the prices before, between and after the changes there.
    """

    plan: RecordedPlan
    parts: tuple[tuple[date, int], ...]
    undated: int
    waits: Unscheduled | None
    explanation: str
    price: int
    price_words: str = ""
    carried: int = 0
    is_whole: bool = False
    divides: int = 1
    prices: tuple[str, ...] = ()

    def in_words(self) -> "PlainSchedule":
        """Return the same with complete texts."""
        if not self.prices:
            return self
        explanation, words = (with_prices(text, self.prices) for text in (self.explanation, self.price_words))
        return self._replace(explanation=explanation, price_words=words, prices=())


make_plain: Callable[[tuple[Any, ...]], PlainSchedule] = partial(tuple.__new__, PlainSchedule)
"""Make a PlainSchedule from all its values; twice as fast as calling the class, for each line that an event changes."""


def with_prices(text: str, prices: Sequence[str]) -> str:
    """Return a text that has "%s becomes %s" for each change of a price, with the prices before and after it."""
    return text % tuple(chain.from_iterable(pairwise(prices))) if text else text


def weights_in_force(amounts: Sequence[int], weights: Sequence[int]) -> Sequence[int]:
    """Return the planned weights of some parts if these split their amounts (minor units); else the amounts."""
    # Amounts are rounded. If they were the weights, four equal parts of a new price could differ by cents.
    amounts = [abs(amount) for amount in amounts]
    total, whole = sum(amounts), sum(weights)
    tolerance = whole * len(amounts)
    are_its = all(
        abs(amount * whole - total * weight) < tolerance for amount, weight in zip(amounts, weights, strict=True)
    )
    return weights if are_its else amounts


def explained(unscheduled: Unscheduled, rule: ScheduleRule) -> Unscheduled:
    """Return a reason with the rule that led to it."""
    return unscheduled._replace(rule=rule, reason=f'rule "{rule.name}": {unscheduled.reason}')


def or_unscheduled(derived: Schedule | Unscheduled) -> Schedule | Unscheduled:
    """Return the outcome for a line that was never scheduled: unscheduled if all of it waits or nothing is left."""
    if isinstance(derived, Schedule) and not cancel_out(derived.parts):
        return derived.waits or Unscheduled(
            CLOSED, f"nothing is left to recognize: {derived.explanation}", derived.rule
        )
    return derived


def cancel_out(parts: tuple[SchedulePart, ...]) -> tuple[SchedulePart, ...]:
    """Return parts, in order of date, with one part for each day that has positive and negative ones; none for zero."""
    if not parts or all(part.amount > 0 for part in parts) or all(part.amount < 0 for part in parts):
        return parts
    found: list[SchedulePart] = []
    for day, same in groupby(parts, key=itemgetter(0)):
        amounts = [part.amount for part in same]
        is_mixed = min(amounts) < 0 < max(amounts)
        found += [SchedulePart(day, amount) for amount in ([sum(amounts)] if is_mixed else amounts) if amount]
    return tuple(found)


def split_undated(parts: Iterable[SchedulePart]) -> tuple[tuple[SchedulePart, ...], tuple[SchedulePart, ...]]:
    """Return the dated parts in order, one per date, and the undated ones as a single part."""
    by_date: Counter[date] = Counter()
    for day, amount in parts:
        by_date[day] += amount
    waiting = by_date.pop(UNDATED, 0)
    known = tuple(SchedulePart(day, amount) for day, amount in sorted(by_date.items()) if amount)
    return known, (SchedulePart(UNDATED, waiting),) if waiting else ()


def not_before(parts: tuple[SchedulePart, ...], first: date) -> tuple[SchedulePart, ...]:
    """Return the parts in order of date, with everything that would fall before ``first`` on that day."""
    late = sum(part.amount for part in parts if part.date < first)
    return (*((SchedulePart(first, late),) if late else ()), *(part for part in parts if part.date >= first))


def catch_up_on(parts: tuple[SchedulePart, ...], floor: date) -> tuple[SchedulePart, ...]:
    """Move everything that would fall before ``floor`` to that day."""
    late = sum(part.amount for part in parts if part.date <= floor)
    later = tuple(part for part in parts if part.date > floor)
    return (SchedulePart(floor, late), *later) if late else later


def combine_small_parts(parts: tuple[SchedulePart, ...], smallest: int, first: date) -> tuple[SchedulePart, ...]:
    """Combine parts below ``smallest`` minor units with the next one; what is left at the end joins the part before it.

    A total below ``smallest`` falls on ``first``, the first date of the plan.
    """
    whole = total_of(parts)
    if abs(whole) < smallest:
        return (SchedulePart(first, whole),)
    kept, held = [], 0
    for part in parts:
        held += part.amount
        if held and (abs(held) >= smallest or part is parts[-1]):
            kept.append(SchedulePart(part.date, held))
            held = 0
    if len(kept) > 1 and abs(kept[-1].amount) < smallest:
        before, last = kept[-2:]
        kept[-2:] = [SchedulePart(last.date, before.amount + last.amount)]
    return tuple(kept)


def unposted_parts(parts: tuple[SchedulePart, ...], posted: Iterable[tuple[date, int]]) -> tuple[SchedulePart, ...]:
    """Return what remains of a plan when ``posted`` parts are already on journal entries, perhaps of an older plan.

    A part that was posted as planned, with the same date and amount, is done. Where the two plans differ, the posted
    amount fills the new parts as in :func:`uncovered_parts`.
    """
    # Match exact pairs first: a line blocked by a closed month may be open while later ones are posted. Filling by
    # amount alone would mark the blocked part as done and post one of the later parts twice.
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
    """Return what remains of a plan when ``posted`` (minor units) is already on journal entries under an older plan.

    The posted amount fills the new parts from the first one; what it does not reach stays due on the new dates. New
    parts may be dated before what was posted: they are due at once, which is the catch-up. Posted and remaining amounts
    add up to the plan, to the minor unit.
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
    """Return as much of ``amount`` as ``available`` covers; 0 if their signs differ."""
    if amount > 0:
        return max(0, min(amount, available))
    return min(0, max(amount, available))
