"""``revrec schedule``: derive schedules again after rules or events changed, and show the difference first."""

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from revrec.core.batching import batched
from revrec.jobs.rules.load import load_rules
from revrec.jobs.scheduling.costs import add_costs
from revrec.jobs.scheduling.scheduler import PAGE, Change, Scheduler
from revrec.store import charges, schedules
from revrec.store.audit import record
from revrec.store.database.engine import discarded

if TYPE_CHECKING:
    from revrec.jobs.context import Context


@dataclass
class ScheduleResult:
    """What changed, or would change, and how much moves in each period."""

    applied: bool
    changes: list[Change] = field(default_factory=list)
    charges: int = 0
    unscheduled: int = 0

    def by_period(self) -> dict[tuple[str, str], int]:
        """Minor units that each (period, currency) gains (or loses, below zero)."""
        moved: Counter[tuple[str, str]] = Counter()
        for change in self.changes:
            for sign, parts in ((-1, change.before), (1, change.after)):
                for day, amount in parts:
                    moved[f"{day:%Y-%m}", change.currency] += sign * amount
        return {key: amount for key, amount in sorted(moved.items()) if amount}


def schedule(context: "Context", rebuild: bool = False) -> ScheduleResult:
    """Derive every schedule again under the present rules and events, and tell what differs.

    Only with ``rebuild`` is the difference kept: the same work is done without it, then rolled back. What is on a
    journal entry is never touched; the rest of its charge line is planned anew.

    Raises:
        RuleErrors: the rules are broken; nothing runs on them.
    """
    book = load_rules(context)
    result = ScheduleResult(rebuild)
    with context.database.write() if rebuild else discarded(context.database) as connection:
        who = context.who()
        audit_seq = record(connection, who, "schedules derived again", "all charge lines", {})
        scheduler = Scheduler(connection, book, who, audit_seq)
        numbers = charges.all_numbers(connection)
        if book.allocations:
            for page in batched(numbers, PAGE):
                scheduler.contracts.join(charges.read_charges(connection, page))
        if book.costs:
            numbers += add_costs(connection, book, who, audit_seq, numbers)
        for page in context.progress.track(list(batched(numbers, PAGE)), "deriving schedules"):
            result.changes += scheduler.again(page)
        result.charges = len(numbers)
        result.unscheduled = len(schedules.unscheduled_numbers(connection))
    return result
