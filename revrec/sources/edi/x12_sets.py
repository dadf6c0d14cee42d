"""X12 transaction sets: 810 and 857 to charge lines; 856, 857, 214 and 210 to deliveries."""

from collections.abc import Iterator

from revrec.sources.documents import DocumentOutcome, SkippedDocument, read_whole, skipped_lines
from revrec.sources.edi.status import x12_status
from revrec.sources.edi.x12_deliveries import deliveries
from revrec.sources.edi.x12_invoices import billed
from revrec.sources.edi.x12_transaction import TransactionSet

OWN = (
    "set", "document", "invoice", "order", "date", "line", "kind", "item", "description", "quantity", "unit", "price",
    "amount", "currency", "customer", "status", "shipped", "shipment", "reference", "notice",
)  # fmt: skip
"""The derived columns. A mapping can also name any element."""

CHARGE_SETS = ("810", "857")
EVENT_SETS = ("856", "857", "214", "210")


def charges(transaction: TransactionSet) -> Iterator[DocumentOutcome]:
    """Yield the charge lines of a transaction set."""
    if transaction.kind not in CHARGE_SETS:
        yield SkippedDocument(f"set {transaction.kind} has no charges", transaction.place)
    elif status := x12_status(transaction):
        if isinstance(status, SkippedDocument):
            status = status._replace(lines=skipped_lines(lambda: billed(transaction)))
        yield status
    else:
        found = read_whole(lambda: billed(transaction), transaction.texts)
        yield from found or [SkippedDocument("it has no line", transaction.place)]


def events(transaction: TransactionSet) -> Iterator[DocumentOutcome]:
    """Yield the deliveries of a transaction set."""
    if transaction.kind not in EVENT_SETS:
        yield SkippedDocument(f"set {transaction.kind} has no deliveries", transaction.place)
    elif status := x12_status(transaction):
        yield status
    else:
        yield from deliveries(transaction)
