"""``revrec postings resolve``: record a person's decision about a posting that needs review or is long in doubt."""

import re
from datetime import datetime
from typing import TYPE_CHECKING, Any

from revrec.core.errors import BadInput, check_reason
from revrec.core.invoice import AR_INVOICE, BY_HAND, CREDITS, SALES_INVOICE, SALES_ORDER, entered_by_hand
from revrec.store.audit import AuditStamp
from revrec.store.database.engine import deployment, transaction
from revrec.store.posting import adjustments, invoices, postings
from revrec.store.posting.adjustments import ADJUSTMENT_TABLES
from revrec.store.posting.entries import ENTRY_TABLES
from revrec.store.posting.invoices import INVOICE_TABLES
from revrec.store.posting.kinds import EVERY_KIND
from revrec.store.posting.posting_tables import AttemptOutcome, PostingTables

if TYPE_CHECKING:
    from revrec.jobs.context import Context
    from revrec.store.connection import Connection, Row


def as_posted(
    context: "Context", reference: str, record_no: str, reason: str, early: bool = False, dry_run: bool = False
) -> str:
    """Record that a posting is in Intacct under this record number or DOCID; return the new state.

    An invoice that was rejected was entered by hand: its charge lines are on a posted document of the kind ``by_hand``
    from then on, so that they count as invoiced, and the rejected one is canceled. With ``dry_run`` nothing is kept.

    Raises:
        BadInput: nothing of that reference can be settled like this, its quarantine is not over (``early`` accepts
            that), there is no reason, or the key is malformed or belongs to another posting.
    """
    with transaction(context.database, dry_run) as connection:
        tables, found = put_in_review(context, connection, reference, reason, early, may_be_rejected=True)
        number, who = found.id, context.who()
        if tables is INVOICE_TABLES and _is_by_hand(context, found, record_no):
            _check_key_by_hand(context, connection, reference, record_no)
            if found.kind in (SALES_ORDER, AR_INVOICE):
                number = _replace_by_hand(connection, number, who, reason)
        else:
            _check_key(connection, tables, found, record_no)
        mark_posted(connection, tables, number, record_no, who, reason)
    return "POSTED"


def _is_by_hand(context: "Context", found: "Row[Any]", key: str) -> bool:
    """Check if a key is of a document that a person entered, and not of the one that revrec sent or wanted to send."""
    as_invoice = found.kind == SALES_ORDER and key.startswith(f"{context.settings.invoicing.invoice_definition}-")
    return found.state == "REJECTED" or found.kind in CREDITS or as_invoice


def _check_key_by_hand(context: "Context", connection: "Connection", reference: str, key: str) -> None:
    order = context.settings.invoicing.order_definition
    if key.startswith(f"{order}-"):
        raise BadInput(f"{reference}: {key!r} is a {order}, which bills nothing; give the key of the invoice")
    if not _KEY.fullmatch(key):
        like = f"{context.settings.invoicing.invoice_definition}-4711"
        raise BadInput(
            f"{reference}: {key!r} is no key of Intacct; give the DOCID of the document, such as {like}, or the "
            "RECORDNO of the receivable or adjustment, such as 6680"
        )
    _check_unused(reference, "invoice", INVOICE_TABLES.posted_as(connection, key), f"the key {key}")


_KEY = re.compile(r"[0-9]+|[^-].*-.+")
"""A RECORDNO, or a DOCID: the name of a transaction definition and a number."""


def _replace_by_hand(connection: "Connection", number: int, who: AuditStamp, reason: str) -> int:
    """Cancel an invoice and store the document that a person entered in its place, in review; return its number."""
    canceled = invoices.load_invoice(connection, number).invoice
    invoices.release_charges(connection, number, who, "HELD", "CANCELED", reason)
    before = invoices.count_earlier_invoices(connection, BY_HAND, canceled.source, canceled.document)
    made = entered_by_hand(canceled, before, deployment(connection))
    run = INVOICE_TABLES.head(connection, number).run_id
    new = invoices.add_invoice(connection, run, made, who)
    for old, state in (("READY", "IN_DOUBT"), ("IN_DOUBT", "HELD")):
        INVOICE_TABLES.change_state(connection, new, old, state, who, reason=reason)
    return new


