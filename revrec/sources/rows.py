"""What reading a source yields: good rows with their charge line or event, bad ones with their problems."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Generic, NamedTuple, TypeAlias, TypeVar

from revrec.core.charge_line import ChargeLine
from revrec.sources.problems import RowProblem

Line = TypeVar("Line")


class EventRow(NamedTuple):
    """A fulfillment event as its file tells it.

    ``charge`` is the charge's id (``source/document/line``). ``amount`` is a decimal in the charge's currency, which
    an event's file does not name: whoever knows the charge turns it into minor units. ``percent`` is 0 to 100.
    """

    charge: str
    kind: str
    date: date
    quantity: Decimal | None = None
    percent: Decimal | None = None
    amount: Decimal | None = None
    name: str = ""
    note: str = ""


class CleaningStep(NamedTuple):
    """One change of one field's value.

    ``step`` names it (``trimmed``, ``date``, ``alias``, ``lookup``, ``default``, ...); ``table`` and ``row`` are those
    of the lookup table it came from, else empty and 0.
    """

    field: str
    before: str
    after: str
    step: str
    table: str = ""
    row: int = 0

    def __str__(self) -> str:
        """``alias of customers.csv, row 4``."""
        return f"{self.step} of {self.table}, row {self.row}" if self.table else self.step


class GoodRow(NamedTuple, Generic[Line]):
    """A row that became ``line``. ``raw`` holds its values as they stood in the file, in the header's order.

    ``steps`` tell what cleaning changed. ``row_number`` counts as people find the row: the line where it starts (CSV,
    JSON Lines; the header is line 1), or its position from 1 (JSON, XML).
    """

    row_number: int
    line: Line
    raw: Sequence[str]
    steps: Sequence[CleaningStep] = ()


class BadRow(NamedTuple):
    """A row that could not be used, with all its problems; ``place`` names it for people (``line 4``, ``item 3``).

    ``raw`` holds its values as they stood, as far as they could be told apart.
    """

    row_number: int
    problems: list[RowProblem]
    place: str
    raw: Sequence[str] = ()

    def report(self, file: str) -> list[str]:
        """One line a problem: file, place, field, value, reason, mend."""
        return [f"{file}: {self.place}: {problem}" for problem in self.problems]


class PassedOver(NamedTuple):
    """A record that is none of those asked for, and why: a trailer, an order not yet paid, a status on the way."""

    row_number: int
    reason: str
    place: str


ChargeRowResult: TypeAlias = GoodRow[ChargeLine] | BadRow | PassedOver
"""What :func:`revrec.sources.read_charges` yields."""

EventRowResult: TypeAlias = GoodRow[EventRow] | BadRow | PassedOver
"""What :func:`revrec.sources.read_events` yields."""


class DamagedRecord(NamedTuple):
    """A record whose shape is broken before any value can be read: too few fields, not an object, bad quoting."""

    problems: list[RowProblem]
    raw: Sequence[str] = ()


class PassedOverRecord(NamedTuple):
    """A record that a format leaves out on purpose, and why."""

    reason: str
