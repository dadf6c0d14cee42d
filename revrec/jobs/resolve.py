"""``revrec postings resolve``: what a person decides about an entry that is held."""

from typing import TYPE_CHECKING, Any

from revrec.core.errors import BadInput
from revrec.store import entries, postings

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from revrec.jobs.context import Context


def as_posted(context: "Context", reference: str, record_no: str, reason: str) -> str:
    """The entry is in Intacct under this record number; returns the new state.

    Raises:
        BadInput: there is no held entry of that reference, no reason, or the number is none or another entry's.
    """
    if not (record_no.isascii() and record_no.isdigit()):
        raise BadInput(f"{reference}: {record_no!r} is no record number; give Intacct's RECORDNO of the entry, as 6680")
    with context.database.write() as connection:
        number = _held(connection, reference, reason)
        other = entries.with_record_no(connection, record_no)
        if other is not None:
            raise BadInput(f"{reference}: entry {other} is posted under record number {record_no}; see: revrec trace")
        who = context.who()
        control_id = entries.entry(connection, number).entry.control_id
        attempt, _ = postings.begin_attempt(connection, number, "read_back", control_id, f"by hand: {reason}", who)
        postings.end_attempt(connection, attempt, postings.Outcome("found", None, record_no, None, reason), who)
        values: dict[str, Any] = {"record_no": record_no, "posted_at": who.at, "error": None, "advice": None}
        postings.change_state(connection, number, "HELD", "POSTED", who, reason=reason, **values)
    return "POSTED"


def send_again(context: "Context", reference: str, reason: str) -> str:
    """Let the next run read Intacct once more and send the entry if it is not there; returns the new state."""
    with context.database.write() as connection:
        number = _held(connection, reference, reason)
        # Counted anew; what was sent stays on record, so the next run reads before it sends.
        postings.change_state(connection, number, "HELD", "READY", context.who(), reason=reason, attempts=0)
    return "READY"


def cancel(context: "Context", reference: str, reason: str) -> str:
    """Give the entry up; its schedule lines are due again and go on under a new reference. Returns the new state."""
    with context.database.write() as connection:
        number = _held(connection, reference, reason)
        postings.release(connection, number, context.who(), "HELD", "CANCELLED", reason)
    return "CANCELLED"


def _held(connection: "Connection", reference: str, reason: str) -> int:
    if not reason.strip():
        raise BadInput(f"{reference}: a decision needs its reason, for the auditor: --reason TEXT")
    found = entries.find(connection, reference)
    if found is None:
        raise BadInput(f"{reference}: no such entry; see: revrec postings list")
    if found.state != "HELD":
        state = found.state.lower().replace("_", " ")
        raise BadInput(f"{reference}: the entry is {state}, not held; see what is: revrec postings list --state held")
    return int(found.id)
