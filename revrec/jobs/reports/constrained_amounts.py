"""Find what is constrained on a day: no part of the price then, also if the day is known on which it is included.

The schedule in force includes what is constrained on the day on which the constraint ends. What it plans beyond the
schedule without that day is the constrained amount.

Source: ASC 606-10-50-14 and 50-15 (IFRS 15.122), the remaining obligations have no constrained consideration; 32-11 to
32-13 (56 to 58), the constraint of estimates.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING, NamedTuple

from revrec.core.anchors import Events
from revrec.core.batching import batched
from revrec.core.charge_line import ChargeLine
from revrec.core.constraint import CONSTRAINT
from revrec.core.rules import Rule, RuleBook
from revrec.core.schedule import Schedule, Unscheduled, total_of
from revrec.jobs.paging import PAGE
from revrec.jobs.scheduling.contracts import Contracts
from revrec.jobs.scheduling.planned_rules import PlannedRules
from revrec.store import charges, events, rule_versions
from revrec.store.reports.recognition import Conditions, charges_among, in_disclosure, open_charges

if TYPE_CHECKING:
    from revrec.store.connection import Connection

Recorded = Mapping[int, Events]


class ConstrainedAmount(NamedTuple):
    """What is constrained of a charge line, in minor units; ``dated`` is the part that has an ISO day, by that day."""

    currency: str
    amount: int
    dated: Counter[str]


def constrained_amounts(
    connection: "Connection", book: RuleBook, until: date, only: Conditions
) -> Iterator[tuple[int, ConstrainedAmount]]:
    """Yield what is constrained at the end of a day, with the number of the charge line.

    ``only`` are conditions on the charge lines.
    """
    # A line keeps the constraint by which it was scheduled, also if its rule has none any more.
    with_constraint = {rule.name for rule in book.rules if rule.constraint}
    with_constraint |= rule_versions.names_with_word(connection, CONSTRAINT)
    planned, ended = PlannedRules(connection, book), _EndlessRules()
    for page in batched(open_charges(connection, until, sorted(with_constraint), only), PAGE):
        contracts = Contracts(connection, book)
        numbers = sorted({*page, *contracts.of_whole_contracts(page)})
        others = charges_among(connection, sorted({*numbers} - {*page}), (*in_disclosure(until), *only))
        lines = dict(charges.read_charges(connection, numbers))
        recorded = events.events_of_charges(connection, numbers)
        now = _Derived(contracts, planned.book_for(lines), lines, recorded)
        until_then = {no: _without_later(its_own, until) for no, its_own in recorded.items()}
        then = now
        endless = ended.of(now, until)
        if endless is not now.book or until_then != recorded:
            then = _Derived(Contracts(connection, book), endless, lines, until_then)
        for no in sorted({*page, *others}):
            found = then.constrained(no) if then is now else _beyond(now, then, no)
            if found.amount or any(found.dated.values()):
                yield no, found


def _without_later(its_own: Events, until: date) -> Events:
    return [one for one in its_own if one.kind != CONSTRAINT or one.date <= until]


class _Derived:
    """The schedules of charge lines by some rules and events, derived when they are asked for."""

    def __init__(
        self, contracts: Contracts, book: RuleBook, lines: Mapping[int, ChargeLine], recorded: Recorded
    ) -> None:
        contracts.settle(lines, recorded, (), book=book)
        self.book = book
        self.lines = lines
        self.recorded = recorded
        self._contracts = contracts

    def schedule(self, no: int) -> Schedule | None:
        """Return the schedule of a charge line; None if it has none."""
        steps = self._contracts.outcome(no)
        if isinstance(steps, Unscheduled):
            return None
        found = self.book.derive(self.lines[no], self.recorded.get(no, ()), steps)
        return found if isinstance(found, Schedule) else None

    def constrained(self, no: int) -> ConstrainedAmount:
        """Return what is constrained of a charge line; no part of it has a day."""
        line, steps = self.lines[no], self._contracts.outcome(no)
        if isinstance(steps, Unscheduled):
            return ConstrainedAmount(line.currency, 0, Counter())
        amount = self.book.constrained_part(line, self.recorded.get(no, ()), steps)
        return ConstrainedAmount(line.currency, amount, Counter())


class _EndlessRules:
    """Rules whose constraints have no planned end, each made once."""

    def __init__(self) -> None:
        self._rules: dict[int, tuple[Rule, Rule]] = {}

    def of(self, now: _Derived, until: date) -> RuleBook:
        """Return the book in which a constraint that ends after the day does not end; the same book if none does."""
        rules = {no: rule for no, line in now.lines.items() if isinstance(rule := now.book.match(line), Rule)}
        later = {no for no, rule in rules.items() if self._ends_later(rule, now, no, until)}
        if not later:
            return now.book
        return now.book.pinned(
            {now.lines[no].id: self._of(rule) if no in later else rule for no, rule in rules.items()}
        )

    @staticmethod
    def _ends_later(rule: Rule, now: _Derived, no: int, until: date) -> bool:
        if rule.constraint is None or rule.constraint.until is None:
            return False
        try:
            ends = rule.constraint.ends(rule.method, now.lines[no], now.recorded.get(no, ()))
        except OverflowError:
            return False
        return ends is not None and ends > until

    def _of(self, rule: Rule) -> Rule:
        if id(rule) not in self._rules:
            assert rule.constraint is not None
            self._rules[id(rule)] = rule, replace(rule, constraint=replace(rule.constraint, until=None))
        return self._rules[id(rule)][1]


def _beyond(now: _Derived, then: _Derived, no: int) -> ConstrainedAmount:
    """Return what the schedule in force has beyond the one that never includes what is constrained on the day."""
    planned, less = now.schedule(no), then.schedule(no)
    if planned is None or less is None:
        return then.constrained(no)
    dated: Counter[str] = Counter()
    for sign, schedule in ((1, planned), (-1, less)):
        for part in schedule.parts:
            dated[part.date.isoformat()] += sign * part.amount
    # With an allocation, the price of other lines of the contract changes when the amount is included.
    amount = total_of(planned.all_parts) - total_of(less.all_parts) + less.constrained
    return ConstrainedAmount(now.lines[no].currency, amount, dated)
