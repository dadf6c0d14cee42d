"""EDIFACT messages: INVOIC to charge lines; DESADV and IFTSTA to deliveries.

A line's amount is the stated one (MOA 203), or else quantity times price. Allowances and charges (ALC) of the whole
invoice become separate charge lines; an allowance has a negative amount. In a line they are part of its stated amount.
Taxes are not revenue and become no charge line. The lines must add up to the invoice's total of lines (MOA 79), and
their number must agree with the stated one (CNT 2). The amounts of a credit note are negative.
"""

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import NamedTuple

from revrec.sources.documents import BrokenDocument, DocumentOutcome, FoundRecord, SkippedDocument, read_whole
from revrec.sources.edi.columns import ElementReference, find_element
from revrec.sources.edi.segments import Segment, Separators, number, plain, times
from revrec.sources.problems import InvalidValue

OWN = (
    "message", "document", "invoice", "order", "date", "line", "kind", "item", "description", "quantity", "unit",
    "price", "amount", "currency", "customer", "status", "shipment", "reference",
)  # fmt: skip
"""The derived columns. A mapping can also name any element."""

CHARGE_MESSAGES = ("INVOIC",)
EVENT_MESSAGES = ("DESADV", "IFTSTA")

CREDIT_NOTES = ("381", "383", "396", "458", "532")
"""BGM document names of credit notes."""

DELIVERED = "35"
"""DTM: actual date and time of delivery."""

_LINE_ENDS = ("UNS", "CNT")
_GROUPED = {"102": 8, "203": 8, "204": 8, "303": 8, "304": 8}
"""Formats of DTM that begin with the date as CCYYMMDD."""


class EdifactMessage(NamedTuple):
    """One message: its type, its segments between UNH and UNT, its envelope, and its separators."""

    kind: str
    segments: Sequence[Segment]
    envelope: Sequence[Segment]
    separators: Separators
    place: str

    def at(self, segment: Segment) -> str:
        """Return the place of one of its segments."""
        return f"{self.place}, {segment.place}"

    def texts(self) -> Iterator[str]:
        """Return its segments as texts."""
        return (segment.text for segment in self.segments)


def charges(message: EdifactMessage) -> Iterator[DocumentOutcome]:
    """Yield the charge lines of a message."""
    if message.kind not in CHARGE_MESSAGES:
        yield SkippedDocument(f"message {message.kind} has no charges", message.place)
        return
    found = read_whole(lambda: _InvoiceMessage(message).billed(), message.texts)
    yield from found or [SkippedDocument("it has no line", message.place)]


def events(message: EdifactMessage) -> Iterator[DocumentOutcome]:
    """Yield the deliveries of a message."""
    if message.kind not in EVENT_MESSAGES:
        yield SkippedDocument(f"message {message.kind} has no deliveries", message.place)
        return
    yield from read_whole(lambda: _despatch(message) if message.kind == "DESADV" else _statuses(message), message.texts)


