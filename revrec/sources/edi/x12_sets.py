"""X12 transaction sets: 810 and 857 to charge lines; 856, 857, 214 and 210 to deliveries.

Allowances and charges (SAC) of a line are part of its amount. If they are about the whole document, they become
separate charge lines; an allowance has a negative amount. Taxes (TXI, SAC codes H650 to H850) are not revenue and
become no charge line, but they count when the amounts are checked against the document's total (TDS01). The amounts of
a credit are negative.
"""

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import NamedTuple

from revrec.sources.documents import BrokenDocument, DocumentOutcome, FoundRecord, SkippedDocument, read_whole
from revrec.sources.edi.columns import ElementReference, find_element
from revrec.sources.edi.segments import Segment, number, plain, times
from revrec.sources.problems import InvalidValue

OWN = (
    "set", "document", "invoice", "order", "date", "line", "kind", "item", "description", "quantity", "unit", "price",
    "amount", "currency", "customer", "status", "shipment", "reference",
)  # fmt: skip
"""The derived columns. A mapping can also name any element."""

CHARGE_SETS = ("810", "857")
EVENT_SETS = ("856", "857", "214", "210")

CREDITS = ("CR", "CN")
"""BIG07: credit memo, credit invoice."""

DELIVERED = "035"
"""DTM01, G6201 and B310: the date on which goods were delivered."""


class TransactionSet(NamedTuple):
    """One transaction set: its number (``810``), its segments between ST and SE, and the envelope around it."""

    kind: str
    control: str
    segments: Sequence[Segment]
    envelope: Sequence[Segment]
    place: str

    def at(self, segment: Segment) -> str:
        """Return the place of one of its segments."""
        return f"{self.place}, {segment.place}"

    def texts(self) -> Iterator[str]:
        """Return its segments as texts."""
        return (segment.text for segment in self.segments)


def charges(transaction: TransactionSet) -> Iterator[DocumentOutcome]:
    """Yield the charge lines of a transaction set."""
    if transaction.kind not in CHARGE_SETS:
        yield SkippedDocument(f"set {transaction.kind} has no charges", transaction.place)
        return
    orders = _orders_of_810 if transaction.kind == "810" else _orders_of_857
    found = read_whole(
        lambda: (record for order in orders(transaction) for record in _billed(transaction, order)), transaction.texts
    )
    yield from found or [SkippedDocument("it has no line", transaction.place)]


def events(transaction: TransactionSet) -> Iterator[DocumentOutcome]:
    """Yield the deliveries of a transaction set."""
    if transaction.kind not in EVENT_SETS:
        yield SkippedDocument(f"set {transaction.kind} has no deliveries", transaction.place)
    elif transaction.kind == "214":
        yield from _statuses(transaction)
    elif transaction.kind == "210":
        yield from _carrier_invoice(transaction)
    else:
        yield from read_whole(lambda: _shipped_orders(transaction), transaction.texts)


class _BilledOrder(NamedTuple):
    """One billed document: its own segments, its lines with their segments, and the levels above it."""

    head: Sequence[Segment]
    lines: Sequence[Sequence[Segment]]
    above: Sequence[Sequence[Segment]]


_AFTER_LINES = ("TDS", "CTT", "CAD", "AMT", "ISS")


def _orders_of_810(transaction: TransactionSet) -> Iterator[_BilledOrder]:
    head: list[Segment] = []
    lines: list[list[Segment]] = []
    inside = False
    for segment in transaction.segments:
        if segment.tag == "IT1":
            lines.append([segment])
            inside = True
        elif inside and segment.tag not in _AFTER_LINES:
            lines[-1].append(segment)
        else:
            inside = False
            head.append(segment)
    _check_count(transaction, head, len(lines))
    yield _BilledOrder(head, lines, ())


def _check_count(transaction: TransactionSet, head: Sequence[Segment], lines: int) -> None:
    for segment in head:
        stated = segment.get(1)
        if segment.tag == "CTT" and stated.isdecimal() and int(stated) != lines:
            raise _broken(transaction, segment, "CTT01", stated, f"states {stated} lines, the document has {lines}")


