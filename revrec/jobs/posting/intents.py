"""Build journal entries from what is due and commit them, before any request is sent."""

from collections.abc import Iterator, Sequence
from datetime import date
from typing import TYPE_CHECKING

from revrec.core.closed_periods import BlockedGroup, ClosedPeriodBlock
from revrec.core.journal import (
    DueLine,
    EntryGroup,
    JournalEntry,
    RateDays,
    build_entries,
    entry_group,
    set_redated_aside,
)
from revrec.core.periods import PostingDates
from revrec.jobs.gateway import entity_currencies
from revrec.jobs.posting.periods import posting_dates
from revrec.jobs.posting.rejections import release_rejected
from revrec.jobs.posting.repairs import RepairRunner
from revrec.jobs.posting.reversing import renew_reversals
from revrec.store.database.engine import deployment
from revrec.store.posting import entries
from revrec.store.posting.due import due_lines, due_with_memos, has_due_lines
from revrec.store.posting.entries import EntriesToSend

if TYPE_CHECKING:
    from revrec.jobs.context import Context
    from revrec.store.connection import Connection

LinesOnNoEntry = dict[EntryGroup, BlockedGroup]
"""Due lines that are on no entry, grouped by the entry that they would be on."""


def commit_intents(
    connection: "Connection",
    context: "Context",
    run_id: int,
    day: date,
    company: str,
    is_retry_pass: bool = False,
    repairs: RepairRunner | None = None,
    to_send: EntriesToSend | None = None,
) -> list[int]:
    """Release rejected entries and put every due line on an entry; return the numbers of the new entries.

    Nothing may be sent before this is committed. If a run is killed after a request left, the next run finds the
    entry under its reference instead of building a second one.
    """
    repairs = repairs or RepairRunner(context)
    release_rejected(connection, context, day, is_retry_pass, repairs)
    return create_entries(connection, context, run_id, day, company, repairs, to_send)


def create_entries(
    connection: "Connection",
    context: "Context",
    run_id: int,
    day: date,
    company: str,
    repairs: RepairRunner,
    to_send: EntriesToSend | None = None,
) -> list[int]:
    """Put the open lines that are due on entries in state ``READY``; renew rejected reversals. Return their numbers.

    Lines that the policy for closed periods blocks are left out. The entries are also kept in ``to_send``, if passed.
    """
    created = due_entries(connection, context, day, company, repairs)
    renewed = renew_reversals(connection, context, run_id, company)
    return renewed + entries.add_entries(connection, run_id, created, context.who(), to_send)


def due_entries(
    connection: "Connection", context: "Context", day: date, company: str, repairs: RepairRunner
) -> Iterator[JournalEntry]:
    """Yield the entries of the open lines that are due, without those that the policy for closed periods blocks."""
    per_entry = context.settings.posting.lines_per_entry
    dates = posting_dates(context, connection)
    due = ClosedPeriodBlock(dates).unblocked(repairs.with_repairs(connection, day, due_with_memos(connection, day)))
    redated: list[DueLine] = []
    ours = deployment(connection)
    rates = rate_days(context)
    yield from build_entries(set_redated_aside(due, redated), ours, company, per_entry, dates, rates)
    # A repair gave these lines another date because Intacct rejected theirs; the policy does not matter for them.
    redating = PostingDates("next_open", dates.periods, "a repair", dates.open_day)
    yield from build_entries(redated, ours, company, per_entry, redating, rates)


def rate_days(context: "Context") -> RateDays:
    """Return which lines have the exchange rate of the day they were billed."""
    gateway = context.settings.gateway
    own = {entity: currency.base for entity, currency in entity_currencies(context).items()}
    return RateDays(gateway.base_currency, gateway.rate_date == "billed", own)


def blocked_lines(connection: "Connection", context: "Context", day: date) -> LinesOnNoEntry:
    """Return the due lines that are on no entry because their period is closed."""
    block = ClosedPeriodBlock(posting_dates(context, connection))
    if block.dates.policy == "hold":
        for _line in block.unblocked(_without_descriptions(connection, day)):
            pass  # The filter counts what it blocks.
    return block.groups


def _without_descriptions(connection: "Connection", day: date) -> Iterator[DueLine]:
    return (line for line, _description in due_lines(connection, day))


def awaiting_invoice(connection: "Connection", day: date) -> LinesOnNoEntry:
    """Return the due lines that are on no entry because their document is not invoiced."""
    groups: LinesOnNoEntry = {}
    for line, _description in due_lines(connection, day, waiting=True):
        reason = f"waits for the invoice of {line.charge.rpartition('/')[0]}"
        group = groups.setdefault(entry_group(line), BlockedGroup(reason))
        group.lines += 1
        group.amount += abs(line.amount)
    return groups


def unsettled_to_post(connection: "Connection", day: date, rejected: Sequence[object]) -> bool:
    """Check if a run has any entry to create, send, or read back. ``rejected`` are those that may go on."""
    if rejected or entries.numbers_in(connection, "READY", until=day):
        return True
    if entries.numbers_in(connection, "SENDING", "IN_DOUBT"):
        return True
    return has_due_lines(connection, day)
