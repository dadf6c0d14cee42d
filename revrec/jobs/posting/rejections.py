"""What becomes of entries that Intacct refused: tried again under a new reference, looked for first, or set aside.

A refusal that revrec knows saved nothing: its lines may go on. One that it does not know may be the words of another
language for "already recorded": Intacct is read back before anything of it is sent again, and before its lines are
planned anew. What is refused with the same error again and again is set aside for a person, so that it costs no more
requests.
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
    from revrec.jobs.posting.repairs import Mender
    from revrec.store.connection import Connection
    from revrec.store.posting.posting_tables import PostingTables
    from revrec.store.posting.postings import RejectedPosting


def give_back(
    connection: "Connection", context: "Context", day: date, again: bool, mender: "Mender | None" = None
) -> None:
    """Give the lines of refused entries back, to go on under new references, unless they must be looked for before.

    One for which there is a repair by now is repaired, if there is a ``mender``. ``again``: a later pass of the same
    command, where only what passes by itself is tried again.
    """
    for refused in to_give_back(connection, day, again):
        if mender is None or not mender.mend(connection, refused):
            postings.release_schedule_lines(connection, refused.id, context.who())


def to_give_back(connection: "Connection", day: date, again: bool) -> "list[RejectedPosting]":
    """The refused entries whose lines may go on without being looked for."""
    known = [refused for refused in postings.rejected_entries(connection, day) if understood(refused)]
    return [refused for refused in known if passes(refused) or not again]


def not_understood(connection: "Connection", day: date) -> list[int]:
    """Refused entries that must be looked for in Intacct before their lines may go on."""
    return [refused.id for refused in postings.rejected_entries(connection, day) if not understood(refused)]


def given_up(connection: "Connection") -> frozenset[int]:
    """Refused entries whose lines may be planned anew: nothing was saved for sure, or Intacct was looked into since."""
    every = postings.rejected_entries(connection, date.max)
    return frozenset(refused.id for refused in every if refused.absent or understood(refused))


def understood(refused: "RejectedPosting") -> bool:
    """Whether nothing was saved for sure: it was never sent, or the catalog knows why it was refused."""
    row = failure_named(refused.failure.name) if refused.failure else None
    return not refused.sent or (row is not None and not row.wrapper)


def passes(refused: "RejectedPosting") -> bool:
    """Whether the refusal passes by itself."""
    row = failure_named(refused.failure.name) if refused.failure else None
    return row is not None and policies()[row.error_class].later


def set_aside(
    context: "Context", tables: "PostingTables", numbers: set[int], refusals: "Callable[[Connection, int], int]"
) -> None:
    """Hold those of these postings that were refused too often with the same error, as ``refusals`` counts them."""
    most = context.settings.posting.refusals
    with context.database.read() as connection:
        times = {
            number: refusals(connection, number) for number in tables.in_states(connection, list(numbers), REFUSED)
        }
    for number in sorted(number for number, count in times.items() if count >= most):
        with context.database.write() as connection, suppress(LostClaim):
            head = tables.head(connection, number)
            advice = _TOO_OFTEN.format(times[number], f" {head.advice}" if head.advice else "", head.reference)
            tables.change_state(connection, number, "REJECTED", "HELD", context.who(), advice=advice)


REFUSED = ("REJECTED",)
_TOO_OFTEN = (
    "Refused {0} times with the same error, and set aside.{1} When its cause is mended: revrec postings resolve {2} "
    "--resend --reason TEXT; to let the present rules decide anew, --cancel."
)