class _HierarchyLevel(NamedTuple):
    """One hierarchical level (HL): its segments, and the levels above it, the nearest first."""

    code: str
    segments: list[Segment]
    above: "tuple[_HierarchyLevel, ...]"


def _levels(transaction: TransactionSet) -> tuple[list[Segment], list[_HierarchyLevel]]:
    """Return the segments before the first level, and the levels in order."""
    head: list[Segment] = []
    levels: list[_HierarchyLevel] = []
    by_id: dict[str, _HierarchyLevel] = {}
    for segment in transaction.segments:
        if segment.tag != "HL":
            (levels[-1].segments if levels else head).append(segment)
            continue
        parent = segment.get(2)
        if parent and parent not in by_id:
            raise _broken(transaction, segment, "HL02", parent, "names a parent level that does not come before it")
        above = (by_id[parent], *by_id[parent].above) if parent else ()
        level = _HierarchyLevel(segment.get(3), [segment], above)
        levels.append(level)
        by_id[segment.get(1)] = level
    return head, levels


def _orders_of_857(transaction: TransactionSet) -> Iterator[_BilledOrder]:
    """Yield the orders: each level with a total (TDS) is one, and its lines are the item levels below it."""
    head, levels = _levels(transaction)
    for order in levels:
        if not any(segment.tag == "TDS" for segment in order.segments):
            continue
        lines = [
            level.segments for level in levels
            if (level is order or order in level.above) and any(one.tag == "IT1" for one in level.segments)
        ]  # fmt: skip
        lines = [_from_line(segments) for segments in lines]
        yield _BilledOrder([one for one in order.segments if one.tag != "IT1"], lines, (*_above(order), head))


def _from_line(segments: Sequence[Segment]) -> list[Segment]:
    first = next(at for at, one in enumerate(segments) if one.tag == "IT1")
    return [segments[first], *segments[:first], *segments[first + 1 :]]


def _above(level: _HierarchyLevel) -> list[Sequence[Segment]]:
    return [one.segments for one in level.above]


def _billed(transaction: TransactionSet, order: _BilledOrder) -> Iterator[DocumentOutcome]:
    """Yield the records of one billed document, after checking them against its total."""
    scopes = (order.head, *order.above, transaction.envelope)
    sign = _sign(transaction, order)
    found: list[FoundRecord] = []
    total = taxes = Decimal(0)
    for at, line in enumerate(order.lines, 1):
        amount = _line_amount(transaction, line)
        taxes += _taxes(transaction, line)
        total += amount
        found.append(_line(transaction, order, line, at, sign * amount))
    for at, segment in enumerate((one for one in order.head if one.tag == "SAC"), 1):
        amount = _allowance_or_charge(transaction, segment)
        if _is_tax(segment):
            taxes += amount
        elif amount:
            total += amount
            found.append(_extra(transaction, order, segment, at, sign * amount))
    taxes += _taxes(transaction, [one for one in order.head if one.tag == "TXI"])
    _check_total(transaction, order, total, taxes)
    for record in found:
        if Decimal(record.values["amount"]) == 0:
            yield SkippedDocument("its amount is zero", record.place)
        else:
            yield record._replace(scopes=(*record.scopes, *scopes))


def _sign(transaction: TransactionSet, order: _BilledOrder) -> int:
    """Return -1 for a credit that is written with positive amounts, else 1."""
    credit = any(one.tag == "BIG" and one.get(7) in CREDITS for one in order.head)
    stated = next((one for one in order.head if one.tag == "TDS" and one.get(1)), None)
    written_negative = stated is not None and _number(transaction, stated, 1) < 0
    return -1 if credit and not written_negative else 1


def _line(
    transaction: TransactionSet, order: _BilledOrder, line: Sequence[Segment], at: int, amount: Decimal
) -> FoundRecord:
    item = line[0]
    described = next((one.get(5) for one in line if one.tag == "PID" and one.get(5)), "")
    values = {
        "line": item.get(1) or str(at),
        "kind": "line",
        "item": next((value for _qualifier, value in _products(item)), ""),
        "description": described,
        "quantity": item.get(2),
        "unit": item.get(3),
        "price": item.get(4),
        "amount": plain(amount),
    }
    return FoundRecord({**_billing(transaction, order), **values}, (line,), transaction.at(item))