class _InvoiceMessage:
    """An INVOIC in parts: head, lines, allowances and charges of the whole invoice, summary."""

    def __init__(self, message: EdifactMessage) -> None:
        self._message = message
        self._head: list[Segment] = []
        self._lines: list[list[Segment]] = []
        self._extras: list[list[Segment]] = []
        self._summary: list[Segment] = []
        self._part(message.segments)
        code = find_element(ElementReference("BGM", "", 1), [self._head])
        self._sign = -1 if code in CREDIT_NOTES else 1

    def _part(self, segments: Sequence[Segment]) -> None:
        into: list[Segment] = self._head
        for segment in segments:
            if segment.tag in _LINE_ENDS:
                into = self._summary
            elif segment.tag == "LIN":
                into = []
                self._lines.append(into)
            elif (segment.tag == "ALC" and into is self._summary) or (segment.tag == "ALC" and not self._lines):
                into = []
                self._extras.append(into)
            into.append(segment)

    def billed(self) -> Iterator[DocumentOutcome]:
        """Yield the charge lines, after checking them against the totals."""
        self._check_count()
        amounts = [self._line_amount(line) for line in self._lines]
        self._check_total(sum(amounts, Decimal(0)))
        shared = self._shared()
        for at, (line, amount) in enumerate(zip(self._lines, amounts, strict=True), 1):
            yield self._made(line, {**shared, **self._line(line, at)}, amount)
        for at, extra in enumerate(self._extras, 1):
            amount = self._extra_amount(extra)
            kind = "allowance" if extra[0].get(1) == "A" else "charge"
            values = {
                "line": f"ALC-{at}",
                "kind": kind,
                "item": extra[0].get(5, 1) or extra[0].get(2, 1) or kind,
                "description": extra[0].get(5, 4) or extra[0].get(2, 2),
            }
            yield self._made(extra, {**shared, **values}, amount)

    def _made(self, segments: Sequence[Segment], values: dict[str, str], amount: Decimal) -> DocumentOutcome:
        place = self._message.at(segments[0])
        if not amount:
            return SkippedDocument("its amount is zero", place)
        values = {**values, "amount": plain(self._sign * amount)}
        return FoundRecord(values, (segments, self._head, self._summary, self._message.envelope), place)

    def _shared(self) -> dict[str, str]:
        head = [self._head]
        invoice = find_element(ElementReference("BGM", "", 2), head)
        return {
            "message": self._message.kind,
            "document": invoice,
            "invoice": invoice,
            "order": _first(head, ("RFF", "ON", 1, 2)),
            "date": _date(self._message, head, "3") or _date(self._message, head, "137"),
            "currency": _first(head, ("CUX", "2", 1, 2), ("CUX", "", 1, 2)),
            "customer": _first(head, ("NAD", "BY", 2, 1), ("NAD", "IV", 2, 1)),
        }

    def _line(self, line: Sequence[Segment], at: int) -> dict[str, str]:
        scope = [line]
        return {
            "line": line[0].get(1) or str(at),
            "kind": "line",
            "item": _first(scope, ("PIA", "5", 2, 1), ("PIA", "1", 2, 1)) or line[0].get(3),
            "description": _first(scope, ("IMD", "", 3, 4), ("IMD", "", 3, 5)),
            "quantity": self._plain(_first(scope, ("QTY", "47", 1, 2))),
            "unit": _first(scope, ("QTY", "47", 1, 3)),
            "price": self._plain(_first(scope, ("PRI", "AAA", 1, 2))),
        }

    def _plain(self, text: str) -> str:
        return text.replace(self._message.separators.decimal, ".") if text else ""

    def _line_amount(self, line: Sequence[Segment]) -> Decimal:
        stated = _moa(line, "203")
        if stated:
            return self._number(stated, 1, 2)
        quantity = next((one for one in line if one.tag == "QTY" and one.get(1) == "47"), None)
        price = next((one for one in line if one.tag == "PRI" and one.get(1) in ("AAA", "AAB", "INV")), None)
        extra = any(one.tag == "ALC" for one in line)
        if quantity is None or price is None or extra:
            needs = (
                "with allowances or charges (ALC) needs its amount (MOA 203)"
                if extra
                else "needs MOA 203, or QTY and PRI"
            )
            raise self._broken(line[0], "MOA", "", f"a line {needs}")
        per = self._number(price, 1, 5) if price.get(1, 5) else Decimal(1)
        amount = times(self._number(quantity, 1, 2), self._number(price, 1, 2))
        if per != 1:
            divided = amount / per if per else Decimal(0)
            if not per or times(divided, per) != amount:
                raise self._broken(
                    price, "PRI", price.get(1, 5), "quantity times price does not divide evenly by the price basis"
                )
            amount = divided
        return amount

    def _extra_amount(self, extra: Sequence[Segment]) -> Decimal:
        stated = _moa(extra, "8", "23", "204", "131")
        if stated is None:
            raise self._broken(extra[0], "MOA", "", "an allowance or charge needs an amount")
        amount = self._number(stated, 1, 2)
        return -abs(amount) if extra[0].get(1) == "A" else amount

    def _check_count(self) -> None:
        for segment in self._summary:
            stated = segment.get(1, 2)
            if segment.tag != "CNT" or segment.get(1) != "2" or not stated.isdecimal():
                continue
            if int(stated) != len(self._lines):
                reason = f"states {stated} lines, the message has {len(self._lines)}"
                raise self._broken(segment, "CNT", stated, reason)

    def _check_total(self, total: Decimal) -> None:
        stated = _moa(self._summary, "79")
        if stated and abs(self._number(stated, 1, 2)) != abs(total):
            raise self._broken(stated, "MOA 79", stated.get(1, 2), f"the lines add up to {plain(total)}")

    def _number(self, segment: Segment, element: int, component: int) -> Decimal:
        text = segment.get(element, component)
        try:
            return number(text, self._message.separators)
        except InvalidValue as refused:
            raise self._broken(segment, segment.tag, text, refused.reason) from None

    def _broken(self, segment: Segment, field: str, value: str, reason: str) -> BrokenDocument:
        return BrokenDocument(field, value, reason, self._message.at(segment))


