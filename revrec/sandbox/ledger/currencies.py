"""Transaction currencies and their rates to the company's base currency."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from typing import NamedTuple

from revrec.sandbox.company.profile import BASE_CURRENCY, RATE_TYPE, RATES
from revrec.sandbox.company.switches import Switches
from revrec.sandbox.errors import Refusal, business
from revrec.sandbox.fields import illegal, missing
from revrec.sandbox.money import decimals, parse_decimal


class Rate(NamedTuple):
    """Base currency for one unit, and the rate type it was found by (None: it was given)."""

    value: Decimal
    kind: str | None


class RateNames(NamedTuple):
    """What the rate and its type are called where they are asked for, and in which element."""

    rate: str
    kind: str
    subject: str


def checked_currency(code: str, switches: Switches) -> str:
    """The currency code, if this company takes it. Raises Refusal."""
    if code not in RATES:
        raise Refusal(business(f"Currency '{code}' specified is not valid.", errorid="SIM-INVALID-CURRENCY"))
    if code != BASE_CURRENCY and not switches.multi_currency:
        text = "Enable foreign-currency transactions, and try again"
        raise Refusal(business(text, errorid="SIM-SINGLE-CURRENCY"))
    return code


def rate_of(currency: str, given: str, kind: str | None, names: RateNames, switches: Switches) -> Rate:
    """The rate that was given, or that of its type (None: no type was named). Raises Refusal when neither was."""
    if currency == BASE_CURRENCY:
        return Rate(Decimal(1), None)
    if given:
        return Rate(_given(given, names.rate), None)
    if not kind and not (kind is not None and switches.empty_rate_type):
        raise Refusal(missing(f"{names.kind} or {names.rate}", f"{names.subject} with currency {currency}"))
    if kind not in ("", RATE_TYPE):
        raise Refusal(business(f"Exchange rate type '{kind}' specified is not valid.", errorid="SIM-RATE-TYPE"))
    return Rate(RATES[currency], RATE_TYPE)


def _given(text: str, name: str) -> Decimal:
    rate = parse_decimal(text)
    if rate is None or rate <= 0:
        raise Refusal(illegal(name, text, "a number above zero"))
    return rate.quantize(Decimal("0.0001"), ROUND_HALF_UP) if decimals(rate) > 4 else rate