def _extra(transaction: TransactionSet, order: _BilledOrder, segment: Segment, at: int, amount: Decimal) -> FoundRecord:
    """Return the record of an allowance or charge of the whole document."""
    kind = "allowance" if segment.get(1) == "A" else "charge"
    values = {
        "line": f"SAC-{at}",
        "kind": kind,
        "item": segment.get(2) or segment.get(4) or kind,
        "description": segment.get(15),
        "amount": plain(amount),
    }
    return FoundRecord({**_billing(transaction, order), **values}, ((segment,),), transaction.at(segment))


def _products(item: Segment) -> Iterator[tuple[str, str]]:
    """Yield the product ids of an IT1: qualifier and id, in pairs from its sixth element."""
    for place in range(6, len(item.elements), 2):
        if item.get(place) and item.get(place + 1):
            yield item.get(place), item.get(place + 1)


def _billing(transaction: TransactionSet, order: _BilledOrder) -> dict[str, str]:
    """Return the values that all lines of one billed document share."""
    scopes = (order.head, *order.above)
    if transaction.kind == "810":
        invoice, date, number_ = _first(scopes, ("BIG", "", 2)), _first(scopes, ("BIG", "", 1)), ("BIG", "", 4)
    else:
        invoice = _first(scopes, ("N9", "IV", 2), ("N9", "IK", 2), ("REF", "IV", 2), ("BHT", "", 3))
        date = _first((order.head,), ("DTM", "003", 2)) or _first(scopes, ("DTM", "003", 2), ("BHT", "", 4))
        number_ = ("PRF", "", 1)
    return {
        "set": transaction.kind,
        "document": invoice,
        "invoice": invoice,
        "order": _first(scopes, number_),
        "date": date,
        "currency": _first(scopes, ("CUR", "", 2)),
        "customer": _first(scopes, ("N1", "BY", 4), ("N1", "BT", 4), ("N1", "ST", 4)),
    }


def _first(scopes: Sequence[Sequence[Segment]], *references: tuple[str, str, int]) -> str:
    return next((value for one in references if (value := find_element(ElementReference(*one), scopes))), "")


def _line_amount(transaction: TransactionSet, line: Sequence[Segment]) -> Decimal:
    """Return the line's stated total (PAM), or else quantity times price; with its allowances and charges."""
    stated = next((one for one in line if one.tag == "PAM" and one.get(4) == "1" and one.get(5)), None)
    if stated:
        amount = _number(transaction, stated, 5)
    else:
        amount = times(_number(transaction, line[0], 2), _number(transaction, line[0], 4))
    extras = (one for one in line if one.tag == "SAC" and not _is_tax(one))
    return amount + sum((_allowance_or_charge(transaction, one) for one in extras), Decimal(0))


def _allowance_or_charge(transaction: TransactionSet, segment: Segment) -> Decimal:
    """Return SAC05, an amount with two implied decimals: negative for an allowance, 0 for any other indicator."""
    kind = segment.get(1)
    if kind not in ("A", "C"):
        return Decimal(0)
    if not segment.get(5):
        raise _broken(transaction, segment, "SAC05", "", "an allowance or charge needs an amount")
    amount = _implied(transaction, segment, 5)
    return -amount if kind == "A" else amount


def _is_tax(segment: Segment) -> bool:
    return "H650" <= segment.get(2) <= "H850"


def _taxes(transaction: TransactionSet, segments: Sequence[Segment]) -> Decimal:
    found = Decimal(0)
    for segment in segments:
        if segment.tag == "TXI" and segment.get(2):
            found += _number(transaction, segment, 2)
        elif segment.tag == "SAC" and _is_tax(segment):
            found += _allowance_or_charge(transaction, segment)
    return found


def _check_total(transaction: TransactionSet, order: _BilledOrder, total: Decimal, taxes: Decimal) -> None:
    stated = next((one for one in order.head if one.tag == "TDS" and one.get(1)), None)
    if stated is None:
        return
    billed = _implied(transaction, stated, 1)
    if abs(billed) not in (abs(total + taxes), abs(total)):
        with_tax = f" ({plain(total + taxes)} with taxes)" if taxes else ""
        reason = f"the total is {plain(billed)}, lines, charges and allowances add up to {plain(total)}{with_tax}"
        raise _broken(transaction, stated, "TDS01", stated.get(1), reason)


