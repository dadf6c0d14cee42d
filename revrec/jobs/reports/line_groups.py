"""The values of charge lines that the rows of the rollforward are grouped by."""

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from revrec.core.batching import batched
from revrec.core.report import values_of
from revrec.jobs.reports.contract_balances import contract_name
from revrec.jobs.reports.line_balances import AT_ONCE
from revrec.store.reports.recognition import categories_of

if TYPE_CHECKING:
    from revrec.core.contract_balance import LineBalance
    from revrec.store.connection import Connection

OF_BALANCES = ("account", "entity", "customer", "item", "document", "contract", "charge")
"""What a balance says of its charge line."""
OF_CHARGES = ("rule", "source")
"""What is read of the charge line: a dimension is too."""

Group = tuple[str, ...]
"""Currency, account, and the values that the rows are grouped by."""


class LineGroups:
    """The groups of balances: their currency, account, and the values of the fields ``by``."""

    def __init__(self, connection: "Connection", by: Sequence[str]) -> None:
        self._connection = connection
        self._by = by
        self._fields = ",".join(name for name in by if name not in OF_BALANCES)
        self._read: dict[int, dict[str, str]] = {}

    def read(self, lines: "Iterable[LineBalance]") -> "Iterator[LineBalance]":
        """Yield the lines, once the fields are known that their balances do not have."""
        if not self._fields:
            yield from lines
            return
        for some in batched(lines, AT_ONCE):
            numbers = [line.no for line in some if line.no not in self._read]
            for no, category in categories_of(self._connection, self._fields, numbers).items():
                self._read[no] = values_of(self._fields, category)
            yield from some

    def of(self, line: "LineBalance") -> Group:
        """Return the group of a line."""
        return (line.currency, line.account, *(self._value(name, line) for name in self._by))

    def _value(self, name: str, line: "LineBalance") -> str:
        return named(name, getattr(line, name) if name in OF_BALANCES else self._read[line.no][name])


def named(name: str, value: str) -> str:
    """Return a value that rows are grouped by, as people read it."""
    return contract_name(value) if name == "contract" else value
