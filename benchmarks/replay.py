"""Do the work of a run in a twin of its database with the bare driver: find what is due, and write the same rows.

The rows of the postings are those that the run wrote. The journal lines and their digests, nearly all of the rows, are
made from what is due, as any program must. They are compared with the run's afterwards.
"""

import json
import sqlite3
from hashlib import sha256
from itertools import chain
from typing import Any

DUE = """
    SELECT o.charge_no, o.version, o.seq, s.lines, c.id, c.document, c.customer, c.item, c.dimensions, o.amount,
      c.currency, r.deferred, r.accrued
    FROM open_line o JOIN charge_line c ON c.no = o.charge_no
    JOIN schedule s ON s.charge_no = o.charge_no AND s.version = o.version
    JOIN rule_version r ON r.id = s.rule_version_id
    WHERE o.open_from <= ? AND o.date <= ?
    ORDER BY o.date, c.entity, r.journal, c.currency, o.charge_no, o.version, o.seq"""
MOST_VARIABLES = 999

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
        self.day = day
        self.finish = (finished, run)
        self.entries = rows(f"SELECT {ENTRY}, 'READY' FROM journal_entry WHERE run_id = ? ORDER BY id")
        self.posted = rows("SELECT record_no, posted_at, id FROM journal_entry WHERE run_id = ? ORDER BY id")
        self.lines = rows(f"SELECT * FROM journal_line WHERE entry_id IN ({OF_RUN}) ORDER BY entry_id, line_no")
        self.entered = rows(f"SELECT * FROM entered_line WHERE entry_id IN ({OF_RUN})")
        self.moved = rows(
            "SELECT s.open_from, s.charge_no, s.version FROM entered_line e JOIN schedule s"
            f" ON s.charge_no = e.charge_no AND s.version = e.version WHERE e.entry_id IN ({OF_RUN})"
        )
        self.attempts = rows(f"SELECT * FROM attempt WHERE entry_id IN ({OF_RUN}) ORDER BY id")
        self.outcomes = rows(OUTCOMES)
        audit = source.execute("SELECT * FROM audit_event WHERE seq > ? ORDER BY seq", (audited,)).fetchall()
        self.audit = iter(audit)
        self.created = [json.loads(event[6]) for event in audit if event[4] == "entry created"]

    def write(self, driver: Any) -> None:
        """Find what is due, and commit: the intents once, twice per entry (before and after sending), and the end."""
        self.made = self._journal_lines(driver)
        self.digests = self._digests()
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

    def check(self) -> None:
        """Check that the lines that were made, and their digests, are those of the run."""
        assert self.made == self.lines
        digests = [one for detail in self.created for one in detail["digests"] if one["table"] == "journal_line"]
        assert self.digests == [one["sha256"] for one in digests]

    def _journal_lines(self, driver: Any) -> list[tuple[Any, ...]]:
        """Return a debit and a credit for each line that is due."""
        due = iter(driver.execute(DUE, (self.day, self.day)).fetchall())
        lines: list[tuple[Any, ...]] = []
        for number, *_content, count, _hash, _at, _state in self.entries:
            for at in range(1, count, 2):
                (
                    charge_no,
                    version,
                    seq,
                    of,
                    charge,
                    document,
                    customer,
                    item,
                    dimensions,
                    amount,
                    currency,
                    *accounts,
                ) = next(due)
                memo = f"{item} {seq}/{of} {document}"
                both = (amount, currency, charge, charge_no, version, seq, document, memo, customer, item, dimensions)
                lines.append((number, at, "debit", accounts[0], *both))
                lines.append((number, at + 1, "credit", accounts[1], *both))
        return lines

    def _digests(self) -> list[str]:
        """Return the digest of the lines of each entry."""
        text = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
        found, first = [], 0
        for *_content, count, _hash, _at, _state in self.entries:
            rows = self.made[first : first + count]
            found.append(sha256("\n".join([text(row[1:]) for row in rows]).encode()).hexdigest())
            first += count
        return found

    def _account_sums(self) -> list[tuple[Any, ...]]:
        """Return the number and the sum of the lines of each entry, account and side."""
        sums: dict[tuple[Any, ...], list[int]] = {}
        for number, _at, side, account, amount, *_rest in self.made:
            found = sums.setdefault((number, account, side), [0, 0])
            found[0] += 1
            found[1] += amount
        return [(*key, *found) for key, found in sums.items()]

    def _intents(self, driver: Any) -> None:
        driver.execute("BEGIN IMMEDIATE")
        _insert(driver, "posting_run", [self.run])
        _insert(driver, "journal_line", self.made)
        _insert(driver, "account_sum", self._account_sums())
        _insert(driver, "entered_line", self.entered)
        driver.executemany(MOVE, self.moved)
        driver.executemany(f"INSERT INTO journal_entry ({ENTRY}, state) VALUES ({', '.join('?' * 14)})", self.entries)
        _insert(driver, "audit_event", [next(self.audit), *(next(self.audit) for _ in self.entries)])
        driver.execute("COMMIT")


def _insert(driver: Any, table: str, rows: list[Any]) -> None:
    """Insert rows, as many by each statement as SQLite accepts, which is the fastest way."""
    one = f"({', '.join('?' * len(rows[0]))})"
    at_once = MOST_VARIABLES // len(rows[0])
    for at in range(0, len(rows), at_once):
        some = rows[at : at + at_once]
        driver.execute(f"INSERT INTO {table} VALUES {', '.join([one] * len(some))}", list(chain.from_iterable(some)))
