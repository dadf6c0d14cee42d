"""Significant financing: the interest in a price that is paid long before or after the transfer.

If a customer pays in advance, the contract liability bears interest: it raises the revenue, and is an interest expense
until the transfer. If a customer pays later, the price contains interest: it is no revenue, but interest income until
the payment. The interest is a charge line beside the line that it belongs to, with its own accounts.

Source: ASC 606-10-32-15 to 32-20 (IFRS 15.60 to 65); 32-18, no adjustment for a year or less; 32-19, the rate is not
changed after inception; 32-20, interest is presented apart from revenue. ASC 835-30-35-2: the interest method.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal, localcontext
from fractions import Fraction
from itertools import accumulate, pairwise
from typing import Any, NamedTuple

from revrec.core.anchors import Anchor, Events, anchor
from revrec.core.calendar import NO_OFFSET, Offset, add_months
from revrec.core.charge_line import ChargeLine
from revrec.core.money import decimal_string, minor_digits, split
from revrec.core.part_days import cut
from revrec.core.part_months import months
from revrec.core.pricing import AllocationStep
from revrec.core.recognition import OVER_TIME, AnchorDates, Method
from revrec.core.rules.costs import Cost
from revrec.core.schedule import DaySpan, Plan, Unscheduled
from revrec.core.standalone import rounded

PREPAYMENT, DEFERRAL = "prepayment", "deferral"
"""Who finances whom: the customer pays before the transfer, or after it."""
COMPOUNDS = {"yearly": 12, "half_yearly": 6, "quarterly": 3, "monthly": 1}
"""How often interest is added to the balance, in months."""
EXPEDIENT = "a year or less lies between payment and transfer, so the price has no interest (ASC 606-10-32-18)"
_SCALE = 10**24
_PRECISION = 60


class FinancingTerms(NamedTuple):
    """The terms of ``[rule.financing]``.

    ``rate`` is in percent a year, ``cash_price`` in the line's currency per unit; one of them is None. ``compounds`` is
    the length of an interest period in months. ``term`` is counted from the ``start``; without it, ``end`` is the last
    day. ``equally``: the balance is settled in equal amounts at the end of each period, not at once at the end.
    ``by_month``: a part for each calendar month, not for each period. ``expedient`` leaves out a year or less.
    """

    direction: str
    rate: Decimal | None
    cash_price: Decimal | None
    compounds: int
    term: Offset | None
    end: Anchor
    start: Anchor
    offset: Offset = NO_OFFSET
    equally: bool = False
    by_month: bool = True
    expedient: bool = True

    @property
    def period_rate(self) -> Fraction:
        """Return the rate of one period, as a fraction of the balance."""
        assert self.rate is not None
        return Fraction(self.rate) / 100 * self.compounds / 12

    def after(self, start: date, line: ChargeLine, events: Events) -> date | None:
        """Return the day after the last one that bears interest; None if it is not known."""
        if self.term:
            return self.term.after(start)
        end = self.end.find(line, events)
        return end + timedelta(days=1) if end else None

    def ratio(self, line: ChargeLine) -> Fraction | None:
        """Return all interest of a line in proportion to the amount at the beginning; None if it bears none.

        It follows from the dates that the line states, not from events: the interest is fixed at inception (32-19).
        """
        start, after = self.stated_days(line)
        if after is None or after <= start or self.leaves_out(start, after):
            return None
        if self.rate is not None:
            return sum(interest_of(_periods(start, after, self.compounds), self.period_rate, self.equally), Fraction(0))
        first, last = (self.cash_minor(line), abs(line.amount))[:: 1 if self.direction == DEFERRAL else -1]
        return Fraction(last, first) - 1 if last > first else None

    def stated_days(self, line: ChargeLine) -> tuple[date, date | None]:
        """Return the first day that bears interest and the day after the last, by the dates that the line states."""
        start = self.start.find(line, ()) or line.post_date
        return start, self.after(start, line, ())

    def leaves_out(self, start: date, after: date) -> bool:
        """Check whether the expedient leaves out the interest of these days."""
        return self.expedient and after <= add_months(start, 12)

    def cash_minor(self, line: ChargeLine) -> int:
        """Return the cash price of a line in minor units."""
        assert self.cash_price is not None
        units = Fraction(1 if line.quantity is None else abs(line.quantity))
        return rounded(Fraction(self.cash_price) * units * 10 ** minor_digits(line.currency))


class _Period(NamedTuple):
    """An interest period, both days included; ``share`` is less than 1 for the last one if it is not whole."""

    first: date
    last: date
    share: Fraction


def _periods(begin: date, after: date, length: int) -> list[_Period]:
    """Return the interest periods from a day until before another, counted from the first so that ends do not drift."""
    found: list[_Period] = []
    first = begin
    while first < after:
        following = add_months(begin, length * (len(found) + 1))
        last = min(following, after)
        share = Fraction((last - first).days, (following - first).days)
        found.append(_Period(first, last - timedelta(days=1), share))
        first = following
    return found


def interest_of(periods: Sequence[_Period], rate: Fraction, equally: bool) -> list[Fraction]:
    """Return the interest of each period by the effective interest method, for an amount of 1 at the beginning."""
    balance, found = Fraction(1), []
    settled = rate / (1 - (1 + rate) ** -len(periods)) if equally and rate else Fraction(0)
    for period in periods:
        found.append(balance * rate * period.share)
        balance += found[-1] - settled
    return found


def implicit_rate(periods: Sequence[_Period], ratio: Fraction, equally: bool) -> Fraction:
    """Return the rate of a period at which all interest is ``ratio`` times the amount at the beginning.

    ASC 606-10-32-19 (IFRS 15.64): the rate that discounts the promised amount to the cash price.
    """
    with localcontext() as context:
        context.prec = _PRECISION
        shares = [Decimal(one.share.numerator) / one.share.denominator for one in periods]
        wanted = Decimal(ratio.numerator) / ratio.denominator
        low, high = Decimal(0), Decimal(1)
        while _growth(shares, high, equally) < wanted:
            low, high = high, high * 2
        for _step in range(4 * _PRECISION):
            middle = (low + high) / 2
            low, high = (middle, high) if _growth(shares, middle, equally) < wanted else (low, middle)
        return Fraction(high)


def _growth(shares: Sequence[Decimal], rate: Decimal, equally: bool) -> Decimal:
    """Return all interest at a rate, for an amount of 1 at the beginning."""
    if equally:
        return len(shares) * rate / (1 - (1 + rate) ** -len(shares)) - 1 if rate else Decimal(0)
    balance = Decimal(1)
    for share in shares:
        balance += balance * rate * share
    return balance - 1


class InterestMethod(Method):
    """Interest by the effective interest method: each period bears its rate on the balance at its beginning.

    It is not chosen by a rule: it recognizes the interest of ``[rule.financing]``.

    Source: ASC 606-10-32-15 to 32-20 (IFRS 15.60 to 65); ASC 835-30-35-2, the interest method.
    """

    name = "effective_interest"
    counts_days = True
    transfer = OVER_TIME

    def __init__(self, terms: FinancingTerms) -> None:
        super().__init__({"start": terms.start.name, "offset": terms.offset})
        self.terms = terms

    def anchors(self, line: ChargeLine, events: Events) -> AnchorDates | Unscheduled:
        """Return the start, the day after the end, and all interest in proportion if the rate follows from it."""
        start = self.start.find(line, events)
        if start is None:
            return self.start.missing(line)
        after = self.terms.after(start, line, events)
        if after is None:
            return self.terms.end.missing(line)
        return start, after, self._ratio(line)

    def _ratio(self, line: ChargeLine) -> Fraction | None:
        """Return the ratio that the interest line itself shows; None if the rate of the rule applies as it is."""
        if self.terms.rate is not None:
            return self.terms.ratio(line) if self.terms.offset.number else None
        interest, cash = abs(line.amount), self.terms.cash_minor(line)
        return Fraction(interest, cash if self.terms.direction == DEFERRAL else cash - interest)

    def plan(self, anchors: AnchorDates) -> Plan | Unscheduled:
        """Plan the interest of each month or period."""
        start, after, ratio = anchors
        begin = self.first(start)
        if begin >= after:
            return self.planned(start, ((begin, 1),))
        periods = _periods(begin, after, self.terms.compounds)
        if self.terms.equally and any(period.share != 1 for period in periods):
            return Unscheduled("impossible", "its term is not a whole number of payments: correct term or compounds")
        rate = self.terms.period_rate if ratio is None else implicit_rate(periods, ratio, self.terms.equally)
        interest = interest_of(periods, rate, self.terms.equally)
        shares = [
            (span.last, rounded(amount * share * _SCALE))
            for period, amount in zip(periods, interest, strict=True)
            for span, share in self._slices(period)
        ]
        found = self.planned(start, shares)
        words = f"at {_percent(rate)} percent for each {_length(self.terms.compounds)}, on the balance at its beginning"
        return found._replace(words=f"{found.words}, {words}") if isinstance(found, Plan) else found

    def spans(self, anchors: AnchorDates) -> Sequence[DaySpan]:
        """Return the days that each part bears interest for."""
        start, after, _ratio = anchors
        begin = self.first(start)
        periods = _periods(begin, after, self.terms.compounds) if begin < after else ()
        return [span for period in periods for span, _share in self._slices(period)]

    def _slices(self, period: _Period) -> Iterator[tuple[DaySpan, Fraction]]:
        """Yield the days of each part of a period, with its share of the period's interest: whole months are equal."""
        if not self.terms.by_month:
            yield DaySpan(period.last, period.first, period.last), Fraction(1)
            return
        found = list(months(period.first, period.last))
        whole = sum((one.exact("actual") for one in found), Fraction(0))
        for one in found:
            yield DaySpan(one.last, one.first, one.last), one.exact("actual") / whole

    def explain_amounts(self, total: int, weights: Sequence[int], currency: str) -> list[str]:
        """Explain each amount as the interest accrued by then, less the interest before."""
        amounts = self.amounts(total, weights)
        accrued = list(accumulate(amounts, initial=0))
        return [
            f"part {at} of {len(amounts)}: {decimal_string(after, currency)} of interest by then"
            + (f", less {decimal_string(before, currency)} before it" if before else "")
            for at, (before, after) in enumerate(pairwise(accrued), 1)
        ]

    def dividing_weights(self, weights: Sequence[int]) -> tuple[int, ...] | None:
        """Return None: the weights have more digits than a database can divide by."""
        return None

    def accrued(self, line: ChargeLine, events: Events, day: date) -> int:
        """Return the interest of an interest line by the end of a day, in minor units."""
        anchors = self.anchors(line, events)
        plan = anchors if isinstance(anchors, Unscheduled) else self.plan(anchors)
        if isinstance(anchors, Unscheduled) or isinstance(plan, Unscheduled):
            return 0
        pieces = cut(plan, self.spans(anchors), {day}, "actual")
        fine = pieces.plan if pieces else plan
        amounts = zip(fine.dates, split(line.amount, fine.weights), strict=True)
        return sum(amount for date_, amount in amounts if date_ <= day)

    def ended(self, line: ChargeLine, events: Events) -> Events:
        """Return the events of an interest line: a cancellation ends it with what has accrued by its day."""
        return [
            event._replace(amount=line.amount - self.accrued(line, _until(events, event.date), event.date))
            if event.kind == "cancel"
            else event
            for event in events
        ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Financing(Cost):
    """The interest of ``[rule.financing]``: a charge line beside its own, from ``deferred`` to ``expense``."""

    method: InterestMethod

    @property
    def own_method(self) -> InterestMethod:
        """Return the method that recognizes the interest."""
        return self.method

    @property
    def terms(self) -> FinancingTerms:
        """Return the terms, by which its method recognizes the interest."""
        return self.method.terms

    @property
    def price(self) -> str:
        """Return what it costs, in words: a rate, or the cash price that it follows from."""
        if self.terms.rate is None:
            return f"the rate implicit in a cash price of {self.terms.cash_price}"
        return f"{self.terms.rate} percent a year"

    def line_of(self, line: ChargeLine) -> ChargeLine | None:
        """Return the interest line of a charge line; None if it bears no interest, as a contract line does not."""
        ratio = None if line.is_ordered else self.terms.ratio(line)
        if ratio is None:
            return None
        if self.terms.direction == PREPAYMENT:
            amount = -rounded(line.amount * ratio)
        else:
            amount = line.amount - rounded(line.amount / (1 + ratio))
        return self.beside(line, amount)

    def steps(self, line: ChargeLine, events: Events) -> tuple[AllocationStep, ...]:
        """Return how interest changes the price of a line: from the start, and by the day of a cancellation."""
        interest = self.line_of(line)
        if interest is None:
            return (AllocationStep(None, 0, f"financing: {self._why_none(line)}"),)
        first = AllocationStep(None, -interest.amount, self._words(interest))
        end = next((event.date for event in reversed(events) if event.kind == "cancel"), None)
        if end is None:
            return (first,)
        accrued = self.method.accrued(interest, _until(events, end), end)
        return first, AllocationStep(end, -accrued, "interest ends with the cancellation")

    def _words(self, interest: ChargeLine) -> str:
        amount = decimal_string(abs(interest.amount), interest.currency)
        how = "is part of the price" if self.terms.direction == PREPAYMENT else "is not part of the price"
        rate = f"{self.terms.rate} percent a year" if self.terms.rate is not None else "the implicit rate"
        return f"financing: {amount} {interest.currency} of interest at {rate} {how} (ASC 606-10-32-15)"

    def _why_none(self, line: ChargeLine) -> str:
        start, after = self.terms.stated_days(line)
        if after is None:
            return f"it bears no interest, since its {self.terms.end.name} is not known"
        return EXPEDIENT if self.terms.leaves_out(start, after) else "it bears no interest"


def _until(events: Events, day: date) -> Events:
    return [event for event in events if event.date <= day and event.kind != "cancel"]


def _percent(rate: Fraction) -> str:
    shown = f"{Decimal(rate.numerator) * 100 / rate.denominator:.6f}"
    return shown.rstrip("0").rstrip(".")


def _length(compounds: int) -> str:
    return {12: "year", 6: "half-year", 3: "quarter", 1: "month"}[compounds]


def financing(values: Mapping[str, Any], deferred: str) -> Financing:
    """Return the financing of a rule from the values of its block; ``deferred`` is the account that bears interest."""
    terms = FinancingTerms(
        values["direction"],
        values.get("rate"),
        values.get("cash_price"),
        COMPOUNDS[values["compounds"]],
        values.get("term"),
        anchor(values["end"]),
        anchor(values["start"]),
        values["offset"],
        values["settled"] == "equally",
        values["by"] == "month",
        values["expedient"],
    )
    return Financing(
        values["name"],
        None,
        None,
        "line",
        1,
        values.get("account") or deferred,
        values["interest"],
        method=InterestMethod(terms),
    )
