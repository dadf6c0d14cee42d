"""Decide which posted entries are reversed, on which day, and store their mirror entries before any is sent."""

from datetime import date
from itertools import product
from typing import TYPE_CHECKING, Any, NamedTuple

from revrec.core.errors import BadInput, check_reason
from revrec.core.journal import reversal_of, reversed_in
from revrec.core.posting import UNSETTLED
from revrec.jobs.posting.periods import posting_dates
from revrec.store.database.engine import deployment
from revrec.store.posting import entries, reversals
from revrec.store.posting.adjustments import ADJUSTMENT_TABLES
from revrec.store.posting.entries import ENTRY_TABLES
from revrec.store.posting.invoices import INVOICE_TABLES

if TYPE_CHECKING:
    from revrec.core.periods import PostingDates
    from revrec.intacct.gateway import FoundEntry
    from revrec.jobs.context import Context
    from revrec.store.connection import Connection, Row
    from revrec.store.posting.entries import StoredEntry


MOST_TIMES = 32
"""The most earlier reversals of an entry with which a reversal is still found by its reference."""


class ReversalOrder(NamedTuple):
    """A person's order to reverse an entry, by its reference, or all entries of a run, by its number.

    ``day`` is the date of the mirror entries; None: the date of each entry, or the next day whose period is open. With
    ``final`` the schedule lines are not posted again.
    """

    what: str
    reason: str
    day: date | None = None
    final: bool = False


class ReversalPlan(NamedTuple):
    """The entries to reverse, by number; the reversals that an earlier order began; and what is left out, in words."""

    entries: list[int]
    begun: list[int]
    left_out: list[str]


def plan_reversals(connection: "Connection", order: ReversalOrder) -> ReversalPlan:
    """Return what an order reverses.

    Raises:
        BadInput: there is no such entry or run, nothing of it can be reversed, or the reason is missing.
    """
    check_reason(f"{order.what}: a reversal", order.reason)
    of_run = order.what.isdigit()
    numbers = _entries_of_run(connection, int(order.what)) if of_run else [_entry(connection, order.what)]
    plan = ReversalPlan([], [], [])
    in_force = reversals.reversals_in_force(connection, numbers)
    for number in numbers:
        reason = _add_to_plan(plan, ENTRY_TABLES.head(connection, number), in_force.get(number))
        if reason:
            plan.left_out.append(reason)
    if not plan.entries and not plan.begun:
        nothing = f"run {order.what}: nothing is left to reverse: " if of_run else ""
        raise BadInput(nothing + "; ".join(plan.left_out))
    return plan


def _entries_of_run(connection: "Connection", run: int) -> list[int]:
    numbers = reversals.entries_of_run(connection, run)
    if not numbers:
        raise BadInput(f"{run}: no run of this number has an entry; name an entry by its reference, RR...")
    return numbers


def _entry(connection: "Connection", reference: str) -> int:
    found = ENTRY_TABLES.find(connection, reference)
    if found is None and INVOICE_TABLES.find(connection, reference) is not None:
        raise BadInput(f"{reference}: is an invoice; reverse it in Intacct")
    if found is None and ADJUSTMENT_TABLES.find(connection, reference) is not None:
        raise BadInput(f"{reference}: is an adjusting entry; correct its figures and post again, which takes it back")
    if found is None:
        raise BadInput(f"{reference}: no such entry; name an entry by its reference, or a run by its number")
    if reversals.reversal_by(connection, found.id) is not None:
        raise BadInput(f"{reference}: is a reversal itself; a run posts the lines that it opened again")
    return int(found.id)


