"""Exchange differences: what stays on a deferred account in base currency after foreign revenue was earned and billed.

Revenue that is earned before it is billed debits the deferred account at the rate of that day, and the invoice credits
it at its own rate. In the currency of the transaction the two cancel out; in base currency the difference stays.
A line that is billed by one invoice has one rate of billing. A contract line has several bills, and
:func:`settled_differences` pairs them with what was earned.

Source: ASC 830-20-35-1 and 35-2, differences of a monetary item are a transaction gain or loss; 830-10-45-18, deferred
revenue itself is not remeasured (IAS 21.28; IFRIC 22).
"""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple

from revrec.core.errors import BadInput
from revrec.core.money import minor_digits
from revrec.core.standalone import rounded


class Rate(NamedTuple):
    """An exchange rate from a day on, until a later one: units of ``base`` for one unit of ``currency``."""

    currency: str
    base: str
    day: date
    rate: Decimal


class Rates:
    """Exchange rates by currency, base currency and day; ``source`` names where they come from."""

    def __init__(self, rates: Iterable[Rate], source: str) -> None:
        self.source = source
        self._found: dict[tuple[str, str], list[tuple[date, Decimal]]] = {}
        for one in sorted(rates, key=lambda one: one.day):
            self._found.setdefault((one.currency, one.base), []).append((one.day, one.rate))

    def on(self, currency: str, base: str, day: date) -> Decimal:
        """Return the rate in force on a day.

        Raises:
            BadInput: there is none on this day or before it.
        """
        known = self._found.get((currency, base), [])
        at = bisect_right(known, day, key=lambda one: one[0])
        if not at:
            raise BadInput(f"{self.source}: no rate of {currency} in {base} on {day} or before it; add one")
        return known[at - 1][1]

    def in_base(self, amount: int, currency: str, base: str, day: date) -> int:
        """Return an amount (minor units) at the rate of a day in minor units of the base currency, half away from 0."""
        rate = Fraction(self.on(currency, base, day))
        return rounded(amount * rate * 10 ** minor_digits(base) / 10 ** minor_digits(currency))


class ExchangeDifference(NamedTuple):
    """What was earned of a charge line at another rate than it was billed at.

    ``amount`` is in minor units of the transaction's currency; ``at_entries`` and ``at_billing`` are its worth in base
    currency at the rates of the entries and of the invoice.
    """

    amount: int = 0
    at_entries: int = 0
    at_billing: int = 0

    @property
    def difference(self) -> int:
        """Return what stays on the deferred account: above zero a credit, which is a gain."""
        return self.at_billing - self.at_entries

    def plus(self, other: "ExchangeDifference") -> "ExchangeDifference":
        """Return the sum of two differences of one base currency."""
        return ExchangeDifference(*(mine + its for mine, its in zip(self, other, strict=True)))


class Movement(NamedTuple):
    """What was earned, or else billed, of a contract line on one day, on its deferred account.

    ``rated`` is the day whose rate converted ``amount`` (minor units of the transaction's currency) to ``base`` (minor
    units of the base currency). Both are below zero for revenue that was taken back, and for a credit memo.
    """

    day: date
    rated: date
    account: str
    is_earned: bool
    amount: int
    base: int


@dataclass
class _Open:
    """A movement, and how much of its amount is paired with others."""

    movement: Movement
    paired: int = 0

    @property
    def credit(self) -> int:
        """Return what is not paired: above zero a credit of the deferred account."""
        rest = self.movement.amount - self.paired
        return -rest if self.movement.is_earned else rest

    def take(self, size: int) -> ExchangeDifference:
        """Pair ``size`` more, and return it; the shares in base currency of a movement add up to it."""
        amount = size if self.movement.amount > 0 else -size
        before, self.paired = self._base(), self.paired + amount
        base = self._base() - before
        return ExchangeDifference(amount, base, 0) if self.movement.is_earned else ExchangeDifference(0, 0, base)

    def _base(self) -> int:
        return rounded(Fraction(self.movement.base * self.paired, self.movement.amount))


def settled_differences(movements: Iterable[Movement]) -> dict[str, ExchangeDifference]:
    """Return what the amounts of a contract line that settle each other leave, by deferred account.

    A bill clears the earliest amount that was earned and not billed, and revenue clears the earliest amount that was
    billed and not earned. A credit memo or revenue that is taken back undoes its own kind first: the amount with
    the same day of the rate, or else the latest. What settles nothing yet stays at its rate (ASC 830-10-45-18).
    """
    found: defaultdict[str, ExchangeDifference] = defaultdict(ExchangeDifference)
    waiting: list[_Open] = []
    for movement in sorted(movements, key=lambda one: (one.day, not one.is_earned)):
        now = _Open(movement)
        while now.credit and waiting and (waiting[0].credit > 0) != (now.credit > 0):
            other = _settled_by(movement, waiting)
            size = min(abs(now.credit), abs(other.credit))
            account = movement.account if movement.is_earned else other.movement.account
            found[account] = found[account].plus(now.take(size)).plus(other.take(size))
            waiting = [one for one in waiting if one.credit]
        if now.credit:
            waiting.append(now)
    return dict(found)


def _settled_by(movement: Movement, waiting: list[_Open]) -> _Open:
    """Return the open amount that a movement settles first."""
    own = [one for one in waiting if one.movement.is_earned == movement.is_earned]
    if movement.amount > 0 or not own:
        return waiting[0]
    return next((one for one in own if one.movement.rated == movement.rated), own[-1])
