"""Schedule new charge lines in columns: those that a shared plan divides, which are most of an import."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from revrec.core.charge_columns import ChargeColumns
from revrec.core.rules import RuleBook
from revrec.core.rules.columns import ALONE, PlanFinder
from revrec.core.schedule import DividedPlan
from revrec.jobs.scheduling.rule_versions import VersionKeeper
from revrec.store import schedules
from revrec.store.plans import SHARES, PlanKeeper, SharedPlan
from revrec.store.schedules import FirstVersions, VersionTerms

if TYPE_CHECKING:
    from revrec.store.connection import Connection
    from revrec.store.digests import RowDigest

MOST_PLANS_KEPT = 20_000
"""The bound of the cache of plans, so that memory stays flat however many dates a file has."""


class FirstSchedules:
    """The first schedules of charge lines without events, written in columns."""

    def __init__(self, connection: "Connection", book: RuleBook, rules: VersionKeeper, plans: PlanKeeper) -> None:
        self._connection = connection
        self._finder = PlanFinder(book)
        self._rules = rules
        self._plans = plans
        self._terms: dict[int, tuple[DividedPlan, VersionTerms]] = {}
        self._digests: list[RowDigest] = []
        self._new: list[FirstVersions] = []

    def __len__(self) -> int:
        """Return the number of schedules that are not written yet."""
        return sum(len(one.numbers) for one in self._new)

    def add(self, first: int, columns: ChargeColumns) -> list[int]:
        """Add the schedules of charge lines, numbered from ``first`` on; return the places of those not divided."""
        found = self._finder.find(columns)
        alone = self._alone(found, columns.amount)
        numbers, amounts = list(range(first, first + len(found))), columns.amount
        if alone:
            others = sorted(set(range(len(found))).difference(alone))
            numbers, amounts, found = ([column[at] for at in others] for column in (numbers, amounts, found))
        if numbers:
            terms = self._terms_of(found)
            self._new.append(FirstVersions(numbers, amounts, [terms[number] for number in found]))
        return alone

    def _alone(self, found: Sequence[int], amounts: Sequence[int]) -> list[int]:
        """Return the places of the lines that no plan divides, or not by an amount like theirs."""
        plans, used = self._finder.plans, set(found)
        if ALONE not in used:
            ranges = [plans[number].amounts for number in used]
            if max(one.start for one in ranges) <= min(amounts) and max(amounts) < min(one.stop for one in ranges):
                return []
        lines = enumerate(zip(found, amounts, strict=True))
        return [at for at, (plan, amount) in lines if plan == ALONE or abs(amount) not in plans[plan].amounts]

    def _terms_of(self, found: Sequence[int]) -> dict[int, VersionTerms]:
        """Return the terms of plans by their numbers; write the plans and explanations that are new."""
        if len(self._terms) > MOST_PLANS_KEPT:
            self._terms.clear()
        used = {number: self._finder.plans[number] for number in set(found)}
        new = [one for one in used.values() if id(one) not in self._terms]
        if new:
            kept, written = self._plans.keep([SharedPlan(SHARES, one.plan.dates, one.plan.weights) for one in new])
            texts, explained = self._plans.explanation_ids([one.explanation for one in new])
            self._digests += [*written, *explained]
            for one, plan, text in zip(new, kept, texts, strict=True):
                assert plan is not None
                terms = VersionTerms(self._rules.id_of(one.rule, one.rule.post), plan, text)
                # The plan is kept too: another one could get its id otherwise.
                self._terms[id(one)] = one, terms
        return {number: self._terms[id(one)][1] for number, one in used.items()}

    def flush(self, audit_seq: int) -> "list[RowDigest]":
        """Write the schedules; return the digests of all that was written for them."""
        found = [*self._digests, *schedules.add_divided(self._connection, self._new, audit_seq)]
        self._plans.forget()
        self._digests, self._new = [], []
        return found
