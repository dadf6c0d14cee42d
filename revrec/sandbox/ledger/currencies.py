"""Transaction currencies and their exchange rates to the company's base currency."""

from decimal import ROUND_HALF_UP, Decimal
from typing import NamedTuple

from revrec.sandbox.company.profile import BASE_CURRENCY, RATE_TYPE, RATES
from revrec.sandbox.company.switches import Switches
from revrec.sandbox.errors import FunctionFailure, business_error
from revrec.sandbox.fields import illegal_value, missing_field
from revrec.sandbox.money import decimals, parse_decimal


class ExchangeRate(NamedTuple):
    """Base currency for one unit, and the exchange rate type (None when the request states the rate)."""

    value: Decimal
    kind: str | None


class RateFieldNames(NamedTuple):
    """The element names of rate and rate type in one function, and the element around them, for error texts."""

    rate: str
    kind: str
    subject: str


def check_currency(code: str, switches: Switches) -> str:
    """Return the currency code if this company accepts it.

    Raises:
        FunctionFailure: the code is unknown, or foreign currencies are switched off.
    """
    if code not in RATES:
        raise FunctionFailure(
            business_error(f"Currency '{code}' specified is not valid.", errorid="SIM-INVALID-CURRENCY")
        )
    if code != BASE_CURRENCY and not switches.multi_currency:
        text = "Enable foreign-currency transactions, and try again"
        raise FunctionFailure(business_error(text, errorid="SIM-SINGLE-CURRENCY"))
    return code


def find_rate(
    currency: str,
    stated: str,
    kind: str | None,
    names: RateFieldNames,
    switches: Switches,
    base: str = BASE_CURRENCY,
) -> ExchangeRate:
    """Return the rate to ``base`` in the request, or of the rate type (``kind`` is None when the element is absent).

    Raises:
        FunctionFailure: both are missing for a foreign currency, or one of them is invalid.
    """
    if currency == base:
        return ExchangeRate(Decimal(1), None)
    if stated:
        return ExchangeRate(_stated_rate(stated, names.rate), None)
    if not kind and not (kind is not None and switches.empty_rate_type):
        raise FunctionFailure(
            missing_field(f"{names.kind} or {names.rate}", f"{names.subject} with currency {currency}")
        )
    if kind not in ("", RATE_TYPE):
        raise FunctionFailure(
            business_error(f"Exchange rate type '{kind}' specified is not valid.", errorid="SIM-RATE-TYPE")
        )
    return ExchangeRate(RATES[currency] / RATES[base], RATE_TYPE)


def _stated_rate(text: str, name: str) -> Decimal:
    rate = parse_decimal(text)
    if rate is None or rate <= 0:
        raise FunctionFailure(illegal_value(name, text, "a number above zero"))
    return rate.quantize(Decimal("0.0001"), ROUND_HALF_UP) if decimals(rate) > 4 else rate
