"""Comparisons in conditions: ``>= 0.01``, ``> 10 and <= 20``, ``>= 2024-01-01``."""

import re
from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal
from functools import partial
from typing import Any, NamedTuple

from revrec.core.charge_line import ChargeLine
from revrec.core.money import decimal_string, minor_digits

_COMPARISON = re.compile(r"\s*(>=|<=|!=|==|=|>|<)?\s*(-?\d+(?:\.\d+)?|\d{4}-\d{2}-\d{2})\s*")
_JOINT = re.compile(r"\s*,\s*|\s+and\s+")


class ValueRange(NamedTuple):
    """A range from ``low`` to ``high``; None is unbounded; ``*_in`` is True if the bound itself is included."""

    low: Any = None
    low_in: bool = True
    high: Any = None
    high_in: bool = True

    def holds(self, value: Any) -> bool:
        """Check whether the value is in the range."""
        above = self.low is None or value > self.low or (self.low_in and value == self.low)
        return above and (self.high is None or value < self.high or (self.high_in and value == self.high))

    def common(self, other: "ValueRange") -> "ValueRange | None":
        """Return the intersection, or None."""
        low, low_in = _tighter((self.low, self.low_in), (other.low, other.low_in), upwards=True)
        high, high_in = _tighter((self.high, self.high_in), (other.high, other.high_in), upwards=False)
        if low is not None and high is not None and (low > high or (low == high and not (low_in and high_in))):
            return None
        return ValueRange(low, low_in, high, high_in)


def _tighter(one: tuple[Any, bool], other: tuple[Any, bool], *, upwards: bool) -> tuple[Any, bool]:
    if one[0] is None or other[0] is None:
        return other if one[0] is None else one
    if one[0] == other[0]:
        return (one[0], one[1] and other[1])
    return one if (one[0] > other[0]) == upwards else other


def read_ranges(text: str, kind: type[Decimal] | type[date]) -> tuple[ValueRange, ...]:
    """Return the ranges that a comparison allows, or several joined by ``and`` or a comma.

    Raises:
        ValueError: the text is not a comparison.
    """
    allowed: list[ValueRange] = [ValueRange()]
    for piece in _JOINT.split(text):
        found = _COMPARISON.fullmatch(piece)
        if not found:
            raise ValueError(piece)
        value = date.fromisoformat(found[2]) if kind is date else _decimal(found[2])
        allowed = [both for one in allowed for two in _ranges(found[1] or "=", value) if (both := one.common(two))]
    return tuple(allowed)


def _decimal(figures: str) -> Decimal:
    if not re.fullmatch(r"-?\d{1,18}(\.\d{1,8})?", figures):
        raise ValueError(figures)
    return Decimal(figures)


def _ranges(sign: str, value: Any) -> tuple[ValueRange, ...]:
    return {
        ">=": (ValueRange(low=value),),
        ">": (ValueRange(low=value, low_in=False),),
        "<=": (ValueRange(high=value),),
        "<": (ValueRange(high=value, high_in=False),),
        "=": (ValueRange(low=value, high=value),),
        "==": (ValueRange(low=value, high=value),),
        "!=": (ValueRange(high=value, high_in=False), ValueRange(low=value, low_in=False)),
    }[sign]


class Comparison:
    """A condition: a figure or date of the charge line is in one of several ranges. Amounts are in currency units."""

    __slots__ = ("_minor", "field", "ranges", "texts")

    def __init__(self, field: str, ranges: Iterable[ValueRange], texts: Sequence[str]) -> None:
        self.field = field
        self.ranges = tuple(ranges)
        self.texts = tuple(texts)
        self._minor: dict[str, tuple[ValueRange, ...]] = {}

    def holds(self, line: ChargeLine) -> bool:
        """Check whether the line's value is in a range; an empty value never is."""
        if self.field == "amount":
            ranges = self._minor.get(line.currency) or self._scaled(line.currency)
            return any(one.holds(line.amount) for one in ranges)
        value = getattr(line, self.field)
        return value is not None and any(one.holds(value) for one in self.ranges)

    def _scaled(self, currency: str) -> tuple[ValueRange, ...]:
        """Return the ranges in minor units, so that comparing an amount needs no Decimal."""
        scale = partial(_scale, 10 ** minor_digits(currency))
        scaled = tuple(one._replace(low=scale(one.low), high=scale(one.high)) for one in self.ranges)
        self._minor[currency] = scaled
        return scaled

    def failure(self, line: ChargeLine) -> str:
        """Return why the line does not match."""
        value = getattr(line, self.field)
        if value is None:
            return f"{self.field} is empty, not {' or '.join(self.texts)}"
        shown = decimal_string(value, line.currency) if self.field == "amount" else value
        return f"{self.field} is {shown}, not {' or '.join(self.texts)}"

    def could_meet(self, other: "Comparison") -> bool:
        """Check whether some value would be in both."""
        return any(one.common(two) for one in self.ranges for two in other.ranges)


def _scale(factor: int, value: Decimal | None) -> Decimal | int | None:
    scaled = None if value is None else value * factor
    return int(scaled) if scaled is not None and scaled == int(scaled) else scaled
