"""``revrec schedule``: derive all schedules again after rules or events changed, and show the difference first."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from revrec.core.batching import batched
from revrec.jobs.paging import PAGE
from revrec.jobs.rules.load import load_rules
from revrec.jobs.scheduling.effect import ScheduleEffect
from revrec.jobs.scheduling.missing_costs import add_missing_costs
from revrec.jobs.scheduling.pick_up import pick_up_unscheduled
from revrec.jobs.scheduling.scheduler import ScheduleChange, Scheduler
from revrec.store import charges, schedules
from revrec.store.audit import record
from revrec.store.database.engine import discarded
from revrec.store.reports.moves import REBUILT
from revrec.store.rules_applied import put_rules_of_plan, rules_of_plan

if TYPE_CHECKING:
    from revrec.core.rules import RuleBook
    from revrec.jobs.context import Context
    from revrec.store.connection import Connection


@dataclass
class ScheduleResult:
    """The schedules that changed, or would change, and how much moves in each period.

    ``picked_up`` are the new schedules of charge lines that had none.
    """

    applied: bool
    changes: list[ScheduleChange] = field(default_factory=list)
    charges: int = 0
    unscheduled: int = 0
    picked_up: list[ScheduleChange] = field(default_factory=list)

    def by_period(self) -> dict[tuple[str, str], int]:
        """Return the revenue in minor units that each (period, currency) gains, negative if it loses; without costs."""
        effect = ScheduleEffect()
        effect.add(self.changes)
        return {(one.period, one.currency): one.difference for one in effect.months() if one.difference}


def schedule(context: "Context", rebuild: bool = False, reason: str = "") -> ScheduleResult:
    """Derive every schedule again under the present rules and events, and return the differences.

    Charge lines without a schedule get one at once if the rules have changed since they were tried. The differences of
    the others are kept only with ``rebuild``, for a ``reason``; without it the same work is done and rolled back, so
    that the preview cannot differ from the real change. Posted amounts are never changed; the rest of the charge line
    is planned again.

    Raises:
        RuleErrors: The rules have errors; nothing was scheduled.
    """
    book = load_rules(context)
    result = ScheduleResult(rebuild)
    if rebuild:
        with context.database.write() as connection:
            _derive_all(context, connection, book, result, reason)
        return result
    with context.database.write() as connection:
        result.picked_up = pick_up_unscheduled(context, connection)
    with discarded(context.database) as connection:
        _derive_all(context, connection, book, result, reason)
    if not result.changes:
        _note_plan(context, book)
    return result


def _derive_all(
    context: "Context", connection: "Connection", book: "RuleBook", result: ScheduleResult, reason: str
) -> None:
    who = context.who()
    audit_seq = record(connection, who, REBUILT, "all charge lines", {"reason": reason})
    scheduler = Scheduler(connection, book, who, audit_seq, rebuild=True)
    numbers = charges.all_numbers(connection)
    if book.allocations:
        for page in batched(numbers, PAGE):
            scheduler.contracts.join(charges.read_charges(connection, page), are_new=False)
    if book.costs:
        numbers += add_missing_costs(connection, book, who, audit_seq, numbers)
    for page in context.progress.track(list(batched(numbers, PAGE)), "deriving schedules"):
        result.changes += scheduler.reschedule(page)
    result.charges = len(numbers)
    result.unscheduled = schedules.count_unscheduled(connection)
    _record_plan(connection, context, book)


def _note_plan(context: "Context", book: "RuleBook") -> None:
    """Note that the present files give the same schedules, so that no command reports them as newer than the plan."""
    with context.database.write() as connection:
        planned = rules_of_plan(connection)
        if planned and planned.files != book.files:
            _record_plan(connection, context, book)


def _record_plan(connection: "Connection", context: "Context", book: "RuleBook") -> None:
    who = context.who()
    digests = put_rules_of_plan(connection, book.files, who.at)
    record(connection, who, "rules noted", "all charge lines", {"files": dict(book.files)}, digests)
