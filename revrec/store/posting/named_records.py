"""The master data that entries name, so that a dry run can compare it with Intacct."""

from collections import Counter
from typing import NamedTuple

from sqlalchemy import Connection, func, select

from revrec.store.charges import dimensions_of
from revrec.store.tables import journal_entry, journal_line


class NamedRecord(NamedTuple):
    """A record that entries name: ``kind`` is ``account``, ``journal``, ``customer``, ``item`` or a dimension."""

    kind: str
    id: str


def named_records(connection: Connection, until: str) -> dict[NamedRecord, int]:
    """Return the records that READY entries dated until a day name, each with the number of its entries."""
    found: Counter[NamedRecord] = Counter()
    entry, line = journal_entry.c, journal_line.c
    due = (entry.state == "READY") & (entry.date <= until)
    for journal, count in connection.execute(select(entry.journal, func.count()).where(due).group_by(entry.journal)):
        found[NamedRecord("journal", journal)] += count
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
    return {record: count for record, count in found.items() if record.id}
