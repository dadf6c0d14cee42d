"""``revrec postings resolve --drop``: decide that a document is never invoiced."""

from typing import TYPE_CHECKING, NamedTuple

from revrec.core.errors import BadInput
from revrec.core.invoice import CREDITS, SALES_INVOICE
from revrec.jobs.importing.voids import void_line
from revrec.jobs.posting.resolve import put_in_review
from revrec.jobs.rules.load import load_rules
from revrec.store.audit import record
from revrec.store.database.engine import transaction
from revrec.store.posting import invoices
from revrec.store.posting.invoices import INVOICE_TABLES

if TYPE_CHECKING:
    from revrec.core.invoice import Invoice
    from revrec.jobs.context import Context
    from revrec.store.connection import Connection


class DroppedDocument(NamedTuple):
    """A document that is never invoiced: its charge lines, and if they are still recognized."""

    state: str
    charges: tuple[str, ...]
    recognized: bool


def drop(
    context: "Context",
    reference: str,
    reason: str,
    recognize: bool = False,
    early: bool = False,
    dry_run: bool = False,
) -> DroppedDocument:
    """Cancel an invoice that was rejected or needs review, and never invoice its charge lines.

    The lines are voided, so that nothing of them is recognized or in a balance. With ``recognize`` they are recognized
    without an invoice: rules that wait for it do not wait any longer. With ``dry_run`` nothing is kept.

    Raises:
        BadInput: the posting cannot be dropped, its lines are posted already, or there is no reason.
    """
    with transaction(context.database, dry_run) as connection:
        tables, found = put_in_review(context, connection, reference, reason, early, may_be_rejected=True)
        if tables is not INVOICE_TABLES:
            raise BadInput(f"{reference}: is an entry; --drop is for invoices. To end charge lines: revrec charge void")
        dropped = invoices.load_invoice(connection, found.id).invoice
        _check_kind(dropped)
        invoices.release_charges(connection, found.id, context.who(), "HELD", "CANCELED", reason)
        lines = tuple(line.charge for line in dropped.lines)
        if recognize:
            _leave_uninvoiced(context, connection, dropped, reason)
        else:
            book = load_rules(context)
            for charge in lines:
                void_line(connection, book, context.who(), charge, reason)
    return DroppedDocument("CANCELED", lines, recognize)


def _check_kind(dropped: "Invoice") -> None:
    if dropped.kind == SALES_INVOICE:
        raise BadInput(
            f"{dropped.reference}: its order {dropped.after} is in Intacct; create the invoice from it there, then "
            f"--as-posted DOCID"
        )
    if dropped.kind in CREDITS:
        raise BadInput(
            f"{dropped.reference}: a credit memo cannot be dropped, because the price of its lines is lower now. Enter "
            "it in Intacct, then --as-posted KEY; or withdraw the event: revrec event withdraw"
        )


def _leave_uninvoiced(context: "Context", connection: "Connection", dropped: "Invoice", reason: str) -> None:
    who = context.who()
    for line in dropped.lines:
        audit_seq = record(connection, who, "charge not invoiced", line.charge, {"reason": reason})
        digest = invoices.leave_uninvoiced(connection, line.charge_no, reason, who, audit_seq)
        record(connection, who, "not invoiced written", line.charge, {}, [digest])
