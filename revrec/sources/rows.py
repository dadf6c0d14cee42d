"""The results of reading a source: good rows with their charge line or event, bad rows with their problems."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Any, Generic, NamedTuple, TypeAlias, TypeVar

from revrec.core.charge_line import ChargeLine
from revrec.sources.problems import RowProblem

Line = TypeVar("Line")


class EventRow(NamedTuple):
    """A fulfillment event as read from its file.

    ``charge`` is the charge's id (``source/document/line``). ``amount`` is a decimal in the currency of the charge. The
    file does not name that currency, so minor units are computed once the charge is known. ``percent`` is 0 to 100.
    ``scope`` is what a change of the price belongs to: the contract, or the line. ``item`` limits an event of a whole
    document (``source/document/*``) to the lines of that item.
    """

    charge: str
    kind: str
    date: date
    quantity: Decimal | None = None
    percent: Decimal | None = None
    amount: Decimal | None = None
    name: str = ""
    note: str = ""
    scope: str = ""
    item: str = ""


class SentRow(list[str]):
    """The values of a record of a document, such as an order, that its sender sends again whenever it changes.

    ``part`` names the part of the document that states the record, such as one of its invoices: a part is always sent
    whole. ``as_of`` is when the sender last changed it, as the sender wrote it; empty if it is not known.
    """

    __slots__ = ("as_of", "part")

    def __init__(self, values: Iterable[str], part: str, as_of: str) -> None:
        super().__init__(values)
        self.part = part
        self.as_of = as_of


class CleaningStep(NamedTuple):
    """One change of one field's value.

    ``step`` names the kind of change (``trimmed``, ``date``, ``alias``, ``lookup``, ``default``, ...). ``table`` and
    ``row`` name the row of the lookup table that supplied the value, if one did; else they are empty and 0.
    """

    field: str
    before: str
    after: str
    step: str
    table: str = ""
    row: int = 0

    def __str__(self) -> str:
        """Return text such as ``alias of customers.csv, row 4``."""
        return f"{self.step} of {self.table}, row {self.row}" if self.table else self.step


class GoodRow(NamedTuple, Generic[Line]):
    """A row that became ``line``. ``raw`` holds its original values in the header's order.

    ``steps`` are the changes by cleaning. ``row_number`` is the number by which people find the row: the line where it
    starts (CSV, JSON Lines; the header is line 1), or its position from 1 (JSON, XML).
    """

    row_number: int
    line: Line
    raw: Sequence[str]
    steps: Sequence[CleaningStep] = ()


class RowMoney(NamedTuple):
    """The amount of a row that does not become a charge line, in minor units of its currency."""

    amount: int
    currency: str


class ReadableValues(NamedTuple):
    """The values of a row that cannot be used, as far as they can be read; the others are empty, or None.

    ``amount`` is in minor units of ``currency``. ``date`` is the post date, or the date of an event.
    """

    source: str = ""
    document: str = ""
    line: str = ""
    customer: str = ""
    item: str = ""
    entity: str = ""
    date: str = ""
    currency: str = ""
    amount: int | None = None

    @classmethod
    def of(cls, found: Mapping[str, Any]) -> "ReadableValues":
        """Return the values of a charge line or an event by field, as far as they were found."""
        values = {name: found[name] for name in cls._fields if found.get(name) is not None}
        if "charge" in found:
            source, _, rest = found["charge"].partition("/")
            document, _, line = rest.rpartition("/")
            values |= {"source": source, "document": document, "line": line}
        day = found.get("post_date") or found.get("date")
        # Without a currency, the number has no minor units.
        amount = found.get("amount") if found.get("currency") else None
        return cls(**(values | {"date": str(day or ""), "amount": amount}))


NOTHING_READ = ReadableValues()


class BadRow(NamedTuple):
    """A row that cannot be used, with all its problems. ``place`` names it for people (``line 4``, ``item 3``).

    ``raw`` holds its original values, as far as they could be separated, and ``values`` those that can be read.
    ``waits_for`` is the charge line that it needs and that was not imported yet; empty if it has another problem.
    """

    row_number: int
    problems: list[RowProblem]
    place: str
    raw: Sequence[str] = ()
    values: ReadableValues = NOTHING_READ
    waits_for: str = ""

    @property
    def money(self) -> RowMoney | None:
        """The amount of the row; None if it cannot be read."""
        return None if self.values.amount is None else RowMoney(self.values.amount, self.values.currency)

    def report(self, file: str) -> list[str]:
        """Return one line for each problem: file, place, field, value, reason and fix."""
        return [f"{file}: {self.place}: {problem}" for problem in self.problems]


class TakesBack(StrEnum):
    """The charge lines that a record takes back by being passed over, if they were imported before."""

    NOTHING = ""
    LINE = "line"
    """Its own: the row of a void line."""
    DOCUMENT = "document"
    """All of its document: a canceled order."""


class PassedOver(NamedTuple):
    """A record that is passed over on purpose, and why: a trailer, an unpaid order, a shipment still on its way.

    ``money`` are the amounts of its charge lines, as far as they can be read. ``lines`` are its
    charge lines by source, document and line, with their values. ``takes_back`` are those that an earlier version of
    it may have billed.
    """

    row_number: int
    reason: str
    place: str
    money: Sequence[RowMoney] = ()
    lines: Sequence[tuple[tuple[str, str, str], Sequence[str]]] = ()
    takes_back: TakesBack = TakesBack.NOTHING


ChargeRowResult: TypeAlias = GoodRow[ChargeLine] | BadRow | PassedOver
"""A result of :func:`revrec.sources.read_charges`."""

EventRowResult: TypeAlias = GoodRow[EventRow] | BadRow | PassedOver
"""A result of :func:`revrec.sources.read_events`."""


class DamagedRecord(NamedTuple):
    """A record whose shape is broken before any value can be read: too few fields, not an object, bad quoting."""

    problems: list[RowProblem]
    raw: Sequence[str] = ()


class PassedOverRecord(NamedTuple):
    """A record that is passed over on purpose, and why; ``rows`` are the values of its charge lines."""

    reason: str
    rows: Sequence[list[str]] = ()
    takes_back: TakesBack = TakesBack.NOTHING
