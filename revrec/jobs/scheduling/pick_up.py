"""Schedule charge lines without a schedule under rules that changed; lines with a schedule keep it."""

import json
from collections.abc import Collection, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from revrec.core.batching import batched
from revrec.core.charge_line import ChargeLine
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
    from revrec.store.audit import AuditStamp
    from revrec.store.connection import Connection


def pick_up_unscheduled(context: "Context", connection: "Connection") -> list[ScheduleChange]:
    """Schedule unscheduled charge lines if the rules changed since they were tried; return their new schedules.

    Lines that would change the schedules of others wait for a rebuild: lines of a contract whose other lines would get
    another share of its price, and lines that would join a contract with lines that are planned without it.

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
    alone, joining = _independent(connection, book, who, numbers)
    scheduler.contracts.join(joining, are_new=False)
    numbers = sorted([*alone, *(no for no, _line in joining)])
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


def _independent(
    connection: "Connection", book: RuleBook, who: "AuditStamp", numbers: Sequence[int]
) -> tuple[list[int], list[tuple[int, ChargeLine]]]:
    """Return the charge lines whose schedules change no other line's schedule, and those that join a contract first."""
    found: list[int] = []
    joining: list[tuple[int, ChargeLine]] = []
    for page in batched(numbers, PAGE):
        its_own = contracts.memberships(connection, page)
        begun = contracts.scheduled_contracts(connection, {one.contract for one in its_own.values()})
        kept = {contract: _keeps_others(connection, book, who, contract) for contract in begun}
        for no, line in charges.read_charges(connection, page):
            if no in its_own:
                if kept.get(its_own[no].contract, True):
                    found.append(no)
            elif isinstance(book.allocation_of(line), AllocationRule):
                joining.append((no, line))
            else:
                found.append(no)
    return found, _without_planned_others(connection, book, joining)


def _keeps_others(connection: "Connection", book: RuleBook, who: "AuditStamp", contract: str) -> bool:
    """Check that the lines of a contract that have a schedule keep it, under the rules that planned them."""
    members = list(contracts.contract_members(connection, [contract]))
    planned = schedules.rule_versions_in_force(connection, members)
    return all(Scheduler(connection, book, who, audit_seq=0).is_current(no) for no in planned)


def _without_planned_others(
    connection: "Connection", book: RuleBook, joining: Sequence[tuple[int, ChargeLine]]
) -> list[tuple[int, ChargeLine]]:
    """Return the lines whose contracts have no line that was planned outside of them."""
    if not joining:
        return []
    wanted = {contract for _no, line in joining if (contract := _contract_of(book, line))}
    taken: set[str | None] = {None}
    for page in batched(_possible_members(connection, wanted), PAGE):
        planned = schedules.rule_versions_in_force(connection, page)
        for _no, line in charges.read_charges(connection, list(planned)):
            contract = _contract_of(book, line)
            if contract in wanted:
                taken.add(contract)
    return [(no, line) for no, line in joining if _contract_of(book, line) not in taken]


def _possible_members(connection: "Connection", names: Collection[str]) -> list[int]:
    """Return the charge lines that have a value in common with one of these contracts; else all lines."""
    values: dict[str, set[str]] = {}
    for name in names:
        fields: dict[str, str] = json.loads(name)
        column = next((one for one in charges.GROUPING_COLUMNS if one in fields), "")
        values.setdefault(column, set()).add(fields.get(column, ""))
    if "" in values:
        return charges.all_numbers(connection)
    return sorted({no for column, some in values.items() for no in charges.numbers_with(connection, column, some)})


def _contract_of(book: RuleBook, line: ChargeLine) -> str | None:
    rule = book.allocation_of(line)
    return rule.contract_of(line) if isinstance(rule, AllocationRule) else None
