"""``revrec schedule``: derive all schedules again after rules or events changed, and show the difference first."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from revrec.core.batching import batched
from revrec.core.fingerprint import fingerprint
from revrec.jobs.paging import PAGE
from revrec.jobs.rules.load import load_rules
from revrec.jobs.scheduling.scheduler import ScheduleChange, Scheduler
from revrec.store import charges, schedules
from revrec.store.audit import record
from revrec.store.database.engine import discarded

if TYPE_CHECKING:
    from revrec.core.rules import RuleBook
    from revrec.jobs.context import Context
    from revrec.store.audit import AuditStamp
    from revrec.store.connection import Connection


@dataclass
class ScheduleResult:
    """The schedules that changed, or would change, and how much moves in each period."""

    applied: bool
    changes: list[ScheduleChange] = field(default_factory=list)
    charges: int = 0
    unscheduled: int = 0

    def by_period(self) -> dict[tuple[str, str], int]:
        """Return the minor units that each (period, currency) gains; negative if it loses."""
        moved: Counter[tuple[str, str]] = Counter()
        for change in self.changes:
            for sign, parts in ((-1, change.before), (1, change.after)):
                for day, amount in parts:
                    moved[f"{day:%Y-%m}", change.currency] += sign * amount
        return {key: amount for key, amount in sorted(moved.items()) if amount}


def schedule(context: "Context", rebuild: bool = False) -> ScheduleResult:
    """Derive every schedule again under the present rules and events, and return the differences.

    They are kept only with ``rebuild``; without it the same work is done and rolled back, so that the preview cannot
    differ from the real change. Posted amounts are never changed; the rest of the charge line is planned again.

    Raises:
        RuleErrors: The rules have errors; nothing was scheduled.
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
            numbers += _add_missing_costs(connection, book, who, audit_seq, numbers)
        for page in context.progress.track(list(batched(numbers, PAGE)), "deriving schedules"):
            result.changes += scheduler.reschedule(page)
        result.charges = len(numbers)
        result.unscheduled = len(schedules.unscheduled_numbers(connection))
    return result


def _add_missing_costs(
    connection: "Connection", book: "RuleBook", who: "AuditStamp", audit_seq: int, numbers: Sequence[int]
) -> list[int]:
    """Write the cost lines that the rules give these charge lines and the database does not have; return their numbers.

    A rule may have gained a cost after the import. Each cost line gets the source row of its charge line.
    """
    added: list[int] = []
    for page in batched(numbers, PAGE):
        lines = [line for _no, line in charges.read_charges(connection, page)]
        wanted = [(line.id, cost) for line in lines for cost in book.costs_of(line)]
        there = charges.known_charges(connection, [cost.id for _id, cost in wanted])
        missing = [(id, cost) for id, cost in wanted if cost.id not in there]
        rows = charges.known_charges(connection, [id for id, _cost in missing])
        next_no = charges.next_charge_number(connection)
        new = [
            charges.charge_row(no, cost, fingerprint(cost), rows[id].import_id, rows[id].row)
            for no, (id, cost) in enumerate(missing, next_no)
        ]
        if new:
            digest = charges.add_charges(connection, new)
            record(connection, who, "charge lines written", f"costs of event {audit_seq}", {}, [digest])
            added += [row[0] for row in new]
    return added
