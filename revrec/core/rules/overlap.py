"""Rules of equal priority that could take the same charge line: refused where it is certain, else warned of."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import date
from itertools import combinations

from revrec.core.rules.expression import Expression
from revrec.core.rules.model import Problem, Rule
from revrec.core.rules.patterns import Patterns, has_wildcard
from revrec.core.rules.ranges import Comparison


def overlaps(rules: Iterable[Rule]) -> Iterator[tuple[Rule, Rule, bool]]:
    """Pairs of equal priority that could both match a line; the bool tells whether that is certain.

    It is not where either has a ``condition``, whose meaning is not looked into.
    """
    by_priority: dict[int, list[Rule]] = defaultdict(list)
    for rule in rules:
        by_priority[rule.priority].append(rule)
    for equals in by_priority.values():
        whens = {id(rule): {condition.field: condition for condition in rule.when} for rule in equals}
        for one, other in _possible(equals):
            first, second = whens[id(one)], whens[id(other)]
            if _windows_meet(one, other) and all(_fields_meet(it, second.get(field)) for field, it in first.items()):
                yield one, other, not (Expression.field in first or Expression.field in second)


def _possible(rules: list[Rule]) -> Iterator[tuple[Rule, Rule]]:
    """Pairs in order, leaving out those that name different items only, of which large books have millions."""
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


def _windows_meet(one: Rule, other: Rule) -> bool:
    starts = (one.effective_from or date.min, other.effective_from or date.min)
    return max(starts) <= min(one.effective_to or date.max, other.effective_to or date.max)


def _fields_meet(one: object, other: object) -> bool:
    if isinstance(one, Patterns) and isinstance(other, Patterns):
        return one.could_meet(other)
    if isinstance(one, Comparison) and isinstance(other, Comparison):
        return one.could_meet(other)
    return True


def as_problem(one: Rule, other: Rule, certain: bool) -> Problem:
    """The pair as a message that names both places and the mend."""
    can = "can both match" if certain else "may both match (their conditions cannot be compared)"
    message = (
        f'rule "{other.name}" and rule "{one.name}" ({one.file}:{one.line}) {can} the same line at priority '
        f"{one.priority}; give one of them a higher priority, or narrow its when"
    )
    return Problem(other.file, other.line, 1, message)
