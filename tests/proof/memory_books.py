"""Books in memory: the real database with all its triggers, put back to a prepared state at once.

Several simulated workers share the one connection. That is sound only while no worker is stopped within a
transaction; a job that talked to Intacct within one would be found at once, for SQLite refuses a second BEGIN.
"""

import csv
from abc import abstractmethod
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any
from unittest import mock
from uuid import UUID

from ledger_model import START, Clock, Violation
from promises import MOST_ATTEMPTS, Key, Promises
from sqlalchemy import Connection, create_engine, event
from sqlalchemy.pool import StaticPool

from revrec.core.journal import JournalEntry
from revrec.core.periods import POLICIES
from revrec.jobs import settings
from revrec.jobs.context import Context
from revrec.jobs.importing import import_files
from revrec.jobs.settings import Settings
from revrec.store.database import engine as engine_module
from revrec.store.database import sqlite
from revrec.store.database.engine import Database
from revrec.store.posting import entries
from revrec.store.posting.continuity import TrailHead

ENDPOINT = "http://127.0.0.1:9/ia/xml/xmlgw.phtml"
ENVIRONMENT = {
    "INTACCT_ENDPOINT_URL": ENDPOINT,
    "INTACCT_SENDER_ID": "sender",
    "INTACCT_SENDER_PASSWORD": "sender-password",
    "INTACCT_COMPANY_ID": "C",
    "INTACCT_USER_ID": "user",
    "INTACCT_USER_PASSWORD": "user-password",
    "REVREC_ACCOUNTS_DEFERRED": "2400",
    "REVREC_ACCOUNTS_ACCRUED": "4000",
    "REVREC_POSTING_ATTEMPTS": str(MOST_ATTEMPTS),
}

MOST_JOINED = 6
RULES = """
[[rule]]
name = "{name}"
[rule.when]
item = "MAG-*"
[rule.recognize]
method = "monthly"
offset = "{offset} days"
periods = {periods}
[rule.post]
memo = "{{charge}} {{seq}}"

[[repair]]
name = "closed account"
[repair.when]
error = "account-unknown"
account = "4000"
[repair.set]
account = "4100"

[[rule]]
name = "delivery"
[rule.when]
item = "POD-*"
[rule.recognize]
method = "pod_date"
[rule.post]
memo = "{{charge}} {{seq}}"

[[rule]]
name = "goods"
[rule.when]
item = "GOODS-*"
[rule.recognize]
method = "fixed_offset"
offset = "5 days"
[rule.post]
memo = "{{charge}} {{seq}}"
"""
Step = Callable[[str], None]


class SteppedDatabase(Database):
    """A database in memory that calls the test before each transaction, so that a worker can be stopped there."""

    def __init__(self, step: Step) -> None:
        super().__init__("sqlite://")
        self.step = step
        self.engine = create_engine("sqlite://", poolclass=StaticPool, connect_args={"check_same_thread": False})
        event.listen(self.engine, "connect", sqlite.prepare)
        event.listen(self.engine, "begin", sqlite.begin)
        # The deployment id is part of every reference: a seed must give the same references every time.
        with (
            mock.patch.object(engine_module, "uuid4", return_value=UUID(int=1)),
            mock.patch.object(engine_module, "datetime", mock.Mock(now=lambda _zone: START)),
        ):
            self.create()
        self.path = Path("/memory")
        self.kept: TrailHead | None = None
        """The head of the audit trail, which real books keep in a file beside the database."""

    @contextmanager
    def write(self, checked: bool = True, patience: float = 0) -> Iterator[Connection]:
        """As ever, after a step."""
        self.step("write")
        with super().write(checked, patience) as connection:
            yield connection

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """As ever, after a step."""
        self.step("read")
        with super().read() as connection:
            yield connection

    @property
    def raw(self) -> Any:
        """SQLite's own connection."""
        return self.engine.raw_connection().driver_connection

    def image(self) -> bytes:
        """All of it, as bytes."""
        found: bytes = self.raw.serialize()
        return found

    def put_back(self, image: bytes) -> None:
        """Make it what it was."""
        self.raw.deserialize(image)


class SimulatedBooks(Promises):
    """Settings and a database; every context made here shares the clock, and stops where ``step`` says."""

    database: Any

    def __init__(self, clock: Clock, policies: Mapping[str, Settings]) -> None:
        self.clock = clock
        self.policies = policies
        """Settings by the policy for closed periods; one of them is in force."""
        self.settings = policies["fail"]
        self.step: Step = lambda _label: None

    @abstractmethod
    def attempts(self) -> list[tuple[Any, ...]]:
        """Each attempt with its outcome and what that meant."""

    @abstractmethod
    def join(self, number: int) -> None:
        """Let the first so many of the further charge lines come in; those that are there stay as they are."""

    @abstractmethod
    def check_sums(self) -> None:
        """The schedules sum to their charges."""

    def _at_transaction(self, label: str) -> None:
        self.step(label)

    def _sleep(self, _seconds: float) -> None:
        """A worker that waits may be overtaken by everything else; that time passes is the world's own act."""
        self.step("sleep")

    def context(self, command: str = "run", actor: str = "a person") -> Context:
        """Return the context of a command."""
        context = Context(self.settings, command, actor, ENVIRONMENT, self.clock, self._sleep)
        context.__dict__["database"] = self.database
        return context


