"""X12 810 and 857 to charge lines.

Allowances and charges (SAC) of a line are part of its amount. If they are about the whole document, they become
separate charge lines; an allowance has a negative amount. Taxes (TXI, SAC codes of taxes) are not revenue and become no
charge line, but they count when the amounts are compared with the document's total (TDS01). The amounts of a credit
are negative.
"""

from collections.abc import Iterator, Sequence
from decimal import Decimal
from itertools import accumulate, pairwise
from typing import NamedTuple

from revrec.sources.documents import PART, DocumentOutcome, FoundRecord, SkippedDocument
from revrec.sources.edi.segments import Segment, divided, plain, rounded, times
from revrec.sources.edi.x12_transaction import (
    INVOICE_TIME,
    TimeReference,
    TransactionSet,
    first_of,
    iso_date,
    levels_of,
    product_ids,
    time_of,
)

CREDITS = ("CC", "CE", "CG", "CN", "CR", "MC")
"""BIG07 of credits: credit invoices and memos, also consolidated ones and those for commissions and material."""

UNITS_PER_PRICE = {
    **dict.fromkeys(("PN",), 10),
    **dict.fromkeys(("LD", "PD", "RD", "TD", "WD"), 12),
    **dict.fromkeys(("HF", "HP", "LC", "QH", "RC", "TC", "WC"), 100),
    **dict.fromkeys(("LM", "PS", "QS", "RM", "TF", "TM", "TP", "WM"), 1000),
    "TT": 10_000,
    "HT": 100_000,
}
"""IT105 (element 639): the number of units that a price is for. Any other basis is a price for one unit."""

_COUNTED_IN = {12: ("DZ",), 100: ("HU",), 1000: ("TH",)}
"""IT103 of quantities that are already counted in dozens, hundreds and thousands."""

_FREE = ("NC", "NS")
"""IT105: no charge, not separately priced."""

_ELSEWHERE = ("01", "03", "04", "05", "09", "10", "11", "15")
"""SAC12 of allowances and charges that are settled outside this invoice: billed back, paid by check, credited to the
account, paid by the vendor, issued by the vendor or reseller, denied, for information only."""

_AFTER_LINES = ("TDS", "CTT", "CAD", "AMT", "ISS")


class _BilledOrder(NamedTuple):
    """One billed document: its own segments, its lines with their segments, and the levels above it."""

    head: Sequence[Segment]
    lines: Sequence[Sequence[Segment]]
    above: Sequence[Sequence[Segment]]

    @property
    def scopes(self) -> tuple[Sequence[Segment], ...]:
        """The segments that all its lines share, the nearest first."""
        return (self.head, *self.above)

    @property
    def is_credit(self) -> bool:
        """True if its amounts reduce what the customer owes, however they are written."""
        return any(one.tag == "BIG" and one.get(7) in CREDITS for one in self.head)

    @property
    def totals(self) -> list[Segment]:
        """Its totals (TDS): one, if it states it."""
        return [one for one in self.head if one.tag == "TDS"]

    @property
    def total(self) -> Segment | None:
        """Its total (TDS); None if it states none."""
        return next(iter(self.totals), None)


def billed(transaction: TransactionSet) -> Iterator[DocumentOutcome]:
    """Yield the charge lines of an 810 or 857, each document compared with its total.

    Raises:
        BrokenDocument: a needed figure is missing, or the figures contradict each other.
    """
    orders = _orders_of_810 if transaction.kind == "810" else _orders_of_857
    for order in orders(transaction):
        yield from _BilledAmounts(transaction, order).records()


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
    for segment in head:
        stated = segment.get(1)
        if segment.tag == "CTT" and stated.isdecimal() and int(stated) != len(lines):
            raise transaction.broken(segment, 1, f"states {stated} lines, the document has {len(lines)}")
    yield _BilledOrder(head, lines, ())


def _orders_of_857(transaction: TransactionSet) -> Iterator[_BilledOrder]:
    """Yield the orders: each level with a total (TDS) is one, and its lines are the item levels below it."""
    head, levels = levels_of(transaction)
    totaled = [level for level in levels if any(segment.tag == "TDS" for segment in level.segments)]
    for level in levels:
        line = next((one for one in level.segments if one.tag == "IT1"), None)
        if line and not any(order is level or order in level.above for order in totaled):
            raise transaction.broken(line, 1, "its order has no total (TDS)")
    for order in totaled:
        lines = [
            level.segments for level in levels
            if (level is order or order in level.above) and any(one.tag == "IT1" for one in level.segments)
        ]  # fmt: skip
        lines = [_from_line(segments) for segments in lines]
        yield _BilledOrder([one for one in order.segments if one.tag != "IT1"], lines, (*order.scopes[1:], head))


