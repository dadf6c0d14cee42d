"""A database with shorthands for the rows that a test needs in it."""

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from datetime import date
from itertools import count, pairwise
from typing import Any

from revrec.core.adjusting import PRESENTATION, AdjustingEntry, AdjustingLine
from revrec.core.charge_line import ChargeLine
from revrec.core.invoice import Invoice, InvoiceLine
from revrec.core.journal import DueLine, JournalEntry, build_entries, reversal_of
from revrec.core.posting_options import PostingOptions
from revrec.store import charges, contracts, rule_versions, schedules
from revrec.store.audit import AuditStamp, record
from revrec.store.database.engine import Database, deployment
from revrec.store.posting import adjustments, due, entries, invoices
from revrec.store.posting.adjustments import ADJUSTMENT_TABLES
from revrec.store.posting.entries import ENTRY_TABLES
from revrec.store.posting.invoices import INVOICE_TABLES
from revrec.store.posting.posting_tables import AttemptFailure, AttemptOutcome
from revrec.store.posting.reversals import Reversal
from revrec.store.tables import metadata
from support.sqlite import Content

WHO = AuditStamp("ada@books", "test", "2024-03-28T09:00:00.000000+00:00")
RULE = rule_versions.RuleVersion(
    "monthly", "ab" * 32, 'name = "monthly"', "rules.toml", "monthly", "2400", "4000", "RR", "{item} {seq}/{of}"
)
Parts = Sequence[tuple[date, int]]


