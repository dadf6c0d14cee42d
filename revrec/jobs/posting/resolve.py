"""``revrec postings resolve``: record a person's decision about a posting that needs review or is long in doubt."""

from datetime import datetime
from typing import TYPE_CHECKING, Any

from revrec.core.errors import BadInput, check_reason
from revrec.core.invoice import AR_INVOICE, SALES_INVOICE, SALES_ORDER
from revrec.store.audit import AuditStamp
from revrec.store.posting import entries, invoices, postings
from revrec.store.posting.entries import ENTRY_TABLES
from revrec.store.posting.invoices import INVOICE_TABLES
from revrec.store.posting.posting_tables import AttemptOutcome, PostingTables

if TYPE_CHECKING:
    from revrec.jobs.context import Context
    from revrec.store.connection import Connection


def as_posted(context: "Context", reference: str, record_no: str, reason: str, early: bool = False) -> str:
    """Record that a posting is in Intacct under this record number or DOCID; return the new state.

    Raises:
        BadInput: nothing of that reference needs review or is in doubt, its quarantine is not over (``early`` accepts
            that), there is no reason, or the key is malformed or belongs to another posting.
    """
    with context.database.write() as connection:
        tables, number = _held(context, connection, reference, reason, early)
        _check_key(connection, tables, number, reference, record_no)
        mark_posted(connection, tables, number, record_no, context.who(), reason)
    return "POSTED"


def mark_posted(
    connection: "Connection", tables: PostingTables, number: int, record_no: str, who: AuditStamp, reason: str
) -> None:
    """Mark a posting that needs review as posted under this key of Intacct, as a person decided."""
    control_id = tables.head(connection, number).control_id
    attempt, _ = tables.begin_attempt(connection, number, "read_back", control_id, f"by hand: {reason}", who)
    tables.end_attempt(connection, attempt, AttemptOutcome("found", None, record_no, None, reason), who)
    values: dict[str, Any] = {"record_no": record_no, "posted_at": who.at, "error": None, "advice": None}
    tables.change_state(connection, number, "HELD", "POSTED", who, reason=reason, **values)


def _check_key(connection: "Connection", tables: PostingTables, number: int, reference: str, key: str) -> None:
    head = tables.head(connection, number)
    in_order_entry = tables is INVOICE_TABLES and head.kind in (SALES_ORDER, SALES_INVOICE)
    if in_order_entry:
        if not key.startswith(f"{head.definition}-"):
            like = f"{head.definition}-{head.number}"
            raise BadInput(
                f"{reference}: {key!r} is not a DOCID of this kind; give the DOCID of the document, such as {like}"
            )
        other = invoices.posted_as(connection, key, (SALES_ORDER, SALES_INVOICE))
    else:
        if not (key.isascii() and key.isdigit()):
            raise BadInput(f"{reference}: {key!r} is not a record number; give Intacct's RECORDNO, such as 6680")
        of_entries = tables is ENTRY_TABLES
        known = invoices.posted_as(connection, key, (AR_INVOICE,))
        other = entries.reference_with_record_no(connection, key) if of_entries else known
    if other is not None:
        kind = "record number" if not in_order_entry else "DOCID"
        raise BadInput(f"{reference}: {tables.what} {other} is posted under {kind} {key}; see: revrec trace")


def send_again(context: "Context", reference: str, reason: str, early: bool = False) -> str:
    """Let the next run read Intacct once more and send the posting if it is not there; returns the new state."""
    with context.database.write() as connection:
        tables, number = _held(context, connection, reference, reason, early)
        # The count starts again. What was sent stays on record, so that the next run reads Intacct before it sends.
        tables.change_state(connection, number, "HELD", "READY", context.who(), reason=reason, attempts=0)
    return "READY"


def cancel(context: "Context", reference: str, reason: str, early: bool = False) -> str:
    """Cancel a posting; its lines are due again and go on under a new reference. Return the new state."""
    with context.database.write() as connection:
        tables, number = _held(context, connection, reference, reason, early)
        release = postings.release_schedule_lines if tables is ENTRY_TABLES else invoices.release_charges
        release(connection, number, context.who(), "HELD", "CANCELED", reason)
    return "CANCELED"


def _held(
    context: "Context", connection: "Connection", reference: str, reason: str, early: bool
) -> tuple[PostingTables, int]:
    """Return the posting to decide about. One in doubt is put in review first, so that no run settles it meanwhile."""
    check_reason(f"{reference}: a decision", reason)
    by_tables = {tables: tables.find(connection, reference) for tables in (ENTRY_TABLES, INVOICE_TABLES)}
    tables, found = next(((tables, row) for tables, row in by_tables.items() if row is not None), (ENTRY_TABLES, None))
    if found is None:
        raise BadInput(f"{reference}: no such entry or invoice; see: revrec postings list")
    if found.state == "IN_DOUBT":
        _check_quarantine(context, reference, found.not_before, early)
        who = context.who()
        tables.change_state(connection, found.id, "IN_DOUBT", "HELD", who, reason=reason, owner=None, lease_until=None)
    elif found.state != "HELD":
        state = found.state.lower().replace("_", " ")
        raise BadInput(
            f"{reference}: the {tables.what} is {state} and needs no review; see what does: revrec postings list "
            "--state needs_review"
        )
    return tables, int(found.id)


def _check_quarantine(context: "Context", reference: str, not_before: str | None, early: bool) -> None:
    """Refuse to settle a doubt while its request may still arrive, unless a person confirms that it cannot."""
    if early or (not_before or "") <= context.timestamp():
        return
    until = datetime.fromisoformat(str(not_before))
    raise BadInput(
        f"{reference}: it is in doubt until {until:%Y-%m-%d %H:%M:%S} UTC, because its request may still arrive in "
        "Intacct; run again after that, and the run settles it. If that time is wrong because a clock was ahead, look "
        "at Intacct, then confirm with --in-quarantine"
    )
