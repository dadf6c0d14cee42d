"""Books as a user has them, a folder with configuration, rules and database, and rows to import into them."""

import csv
import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, Protocol

from revrec.cli.output import as_data
from revrec.jobs.admin import init
from revrec.jobs.context import Context, make_context
from revrec.jobs.importing import events as record_events
from revrec.jobs.importing import import_files
from revrec.jobs.reports.trace import trace
from revrec.jobs.running.result import RunResult
from revrec.jobs.running.run import run as run_job
from revrec.sources import NATIVE_EVENTS, EventRow
from revrec.store.posting.workers import active_run
from revrec.store.tables import metadata
from support import sqlite
from support.rule_texts import DELIVERY, GOODS, MAGAZINE, replace_rules

ROOT = Path(__file__).resolve().parents[2]
HEADER = [
    "source", "document", "line", "customer", "item", "post_date", "amount", "currency", "rev_rec_date", "description",
    "quantity", "service_start", "service_end", "location", "department", "class", "project", "contract", "entity",
    "credits", "recognized_before", "cutover", "bills",
]  # fmt: skip
EVENT_HEADER = ["charge", "kind", "date", "quantity", "percent", "amount", "name", "note"]
CONFIG = """
[accounts]
deferred = "2400"
accrued = "4000"
[posting]
quarantine = "3 s"
timeout = "5 s"
lease = "6 s"
clock_difference = "40000 days"
"""
RULES = f"""{MAGAZINE}offset = "7 days"
periods = 12
{GOODS}offset = "30 days"
{DELIVERY}
[[rule]]
name = "date-on-the-line"
priority = 1
[rule.recognize]
method = "rev_rec_date"
"""

ITEMS = ("MAG-1", "GOODS-1", "GOODS-2", "GOODS-3", "GOODS-4", "POD-1", "NEW-1", "ODD", "TOY-1")
"""Items of these tests, which a company that makes none on sight has to have."""

PLACE = {"location": "100"} if "location_required" in os.environ.get("REVREC_TEST_SWITCHES", "") else {}
"""Where lines belong in a company that wants to know it of each."""

Row = dict[str, str]


class MakeRow(Protocol):
    """The fixture ``row``: :func:`charge`."""

    def __call__(self, document: str = "INV-1", **fields: str) -> Row:
        """Return the row of a charge line."""


def charge(document: str = "INV-1", **fields: str) -> Row:
    """Return the row of a charge line: by default a magazine of 24.00 USD, recognized in twelve parts."""
    plain = {"source": "shop", "document": document, "line": "1", "customer": "C1007", "item": "MAG-1", **PLACE}
    return {**plain, "post_date": "2024-01-05", "amount": "24.00", "currency": "USD", **fields}


