"""The effect of events on schedules: the amounts of each month before and after, and what a run would post."""

from collections import Counter
from collections.abc import Iterable
from datetime import date
from typing import NamedTuple

from revrec.core.closed_periods import ClosedPeriodBlock
from revrec.core.periods import PostingDates
from revrec.core.rules.costs import is_cost
from revrec.jobs.scheduling.scheduler import ScheduleChange


class MonthEffect(NamedTuple):
    """Open amounts of a month (``2024-03``) before and after a change, in minor units of a currency."""

    period: str
    currency: str
    before: int
    after: int

    @property
    def difference(self) -> int:
        """The amount by which the month recognizes more than before."""
        return self.after - self.before


class ScheduleEffect:
    """The sum of changes of schedules, by month.

    Amounts that are on journal entries already are not part of it, and neither are costs: they are not revenue.
    """

    def __init__(self) -> None:
        self._before: Counter[tuple[str, str]] = Counter()
        self._after: Counter[tuple[str, str]] = Counter()
        self._days: Counter[tuple[date, str, str]] = Counter()
        self._corrections: list[ScheduleChange] = []
        """Changes with amounts of both signs: a closed period blocks both sides."""

    def add(self, changes: Iterable[ScheduleChange]) -> None:
        """Add changes."""
        for change in changes:
            if is_cost(change.charge):
                continue
            for sums, parts in ((self._before, change.before), (self._after, change.after)):
                for day, amount in parts:
                    sums[f"{day:%Y-%m}", change.currency] += amount
            if len({amount > 0 for _day, amount in change.after}) > 1:
                self._corrections.append(change)
                continue
            for day, amount in change.after:
                self._days[day, change.currency, change.entity] += amount

    def months(self) -> list[MonthEffect]:
        """Return the months with open amounts, in order."""
        keys = sorted(set(self._before) | set(self._after))
        return [MonthEffect(*key, self._before[key], self._after[key]) for key in keys]

    def due(self, day: date, dates: PostingDates) -> dict[str, int]:
        """Return what a run of a day would post of the changed schedules, in minor units by currency.

        Amounts that the policy for closed periods blocks are left out.
        """
        due: Counter[str] = Counter()
        block = ClosedPeriodBlock(dates)
        for (planned, currency, entity), amount in self._days.items():
            if planned <= day and dates.of(entity, planned).date is not None:
                due[currency] += amount
        for change in self._corrections:
            for planned, amount in sorted(change.after):
                if planned <= day and not block.why_blocked(change.entity, planned, (change.charge, 2), amount):
                    due[change.currency] += amount
        return dict(sorted(due.items()))
