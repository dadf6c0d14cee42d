"""Standalone selling prices: the price of an item sold by itself, from a row of a price list.

A row states it in one of these ways:

``price``, ``low`` and ``high``: it is observable; a stated contract price within the range is used as it is.

``market`` and ``adjustment`` (percent): the market's price, adjusted.

``cost`` and ``margin`` (percent): the expected cost plus a margin.

``option`` and ``likelihood`` (percent): an option that is a material right: the discount it gives, times the
likelihood that it is used.

``residual`` (yes): what the other items leave of the contract's price. ``low`` and ``high`` are its plausible range.

Source: ASC 606-10-32-32 to 32-34 (IFRS 15.77 to 79); 55-44 (IFRS 15.B42), options.
"""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple

from revrec.core.charge_line import ChargeLine
from revrec.core.keys import RejectedValue
from revrec.core.money import decimal_string, minor_digits
from revrec.core.numbers import number

WAYS = {
    "price": ("price", "low", "high"),
    "market": ("market", "adjustment"),
    "cost": ("cost", "margin"),
    "option": ("option", "likelihood"),
    "residual": ("residual",),
}
"""The ways to state a price, by their first column, with all columns of each."""

RANGE = ("low", "high")
"""The columns of a range: of observable prices, or of a plausible residual."""

COLUMNS = tuple(column for columns in WAYS.values() for column in columns)
NEEDED = {"cost": "margin", "option": "likelihood", "low": "high", "high": "low"}
"""Columns that have no meaning without another one."""

YES = ("yes", "true", "1")


class StandalonePrice(NamedTuple):
    """A line's standalone selling price in exact minor units, with an explanation.

    ``amount`` is None if it is the residual of the contract; ``plausible`` is then the range that it should be in.
    """

    amount: Fraction | None
    words: str
    plausible: tuple[Fraction, Fraction] | None = None


def standalone(
    row: Mapping[str, str],
    line: ChargeLine,
    by_line: bool = False,
    residual_range: tuple[Decimal, Decimal] | None = None,
) -> StandalonePrice | None:
    """Return the price of a charge line from the row of its item; None if there is none in its currency.

    Prices are per unit of the line's quantity; with ``by_line``, per line. ``residual_range`` is the plausible range of
    a residual price whose row has none.
    """
    way = _way(row)
    if way is None or row.get("currency", line.currency) not in ("", line.currency):
        return None
    figures = {
        column: Fraction(number(row[column]))
        for column in (RANGE if way == "residual" else WAYS[way])
        if row.get(column)
    }
    units = Fraction(1 if by_line or line.quantity is None else abs(line.quantity))
    minor = units * 10 ** minor_digits(line.currency)
    if way == "residual":
        ends = (figures["low"], figures["high"]) if figures else residual_range
        plausible = (Fraction(ends[0]) * minor, Fraction(ends[1]) * minor) if ends else None
        words = "what is left of the price, the residual approach (ASC 606-10-32-34(c))"
        return StandalonePrice(None, words, plausible)
    if way == "price":
        return _observable(figures, line, minor)
    each, words = _estimated(way, figures)
    return StandalonePrice(each * minor, words)


def price_list_problems(row: Mapping[str, str]) -> Iterator[str]:
    """Yield the problems of a row of a price list."""
    given = [column for column in COLUMNS if row.get(column)]
    for column in given:
        if column == "residual":
            if row[column].lower() not in YES:
                yield f'residual is "{row[column]}": write yes, or leave it empty'
            continue
        try:
            value = number(row[column])
        except RejectedValue:
            yield f'{column} is "{row[column]}": write an amount or a percentage such as 49.90'
            continue
        if value < 0 and column not in ("adjustment", "margin"):
            yield f"{column} is {value}: it cannot be below zero"
    stating = [column for column in given if column not in RANGE or "residual" not in given]
    ways = [way for way, columns in WAYS.items() if any(column in stating for column in columns)]
    if len(ways) > 1:
        yield f"it states a price in {len(ways)} ways ({', '.join(ways)}): leave one"
    for column, needed in NEEDED.items():
        if column in given and needed not in given:
            yield f"{column} needs {needed} beside it"
    for column, needed in (("adjustment", "market"), ("margin", "cost"), ("likelihood", "option")):
        if column in given and needed not in given:
            yield f"{column} needs {needed} beside it"


def _way(row: Mapping[str, str]) -> str | None:
    if row.get("residual"):
        return "residual"
    return next((way for way, columns in WAYS.items() if any(row.get(column) for column in columns)), None)


def _observable(figures: Mapping[str, Fraction], line: ChargeLine, minor: Fraction) -> StandalonePrice:
    """Return the price; for a range the stated price if it is inside, else the row's price, else the nearer end."""
    if "low" not in figures:
        return StandalonePrice(figures["price"] * minor, "its observable price (ASC 606-10-32-32)")
    low, high = figures["low"] * minor, figures["high"] * minor
    stated = Fraction(abs(line.amount))
    span = f"the range of its observable prices, {_shown(low, line)} to {_shown(high, line)}"
    if low <= stated <= high:
        return StandalonePrice(stated, f"its stated price, within {span}")
    nearer = figures["price"] * minor if "price" in figures else low if stated < low else high
    return StandalonePrice(nearer, f"its stated price lies outside {span}")


def _estimated(way: str, figures: Mapping[str, Fraction]) -> tuple[Fraction, str]:
    if way == "market":
        percent = figures.get("adjustment", Fraction(0))
        words = f"the market's price adjusted by {_plain(percent)} percent (ASC 606-10-32-34(a))"
        return figures["market"] * (100 + percent) / 100, words
    if way == "cost":
        words = f"expected cost plus a margin of {_plain(figures['margin'])} percent (ASC 606-10-32-34(b))"
        return figures["cost"] * (100 + figures["margin"]) / 100, words
    words = f"the discount of the option by a likelihood of {_plain(figures['likelihood'])} percent (ASC 606-10-55-44)"
    return figures["option"] * figures["likelihood"] / 100, words


def _shown(minor: Fraction, line: ChargeLine) -> str:
    return decimal_string(rounded(minor), line.currency)


def _plain(value: Fraction) -> str:
    text = f"{Decimal(value.numerator) / Decimal(value.denominator):f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def rounded(value: Fraction) -> int:
    """Round to the nearest whole number, halves away from zero."""
    whole = (2 * abs(value.numerator) + value.denominator) // (2 * value.denominator)
    return whole if value >= 0 else -whole
