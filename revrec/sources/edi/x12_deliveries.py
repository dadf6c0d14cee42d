"""X12 856, 857, 214 and 210 to deliveries."""

from collections.abc import Iterator

from revrec.sources.documents import DocumentOutcome, FoundRecord, SkippedDocument, read_whole
from revrec.sources.edi.columns import ElementReference, find_element
from revrec.sources.edi.segments import Segment
from revrec.sources.edi.x12_transaction import TransactionSet, first_of, iso_date, levels_of

DELIVERED = "035"
"""DTM01, G6201 and B310: the date on which goods were delivered."""


def deliveries(transaction: TransactionSet) -> Iterator[DocumentOutcome]:
    """Yield the deliveries of a transaction set."""
    if transaction.kind == "214":
        yield from _statuses(transaction)
    elif transaction.kind == "210":
        yield from _carrier_invoice(transaction)
    else:
        yield from read_whole(lambda: _shipped_orders(transaction), transaction.texts)


def _shipped_orders(transaction: TransactionSet) -> Iterator[DocumentOutcome]:
    """Yield the delivery of each order of a shipment (856, 857), if it has a delivery date (DTM 035)."""
    head, levels = levels_of(transaction)
    orders = [level for level in levels if level.code == "O"] or levels[:1]
    if not orders:
        yield SkippedDocument("it has no level (HL)", transaction.place)
    for order in orders:
        scopes = (*order.scopes, head)
        date = first_of(scopes, ("DTM", DELIVERED, 2))
        place = transaction.at(order.segments[0])
        if not date:
            yield SkippedDocument(f"it has no delivery date (DTM {DELIVERED})", place)
            continue
        values = {
            "set": transaction.kind,
            "date": date,
            "status": DELIVERED,
            "shipment": first_of(scopes, ("BSN", "", 2), ("BHT", "", 3)),
            "order": first_of(scopes, ("PRF", "", 1), ("REF", "PO", 2), ("N9", "PO", 2)),
            "invoice": first_of(scopes, ("REF", "IV", 2), ("N9", "IV", 2), ("REF", "IK", 2), ("N9", "IK", 2)),
        }
        yield FoundRecord(_addressed(values), (*scopes, transaction.envelope), place)


def _statuses(transaction: TransactionSet) -> Iterator[DocumentOutcome]:
    """Yield each status (AT7) of a 214 with its date. The mapping's ``only`` selects those that are deliveries."""
    shared: list[Segment] = []
    group: list[Segment] = []
    any_status = False
    for segment in transaction.segments:
        if segment.tag == "LX":
            group = []
        if segment.tag != "AT7":
            (group if any(one.tag == "LX" for one in (segment, *group)) else shared).append(segment)
            continue
        any_status = True
        scopes = ((segment,), group, shared)
        values = {
            "set": "214",
            "status": segment.get(1) or segment.get(3),
            "date": segment.get(5),
            "shipment": first_of(scopes, ("B10", "", 2)),
            "reference": first_of(scopes, ("B10", "", 1)),
            "order": first_of(scopes, ("L11", "PO", 1)),
            "invoice": first_of(scopes, ("L11", "IK", 1), ("L11", "IV", 1)),
        }
        yield FoundRecord(_addressed(values), (*scopes, transaction.envelope), transaction.at(segment))
    if not any_status:
        yield SkippedDocument("it has no status (AT7)", transaction.place)


def _carrier_invoice(transaction: TransactionSet) -> Iterator[DocumentOutcome]:
    """Yield the delivery date of a carrier's invoice (210): B309 if B310 says it is one, else G62."""
    scopes = (transaction.segments,)
    is_delivery = find_element(ElementReference("B3", "", 10), scopes) == DELIVERED
    date = (find_element(ElementReference("B3", "", 9), scopes) if is_delivery else "") or first_of(
        scopes, ("G62", DELIVERED, 2)
    )
    if not date:
        yield SkippedDocument(f"it has no delivery date (B310 or G62 {DELIVERED})", transaction.place)
        return
    values = {
        "set": "210",
        "date": date,
        "status": DELIVERED,
        "shipment": first_of(scopes, ("B3", "", 3)),
        "reference": first_of(scopes, ("B3", "", 2)),
        "order": first_of(scopes, ("N9", "PO", 2), ("L11", "PO", 1)),
        "invoice": first_of(scopes, ("N9", "IK", 2), ("N9", "IV", 2)),
    }
    yield FoundRecord(_addressed(values), (*scopes, transaction.envelope), transaction.place)


def _addressed(values: dict[str, str]) -> dict[str, str]:
    """Add the document that the event is about: the invoice if it is named, else the order, else the shipment."""
    return {
        **values,
        "date": iso_date(values["date"]),
        "document": values["invoice"] or values["order"] or values["shipment"],
    }
