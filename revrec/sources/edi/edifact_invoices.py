"""EDIFACT INVOIC to charge lines, after comparing them with every total that the message states.

Each LIN becomes a charge line, and each allowance and charge (ALC) of the whole invoice. Taxes are not revenue and
become no charge line. The amounts of a credit note are negative, however they are written.
"""

from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from typing import NamedTuple

from revrec.sources.documents import PART, BrokenDocument, DocumentOutcome, FoundRecord, SkippedDocument
from revrec.sources.edi.edifact_invoice import (
    AllowanceReading,
    InvoiceParts,
    StatedAmounts,
    extras_of_line,
    is_settled_elsewhere,
)
from revrec.sources.edi.edifact_message import EdifactMessage, amount_of, first_of
from revrec.sources.edi.segments import Segment, plain, rounded, times

TOTALS = ("79", "125", "131", "176", "77", "86", "128", "39")
"""MOA codes of the summary that are compared: lines, taxable amount, allowances and charges, taxes, invoice totals."""

_DUE, _PREPAID = "9", "113"
"""MOA codes of the amount due, which is compared if it is the only total, and of what was paid before."""

_SIGNED_TOTALS = ("79", "125", "176", "77", "86", "128", "39", "9")
"""Totals that have the sign of the whole message."""

_LEAST_RATE, _HIGHEST_RATE = 3, 27
"""Rates of value-added tax in percent, by which a total may exceed the net amounts if the message states no tax."""


def billed(message: EdifactMessage) -> Iterator[DocumentOutcome]:
    """Yield the charge lines of an INVOIC.

    Raises:
        BrokenDocument: a needed figure is missing, or the figures contradict each other.
    """
    parts = InvoiceParts(message.segments)
    _check_count(message, parts)
    yield from _Invoice(message, parts).records()


def _check_count(message: EdifactMessage, parts: InvoiceParts) -> None:
    for segment in parts.summary:
        stated = segment.get(1, 2)
        if segment.tag == "CNT" and segment.get(1) == "2" and stated.isdecimal() and int(stated) != len(parts.lines):
            raise message.broken(segment, "CNT", stated, f"states {stated} lines, the message has {len(parts.lines)}")


class _Invoice:
    """An INVOIC whose amounts agree with its totals."""

    def __init__(self, message: EdifactMessage, parts: InvoiceParts) -> None:
        self._message = message
        self._parts = parts
        self._confirmed = any(parts.total(code) for code in (*TOTALS, _DUE) if code != "176")
        self._amounts = self._agreed()
        written = self._amounts.net
        self._sign = -1 if parts.is_credit and written > 0 else 1

    def records(self) -> Iterator[DocumentOutcome]:
        """Yield the charge lines of the message."""
        shared = self._shared()
        for at, (line, amount) in enumerate(zip(self._parts.lines, self._amounts.lines, strict=True), 1):
            yield self._made(line, {**shared, **self._line(line, at)}, amount)
        for at, (extra, found) in enumerate(zip(self._parts.extras, self._amounts.extras, strict=True), 1):
            if found is not None:
                yield self._made(extra, {**shared, **_extra_values(extra, at)}, found)

    def _made(self, segments: Sequence[Segment], values: dict[str, str], amount: Decimal) -> DocumentOutcome:
        place = self._message.at(segments[0])
        if not amount:
            return SkippedDocument("its amount is zero", place)
        scopes = (segments, self._parts.head, self._parts.summary, self._message.envelope)
        return FoundRecord({**values, "amount": plain(self._sign * amount)}, scopes, place)

    def _agreed(self) -> StatedAmounts:
        """Return the amounts by the first reading that agrees with every total.

        Raises:
            BrokenDocument: no reading does. The problem is the first reading's, which is the standard's.
        """
        problem: BrokenDocument | None = None
        for reading in self._readings():
            try:
                amounts = StatedAmounts(self._message, self._parts, reading, self._confirmed)
                _Totals(self._message, self._parts, amounts).check()
            except BrokenDocument as broken:
                problem = problem or broken
            else:
                return amounts
        raise problem or AssertionError("there is always a reading")

    def _readings(self) -> Iterator[AllowanceReading]:
        """Yield the ways in which partners write allowances and charges, the standard's way first."""
        yield AllowanceReading()
        if not self._confirmed:
            return
        yield AllowanceReading(signed=True)
        if self._parts.is_credit:
            yield AllowanceReading(reversed=True)
        of_lines = [extra for line in self._parts.lines for extra in extras_of_line(line)]
        if of_lines:
            yield AllowanceReading(beside_lines=True)
        if any(is_settled_elsewhere(extra) for extra in (*of_lines, *self._parts.extras)):
            yield AllowanceReading(settled_elsewhere=True)
        if self._parts.summary_extras and any(self._parts.total(code) for code in TOTALS if code not in ("79", "176")):
            yield AllowanceReading(summary_adds=True)

    def _shared(self) -> dict[str, str]:
        head = [self._parts.head]
        invoice = first_of(head, ("BGM", "", 2, 1))
        return {
            "message": self._message.kind,
            PART: f"invoice {invoice}",
            "document": invoice,
            "invoice": invoice,
            "order": first_of(head, ("RFF", "ON", 1, 2)),
            "date": self._message.date(head, "3", "137"),
            "currency": self._parts.currency,
            "customer": first_of(head, ("NAD", "BY", 2, 1), ("NAD", "IV", 2, 1)),
        }

    def _line(self, line: Sequence[Segment], at: int) -> dict[str, str]:
        scope = [line]
        prices = (("PRI", code, 1, 2) for code in ("AAA", "CAL", "INV", "AAB", "AAF"))
        return {
            "line": line[0].get(1) or str(at),
            "kind": "line",
            "item": first_of(scope, ("PIA", "5", 2, 1), ("PIA", "1", 2, 1)) or line[0].get(3),
            "description": first_of(scope, ("IMD", "", 3, 4), ("IMD", "", 3, 5)),
            "quantity": self._plain(first_of(scope, ("QTY", "47", 1, 2))),
            "unit": first_of(scope, ("QTY", "47", 1, 3)),
            "price": self._plain(first_of(scope, *prices)),
        }

    def _plain(self, text: str) -> str:
        return text.replace(self._message.separators.decimal, ".") if text else ""


