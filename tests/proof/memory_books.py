"""Books in memory: the real database with all its triggers, put back to a prepared state at once.

Several simulated workers share the one connection. That is sound only while no worker is stopped within a
transaction; a job that talked to Intacct within one would be found at once, for SQLite refuses a second BEGIN.
"""

import csv
import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any
from unittest import mock
from uuid import UUID

from ledger_model import Clock, Entry, Ledger, Violation
from sqlalchemy import Connection, create_engine, event
from sqlalchemy.pool import StaticPool

from revrec.core.journal import JournalEntry
from revrec.jobs import import_files, settings
from revrec.jobs.context import Context
from revrec.store import engine as engine_module
from revrec.store import entries, sqlite
from revrec.store.audit import GENESIS, chain_hash
from revrec.store.engine import Database

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
    "REVREC_POSTING_ATTEMPTS": "2",
}
MOST_ATTEMPTS = int(ENVIRONMENT["REVREC_POSTING_ATTEMPTS"])
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
    """A database in memory that tells before each transaction, so that a worker can be stopped there."""

    def __init__(self, step: Step) -> None:
        super().__init__("sqlite://")
        self.step = step
        self.engine = create_engine("sqlite://", poolclass=StaticPool, connect_args={"check_same_thread": False})
        event.listen(self.engine, "connect", sqlite.prepare)
        event.listen(self.engine, "begin", sqlite.begin)
        # The deployment id is part of every reference: a seed must give the same references every time.
        with mock.patch.object(engine_module, "uuid4", return_value=UUID(int=1)):
            self.create()

    @contextmanager
    def write(self, checked: bool = True, **how: Any) -> Iterator[Connection]:
        """As ever, after a step."""
        self.step("write")
        with super().write(checked, **how) as connection:
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


