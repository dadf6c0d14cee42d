"""The parts of an INVOIC, and the amounts that they state.

A line's amount is the stated one (MOA 203, or 66), or else quantity times price. Allowances and charges (ALC) of a line
are part of its stated amount, and of a net price (PRI AAA); a gross price (AAB, AAF) is without them. Those in the
summary either repeat what the heading or the lines have, as a total by kind, or they are the only statement of it.
"""

from collections.abc import Sequence
from decimal import Decimal
from typing import NamedTuple

from revrec.sources.edi.edifact_message import EdifactMessage, amount_of, first_of
from revrec.sources.edi.segments import Segment, plain, rounded, times

CREDIT_NOTES = ("81", "83", "261", "262", "264", "265", "296", "308", "381", "396", "420", "458", "502", "503", "532")
"""BGM document names (1001) of credit notes."""

NET_PRICES = ("AAA", "CAL", "INV")
"""PRI (5125) of prices from which the line's amount is calculated, with its allowances and charges."""

GROSS_PRICES = ("AAB", "AAF")
"""PRI of prices without the line's allowances and charges, and without taxes."""

TAX_CODES = ("TX", "TAX", "VAT")
"""ALC special services (7161) that are taxes."""

_ELSEWHERE = ("1", "3", "4", "5")
"""ALC settlements (4471) outside the invoice: billed back, paid by check, credited to the account, paid by vendor."""

_OF_GROUP = ("ALI", "QTY", "RNG", "PCD", "MOA", "RTE", "TAX")
"""Segments that belong to the ALC before them."""

_TOTALS = ("9", "39", "77", "79", "86", "113", "128", "129", "176")
"""MOA codes that are about the whole message wherever they are in its summary."""

_AMOUNTS = ("8", "23", "204", "131")
"""MOA codes of an allowance or charge: its amount, a charge, an allowance, a total."""

Group = list[Segment]


class AllowanceReading(NamedTuple):
    """One way to read allowances and charges.

    ``signed`` and ``reversed`` are about their signs. The stated amounts of lines are without their allowances and
    charges if ``beside_lines``. Some count only in one reading: if they are ``settled_elsewhere``, or if the summary
    repeats a code of the heading or the lines (``summary_adds``).
    """

    signed: bool = False
    reversed: bool = False
    beside_lines: bool = False
    settled_elsewhere: bool = False
    summary_adds: bool = False


class InvoiceParts:
    """An INVOIC in parts: heading, lines, summary with its taxes, and the allowances and charges of each."""

    def __init__(self, segments: Sequence[Segment]) -> None:
        self.head: Group = []
        self.lines: list[Group] = []
        self.summary: Group = []
        self.taxes: list[Group] = []
        """The tax groups (TAX with its amounts) of the summary."""
        self.head_extras: list[Group] = []
        self.summary_extras: list[Group] = []
        into = self.head
        section = "head"
        for segment in segments:
            if segment.tag == "LIN":
                section, into = "lines", []
                self.lines.append(into)
            elif segment.tag in ("UNS", "CNT"):
                section, into = "summary", self.summary
            elif section != "lines":
                into = self._group(segment, section, into)
            into.append(segment)

    def _group(self, segment: Segment, section: str, into: Group) -> Group:
        """Return the group of a segment of the heading or the summary."""
        own, extras = (self.head, self.head_extras) if section == "head" else (self.summary, self.summary_extras)
        if segment.tag == "ALC":
            extras.append([])
            return extras[-1]
        if segment.tag == "TAX" and section == "summary":
            self.taxes.append([])
            return self.taxes[-1]
        if segment.tag == "MOA" and segment.get(1) in _TOTALS and section == "summary":
            return own
        return into if segment.tag in _OF_GROUP else own

    @property
    def is_credit(self) -> bool:
        """True if its amounts reduce what the customer owes, however they are written."""
        return first_of([self.head], ("BGM", "", 1, 1)) in CREDIT_NOTES

    @property
    def currency(self) -> str:
        """The invoice's currency; empty if it names none."""
        return first_of([self.head], ("CUX", "2", 1, 2), ("CUX", "", 1, 2))

    @property
    def extras(self) -> list[Group]:
        """The allowances and charges of heading and summary."""
        return [*self.head_extras, *self.summary_extras]

    def total(self, code: str) -> Segment | None:
        """Return the total of this kind in the invoice's own currency; None if the summary states none."""
        own = [one for one in self.summary if one.get(1, 3) in ("", self.currency)]
        return amount_of(own, code)


