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

CHARGE_ELEMENTS = {
    "document": "BIG02, N9[IV]02", "invoice": "BIG02, N9[IV]02", "order": "BIG04, PRF01", "date": "BIG01, DTM[003]02",
    "line": "IT101", "item": "IT107", "quantity": "IT102", "price": "IT104", "amount": "IT102 x IT104, SAC05",
    "currency": "CUR02", "customer": "N1[BY]04, N1[BT]04, N1[ST]04",
}  # fmt: skip
"""The elements that the derived columns of an 810 and an 857 come from."""

EVENT_ELEMENTS = {
    "document": "REF[IV]02, L11[IK]01, PRF01, BSN02", "date": "DTM[035]02, AT705, B309", "item": "LIN03",
    "quantity": "SN102", "status": "AT701", "shipment": "BSN02, B1002", "shipped": "DTM[011]02",
    "notice": "BSN02, B1002",
}  # fmt: skip
"""The elements that the derived columns of deliveries come from."""

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
