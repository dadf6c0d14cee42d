"""A folder of books as a user has it, and one sandbox process that all tests of this folder post to."""

import csv
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from support import sqlite

from revrec.jobs.admin import init
from revrec.jobs.context import Context, make_context
from revrec.jobs.importing import events as record_events
from revrec.jobs.importing import import_files
from revrec.jobs.reports.trace import trace
from revrec.jobs.running.result import RunResult
from revrec.jobs.running.run import run as run_job
from revrec.sources import NATIVE_EVENTS, EventRow
from revrec.store.posting.workers import at_work
from revrec.store.tables import metadata

ROOT = Path(__file__).resolve().parents[2]
HEADER = [
    "source", "document", "line", "customer", "item", "post_date", "amount", "currency", "rev_rec_date", "description",
    "quantity", "service_start", "service_end", "location", "department", "class", "project", "contract", "entity",
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
RULES = """
[[rule]]
name = "magazine"
[rule.when]
item = "MAG-*"
[rule.recognize]
method = "monthly"
offset = "7 days"
periods = 12

[[rule]]
name = "goods"
[rule.when]
item = "GOODS-*"
[rule.recognize]
method = "fixed_offset"
offset = "30 days"

[[rule]]
name = "delivery"
[rule.when]
item = "POD-*"
[rule.recognize]
method = "pod_date"

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
_TEMPLATES: list[Path] = []
"""A fresh folder to copy, for the many books of properties that never post and so may share a deployment id."""


def charge(document: str = "INV-1", **fields: str) -> Row:
    """A charge line's row: a magazine of 24.00 USD in twelve parts, unless told otherwise."""
    plain = {"source": "shop", "document": document, "line": "1", "customer": "C1007", "item": "MAG-1", **PLACE}
    return {**plain, "post_date": "2024-01-05", "amount": "24.00", "currency": "USD", **fields}


class Books:
    """A configuration, rules and a database in a folder of their own."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self.folder = folder
        self.environment = dict(environment)
        self.url = self.environment.get("REVREC_DATABASE_URL", "")
        if _TEMPLATES and not environment:
            shutil.copytree(_TEMPLATES[0], folder, dirs_exist_ok=True)
        else:
            if not self.url:
                folder.mkdir(parents=True, exist_ok=True)
                sqlite.copied(folder / "revrec.db")
            init.init(folder, self.url)
        if not environment and not _TEMPLATES:
            _TEMPLATES.append(Path(shutil.copytree(folder, f"{folder}.template")))
        self.database = folder / "revrec.db"
        self.slept: list[float] = []
        """How long the commands waited, without taking any time."""
        (folder / "revrec.toml").write_text(CONFIG)
        for shipped in (folder / "rules").glob("*.toml"):
            shipped.unlink()
        self.rules(RULES)

    def rules(self, text: str) -> None:
        """Put other rules in force."""
        (self.folder / "rules" / "rules.toml").write_text(text)

    def context(self, command: str = "test", later: timedelta = timedelta(0), **environment: str) -> Context:
        """What a command is given; ``later`` shifts its clock."""
        made = make_context(command, self.folder / "revrec.toml", environment={**self.environment, **environment})
        return replace(made, now=lambda: datetime.now(UTC) + later, sleep=self.slept.append)

    def file(self, name: str, rows: Sequence[Row], header: Sequence[str] = HEADER) -> Path:
        """A CSV file of rows."""
        path = self.folder / name
        with path.open("w", newline="") as file:
            writer = csv.DictWriter(file, header, restval="")
            writer.writeheader()
            writer.writerows(rows)
        return path

    def import_file(self, path: Path, **options: bool) -> import_files.ImportResult:
        """Import a file of charge lines."""
        return import_files.import_charges(self.context("import"), path, **options)

    def take(self, *rows: Row, name: str = "charges.csv") -> import_files.ImportResult:
        """Import rows as a file; they must all be good."""
        result = self.import_file(self.file(name, rows))
        assert not result.refused and not result.rejected, result
        return result

    def import_events(self, *rows: Row, name: str = "events.csv", **options: bool) -> import_files.ImportResult:
        """Import rows as a file of events."""
        path = self.file(name, rows, EVENT_HEADER)
        return import_files.import_document(self.context("import"), path, [NATIVE_EVENTS], **options)[0]

    def event(
        self,
        of: str,
        kind: str,
        day: str,
        name: str = "",
        percent: int | None = None,
        quantity: int | None = None,
        amount: int | None = None,
    ) -> Any:
        """Record one event by hand; ``amount`` in whole units of the currency."""
        share, units, money = (None if one is None else Decimal(one) for one in (percent, quantity, amount))
        row = EventRow(of, kind, date.fromisoformat(day), units, share, money, name, "")
        return record_events.add_event(self.context("event add"), row)

    def run(self, day: str, later: timedelta = timedelta(0), dry_run: bool = False, **environment: str) -> RunResult:
        """Run a day."""
        return run_job(self.context("run", later, **environment), date.fromisoformat(day), dry_run)

    def trace(self, reference: str) -> dict[str, Any]:
        """The life of the one charge that a reference means."""
        (life,) = trace(self.context("trace"), reference)
        return life

    def sql(self, text: str, *values: Any) -> list[tuple[Any, ...]]:
        """Rows of the database."""
        with closing(self._outsider()) as connection:
            if self.url:
                text = text.replace("%", "%%").replace("?", "%s")
            return list(connection.execute(text, values or ()).fetchall())

    def content(self) -> list[str]:
        """Everything that the database holds."""
        with closing(self._outsider()) as connection:
            if not self.url:
                return list(connection.iterdump())
            rows = (connection.execute(f"SELECT t::text FROM {name} t ORDER BY 1") for name in sorted(metadata.tables))
            return [str(row) for table in rows for row in table]

    def _outsider(self) -> Any:
        if not self.url:
            return sqlite3.connect(self.database)
        import psycopg

        return psycopg.connect(self.url)

    @contextmanager
    def beside(self, owner: str) -> Iterator[None]:
        """Meanwhile another worker of this name lives, where several can: on PostgreSQL."""
        if not self.url:
            yield
            return
        with at_work(self.context("other run").database, owner, 0, 1, 5):
            yield

    def open_parts(self, of: str) -> list[tuple[str, int]]:
        """The open schedule lines of a charge: dates and minor units."""
        return self.sql(
            "SELECT l.date, l.amount FROM schedule_line l JOIN charge_line c ON c.no = l.charge_no WHERE c.id = ?"
            " AND l.superseded_by IS NULL AND l.entry_id IS NULL ORDER BY l.date, l.seq",
            of,
        )

    def start(self, *words: str, **environment: str) -> "subprocess.Popen[str]":
        """A command of the CLI as a process of its own."""
        code = "from revrec.cli.main import main; main()"
        return subprocess.Popen(
            [sys.executable, "-c", code, "--config", str(self.folder / "revrec.toml"), *words],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            env={**os.environ, "HOME": str(self.folder), **self.environment, **environment},
        )


class Intacct:
    """The sandbox process, seen from its admin port."""

    def __init__(self, address: dict[str, Any]) -> None:
        self.address = address
        self.environment = {
            "INTACCT_ENDPOINT_URL": address["url"],
            "INTACCT_SENDER_ID": address["sender_id"],
            "INTACCT_SENDER_PASSWORD": address["sender_password"],
            "INTACCT_COMPANY_ID": address["company_id"],
            "INTACCT_USER_ID": address["user_id"],
            "INTACCT_USER_PASSWORD": address["user_password"],
        }

    def admin(self, path: str, **body: object) -> Any:
        """Change something from outside."""
        url = self.address["admin_url"].rstrip("/") + path
        request = urllib.request.Request(url, json.dumps(body).encode(), {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.load(answer)

    def view(self, path: str) -> Any:
        """Look at something."""
        with urllib.request.urlopen(self.address["admin_url"].rstrip("/") + path, timeout=10) as answer:
            return json.load(answer)

    def entries(self) -> list[dict[str, Any]]:
        """All journal entries of the ledger, oldest first."""
        found: list[dict[str, Any]] = self.view("/entries")["entries"]
        return found

    def fault(self, plan: str) -> None:
        """Let something go wrong."""
        self.admin("/fault", plan=plan)


def serve(*options: str, **environment: str) -> "subprocess.Popen[str]":
    """A sandbox process; its first line tells its address."""
    return subprocess.Popen(
        [sys.executable, "-m", "revrec.sandbox", "serve", *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        cwd=ROOT,
        env={**os.environ, **environment},
    )


@pytest.fixture(scope="session")
def server() -> Iterator[Intacct]:
    with serve("--quiet") as process:
        assert process.stdout
        yield Intacct(json.loads(process.stdout.readline()))
        process.terminate()


@pytest.fixture
def intacct(server: Intacct, switches: dict[str, Any]) -> Intacct:
    """The sandbox, as new."""
    server.fault("")
    server.admin("/reset")
    server.admin("/switch", **switches)
    if switches["masters"] == "strict":
        for item in ITEMS:
            server.admin("/items", id=item)
        server.admin("/customers", id="Zoë")
        server.admin("/contracts", id="CON-7")
    return server


@pytest.fixture
def offline(tmp_path: Path, database: dict[str, str]) -> Books:
    """Books that have no gateway."""
    return Books(tmp_path / "books", {"INTACCT_ENDPOINT_URL": "http://127.0.0.1:9/ia/xml/xmlgw.phtml", **database})


@pytest.fixture
def database(kind: str, request: pytest.FixtureRequest) -> dict[str, str]:
    """The setting that names the database of this test; none for the usual one."""
    return {} if kind == "sqlite" else {"REVREC_DATABASE_URL": request.getfixturevalue("database_url")}


@pytest.fixture
def books(tmp_path: Path, intacct: Intacct, database: dict[str, str]) -> Books:
    """Books that post to the sandbox process."""
    return Books(tmp_path / "books", {**intacct.environment, **database})


@pytest.fixture(scope="session")
def row() -> Callable[..., Row]:
    """Makes rows of charge lines."""
    return charge


@pytest.fixture(scope="session")
def sandbox_server() -> Callable[..., "subprocess.Popen[str]"]:
    """Starts further sandboxes."""
    return serve


@pytest.fixture(scope="session")
def new_books() -> Callable[..., Books]:
    """Makes further books."""
    return Books
