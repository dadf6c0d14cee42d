"""Exchange differences: what stays on a deferred account in base currency after foreign revenue was earned and billed.

Revenue that is earned before it is billed debits the deferred account at the rate of that day, and the invoice credits
it at its own rate. In the currency of the transaction the two cancel out; in base currency the difference stays.

Source: ASC 830-20-35-1 and 35-2, differences of a monetary item are a transaction gain or loss; 830-10-45-18, deferred
revenue itself is not remeasured (IAS 21.28; IFRIC 22).
"""

from bisect import bisect_right
from collections.abc import Iterable
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