def _moa(segments: Sequence[Segment], *codes: str) -> Segment | None:
    """Return the first monetary amount of one of these kinds, in the order of the kinds."""
    for code in codes:
        for segment in segments:
            if segment.tag == "MOA" and segment.get(1) == code:
                return segment
    return None


def _first(scopes: Sequence[Sequence[Segment]], *references: tuple[str, str, int, int]) -> str:
    return next((value for one in references if (value := find_element(ElementReference(*one), scopes))), "")


def _date(message: EdifactMessage, scopes: Sequence[Sequence[Segment]], *codes: str) -> str:
    """Return the date of the first of these kinds that is present, in ISO 8601."""
    for code in codes:
        for scope in scopes:
            for segment in scope:
                if segment.tag == "DTM" and segment.get(1) == code and segment.get(1, 2):
                    return _iso(message, segment)
    return ""


def _iso(message: EdifactMessage, segment: Segment) -> str:
    text, form = segment.get(1, 2).strip(), segment.get(1, 3)
    digits = text[: _GROUPED.get(form, 0)]
    if form == "101" and len(text) == 6 and text.isdecimal():
        digits = f"20{text}"
    if len(digits) != 8 or not digits.isascii() or not digits.isdecimal():
        reason = f'a date in format "{form}" cannot be read; supported are 101, 102, 203, 204, 303, 304'
        raise BrokenDocument("DTM", text, reason, message.at(segment))
    return f"{digits[:4]}-{digits[4:6]}-{digits[6:]}"


def _despatch(message: EdifactMessage) -> Iterator[DocumentOutcome]:
    """Yield the delivery of a DESADV, if it has a delivery date (DTM 35)."""
    scopes = [message.segments]
    date = _date(message, scopes, DELIVERED)
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
            "date": _date(message, [group], "334", "78", DELIVERED, "137") or _date(message, [about], "334", DELIVERED),
            "shipment": _first([about], ("CNI", "", 2, 1)) or _first(scopes, ("RFF", "CU", 1, 2), ("RFF", "BN", 1, 2)),
        }
        yield FoundRecord(_addressed(message, values, scopes), (*scopes, message.envelope), place)
    if not statuses:
        yield SkippedDocument("it has no status (STS)", message.place)


def _addressed(message: EdifactMessage, values: dict[str, str], scopes: Sequence[Sequence[Segment]]) -> dict[str, str]:
    """Add the document that the event is about: the invoice if it is named, else the order, else the shipment."""
    invoice, order = _first(scopes, ("RFF", "IV", 1, 2)), _first(scopes, ("RFF", "ON", 1, 2))
    document = invoice or order or values["shipment"]
    return {"message": message.kind, **values, "invoice": invoice, "order": order, "document": document}