def extras_of_line(line: Sequence[Segment]) -> list[Group]:
    """Return the allowances and charges of a line, each with its amounts."""
    found: list[Group] = []
    inside = False
    for segment in line:
        if segment.tag == "ALC":
            found.append([segment])
            inside = True
        elif inside and segment.tag in _OF_GROUP:
            found[-1].append(segment)
        else:
            inside = False
    return found


def is_tax(extra: Group) -> bool:
    """Return True for an ALC that is a tax."""
    return code_of(extra) in TAX_CODES


def is_settled_elsewhere(extra: Group) -> bool:
    """Return True for an ALC that is paid or credited outside the invoice."""
    return extra[0].get(3) in _ELSEWHERE


def code_of(extra: Group) -> str:
    """Return the code by which an allowance or charge is known: its special service, or its number."""
    return extra[0].get(5, 1) or extra[0].get(5, 4) or extra[0].get(2, 1)


class StatedAmounts:
    """The amounts of lines, allowances and charges of one message, by one reading."""

    def __init__(
        self, message: EdifactMessage, parts: InvoiceParts, reading: AllowanceReading, confirmed: bool
    ) -> None:
        self._message = message
        self._parts = parts
        self._reading = reading
        self._confirmed = confirmed
        self.lines = [self._of_line(line) for line in parts.lines]
        self.extras = self._of_extras()
        """The amount of each allowance and charge of heading and summary; None if it is no charge line."""
        self.tax = self._of_tax_extras()

    @property
    def net(self) -> Decimal:
        """The sum of the charge lines."""
        return sum(self.lines, Decimal(0)) + self.extra

    @property
    def extra(self) -> Decimal:
        """The sum of the allowances and charges of the whole invoice."""
        return sum((one or Decimal(0) for one in self.extras), Decimal(0))

    def extras_in_lines(self) -> Decimal:
        """Return what the allowances and charges of the lines add up to."""
        pairs = zip(self._parts.lines, self.lines, strict=True)
        return sum((self._of_line_extras(line, amount) for line, amount in pairs), Decimal(0))

    def confirm_themselves(self) -> bool:
        """Return True if every line states an amount, which is also what its quantity and price come to."""
        pairs = zip(self._parts.lines, self.lines, strict=True)
        return all(
            amount_of(line, "203", "66") and all(_basis(line)) and self._calculated(line) == amount
            for line, amount in pairs
        )

    def _of_line(self, line: Sequence[Segment]) -> Decimal:
        stated = amount_of(line, "203", "66")
        if stated:
            amount = self._message.number(stated, 1, 2)
            return amount + (self._of_line_extras(line, amount) if self._reading.beside_lines else 0)
        return self._calculated(line)

    def _calculated(self, line: Sequence[Segment]) -> Decimal:
        """Return what the line's quantity and price come to, with its allowances and charges.

        Raises:
            BrokenDocument: the line has no quantity, or no price to calculate from.
        """
        quantity, price = _basis(line)
        if quantity is None or price is None:
            missing = "QTY 47" if quantity is None else f"PRI {', '.join((*NET_PRICES, *GROSS_PRICES))}"
            reason = f"the line has no amount (MOA 203 or 66), and no {missing} to calculate it from"
            raise self._message.broken(line[0], missing[:3], "", reason)
        amount = self._priced(quantity, price)
        return amount + (self._of_line_extras(line, amount) if price.get(1) in GROSS_PRICES else 0)

    def _priced(self, quantity: Segment, price: Segment) -> Decimal:
        """Return quantity times price, divided by the number of units that the price is for."""
        amount = times(self._message.number(quantity, 1, 2), self._message.number(price, 1, 2))
        per = self._message.number(price, 1, 5) if price.get(1, 5) else Decimal(1)
        if per <= 0:
            raise self._message.broken(price, "PRI.1.5", price.get(1, 5), "the price basis is not above zero")
        exact = amount / per
        if not self._confirmed and times(exact, per) != amount:
            reason = "quantity times price does not divide evenly by the price basis"
            raise self._message.broken(price, "PRI.1.5", price.get(1, 5), reason)
        return self._rounded(exact)

    def _of_line_extras(self, line: Sequence[Segment], base: Decimal) -> Decimal:
        found = (self._of_extra(one, base) for one in extras_of_line(line) if not is_tax(one))
        return sum((one or Decimal(0) for one in found), Decimal(0))

    def _of_extra(self, extra: Group, base: Decimal) -> Decimal | None:
        """Return the amount of an ALC, negative for an allowance; None if it does not count."""
        kind = extra[0].get(1)
        if kind not in ("A", "C") or (is_settled_elsewhere(extra) and not self._reading.settled_elsewhere):
            return None
        amount = self._amount(extra, base)
        if self._reading.reversed:
            return abs(amount) if kind == "A" else -abs(amount)
        if kind == "C":
            return amount
        return -amount if self._reading.signed else -abs(amount)

    def _amount(self, extra: Group, base: Decimal) -> Decimal:
        """Return the stated amount of an ALC, or what its percentage (PCD) comes to."""
        stated = amount_of(extra, *_AMOUNTS)
        if stated:
            return self._message.number(stated, 1, 2)
        share = next((one for one in extra if one.tag == "PCD" and one.get(1, 2)), None)
        if share is None or not self._confirmed:
            reason = "an allowance or charge needs an amount (MOA 8, 23, 204 or 131)"
            if share:
                reason = f"{reason}, since no total confirms its percentage"
            raise self._message.broken(extra[0], "MOA 8", "", reason)
        of = amount_of(extra, "25")
        base = self._message.number(of, 1, 2) if of else base
        return self._rounded(times(base, self._message.number(share, 1, 2)).scaleb(-2))

    def _of_extras(self) -> list[Decimal | None]:
        base = sum(self.lines, Decimal(0))
        heading = [None if is_tax(one) else self._of_extra(one, base) for one in self._parts.head_extras]
        summary = [None if is_tax(one) else self._of_extra(one, base) for one in self._parts.summary_extras]
        return [*heading, *self._not_repeated(summary, heading)]

    def _not_repeated(self, summary: list[Decimal | None], heading: Sequence[Decimal | None]) -> list[Decimal | None]:
        """Return the summary's amounts, with None for those that only repeat what the heading or the lines have.

        Raises:
            BrokenDocument: a total by kind differs from what it repeats.
        """
        found = list(summary)
        if self._reading.summary_adds:
            return found
        of_head = list(zip(self._parts.head_extras, heading, strict=True))
        pairs = zip(self._parts.lines, self.lines, strict=True)
        of_lines = [(one, self._of_extra(one, amount)) for line, amount in pairs for one in extras_of_line(line)]
        for kind in {_kind(one) for one in self._parts.summary_extras}:
            places = [at for at, one in enumerate(self._parts.summary_extras) if _kind(one) == kind]
            total = sum((summary[at] or Decimal(0) for at in places), Decimal(0))
            above, below = _sum_of_kind(of_head, kind), _sum_of_kind(of_lines, kind)
            known = [one for one in (above, below) if one is not None]
            if not known:
                continue
            if total not in (*known, sum(known, Decimal(0))):
                segment = self._parts.summary_extras[places[0]][0]
                reason = f"the summary states {plain(total)}, heading and lines have {plain(sum(known, Decimal(0)))}"
                raise self._message.broken(segment, "ALC", kind[1] or kind[0], reason)
            for at in places:
                found[at] = None
        return found

    def _of_tax_extras(self) -> Decimal:
        taxes = [one for one in self._parts.extras if is_tax(one)]
        taxes += [one for line in self._parts.lines for one in extras_of_line(line) if is_tax(one)]
        return sum((self._of_extra(one, self.net) or Decimal(0) for one in taxes), Decimal(0))

    def _rounded(self, amount: Decimal) -> Decimal:
        """Return the amount rounded half up, as invoices are, if a stated total confirms it; else unchanged."""
        return rounded(amount, self._parts.currency) if self._confirmed else amount


def _basis(line: Sequence[Segment]) -> tuple[Segment | None, Segment | None]:
    """Return the quantity and the price from which a line's amount can be calculated; None for what is missing."""
    quantity = next((one for one in line if one.tag == "QTY" and one.get(1) == "47"), None)
    prices = [one for one in line if one.tag == "PRI"]
    return quantity, next((one for code in (*NET_PRICES, *GROSS_PRICES) for one in prices if one.get(1) == code), None)


def _kind(extra: Group) -> tuple[str, str]:
    return extra[0].get(1), code_of(extra)


def _sum_of_kind(extras: Sequence[tuple[Group, Decimal | None]], kind: tuple[str, str]) -> Decimal | None:
    """Return the sum of a kind of allowance or charge, of all codes if it has none; None if there is no such."""
    indicator, code = kind
    found = [
        amount for one, amount in extras
        if amount is not None and not is_tax(one) and one[0].get(1) == indicator and code in ("", code_of(one))
    ]  # fmt: skip
    return sum(found, Decimal(0)) if found else None