class MemoryBooks(SimulatedBooks):
    """Books whose database is the real one, in memory, with rules in a folder."""

    def __init__(self, folder: Path, clock: Clock) -> None:
        environments = {policy: {**ENVIRONMENT, "REVREC_POSTING_CLOSED_PERIOD": policy} for policy in POLICIES}
        super().__init__(clock, {policy: settings.load(None, folder, of) for policy, of in environments.items()})
        self.folder = folder
        self.database: SteppedDatabase = SteppedDatabase(self._at_transaction)
        (folder / "rules").mkdir(exist_ok=True)
        self.rules()

    def rules(self, name: str = "magazine", offset: int = 7, periods: int = 3) -> None:
        """Put other rules in force."""
        text = RULES.format(name=name, offset=offset, periods=periods)
        (self.folder / "rules" / "rules.toml").write_text(text)

    def take(self, rows: Sequence[dict[str, str]], name: str = "charges.csv") -> import_files.ImportResult:
        """Import charge lines."""
        path = self.folder / name
        with path.open("w", newline="") as file:
            writer = csv.DictWriter(file, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
        return import_files.import_charges(self.context("import"), path)

    def join(self, number: int) -> None:
        """Let the first so many of the further charge lines come in; those that are there stay as they are."""
        if number:
            self.take(JOINING[:number], "joined.csv")

    def sql(self, text: str, *values: Any) -> list[tuple[Any, ...]]:
        """Rows of the database."""
        found: list[tuple[Any, ...]] = self.database.raw.execute(text, values).fetchall()
        return found

    def postings(self) -> list[tuple[int, str, str, str | None]]:
        """Number, reference, state and record number of each entry."""
        return self.sql("SELECT id, reference, state, record_no FROM journal_entry ORDER BY id")

    def body(self, number: int) -> JournalEntry:
        """An entry with its lines."""
        with Database.read(self.database) as connection:
            return entries.read_entry(connection, number).entry

    def last_attempt(self, number: int) -> tuple[str, str | None]:
        """The request and the outcome of the last attempt for an entry."""
        (found,) = self.sql(
            "SELECT a.request, o.outcome FROM attempt a JOIN attempt_outcome o ON o.attempt_id = a.id"
            " WHERE a.entry_id = ? ORDER BY a.id DESC LIMIT 1",
            number,
        )
        return found[0], found[1]

    def attempts(self) -> list[tuple[Any, ...]]:
        """Each attempt with its outcome and what that meant."""
        return self.sql(
            "SELECT a.id, a.entry_id, a.number, a.kind, a.control_id, a.request, o.outcome, o.http_status, o.record_no,"
            " o.error, o.response, f.name, f.error_class FROM attempt a LEFT JOIN attempt_outcome o"
            " ON o.attempt_id = a.id LEFT JOIN attempt_failure f ON f.attempt_id = a.id ORDER BY a.id"
        )

    def sent_and_decided(self) -> Iterable[tuple[str, int, int]]:
        """By reference: how often it may have been sent, and how often a person let it be sent again."""
        return self.sql(
            "SELECT e.reference, count(*), (SELECT count(*) FROM audit_event v WHERE v.subject = e.reference"
            " AND v.action = 'entry READY' AND json_extract(v.detail, '$.from') = 'HELD')"
            " FROM attempt a JOIN journal_entry e ON e.id = a.entry_id"
            " LEFT JOIN attempt_outcome o ON o.attempt_id = a.id"
            " WHERE a.kind = 'send' AND o.outcome IS NOT 'not_run' GROUP BY e.id"
        )

    def on_live_entries(self) -> Iterable[tuple[Key, str]]:
        """Each schedule line and an entry that it is on by its journal lines, if that still counts."""
        found = self.sql(
            "SELECT l.charge_no, l.version, l.seq, e.reference FROM journal_line l JOIN journal_entry e"
            " ON e.id = l.entry_id WHERE e.state NOT IN ('REPLACED', 'CANCELED') AND l.side = 'debit'"
        )
        return [((charge, version, seq), reference) for charge, version, seq, reference in found]

    def scheduled(self, until: date) -> Counter[str]:
        """Each valid schedule line dated until a day, as its memo names it."""
        rows = self.sql(
            "SELECT c.id, l.seq FROM schedule_line l JOIN charge_line c ON c.no = l.charge_no"
            " WHERE l.superseded_by IS NULL AND l.date <= ?",
            until.isoformat(),
        )
        return Counter(f"{charge} {seq}" for charge, seq in rows)

    def open_lines(self, until: date) -> int:
        """How many schedule lines dated until a day are on no entry."""
        query = "SELECT count(*) FROM schedule_line WHERE entry_id IS NULL AND superseded_by IS NULL AND date <= ?"
        ((count,),) = self.sql(query, until.isoformat())
        return int(count)

    def check_sums(self) -> None:
        """The valid schedule lines of a charge sum to it; every charge is scheduled or waits with a reason."""
        wrong = self.sql(
            "SELECT c.id FROM charge_line c LEFT JOIN schedule_line l ON l.charge_no = c.no AND l.superseded_by IS NULL"
            " LEFT JOIN unscheduled u ON u.charge_no = c.no GROUP BY c.no"
            " HAVING (sum(l.amount) IS NOT c.amount AND u.code IS NULL) OR (l.amount IS NULL AND u.code IS NULL)"
        )
        if wrong:
            raise Violation(f"LOST: {wrong} does not sum to its schedule, or has neither schedule nor reason")


def charge(document: str, item: str, amount: str, post_date: str = "2024-01-05", **more: str) -> dict[str, str]:
    """A row of charge lines."""
    row = {"source": "shop", "document": document, "line": "1", "customer": "C1", "item": item, "post_date": post_date}
    return {**row, "amount": amount, "currency": "USD", **more}


JOINING = [charge(f"INV-J{number}", "GOODS-1", "3.00", "2024-01-07") for number in range(MOST_JOINED)]
"""Charge lines that come in later, recognized on the day of another."""
