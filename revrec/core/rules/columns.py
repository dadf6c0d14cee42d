"""Find the plans of many charge lines at once: once for all lines that agree in what the rules look at.

Which fields the rules look at is observed, not declared: a line that notes each field is shown to them. Rules are pure,
so lines with the same values in these fields get the same answer.
"""

from collections.abc import Sequence
from typing import Any, cast

from revrec.core.charge_columns import ChargeColumns
from revrec.core.charge_line import ChargeLine
from revrec.core.rules.book import Candidates, RuleBook
from revrec.core.schedule import DividedPlan

SHARED = frozenset(ChargeLine._fields) - {"document", "line", "amount", "description"}
"""The fields whose values many lines share. If a rule looks at another one, each line is derived by itself."""

MOST_KEPT = 50_000
"""The bound of each cache, so that memory stays flat however many items and dates there are."""

ALONE = -1
"""The number of no plan: the line must be derived by itself."""


class _WatchedLine:
    """A charge line that notes the fields that are looked at."""

    def __init__(self, line: ChargeLine) -> None:
        self._line = line
        self.fields: set[str] = set()

    def __getattr__(self, name: str) -> Any:
        self.fields.add(name)
        return getattr(self._line, name)


class PlanFinder:
    """The plans of a rule book, by the values of the fields that its rules look at."""

    def __init__(self, book: RuleBook) -> None:
        self._book = book
        self._fields: tuple[str, ...] = ()
        self._forget()

    def _forget(self) -> None:
        self._groups: dict[str, int] = {}
        self._candidates: list[Candidates] = []
        self._numbers: dict[tuple[Any, ...], int] = {}
        self.plans: list[DividedPlan] = []
        """The plans by their numbers."""

    def find(self, columns: ChargeColumns) -> Sequence[int]:
        """Return the number of the plan of each charge line, without regard to its amount; or :data:`ALONE`.

        A plan divides a line if the amount is in the plan's ``amounts``. The lines must have no events and no costs.
        """
        if len(self._groups) > MOST_KEPT or len(self._numbers) > MOST_KEPT:
            self._forget()
        groups = self._groups_of(columns.item)
        while True:
            keys = list(zip(groups, *(_hashable(columns, name) for name in self._fields), strict=True))
            if self._learn(keys, columns):
                return list(map(self._numbers.__getitem__, keys))

    def _groups_of(self, items: Sequence[str]) -> Sequence[int]:
        """Return a number for each line: lines have the same one if the same rules may match their items."""
        for item in set(items) - self._groups.keys():
            candidates = self._book.candidates(item)
            if candidates not in self._candidates:
                self._candidates.append(candidates)
            self._groups[item] = self._candidates.index(candidates)
        return list(map(self._groups.__getitem__, items))

    def _learn(self, keys: Sequence[tuple[Any, ...]], columns: ChargeColumns) -> bool:
        """Find the plans of new keys; return False if the rules look at more fields than the keys have."""
        new = set(keys) - self._numbers.keys()
        places = dict(zip(keys, range(len(keys)), strict=True)) if new else {}
        for key in new:
            watched = _WatchedLine(columns.at(places[key]))
            plan = self._book.divided(cast(ChargeLine, watched), self._candidates[key[0]])
            if not watched.fields <= SHARED:
                plan = None
            elif not watched.fields <= {*self._fields}:
                self._fields = tuple(sorted({*self._fields, *watched.fields}))
                self._numbers.clear()
                return False
            if plan:
                self.plans.append(plan)
            self._numbers[key] = len(self.plans) - 1 if plan else ALONE
        return True


def _hashable(columns: ChargeColumns, name: str) -> Sequence[Any]:
    """Return the values of a field; a set of dimensions as a tuple."""
    if name == "dimensions":
        return [tuple(one.items()) for one in columns.dimensions]
    values: Sequence[Any] = getattr(columns, name)
    return values
