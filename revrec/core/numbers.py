"""Exact numbers in rule files: amounts and percentages, never floating point."""

from decimal import ROUND_CEILING, Decimal, InvalidOperation
from typing import Any

from revrec.core.keys import RejectedValue, ValueKind
from revrec.core.money import minor_digits

MOST_DIGITS = 18


def number(value: Any) -> Decimal:
    """Return 12, 12.5 or "12.50" as the exact decimal that was written.

    Raises:
        RejectedValue: the value is not a number.
    """
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise RejectedValue()
    try:
        # A float's shortest text is what the file says, up to 15 digits; longer numbers have to be quoted.
        exact = Decimal(str(value).strip())
    except InvalidOperation:
        raise RejectedValue() from None
    sign_digits_exponent = exact.as_tuple()
    if not exact.is_finite() or len(sign_digits_exponent.digits) > MOST_DIGITS or abs(exact.adjusted()) > MOST_DIGITS:
        raise RejectedValue()
    return exact


def positive(value: Any) -> Decimal:
    """Return a number above zero.

    Raises:
        RejectedValue: the value is not such a number.
    """
    exact = number(value)
    if exact <= 0:
        raise RejectedValue("it must be above zero")
    return exact


def percent(value: Any) -> Decimal:
    """Return a number above 0 and at most 100.

    Raises:
        RejectedValue: the value is not such a number.
    """
    exact = positive(value)
    if exact > 100:
        raise RejectedValue("it must be at most 100")
    return exact


NUMBER_SCHEMA = {"type": ["number", "string"]}
PERCENT = ValueKind("a percentage above 0 and at most 100, such as 3", percent, NUMBER_SCHEMA)
POSITIVE = ValueKind('an amount above zero such as "0.05"', positive, NUMBER_SCHEMA)


def in_minor_units(amount: Decimal, currency: str) -> int:
    """Round ``amount`` up to whole minor units: 0.05 USD is 5, 0.05 JPY is 1."""
    return int(amount.scaleb(minor_digits(currency)).to_integral_value(ROUND_CEILING))


def whole_weights(shares: list[Decimal]) -> list[int]:
    """Return decimal shares as whole numbers in the same proportion."""
    digits = max(0, *(-int(share.as_tuple().exponent) for share in shares))
    return [int(share.scaleb(digits)) for share in shares]
