"""Schedule charge lines without a schedule under rules that changed; lines with a schedule keep it."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from revrec.core.batching import batched
from revrec.core.errors import BadConfiguration, Busy
from revrec.core.rules import AllocationRule, RuleBook, RuleErrors
from revrec.jobs.paging import PAGE
from revrec.jobs.rules.files import changed_files
from revrec.jobs.rules.load import load_rules
from revrec.jobs.scheduling.missing_costs import add_missing_costs
from revrec.jobs.scheduling.scheduler import ScheduleChange, Scheduler
from revrec.store import charges, contracts, schedules
from revrec.store.audit import record
from revrec.store.database.engine import discarded
from revrec.store.rules_applied import put_rules_tried, rules_tried

if TYPE_CHECKING:
    from revrec.jobs.context import Context
    from revrec.store.connection import Connection


def pick_up_unscheduled(context: "Context", connection: "Connection") -> list[ScheduleChange]:
    """Schedule unscheduled charge lines if the rules changed since they were tried; return their new schedules.

    Lines that would change the schedules of others wait for a rebuild: lines of a contract that has a schedule, and
    lines that an allocation rule would join to a contract.

    Raises:
        RuleErrors: The rules have errors; nothing was scheduled.
        BadConfiguration: The rules cannot be read.
    """
    if not _needs_pick_up(context, connection):
        return []
    book, who = load_rules(context), context.who()
    numbers = schedules.unscheduled_numbers(connection)
    subject = "charge lines without a schedule"
    audit_seq = record(connection, who, "unscheduled lines tried again", subject, {"charges": len(numbers)})
    scheduler = Scheduler(connection, book, who, audit_seq)
    numbers = _independent(connection, book, numbers)
    if book.costs:
        numbers += add_missing_costs(connection, book, who, audit_seq, numbers)
    changes: list[ScheduleChange] = []
    for page in batched(numbers, PAGE):
        changes += scheduler.reschedule(page)
    digest = put_rules_tried(connection, book.files, who.at)
    record(connection, who, "rules noted", subject, {"files": dict(book.files)}, [digest])
    return changes


@contextmanager
def as_the_next_run(context: "Context") -> Iterator["Connection"]:
    """Yield the database as the next run would find it after :func:`pick_up_unscheduled`; nothing is written.

    If the rules cannot be used or the database cannot be written, nothing is scheduled and a message says so.
    """
    with ExitStack() as stack:
        connection = stack.enter_context(context.database.read())
        if _needs_pick_up(context, connection):
            stack.close()
            try:
                connection = stack.enter_context(discarded(context.database))
                pick_up_unscheduled(context, connection)
            except (RuleErrors, BadConfiguration, Busy) as error:
                # Someone who may only read the database, or comes while another process writes, still gets a preview.
                context.say(f"no charge line is scheduled: {error}")
                stack.close()
                connection = stack.enter_context(context.database.read())
        yield connection


def _needs_pick_up(context: "Context", connection: "Connection") -> bool:
    tried = rules_tried(connection)
    return bool(tried and schedules.has_unscheduled(connection) and changed_files(context, tried.files))


def _independent(connection: "Connection", book: RuleBook, numbers: Sequence[int]) -> list[int]:
    """Return the charge lines whose schedules change no other line's schedule."""
    found: list[int] = []
    for page in batched(numbers, PAGE):
        its_own = contracts.memberships(connection, page)
        begun = contracts.scheduled_contracts(connection, {one.contract for one in its_own.values()})
        for no, line in charges.read_charges(connection, page):
            if no in its_own:
                affects_others = its_own[no].contract in begun
            else:
                affects_others = isinstance(book.allocation_of(line), AllocationRule)
            if not affects_others:
                found.append(no)
    return found