class Books:
    """A folder with a configuration, rules and a database, and short ways to give commands in it."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self.folder = folder
        self.environment = dict(environment)
        self.url = self.environment.get("REVREC_DATABASE_URL", "")
        self.database = folder / "revrec.db"
        self.slept: list[float] = []
        """The seconds that the commands asked to wait; they did not wait."""
        if not self.url:
            folder.mkdir(parents=True, exist_ok=True)
            sqlite.copied(self.database)
        init.init(folder, self.url)
        (folder / "revrec.toml").write_text(CONFIG)
        replace_rules(folder, RULES)

    def rules(self, text: str) -> None:
        """Replace the rules."""
        (self.folder / "rules" / "rules.toml").write_text(text)

    def context(
        self,
        command: str = "test",
        later: timedelta = timedelta(0),
        *,
        also: Mapping[str, str] = {},
        **environment: str,
    ) -> Context:
        """Return the context of a command, whose clock is ahead by ``later``; ``also`` is more of its environment."""
        settings = {**self.environment, **also, **environment}
        made = make_context(command, self.folder / "revrec.toml", environment=settings)
        return replace(made, now=lambda: datetime.now(UTC) + later, sleep=self.slept.append)

    def file(self, name: str, rows: Sequence[Row], header: Sequence[str] = HEADER) -> Path:
        """Write rows as a CSV file."""
        path = self.folder / name
        with path.open("w", newline="") as file:
            writer = csv.DictWriter(file, header, restval="")
            writer.writeheader()
            writer.writerows(rows)
        return path

    def import_file(self, path: Path, keep_good: bool = False, dry_run: bool = False) -> import_files.ImportResult:
        """Import a file of charge lines."""
        return import_files.import_charges(self.context("import"), path, keep_good=keep_good, dry_run=dry_run)

    def take(self, *rows: Row, name: str = "charges.csv") -> import_files.ImportResult:
        """Import rows, which must all be good."""
        result = self.import_file(self.file(name, rows))
        assert not result.refused and not result.rejected, result
        return result

    def import_events(self, *rows: Row, name: str = "events.csv", keep_good: bool = False) -> import_files.ImportResult:
        """Import rows as events."""
        path = self.file(name, rows, EVENT_HEADER)
        return import_files.import_document(self.context("import"), path, [NATIVE_EVENTS], keep_good)[0]

    def event(
        self,
        of: str,
        kind: str,
        day: str,
        name: str = "",
        percent: int | None = None,
        quantity: int | None = None,
        amount: int | str | None = None,
        scope: str = "",
    ) -> Any:
        """Record one event as ``revrec event add`` does; ``amount`` is in units of the currency."""
        share, units, money = (None if one is None else Decimal(one) for one in (percent, quantity, amount))
        row = EventRow(of, kind, date.fromisoformat(day), units, share, money, name, "", scope)
        return record_events.add_event(self.context("event add"), row)

    def run(
        self,
        day: str,
        later: timedelta = timedelta(0),
        dry_run: bool = False,
        *,
        also: Mapping[str, str] = {},
        **environment: str,
    ) -> RunResult:
        """Run a day; ``also`` is more of the environment."""
        return run_job(self.context("run", later, also=also, **environment), date.fromisoformat(day), dry_run)

    def trace(self, reference: str) -> dict[str, Any]:
        """Return the trace of the one charge line that a reference means, as its JSON."""
        (life,) = trace(self.context("trace"), reference)
        data: dict[str, Any] = as_data(life)
        return data

    def sql(self, text: str, *values: Any) -> list[tuple[Any, ...]]:
        """Return rows of the database, by a connection that revrec does not know of."""
        with closing(self._outsider()) as connection:
            if self.url:
                text = text.replace("%", "%%").replace("?", "%s")
            return list(connection.execute(text, values or ()).fetchall())

    def audit_seq(self) -> int:
        """Return the number of the last audit event."""
        ((seq,),) = self.sql("SELECT max(seq) FROM audit_event")
        return int(seq)

    def content(self) -> object:
        """Return everything that the database holds."""
        if not self.url:
            return sqlite.Content(self.database)
        with closing(self._outsider()) as connection:
            rows = (connection.execute(f"SELECT t::text FROM {name} t ORDER BY 1") for name in sorted(metadata.tables))
            return [str(row) for table in rows for row in table]

    def _outsider(self) -> Any:
        if not self.url:
            return sqlite3.connect(self.database)
        import psycopg

        return psycopg.connect(self.url)

    @contextmanager
    def beside(self, owner: str) -> Iterator[None]:
        """Let another worker of this name be at work during a block, on PostgreSQL, where several can."""
        if not self.url:
            yield
            return
        with active_run(self.context("other run").database, owner, 0, 1, 5):
            yield

    def open_parts(self, of: str) -> list[tuple[str, int]]:
        """Return the open schedule lines of a charge: dates and minor units."""
        return self.sql(
            "SELECT l.date, l.amount FROM schedule_line l JOIN charge_line c ON c.no = l.charge_no WHERE c.id = ?"
            " AND l.superseded_by IS NULL AND l.entry_id IS NULL ORDER BY l.date, l.seq",
            of,
        )

    def start(self, *words: str, **environment: str) -> "subprocess.Popen[str]":
        """Start a command of the CLI as a process."""
        config = ("--config", str(self.folder / "revrec.toml"))
        return self.start_program("from revrec.cli.main import main; main()", *config, *words, **environment)

    def start_program(self, code: str, *words: str, **environment: str) -> "subprocess.Popen[str]":
        """Start a Python program as a process."""
        return subprocess.Popen(
            [sys.executable, "-c", code, *words],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            env={**os.environ, "HOME": str(self.folder), **self.environment, **environment},
        )


class MakeBooks(Protocol):
    """The fixture ``fresh_books``: make books in a new folder."""

    def __call__(self, environment: Mapping[str, str]) -> Books:
        """Return the books, whose commands run in this environment."""
