"""The recognition schedule: what is recognised when, and why; or why nothing is scheduled yet."""

from datetime import date
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from revrec.core.rules.model import Rule


class Part(NamedTuple):
    """One schedule line: recognise ``amount`` (minor units of the charge line's currency) on ``date``."""

    date: date
    amount: int


class Schedule(NamedTuple):
    """The parts of one charge line in date order; they sum to the charge line to the minor unit."""

    rule: "Rule"
    parts: tuple[Part, ...]
    explanation: str


class Unscheduled(NamedTuple):
    """Why a charge line has no schedule. ``code``: no_rule, waiting, ambiguous, held or impossible."""

    code: str
    reason: str
    rule: "Rule | None" = None