def _from_line(segments: Sequence[Segment]) -> list[Segment]:
    first = next(at for at, one in enumerate(segments) if one.tag == "IT1")
    return [segments[first], *segments[:first], *segments[first + 1 :]]


class _Reading(NamedTuple):
    """One way to read the amounts: the sign of allowances and charges, if those that are settled elsewhere count too,
    if the lines are rounded as a running sum, so that only their total is rounded, and if the allowances and charges of
    the document only repeat the sums of its lines' ones."""

    sign: int = 1
    settled_elsewhere: bool = False
    running: bool = False
    repeated: bool = False


class _BilledAmounts:
    """The amounts of one billed document, compared with its total."""

    def __init__(self, transaction: TransactionSet, order: _BilledOrder) -> None:
        self._transaction = transaction
        self._order = order
        self._currency = first_of(order.scopes, ("CUR", "", 2))
        self._exact = [self._exact_of(line) for line in order.lines]
        self._gross = [self._rounded(one) for one in self._exact]

    def records(self) -> Iterator[DocumentOutcome]:
        """Yield the charge lines of the document, and its allowances and charges.

        Raises:
            BrokenDocument: they do not add up to the document's total.
        """
        lines, extras, sign = self._agreed()
        shared = self._shared()
        for at, (line, amount) in enumerate(zip(self._order.lines, lines, strict=True), 1):
            yield self._made((line,), {**shared, **_line_values(line, at)}, sign * amount)
        for at, (segment, extra) in enumerate(extras, 1):
            if extra is not None:
                yield self._made(((segment,),), {**shared, **_extra_values(segment, at)}, sign * extra)

    def _made(self, own: tuple[Sequence[Segment], ...], values: dict[str, str], amount: Decimal) -> DocumentOutcome:
        place = self._transaction.at(own[0][0])
        if not amount:
            return SkippedDocument("its amount is zero", place)
        scopes = (*own, *self._order.scopes, self._transaction.envelope)
        return FoundRecord({**values, "amount": plain(amount)}, scopes, place)

    def _agreed(self) -> tuple[list[Decimal], list[tuple[Segment, Decimal | None]], int]:
        """Return the amounts by the reading that agrees with the total, and -1 if their signs must be reversed."""
        segment = self._order.total
        readings = list(self._readings())
        if segment is None:
            return self._read(readings[0])
        stated = self._transaction.implied(segment, 1)
        for other in self._order.totals:
            if self._transaction.implied(other, 1) != stated:
                raise self._transaction.broken(other, 1, f"another total (TDS01) of the document is {plain(stated)}")
        if self._order.is_credit:
            stated = -abs(stated)
        for reading in readings:
            lines, extras, sign = self._read(reading)
            net = sign * _net(lines, extras)
            if stated in self._with_taxes(net):
                return lines, extras, sign
        raise self._differs(segment, stated, readings[0])

    def _readings(self) -> Iterator[_Reading]:
        """Yield the ways in which partners write and round amounts, the standard's way first."""
        yield _Reading()
        if self._gross != self._exact:
            yield _Reading(running=True)
        if self._order.is_credit and sum(self._gross) < 0:
            yield _Reading(sign=-1)
        sacs = (one for segments in (self._order.head, *self._order.lines) for one in segments if one.tag == "SAC")
        if any(one.get(12) in _ELSEWHERE for one in sacs):
            yield _Reading(settled_elsewhere=True)
        if any(one.tag == "SAC" for line in self._order.lines for one in line):
            yield _Reading(repeated=True)

    def _read(self, reading: _Reading) -> tuple[list[Decimal], list[tuple[Segment, Decimal | None]], int]:
        """Return the amounts of lines and of the document's own SACs, with None for those that do not count."""
        written = self._running() if reading.running else self._gross
        pairs = zip(self._order.lines, written, strict=True)
        lines = [gross + sum(self._counted(line, gross, reading), Decimal(0)) for line, gross in pairs]
        base, so_far = sum(lines, Decimal(0)), Decimal(0)
        extras: list[tuple[Segment, Decimal | None]] = []
        for segment in self._order.head:
            if segment.tag == "SAC":
                amount = self._extra(segment, base + (so_far if segment.get(6) == "7" else 0), reading)
                if reading.repeated and self._is_repeated(segment):
                    amount = None
                extras.append((segment, amount))
                so_far += amount or 0
        credit = self._order.is_credit and _net(lines, extras) > 0
        return lines, extras, -1 if credit else 1

    def _is_repeated(self, extra: Segment) -> bool:
        """Return True if SACs of this kind add up to the same amount in the lines and in the document."""
        kind = (extra.get(1), extra.get(2), extra.get(4))

        def stated(segments: Sequence[Segment]) -> list[Decimal]:
            same = [one for one in segments if one.tag == "SAC" and (one.get(1), one.get(2), one.get(4)) == kind]
            return [self._transaction.implied(one, 5) for one in same if one.get(5)]

        of_lines = [amount for line in self._order.lines for amount in stated(line)]
        return bool(of_lines) and sum(of_lines) == sum(stated(self._order.head))

    def _counted(self, line: Sequence[Segment], base: Decimal, reading: _Reading) -> Iterator[Decimal]:
        for segment in line:
            if segment.tag == "SAC":
                yield self._extra(segment, base, reading) or Decimal(0)

    def _extra(self, segment: Segment, base: Decimal, reading: _Reading) -> Decimal | None:
        """Return the amount of a SAC, negative for an allowance; None if it is a tax or does not count."""
        if _is_tax(segment) or segment.get(1) not in ("A", "C"):
            return None
        if segment.get(12) in _ELSEWHERE and not reading.settled_elsewhere:
            return None
        return reading.sign * self._allowance_or_charge(segment, base)

    def _allowance_or_charge(self, segment: Segment, base: Decimal) -> Decimal:
        """Return SAC05, or what its percentage (SAC07) or its rate and quantity (SAC08, SAC10) come to."""
        if segment.get(5):
            amount = self._transaction.implied(segment, 5)
        elif self._order.total is None:
            reason = "an allowance or charge needs an amount, since no total (TDS) confirms its percentage or rate"
            raise self._transaction.broken(segment, 5, reason)
        elif segment.get(7):
            amount = self._rounded(times(base, self._transaction.number(segment, 7)).scaleb(-2))
        elif segment.get(8) and segment.get(10):
            numbers = self._transaction.number(segment, 8), self._transaction.number(segment, 10)
            amount = self._rounded(times(*numbers))
        else:
            raise self._transaction.broken(segment, 5, "an allowance or charge needs an amount")
        return -amount if segment.get(1) == "A" else amount

    def _exact_of(self, line: Sequence[Segment]) -> Decimal:
        """Return the line's stated total (PAM), or else quantity times price by the basis of the price."""
        stated = next((one for one in line if one.tag == "PAM" and one.get(4) == "1" and one.get(5)), None)
        if stated:
            return self._transaction.number(stated, 5)
        item = line[0]
        if item.get(5) in _FREE and not item.get(4):
            return Decimal(0)
        amount = times(self._transaction.number(item, 2), self._transaction.number(item, 4))
        units = UNITS_PER_PRICE.get(item.get(5), 1)
        if item.get(3) in _COUNTED_IN.get(units, ()):
            units = 1
        return divided(amount, units)

    def _running(self) -> list[Decimal]:
        """Return the lines' amounts as the steps of their rounded running sum, which add up to its end."""
        ends = [self._rounded(one) for one in accumulate(self._exact)]
        return [end - before for before, end in pairwise([Decimal(0), *ends])]

    def _rounded(self, amount: Decimal) -> Decimal:
        """Return the amount rounded half up, as invoices are, if a stated total confirms it; else unchanged."""
        return rounded(amount, self._currency) if self._order.total else amount

    def _with_taxes(self, net: Decimal) -> set[Decimal]:
        """Return what the total can be: net, or with the taxes of the lines, of the document, or of both.

        The taxes of the document are often the sum of its lines' taxes.
        """
        of_lines = sum((self._taxes(line, gross) for line, gross in zip(self._order.lines, self._gross, strict=True)),
                       Decimal(0))  # fmt: skip
        of_document = self._taxes(self._order.head, net)
        taxes = (Decimal(0), of_lines, of_document, of_lines + of_document)
        return {net + (-abs(one) if self._order.is_credit else one) for one in taxes}

    def _taxes(self, segments: Sequence[Segment], base: Decimal) -> Decimal:
        found = Decimal(0)
        for segment in segments:
            if segment.tag == "TXI":
                found += self._tax(segment, base)
            elif segment.tag == "SAC" and _is_tax(segment) and segment.get(1) in ("A", "C"):
                found += self._allowance_or_charge(segment, base)
        return found

    def _tax(self, segment: Segment, base: Decimal) -> Decimal:
        """Return the tax of a TXI: its amount, or else its percentage of the amount."""
        relation = segment.get(7)
        if relation == "I":
            raise self._transaction.broken(segment, 7, "the prices include tax, which is not revenue", _NET_PRICES)
        if relation == "O" or not (segment.get(2) or segment.get(3)):
            return Decimal(0)
        if segment.get(2):
            amount = self._transaction.number(segment, 2)
            self._check_sign(segment, amount)
        else:
            base = self._transaction.number(segment, 8) if segment.get(8) else base
            amount = rounded(times(base, self._transaction.number(segment, 3)).scaleb(-2), self._currency)
        return -amount if relation in ("D", "S") else amount

    def _check_sign(self, tax: Segment, amount: Decimal) -> None:
        """Check that a tax of a credit has the sign with which its lines or its total are written."""
        if self._order.is_credit and self._order.total:
            written = (sum(self._gross, Decimal(0)), self._transaction.implied(self._order.total, 1))
            if amount and all(one * amount < 0 for one in written):
                reason = "has another sign than the lines and the total of the credit"
                raise self._transaction.broken(tax, 2, reason)

    def _differs(self, segment: Segment, stated: Decimal, reading: _Reading) -> Exception:
        lines, extras, sign = self._read(reading)
        net = sign * _net(lines, extras)
        others = sorted(self._with_taxes(net) - {net})
        taxed = f" ({', '.join(plain(one) for one in others)} with taxes)" if others else ""
        reason = (
            f"the total is {plain(stated)}, lines, charges and allowances add up to {plain(net)}{taxed}; "
            f"the difference is {plain(stated - net)}"
        )
        return self._transaction.broken(segment, 1, reason)

    def _shared(self) -> dict[str, str]:
        """Return the values that all lines of the document share."""
        scopes, kind = self._order.scopes, self._transaction.kind
        if kind == "810":
            invoice, date, order = first_of(scopes, ("BIG", "", 2)), first_of(scopes, ("BIG", "", 1)), ("BIG", "", 4)
        else:
            invoice = first_of(scopes, ("N9", "IV", 2), ("N9", "IK", 2), ("REF", "IV", 2), ("BHT", "", 3))
            own_date = time_of(self._transaction, (self._order.head,), INVOICE_TIME)
            date = own_date or time_of(self._transaction, scopes, INVOICE_TIME, TimeReference("BHT", "", 4, 5, 0))
            order = ("PRF", "", 1)
        return {
            "set": kind,
            # An invoice can come in several notices (857), each with its own lines.
            PART: f"invoice {invoice}" if kind == "810" else f"notice {first_of(scopes, ('BHT', '', 3))}",
            "document": invoice,
            "invoice": invoice,
            "order": first_of(scopes, order),
            "date": iso_date(date),
            "currency": self._currency,
            "customer": first_of(scopes, ("N1", "BY", 4), ("N1", "BT", 4), ("N1", "ST", 4)),
        }