class FilledDatabase:
    """A database, and short ways to fill it. ``sql`` connects past revrec: only the triggers can refuse a change."""

    def __init__(self, url: str) -> None:
        self.database = Database(url)
        self.path = self.database.path
        self._documents = count(1)

    @property
    def refusal(self) -> type[Exception]:
        """Return the error of a statement that a trigger or a constraint refuses."""
        driver: Any = self.database.engine.dialect.dbapi
        refusal: type[Exception] = driver.IntegrityError
        return refusal

    def sql(self, text: str, *values: Any) -> list[tuple[Any, ...]]:
        """Run one statement and commit it."""
        with closing(self._outsider()) as connection:
            if self.path:
                return list(connection.execute(text, values).fetchall())
            cursor = connection.execute(text.replace("?", "%s"), values or None)
            return cursor.fetchall() if cursor.description else []

    def _outsider(self) -> Any:
        if self.path:
            connection = sqlite3.connect(self.path, isolation_level=None)
            connection.execute("PRAGMA foreign_keys = ON")
            return connection
        import psycopg

        return psycopg.connect(self.database.url, autocommit=True)

    def content(self) -> object:
        """Return everything that the database holds."""
        if self.path:
            return Content(self.path)
        with closing(self._outsider()) as connection:
            rows = (connection.execute(f"SELECT t::text FROM {name} t ORDER BY 1") for name in sorted(metadata.tables))
            return [str(row) for table in rows for row in table]

    def one(self, text: str, *values: Any) -> Any:
        """Return the only value of the only row."""
        ((value,),) = self.sql(text, *values)
        return value

    def charge(
        self, parts: Parts, currency: str = "USD", amount: int | None = None, posted: int = 0, waits: int = 0
    ) -> int:
        """Add a charge line with its first schedule version, of which an amount may wait; return its number."""
        total = sum(part for _day, part in parts) if amount is None else amount
        line = ChargeLine("shop", f"INV-{next(self._documents)}", "1", "C1", "MAG-1", date(2024, 1, 1), total, currency)
        with self.database.write() as connection:
            no, import_id = charges.next_charge_number(connection), charges.next_import_id(connection)
            seq = record(connection, WHO, "import of charges begun", f"import {import_id}", {})
            file = charges.SourceFile("charges.csv", "0" * 64, 1)
            charges.add_import(connection, import_id, "charges", file, "native", WHO.at, WHO.actor, seq)
            charges.add_charges(connection, [charges.charge_row(no, line, import_id, 2)])
            self._version(connection, no, 1, total, parts, posted, seq, waits)
        return no

    def version(
        self, no: int, version: int, amount: int, parts: Parts, posted: int, waits: int = 0, price: int = 0
    ) -> None:
        """Add a schedule version that replaces the open lines; ``price`` is how much more it earns in all."""
        with self.database.write() as connection:
            seq = record(connection, WHO, "schedules derived again", "all", {})
            schedules.supersede(connection, [(no, version)])
            self._version(connection, no, version, amount, parts, posted, seq, waits, price)

    def _version(
        self,
        connection: Any,
        no: int,
        version: int,
        amount: int,
        parts: Parts,
        posted: int,
        seq: int,
        waits: int,
        price: int = 0,
    ) -> None:
        rule = rule_versions.keep_rule_version(connection, RULE, WHO)
        kept = schedules.WaitingAmount(waits, "held", "by a test") if waits else None
        change = schedules.SchedulePriceChange(price, "by a test") if price else None
        new = schedules.ScheduleVersion(no, version, rule, amount, posted, 1, parts, "by a test", seq, kept)
        schedules.add(connection, [new._replace(price_change=change)])

    def allocated(self, no: int) -> None:
        """Allocate two charge lines: the one with this number gives 100 to a new one, billed 1500."""
        other = self.charge([(date(2024, 1, 31), 1500)])
        with self.database.write() as connection:
            seq = record(connection, WHO, "schedules derived again", "all", {})
            contracts.add_members(connection, [(other, "INV-1", 1, seq)])
            billed = {one: charges.read_charge(connection, one).amount for one in (no, other)}
            lines = {
                no: contracts.AllocatedLine(billed[no], None, billed[no] - 100, "why"),
                other: contracts.AllocatedLine(billed[other], 1, 1600, "why"),
            }
            named = (1, "INV-1", 1, "bundles", "ab", "text", None)
            contracts.add_allocations(
                connection, [contracts.NewAllocation(*named, sum(billed.values()), "USD", seq, lines)]
            )
            schedules.supersede(connection, [(other, 2)])
            rule = rule_versions.keep_rule_version(connection, RULE, WHO)
            parts = [(date(2024, 3, 31), 1600)]
            new = schedules.ScheduleVersion(other, 2, rule, 1600, 0, 1, parts, "by a test", seq)
            schedules.add(connection, [new._replace(allocated=schedules.AllocatedDifference(1, 100))])

    def due(self, until: date = date(2030, 1, 1)) -> list[DueLine]:
        """Return the due lines, as a run reads them."""
        with self.database.read() as connection:
            return [line for line, _description in due.due_lines(connection, until)]

    def build(self, until: date = date(2030, 1, 1), summarize: str = "line") -> list[JournalEntry]:
        """Return the entries of all due lines, not yet stored, summarized by this level."""
        with self.database.read() as connection:
            name = deployment(connection)
        lines = (line._replace(options=PostingOptions(summarize=summarize)) for line in self.due(until))
        return list(build_entries(lines, name, "acme", 500))

    def take(self, *built: JournalEntry) -> list[int]:
        """Commit entries with their lines; return their numbers."""
        with self.database.write() as connection:
            run = entries.start_run(connection, date(2030, 1, 1), WHO)
            return entries.add_entries(connection, run, built, WHO)

    def entry(self, until: date = date(2030, 1, 1)) -> int:
        """Store the one entry of all due lines, READY; return its number."""
        (number,) = self.take(*self.build(until))
        return number

    def change(self, number: int, *states: str, record_no: str = "4711") -> None:
        """Move an entry along these states; POSTED comes with an attempt and a record number."""
        for old, new in pairwise(states):
            with self.database.write() as connection:
                values: dict[str, Any] = {}
                if new == "POSTED":
                    attempt, _ = ENTRY_TABLES.begin_attempt(connection, number, "send", "c", "<request/>", WHO)
                    ENTRY_TABLES.end_attempt(
                        connection, attempt, AttemptOutcome("posted", 200, record_no, None, ""), WHO
                    )
                    values = {"record_no": record_no}
                ENTRY_TABLES.change_state(connection, number, old, new, WHO, **values)

    def reverse(self, number: int, times: int = 0, change: dict[str, Any] | None = None) -> int:
        """Store the reversal of an entry, READY, its first line changed; return its number."""
        with self.database.write() as connection:
            entry = entries.read_entry(connection, number).entry
            mirror = reversal_of(entry, entry.date, times, deployment(connection), "acme")
            first = mirror.lines[0]._replace(**(change or {}))
            mirror = mirror._replace(lines=(first, *mirror.lines[1:]))
            reversal = Reversal(number, times, None, None, mirror.date.isoformat(), False, "by a test")
            run = entries.start_run(connection, entry.date, WHO)
            return entries.add_reversal_entry(connection, run, mirror, reversal, WHO)

    def invoice(self, *numbers: int, amount: int = 2400, after_id: int | None = None, **fields: Any) -> int:
        """Store an invoice of these charge lines, READY, with an attempt that was refused; return its number."""
        lines = tuple(
            InvoiceLine(
                at,
                self.one("SELECT id FROM charge_line WHERE no = ?", no),
                no,
                "GOODS",
                "",
                "1",
                "24.00",
                amount,
                "2400",
                "m",
                {},
            )
            for at, no in enumerate(numbers, 1)
        )
        name = f"IV{self.one('SELECT count(*) FROM invoice')}"
        made = Invoice(
            name,
            name.lower(),
            "ar_invoice",
            "shop",
            "INV-1",
            "INV-1",
            "",
            date(2024, 1, 5),
            "C1",
            "",
            "USD",
            "NET30",
            lines,
        )._replace(**fields)
        with self.database.write() as connection:
            run = entries.start_run(connection, date(2030, 1, 1), WHO)
            rule_versions.keep_rule_version(connection, RULE._replace(name="later", after_invoice=True), WHO)
            number = invoices.add_invoice(connection, run, made, WHO, after_id)
            attempt, _ = INVOICE_TABLES.begin_attempt(connection, number, "send", "c", "<request/>", WHO)
            outcome = AttemptOutcome("rejected", 200, None, "no", "")
            INVOICE_TABLES.end_attempt(
                connection, attempt, outcome, WHO, AttemptFailure("unit-missing", "needs_data", {})
            )
        return number

    def adjust(self, *amounts: int, reverses: int | None = None, **fields: Any) -> int:
        """Store an adjusting entry of these amounts, READY, with an attempt that was refused; return its number."""
        lines = tuple(AdjustingLine("1200", amount) for amount in amounts or (500, -500))
        name = f"AJ{self.one('SELECT count(*) FROM adjusting_entry')}"
        sequence = int(name[2:]) + 1
        day = date(2024, 1, 31)
        made = AdjustingEntry(
            name, name.lower(), PRESENTATION, "asset 2400", day, "", "USD", sequence, day, "RR", "t", "why", lines
        )
        with self.database.write() as connection:
            run = entries.start_run(connection, date(2030, 1, 1), WHO)
            number = adjustments.add_adjusting_entry(connection, run, made._replace(**fields), WHO, reverses)
            attempt, _ = ADJUSTMENT_TABLES.begin_attempt(connection, number, "send", "c", "<request/>", WHO)
            failure = AttemptFailure("unit-missing", "needs_data", {})
            outcome = AttemptOutcome("rejected", 200, None, "no", "")
            ADJUSTMENT_TABLES.end_attempt(connection, attempt, outcome, WHO, failure)
        return number
