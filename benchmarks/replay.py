"""Read what a run changed in the database, and make the same changes in a twin with the bare driver."""

import sqlite3
from typing import Any

ENTRY = (
    "id, reference, control_id, run_id, date, journal, entity, currency, title, amount, lines, content_hash, created_at"
)
OF_RUN = "SELECT id FROM journal_entry WHERE run_id = ?"
OUTCOMES = f"""
    SELECT o.* FROM attempt a JOIN attempt_outcome o ON o.attempt_id = a.id WHERE a.entry_id IN ({OF_RUN})
    ORDER BY a.id"""
MOVE = "UPDATE schedule SET open_from = ? WHERE charge_no = ? AND version = ?"
CLAIM = "UPDATE journal_entry SET state = 'SENDING', attempts = 1, owner = 'x', lease_until = 'x' WHERE id = ?"
POSTED = """
    UPDATE journal_entry SET state = 'POSTED', owner = NULL, lease_until = NULL, record_no = ?, posted_at = ?
    WHERE id = ?"""
FINISH = "UPDATE posting_run SET finished_at = ?, outcome = 'posted' WHERE id = ?"


class Changes:
    """The changes of the last run of a database; ``audited`` is the last audit event before it."""

    def __init__(self, source: sqlite3.Connection, audited: int) -> None:
        run, day, started, finished, actor, _outcome = source.execute(
            "SELECT id, date, started_at, finished_at, actor, outcome FROM posting_run ORDER BY id DESC LIMIT 1"
        ).fetchone()

        def rows(sql: str) -> list[Any]:
            return source.execute(sql, (run,)).fetchall()

        self.run = (run, day, started, None, actor, None)
        self.finish = (finished, run)
        self.entries = rows(f"SELECT {ENTRY}, 'READY' FROM journal_entry WHERE run_id = ? ORDER BY id")
        self.posted = rows("SELECT record_no, posted_at, id FROM journal_entry WHERE run_id = ? ORDER BY id")
        self.lines = rows(f"SELECT * FROM journal_line WHERE entry_id IN ({OF_RUN})")
        self.entered = rows(f"SELECT * FROM entered_line WHERE entry_id IN ({OF_RUN})")
        self.moved = rows(
            "SELECT s.open_from, s.charge_no, s.version FROM entered_line e JOIN schedule s"
            f" ON s.charge_no = e.charge_no AND s.version = e.version WHERE e.entry_id IN ({OF_RUN})"
        )
        self.attempts = rows(f"SELECT * FROM attempt WHERE entry_id IN ({OF_RUN}) ORDER BY id")
        self.outcomes = rows(OUTCOMES)
        self.audit = iter(source.execute("SELECT * FROM audit_event WHERE seq > ? ORDER BY seq", (audited,)).fetchall())

    def write(self, driver: Any) -> None:
        """Commit the intents once, twice per entry (before and after sending), and once for the end of the run."""
        self._intents(driver)
        for posted, attempt, outcome in zip(self.posted, self.attempts, self.outcomes, strict=True):
            driver.execute("BEGIN IMMEDIATE")
            driver.execute(CLAIM, posted[2:])
            _insert(driver, "attempt", [attempt])
            _insert(driver, "audit_event", [next(self.audit), next(self.audit)])
            driver.execute("COMMIT")
            driver.execute("BEGIN IMMEDIATE")
            _insert(driver, "attempt_outcome", [outcome])
            driver.execute(POSTED, posted)
            _insert(driver, "audit_event", [next(self.audit), next(self.audit)])
            driver.execute("COMMIT")
        driver.execute("BEGIN IMMEDIATE")
        driver.execute(FINISH, self.finish)
        _insert(driver, "audit_event", list(self.audit))
        driver.execute("COMMIT")

    def _intents(self, driver: Any) -> None:
        driver.execute("BEGIN IMMEDIATE")
        _insert(driver, "posting_run", [self.run])
        _insert(driver, "journal_line", self.lines)
        _insert(driver, "entered_line", self.entered)
        driver.executemany(MOVE, self.moved)
        driver.executemany(f"INSERT INTO journal_entry ({ENTRY}, state) VALUES ({', '.join('?' * 14)})", self.entries)
        _insert(driver, "audit_event", [next(self.audit), *(next(self.audit) for _ in self.entries)])
        driver.execute("COMMIT")


def _insert(driver: Any, table: str, rows: list[Any]) -> None:
    driver.executemany(f"INSERT INTO {table} VALUES ({', '.join('?' * len(rows[0]))})", rows)
