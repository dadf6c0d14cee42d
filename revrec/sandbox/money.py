"""Amounts: decimal text on the wire, integer mills (1/1000 of a currency unit) in the store.

One scale for all currencies (JPY 0, USD 2, KWD 3 decimals) keeps sums and filters exact in SQL.
"""

from __future__ import annotations

import re
from decimal import ROUND_HALF_UP, Decimal

DECIMALS = {"USD": 2, "EUR": 2, "GBP": 2, "JPY": 0, "KWD": 3}
MILLS = 1000
_NUMBER = re.compile(r"[+-]?(\d{1,12})(\.\d*)?|[+-]?\.\d+", re.ASCII)


def parse_decimal(text: str) -> Decimal | None:
    """A plain decimal of at most 12 digits before the point; None when `text` is not one."""
    return Decimal(text) if _NUMBER.fullmatch(text) else None


def decimals(amount: Decimal) -> int:
    """Significant decimal places: 1.50 has one, 1.500 has one, 2 has none."""
    exponent = amount.normalize().as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0


def to_mills(amount: Decimal, currency: str) -> int:
    """`amount` rounded half up to the currency's decimals, as mills."""
    places = Decimal(1).scaleb(-DECIMALS.get(currency, 2))
    return int(amount.quantize(places, ROUND_HALF_UP) * MILLS)


def format_mills(mills: int, currency: str) -> str:
    """Decimal text with the currency's decimals: 1250000 mills of USD is "1250.00"."""
    return f"{Decimal(mills) / MILLS:.{DECIMALS.get(currency, 2)}f}"


def format_filter_mills(text: str) -> int | None:
    """A number used in a filter, as mills; None when it is not a number."""
    amount = parse_decimal(text)
    return None if amount is None else int(amount * MILLS)
