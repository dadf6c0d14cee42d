"""Fill in values before a row is read: aliases, lookup tables, defaults, formulas, rounding, and fixes by people."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from decimal import ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal, localcontext
from typing import NamedTuple, Protocol

from revrec.core.money import UnknownCurrency, minor_digits
from revrec.sources.amounts import MOST_DIGITS, ParsedNumber, number_text
from revrec.sources.formula import Formula, UnreadableText
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
            factor = self.read(by).decimal if self.is_unit_price else Decimal(1).scaleb(-minor_digits(by.upper()))
            product = number_text(multiply_exactly(number.decimal, factor), self.point)
            values[self.place] = f"{product} {number.beside}".strip()
        except (InvalidValue, UnknownCurrency):
            values[self.place] = f"{before} x {by or '?'}"
        return CleaningStep("amount", before, values[self.place], "unit price" if self.is_unit_price else "minor units")


class FormulaFiller(NamedTuple):
    """Formula: replaces a value with what is computed from others of its row; ``places`` are theirs, by name.

    What cannot be computed becomes an :class:`UnreadableText`, so that its row is refused with the reason.
    """

    field: str
    place: int
    formula: Formula
    places: Mapping[str, int]
    read: Callable[[str], ParsedNumber]
    point: str

    def fill(self, values: list[str]) -> CleaningStep | None:
        """Replace the value with the computed one."""
        before = values[self.place]
        texts = {name: values[place] for name, place in self.places.items()}
        try:
            values[self.place] = self.formula.value(texts, self.read).written(self.point)
        except InvalidValue as refused:
            values[self.place] = UnreadableText.of(self.formula, refused)
        if values[self.place] == before:
            return None
        return CleaningStep(self.field, before, values[self.place], "computed")


class RoundingFiller(NamedTuple):
    """Rounding: an amount with more decimals than its currency has is rounded, since its mapping says so."""

    place: int
    currency_place: int
    signs: Mapping[str, str]
    rounding: str
    read: Callable[[str], ParsedNumber]
    point: str
    rounded_place: int | None = None
    """The place of an amount that was rounded with the rows before it."""

    def fill(self, values: list[str]) -> CleaningStep | None:
        """Round the amount; leave what cannot be read as it is, to be reported where it is read."""
        before, found = values[self.place], self.exact(values)
        if found is None:
            return None
        number, digits = found
        if self.rounded_place is not None:
            if not values[self.rounded_place]:
                return None
            rounded = Decimal(values[self.rounded_place])
        elif len(number.fraction) <= digits:
            return None
        else:
            rounded = rounded_to(
                number.decimal, digits, ROUND_HALF_UP if self.rounding == "half_up" else ROUND_HALF_EVEN
            )
        text = f"{rounded:f}".replace(".", self.point)
        values[self.place] = f"{text} {number.beside}".strip()
        if rounded == number.decimal:
            return None
        return CleaningStep("amount", before, values[self.place], f"rounded {self.rounding.replace('_', ' ')}")

    def exact(self, values: list[str]) -> tuple[ParsedNumber, int] | None:
        """Return the amount and the decimals of its currency; None if one of them cannot be read."""
        try:
            number = self.read(values[self.place])
            currency = values[self.currency_place].strip() or self.signs.get(number.beside, number.beside)
            return number, minor_digits(currency.upper())
        except (InvalidValue, UnknownCurrency):
            return None


def rounded_to(amount: Decimal, digits: int, way: str = ROUND_HALF_UP) -> Decimal:
    """Return an amount with this number of decimals."""
    with localcontext() as context:
        context.prec = 4 * MOST_DIGITS
        return amount.quantize(Decimal(1).scaleb(-digits), way)


SourceDocument = tuple[str, str]
"""A source and a document of it."""

BookedValues = Callable[[Collection[SourceDocument], str], Mapping[SourceDocument, str]]
"""Returns the value of a field in the charge lines of documents; those that have no value or several are left out."""

MOST_DOCUMENTS = 100_000
"""Documents of a file whose values are remembered for later rows."""


class DocumentFiller:
    """A missing value that other charge lines of the document supply: earlier rows of the file, or else the books."""

    def __init__(self, field: str, place: int, document: tuple[int, int], booked: BookedValues | None) -> None:
        self._field = field
        self._place = place
        self._source_place, self._document_place = document
        self._booked = booked
        self._known: dict[SourceDocument, str] = {}
        self._from_books: dict[SourceDocument, str] = {}

    def prepare(self, rows: Iterable[Sequence[str]]) -> None:
        """Ask the books once for the documents of many rows without a value; the answers are used row by row."""
        lacking = {self._document(values) for values in rows if not values[self._place].strip()}
        self._ask({one for one in lacking if one not in self._known and one not in self._from_books})

    def fill(self, values: list[str]) -> CleaningStep | None:
        """Fill an empty value, or remember the value for the document's other rows."""
        before = values[self._place]
        document = self._document(values)
        if before.strip():
            if len(self._known) < MOST_DOCUMENTS:
                self._known.setdefault(document, before)
            return None
        if document not in self._known:
            if document not in self._from_books:
                self._ask({document})
            found = self._from_books.get(document)
            if not found:
                return None
            self._known[document] = found
        values[self._place] = self._known[document]
        return CleaningStep(self._field, before, values[self._place], "from its document")

    def _document(self, values: Sequence[str]) -> SourceDocument:
        return values[self._source_place].strip(), values[self._document_place].strip()

    def _ask(self, documents: Collection[SourceDocument]) -> None:
        """Remember what the books have, also that they have nothing."""
        if not documents or self._booked is None:
            return
        if len(self._from_books) >= MOST_DOCUMENTS:
            self._from_books.clear()
        self._from_books |= dict.fromkeys(documents, "")
        self._from_books |= self._booked(documents, self._field)