class MemoryBooks:
    """Rules, settings and a database in memory; every context made here shares the clock."""

    def __init__(self, folder: Path, clock: Clock) -> None:
        self.folder = folder
        self.clock = clock
        self.step: Step = lambda _label: None
        self.database = SteppedDatabase(self._at_transaction)
        self.settings = settings.load(None, folder, ENVIRONMENT)
        (folder / "rules").mkdir(exist_ok=True)
        self.rules()

    def _at_transaction(self, label: str) -> None:
        self.step(label)

    def _sleep(self, _seconds: float) -> None:
        """A worker that waits may be overtaken by everything else; that time passes is the world's own act."""
        self.step("sleep")

    def rules(self, name: str = "magazine", offset: int = 7, periods: int = 3) -> None:
        """Put other rules in force."""
        text = RULES.format(name=name, offset=offset, periods=periods)
        (self.folder / "rules" / "rules.toml").write_text(text)

    def context(self, command: str = "run", actor: str = "a person") -> Context:
        """What a command is given."""
        context = Context(self.settings, command, actor, ENVIRONMENT, self.clock, self._sleep)
        context.__dict__["database"] = self.database
        return context

    def take(self, rows: Sequence[dict[str, str]], name: str = "charges.csv") -> import_files.ImportResult:
        """Import charge lines."""
        path = self.folder / name
        with path.open("w", newline="") as file:
            writer = csv.DictWriter(file, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
        return import_files.import_charges(self.context("import"), path)

    def sql(self, text: str, *values: Any) -> list[tuple[Any, ...]]:
        """Rows of the database."""
        found: list[tuple[Any, ...]] = self.database.raw.execute(text, values).fetchall()
        return found

    def states(self) -> dict[str, str]:
        """The posting state of each entry by its reference."""
        return dict(self.sql("SELECT reference, state FROM journal_entry ORDER BY id"))

    def check_entries(self, ledger: Ledger, quiet: bool) -> None:
        """POSTED is in the ledger and equal. If nothing is under way, what was refused or given up is not in it."""
        for number, reference, state, record_no in self.sql(
            "SELECT id, reference, state, record_no FROM journal_entry"
            " WHERE state IN ('POSTED', 'REJECTED', 'REPLACED')"
        ):
            live = [entry for entry in ledger.of(reference) if not entry.foreign]
            if state == "POSTED":
                self._check_posted(ledger, number, reference, record_no)
            elif quiet and live:
                raise Violation(f"LOST: {reference} is {state} here, and in the ledger")

    def _check_posted(self, ledger: Ledger, number: int, reference: str, record_no: str) -> None:
        found = ledger.entries.get(record_no)
        if found is None or found.reference != reference:
            raise Violation(f"LOST: {reference} is POSTED as {record_no}, which the ledger does not have")
        if not found.foreign:
            self._check_equal(number, found)
            return
        (last,) = self.sql(
            "SELECT a.request, o.outcome FROM attempt a JOIN attempt_outcome o ON o.attempt_id = a.id"
            " WHERE a.entry_id = ? ORDER BY a.id DESC LIMIT 1",
            number,
        )
        if last[1] == "found" and not last[0].startswith("by hand"):
            shown = ledger.shown[reference]
            if 1 not in shown or content(self.entry(number)) not in shown:
                raise Violation(f"ADOPTED: {reference} is POSTED though Intacct showed {shown}")

    def _check_equal(self, number: int, found: Entry) -> None:
        if content(self.entry(number)) != found.content:
            raise Violation(f"LOST: {found.reference} is POSTED with other content than the ledger has")

    def entry(self, number: int) -> JournalEntry:
        """An entry with its lines."""
        with Database.read(self.database) as connection:
            return entries.entry(connection, number).entry

    def check_attempts(self) -> None:
        """Between a person's decisions nothing is sent more often than allowed."""
        for reference, sent, decisions in self.sql(
            "SELECT e.reference, count(*), (SELECT count(*) FROM audit_event v WHERE v.subject = e.reference"
            " AND v.action = 'entry READY' AND json_extract(v.detail, '$.from') = 'HELD')"
            " FROM attempt a JOIN journal_entry e ON e.id = a.entry_id"
            " LEFT JOIN attempt_outcome o ON o.attempt_id = a.id"
            " WHERE a.kind = 'send' AND o.outcome IS NOT 'not_run' GROUP BY e.id"
        ):
            if sent > MOST_ATTEMPTS * (1 + decisions):
                raise Violation(f"STUCK: {reference} was sent {sent} times, without a person being asked")

    def check_sums(self) -> None:
        """The valid schedule lines of a charge sum to it; every charge is scheduled or waits with a reason."""
        wrong = self.sql(
            "SELECT c.id FROM charge_line c LEFT JOIN schedule_line l ON l.charge_no = c.no AND l.superseded_by IS NULL"
            " LEFT JOIN unscheduled u ON u.charge_no = c.no GROUP BY c.no"
            " HAVING (sum(l.amount) IS NOT c.amount AND u.code IS NULL) OR (l.amount IS NULL AND u.code IS NULL)"
        )
        if wrong:
            raise Violation(f"LOST: {wrong} does not sum to its schedule, or has neither schedule nor reason")

    def check_lines(self) -> None:
        """A schedule line is on one live entry at most, and is the line that it is on."""
        twice = self.sql(
            "SELECT l.charge_no, l.version, l.seq FROM journal_line l JOIN journal_entry e ON e.id = l.entry_id"
            " WHERE e.state NOT IN ('REPLACED', 'CANCELLED') AND l.side = 'debit'"
            " GROUP BY 1, 2, 3 HAVING count(*) > 1"
        )
        if twice:
            raise Violation(f"DOUBLE: schedule lines {twice} are on two live entries")

    def check_audit(self) -> None:
        """The chain is unbroken."""
        previous = GENESIS
        rows = self.sql("SELECT seq, at, actor, command, action, subject, detail, previous_hash, hash FROM audit_event")
        for expected, (*values, seal) in enumerate(sorted(rows), 1):
            if values[0] != expected or values[7] != previous or chain_hash(values) != seal:
                raise Violation(f"LOST: the audit chain breaks at {values[0]}")
            previous = seal

    def scheduled(self, until: date) -> Counter[str]:
        """Each valid schedule line dated until a day, as its memo names it."""
        rows = self.sql(
            "SELECT c.id, l.seq FROM schedule_line l JOIN charge_line c ON c.no = l.charge_no"
            " WHERE l.superseded_by IS NULL AND l.date <= ?",
            until.isoformat(),
        )
        return Counter(f"{charge} {seq}" for charge, seq in rows)


def content(entry: JournalEntry) -> tuple[str, Counter[tuple[str, str, str, str]]]:
    """What the ledger must hold of an entry, in the gateway's writing."""
    lines = Counter(
        ("1" if line.side == "debit" else "-1", line.account, f"{Decimal(line.amount) / 100:.2f}", line.currency)
        for line in entry.lines
    )
    return f"{entry.date:%m/%d/%Y}", lines


def charge(document: str, item: str, amount: str, post_date: str = "2024-01-05", **more: str) -> dict[str, str]:
    """A row of charge lines."""
    row = {"source": "shop", "document": document, "line": "1", "customer": "C1", "item": item, "post_date": post_date}
    return {**row, "amount": amount, "currency": "USD", **more}


def read_json(text: str) -> Any:
    """The detail of an audit event."""
    return json.loads(text)
