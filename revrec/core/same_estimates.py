"""What charge lines share whose plan is the same, and for which estimates of what is constrained are recorded.

The parts of each estimate and the words for it depend on the days alone: they are found once for many lines. Only
estimates of amounts that change what is included are treated here; :mod:`revrec.core.constraint` decides what is right,
and a property test compares the two.
"""

from bisect import bisect_right
from collections.abc import Sequence
from datetime import date
from operator import lt
from typing import NamedTuple

from revrec.core.anchors import Events
from revrec.core.charge_line import INCLUDE, ChargeLine
from revrec.core.constraint import CONSTRAINT, constraint_in_force, reason_of_waiting
from revrec.core.money import decimal_string, split
from revrec.core.pricing import PriceChange, named_change, treatment_of
from revrec.core.same_changes import KeptChanges, template
from revrec.core.schedule import PlainSchedule, RecordedPlan, Unscheduled, covered_amount, make_plain


class _SameEstimates(NamedTuple):
    """The estimates that lines of a plan share.

    ``pasts`` are the numbers of the plan's parts by the day of each; empty if the general way is needed. ``days`` are
    the days of the parts after all estimates. ``explanation`` has a %s for each price before or after an estimate.
    """

    plan: RecordedPlan
    pasts: Sequence[int] = ()
    days: Sequence[date] = ()
    explanation: str = ""

    def apply(self, line: ChargeLine, changing: Events, amounts: Sequence[int]) -> PlainSchedule | None:
        """Return the schedule of a line with these ``amounts`` before the estimates; None if not each changes it."""
        price, currency, weights = line.amount, line.currency, self.plan.weights
        shares, left, begin = amounts, 0, 0
        parts: list[int] = []
        prices = [decimal_string(price, currency)]
        for event, past in zip(changing, self.pasts, strict=True):
            if event.percent is not None:
                return None
            amount = event.amount or 0
            before, left = left, covered_amount(price, -amount if price < 0 else amount)
            after = split(price - left, weights) if left else amounts
            behind = sum(after[:past]) - sum(shares[:past])
            if left == before or not behind or 0 in after:
                return None
            parts += (*shares[begin:past], behind)
            shares, begin = after, past
            prices.append(decimal_string(price - left, currency))
        parts += shares[begin:]
        if 0 in parts:
            return None
        waits = self._waits(line, changing) if left else None
        dated = tuple(zip(self.days, parts, strict=True))
        divides = 1 + 2 * len(self.pasts)
        return make_plain(
            (self.plan, dated, left, waits, self.explanation, price, "", 0, False, divides, tuple(prices))
        )

    def _waits(self, line: ChargeLine, changing: Events) -> Unscheduled | None:
        """Return why the constrained amount waits."""
        constraint = constraint_in_force(None, changing)
        if constraint is None:
            return None
        rule = self.plan.rule
        return Unscheduled("waiting", f'rule "{rule.name}": {reason_of_waiting(constraint, line)}', rule)


def estimated_price(
    plan: RecordedPlan, line: ChargeLine, changing: Events, amounts: Sequence[int]
) -> PlainSchedule | None:
    """Return the schedule after estimates that are each caught up on their day; None after other changes.

    ``amounts`` are the parts before the estimates, in minor units.
    """
    found = _KEPT.of(plan, line, changing)
    return found.apply(line, changing, amounts) if found.pasts else None


def _same_estimates(plan: RecordedPlan, line: ChargeLine, changing: Events) -> _SameEstimates:
    """Return what the estimates of lines have in common; without ``pasts`` if the general way is needed."""
    days = [event.date for event in changing]
    pasts = [bisect_right(plan.dates, day) for day in days]
    are_estimates = all(event.kind == CONSTRAINT for event in changing)
    # The last estimate of a day replaces the others. Without a part by its day, one changes the price from the start.
    if not are_estimates or not all(map(lt, days, days[1:])) or not pasts[0]:
        return _SameEstimates(plan)
    dated: list[date] = []
    said = [template(plan.explanation)]
    for day, begin, past in zip(days, [0, *pasts], pasts, strict=False):
        how = treatment_of(PriceChange(INCLUDE, day, 2, 1, "", shared=True), plan.rule.method)
        said.append(template(named_change(INCLUDE, "", day, True, how)[1], line.currency))
        dated += (*plan.dates[begin:past], day)
    return _SameEstimates(plan, pasts, (*dated, *plan.dates[pasts[-1] :]), "; ".join(said))


_KEPT = KeptChanges(_same_estimates)
