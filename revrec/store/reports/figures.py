"""The counts and sums behind ``revrec status``: plain SQL over any DB-API connection.

People and monitors run ``revrec status`` often, so on SQLite it opens the file read-only with the standard library
and never loads SQLAlchemy. The SQL is the same on both databases.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol
from urllib.parse import unquote

from revrec.core.errors import BadConfiguration
from revrec.store.database import BUSY_SECONDS
from revrec.store.database.migrations import check_revision
from revrec.store.database.sqlite_errors import translate_sqlite_error
from revrec.store.database.sums import split_sum
from revrec.store.posting.awaiting import WAITS_FOR_INVOICE

if TYPE_CHECKING:
    from sqlalchemy import Connection

SQLITE_FILE = "sqlite:///"
NEVER = "~"
"""A text that sorts after all dates."""

COUNTS = {
    "charges": "SELECT count(*) FROM charge_line",
    "quarantined": "SELECT count(*) FROM quarantine WHERE id NOT IN (SELECT quarantine_id FROM quarantine_outcome)",
}

QUARANTINED = f"""
    SELECT currency, count(*), {split_sum("amount")} FROM quarantine
    WHERE amount IS NOT NULL AND id NOT IN (SELECT quarantine_id FROM quarantine_outcome)
    GROUP BY currency ORDER BY currency"""  # noqa: S608
"""The rows that are set aside and whose amount can be read, by currency."""


def _share(amount: str, weight: str, total: str) -> str:
    """Return the SQL of a share of an amount, rounded half away from zero."""
    return f"(2 * {amount} * {weight} + CASE WHEN {amount} < 0 THEN -{total} ELSE {total} END) / (2 * {total})"


def _listed(version: str, parts: str) -> str:
    """Return the SQL of the amount that a version lists for the part ``p`` of its plan, which has ``parts`` of them."""
    amounts = f"{version}.amounts"
    width = f"length({amounts}) / {parts}"
    return f"CAST(substr({amounts}, (p.seq - 1) * ({width}) + 1, {width}) AS BIGINT)"


def _sum(version: str, plan: str, listed: str, low: str, high: str, exact: str) -> str:
    """Return the SQL of the sum of the lines of a version from one cumulative weight of its plan to another.

    ``exact`` is the sum if the weights are amounts, ``listed`` if the version lists its amounts.
    """
    planned, base, carried, total = f"{version}.planned", f"{version}.base", f"{plan}.carried", f"{plan}.total"
    shares = " - ".join(_share(planned, weight, total) for weight in (high, low))
    kept = f"({_share(base, carried, f'{plan}.whole')})"
    changed = " - ".join(
        f"CASE WHEN {weight} <= {carried} THEN {_share(base, weight, f'{plan}.whole')} ELSE {kept}"
        f" + {_share(f'({planned} - {kept})', f'({weight} - {carried})', f'({total} - {carried})')} END"
        for weight in (high, low)
    )
    return f"""CASE WHEN {version}.amounts IS NOT NULL THEN {listed}
          WHEN {plan}.kind = 'shares' THEN {shares}
          WHEN {plan}.kind = 'amounts' THEN {exact} ELSE {changed} END"""


PART = ("p.before", "p.cumulative", "p.cumulative - p.before")
LISTED_SUM = f"""(SELECT CAST(sum({_listed("h", "t.parts")}) AS BIGINT) FROM plan_part p
          WHERE p.plan_id = h.plan_id AND p.date >= h.day AND p.date <= :until)"""  # noqa: S608

OPEN_LINES = f"""
    WITH entries AS MATERIALIZED (
      SELECT max(coalesce(o.recognition_date, e.date)) AS last
      FROM journal_entry e LEFT JOIN entry_date_override o ON o.entry_id = e.id
    ), heads AS NOT MATERIALIZED (
      SELECT s.*, coalesce(s.open_from, '{NEVER}') AS day, CASE WHEN s.open_from <= (SELECT last FROM entries) THEN
          coalesce((SELECT max(e.seq) FROM entered_line e WHERE e.charge_no = s.charge_no AND e.version = s.version), 0)
          ELSE 0 END - s.first_seq + 1 AS entered
      FROM schedule s
    ), spans AS MATERIALIZED (
      SELECT h.plan_id, h.day, min(p.seq) AS seq, count(*) AS lines, max(p.date) AS last,
        min(p.before) AS low, max(p.cumulative) AS high, CAST(sum(p.cumulative - p.before) AS BIGINT) AS exact,
        n.kind, n.parts, n.total, n.carried, n.whole
      FROM (SELECT DISTINCT plan_id, day FROM heads WHERE day <= :until) h JOIN plan n ON n.id = h.plan_id
      JOIN plan_part p ON p.plan_id = h.plan_id AND p.date >= h.day AND p.date <= :until
      GROUP BY h.plan_id, h.day, n.kind, n.parts, n.total, n.carried, n.whole
    ), sums AS (
      SELECT c.currency, t.lines, h.day AS first, t.last,
        {_sum("h", "t", LISTED_SUM, "t.low", "t.high", "t.exact")} AS amount
      FROM heads h JOIN charge_line c ON c.no = h.charge_no JOIN spans t ON t.plan_id = h.plan_id AND t.day = h.day
      WHERE h.entered < t.seq
      UNION ALL
      SELECT c.currency, 1, p.date, p.date,
        {_sum("h", "t", _listed("h", "t.parts"), *PART)}
      FROM heads h JOIN charge_line c ON c.no = h.charge_no JOIN spans t ON t.plan_id = h.plan_id AND t.day = h.day
      JOIN plan_part p ON p.plan_id = h.plan_id AND p.date >= h.day AND p.date <= :until
      WHERE h.open_from <= (SELECT last FROM entries) AND h.entered >= t.seq AND NOT EXISTS (
        SELECT 1 FROM entered_line e
        WHERE e.charge_no = h.charge_no AND e.version = h.version AND e.seq = h.first_seq + p.seq - 1)
      UNION ALL
      SELECT c.currency, 1, p.date, p.date,
        {_sum("s", "n", _listed("s", "n.parts"), *PART)}
      FROM entered_line e JOIN schedule s ON s.charge_no = e.charge_no AND s.version = e.version
      JOIN charge_line c ON c.no = s.charge_no
      JOIN plan n ON n.id = s.plan_id JOIN plan_part p ON p.plan_id = n.id AND p.seq = e.seq - s.first_seq + 1
      WHERE e.entry_id IS NULL AND e.superseded_by IS NULL AND p.date <= :until
    )
    SELECT currency, CAST(sum(lines) AS BIGINT), {split_sum("amount")}, min(first), max(last)
    FROM sums GROUP BY currency ORDER BY currency"""  # noqa: S608
"""Lines without a gap are summed by version, from the plan: the rounded share up to the last one, minus the one before
the first. To compute each line would take several times as long. Versions of which a later line is on an entry already,
and lines that an entry released, are read line by line. No line after the last day of recognition is on an entry.

