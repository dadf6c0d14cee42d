"""Rules of equal priority that could take the same charge line: refused where it is certain, else warned of."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import date
from itertools import combinations

from revrec.core.rules.expression import Expression
from revrec.core.rules.model import Problem, Rule
from revrec.core.rules.patterns import Patterns
from revrec.core.rules.ranges import Comparison


def overlaps(rules: Iterable[Rule]) -> Iterator[tuple[Rule, Rule, bool]]:
    """Pairs of equal priority that could both match a line; the bool tells whether that is certain.

    It is not where either has a ``condition``, whose meaning is not looked into.
    """
    by_priority: dict[int, list[Rule]] = defaultdict(list)
    for rule in rules:
        by_priority[rule.priority].append(rule)
    for equals in by_priority.values():
        for one, other in combinations(equals, 2):
            if _could_meet(one, other):
                certain = not any(isinstance(it, Expression) for it in (*one.when, *other.when))
                yield one, other, certain


def _could_meet(one: Rule, other: Rule) -> bool:
    if (one.effective_from or date.min) > (other.effective_to or date.max):
        return False
    if (other.effective_from or date.min) > (one.effective_to or date.max):
        return False
    others = {condition.field: condition for condition in other.when}
    return all(_fields_meet(condition, others.get(condition.field)) for condition in one.when)


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
