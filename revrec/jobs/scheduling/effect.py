"""The effect of events on schedules: the amounts of each month before and after, and what a run would post."""

from collections import Counter
from collections.abc import Iterable
from datetime import date
from typing import NamedTuple

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
    """The sum of changes of schedules, by month. Amounts that are on journal entries already are not part of it."""

    def __init__(self) -> None:
        self._before: Counter[tuple[str, str]] = Counter()
        self._after: Counter[tuple[str, str]] = Counter()
        self._days: Counter[tuple[date, str]] = Counter()

    def add(self, changes: Iterable[ScheduleChange]) -> None:
        """Add changes."""
        for change in changes:
            for sums, parts in ((self._before, change.before), (self._after, change.after)):
                for day, amount in parts:
                    sums[f"{day:%Y-%m}", change.currency] += amount
            for day, amount in change.after:
                self._days[day, change.currency] += amount

    def months(self) -> list[MonthEffect]:
        """Return the months with open amounts, in order."""
        keys = sorted(set(self._before) | set(self._after))
        return [MonthEffect(*key, self._before[key], self._after[key]) for key in keys]

    def due(self, day: date) -> dict[str, int]:
        """Return what a run of a day would post of the changed schedules, in minor units by currency."""
        due: Counter[str] = Counter()
        for (planned, currency), amount in self._days.items():
            if planned <= day:
                due[currency] += amount
        return dict(sorted(due.items()))