Versions are read in the order of their table, beside their charge lines. The index on ``open_from`` would read them in
the order of their dates, from places all over the file, so that ``day`` hides that column from it.
"""
NEXT_DATE = """
    SELECT min(date) FROM (
      SELECT min(open_from) AS date FROM schedule WHERE open_from IS NOT NULL
      UNION ALL SELECT min(date) FROM open_line WHERE revision > 0
    ) dates"""
STATES = "SELECT state, count(*) FROM journal_entry GROUP BY state"
ATTENTION = """
    SELECT 'entry' AS kind, '' AS document, reference, date, state, amount, currency, error_no, error, advice,
           not_before, id
    FROM journal_entry WHERE state IN ('SENDING', 'AWAITING_APPROVAL', 'IN_DOUBT', 'REJECTED', 'HELD', 'READY')
    UNION ALL
    SELECT kind, source || '/' || document, reference, date, state, amount, currency, error_no, error, advice,
           not_before, id
    FROM invoice WHERE state IN ('SENDING', 'IN_DOUBT', 'REJECTED', 'HELD', 'READY')
    UNION ALL
    SELECT CASE WHEN reverses_id IS NULL THEN kind ELSE kind || ' reversal' END, '', reference, date, state, amount,
           currency, error_no, error, advice, not_before, id
    FROM adjusting_entry WHERE state IN ('SENDING', 'AWAITING_APPROVAL', 'IN_DOUBT', 'REJECTED', 'HELD', 'READY')
    ORDER BY date, kind, id"""
"""Entries, invoices and adjusting entries that are not settled."""
ADJUSTMENT_STATES = """
    SELECT CASE WHEN state IN ('READY', 'REJECTED') AND date > :until THEN 'LATER' ELSE state END AS state, count(*)
    FROM adjusting_entry GROUP BY 1"""
"""Adjusting entries by state; LATER are those whose date, such as a reversal's, has not come."""
INVOICE_STATES = "SELECT state, count(*) FROM invoice GROUP BY state"
ANY_RULE_WAITS_FOR_INVOICE = "SELECT 1 FROM after_invoice LIMIT 1"
"""Finds whether any rule waits for invoices: if not, :data:`AWAITING` would read every open line for nothing."""
AWAITING = f"""
    SELECT charge_line.currency, count(*), {split_sum("open_line.amount")}
    FROM open_line
    JOIN schedule ON schedule.charge_no = open_line.charge_no AND schedule.version = open_line.version
    JOIN charge_line ON charge_line.no = open_line.charge_no
    WHERE open_line.open_from <= :until AND open_line.date <= :until
      AND charge_line.line NOT LIKE '%:cost:%' AND {WAITS_FOR_INVOICE}
    GROUP BY charge_line.currency ORDER BY charge_line.currency"""  # noqa: S608
