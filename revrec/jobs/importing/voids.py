"""``revrec charge void``: void a charge line that should never have arrived."""

from typing import TYPE_CHECKING

from revrec.core.errors import BadInput, UnknownCharge, check_reason
from revrec.core.rules.costs import is_cost, sold_by
from revrec.jobs.rules.load import load_rules
from revrec.jobs.scheduling.scheduler import ScheduleChange, Scheduler
from revrec.store import billing, charges, contracts
from revrec.store.audit import record
from revrec.store.database.engine import transaction
from revrec.store.posting import invoices, reversals

if TYPE_CHECKING:
    from revrec.core.rules import RuleBook
    from revrec.jobs.context import Context
    from revrec.store.audit import AuditStamp
    from revrec.store.connection import Connection

MOST_NAMED = 5
"""The most entries that the message names."""


def void_charge(context: "Context", charge: str, reason: str, dry_run: bool = False) -> list[ScheduleChange]:
    """Void a charge line and its costs: nothing of them is recognized, invoiced, or in a balance from now on.

    The line stays stored with the reason, and importing its file again does not bring it back. With ``dry_run`` the
    same is done and discarded.

    Raises:
        BadInput: there is no such line, or it cannot be voided: it is posted, invoiced, or part of a contract.
    """
    check_reason(f"{charge}: a void", reason)
    book = load_rules(context)
    with transaction(context.database, dry_run) as connection:
        return void_line(connection, book, context.who(), charge, reason)


def void_line(
    connection: "Connection", book: "RuleBook", who: "AuditStamp", charge: str, reason: str
) -> list[ScheduleChange]:
    """Void a charge line and its costs within a transaction, as :func:`void_charge`."""
    numbers = _numbers(connection, charge)
    _check(connection, charge, numbers)
    audit_seq = record(connection, who, "charge voided", charge, {"reason": reason, "lines": len(numbers)})
    digest = charges.void(connection, numbers, reason, who, audit_seq)
    record(connection, who, "void written", charge, {}, [digest])
    return Scheduler(connection, book, who, audit_seq).void(numbers, reason)


def _numbers(connection: "Connection", charge: str) -> list[int]:
    """Return the number of a charge line and the numbers of its costs."""
    no = charges.find_charge(connection, charge)
    if no is None:
        raise UnknownCharge(charge)
    if is_cost(charge):
        raise BadInput(f"{charge}: is a cost; void its charge line, {sold_by(charge)}")
    return [no, *charges.numbers_of_costs(connection, charge)]


def _check(connection: "Connection", charge: str, numbers: list[int]) -> None:
    no = numbers[0]
    if charges.voided(connection, [no]):
        raise BadInput(f"{charge}: is void already; see: revrec trace {charge}")
    billed_by = [one.id for one in billing.billing_of(connection, no)]
    if billed_by:
        more = " and more" if billed_by[MOST_NAMED:] else ""
        raise BadInput(
            f"{charge}: is billed by {', '.join(billed_by[:MOST_NAMED])}{more}; "
            f"void these lines first, or end it with: revrec event add {charge} cancel DATE"
        )
    member = contracts.memberships(connection, [no]).get(no)
    if member is not None:
        raise BadInput(
            f"{charge}: the price of its contract is allocated over all of its lines, so it cannot be voided alone; "
            f"record a credit of its amount: revrec event add {charge} credit DATE --amount N"
        )
    invoiced = invoices.live_invoice(connection, no)
    if invoiced is not None:
        raise BadInput(
            f"{charge}: is on {invoiced}, an order or invoice in Intacct or on its way; credit it there, and record "
            f"the credit: revrec event add {charge} credit DATE --amount N"
        )
    posted = reversals.entries_that_count(connection, numbers)
    if posted:
        raise BadInput(
            f"{charge}: is posted on {', '.join(posted[:MOST_NAMED])}{' and more' if posted[MOST_NAMED:] else ''}; "
            f"reverse that first: revrec postings reverse {posted[0]} --reason TEXT. The next run posts the other "
            "lines of these entries again"
        )
