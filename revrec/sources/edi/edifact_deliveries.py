"""EDIFACT DESADV and IFTSTA to deliveries."""

from collections.abc import Iterator, Sequence

from revrec.sources.documents import DocumentOutcome, FoundRecord, SkippedDocument
from revrec.sources.edi.columns import ElementReference, find_element
from revrec.sources.edi.edifact_message import EdifactMessage, first_of
from revrec.sources.edi.segments import Segment

DELIVERED = "35"
"""DTM: actual date and time of delivery."""


def deliveries(message: EdifactMessage) -> Iterator[DocumentOutcome]:
    """Yield the deliveries of a DESADV or IFTSTA."""
    yield from _despatch(message) if message.kind == "DESADV" else _statuses(message)


def _despatch(message: EdifactMessage) -> Iterator[DocumentOutcome]:
    """Yield the delivery of a DESADV, if it has a delivery date (DTM 35)."""
    scopes = [message.segments]
    date = message.date(scopes, DELIVERED)
    if not date:
        yield SkippedDocument(f"it has no delivery date (DTM {DELIVERED})", message.place)
        return
    values = {"status": DELIVERED, "date": date, "shipment": find_element(ElementReference("BGM", "", 2), scopes)}
    yield FoundRecord(_addressed(message, values, scopes), (*scopes, message.envelope), message.place)


def _statuses(message: EdifactMessage) -> Iterator[DocumentOutcome]:
    """Yield each status (STS) of an IFTSTA with its date. The mapping's ``only`` selects those that are deliveries."""
    head: list[Segment] = []
    consignment: list[Segment] = []
    statuses: list[tuple[list[Segment], list[Segment]]] = []
    into = head
    for segment in message.segments:
        if segment.tag == "CNI":
            consignment = into = []
        elif segment.tag == "STS":
            into = []
            statuses.append((into, consignment))
        into.append(segment)
    for group, about in statuses:
        place = message.at(group[0])
        scopes = (group, about, head)
        values = {
            "status": group[0].get(2) or group[0].get(1),
            "date": message.date([group], "334", "78", DELIVERED, "137") or message.date([about], "334", DELIVERED),
            "shipment": first_of([about], ("CNI", "", 2, 1))
            or first_of(scopes, ("RFF", "CU", 1, 2), ("RFF", "BN", 1, 2)),
        }
        yield FoundRecord(_addressed(message, values, scopes), (*scopes, message.envelope), place)
    if not statuses:
        yield SkippedDocument("it has no status (STS)", message.place)


def _addressed(message: EdifactMessage, values: dict[str, str], scopes: Sequence[Sequence[Segment]]) -> dict[str, str]:
    """Add the document that the event is about: the invoice if it is named, else the order, else the shipment."""
    invoice, order = first_of(scopes, ("RFF", "IV", 1, 2)), first_of(scopes, ("RFF", "ON", 1, 2))
    document = invoice or order or values["shipment"]
    return {"message": message.kind, **values, "invoice": invoice, "order": order, "document": document}
