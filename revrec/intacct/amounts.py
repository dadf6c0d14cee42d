"""Amounts between minor units and the decimal text that Intacct reads and writes. Never a float."""

from decimal import Decimal, InvalidOperation
from functools import cache


@cache
def digits(currency: str) -> int:
    """Decimal places of a currency by ISO 4217 (USD 2, JPY 0); 2 where the standard names none or no such code."""
    from iso4217 import Currency

    try:
        exponent = Currency(currency).exponent
    except ValueError:
        return 2
    return 2 if exponent is None else int(exponent)


def as_decimal_text(amount: int, currency: str) -> str:
    """Minor units as decimal text with exactly the currency's places: ``125000`` USD is ``1250.00``."""
    places = digits(currency)
    if not places:
        return str(amount)
    whole, part = divmod(abs(amount), 10**places)
    return f"{'-' if amount < 0 else ''}{whole}.{part:0{places}d}"


def as_minor_units(text: str, currency: str) -> int:
    """Decimal text in minor units; empty text is 0. Raises ValueError if it is no amount of this currency."""
    try:
        scaled = Decimal(text.strip() or "0").scaleb(digits(currency))
        minor = int(scaled)
    except (InvalidOperation, OverflowError, ValueError):
        raise ValueError(f"{text!r} is not an amount") from None
    if minor != scaled:
        raise ValueError(f"{text} has more decimal places than {currency} knows")
    return minor
