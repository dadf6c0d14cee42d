"""``revrec event withdraw``: withdraw an event that was recorded by mistake."""

from typing import TYPE_CHECKING

from revrec.core.errors import BadInput, check_reason
from revrec.core.rules.costs import cost_of, is_loss
from revrec.jobs.importing.events import Warn
from revrec.jobs.rules.load import load_rules
from revrec.jobs.scheduling.scheduler import ScheduleChange, Scheduler
from revrec.store import events
from revrec.store.audit import record
from revrec.store.database.engine import transaction
from revrec.store.events import RecordedEvent

if TYPE_CHECKING:
    from revrec.jobs.context import Context


def withdraw_event(
    context: "Context", number: int, reason: str, dry_run: bool = False, warn: Warn = tuple
) -> tuple[RecordedEvent, list[ScheduleChange]]:
    """Withdraw an event, with its copies for the costs of the charge line, and derive the schedules without it.

    The event stays stored, with the reason of its withdrawal. Amounts that are on entries already are corrected as
    after any event; an amount that only the event had dated is reversed, and waits. With ``dry_run`` nothing is saved.
    ``warn`` is called with the warnings.

    Raises:
        BadInput: there is no such event, it is withdrawn already, or the reason is missing.
    """
    check_reason(f"event {number}: a withdrawal", reason)
    book = load_rules(context)
    with transaction(context.database, dry_run) as connection:
        event = events.recorded_event(connection, number)
        if event is None:
            raise BadInput(f"{number}: no such event; see: revrec event list")
        if event.withdrawn_at is not None:
            raise BadInput(f"event {number} is withdrawn already, by {event.withdrawn_by}: {event.withdrawn_for}")
        if is_loss(event.charge):
            cost = cost_of(event.charge)
            raise BadInput(f"event {number}: is the copy of an impairment of {cost}: withdraw the event of that line")
        withdrawn = [event, *events.copies_for_costs(connection, event)]
        numbers = sorted({one.charge_no for one in withdrawn})
        before = events.events_of_charges(connection, numbers)
        who = context.who()
        detail = {"event": event.id, "kind": event.kind, "date": event.date, "name": event.name, "reason": reason}
        audit_seq = record(connection, who, "event withdrawn", event.charge, detail)
        digest = events.withdraw(connection, [one.id for one in withdrawn], reason, who, audit_seq)
        record(connection, who, "withdrawal written", event.charge, {}, [digest])
        scheduler = Scheduler(connection, book, who, audit_seq)
        changes = scheduler.reschedule(numbers, before=before)
        warn(scheduler.contracts.warnings)
        return event, changes
