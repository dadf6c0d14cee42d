"""Repairs that were used: their exact texts, and each value that they put on the journal lines of a schedule line."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date
from typing import NamedTuple

from sqlalchemy import Connection, func, insert, select

from revrec.core.journal import LineKey, RepairedValue
from revrec.store.audit import AuditStamp, record
from revrec.store.bulk import insert_rows, next_number
from revrec.store.digests import digest_rows
from revrec.store.tables import journal_line, open_line, repair_version, repaired_value, same_line


class RepairVersion(NamedTuple):
    """A repair as it is stored: its text as written, and the name of its file."""

    name: str
    sha256: str
    text: str
    file: str


class RepairUse(NamedTuple):
    """The changes that a repair makes to the journal lines of one schedule line."""

    key: LineKey
    repair: RepairVersion
    changes: Sequence[RepairedValue]


def keep_uses(
    connection: Connection, entry_id: int, reference: str, uses: Sequence[RepairUse], who: AuditStamp
) -> None:
    """Record the changes that repairs make to the schedule lines of a rejected entry, and the text of each repair."""
    versions = {use.repair.sha256: _keep(connection, use.repair, who) for use in uses}
    first = next_number(connection, repaired_value.c.id)
    values = [(entry_id, versions[use.repair.sha256], *use.key, *change) for use in uses for change in use.changes]
    rows = [(number, *value) for number, value in enumerate(values, first)]
    insert_rows(connection, repaired_value, [column.name for column in repaired_value.columns], rows)
    names = sorted({use.repair.name for use in uses})
    shown = {"repairs": names, "lines": len(uses), "values": len(rows)}
    record(connection, who, "entry repaired", reference, shown, [digest_rows(repaired_value, rows)])


def _keep(connection: Connection, repair: RepairVersion, who: AuditStamp) -> int:
    """Return the id of the repair's version; store it if it is new."""
    same = (repair_version.c.name == repair.name) & (repair_version.c.sha256 == repair.sha256)
    found = connection.execute(select(repair_version.c.id).where(same)).scalar()
    if found is not None:
        return int(found)
    last = connection.execute(
        select(func.coalesce(func.max(repair_version.c.version), 0)).where(repair_version.c.name == repair.name)
    ).scalar_one()
    number = next_number(connection, repair_version.c.id)
    values = {**repair._asdict(), "id": number, "version": last + 1, "recorded_at": who.at, "actor": who.actor}
    kept = connection.execute(insert(repair_version).values(values).returning(*repair_version.c)).one()
    shown = {"version": kept.version, "sha256": repair.sha256}
    record(
        connection, who, "repair version kept", f"repair {repair.name}", shown, [digest_rows(repair_version, [kept])]
    )
    return int(kept.id)


def repairs_used_on(connection: Connection, entry_id: int) -> set[tuple[LineKey, str]]:
    """Return the repairs used before on the schedule lines of this entry: (line, SHA-256 of the repair's text)."""
    query = (
        select(*(repaired_value.c[name] for name in ("charge_no", "version", "seq")), repair_version.c.sha256)
        .join(journal_line, same_line(repaired_value, journal_line))
        .join(repair_version, repair_version.c.id == repaired_value.c.repair_version_id)
        .where(journal_line.c.entry_id == entry_id)
        .distinct()
    )
    return {((row.charge_no, row.version, row.seq), row.sha256) for row in connection.execute(query)}


def supplied_values(connection: Connection, until: date) -> Mapping[LineKey, list[tuple[str, RepairedValue]]]:
    """Return the values that repairs supplied for open lines dated until a day, each with its repair's SHA-256."""
    names = ("charge_no", "version", "seq", "side", "field", "before", "after")
    query = (
        select(*(repaired_value.c[name] for name in names), repair_version.c.sha256)
        .join(open_line, same_line(open_line, repaired_value))
        .join(repair_version, repair_version.c.id == repaired_value.c.repair_version_id)
        .where(open_line.c.date <= until.isoformat())
        .order_by(repaired_value.c.id)
    )
    found: dict[LineKey, list[tuple[str, RepairedValue]]] = defaultdict(list)
    for row in connection.execute(query):
        change = RepairedValue(row.side, row.field, row.before, row.after)
        found[row.charge_no, row.version, row.seq].append((row.sha256, change))
    return found
