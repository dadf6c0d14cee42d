"""Decide what happens to entries that Intacct rejected: release their lines, look them up first, or put them in review.

An error that revrec recognizes means that nothing was saved, so the lines may go on to a new entry. An error that it
does not recognize may be another language's "already recorded". So Intacct is read back before the lines are used
again; otherwise they could be posted twice. An entry that is rejected with the same error again and again needs
review by a person, so that it costs no more requests.
"""

from collections.abc import Callable
from contextlib import suppress
from datetime import date
from typing import TYPE_CHECKING

from revrec.intacct.catalog import failure_named, policies
from revrec.store.posting import postings
from revrec.store.posting.posting_tables import LostClaim

if TYPE_CHECKING:
    from revrec.jobs.context import Context
    from revrec.jobs.posting.repairs import RepairRunner
    from revrec.store.connection import Connection
    from revrec.store.posting.posting_tables import PostingTables
    from revrec.store.posting.postings import RejectedPosting


def release_rejected(
    connection: "Connection",
    context: "Context",
    day: date,
    is_retry_pass: bool,
    repairs: "RepairRunner | None" = None,
) -> None:
    """Release the lines of rejected entries, except entries that must be looked up in Intacct first.

    If ``repairs`` has a repair for an entry, its lines get the repaired values. ``is_retry_pass`` limits this to
    rejections that pass by themselves.
    """
    for rejected in releasable_entries(connection, day, is_retry_pass):
        if repairs is None or not repairs.repair(connection, rejected):
            postings.release_schedule_lines(connection, rejected.id, context.who())


def releasable_entries(connection: "Connection", day: date, is_retry_pass: bool) -> "list[RejectedPosting]":
    """Return the rejected entries whose lines may go on without a lookup."""
    certain = [rejected for rejected in postings.rejected_entries(connection, day) if saved_nothing(rejected)]
    return [rejected for rejected in certain if is_temporary(rejected) or not is_retry_pass]


def unrecognized_rejections(connection: "Connection", day: date) -> list[int]:
    """Return the rejected entries that must be looked up in Intacct before their lines may go on."""
    return [rejected.id for rejected in postings.rejected_entries(connection, day) if not saved_nothing(rejected)]


def replannable_entries(connection: "Connection") -> frozenset[int]:
    """Return the rejected entries whose lines may be rescheduled: Intacct saved nothing, or was looked up since."""
    every = postings.rejected_entries(connection, date.max)
    return frozenset(rejected.id for rejected in every if is_absent(rejected))


def is_absent(rejected: "RejectedPosting") -> bool:
    """Check that Intacct does not have a rejected posting: it saved nothing, or was looked up since."""
    return rejected.absent or saved_nothing(rejected)


def saved_nothing(rejected: "RejectedPosting") -> bool:
    """Check that Intacct certainly saved nothing: it was never sent, or the catalog has its error.

    A wrapper error such as "could not create" has the real reason inside, so it does not count as recognized.
    """
    row = failure_named(rejected.failure.name) if rejected.failure else None
    return not rejected.sent or (row is not None and not row.wrapper)


def is_temporary(rejected: "RejectedPosting") -> bool:
    """Check if the reason for a rejection passes by itself."""
    row = failure_named(rejected.failure.name) if rejected.failure else None
    return row is not None and policies()[row.error_class].later


def review_repeated_rejections(
    context: "Context", tables: "PostingTables", numbers: set[int], count_rejections: "Callable[[Connection, int], int]"
) -> None:
    """Put the postings in review that were rejected too often with the same error."""
    most = context.settings.posting.refusals
    with context.database.read() as connection:
        rejected = tables.in_states(connection, list(numbers), ("REJECTED",))
        times = {number: count_rejections(connection, number) for number in rejected}
    for number in sorted(number for number, count in times.items() if count >= most):
        with context.database.write() as connection, suppress(LostClaim):
            head = tables.head(connection, number)
            advice = _REPEATED.format(times[number], f" {head.advice}" if head.advice else "", head.reference)
            tables.change_state(connection, number, "REJECTED", "HELD", context.who(), advice=advice)


_REPEATED = (
    "Rejected {0} times with the same error, and set aside.{1} After you fix the cause: revrec postings resolve {2} "
    "--resend --reason TEXT. To plan its lines again by the present rules: --cancel."
)
