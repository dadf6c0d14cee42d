"""EDIFACT DESADV and IFTSTA to deliveries."""

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import NamedTuple

from revrec.sources.documents import SENT_AGAIN, DocumentOutcome, FoundRecord, RejectedDocument, SkippedDocument
from revrec.sources.edi.edifact_message import EdifactMessage, first_of
from revrec.sources.edi.segments import Segment, plain

DELIVERED, SHIPPED_WHOLE, SHIPPED = "35", "11", "12"
"""The status of a delivery, of a whole order that was despatched, and of items that were: DTM 35 and 11, and QTY 12."""


def deliveries(message: EdifactMessage) -> Iterator[DocumentOutcome]:
    """Yield the deliveries of a DESADV or IFTSTA."""
    yield from _despatch(message) if message.kind == "DESADV" else _statuses(message)


class _Despatched(NamedTuple):
    """An item of a despatch advice: its values, where a mapping can find more, its quantity (None: all of it)."""

    values: dict[str, str]
    scopes: Sequence[Sequence[Segment]]
    quantity: Decimal | None


def _despatch(message: EdifactMessage) -> Iterator[DocumentOutcome]:
    """Yield the deliveries of a DESADV: its items, or the whole order if it lists none."""
    head, lines = _parted(message.segments)
    found: dict[tuple[str, str], _Despatched] = {}
    for line in lines or [[]]:
        scopes = [line, head] if line else [head]
        item = first_of([line], ("PIA", "5", 2, 1), ("PIA", "1", 2, 1)) or (line[0].get(3) if line else "")
        values = _addressed(message, {"shipment": first_of([head], ("BGM", "", 2, 1)), "item": item}, scopes)
        quantity = _quantity(message, line)
        same = found.get((values["document"], item))
        if same and same.quantity is not None and quantity is not None:
            quantity += same.quantity
        found[values["document"], item] = _Despatched(values, scopes, quantity)
    for one in found.values():
        yield _delivered(message, *one)


def _parted(segments: Sequence[Segment]) -> tuple[list[Segment], list[list[Segment]]]:
    """Return the heading of a DESADV, and its lines. Packing levels (CPS) belong to neither."""
    head: list[Segment] = []
    lines: list[list[Segment]] = []
    into: list[Segment] | None = head
    for segment in segments:
        if segment.tag == "LIN":
            into = []
            lines.append(into)
        elif segment.tag in ("CPS", "CNT"):
            into = None
        if into is not None:
            into.append(segment)
    return head, lines


def _quantity(message: EdifactMessage, line: Sequence[Segment]) -> Decimal | None:
    """Return the quantity of a line: delivered (QTY 46), or else despatched (12); None if it states none."""
    for code in ("46", "12"):
        for segment in line:
            if segment.tag == "QTY" and segment.get(1) == code:
                return message.number(segment, 1, 2)
    return None


def _delivered(
    message: EdifactMessage, values: dict[str, str], scopes: Sequence[Sequence[Segment]], quantity: Decimal | None
) -> DocumentOutcome:
    date, shipped = message.date(scopes, DELIVERED), message.date(scopes, SHIPPED_WHOLE)
    place = message.at(scopes[0][0]) if values["item"] else message.place
    if not date and not shipped:
        return SkippedDocument(f"it has no delivery date (DTM {DELIVERED})", place)
    if quantity == 0:
        return SkippedDocument("its quantity is zero", place)
    if quantity is not None and quantity < 0:
        return RejectedDocument("QTY", plain(quantity), "is below zero", SENT_AGAIN, place)
    status, kind = (DELIVERED, "pod") if date else (SHIPPED if values["item"] else SHIPPED_WHOLE, "notice")
    values = {**values, "status": status, "kind": kind, "date": date or shipped, "shipped": shipped}
    if values["item"]:
        values |= {"quantity": "" if quantity is None else plain(quantity), "notice": values["shipment"]}
    return FoundRecord(values, (*scopes, message.envelope), place)


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
        shipment = first_of([about], ("CNI", "", 2, 1))
        shipment = shipment or first_of(scopes, ("RFF", "CU", 1, 2), ("RFF", "BN", 1, 2))
        values = {
            "kind": "pod",
            "status": group[0].get(2) or group[0].get(1),
            "date": message.date([group], "334", "78", DELIVERED, "137") or message.date([about], "334", DELIVERED),
            "shipment": shipment,
            "notice": first_of(scopes, ("RFF", "AAK", 1, 2), ("RFF", "DQ", 1, 2)) or shipment,
        }
        yield FoundRecord(_addressed(message, values, scopes), (*scopes, message.envelope), place)
    if not statuses:
        yield SkippedDocument("it has no status (STS)", message.place)


def _addressed(message: EdifactMessage, values: dict[str, str], scopes: Sequence[Sequence[Segment]]) -> dict[str, str]:
    """Add the document that the event is about: the invoice if it is named, else the order, else the shipment."""
    invoice, order = first_of(scopes, ("RFF", "IV", 1, 2)), first_of(scopes, ("RFF", "ON", 1, 2))
    document = invoice or order or values["shipment"]
    return {"message": message.kind, **values, "invoice": invoice, "order": order, "document": document}
