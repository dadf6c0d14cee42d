"""Parse amounts and quantities as sources write them, to exact minor units or Decimal; no value becomes a float."""

import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import NamedTuple

from revrec.core.money import BadAmount, decimal_string, minor_digits, to_minor
from revrec.sources.problems import InvalidValue

MOST_DIGITS = 40
"""Longest run of digits that is parsed. A longer one is rejected before it costs time."""

CURRENCY_SIGNS: Mapping[str, frozenset[str]] = {
    "$": frozenset(["USD", "CAD", "AUD", "NZD", "SGD", "HKD", "MXN", "BRL", "ARS", "CLP", "COP", "TWD"]),
    "US$": frozenset(["USD"]),
    "€": frozenset(["EUR"]),
    "£": frozenset(["GBP", "EGP"]),
    "¥": frozenset(["JPY", "CNY"]),
    "₹": frozenset(["INR"]),
    "₩": frozenset(["KRW"]),
    "₪": frozenset(["ILS"]),
    "₽": frozenset(["RUB"]),
    "₺": frozenset(["TRY"]),
    "zł": frozenset(["PLN"]),
    "kr": frozenset(["SEK", "NOK", "DKK", "ISK"]),
    "Fr": frozenset(["CHF"]),
    "R$": frozenset(["BRL"]),
}
"""Currency signs and the currencies that each may mean. They are checked against the currency column, and never used
to guess it: ``$`` alone could be any of a dozen currencies."""

_BLANKS = " \u00a0\u202f\u2009"
_BESIDE_START = re.compile(r"[^0-9.,()+\-\u2212\s'\u2019_]{1,4}(?:\.(?=\s))?")
_BESIDE_END = re.compile(r"[^0-9.,()+\-\u2212\s'\u2019_]{1,4}\.?$")
_EXPONENT = re.compile(r"[+-]?[0-9.,]+[eE][+-]?[0-9]+")


class NumberStyle(NamedTuple):
    """The notation of numbers. ``declared`` is False if the mapping sets neither decimal nor thousands sign."""

    decimal: str = "."
    thousands: str = ","
    declared: bool = False
    signs: Mapping[str, str] = {}

    def plain(self, digits: int) -> re.Pattern[str]:
        """Return a pattern for ordinary amounts such as ``24.00``, with exactly ``digits`` decimals."""
        fraction = rf"{re.escape(self.decimal)}[0-9]{{{digits}}}" if digits else ""
        return re.compile(rf"-?[0-9]{{1,14}}{fraction}")


class ParsedNumber(NamedTuple):
    """A number in parts: sign, digits before and after the decimal sign, and the currency written next to it."""

    negative: bool
    whole: str
    fraction: str
    beside: str = ""
    grouped: bool = False

    @property
    def decimal(self) -> Decimal:
        """Return its exact value."""
        return Decimal(f"{'-' if self.negative else ''}{self.whole}.{self.fraction}")


def number_text(number: Decimal, point: str) -> str:
    """Return a number as text with this decimal sign, without zeros at the end of its decimals."""
    whole, _point, fraction = f"{number:f}".partition(".")
    fraction = fraction.rstrip("0")
    return f"{whole}{point}{fraction}" if fraction else whole


def number_reader(style: NumberStyle) -> Callable[[str], ParsedNumber]:
    """Return a function that parses a number's text and raises InvalidValue if it is not a plain number."""
    group = f"[{_BLANKS}]" if style.thousands == " " else re.escape(style.thousands)
    grouped = rf"[0-9]{{1,3}}(?P<grouped>(?:{group}[0-9]{{3}}){{1,12}})" if group else "(?P<grouped>(?!))"
    body = re.compile(
        rf"(?P<whole>[0-9]{{1,{MOST_DIGITS}}}|{grouped})?"
        rf"(?:{re.escape(style.decimal)}(?P<fraction>[0-9]{{0,{MOST_DIGITS}}}))?"
    )

    def read(text: str) -> ParsedNumber:
        text = text.strip()
        inner, negative = _sign(text)
        inner, beside = _beside(inner)
        if beside:
            inner, inside = _sign(inner)
            negative = _once(negative, inside)
        found = body.fullmatch(inner)
        # "kr.50" could mean 50 or 0.50, so a decimal point right after letters is rejected.
        if not found or not (found["whole"] or found["fraction"]) or (beside.isalpha() and inner[:1] in ".,"):
            raise _not_a_number(text, style)
        whole = re.sub(r"[^0-9]", "", found["whole"] or "0")
        return ParsedNumber(negative, whole, found["fraction"] or "", beside, bool(found["grouped"]))

    return read


