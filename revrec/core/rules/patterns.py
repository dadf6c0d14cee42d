"""Text conditions: literal values and wildcards, case-sensitive; ``*`` is any text, ``?`` any one character."""

import re
from collections.abc import Callable, Iterable
from functools import cache, partial
from operator import attrgetter

from revrec.core.charge_line import ChargeLine

DIMENSIONS = "dimensions."
LONGEST = 200
"""The longest pattern; comparing two patterns costs the product of their lengths."""


def has_wildcard(pattern: str) -> bool:
    """Check whether the pattern can match more than its own text."""
    return "*" in pattern or "?" in pattern


def could_both_match(one: str, other: str) -> bool:
    """Check whether some text matches both patterns."""

    @cache
    def meet(at: int, to: int) -> bool:
        if at < len(one) and one[at] == "*":
            return meet(at + 1, to) or (to < len(other) and meet(at, to + 1))
        if to < len(other) and other[to] == "*":
            return meet(at, to + 1) or (at < len(one) and meet(at + 1, to))
        if at == len(one) or to == len(other):
            return at == len(one) and to == len(other)
        return (one[at] == other[to] or "?" in (one[at], other[to])) and meet(at + 1, to + 1)

    return meet(0, 0)


def _dimension(name: str, line: ChargeLine) -> str:
    return line.dimensions.get(name, "")


class Patterns:
    """A condition: one field of the charge line matches one of several patterns."""

    __slots__ = ("_literals", "_value", "_wild", "field", "patterns")

    def __init__(self, field: str, patterns: Iterable[str], value: Callable[[ChargeLine], str] | None = None) -> None:
        """Prepare the patterns; ``value`` returns the line's value if it is not the field of that name."""
        self.field = field
        self.patterns = tuple(patterns)
        dimension = partial(_dimension, field.removeprefix(DIMENSIONS)) if field.startswith(DIMENSIONS) else None
        self._value: Callable[[ChargeLine], str] = value or dimension or attrgetter(field)
        self._literals = frozenset(one for one in self.patterns if not has_wildcard(one))
        wild = "|".join(_expression(one) for one in self.patterns if has_wildcard(one))
        self._wild = re.compile(wild, re.DOTALL).fullmatch if wild else None

    def holds(self, line: ChargeLine) -> bool:
        """Check whether the line's value matches."""
        return self.matches(self._value(line))

    def matches(self, value: str) -> bool:
        """Check whether this value matches."""
        return value in self._literals or (self._wild is not None and self._wild(value) is not None)

    def failure(self, line: ChargeLine) -> str:
        """Return why the line does not match."""
        value = self._value(line)
        have = f'{self.field} is "{value}"' if value else f"{self.field} is empty"
        return f"{have}, not {' or '.join(self.patterns)}"

    def could_meet(self, other: "Patterns") -> bool:
        """Check whether some value would match both."""
        if self._wild is None and other._wild is None:
            return not self._literals.isdisjoint(other._literals)
        return any(could_both_match(one, two) for one in self.patterns for two in other.patterns)


def _expression(pattern: str) -> str:
    # Collapse a run of stars into one: each star multiplies the time of the regular expression.
    pieces = re.split(r"(\*+|\?)", pattern)
    words = {"": "", "?": "."}
    return "".join(".*" if piece.startswith("*") else words.get(piece, re.escape(piece)) for piece in pieces)
