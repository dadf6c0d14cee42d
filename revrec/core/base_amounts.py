"""Amounts in base currency: what was billed and recognized, at the rates of the invoice and of the entries.

Deferred revenue keeps the rate at which it was billed. What was recognized at another rate, because it was earned
before it was billed, leaves an exchange difference, which is no deferred revenue.

Source: ASC 830-10-45-18 (deferred revenue is not remeasured); ASC 830-20-35-1 (exchange gains and losses). IAS 21.23
and 28; IFRIC 22.
"""

from typing import NamedTuple


class BaseAmounts(NamedTuple):
    """The amounts of a charge line on one account in minor units of the base ``currency``.

    ``rate`` is the rate at which it was billed, empty for amounts in base currency and for what is not billed.
    ``charged``, ``credited``, ``before`` and ``refund`` are parts, as in ``LineBalance``. ``exchange`` is the exchange
    difference: above zero for a gain.
    """

    currency: str
    rate: str
    billed: int
    charged: int
    recognized: int
    before: int
    refund: int
    exchange: int = 0
    credited: int = 0

    @property
    def balance(self) -> int:
        """Return what is deferred, credits positive: without the exchange difference."""
        return self.billed - self.recognized - self.exchange


class BaseBalance(NamedTuple):
    """The balance sheet amounts of contracts in minor units of the base ``currency``."""

    currency: str
    liability: int = 0
    asset: int = 0
    refund_liability: int = 0
    costs: int = 0
    return_asset: int = 0
    payable: int = 0

    def plus(self, other: "BaseBalance") -> "BaseBalance":
        """Return the sum of two balances of one base currency."""
        sums = (mine + its for mine, its in zip(self[1:], other[1:], strict=True))
        return BaseBalance(self.currency, *sums)