def _sign(text: str) -> tuple[str, bool]:
    """Return the text without its sign, and True if it is negative: ``-12``, ``12-`` or ``(12)``."""
    negative = False
    if text.startswith("(") and text.endswith(")"):
        text, negative = text[1:-1].strip(), True
    if text[:1] in ("-", "\u2212"):
        return text[1:].lstrip(), _once(negative, True)
    if text[-1:] in ("-", "\u2212"):
        return text[:-1].rstrip(), _once(negative, True)
    return text.removeprefix("+"), negative


def _once(first: bool, second: bool) -> bool:
    if first and second:
        raise InvalidValue("is marked as negative twice", "write one minus sign")
    return first or second


def _beside(text: str) -> tuple[str, str]:
    """Split off the currency code or sign written before or after a number."""
    start = _BESIDE_START.match(text)
    if start:
        return text[start.end() :].strip(), start[0].rstrip(".")
    end = _BESIDE_END.search(text)
    if end:
        return text[: end.start()].strip(), end[0].rstrip(".")
    return text, ""


def _not_a_number(text: str, style: NumberStyle) -> InvalidValue:
    if re.sub(r"[^a-z]", "", text.lower()) in {"nan", "inf", "infinity", "snan"}:
        return InvalidValue("is not a finite number", "write a plain decimal number")
    if _EXPONENT.fullmatch(text):
        return InvalidValue("has an exponent", "write it in full, such as 1200.00")
    if not re.search(r"[0-9]", text):
        return InvalidValue("is not a number", f"write it as 1200{style.decimal}00")
    if len(re.sub(r"[^0-9]", "", text)) > MOST_DIGITS:
        return InvalidValue("has too many digits", "check the number")
    other = "," if style.decimal == "." else "."
    if re.search(rf"{re.escape(other)}(?:[0-9]{{1,2}}$|[0-9]{{4,}})", text):
        swapped = text.replace(style.decimal, "").replace(other, style.decimal)
        fix = f'write it as {swapped}, or set decimal = "{other}" in the mapping'
        return InvalidValue(f'"{style.decimal}" is the decimal sign here', fix)
    return InvalidValue("is not a plain number", f"write it as 1234{style.decimal}56")


def minor_units(number: ParsedNumber, currency: str, style: NumberStyle) -> int:
    """Return the number in minor units of ``currency``.

    Raises:
        InvalidValue: the number has more decimals than the currency, is ambiguous or too large, or names another
            currency.
    """
    digits = minor_digits(currency)
    if number.beside:
        _check_beside(number.beside, currency, style)
    if number.grouped and not number.fraction and digits == 3 and not style.declared:
        raise InvalidValue(
            f'"{style.thousands}" could be the decimal sign, {currency} has three decimals',
            "write all decimals, or set decimal and thousands in the mapping",
        )
    if len(number.fraction) > digits:
        raise _too_fine(number, currency, digits)
    try:
        return to_minor(number.decimal, currency)
    except BadAmount:
        raise InvalidValue("is too large for 64-bit minor units", "check the amount and its currency") from None


def _too_fine(number: ParsedNumber, currency: str, digits: int) -> InvalidValue:
    places = f"{digits} decimals" if digits else "no decimals"
    below = int(number.whole + number.fraction[:digits])
    # Rounding here would change what was billed. Show both neighbors, and let the person decide.
    near = (below, below + 1) if number.fraction[digits:].strip("0") else (below,)
    sign = "-" if number.negative else ""
    written = " or ".join(sign + decimal_string(minor, currency) for minor in near)
    return InvalidValue(f"has {len(number.fraction)} decimals, {currency} has {places}", f"write it as {written}")


def currency_beside(number: ParsedNumber, style: NumberStyle) -> str:
    """Return the currency that the amount itself names, by code or by a sign in the mapping's ``signs``; else empty."""
    code = number.beside.upper()
    return style.signs.get(number.beside) or (code if re.fullmatch("[A-Z]{3}", code) else "")


def _check_beside(beside: str, currency: str, style: NumberStyle) -> None:
    declared = style.signs.get(beside)
    if declared == currency or beside.upper() == currency:
        return
    if not declared and currency in CURRENCY_SIGNS.get(beside, ()):
        return
    if not declared and beside not in CURRENCY_SIGNS and not re.fullmatch("[A-Za-z]{3}", beside):
        raise InvalidValue(f'"{beside}" is not a currency code or sign', "write the number alone")
    raise InvalidValue(f'"{beside}" does not agree with the currency {currency}', "correct one of the two")
