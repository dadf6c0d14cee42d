"""The tables of every kind of posting."""

from collections.abc import Iterable

from sqlalchemy import Connection

from revrec.store.posting.adjustments import ADJUSTMENT_TABLES
from revrec.store.posting.entries import ENTRY_TABLES
from revrec.store.posting.invoices import INVOICE_TABLES

EVERY_KIND = (ENTRY_TABLES, INVOICE_TABLES, ADJUSTMENT_TABLES)


def known_in_ledger(connection: Connection, column: str, values: Iterable[str]) -> dict[str, tuple[str, str]]:
    """Return (reference, state) of the entries and adjusting entries whose ``column`` is in ``values``, by value."""
    wanted = list(values)
    return ENTRY_TABLES.known(connection, column, wanted) | ADJUSTMENT_TABLES.known(connection, column, wanted)
