"""Compare the rows with the digests in the audit events."""

import hashlib
from collections.abc import Iterator
from functools import partial
from typing import Any

from sqlalchemy import Connection, Select, Table, bindparam, func, select
from sqlalchemy.exc import SQLAlchemyError

from revrec.store.bulk import first_row, rows_of, stream_rows
from revrec.store.digests import SUPERSEDED, covered_columns, row_text, table_named
from revrec.store.tables import account_sum, audit_event, entered_line, metadata
from revrec.store.verifying.findings import VerifyFinding, findings_of
from revrec.store.verifying.naming import DigestedRows, name_difference

CHECK = "rows"
LATEST = ("journal_entry", "invoice", "adjusting_entry", "posting_run", "meta", "unscheduled")
"""Tables whose rows may change: the last digest of a key counts."""

BY_VERSION = (
    "schedule", "schedule_wait", "schedule_plan", "price_change", "schedule_allocation", "take_back_line",
    "revenue_status",
)  # fmt: skip
"""Tables whose digests cover one version of a charge line each: a schedule's, or the event that changed its status."""

FOLLOWING = (entered_line, account_sum)
"""Tables whose rows follow from the journal lines. They have no digests; invariants compare them with the lines."""

DIGESTED = [table for table in metadata.sorted_tables if table not in (audit_event, *FOLLOWING)]
COUNTS = select(*(select(func.count()).select_from(table).scalar_subquery() for table in DIGESTED))
"""Counts the rows of each of them."""

CHUNK = 5_000
MEANING = "it is not what the audit trail recorded: it was changed outside of revrec"


class RowCheck:
    """The comparison of rows with the digests, in the order of the chain; it collects the keys that digests cover."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._latest: dict[tuple[str, Any], dict[str, Any]] = {}
        self._covered: dict[str, list[list[Any]]] = {}
        self._counts: dict[str, int] = {}
        self.rows = 0

    def take(self, digest: dict[str, Any]) -> Iterator[VerifyFinding]:
        """Compare the rows of one digest, or keep it until the end of the chain if a later one may replace it."""
        if digest["table"] in LATEST:
            self._latest[digest["table"], digest["keys"][0][0]] = digest
        else:
            yield from self._compare(digest)

    def finish(self) -> Iterator[VerifyFinding]:
        """Compare the latest digests, and find rows that no digest covers: someone added them."""
        for digest in self._latest.values():
            yield from self._compare(digest)
        there = self._counted()
        for table in DIGESTED:
            if there.get(table.name, self._counts.get(table.name, 0) + 1) > self._counts.get(table.name, 0):
                yield from findings_of(CHECK, partial(self._uncovered, table))

    def _counted(self) -> dict[str, int]:
        """Return the numbers of rows by one query; none if a table cannot be read, which :meth:`_uncovered` reports."""
        try:
            return dict(zip((table.name for table in DIGESTED), first_row(self._connection, COUNTS), strict=True))
        except SQLAlchemyError:
            return {}

    def _compare(self, digest: dict[str, Any]) -> Iterator[VerifyFinding]:
        name = digest["table"]
        self._cover(name, digest)
        yield from findings_of(CHECK, lambda: self._differing(name, digest))

    def _differing(self, name: str, digest: dict[str, Any]) -> Iterator[VerifyFinding]:
        count, found = self._sum(name, digest)
        self.rows += count
        if (count, found) != (digest["rows"], digest["sha256"]):
            place = DigestedRows(name, digest)
            key, problem = name_difference(place, self._rows(name, digest))
            yield VerifyFinding(CHECK, name.partition(".")[0], key, problem, MEANING)

    def _sum(self, name: str, digest: dict[str, Any]) -> tuple[int, str]:
        whole = hashlib.sha256()
        count = 0
        for chunk in self._chunks(name, digest):
            text = "\n".join([row_text(tuple(row)) for row in chunk])
            whole.update((f"\n{text}" if count else text).encode("utf-8", "surrogatepass"))
            count += len(chunk)
        return count, whole.hexdigest()

    def _chunks(self, name: str, digest: dict[str, Any]) -> Iterator[Any]:
        query = _query(name)
        for run in digest["keys"]:
            values = dict(zip(("first", "last", "version"), run, strict=False))
            if digest["rows"] > CHUNK:
                yield from self._connection.execute(query, values).partitions(CHUNK)
            else:
                # Most digests are of a few rows: SQLAlchemy's own work would take longer than the database's.
                yield rows_of(self._connection, query, **values)

    def _rows(self, name: str, digest: dict[str, Any]) -> Iterator[tuple[Any, ...]]:
        for chunk in self._chunks(name, digest):
            yield from (tuple(row) for row in chunk)

    def _cover(self, name: str, digest: dict[str, Any]) -> None:
        self._counts[name] = self._counts.get(name, 0) + digest["rows"]
        known = self._covered.setdefault(name, [])
        for run in digest["keys"]:
            last = known[-1] if known else None
            if last and isinstance(run[0], int) and last[1] == run[0] - 1 and last[2:] == run[2:]:
                last[1] = run[1]
            else:
                known.append(list(run))

    def _uncovered(self, table: Table) -> Iterator[VerifyFinding]:
        """Yield a row that no audit event wrote; searched only if there are more rows than were written."""
        there = self._connection.execute(select(func.count()).select_from(table)).scalar_one()
        if there <= self._counts.get(table.name, 0):
            return
        key = list(table.primary_key.columns)
        names = [column.name for column in key]
        for row in stream_rows(self._connection, select(*key).order_by(*key)):
            if not self._covers(table.name, tuple(row)):
                said = ", ".join(f"{name} {value}" for name, value in zip(names, row, strict=True))
                problem = "no audit event wrote it"
                yield VerifyFinding(CHECK, table.name, said, problem, "a row was added outside of revrec")
                return

    def _covers(self, name: str, key: tuple[Any, ...]) -> bool:
        for run in self._covered.get(name, ()):
            same_version = len(run) < 3 or run[2] == key[1]
            try:
                if same_version and run[0] <= key[0] <= run[1]:
                    return True
            except TypeError:
                continue
        return False


_QUERIES: dict[str, Select[Any]] = {}


def _query(name: str) -> Select[Any]:
    if name not in _QUERIES:
        _QUERIES[name] = _made(name)
    return _QUERIES[name]


def _made(name: str) -> Select[Any]:
    first: Any = bindparam("first")
    last: Any = bindparam("last")
    version: Any = bindparam("version")
    line = entered_line.c
    if name == SUPERSEDED:
        query = select(line.charge_no, line.superseded_by, line.version, line.seq)
        its_lines = line.charge_no.between(first, last) & (line.superseded_by == version)
        return query.where(its_lines).order_by(line.charge_no, line.version, line.seq)
    table = table_named(name)
    key = list(table.primary_key.columns)
    query = select(*covered_columns(table)).where(key[0].between(first, last)).order_by(*key)
    return query.where(key[1] == version) if name in BY_VERSION else query
