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
from revrec.store.database.migrations import check_revision
from revrec.store.database.sqlite_errors import translate_sqlite_error
from revrec.store.database.sums import split_sum
from revrec.store.posting.awaiting import WAITS_FOR_INVOICE

if TYPE_CHECKING:
    from sqlalchemy import Connection

SQLITE_FILE = "sqlite:///"

COUNTS = {
    "charges": "SELECT count(*) FROM charge_line",
    "quarantined": "SELECT count(*) FROM quarantine WHERE id NOT IN (SELECT quarantine_id FROM quarantine_outcome)",
}
OPEN_LINES = f"""
    SELECT c.currency, sum(l.lines), {split_sum("l.amount")}, min(l.first), max(l.last)
    FROM (SELECT charge_no, count(*) AS lines, CAST(sum(amount) AS BIGINT) AS amount,
                 min(date) AS first, max(date) AS last
          FROM schedule_line WHERE entry_id IS NULL AND superseded_by IS NULL AND date <= :until GROUP BY charge_no) l
    JOIN charge_line c ON c.no = l.charge_no GROUP BY c.currency ORDER BY c.currency"""  # noqa: S608
"""Summed by charge line first: sorting every open line by its currency would take ten times as long."""
NEXT_DATE = "SELECT min(date) FROM schedule_line WHERE entry_id IS NULL AND superseded_by IS NULL"
STATES = "SELECT state, count(*) FROM journal_entry GROUP BY state"
ATTENTION = """
    SELECT 'entry' AS kind, '' AS document, reference, date, state, amount, currency, error_no, error, advice,
           not_before, id
    FROM journal_entry WHERE state IN ('SENDING', 'IN_DOUBT', 'REJECTED', 'HELD', 'READY')
    UNION ALL
    SELECT kind, source || '/' || document, reference, date, state, amount, currency, error_no, error, advice,
           not_before, id
    FROM invoice WHERE state IN ('SENDING', 'IN_DOUBT', 'REJECTED', 'HELD', 'READY')
    ORDER BY date, kind, id"""
"""Entries and invoices that are not settled."""
INVOICE_STATES = "SELECT state, count(*) FROM invoice GROUP BY state"
ANY_RULE_WAITS_FOR_INVOICE = "SELECT 1 FROM after_invoice LIMIT 1"
"""Finds whether any rule waits for invoices: if not, :data:`AWAITING` would read every open line for nothing."""
AWAITING = f"""
    SELECT charge_line.currency, count(*), {split_sum("schedule_line.amount")}
    FROM schedule_line
    JOIN schedule ON schedule.charge_no = schedule_line.charge_no AND schedule.version = schedule_line.version
    JOIN charge_line ON charge_line.no = schedule_line.charge_no
    WHERE schedule_line.entry_id IS NULL AND schedule_line.superseded_by IS NULL AND schedule_line.date <= :until
      AND charge_line.line NOT LIKE '%:cost:%' AND {WAITS_FOR_INVOICE}
    GROUP BY charge_line.currency ORDER BY charge_line.currency"""  # noqa: S608
"""Open lines that wait for the invoice of their document, except cost lines, by currency."""
PERIOD_FACTS = "SELECT entity, kind, day, source, reason, at, actor FROM period_fact ORDER BY id"
LINES_UNTIL = f"""
    SELECT c.entity, l.date, c.currency, count(*), {split_sum("l.amount")}
    FROM schedule_line l JOIN charge_line c ON c.no = l.charge_no
    WHERE l.entry_id IS NULL AND l.superseded_by IS NULL AND l.date <= :until
    GROUP BY c.entity, l.date, c.currency ORDER BY l.date, c.entity, c.currency"""  # noqa: S608
"""Open lines by entity, day and currency, to find those whose period is closed."""
RULES_PLANNED, RULES_TRIED = "rules_planned", "rules_tried"
"""Keys of ``meta``: the rule files of the plan, and those under which unscheduled lines were tried; as JSON."""
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
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True, timeout=15)) as connection:
            connection.execute("PRAGMA busy_timeout = 15000")
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
