"""Adjusting entries that clear exchange differences from deferred accounts.

Source: ASC 830-20-35-1 and 35-2, the difference is a transaction gain or loss of the period in which rates changed.
The amount in the transaction's currency is zero, so that the entries are in base currency alone.
"""

from collections.abc import Mapping
from datetime import date
from typing import NamedTuple

from revrec.core.adjusting import EXCHANGE, AdjustingLine, Adjustment

DifferenceKey = tuple[str, str]
"""The id of a charge line, and a deferred account."""


class ClearedLine(NamedTuple):
    """A charge line on a deferred account, and what the lines of its entries have; ``base`` is the base currency."""

    charge: str
    account: str
    entity: str
    base: str
    customer: str = ""
    item: str = ""
    dimensions: Mapping[str, str] = {}

    @property
    def subject(self) -> str:
        """Return what identifies its adjustment: charge line and account, such as ``shop/INV-1/1 2400``."""
        return f"{self.charge} {self.account}"


def not_posted(
    differences: Mapping[DifferenceKey, int], posted: Mapping[DifferenceKey, int]
) -> dict[DifferenceKey, int]:
    """Return what is not posted of each exchange difference, in minor units of its base currency, without zeros.

    A difference that was posted and is smaller now has an amount of the opposite sign: it is taken back.
    """
    amounts = {key: differences.get(key, 0) - posted.get(key, 0) for key in {**differences, **posted}}
    return {key: amount for key, amount in amounts.items() if amount}


def exchange_adjustment(line: ClearedLine, amount: int, day: date, gain_or_loss: str, journal: str) -> Adjustment:
    """Return the adjustment that clears an amount of a deferred account, in minor units of the base currency.

    Above zero it is a gain: the deferred account is debited, and the account ``gain_or_loss`` credited.
    """
    memo = f"Exchange {'gain' if amount > 0 else 'loss'} of {line.charge}, earned and billed at different rates"
    place = (memo, line.customer, line.item, line.dimensions)
    lines = AdjustingLine(line.account, amount, *place), AdjustingLine(gain_or_loss, -amount, *place)
    return Adjustment(EXCHANGE, line.subject, day, line.entity, line.base, journal, lines, memo)
