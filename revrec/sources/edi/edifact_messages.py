"""EDIFACT messages: INVOIC to charge lines; DESADV and IFTSTA to deliveries."""

from collections.abc import Iterator

from revrec.sources.documents import DocumentOutcome, SkippedDocument, read_whole, skipped_lines
from revrec.sources.edi.edifact_deliveries import deliveries
from revrec.sources.edi.edifact_invoices import billed
from revrec.sources.edi.edifact_message import EdifactMessage
from revrec.sources.edi.status import edifact_status

OWN = (
    "message", "document", "invoice", "order", "date", "line", "kind", "item", "description", "quantity", "unit",
    "price", "amount", "currency", "customer", "status", "shipped", "shipment", "reference", "notice",
)  # fmt: skip
"""The derived columns. A mapping can also name any element."""

CHARGE_ELEMENTS = {
    "document": "BGM.2.1", "invoice": "BGM.2.1", "order": "RFF[ON].1.2", "date": "DTM[3].1.2, DTM[137].1.2",
    "line": "LIN.1", "item": "PIA.2.1, LIN.3", "quantity": "QTY[47].1.2", "price": "PRI.1.2",
    "amount": "MOA[203].1.2, MOA[8].1.2", "currency": "CUX.1.2", "customer": "NAD[BY].2.1, NAD[IV].2.1",
}  # fmt: skip
"""The elements that the derived columns of an INVOIC come from."""

EVENT_ELEMENTS = {
    "document": "RFF[IV].1.2, RFF[ON].1.2, BGM.2.1, CNI.2", "date": "DTM[35].1.2, DTM[334].1.2",
    "item": "PIA.2.1, LIN.3", "quantity": "QTY[12].1.2", "status": "STS.2", "shipment": "BGM.2.1, CNI.2",
    "shipped": "DTM[11].1.2",
    "notice": "BGM.2.1, CNI.2",
}  # fmt: skip
"""The elements that the derived columns of deliveries come from."""

CHARGE_MESSAGES = ("INVOIC",)
EVENT_MESSAGES = ("DESADV", "IFTSTA")


def charges(message: EdifactMessage) -> Iterator[DocumentOutcome]:
    """Yield the charge lines of a message."""
    if message.kind not in CHARGE_MESSAGES:
        yield SkippedDocument(f"message {message.kind} has no charges", message.place)
    elif status := edifact_status(message):
        if isinstance(status, SkippedDocument):
            status = status._replace(lines=skipped_lines(lambda: billed(message)))
        yield status
    else:
        found = read_whole(lambda: billed(message), message.texts)
        yield from found or [SkippedDocument("it has no line", message.place)]


def events(message: EdifactMessage) -> Iterator[DocumentOutcome]:
    """Yield the deliveries of a message."""
    if message.kind not in EVENT_MESSAGES:
        yield SkippedDocument(f"message {message.kind} has no deliveries", message.place)
    elif status := edifact_status(message):
        yield status
    else:
        yield from read_whole(lambda: deliveries(message), message.texts)