def mark_posted(
    connection: "Connection", tables: PostingTables, number: int, record_no: str, who: AuditStamp, reason: str
) -> None:
    """Mark a posting that needs review as posted under this key of Intacct, as a person decided."""
    control_id = tables.head(connection, number).control_id
    attempt, _ = tables.begin_attempt(connection, number, "read_back", control_id, f"by hand: {reason}", who)
    tables.end_attempt(connection, attempt, AttemptOutcome("found", None, record_no, None, reason), who)
    values: dict[str, Any] = {"record_no": record_no, "posted_at": who.at, "error": None, "advice": None}
    tables.change_state(connection, number, "HELD", "POSTED", who, reason=reason, **values)


def _check_key(connection: "Connection", tables: PostingTables, found: "Row[Any]", key: str) -> None:
    reference = found.reference
    if tables is INVOICE_TABLES and found.kind in (SALES_ORDER, SALES_INVOICE):
        if not key.startswith(f"{found.definition}-"):
            like = f"{found.definition}-{found.number}"
            raise BadInput(
                f"{reference}: {key!r} is not a DOCID of this kind; give the DOCID of the document, such as {like}"
            )
        _check_unused(reference, tables.what, tables.posted_as(connection, key), f"DOCID {key}")
        return
    if not (key.isascii() and key.isdigit()):
        raise BadInput(f"{reference}: {key!r} is not a record number; give Intacct's RECORDNO, such as 6680")
    kinds = (INVOICE_TABLES,) if tables is INVOICE_TABLES else (ENTRY_TABLES, ADJUSTMENT_TABLES)
    for kind in kinds:
        _check_unused(reference, tables.what, kind.posted_as(connection, key), f"record number {key}")


def _check_unused(reference: str, what: str, other: str | None, key: str) -> None:
    if other is not None:
        raise BadInput(f"{reference}: {what} {other} is posted under {key}; see: revrec trace")


def send_again(context: "Context", reference: str, reason: str, early: bool = False, dry_run: bool = False) -> str:
    """Let the next run read Intacct once more and send the posting if it is not there; return the new state."""
    with transaction(context.database, dry_run) as connection:
        tables, found = put_in_review(context, connection, reference, reason, early)
        # The count starts again. What was sent stays on record, so that the next run reads Intacct before it sends.
        tables.change_state(connection, found.id, "HELD", "READY", context.who(), reason=reason, attempts=0)
    return "READY"


def cancel(context: "Context", reference: str, reason: str, early: bool = False, dry_run: bool = False) -> str:
    """Cancel a posting; its lines are due again and go on under a new reference. Return the new state."""
    with transaction(context.database, dry_run) as connection:
        tables, found = put_in_review(context, connection, reference, reason, early)
        release = {
            ENTRY_TABLES: postings.release_schedule_lines,
            INVOICE_TABLES: invoices.release_charges,
            ADJUSTMENT_TABLES: adjustments.release_adjustment,
        }[tables]
        release(connection, found.id, context.who(), "HELD", "CANCELED", reason)
    return "CANCELED"


def put_in_review(
    context: "Context",
    connection: "Connection",
    reference: str,
    reason: str,
    early: bool = False,
    may_be_rejected: bool = False,
) -> "tuple[PostingTables, Row[Any]]":
    """Put the posting to decide about in review, so that no run settles it meanwhile; return its row as it was.

    Raises:
        BadInput: there is no such posting, it does not need a decision, or there is no reason.
    """
    check_reason(f"{reference}: a decision", reason)
    by_tables = {tables: tables.find(connection, reference) for tables in EVERY_KIND}
    tables, found = next(((tables, row) for tables, row in by_tables.items() if row is not None), (ENTRY_TABLES, None))
    if found is None:
        raise BadInput(f"{reference}: no such entry or invoice; see: revrec postings list")
    is_rejected = found.state == "REJECTED" and tables is INVOICE_TABLES
    if found.state == "IN_DOUBT":
        _check_quarantine(context, reference, found.not_before, early)
        who = context.who()
        tables.change_state(connection, found.id, "IN_DOUBT", "HELD", who, reason=reason, owner=None, lease_until=None)
    elif is_rejected and may_be_rejected:
        tables.change_state(connection, found.id, "REJECTED", "HELD", context.who(), reason=reason)
    elif is_rejected:
        raise BadInput(f"{reference}: {_REJECTED.format(reference)}")
    elif found.state != "HELD":
        state = found.state.lower().replace("_", " ")
        raise BadInput(
            f"{reference}: the {tables.what} is {state} and needs no review; see what does: revrec postings list "
            "--state needs_review"
        )
    return tables, found


_REJECTED = (
    "the invoice was rejected; each run tries it again once what is wrong is corrected. To settle it for good: "
    "revrec postings resolve {0} --as-posted KEY if you entered it in Intacct by hand, or --drop, with --reason TEXT"
)


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