_NET_PRICES = "ask the sender to state prices without tax"


def _net(lines: Sequence[Decimal], extras: Sequence[tuple[Segment, Decimal | None]]) -> Decimal:
    return sum(lines, Decimal(0)) + sum((amount or Decimal(0) for _segment, amount in extras), Decimal(0))


def _is_tax(segment: Segment) -> bool:
    """Return True for the codes of taxes (SAC02, element 1300)."""
    return "H650" <= segment.get(2) <= "H850" or segment.get(2) == "D360"


def _line_values(line: Sequence[Segment], at: int) -> dict[str, str]:
    item = line[0]
    return {
        "line": item.get(1) or str(at),
        "kind": "line",
        "item": next(iter(product_ids(item, 6)), ""),
        "description": next((one.get(5) for one in line if one.tag == "PID" and one.get(5)), ""),
        "quantity": item.get(2),
        "unit": item.get(3),
        "price": item.get(4),
    }


def _extra_values(segment: Segment, at: int) -> dict[str, str]:
    """Return the values of an allowance or charge of the whole document."""
    kind = "allowance" if segment.get(1) == "A" else "charge"
    return {
        "line": f"SAC-{at}",
        "kind": kind,
        "item": segment.get(2) or segment.get(4) or kind,
        "description": segment.get(15),
    }
