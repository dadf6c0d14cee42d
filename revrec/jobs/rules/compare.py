"""``revrec rules diff``: compare two sets of rules, and the schedules that they give over the real data."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from difflib import unified_diff
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from revrec.core.batching import batched
from revrec.core.money import decimal_string
from revrec.core.rules import AllocationRule
from revrec.core.rules.contracts import AllocatedContract, ContractMember, allocate_contract
from revrec.core.schedule import Schedule, Unscheduled, or_unscheduled
from revrec.jobs.paging import PAGE
from revrec.jobs.rules.load import load_rules
from revrec.store import charges, contracts, events

if TYPE_CHECKING:
    from revrec.core.rules import Rule, RuleBook
    from revrec.jobs.context import Context
    from revrec.store.connection import Connection

MOST = 1_000
"""Most charge lines that are listed; any further ones are counted."""

Totals = Counter[tuple[str, str, str]]
"""Amounts in minor units by (period, revenue account, currency)."""


class RuleChange(NamedTuple):
    """A rule that was added, removed or changed; ``diff`` is the change of its text, line by line."""

    rule: str
    change: str
    diff: str


class ChargeChange(NamedTuple):
    """A charge line that the two sets treat differently, with the result of each in words."""

    charge: str
    currency: str
    before: str
    after: str


@dataclass
class RuleComparison:
    """The comparison of the ``current`` rules, which are in force, with the ``proposed`` ones."""

    rules: list[RuleChange] = field(default_factory=list)
    lines: int = 0
    differ: int = 0
    charges: list[ChargeChange] = field(default_factory=list)
    current: Totals = field(default_factory=Counter)
    proposed: Totals = field(default_factory=Counter)

    def moved(self) -> list[dict[str, str]]:
        """Return what each period and account gains or loses under the proposed rules; omit those without change."""
        rows = []
        for period, account, currency in sorted(self.current.keys() | self.proposed.keys()):
            key = (period, account, currency)
            if self.current[key] != self.proposed[key]:
                figures = {
                    "now": self.current[key],
                    "then": self.proposed[key],
                    "moved": self.proposed[key] - self.current[key],
                }
                texts = {name: decimal_string(value, currency) for name, value in figures.items()}
                rows.append({"period": period, "accrued": account, "currency": currency, **texts})
        return rows


def compare_rules(context: "Context", other: Path) -> RuleComparison:
    """Compare the current rules with the proposed ones in the folder ``other``, by rule and over every charge line.

    Whole schedules are compared, as if each set had always been in force: posted amounts are ignored, and nothing is
    written.

    Raises:
        RuleErrors: One of the sets has errors.
    """
    current, proposed = load_rules(context), load_rules(context, other)
    result = RuleComparison(rules=list(_rule_changes(current, proposed)))
    with context.database.read() as connection:
        numbers = charges.all_numbers(connection)
        of_contracts: list[int] = []
        for page in context.progress.track(list(batched(numbers, PAGE)), "comparing schedules"):
            recorded = events.events_of_charges(connection, page)
            for no, line in charges.read_charges(connection, page):
                if any(book.allocations and book.allocation_of(line) for book in (current, proposed)):
                    of_contracts.append(no)
                    continue
                facts = recorded.get(no, ())
                outcomes = [or_unscheduled(book.derive(line, facts)) for book in (current, proposed)]
                _compare(result, line.id, line.currency, *outcomes)
        _compare_contracts(connection, result, (current, proposed), of_contracts)
    result.lines = len(numbers)
    return result


def _compare_contracts(
    connection: "Connection", result: RuleComparison, books: "tuple[RuleBook, RuleBook]", numbers: list[int]
) -> None:
    """Compare the lines of contracts, contract by contract under each set."""
    known = contracts.memberships(connection, numbers)
    recorded = events.events_of_charges(connection, numbers)
    members = {
        no: ContractMember(line, recorded.get(no, ()), known[no].part if no in known else 1)
        for no, line in charges.read_charges(connection, numbers)
    }
    outcomes = [dict(_outcomes(book, members, known)) for book in books]
    for no, member in members.items():
        current, proposed = (or_unscheduled(outcome[no]) for outcome in outcomes)
        _compare(result, member.line.id, member.line.currency, current, proposed)


def _outcomes(
    book: "RuleBook", members: Mapping[int, ContractMember], known: Mapping[int, contracts.ContractMembership]
) -> Iterator[tuple[int, Schedule | Unscheduled]]:
    by_contract: dict[str, list[int]] = {}
    for no, member in members.items():
        rule = book.allocation_of(member.line)
        if isinstance(rule, AllocationRule):
            contract = known[no].contract if no in known else rule.contract_of(member.line)
            by_contract.setdefault(contract or "", []).append(no)
        else:
            yield no, rule or book.derive(member.line, member.events)
    for numbers in by_contract.values():
        found = allocate_contract(book, [members[no] for no in numbers])
        for no in numbers:
            line, facts, _part = members[no]
            yield no, book.derive(line, facts, found.steps[line.id]) if isinstance(found, AllocatedContract) else found


def _rule_changes(current: "RuleBook", proposed: "RuleBook") -> Iterator[RuleChange]:
    old, new = ({rule.name: rule for rule in book.rules} for book in (current, proposed))
    for name in sorted(old.keys() | new.keys()):
        before, after = old.get(name), new.get(name)
        if before is None or after is None:
            yield RuleChange(name, "added" if before is None else "removed", _diff(before, after))
        elif (before.sha256, before.post) != (after.sha256, after.post):
            yield RuleChange(name, "changed", _diff(before, after))


def _diff(before: "Rule | None", after: "Rule | None") -> str:
    old, new = (rule.text.splitlines() if rule else [] for rule in (before, after))
    return "\n".join(list(unified_diff(old, new, n=2, lineterm=""))[2:])


def _compare(
    result: RuleComparison,
    charge: str,
    currency: str,
    current: Schedule | Unscheduled,
    proposed: Schedule | Unscheduled,
) -> None:
    for found, totals in ((current, result.current), (proposed, result.proposed)):
        if isinstance(found, Schedule):
            for day, amount in found.parts:
                totals[f"{day:%Y-%m}", found.post.accrued, currency] += amount
    if _compared_facts(current) == _compared_facts(proposed):
        return
    result.differ += 1
    if len(result.charges) < MOST:
        result.charges.append(ChargeChange(charge, currency, _words(current, currency), _words(proposed, currency)))


def _compared_facts(found: Schedule | Unscheduled) -> tuple[object, ...]:
    """Return the facts that make two outcomes differ: parts, waiting parts and posting target, or code and reason."""
    return (found.parts, found.waiting, found.post) if isinstance(found, Schedule) else (found.code, found.reason)


def _words(found: Schedule | Unscheduled, currency: str) -> str:
    if isinstance(found, Unscheduled):
        return f"unscheduled: {found.reason}"
    first, last = found.parts[0], found.parts[-1]
    parts = f"{len(found.parts)} parts, " if len(found.parts) > 1 else ""
    ends = (f"{day} {decimal_string(amount, currency)}" for day, amount in dict.fromkeys((first, last)))
    waiting = sum(part.amount for part in found.waiting)
    waits = f", {decimal_string(waiting, currency)} waits" if waiting else ""
    return f"{found.rule.name}: {parts}{' to '.join(ends)} to account {found.post.accrued}{waits}"
