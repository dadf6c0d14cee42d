"""The quarantine: rows that an import set aside, the fixes that people made, and how each row was settled."""

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection, insert, select

from revrec.core.batching import batched
from revrec.core.filters import NO_FILTERS, Filters
from revrec.store.bulk import next_number
from revrec.store.digests import RowDigest, digest_rows
from revrec.store.reports.filters import quarantine_conditions
from revrec.store.tables import import_file, quarantine, quarantine_fix, quarantine_outcome

ROWS_AT_ONCE = 2_000
"""Rows in one query: the number of values in a statement is limited, and a file can have many bad rows."""


class QuarantinedRow(NamedTuple):
    """A row that was set aside. ``raw`` is its values by column, or a list if it did not match the columns.

    The values after ``imported_at`` are what can be read of the row as it came; ``amount`` is in minor units.
    """

    id: int
    import_id: int
    row: int
    problems: list[dict[str, str]]
    raw: dict[str, str] | list[str]
    file: str
    kind: str
    mapping: str
    source: str
    imported_at: str
    document: str
    customer: str
    item: str
    date: str
    currency: str
    amount: int | None
    outcome: str | None
    charge: str | None


class QuarantineFix(NamedTuple):
    """A fix of a quarantined row: the new values of its ``fields``, why, when and by whom."""

    fields: dict[str, str]
    reason: str
    at: str
    actor: str


class QuarantineOutcome(NamedTuple):
    """The way a row left the quarantine: released or dismissed, its charge line, why, when and by whom."""

    outcome: str
    charge: str
    reason: str
    at: str
    actor: str


_QUERY = (
    select(
        quarantine.c.id,
        quarantine.c.import_id,
        quarantine.c.row,
        quarantine.c.problems,
        quarantine.c.raw,
        import_file.c.uri,
        import_file.c.kind,
        import_file.c.mapping,
        import_file.c.source,
        import_file.c.imported_at,
        *(quarantine.c[name] for name in ("document", "customer", "item", "date", "currency", "amount")),
        quarantine_outcome.c.outcome,
        quarantine_outcome.c.charge,
    )
    .join(import_file, import_file.c.id == quarantine.c.import_id)
    .outerjoin(quarantine_outcome, quarantine_outcome.c.quarantine_id == quarantine.c.id)
    .order_by(quarantine.c.id)
)


def quarantined_rows(
    connection: Connection, settled: bool = False, filters: Filters = NO_FILTERS
) -> Iterator[QuarantinedRow]:
    """Yield the rows that no one has settled yet; with ``settled``, every row that was ever set aside."""
    query = _QUERY.where(*quarantine_conditions(filters))
    query = query if settled else query.where(quarantine_outcome.c.quarantine_id.is_(None))
    for found in connection.execute(query):
        yield _made(found)


def waiting_rows(connection: Connection) -> Iterator[tuple[int, str]]:
    """Yield the number of each row that only waits for a charge line, with that charge line."""
    waiting = _QUERY.where(quarantine.c.problems.contains('"waits_for"'), quarantine_outcome.c.quarantine_id.is_(None))
    for row in map(_made, connection.execute(waiting)):
        waits_for = {one.get("waits_for", "") for one in row.problems}
        if len(waits_for) == 1 and all(waits_for):
            yield row.id, waits_for.pop()


def quarantined_row(connection: Connection, id: int) -> QuarantinedRow | None:
    """Return the row with this number; None if there is no such row."""
    found = connection.execute(_QUERY.where(quarantine.c.id == id)).first()
    return _made(found) if found else None


def _made(found: Any) -> QuarantinedRow:
    id, import_id, number, problems, raw, *rest = found
    return QuarantinedRow(id, import_id, number, json.loads(problems), json.loads(raw), *rest)


def raw_text(values: Sequence[str], header: Sequence[str]) -> str:
    """Return the values of a row as the quarantine stores them: by column, or as a list if they do not match them."""
    named = len(values) == len(header) == len(set(header))
    raw = dict(zip(header, values, strict=True)) if named else list(values)
    return json.dumps(raw, ensure_ascii=False)


def outcomes_of(connection: Connection, raws: Iterable[str]) -> dict[str, str | None]:
    """Return how rows with exactly these values were settled, by their values as JSON; None while one waits."""
    query = (
        select(quarantine.c.raw, quarantine_outcome.c.outcome)
        .outerjoin(quarantine_outcome, quarantine_outcome.c.quarantine_id == quarantine.c.id)
        .order_by(quarantine.c.id)
    )
    found: dict[str, str | None] = {}
    for some in batched(raws, ROWS_AT_ONCE):
        found |= {row.raw: row.outcome for row in connection.execute(query.where(quarantine.c.raw.in_(some)))}
    return found


def read_fixes(connection: Connection, id: int) -> list[QuarantineFix]:
    """Return the fixes of a row, oldest first."""
    columns = [quarantine_fix.c[name] for name in QuarantineFix._fields]
    query = select(*columns).where(quarantine_fix.c.quarantine_id == id).order_by(quarantine_fix.c.id)
    return [QuarantineFix(json.loads(fields), *rest) for fields, *rest in connection.execute(query)]


def read_outcome(connection: Connection, id: int) -> QuarantineOutcome | None:
    """Return how the row was settled; None while it is in the quarantine."""
    columns = [quarantine_outcome.c[name] for name in QuarantineOutcome._fields]
    found = connection.execute(select(*columns).where(quarantine_outcome.c.quarantine_id == id)).first()
    return QuarantineOutcome(*found) if found else None


def released_row_id(connection: Connection, import_id: int, number: int) -> int | None:
    """Return the quarantine number of a row that was released from there; None if the import accepted it directly."""
    query = (
        select(quarantine.c.id)
        .join(quarantine_outcome, quarantine_outcome.c.quarantine_id == quarantine.c.id)
        .where(quarantine.c.import_id == import_id, quarantine.c.row == number)
        .where(quarantine_outcome.c.outcome == "released")
    )
    return connection.execute(query).scalar()


def add_fix(
    connection: Connection, id: int, fields: dict[str, str], reason: str, at: str, actor: str, audit_seq: int
) -> RowDigest:
    """Store a person's fix of a row: the new values by field, and the reason."""
    number = next_number(connection, quarantine_fix.c.id)
    values = [number, id, json.dumps(fields, ensure_ascii=False), reason, at, actor, audit_seq]
    connection.execute(insert(quarantine_fix).values(values))
    return digest_rows(quarantine_fix, [values])


def settle(connection: Connection, values: Sequence[Any]) -> RowDigest:
    """Store how a row was settled: (its number, outcome, charge, reason, at, actor, audit sequence)."""
    connection.execute(insert(quarantine_outcome).values(list(values)))
    return digest_rows(quarantine_outcome, [list(values)])
