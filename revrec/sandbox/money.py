"""Amounts: decimal text in requests and responses, integer mills (1/1000 of a currency unit) in the store.

One scale for all currencies (JPY 0, USD 2, KWD 3 decimals) keeps sums and filters exact in SQL.
"""

import re
from decimal import ROUND_HALF_UP, Decimal

DECIMALS = {"USD": 2, "EUR": 2, "GBP": 2, "JPY": 0, "KWD": 3}
MILLS = 1000
_NUMBER = re.compile(r"[+-]?(\d{1,12})(\.\d*)?|[+-]?\.\d+", re.ASCII)


def parse_decimal(text: str) -> Decimal | None:
    """Parse a plain decimal with at most 12 digits before the point; return None for any other text."""
    return Decimal(text) if _NUMBER.fullmatch(text) else None


def decimals(amount: Decimal) -> int:
    """Count the significant decimal places: 1.50 has one, 1.500 has one, 2 has none."""
    exponent = amount.normalize().as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0


def to_mills(amount: Decimal, currency: str) -> int:
    """Round ``amount`` half up to the decimals of the currency and return it in mills."""
    places = Decimal(1).scaleb(-DECIMALS.get(currency, 2))
    return int(amount.quantize(places, ROUND_HALF_UP) * MILLS)


def format_mills(mills: int, currency: str) -> str:
    """Format mills with the decimals of the currency: 1250000 mills of USD become "1250.00"."""
    return f"{Decimal(mills) / MILLS:.{DECIMALS.get(currency, 2)}f}"


def format_filter_mills(text: str) -> int | None:
    """Convert a number in a filter to mills; return None when it is not a number."""
    amount = parse_decimal(text)
    return None if amount is None else int(amount * MILLS)
