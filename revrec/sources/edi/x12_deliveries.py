"""X12 856, 857, 214 and 210 to deliveries."""

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import NamedTuple

from revrec.sources.documents import (
    SENT_AGAIN,
    DocumentOutcome,
    FoundRecord,
    RejectedDocument,
    SkippedDocument,
    read_whole,
)
from revrec.sources.edi.columns import ElementReference, find_element
from revrec.sources.edi.segments import Segment, plain
from revrec.sources.edi.x12_transaction import (
    DELIVERY_TIME,
    SHIPPING_TIME,
    HierarchyLevel,
    TimeReference,
    TransactionSet,
    first_of,
    iso_date,
    levels_of,
    product_ids,
    time_of,
)

DELIVERED, SHIPPED, SHIPPED_WHOLE = "035", "011", "11"
"""The status of a delivery, of items that were shipped, and of a whole order that was: codes of DTM01 and G6201."""

_DELIVERED_ON, _SHIPPED_ON = ("35", DELIVERED), ("11", "86", SHIPPED)
"""G6201 (element 432): the date of delivery; the date of shipping or pickup. Some carriers write the codes of DTM01."""

_NOT_SHIPPED = {
    "IB": "is back-ordered", "ID": "was deleted", "IH": "is on hold", "IR": "was rejected", "IW": "is on hold",
}  # fmt: skip
"""SN108 (element 668) of items that are listed and not shipped."""


def deliveries(transaction: TransactionSet) -> Iterator[DocumentOutcome]:
    """Yield the deliveries of a transaction set."""
    readers = {"214": _statuses, "210": _carrier_invoice}
    reader = readers.get(transaction.kind, _shipped_orders)
    yield from read_whole(lambda: reader(transaction), transaction.texts)


def _shipped_orders(transaction: TransactionSet) -> Iterator[DocumentOutcome]:
    """Yield the deliveries of each order of a shipment (856, 857): its items, or the whole order if it lists none."""
    head, levels = levels_of(transaction)
    orders = [level for level in levels if level.code == "O"] or levels[:1]
    if not orders:
        yield SkippedDocument("it has no level (HL)", transaction.place)
    for order in orders:
        items = _items(transaction, [level for level in levels if level is order or order in level.above], head)
        scopes = (*order.scopes, head)
        for item in items or [_ShippedItem("", _days(transaction, scopes), None, scopes)]:
            yield _shipped(transaction, item, order.segments[0])


class _NoticeDays(NamedTuple):
    """The days of a delivery and of its shipping; empty if they are not stated."""

    delivered: str
    shipped: str

    @property
    def values(self) -> dict[str, str]:
        """The derived columns, of an order without items."""
        status, kind = (DELIVERED, "pod") if self.delivered else (SHIPPED_WHOLE, "notice")
        return {"date": self.delivered or self.shipped, "shipped": self.shipped, "status": status, "kind": kind}


def _days(transaction: TransactionSet, scopes: Sequence[Sequence[Segment]]) -> _NoticeDays:
    return _NoticeDays(time_of(transaction, scopes, DELIVERY_TIME), time_of(transaction, scopes, SHIPPING_TIME))


class _ShippedItem(NamedTuple):
    """An item of a shipped order: its id, its days, and its quantity (None: all of it)."""

    item: str
    days: _NoticeDays
    quantity: Decimal | None
    scopes: Sequence[Sequence[Segment]]
    again: bool = False
    """True if the order has the item on another day too."""
    not_shipped: str = ""
    """Why the item was not shipped."""


_ITEM_SEGMENTS = {"LIN": 2, "IT1": 6}
"""Segments that name an item of a shipment, and the element where its product ids begin."""


def _items(
    transaction: TransactionSet, levels: Sequence[HierarchyLevel], head: Sequence[Segment]
) -> list[_ShippedItem]:
    """Return the items of an order; the quantities of one item that was delivered on one day are added up."""
    found: dict[tuple[str, _NoticeDays, str], _ShippedItem] = {}
    for level in levels:
        scopes = (*level.scopes, head)
        days, reason = _days(transaction, scopes), _not_shipped(level)
        for segment in level.segments:
            ids = product_ids(segment, _ITEM_SEGMENTS[segment.tag]) if segment.tag in _ITEM_SEGMENTS else []
            if not ids:
                continue
            key = (ids[0], days, reason)
            same = found.get(key)
            quantity = _shipped_quantity(transaction, level, segment)
            if same and same.quantity is not None and quantity is not None:
                quantity += same.quantity
            again = any(item == ids[0] and day != days for item, day, _reason in found)
            found[key] = _ShippedItem(ids[0], days, quantity, scopes, same.again if same else again, reason)
    return list(found.values())


def _not_shipped(level: HierarchyLevel) -> str:
    """Return why an item that a notice lists was not shipped (SN108); empty if it was."""
    return next((reason for one in level.segments if one.tag == "SN1" and (reason := _NOT_SHIPPED.get(one.get(8)))), "")


def _shipped_quantity(transaction: TransactionSet, level: HierarchyLevel, item: Segment) -> Decimal | None:
    """Return the number of units that were shipped (SN102, of an 857 IT102); None if the level states none."""
    if item.tag == "IT1":
        return transaction.number(item, 2)
    stated = next((one for one in level.segments if one.tag == "SN1" and one.get(2)), None)
    return transaction.number(stated, 2) if stated else None


def _shipped(transaction: TransactionSet, item: _ShippedItem, first: Segment) -> DocumentOutcome:
    scopes, place = item.scopes, transaction.at(item.scopes[0][0] if item.item else first)
    if item.not_shipped:
        return SkippedDocument(f"the item {item.not_shipped} (SN108)", place)
    if not any(item.days):
        return SkippedDocument(f"it has no delivery date (DTM {DELIVERED})", place)
    if item.quantity == 0:
        return SkippedDocument("its quantity is zero", place)
    if item.quantity is not None and item.quantity < 0:
        return RejectedDocument("SN102", plain(item.quantity), "is below zero", SENT_AGAIN, place)
    shipment = first_of(scopes, ("BSN", "", 2), ("BHT", "", 3))
    values = {
        "set": transaction.kind,
        **item.days.values,
        "shipment": shipment,
        "reference": first_of(scopes, ("REF", "BM", 2), ("N9", "BM", 2)),
        "order": first_of(scopes, ("PRF", "", 1), ("REF", "PO", 2), ("N9", "PO", 2)),
        "invoice": first_of(scopes, ("REF", "IV", 2), ("N9", "IV", 2), ("REF", "IK", 2), ("N9", "IK", 2)),
    }
    if item.item:
        values |= {
            "item": item.item,
            "status": DELIVERED if item.days.delivered else SHIPPED,
            "quantity": "" if item.quantity is None else plain(item.quantity),
            "notice": f"{shipment} {item.days.delivered or item.days.shipped}" if item.again else shipment,
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
            "kind": "pod",
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
    delivered, shipped = (
        time_of(transaction, scopes, *(TimeReference("G62", code, 2, 4, 5) for code in codes))
        for codes in (_DELIVERED_ON, _SHIPPED_ON)
    )
    days = _NoticeDays(iso_date(date) or delivered, shipped)
    if not any(days):
        yield SkippedDocument(f"it has no delivery date (B310 {DELIVERED} or G62 35)", transaction.place)
        return
    values = {
        "set": "210",
        **days.values,
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