def _extra_values(extra: Sequence[Segment], at: int) -> dict[str, str]:
    kind = "allowance" if extra[0].get(1) == "A" else "charge"
    return {
        "line": f"ALC-{at}",
        "kind": kind,
        "item": extra[0].get(5, 1) or extra[0].get(2, 1) or kind,
        "description": extra[0].get(5, 4) or extra[0].get(2, 2),
    }


class _Expected(NamedTuple):
    """The figures that a total may agree with. The first one is shown if it agrees with none of them."""

    values: Sequence[Decimal]
    of: str


class _Totals:
    """The totals of a message, compared with its amounts by one reading. All of them have to agree."""

    def __init__(self, message: EdifactMessage, parts: InvoiceParts, amounts: StatedAmounts) -> None:
        self._message = message
        self._parts = parts
        self._amounts = amounts
        self._written = next((message.number(one, 1, 2) for one in self._signed_totals()), amounts.net)
        """A figure with the sign with which the totals are written."""

    def check(self) -> None:
        """Compare every total that the message states.

        Raises:
            BrokenDocument: a total differs; with both figures.
        """
        net = self._amounts.net
        self._check_signs()
        self._compare("79", lambda: _Expected([sum(self._amounts.lines, Decimal(0))], "the lines add up to"))
        self._compare("125", lambda: _Expected([net], "lines, charges and allowances add up to"))
        self._compare("131", self._allowances_and_charges)
        self._compare("176", lambda: _Expected(self._stated_taxes() or [Decimal(0)], "the taxes add up to"))
        self._check_taxable()
        for code in ("77", "86", "128", "39"):
            self._check_whole(code, net)
        if not any(self._parts.total(code) for code in TOTALS if code != "176"):
            self._check_whole(_DUE, net)

    def _check_signs(self) -> None:
        """Check that the totals of a credit note have one sign, whichever it is: two of them contradict each other."""
        if not self._parts.is_credit:
            return
        totals = self._signed_totals()
        negative = [one for one in totals if self._message.number(one, 1, 2) < 0]
        positive = [one for one in totals if self._message.number(one, 1, 2) > 0]
        if negative and positive:
            stated = self._message.number(positive[0], 1, 2)
            reason = f"is negative, but MOA {positive[0].get(1)} is {plain(stated)}: all totals must have one sign"
            raise self._message.broken(negative[0], f"MOA {negative[0].get(1)}", negative[0].get(1, 2), reason)

    def _signed_totals(self) -> list[Segment]:
        return [found for code in _SIGNED_TOTALS if (found := self._parts.total(code))]

    def _compare(self, code: str, expected: Callable[[], _Expected]) -> None:
        segment = self._parts.total(code)
        if segment is None:
            return
        if code == "176" and not self._stated_taxes():
            return
        found = expected()
        if self._stated(segment) not in found.values:
            raise self._differs(segment, found.values[0], found.of)

    def _stated(self, segment: Segment) -> Decimal:
        """Return a total as it is written; of a credit note with the sign that its lines are written with.

        The totals of a credit note may be written with the other sign than its lines, but then all of them.
        """
        stated = self._message.number(segment, 1, 2)
        return -stated if self._parts.is_credit and self._amounts.net * self._written < 0 else stated

    def _differs(self, segment: Segment, found: Decimal, of: str) -> BrokenDocument:
        stated = self._stated(segment)
        reason = f"the total is {plain(stated)}, {of} {plain(found)}; the difference is {plain(stated - found)}"
        return self._message.broken(segment, f"MOA {segment.get(1)}", segment.get(1, 2), reason)

    def _allowances_and_charges(self) -> _Expected:
        """Return the ones of the whole invoice, or with the lines' own. Allowances alone may be written positive."""
        own, in_lines = self._amounts.extra, self._amounts.extras_in_lines()
        values = [own, own + in_lines]
        indicators = {one[0].get(1) for one in self._parts.extras}
        if indicators <= {"A"}:
            values += [-one for one in values]
        return _Expected(values, "allowances and charges add up to")

    def _stated_taxes(self) -> list[Decimal]:
        """Return what the taxes may be by their own amounts; empty if the message states none."""
        by_rate = [self._stated(one) for group in self._parts.taxes if (one := amount_of(group, "124"))]
        by_charge = self._amounts.tax
        if not by_rate:
            return [by_charge] if by_charge else []
        return [sum(by_rate, Decimal(0)), sum(by_rate, Decimal(0)) + by_charge]

    def _check_taxable(self) -> None:
        """Compare the taxable amounts of all tax rates with the net amount, if each tax group states its own."""
        bases = [amount_of(group, "125") for group in self._parts.taxes]
        stated = [one for one in bases if one is not None]
        if not stated or len(stated) != len(bases):
            return
        total = sum((self._stated(one) for one in stated), Decimal(0))
        if total != self._amounts.net:
            reason = f"the taxable amounts are {plain(total)}, lines, charges and allowances add up to "
            reason += f"{plain(self._amounts.net)}; the difference is {plain(total - self._amounts.net)}"
            raise self._message.broken(stated[0], "MOA 125", stated[0].get(1, 2), reason)

    def _check_whole(self, code: str, net: Decimal) -> None:
        """Compare an invoice total, which is net plus tax; 86 and 128 are net in some messages."""
        segment = self._parts.total(code)
        if segment is None:
            return
        stated = self._stated(segment)
        prepaid = self._parts.total(_PREPAID) if code == _DUE else None
        stated += self._stated(prepaid) if prepaid else 0
        total_tax = self._parts.total("176")
        taxes = [self._stated(total_tax)] if total_tax else self._stated_taxes()
        confirmed = not taxes or self._parts.total("79") or self._parts.total("125")
        if code != "77" and confirmed and stated == net:
            return
        if taxes:
            if stated not in [net + one for one in taxes]:
                raise self._differs(segment, net + taxes[0], "with taxes, the amounts add up to")
        elif stated != net and not self._is_net_plus_rate(stated, net):
            raise self._differs(segment, net, "lines, charges and allowances add up to")

    def _is_net_plus_rate(self, stated: Decimal, net: Decimal) -> bool:
        """Return True if the total is the net amount plus the tax at the rates that the message states.

        If it states none, its lines have to confirm their amounts themselves, and the rate is any whole percentage that
        value-added tax can have.
        """
        rates = self._rates()
        if len(rates) > 1:
            return stated in self._with_rates(rates)
        if not rates and not self._amounts.confirm_themselves():
            return False
        whole = [Decimal(one) for one in range(_LEAST_RATE, _HIGHEST_RATE + 1)]
        return any(stated == _with_tax(net, one, self._parts.currency) for one in rates or whole)

    def _with_rates(self, rates: Sequence[Decimal]) -> list[Decimal]:
        """Return the total with each line's tax at its own rate, and all allowances and charges at one of the rates."""
        taxable: dict[Decimal, Decimal] = {}
        for line, amount in zip(self._parts.lines, self._amounts.lines, strict=True):
            own = next((one for one in line if one.tag == "TAX" and one.get(5, 4)), None)
            if own is None:
                return []
            rate = self._message.number(own, 5, 4)
            taxable[rate] = taxable.get(rate, Decimal(0)) + amount
        found = []
        for of_extras in rates:
            bases = {**taxable, of_extras: taxable.get(of_extras, Decimal(0)) + self._amounts.extra}
            found.append(sum((_with_tax(base, rate, self._parts.currency) for rate, base in bases.items()), Decimal(0)))
        return found

    def _rates(self) -> list[Decimal]:
        """Return the tax rates of the message (TAX, 5278), each once."""
        found = {
            self._message.number(segment, 5, 4)
            for segment in self._message.segments
            if segment.tag == "TAX" and segment.get(5, 4)
        }
        return sorted(found)


def _with_tax(net: Decimal, percent: Decimal, currency: str) -> Decimal:
    return net + rounded(times(net, percent).scaleb(-2), currency)
