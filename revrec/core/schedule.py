"""The recognition schedule: what is recognised when, and why; or why nothing is scheduled yet."""

from collections import Counter
from collections.abc import Iterable
from datetime import date
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from revrec.core.rules.model import Post, Rule


class Part(NamedTuple):
    """One schedule line: recognise ``amount`` (minor units of the charge line's currency) on ``date``."""

    date: date
    amount: int


class Schedule(NamedTuple):
    """The parts of one charge line in date order; they sum to the charge line to the minor unit."""

    rule: "Rule"
    parts: tuple[Part, ...]
    explanation: str
    looked_up: "Post | None" = None
    """Where it posts, if tables told that."""

    @property
    def post(self) -> "Post":
        """Where it posts."""
        return self.looked_up or self.rule.post


class Unscheduled(NamedTuple):
    """Why a charge line has no schedule. ``code``: no_rule, waiting, ambiguous, held or impossible."""

    code: str
    reason: str
    rule: "Rule | None" = None


def replanned(parts: tuple[Part, ...], carried: Iterable[tuple[date, int]]) -> tuple[Part, ...]:
    """What is left of a plan when ``carried`` parts are already on journal entries, perhaps of an older plan.

    A part that was carried as it is planned, same date and amount, is done, even if one before it is still open. Where
    the two plans differ, :func:`remaining` says how the carried amount fills the new parts.
    """
    done = Counter(carried)
    left = []
    for part in parts:
        if done[part] > 0:
            done[part] -= 1
        else:
            left.append(part)
    odd = sum(amount * count for (_day, amount), count in done.items())
    return remaining(tuple(left), odd) if left or not odd else (Part(parts[-1].date, -odd),)


def remaining(parts: tuple[Part, ...], carried: int) -> tuple[Part, ...]:
    """What is left of a plan when ``carried`` (minor units) is already on journal entries under an older plan.

    The carried amount fills the new parts from the first on; what it does not reach stays due on the new plan's
    dates. A plan's late parts may fall before what was carried: they are then due at once, which is the catch-up.
    Carried and remaining parts sum to the plan, to the minor unit.
    """
    left, rest = carried, []
    for part in parts:
        covered = _toward(part.amount, left)
        left -= covered
        if part.amount != covered:
            rest.append(Part(part.date, part.amount - covered))
    if left:
        rest.append(Part(parts[-1].date, -left))
    return tuple(rest)


def _toward(amount: int, available: int) -> int:
    """As much of ``amount`` as ``available`` covers; nothing if their signs differ."""
    if amount > 0:
        return max(0, min(amount, available))
    return min(0, max(amount, available))