"""Open lines that wait for the invoice of their document, except cost lines, by currency."""
PERIOD_FACTS = "SELECT entity, kind, day, source, reason, at, actor FROM period_fact ORDER BY id"
LINES_UNTIL = f"""
    SELECT c.entity, l.date, c.currency, count(*), {split_sum("l.amount")}
    FROM open_line l JOIN charge_line c ON c.no = l.charge_no
    WHERE l.open_from <= :until AND l.date <= :until
    GROUP BY c.entity, l.date, c.currency ORDER BY l.date, c.entity, c.currency"""  # noqa: S608
"""Open lines by entity, day and currency, to find those whose period is closed."""
RULES_PLANNED, RULES_TRIED = "rules_planned", "rules_tried"
"""Keys of ``meta``: the rule files of the plan, and those under which unscheduled lines were tried; as JSON."""
OPEN_DOCUMENTS = """
    SELECT d.id, d.source, d.name, CASE WHEN d.waits_for <> '' THEN 'waiting' ELSE d.outcome END, d.at, d.detail
    FROM received_document d
    WHERE d.outcome IN ('refused', 'unreachable')
      AND NOT EXISTS (
        SELECT 1 FROM received_document n WHERE n.source = d.source AND n.name = d.name AND n.id > d.id)
      AND NOT EXISTS (SELECT 1 FROM document_resolution r WHERE r.document_id = d.id)
    ORDER BY d.id"""
"""Documents of sources that were not imported, and that are neither dismissed nor replaced by a newer version."""
FAILED_SOURCES = """
    SELECT source, ended_at, outcome FROM source_fetch
    WHERE id IN (SELECT max(id) FROM source_fetch GROUP BY source) AND outcome <> 'done' ORDER BY source"""
"""Sources whose last fetch failed."""
LAST_RUN = "SELECT id, date, started_at, finished_at, actor, outcome FROM posting_run ORDER BY id DESC LIMIT 1"


class AppliedRules(NamedTuple):
    """The SHA-256 of each rule file and table by its name, and the UTC time when they were applied."""

    files: Mapping[str, str]
    at: str


class ViewCursor(Protocol):
    """The part of a DB-API connection that a view needs."""

    def execute(self, sql: str, parameters: Any = ..., /) -> Any:
        """Run one statement; the result can be fetched."""


@contextmanager
def quick_view(url: str) -> Iterator[ViewCursor]:
    """Open a read-only view of the database, in the cheapest way.

    Raises:
        BadConfiguration: there is no database, it cannot be opened, or it has another revision.
        Busy: another process keeps it locked.
    """
    if url.startswith(SQLITE_FILE) and "?" not in url:
        with _sqlite_view(Path(unquote(url.removeprefix(SQLITE_FILE)))) as view:
            yield view
    else:
        from revrec.store.database.engine import Database

        with Database(url).read() as connection:
            yield SqlAlchemyView(connection)


class SqlAlchemyView:
    """A SQLAlchemy connection with the interface of a DB-API one."""

    def __init__(self, connection: "Connection") -> None:
        self._connection = connection

    def execute(self, sql: str, parameters: Any = (), /) -> Any:
        from sqlalchemy import text

        return self._connection.execute(text(sql), parameters or {})


@contextmanager
def _sqlite_view(path: Path) -> Iterator[ViewCursor]:
    import sqlite3

    if not path.is_file():
        raise BadConfiguration(f"{path}: there is no database here; create one with: revrec init")
    try:
        address = f"{path.resolve().as_uri()}?mode=ro"
        with closing(sqlite3.connect(address, uri=True, timeout=BUSY_SECONDS)) as connection:
            connection.execute("BEGIN")
            check_revision(_revision(connection), str(path))
            yield connection
    except sqlite3.DatabaseError as error:
        raise translate_sqlite_error(str(error), str(path)) or BadConfiguration(
            f"{path}: cannot be read: {error}"
        ) from error


def applied_rules(view: ViewCursor, key: str) -> AppliedRules | None:
    """Return the files under a key of ``meta``, None if there is no such key yet."""
    row = view.execute("SELECT value FROM meta WHERE key = :key", {"key": key}).fetchone()
    return AppliedRules(**json.loads(row[0])) if row else None


def _revision(connection: ViewCursor) -> str | None:
    import sqlite3

    try:
        row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    except sqlite3.OperationalError as error:
        if "no such table" in str(error):
            return None
        raise
    return str(row[0]) if row else None
