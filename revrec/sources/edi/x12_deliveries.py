"""X12 856, 857, 214 and 210 to deliveries."""

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import NamedTuple

from revrec.sources.documents import DocumentOutcome, FoundRecord, SkippedDocument, read_whole
from revrec.sources.edi.columns import ElementReference, find_element
from revrec.sources.edi.segments import Segment, plain
from revrec.sources.edi.x12_transaction import (
    DELIVERY_TIME,
    HierarchyLevel,
    TimeReference,
    TransactionSet,
    first_of,
    iso_date,
    levels_of,
    product_ids,
    time_of,
)

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
    """Yield the deliveries of each order of a shipment (856, 857): its items, or the whole order if it lists none."""
    head, levels = levels_of(transaction)
    orders = [level for level in levels if level.code == "O"] or levels[:1]
    if not orders:
        yield SkippedDocument("it has no level (HL)", transaction.place)
    for order in orders:
        items = _items(transaction, [level for level in levels if level is order or order in level.above], head)
        scopes = (*order.scopes, head)
        for item in items or [_ShippedItem("", time_of(transaction, scopes, DELIVERY_TIME), None, scopes)]:
            yield _shipped(transaction, item, order.segments[0])


class _ShippedItem(NamedTuple):
    """An item of a shipped order: its id, its delivery date, and its quantity (None: all of it)."""

    item: str
    date: str
    quantity: Decimal | None
    scopes: Sequence[Sequence[Segment]]
    again: bool = False
    """True if the order has the item on another day too."""


_ITEM_SEGMENTS = {"LIN": 2, "IT1": 6}
"""Segments that name an item of a shipment, and the element where its product ids begin."""


def _items(
    transaction: TransactionSet, levels: Sequence[HierarchyLevel], head: Sequence[Segment]
) -> list[_ShippedItem]:
    """Return the items of an order; the quantities of one item that was delivered on one day are added up."""
    found: dict[tuple[str, str], _ShippedItem] = {}
    for level in levels:
        scopes = (*level.scopes, head)
        date = time_of(transaction, scopes, DELIVERY_TIME)
        for segment in level.segments:
            ids = product_ids(segment, _ITEM_SEGMENTS[segment.tag]) if segment.tag in _ITEM_SEGMENTS else []
            if not ids:
                continue
            same = found.get((ids[0], date))
            quantity = _shipped_quantity(transaction, level, segment)
            if same and same.quantity is not None and quantity is not None:
                quantity += same.quantity
            again = any(item == ids[0] and day != date for item, day in found)
            found[ids[0], date] = _ShippedItem(ids[0], date, quantity, scopes, same.again if same else again)
    return list(found.values())


def _shipped_quantity(transaction: TransactionSet, level: HierarchyLevel, item: Segment) -> Decimal | None:
    """Return the number of units that were shipped (SN102, of an 857 IT102); None if the level states none."""
    if item.tag == "IT1":
        return transaction.number(item, 2)
    stated = next((one for one in level.segments if one.tag == "SN1" and one.get(2)), None)
    return transaction.number(stated, 2) if stated else None


def _shipped(transaction: TransactionSet, item: _ShippedItem, first: Segment) -> DocumentOutcome:
    scopes, place = item.scopes, transaction.at(item.scopes[0][0] if item.item else first)
    if not item.date:
        return SkippedDocument(f"it has no delivery date (DTM {DELIVERED})", place)
    if item.quantity == 0:
        return SkippedDocument("its quantity is zero", place)
    shipment = first_of(scopes, ("BSN", "", 2), ("BHT", "", 3))
    values = {
        "set": transaction.kind,
        "date": item.date,
        "status": DELIVERED,
        "shipment": shipment,
        "reference": first_of(scopes, ("REF", "BM", 2), ("N9", "BM", 2)),
        "order": first_of(scopes, ("PRF", "", 1), ("REF", "PO", 2), ("N9", "PO", 2)),
        "invoice": first_of(scopes, ("REF", "IV", 2), ("N9", "IV", 2), ("REF", "IK", 2), ("N9", "IK", 2)),
    }
    if item.item:
        values |= {
            "item": item.item,
            "quantity": "" if item.quantity is None else plain(item.quantity),
            "notice": f"{shipment} {item.date}" if item.again else shipment,
        }
    return FoundRecord(_addressed(values), (*scopes, transaction.envelope), place)


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
            "date": time_of(transaction, scopes, TimeReference("AT7", "", 5, 6, 7)),
            "shipment": first_of(scopes, ("B10", "", 2)),
            "notice": first_of(scopes, ("B10", "", 2)),
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
    date = find_element(ElementReference("B3", "", 9), scopes) if is_delivery else ""
    date = iso_date(date) or time_of(transaction, scopes, TimeReference("G62", DELIVERED, 2, 4, 5))
    if not date:
        yield SkippedDocument(f"it has no delivery date (B310 or G62 {DELIVERED})", transaction.place)
        return
    values = {
        "set": "210",
        "date": date,
        "status": DELIVERED,
        "shipment": first_of(scopes, ("B3", "", 3)),
        "notice": first_of(scopes, ("B3", "", 3)),
        "reference": first_of(scopes, ("B3", "", 2)),
        "order": first_of(scopes, ("N9", "PO", 2), ("L11", "PO", 1)),
        "invoice": first_of(scopes, ("N9", "IK", 2), ("N9", "IV", 2)),
    }
    yield FoundRecord(_addressed(values), (*scopes, transaction.envelope), transaction.place)


def _addressed(values: dict[str, str]) -> dict[str, str]:
    """Add the document that the event is about: the invoice if it is named, else the order, else the shipment."""
    return {
        **values,
        "document": values["invoice"] or values["order"] or values["shipment"],
    }
