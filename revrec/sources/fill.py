"""Fill in values before a row is read: aliases, values from lookup tables, defaults, and fixes by people."""

from collections.abc import Callable
from decimal import Decimal, localcontext
from typing import NamedTuple, Protocol

from revrec.core.money import UnknownCurrency, minor_digits
from revrec.sources.amounts import MOST_DIGITS, ParsedNumber
from revrec.sources.lookup import MappingTable
from revrec.sources.problems import InvalidValue
from revrec.sources.rows import CleaningStep


class Filler(Protocol):
    """A step that changes one value of a row in place, and returns the change if there was one."""

    def fill(self, values: list[str]) -> CleaningStep | None: ...


class AliasFiller(NamedTuple):
    """An alias: a table has the replacement for what the source wrote. A text that the table lacks stays as it is."""

    field: str
    place: int
    table: MappingTable

    def fill(self, values: list[str]) -> CleaningStep | None:
        """Replace the value with its alias."""
        before = values[self.place]
        found = self.table.find(before) if before else None
        if found is None or found.value == before:
            return None
        values[self.place] = found.value
        return CleaningStep(self.field, before, found.value, "alias", self.table.file, found.row)


class LookupFiller(NamedTuple):
    """Lookup: fills a missing value with what a table has for the value of another field."""

    field: str
    place: int
    by_place: int
    table: MappingTable

    def fill(self, values: list[str]) -> CleaningStep | None:
        """Fill an empty value from the table."""
        before = values[self.place]
        found = None if before.strip() else self.table.find(values[self.by_place])
        if found is None:
            return None
        values[self.place] = found.value
        return CleaningStep(self.field, before, found.value, "lookup", self.table.file, found.row)


class DefaultFiller(NamedTuple):
    """Default: fills a value that is still missing with a fixed one of the mapping."""

    field: str
    place: int
    text: str

    def fill(self, values: list[str]) -> CleaningStep | None:
        """Fill an empty value."""
        before = values[self.place]
        if before.strip():
            return None
        values[self.place] = self.text
        return CleaningStep(self.field, before, self.text, "default")


class FixFiller(NamedTuple):
    """Fix: replaces the source's value with the one that a person entered by ``revrec quarantine fix``."""

    field: str
    place: int
    text: str

    def fill(self, values: list[str]) -> CleaningStep | None:
        """Replace the value."""
        before, values[self.place] = values[self.place], self.text
        return None if before == self.text else CleaningStep(self.field, before, self.text, "fix")


def multiply_exactly(one: Decimal, other: Decimal) -> Decimal:
    """Return the exact product of two numbers of up to :data:`revrec.sources.amounts.MOST_DIGITS` digits each."""
    with localcontext() as context:
        context.prec = 4 * MOST_DIGITS
        return one * other


class AmountFiller(NamedTuple):
    """Amount: computed from a unit price and the quantity, or from minor units and the currency.

    What cannot be computed becomes a text that is no number, so that its row is refused.
    """

    place: int
    by_place: int
    is_unit_price: bool
    read: Callable[[str], ParsedNumber]
    point: str

    def fill(self, values: list[str]) -> CleaningStep | None:
        """Replace the value with the amount of the line."""
        before, by = values[self.place], values[self.by_place].strip()
        if not before.strip():
            return None
        try:
            number = self.read(before)
            factor = self.read(by).decimal if self.is_unit_price else Decimal(1).scaleb(-minor_digits(by))
            whole, _point, fraction = f"{multiply_exactly(number.decimal, factor):f}".partition(".")
            fraction = fraction.rstrip("0")
            product = f"{whole}{self.point}{fraction}" if fraction else whole
            values[self.place] = f"{product} {number.beside}".strip()
        except (InvalidValue, UnknownCurrency):
            values[self.place] = f"{before} x {by or '?'}"
        return CleaningStep("amount", before, values[self.place], "unit price" if self.is_unit_price else "minor units")
