"""Play test cases of rules: compare what the rules derive with what a case expects."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from itertools import zip_longest
from typing import Any, NamedTuple

from revrec.core.anchors import Events
from revrec.core.charge_line import ChargeLine
from revrec.core.money import decimal_string
from revrec.core.pricing import AllocationStep
from revrec.core.rules.allocations import AllocationRule
from revrec.core.rules.book import RuleBook
from revrec.core.rules.cases import ExpectedEntry, RuleCase
from revrec.core.rules.contracts import AllocatedContract, ContractMember, allocate_contract
from revrec.core.rules.cost_events import events_of_cost
from revrec.core.rules.impairment import loss_line
from revrec.core.rules.model import Rule
from revrec.core.schedule import Schedule, Unscheduled, or_unscheduled, total_of

SHOWN = 3
"""The number of differing parts that are shown."""
REASONS = ("unscheduled", "waits")
"""Fields of which only a part of the text is expected."""


class CaseDifference(NamedTuple):
    """The expected and the actual value of one ``field``, both as readable text."""

    field: str
    expected: str
    found: str


def play(case: RuleCase, book: RuleBook) -> list[CaseDifference]:
    """Return the differences between the outcome of the rules and the expectation."""
    found = _found(case, book)
    differences = []
    for field, expected in case.expect.items():
        there = found.get(field)
        fits = isinstance(there, str) and expected in there if field in REASONS else there == expected
        if field != "until" and not fits:
            differences.append(CaseDifference(field, *_shown(expected, there, case.charge.currency)))
    return differences


def rules_expected(case: RuleCase, book: RuleBook) -> set[str]:
    """Return the names of the rules that a case tests: the one it names, and each one whose entries it expects."""
    found = {case.expect["rule"]} if "rule" in case.expect else set()
    if "entries" in case.expect:
        rules = (book.match(member.line) for member in case.members)
        found |= {rule.name for rule in rules if isinstance(rule, Rule)}
    return found


def _found(case: RuleCase, book: RuleBook) -> dict[str, Any]:
    """Return the value of every field that a case can expect."""
    contract = _Contract(case, book)
    derived = {member.line.line: contract.derived(member) for member in case.members}
    schedules = [one for one in derived.values() if isinstance(one, Schedule)]
    found: dict[str, Any] = _found_of_line(next(iter(derived.values()))) if len(derived) == 1 else {}
    reasons = [one.reason for one in derived.values() if isinstance(one, Unscheduled)]
    last = case.expect.get("until", date.max)
    waiting = sum(total_of(one.waiting) for one in schedules)
    entries = (entry for member in case.members for entry in contract.entries(member, derived[member.line.line]))
    found |= {
        "entries": tuple(sorted(entry for entry in entries if entry.date <= last)),
        "waiting": decimal_string(waiting, case.charge.currency) if schedules else None,
        "allocated": contract.allocated,
    }
    return found | ({"unscheduled": "; ".join(reasons)} if reasons else {})


def _found_of_line(derived: Schedule | Unscheduled) -> dict[str, Any]:
    if isinstance(derived, Unscheduled):
        return {"rule": derived.rule.name if derived.rule else None}
    parts = tuple(tuple(part) for part in derived.parts)
    return {
        "rule": derived.rule.name,
        "parts": len(parts),
        "first": parts[0][0] if parts else None,
        "last": parts[-1][0] if parts else None,
        "schedule": parts,
        "waits": derived.waits.reason if derived.waits else None,
        **{name: getattr(derived.post, name) for name in ("deferred", "accrued", "journal")},
    }


class _Contract:
    """The lines of a case by the rules; the lines of one contract have their shares of its price."""

    def __init__(self, case: RuleCase, book: RuleBook) -> None:
        self._book = book
        self._case = case
        self._steps: dict[str, tuple[AllocationStep, ...] | Unscheduled] = {}
        self.allocated: dict[str, int] = {member.line.line: member.line.amount for member in case.members}
        """The share of each line in the price, in minor units."""
        by_contract: dict[str | None, list[ContractMember]] = {}
        for member in case.members if len(case.members) > 1 else ():
            rule = book.allocation_of(member.line)
            if isinstance(rule, AllocationRule):
                by_contract.setdefault(rule.contract_of(member.line), []).append(member)
            elif isinstance(rule, Unscheduled):
                self._steps[member.line.id] = rule
        for members in by_contract.values():
            self._allocate(members)

    def _allocate(self, members: list[ContractMember]) -> None:
        found = allocate_contract(self._book, members)
        for line, _events, _part in members:
            if isinstance(found, AllocatedContract):
                self._steps[line.id] = found.steps[line.id]
                self.allocated[line.line] = found.shares[line.id].allocated
            else:
                self._steps[line.id] = found

    def derived(self, member: ContractMember) -> Schedule | Unscheduled:
        """Derive the schedule of a line."""
        steps = self._steps.get(member.line.id, ())
        return steps if isinstance(steps, Unscheduled) else self._derive(member.line, member.events, steps)

    def entries(self, member: ContractMember, derived: Schedule | Unscheduled) -> Iterator[ExpectedEntry]:
        """Yield what is posted of a line, of its costs and of their impairment losses, in one amount a day."""
        yield from _entries(derived, member.line.line)
        steps = self._steps.get(member.line.id, ())
        for cost in self._book.costs_of(member.line, () if isinstance(steps, Unscheduled) else steps):
            its_own = [event for event in self._case.of_costs if event.charge == cost.id]
            events = [*events_of_cost(self._book, cost, member.line, member.events), *its_own]
            yield from _entries(self._derive(cost, events), member.line.line)
            loss = loss_line(cost)
            impairments = events_of_cost(self._book, loss, cost, its_own)
            if impairments:
                yield from _entries(self._derive(loss, impairments), member.line.line)

    def _derive(self, line: ChargeLine, events: Events, steps: Sequence[AllocationStep] = ()) -> Schedule | Unscheduled:
        return or_unscheduled(self._book.derive(line, events, steps))


def _entries(derived: Schedule | Unscheduled, name: str) -> Iterator[ExpectedEntry]:
    if not isinstance(derived, Schedule):
        return
    amounts: Counter[date] = Counter()
    for parts, sign in ((derived.parts, 1), (derived.historical, -1)):
        for day, amount in parts:
            amounts[day] += sign * amount
    for day, amount in amounts.items():
        if amount:
            debit, credit = (derived.post.deferred, derived.post.accrued)[:: 1 if amount > 0 else -1]
            yield ExpectedEntry(day, name, debit, credit, abs(amount))


def _shown(expected: Any, found: Any, currency: str) -> tuple[str, str]:
    """Return both as text; for two schedules only the parts that differ."""
    if isinstance(expected, tuple) and isinstance(found, tuple):
        if any(isinstance(one, ExpectedEntry) for one in (*expected, *found)):
            return _entries_shown(expected, found, currency), _entries_shown(found, expected, currency)
        pairs = list(enumerate(zip_longest(expected, found), 1))
        parted = [(at, one, other) for at, (one, other) in pairs if one != other][:SHOWN]
        sides = ([(at, one) for at, one, _other in parted], [(at, other) for at, _one, other in parted])
        return _parts_shown(sides[0], currency), _parts_shown(sides[1], currency)
    if isinstance(expected, Mapping) and isinstance(found, Mapping):
        names = [name for name in {**expected, **found} if expected.get(name) != found.get(name)]
        return _shares_shown(expected, names, currency), _shares_shown(found, names, currency)
    first, second = ("nothing" if value is None else str(value) for value in (expected, found))
    return ("a schedule" if isinstance(expected, tuple) else first), second


def _parts_shown(parts: Iterable[tuple[int, tuple[date, int] | None]], currency: str) -> str:
    return ", ".join(
        f"part {at}: {f'{part[0]} {decimal_string(part[1], currency)}' if part else 'none'}" for at, part in parts
    )


def _entries_shown(entries: Iterable[ExpectedEntry], others: Iterable[ExpectedEntry], currency: str) -> str:
    """Return the first entries that the others do not have."""
    left = sorted((Counter(entries) - Counter(others)).elements())
    shown = [f"{one.date} {one.line} {one.debit}/{one.credit} {decimal_string(one.amount, currency)}" for one in left]
    more = [f"and {len(shown) - SHOWN} more"] if len(shown) > SHOWN else []
    return ", ".join((*shown[:SHOWN], *more)) or "nothing else"


def _shares_shown(shares: Mapping[str, int], names: Iterable[str], currency: str) -> str:
    return ", ".join(f"{name} {decimal_string(shares[name], currency) if name in shares else 'none'}" for name in names)
