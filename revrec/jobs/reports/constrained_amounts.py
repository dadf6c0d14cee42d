"""Find what is constrained on a day: no part of the price then, also if the day is known on which it is included.

The schedule in force includes what is constrained on the day on which the constraint ends. What it plans beyond the
schedule without that day is the constrained amount.

Source: ASC 606-10-50-14 and 50-15 (IFRS 15.122), the remaining obligations have no constrained consideration; 32-11 to
32-13 (56 to 58), the constraint of estimates.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING, NamedTuple

from revrec.core.anchors import Events
from revrec.core.batching import batched
from revrec.core.constraint import CONSTRAINT
from revrec.core.rules import Rule, RuleBook
from revrec.core.schedule import Unscheduled, total_of
from revrec.jobs.paging import PAGE
from revrec.jobs.reports.derived_lines import DerivedLines, lines_as_planned
from revrec.jobs.scheduling.contracts import Contracts
from revrec.jobs.scheduling.planned_rules import PlannedRules
from revrec.store import rule_versions
from revrec.store.reports.recognition import Conditions, charges_among, in_disclosure, open_charges

if TYPE_CHECKING:
    from revrec.store.connection import Connection


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
        now = lines_as_planned(connection, book, planned, page)
        others = charges_among(connection, sorted({*now.lines} - {*page}), (*in_disclosure(until), *only))
        until_then = {no: _without_later(its_own, until) for no, its_own in now.recorded.items()}
        then = now
        endless = ended.of(now, until)
        if endless is not now.book or until_then != now.recorded:
            contracts = Contracts(connection, book)
            contracts.settle(now.lines, until_then, (), book=endless)
            then = DerivedLines(contracts, now.lines, until_then, endless)
        for no in sorted({*page, *others}):
            found = _constrained(then, no) if then is now else _beyond(now, then, no)
            if found.amount or any(found.dated.values()):
                yield no, found


def _without_later(its_own: Events, until: date) -> Events:
    return [one for one in its_own if one.kind != CONSTRAINT or one.date <= until]


class _EndlessRules:
    """Rules whose constraints have no planned end, each made once."""

    def __init__(self) -> None:
        self._rules: dict[int, tuple[Rule, Rule]] = {}

    def of(self, now: DerivedLines, until: date) -> RuleBook:
        """Return the book in which a constraint that ends after the day does not end; the same book if none does."""
        rules = {no: rule for no, line in now.lines.items() if isinstance(rule := now.book.match(line), Rule)}
        later = {no for no, rule in rules.items() if self._ends_later(rule, now, no, until)}
        if not later:
            return now.book
        return now.book.pinned(
            {now.lines[no].id: self._of(rule) if no in later else rule for no, rule in rules.items()}
        )

    @staticmethod
    def _ends_later(rule: Rule, now: DerivedLines, no: int, until: date) -> bool:
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


def _beyond(now: DerivedLines, then: DerivedLines, no: int) -> ConstrainedAmount:
    """Return what the schedule in force has beyond the one that never includes what is constrained on the day."""
    planned, less = now.schedule(no), then.schedule(no)
    if planned is None or less is None:
        return _constrained(then, no)
    dated: Counter[str] = Counter()
    for sign, schedule in ((1, planned), (-1, less)):
        for part in schedule.parts:
            dated[part.date.isoformat()] += sign * part.amount
    # With an allocation, the price of other lines of the contract changes when the amount is included.
    amount = total_of(planned.all_parts) - total_of(less.all_parts) + less.constrained
    return ConstrainedAmount(now.lines[no].currency, amount, dated)


def _constrained(lines: DerivedLines, no: int) -> ConstrainedAmount:
    """Return what is constrained of a charge line; no part of it has a day."""
    line, steps = lines.lines[no], lines.outcome(no)
    if isinstance(steps, Unscheduled):
        return ConstrainedAmount(line.currency, 0, Counter())
    amount = lines.book.constrained_part(line, lines.recorded.get(no, ()), steps)
    return ConstrainedAmount(line.currency, amount, Counter())
