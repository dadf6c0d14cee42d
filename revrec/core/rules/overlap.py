"""Find rules of equal priority that could match the same charge line: an error if certain, else a warning."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import date
from itertools import combinations
from typing import Protocol, TypeVar

from revrec.core.rules.expression import Expression
from revrec.core.rules.model import Condition, RuleProblem
from revrec.core.rules.patterns import Patterns, has_wildcard
from revrec.core.rules.ranges import Comparison


class Ranked(Protocol):
    """Anything with a priority among its kind: a rule, a repair or an allocation."""

    @property
    def name(self) -> str: ...
    @property
    def priority(self) -> int: ...
    @property
    def effective_from(self) -> date | None: ...
    @property
    def effective_to(self) -> date | None: ...
    @property
    def when(self) -> tuple[Condition, ...]: ...
    @property
    def file(self) -> str: ...
    @property
    def line(self) -> int: ...


Kind = TypeVar("Kind", bound=Ranked)


def overlaps(rules: Iterable[Kind]) -> Iterator[tuple[Kind, Kind, bool]]:
    """Yield pairs of equal priority that could both match a line, and whether that is certain.

    It is not certain if either has a ``condition``, whose meaning is not analyzed.
    """
    by_priority: dict[int, list[Kind]] = defaultdict(list)
    for rule in rules:
        by_priority[rule.priority].append(rule)
    for equals in by_priority.values():
        whens = {id(rule): {condition.field: condition for condition in rule.when} for rule in equals}
        for one, other in _possible(equals):
            first, second = whens[id(one)], whens[id(other)]
            if _windows_meet(one, other) and all(_fields_meet(it, second.get(field)) for field, it in first.items()):
                yield one, other, not (Expression.field in first or Expression.field in second)


def _possible(rules: list[Kind]) -> Iterator[tuple[Kind, Kind]]:
    """Yield pairs in order, without those that name different items only, of which large books have millions."""
    by_item: dict[str, list[int]] = defaultdict(list)
    wild = []
    for index, rule in enumerate(rules):
        items = next((it.patterns for it in rule.when if isinstance(it, Patterns) and it.field == "item"), ("*",))
        if any(map(has_wildcard, items)):
            wild.append(index)
        else:
            for item in set(items):
                by_item[item].append(index)
    pairs = {pair for same in by_item.values() for pair in combinations(same, 2)}
    pairs.update((min(one, other), max(one, other)) for one in wild for other in range(len(rules)) if one != other)
    return ((rules[one], rules[other]) for one, other in sorted(pairs))


def _windows_meet(one: Ranked, other: Ranked) -> bool:
    starts = (one.effective_from or date.min, other.effective_from or date.min)
    return max(starts) <= min(one.effective_to or date.max, other.effective_to or date.max)


def _fields_meet(one: object, other: object) -> bool:
    if isinstance(one, Patterns) and isinstance(other, Patterns):
        return one.could_meet(other)
    if isinstance(one, Comparison) and isinstance(other, Comparison):
        return one.could_meet(other)
    return True


def as_problem(one: Ranked, other: Ranked, certain: bool, what: str = "rule") -> RuleProblem:
    """Return the pair as a problem that names both places and the fix."""
    can = "can both match" if certain else "may both match (their conditions cannot be compared)"
    message = (
        f'{what} "{other.name}" and {what} "{one.name}" ({one.file}:{one.line}) {can} the same line at priority '
        f"{one.priority}; give one of them a higher priority, or narrow its when"
    )
    return RuleProblem(other.file, other.line, 1, message)