def _number(transaction: TransactionSet, segment: Segment, element: int) -> Decimal:
    try:
        return number(segment.get(element))
    except InvalidValue as refused:
        name = f"{segment.tag}{element:02d}"
        raise _broken(transaction, segment, name, segment.get(element), refused.reason) from None


def _implied(transaction: TransactionSet, segment: Segment, element: int) -> Decimal:
    """Return a number whose last two digits are decimals (type N2)."""
    value = _number(transaction, segment, element)
    if "." in segment.get(element):
        name = f"{segment.tag}{element:02d}"
        raise _broken(
            transaction, segment, name, segment.get(element), "has a decimal point, but its decimals are implied"
        )
    return value.scaleb(-2)


def _broken(transaction: TransactionSet, segment: Segment, field: str, value: str, reason: str) -> BrokenDocument:
    return BrokenDocument(field, value, reason, transaction.at(segment))


def _shipped_orders(transaction: TransactionSet) -> Iterator[DocumentOutcome]:
    """Yield the delivery of each order of a shipment (856, 857), if it has a delivery date (DTM 035)."""
    head, levels = _levels(transaction)
    orders = [level for level in levels if level.code == "O"] or levels[:1]
    if not orders:
        yield SkippedDocument("it has no level (HL)", transaction.place)
    for order in orders:
        scopes = (order.segments, *_above(order), head)
        date = _first(scopes, ("DTM", DELIVERED, 2))
        place = transaction.at(order.segments[0])
        if not date:
            yield SkippedDocument(f"it has no delivery date (DTM {DELIVERED})", place)
            continue
        values = {
            "set": transaction.kind,
            "date": date,
            "status": DELIVERED,
            "shipment": _first(scopes, ("BSN", "", 2), ("BHT", "", 3)),
            "order": _first(scopes, ("PRF", "", 1), ("REF", "PO", 2), ("N9", "PO", 2)),
            "invoice": _first(scopes, ("REF", "IV", 2), ("N9", "IV", 2), ("REF", "IK", 2), ("N9", "IK", 2)),
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
            "shipment": _first(scopes, ("B10", "", 2)),
            "reference": _first(scopes, ("B10", "", 1)),
            "order": _first(scopes, ("L11", "PO", 1)),
            "invoice": _first(scopes, ("L11", "IK", 1), ("L11", "IV", 1)),
        }
        yield FoundRecord(_addressed(values), (*scopes, transaction.envelope), transaction.at(segment))
    if not any_status:
        yield SkippedDocument("it has no status (AT7)", transaction.place)


def _carrier_invoice(transaction: TransactionSet) -> Iterator[DocumentOutcome]:
    """Yield the delivery date of a carrier's invoice (210): B309 if B310 says it is one, else G62."""
    scopes = (transaction.segments,)
    is_delivery = find_element(ElementReference("B3", "", 10), scopes) == DELIVERED
    date = (find_element(ElementReference("B3", "", 9), scopes) if is_delivery else "") or _first(
        scopes, ("G62", DELIVERED, 2)
    )
    if not date:
        yield SkippedDocument(f"it has no delivery date (B310 or G62 {DELIVERED})", transaction.place)
        return
    values = {
        "set": "210",
        "date": date,
        "status": DELIVERED,
        "shipment": _first(scopes, ("B3", "", 3)),
        "reference": _first(scopes, ("B3", "", 2)),
        "order": _first(scopes, ("N9", "PO", 2), ("L11", "PO", 1)),
        "invoice": _first(scopes, ("N9", "IK", 2), ("N9", "IV", 2)),
    }
    yield FoundRecord(_addressed(values), (*scopes, transaction.envelope), transaction.place)


def _addressed(values: dict[str, str]) -> dict[str, str]:
    """Add the document that the event is about: the invoice if it is named, else the order, else the shipment."""
    return {**values, "document": values["invoice"] or values["order"] or values["shipment"]}