def _add_to_plan(plan: ReversalPlan, head: "Row[Any]", reversal: "reversals.ReversalInForce | None") -> str:
    """Add an entry to the plan; return why it is left out, or nothing."""
    state = head.state.lower().replace("_", " ")
    if head.state != "POSTED":
        return f"{head.reference} is {state}, not posted; see: revrec postings list"
    if reversal is None:
        plan.entries.append(head.id)
        return ""
    is_begun = reversal.state in UNSETTLED and reversal.state not in ("HELD", "AWAITING_APPROVAL")
    if is_begun and reversal.reversal.entry_id is not None:
        plan.begun.append(reversal.reversal.entry_id)
        return ""
    if reversal.state == "AWAITING_APPROVAL":
        return f"{head.reference}: its reversal {reversal.reference} awaits approval in Intacct"
    if reversal.state == "HELD":
        return f"{head.reference}: its reversal {reversal.reference} needs review; see: revrec postings list"
    by = f" by {reversal.reference}" if reversal.reference else " in Intacct"
    key = f", Intacct record {reversal.record_no}" if reversal.record_no else ""
    return f"{head.reference} is already reversed{by}{key}"


def create_reversals(
    connection: "Connection", context: "Context", run: int, order: ReversalOrder, numbers: list[int], company: str
) -> list[int]:
    """Store the mirror entries of these entries as READY; return their numbers.

    Raises:
        BadInput: the order's day is before an entry's date, or in a closed period.
    """
    dates = posting_dates(context, connection)
    added = []
    for number in numbers:
        stored = entries.read_entry(connection, number)
        day = _mirror_date(dates, stored, order.day)
        added.append(_store_mirror(connection, context, run, stored, day, company, order.reason, order.final))
    return added


def renew_reversals(connection: "Connection", context: "Context", run: int, company: str) -> list[int]:
    """Store a new mirror entry for each one that was rejected, with the next open day; return their numbers."""
    found = reversals.given_up_reversals(connection)
    if not found:
        return []
    dates = posting_dates(context, connection)
    added = []
    for one in found:
        stored = entries.read_entry(connection, one.reverses)
        day = dates.periods.first_open(stored.entry.entity, date.fromisoformat(one.date))
        added.append(_store_mirror(connection, context, run, stored, day, company, one.reason, one.final))
    return added


def rebuild_reversal(
    connection: "Connection", context: "Context", run: int, found: "FoundEntry", company: str
) -> int | None:
    """Store the reversal that Intacct has and these books do not know, as READY, if its reference proves it.

    Its title names the entry that it reverses. Return its number; None if it is no reversal of an entry here.
    """
    reference = reversed_in(found.title)
    head = ENTRY_TABLES.find(connection, reference) if reference else None
    if head is None or found.date is None or head.state not in ("POSTED", "IN_DOUBT"):
        return None
    if reversals.reversals_in_force(connection, [head.id]):
        return None
    stored, ours = entries.read_entry(connection, head.id), deployment(connection)
    for times, final in product(range(reversals.next_times(connection, head.id), MOST_TIMES), (False, True)):
        mirror = reversal_of(stored.entry, found.date, times, ours, company, final)
        if mirror.reference == found.reference:
            reversal = reversals.Reversal(head.id, times, None, None, found.date.isoformat(), final, _FOUND)
            return entries.add_reversal_entry(connection, run, mirror, reversal, context.who())
    return None


_FOUND = "Intacct has this reversal, which these books did not know"


def _store_mirror(
    connection: "Connection",
    context: "Context",
    run: int,
    stored: "StoredEntry",
    day: date,
    company: str,
    reason: str,
    final: bool,
) -> int:
    times = reversals.next_times(connection, stored.id)
    mirror = reversal_of(stored.entry, day, times, deployment(connection), company, final)
    reversal = reversals.Reversal(stored.id, times, None, None, day.isoformat(), final, reason)
    return entries.add_reversal_entry(connection, run, mirror, reversal, context.who())


def _mirror_date(dates: "PostingDates", stored: "StoredEntry", wanted: date | None) -> date:
    """Return the date of a mirror entry."""
    entry = stored.entry
    if wanted is None:
        return dates.periods.first_open(entry.entity, entry.date)
    if wanted < entry.date:
        raise BadInput(f"--date {wanted}: is before {entry.date}, the date of {stored.reference}")
    closed = dates.periods.closed(entry.entity, wanted)
    if closed is not None:
        opened = dates.periods.first_open(entry.entity, wanted)
        raise BadInput(f"--date {wanted}: that period is closed ({closed.words}); the next open day is {opened}")
    return wanted
