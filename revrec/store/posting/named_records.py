"""The master data that entries and invoices name, so that a dry run can compare it with Intacct."""

from collections import Counter
from collections.abc import Collection, Sequence
from typing import NamedTuple

from sqlalchemy import ColumnElement, Connection, Table, exists, func, select

from revrec.store.charges import dimensions_of
from revrec.store.tables import (
    charge_line,
    import_file,
    invoice,
    invoice_line,
    journal_entry,
    journal_line,
    summary_line,
)


class NamedRecord(NamedTuple):
    """A record that entries or invoices name.

    ``kind`` is ``account``, ``journal``, ``customer``, ``item``, ``term``, ``definition`` or a dimension.
    """

    kind: str
    id: str


class LineOfFile(NamedTuple):
    """A charge line, and the file and row that it was imported from."""

    charge: str
    file: str
    row: int


InvoicedRecords = dict[NamedRecord, list[LineOfFile]]
"""The records that invoices name, each with the charge lines that need it, in the order of the invoices."""


def records_of_invoices(connection: Connection, numbers: Sequence[int], omit: Collection[str]) -> InvoicedRecords:
    """Return the customers, items and transaction definitions that invoices name.

    A plain invoice has no definition, and its items are dimensions, which ``omit`` can leave out.
    """
    query = (
        select(charge_line.c.customer, invoice_line.c.item, invoice.c.definition)
        .add_columns(charge_line.c.id, import_file.c.uri, charge_line.c.row)
        .join(invoice_line, invoice_line.c.charge_no == charge_line.c.no)
        .join(invoice, invoice.c.id == invoice_line.c.invoice_id)
        .join(import_file, import_file.c.id == charge_line.c.import_id)
        .where(invoice.c.id.in_(numbers))
        .order_by(invoice.c.date, invoice.c.id, invoice_line.c.line_no)
    )
    found: InvoicedRecords = {}
    for customer, item, definition, *place in connection.execute(query):
        sent_item = item if definition or "item" not in omit else ""
        for kind, id in (("customer", customer), ("item", sent_item), ("definition", definition)):
            if id:
                found.setdefault(NamedRecord(kind, id), []).append(LineOfFile(*place))
    return found


def named_records(connection: Connection, until: str) -> dict[NamedRecord, int]:
    """Return the records that READY entries dated until a day name, each with the number of its entries.

    Of a summarized entry, those are the records that its summary names.
    """
    entry = journal_entry.c
    due = (entry.state == "READY") & (entry.date <= until)
    summarized = exists().where(summary_line.c.entry_id == entry.id)
    journals = connection.execute(select(entry.journal, func.count()).where(due).group_by(entry.journal))
    found = Counter({NamedRecord("journal", journal): count for journal, count in journals})
    _add_named(connection, found, journal_line, due & ~summarized)
    _add_named(connection, found, summary_line, due)
    return {record: count for record, count in found.items() if record.id}


def _add_named(connection: Connection, found: Counter[NamedRecord], lines: Table, due: ColumnElement[bool]) -> None:
    """Add the records that the lines of a table name, with the number of their entries."""
    entry, line = journal_entry.c, lines.c
    entries = func.count(line.entry_id.distinct())
    for kind in ("account", "customer", "item"):
        query = select(line[kind], entries).join(journal_entry, entry.id == line.entry_id).where(due)
        for id, count in connection.execute(query.group_by(line[kind])):
            found[NamedRecord(kind, id)] += count
    places = select(entry.entity, line.dimensions, entries).join(journal_entry, entry.id == line.entry_id).where(due)
    for entity, text, count in connection.execute(places.group_by(entry.entity, line.dimensions)):
        # The location of a line is its entity if it has no other: the same as in the entry that is sent.
        for name, id in {"location": entity, **dimensions_of(text)}.items():
            found[NamedRecord(name, id)] += count
