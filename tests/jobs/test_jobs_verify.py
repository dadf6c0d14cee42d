"""A sound database verifies clean, and whatever is changed in it by another hand is found and named."""

import json
import os
import random
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from datetime import date, timedelta
from functools import cache
from itertools import cycle
from pathlib import Path
from typing import Any

import psycopg
import pytest

from revrec.core.adjusting import PRESENTATION, AdjustingLine, Adjustment
from revrec.core.errors import BadConfiguration, BadInput, RevrecError
from revrec.core.invoice import Invoice
from revrec.core.journal import JournalEntry
from revrec.intacct.gateway import (
    ClaimOutcome,
    ErrorClass,
    FoundCustomer,
    FoundEntry,
    FoundInvoice,
    FoundInvoiceLine,
    FoundLine,
    PostingAnswer,
    PostingOutcome,
    PreparedPosting,
)
from revrec.jobs.adjusting.adjustments import propose
from revrec.jobs.admin.database import note_restored
from revrec.jobs.admin.verify import VerifyResult, verify
from revrec.jobs.context import Context, make_context
from revrec.jobs.importing import documents, fetch, quarantine
from revrec.jobs.importing.import_files import import_document
from revrec.jobs.importing.mappings import mappings_of
from revrec.jobs.importing.voids import void_charge
from revrec.jobs.importing.withdrawals import withdraw_event
from revrec.jobs.invoicing.dropping import drop
from revrec.jobs.posting import resolve
from revrec.jobs.posting.reversing import ReversalOrder
from revrec.jobs.reports.status import status
from revrec.jobs.running.adjust import adjust
from revrec.jobs.running.reverse import reverse
from revrec.jobs.running.run import run
from revrec.jobs.scheduling.rebuild import schedule
from revrec.store.posting.ledger_changes import keep_changes
from revrec.store.tables import metadata
from support.books import Books, MakeRow, Row
from support.postgresql import PostgresqlServer
from support.rule_texts import BUNDLES
from support.wire import posted_heads

DAY = "2024-03-20"
WHY = "looked at it in Intacct"
TABLES = sorted(metadata.tables)
LIKE_THOSE_OF_ENTRIES = [table for table in TABLES if "invoice" in table or "adjusting" in table]
ENOUGH_OF_THEM = {
    "invoice": ("amount", "record_no"),
    "invoice_line": ("amount",),
    "invoice_attempt_outcome": ("response",),
    "adjusting_entry": ("amount", "reason"),
    "adjusting_line": ("account", "amount"),
}
LIKE_OTHERS = [table for table in LIKE_THOSE_OF_ENTRIES if table not in ("invoice_line", "adjusting_line")]
"""Tables that are made like others: their rows are removed, added and swapped on demand."""


def every_sixth(first: int) -> list[Any]:
    """Return the tables from ``first`` on in steps of six for each run, and the rest for the slow tests."""
    marks = [() if at % 6 == first else pytest.mark.slow for at in range(len(TABLES))]
    return [pytest.param(table, marks=its_own) for table, its_own in zip(TABLES, marks, strict=True)]


def some_by_kind(first: int) -> list[Any]:
    """Return each table on SQLite as :func:`every_sixth` does, and on PostgreSQL every third one for the slow tests.

    Each table is changed on PostgreSQL in one of three ways, and on SQLite in all of them; on demand on both.
    """
    slow, long = pytest.mark.slow, pytest.mark.long
    return [
        pytest.param(kind, table, marks=long if table in LIKE_OTHERS else often if at % step == first else rarely)
        for kind, step, often, rarely in (("sqlite", 6, (), slow), ("postgresql", 3, slow, long))
        for at, table in enumerate(TABLES)
    ]


def names(table: str) -> list[str]:
    """Return the columns that have values: the database computes the others."""
    return [column.name for column in metadata.tables[table].columns if column.computed is None]


EVERY_COLUMN = [(table, column) for table in TABLES for column in names(table)]
COLUMNS = [
    (table, column)
    for table, column in EVERY_COLUMN
    if table not in LIKE_THOSE_OF_ENTRIES or column in ENOUGH_OF_THEM.get(table, ())
]


REPAIRS = """
[[repair]]
name = "main-location"
priority = 2
when = { error = "unbalanced" }
set = { dimensions.location = "E100" }
[[repair]]
name = "no-class"
when = { error = "unbalanced" }
set = { dimensions.department = "OPS", omit = "class" }
"""
BILLED = """
[[rule]]
name = "billed-a"
when = { item = "BILL-A" }
recognize = { method = "monthly", periods = 6, after_invoice = true }
[[rule]]
name = "billed-b"
when = { item = "BILL-B" }
recognize = { method = "monthly", periods = 6, after_invoice = true }
"""
INVOICES = '[invoicing]\ndefault_term = "Net 30"\n[invoice.billed]\nas = "sales_order"\n'
PROJECT = """
[[rule]]
name = "project"
[rule.when]
item = "PROJ-*"
[rule.recognize]
method = "percent_complete"
"""
SUMMARIZED = """
[[rule]]
name = "summarized"
when = { item = "SUM-*" }
recognize = { method = "fixed_offset", offset = "30 days" }
post = { summarize = "item" }
"""
CREDITED = """
[[rule]]
name = "credited-a"
when = { item = "CRED-0" }
recognize = { method = "fixed_offset", offset = "10 days" }
post = { accrued = "4000" }
[[rule]]
name = "credited-b"
when = { item = "CRED-1" }
recognize = { method = "fixed_offset", offset = "10 days" }
post = { accrued = "4000" }
"""
SETS = (
    BUNDLES
    + """\
when = { item = ["SET-*"] }
[[rule]]
name = "set"
when = { item = "SET-*" }
recognize = { method = "fixed_offset" }
"""
)


BILLS = ((1, "A", ""), (2, "A", "B"), (3, "B", "B"))
"""Documents that are invoiced: number, item and entity, of which one is refused at first."""


class Ledger:
    """A gateway that answers by the entity of an entry, and shows what it saved."""

    def __init__(self) -> None:
        self.saved: list[tuple[str, JournalEntry]] = []
        self.twice: set[str] = {"D", "E"}
        self.refuses = {"B"}
        self.deaf = {"C", "D", "E"}
        self._prepared: dict[str, JournalEntry | Invoice] = {}
        self.invoiced: list[Invoice] = []

    def sign_in(self) -> None:
        pass

    def clock_offset(self) -> None:
        return None

    def entries_referenced(self, references: Any) -> list[FoundEntry]:
        return []

    def claim(self, control_ids: Any) -> list[ClaimOutcome]:
        return [ClaimOutcome.WON for _ in control_ids]

    def closed_through(self, entity: str = "") -> date | None:
        return {"": date(2024, 1, 31), "A": date(2024, 2, 29)}.get(entity)

    def prepare(self, entry: JournalEntry, comment: str = "") -> PreparedPosting:
        self._prepared[entry.control_id] = entry
        return PreparedPosting(entry.control_id, entry.reference, b"", f"<request>{entry.reference}</request>")

    def prepare_invoice(self, made: Invoice, unit: str = "", sources: Any = ()) -> PreparedPosting:
        self._prepared[made.control_id] = made
        return PreparedPosting(made.control_id, made.reference, b"", f"<request>{made.reference}</request>")

    def find_invoices(self, definition: str, numbers: Any) -> list[FoundInvoice]:
        wanted = set(numbers)
        found = [one for one in self.invoiced if one.definition == definition and one.number in wanted]
        line = FoundInvoiceLine("1", "0", "", "", None, 0)
        return [
            FoundInvoice(one.docid, one.number, "", "Pending", "", None, "", (line,) * len(one.lines)) for one in found
        ]

    def customers(self, ids: Any) -> dict[str, FoundCustomer]:
        return {one: FoundCustomer(True, "") for one in ids}

    def masters(self, kind: Any, ids: Any) -> dict[str, bool]:
        return dict.fromkeys(ids, True)

    def send(self, prepared: PreparedPosting) -> PostingAnswer:
        entry = self._prepared[prepared.control_id]
        if entry.entity in self.refuses:
            return PostingAnswer(
                PostingOutcome.REJECTED,
                entry.control_id,
                error_class=ErrorClass.NEEDS_DATA,
                advice="fix it",
                failure="unbalanced",
                named={"where": entry.reference},
            )
        if isinstance(entry, Invoice):
            self.invoiced.append(entry)
            return PostingAnswer(
                PostingOutcome.POSTED, entry.control_id, entry.docid, http_status=200, redacted_response="<ok/>"
            )
        self.saved.append((str(100 + len(self.saved)), entry))
        if entry.entity in self.deaf:
            return PostingAnswer(
                PostingOutcome.IN_DOUBT,
                entry.control_id,
                error_class=ErrorClass.IN_DOUBT,
                advice="read it back",
                failure="no-answer-in-time",
            )
        return PostingAnswer(
            PostingOutcome.POSTED, entry.control_id, self.saved[-1][0], http_status=200, redacted_response="<ok/>"
        )

    def find_entries(self, journal: str, reference: str) -> list[FoundEntry]:
        found = [_found(number, entry) for number, entry in self.saved if entry.reference == reference]
        return found * 2 if found and self._entity(reference) in self.twice else found

    def entries_numbered(self, record_nos: list[str]) -> list[FoundEntry]:
        return posted_heads(record_nos)

    def entries_since(self, journal: str, since: Any) -> list[FoundEntry]:
        return []

    def entries_dated(self, journal: str, start: date, end: date) -> list[FoundEntry]:
        return []

    def with_lines(self, heads: list[FoundEntry]) -> list[FoundEntry]:
        return heads

    def _entity(self, reference: str) -> str:
        return next(entry.entity for _number, entry in self.saved if entry.reference == reference)


def _found(number: str, entry: JournalEntry) -> FoundEntry:
    lines = tuple(FoundLine("1", one.line_no, one.side, one.account, one.amount, one.currency) for one in entry.lines)
    return FoundEntry(number, "1", entry.journal, entry.date, entry.title, entry.reference, "Posted", "", lines)


NOT_REVENUE = """
[[rule]]
name = "tax"
when = { item = "TAX-*" }
recognize = { method = "none", reason = "collected for the state" }
"""


def live(books: Books, row: MakeRow) -> Books:
    """Imports, events, waiting and rejected rows; entries posted, refused, repaired, doubted, held, canceled."""
    folder, gateway = books.folder, Ledger()

    @contextmanager
    def connect(_context: Context) -> Iterator[Any]:
        yield gateway

    def post(day: str, minutes: int) -> Any:
        return run(books.context("run", timedelta(minutes=minutes)), date.fromisoformat(day), connect=connect)

    text = (folder / "rules" / "rules.toml").read_text() + PROJECT + REPAIRS + SETS + BILLED + SUMMARIZED + CREDITED
    (folder / "rules" / "ssp.csv").write_text("item,price\nSET-1,6\nSET-2,4\n")
    books.rules(text)
    rows = [row(f"INV-{name}", entity=name, item="GOODS-1") for name in "ABCDE"]
    past = {"recognized_before": "24.00", "cutover": "2024-01-01"}
    rows += [row(f"PAST-{day}", item="GOODS-2", post_date=f"2023-10-0{day}", **past) for day in (5, 6)]
    rows += [row("INV-1"), row("INV-2", amount="-36.07"), row("INV-3", post_date="2024-02-10")]
    rows += [row(f"POD-{number}", item="POD-1", amount="10.00") for number in range(4)]
    rows += [row(f"PROJ-{number}", item="PROJ-1", amount="10.00") for number in range(3)]
    rows += [row(f"SUM-{number}", item=f"SUM-{number % 2}", currency="EUR") for number in range(4)]
    rows += [row(f"CRED-{number}", item=f"CRED-{number}") for number in range(2)]
    rows += [row(f"SET-{number}", line=line, item=f"SET-{line}") for number in range(2) for line in "12"]
    rows += [
        row(f"BILL-{number}", source="billed", item=f"BILL-{item}", entity=entity) for number, item, entity in BILLS
    ]
    with (folder / "revrec.toml").open("a") as config:
        config.write(INVOICES)
    rows += [row(f"TAX-{number}", item=f"TAX-{number}", rev_rec_date="2024-12-01") for number in range(2)]
    rows += [row("ODD-1", item="ODD"), row("BAD-1", amount="five"), row("BAD-2", post_date="2024-02-31")]
    books.import_file(books.file("charges.csv", rows), keep_good=True)
    books.take(
        row("INV-4", customer="Zoë ", description="größer\n– ✓"),
        row("INV-5", amount="25.00"),
        row("POD-9", item="POD-1"),
        name="more.csv",
    )
    for number, fields in ((1, {"amount": "5.00"}), (2, {"post_date": "2024-02-29"})):
        quarantine.fix(books.context("quarantine fix"), number, fields, WHY)
    quarantine.release(books.context("quarantine release"), [1])
    quarantine.dismiss(books.context("quarantine dismiss"), [2], WHY)
    for number in (6, 7):
        fetched(books, row(f"INV-{number}"))
        fetched(books, row(f"BAD-{number}", post_date="yesterday"), "refused")
    for refused in (2, 4):
        documents.dismiss(books.context("fetch dismiss"), [refused], WHY)
    books.import_events({"charge": "shop/POD-0/1", "kind": "pod", "date": "2024-02-01", "note": "signed"})
    books.event("shop/POD-1/1", "pod", "2024-02-02")
    for number, percent in ((0, 40), (1, 70), (0, 30)):
        books.event(f"shop/PROJ-{number}/1", "percent", "2024-02-02", percent=percent)
    books.event("shop/INV-3/1", "hold", "2024-06-01")
    for number, day in ((6, "2024-01-02"), (7, "2024-03-01")):
        books.event(f"shop/INV-{number}/1", "credit", day, amount=3)
    post("2024-02-20", 0)
    gateway.refuses.clear()
    post("2024-02-20", 1)
    held = books.sql("SELECT reference FROM journal_entry WHERE state = 'HELD' ORDER BY id")
    assert len(held) == 2
    resolve.as_posted(books.context("postings resolve"), held[0][0], "900", WHY)
    resolve.cancel(books.context("postings resolve"), held[1][0], WHY)
    changed = text.replace("periods = 12", "periods = 6").replace(CREDITED, CREDITED.replace("4000", "4010"))
    for tax in ("TAX-*", "TAX-0"):
        books.rules(changed + NOT_REVENUE.replace("TAX-*", tax))
        assert schedule(books.context("schedule"), rebuild=True).changes
    for number in range(2):
        books.event(f"shop/CRED-{number}/1", "credit", "2024-03-04", amount=3)
    gateway.deaf.clear()
    post(DAY, 3)
    for charge in ("shop/POD-0/1", "shop/POD-1/1"):
        books.event(charge, "pod", "2024-03-05")
    post(DAY, 4)
    for reference, final in zip(references_of(books, "GOODS-1", "MAG-1"), (True, False), strict=True):
        context = books.context("postings reverse", timedelta(minutes=5))
        assert reverse(context, ReversalOrder(reference, WHY, None, final), connect=connect).complete
    for number in (1, 2):
        withdraw_event(books.context("event withdraw"), number, WHY)
    for charge in ("shop/POD-2/1", "shop/POD-3/1", "shop/POD-9/1"):
        void_charge(books.context("charge void"), charge, WHY)
    ((entry, charge),) = books.sql("SELECT entry_id, charge_no FROM journal_line ORDER BY entry_id, line_no LIMIT 1")
    with books.context().database.write() as connection:
        gone = {(charge, "2400", day): amount for day, amount in (("2024-01-31", -300), ("2024-02-05", 200))}
        keep_changes(connection, books.context("reconcile").who(), entry, "entry", gone, "0123456789ab", 1)
    send_again(books)
    billed = {"source": "billed", "item": "BILL-A"}
    books.take(row("BILL-9", **billed), row("BILL-9", line="2", **billed, post_date="2024-02-05"), name="billed.csv")
    post(DAY, 6)
    ((refused,),) = books.sql("SELECT reference FROM invoice WHERE document = 'BILL-9'")
    drop(books.context("postings resolve"), refused, WHY, recognize=True)
    ahead = {"item": "GOODS-2", "post_date": "2024-01-09"}
    books.take(
        row("CON-1", **ahead, bills="later"),
        row("PART-1", **ahead, amount="5.00", bills="CON-1/1"),
        row("PART-2", **ahead, amount="-2.00", credits="PART-1"),
        name="ahead.csv",
    )
    gateway.refuses |= {"B", "C"}
    adjusted(books, connect, 8)
    gateway.refuses.clear()
    adjusted(books, connect, 9)
    return books


def adjusted(books: Books, connect: Any, minutes: int) -> None:
    """Post adjusting entries of two entities, with their reversals."""
    context, day = books.context("adjust", timedelta(minutes=minutes)), date(2024, 4, 30)
    lines = (AdjustingLine("1200", 500), AdjustingLine("2400", -500))
    wanted = [
        Adjustment(PRESENTATION, "asset 2400", day, entity, "USD", "RR", lines, WHY, date(2024, 5, 1))
        for entity in "BC"
    ]

    def make(connection: Any, number: int, company: str) -> list[int]:
        return propose(connection, context, number, company, PRESENTATION, day, wanted)

    adjust(context, day, make, connect=connect)


def send_again(books: Books) -> None:
    """Import two orders of a shop, and then the same orders with other figures."""
    shared = {"financial_status": "paid", "currency": "USD", "email": "a@example.com", "processed_at": "2024-03-01"}
    for version, prices in enumerate((("20.00", "30.00"), ("21.00", "32.00"))):
        orders = [
            {**shared, "id": id, "updated_at": f"2024-03-{version + 1}{id}",
             "line_items": [{"id": 1, "sku": "SOLD", "quantity": 1, "price": price}]}
            for id, price in enumerate(prices, 1)
        ]  # fmt: skip
        path = books.folder / f"order-{version}.json"
        path.write_text(json.dumps(orders))
        (charged, _delivered) = import_document(books.context(), path, mappings_of(books.context(), "shopify-orders"))
        assert charged.accepted == 2


def references_of(books: Books, *items: str) -> list[str]:
    """The reference of the first posted entry of a line of each item."""
    query = (
        "SELECT min(e.reference) FROM journal_entry e JOIN journal_line l ON l.entry_id = e.id"
        " WHERE e.state = 'POSTED' AND l.item = ?"
    )
    return [books.sql(query, item)[0][0] for item in items]


def fetched(books: Books, row: Row, outcome: str = "imported") -> None:
    """A document arrives by a source."""
    if "[source.partner]" not in (books.folder / "revrec.toml").read_text():
        with (books.folder / "revrec.toml").open("a") as config:
            config.write('[source.partner]\ntransport = "folder"\npath = "in"\nsettle_seconds = 0\nafter = "delete"\n')
        (books.folder / "in").mkdir()
    # An old file, or else the refused one before it would be read again as soon as that is old enough.
    os.utime(books.file(f"in/{row['document']}.csv", [row]), (0, 0))
    (result,) = fetch.fetch(books.context("fetch"))
    assert [one.outcome for one in result.documents] == [outcome]


MakeStory = Callable[[PostgresqlServer | None], Books]


@pytest.fixture(scope="session")
def make_story(tmp_path_factory: pytest.TempPathFactory, new_books: type[Books], row: MakeRow) -> Iterator[MakeStory]:
    """Return the maker of the story's books on SQLite, or on a server: once each, in whatever order tests ask."""
    servers: list[tuple[PostgresqlServer, str]] = []

    @cache
    def make(server: PostgresqlServer | None) -> Books:
        setting = {"REVREC_POSTING_CLOSED_PERIOD": "next_open"}
        if server:
            setting["REVREC_DATABASE_URL"] = url = server.as_clerk(server.fresh())
            servers.append((server, url))
        return live(new_books(tmp_path_factory.mktemp("story") / "books", setting), row)

    yield make
    for server, url in servers:
        server.drop(url)


@pytest.fixture
def story(kind: str, request: pytest.FixtureRequest, make_story: MakeStory) -> Books:
    return make_story(request.getfixturevalue("postgresql") if kind == "postgresql" else None)


@pytest.mark.both_databases
def test_a_sound_database_with_a_rich_story_verifies_clean(story: Books) -> None:
    result = verify(story.context("verify"))
    assert result.findings == [] and result.sound
    assert result.rows > 150 and result.events > 50
    for table in TABLES:
        assert story.sql(f"SELECT count(*) FROM {table}")[0][0] >= 2, f"the story has too few rows of {table}"
    states = {state for (state,) in story.sql("SELECT state FROM journal_entry")}
    assert states == {"POSTED", "REPLACED", "CANCELED"}
    assert story.sql("SELECT count(*) FROM schedule_line WHERE superseded_by IS NOT NULL")[0][0] > 5
    assert story.sql("SELECT count(*) FROM schedule_line WHERE revision > 0")[0][0] > 1


class Tampered:
    """A copy of the story's database, in the hands of a person who knows SQLite."""

    def __init__(self, url: str, config: Path) -> None:
        self.url = url
        self.path = Path(url.removeprefix("sqlite:///"))
        self.context = make_context("verify", database=url, environment={"REVREC_CONFIG": str(config)})

    def change(self, *statements: tuple[str, Any]) -> None:
        """Do this in spite of triggers, keys and checks, and put the triggers back."""
        with closing(sqlite3.connect(self.path, isolation_level=None)) as connection:
            connection.execute("PRAGMA foreign_keys = OFF")
            connection.execute("PRAGMA ignore_check_constraints = ON")
            connection.execute("PRAGMA synchronous = OFF")
            connection.execute("BEGIN")
            guards = connection.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").fetchall()
            for name, _sql in guards:
                connection.execute(f"DROP TRIGGER {name}")
            for text, values in statements:
                connection.execute(text, values)
            for _name, sql in guards:
                connection.execute(sql)
            connection.execute("COMMIT")

    def rows(self, table: str) -> list[tuple[Any, ...]]:
        with closing(sqlite3.connect(self.path)) as connection:
            return connection.execute(all_rows(table)).fetchall()

    def verified(self) -> VerifyResult:
        try:
            return verify(self.context)
        finally:
            self.context.database.engine.dispose()


class TamperedOnAServer(Tampered):
    """The same in the hands of PostgreSQL's superuser, whom no trigger and no foreign key stops."""

    def change(self, *statements: tuple[str, Any]) -> None:
        """Do this in spite of triggers, keys and checks."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute("SET session_replication_role = replica")
            for text, values in statements:
                self._force(connection, text.replace("?", "%s"), values)

    def _force(self, connection: Any, text: str, values: Any) -> None:
        while True:
            try:
                connection.execute(text, values)
            except psycopg.errors.CheckViolation as error:
                check = f"{error.diag.table_name} DROP CONSTRAINT {error.diag.constraint_name}"
                connection.execute(f"ALTER TABLE {check}")
            else:
                return

    def rows(self, table: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.url) as connection:
            return connection.execute(all_rows(table)).fetchall()


@pytest.fixture
def tampered(story: Books, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Tampered]:
    config = story.folder / "revrec.toml"
    if story.url:
        server = request.getfixturevalue("postgresql")
        copy = server.copy(story.url)
        yield TamperedOnAServer(copy, config)
        server.drop(copy)
        return
    with closing(sqlite3.connect(story.database)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    yield Tampered(f"sqlite:///{shutil.copy(story.database, tmp_path / 'copy.db')}", config)


def keys(table: str) -> list[str]:
    return [column.name for column in metadata.tables[table].primary_key.columns]


def said(table: str, row: tuple[Any, ...]) -> str:
    return ", ".join(f"{name} {row[names(table).index(name)]}" for name in keys(table))


def listed(table: str) -> str:
    return ", ".join(f'"{name}"' for name in names(table))


def all_rows(table: str) -> str:
    return f"SELECT {listed(table)} FROM {table} ORDER BY {', '.join(keys(table))}"


def where(table: str) -> str:
    return " AND ".join(f'"{name}" = ?' for name in keys(table))


def key_of(table: str, row: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple(row[names(table).index(name)] for name in keys(table))


def other(value: Any) -> Any:
    return value + 1000 if isinstance(value, int) else f"{value or ''}x"


def insert(table: str, row: tuple[Any, ...]) -> tuple[str, Any]:
    return f"INSERT INTO {table} ({listed(table)}) VALUES ({', '.join('?' * len(row))})", row


def delete(table: str, row: tuple[Any, ...]) -> tuple[str, Any]:
    return f"DELETE FROM {table} WHERE {where(table)}", key_of(table, row)


@pytest.mark.slow
@pytest.mark.parametrize(("table", "column"), COLUMNS)
def test_a_changed_value_is_found_and_its_row_named(tampered: Tampered, table: str, column: str) -> None:
    change_and_find(tampered, table, column)


@pytest.mark.long
@pytest.mark.parametrize("kind", ["postgresql"], indirect=True)
@pytest.mark.parametrize(("table", "column"), EVERY_COLUMN)
def test_a_value_changed_by_the_superuser_is_found_and_its_row_named(
    tampered: Tampered, table: str, column: str
) -> None:
    change_and_find(tampered, table, column)


@pytest.mark.both_databases
@pytest.mark.parametrize("table", every_sixth(1))
def test_some_changed_value_is_found_and_its_row_named(tampered: Tampered, table: str) -> None:
    change_and_find(tampered, table, names(table)[-1])


def change_and_find(tampered: Tampered, table: str, column: str) -> None:
    """Change a value of a row in the middle; verifying names the row."""
    rows = tampered.rows(table)
    row = rows[len(rows) // 2]
    value = row[names(table).index(column)]
    new = 4711 if value is None and "INT" in str(metadata.tables[table].c[column].type) else other(value)
    statement = f'UPDATE {table} SET "{column}" = ? WHERE {where(table)}'
    tampered.change((statement, (new, *key_of(table, row))))
    found = [one for one in tampered.verified().findings if one.table == table]
    assert found, "it is found, and its table named"
    if column not in keys(table):
        assert said(table, row) in {one.key for one in found}


WRONG_TYPES = {"bytes": b"\xff\x00 bytes", "null": None, "float": 1.5, "text": "x" * 100_000, "integer": 2**62}
"""Values of a type that the column does not have; SQLite stores them where its checks are off."""


@pytest.mark.parametrize(
    "kinds", [pytest.param(1, marks=pytest.mark.slow), pytest.param(len(WRONG_TYPES), marks=pytest.mark.long)]
)
@pytest.mark.parametrize("table", TABLES)
def test_a_value_of_another_type_is_a_finding_and_never_a_crash(tampered: Tampered, table: str, kinds: int) -> None:
    """Each column has some of the kinds: neighbors have different ones, and a table of some columns has all."""
    before, rows = tampered.path.read_bytes(), tampered.rows(table)
    row = rows[len(rows) // 2]
    for column, kind in zip(sorted(names(table) * kinds), cycle(WRONG_TYPES), strict=False):
        statement = f'UPDATE {table} SET "{column}" = ? WHERE {where(table)}'
        with suppress(sqlite3.IntegrityError):  # NOT NULL and the types of keys hold even without checks.
            tampered.change((statement, (WRONG_TYPES[kind], *key_of(table, row))))
            if tampered.rows(table) != rows:
                assert tampered.verified().findings, f"{kind} in {column}"
        tampered.path.write_bytes(before)


def test_a_revision_that_is_not_text_is_damage(tampered: Tampered) -> None:
    tampered.change(("UPDATE alembic_version SET version_num = ?", (b"\xff\x00",)))
    with pytest.raises(BadConfiguration, match="damaged"):
        tampered.verified()


@pytest.mark.parametrize("state", [b"\xff\x00", 7])
def test_the_status_of_books_with_a_state_that_is_not_text_is_shown(tampered: Tampered, state: object) -> None:
    tampered.change(("UPDATE journal_entry SET state = ? WHERE id = 1", (state,)))
    found = status(tampered.context).entries
    assert sum(found.values()) == len(tampered.rows("journal_entry")) and {type(one) for one in found} == {str}


@pytest.mark.parametrize(("kind", "table"), some_by_kind(0), indirect=["kind"])
def test_a_removed_row_is_found_and_named(tampered: Tampered, table: str) -> None:
    rows = tampered.rows(table)
    for row in {rows[0], rows[len(rows) // 2], rows[-1]}:
        tampered.change(delete(table, row))
        found = tampered.verified().findings
        last_event = table == "audit_event" and row == rows[-1]
        assert found if last_event else [one for one in found if one.table == table]
        if table == "allocation_line":
            assert ("allocation", f"id {row[0]}") in {(one.table, one.key) for one in found}
        elif not last_event and table not in ("unscheduled",):
            assert any(said(table, row).startswith(one.key) for one in found if one.table == table and one.key)
        tampered.change(insert(table, row))
    assert tampered.verified().sound, "all of it is back"


@pytest.mark.parametrize(("kind", "table"), some_by_kind(1), indirect=["kind"])
def test_an_added_row_is_found_and_named(tampered: Tampered, table: str) -> None:
    rows = tampered.rows(table)
    unique = {"audit_event": ["hash"], "charge_line": ["document"], "journal_entry": ["reference", "control_id"]}
    unique |= {"invoice": ["reference", "control_id"], "invoice_line": ["charge_no"]}
    unique |= {"adjusting_entry": ["reference", "control_id", "sequence"]}
    unique |= {"entry_reversal": ["times", "entry_id"]}
    unique |= {"journal_line": ["seq"], "rule_version": ["version", "sha256"]}
    unique |= {"repair_version": ["version", "sha256"], "repaired_value": ["field"], "allocation": ["version"]}
    unique |= {"plan": ["fingerprint"]}
    new = list(rows[len(rows) // 2])
    for column in (keys(table)[-1], *unique.get(table, ())):
        new[names(table).index(column)] = other(new[names(table).index(column)])
    tampered.change(insert(table, tuple(new)))
    found = [one for one in tampered.verified().findings if one.table == table]
    assert found
    if table != "audit_event":
        assert any(said(table, tuple(new)).startswith(one.key) for one in found)


@pytest.mark.parametrize(("kind", "table"), some_by_kind(2), indirect=["kind"])
def test_two_swapped_rows_are_found_and_the_first_named(tampered: Tampered, table: str) -> None:
    rows = tampered.rows(table)
    one, two = rows[0], rows[-1]
    at = [names(table).index(name) for name in keys(table)]

    def with_key(row: tuple[Any, ...], key: tuple[Any, ...]) -> tuple[Any, ...]:
        return tuple(key[place] if place in at else value for place, value in enumerate(row))

    tampered.change(delete(table, one), delete(table, two))
    tampered.change(insert(table, with_key(one, two)), insert(table, with_key(two, one)))
    found = [finding for finding in tampered.verified().findings if finding.table == table]
    assert said(table, one) in {finding.key for finding in found}


@pytest.mark.parametrize("what", [pytest.param("trigger", marks=pytest.mark.slow), "index"])
def test_every_guard_that_is_removed_or_changed_is_found(tampered: Tampered, what: str) -> None:
    with closing(sqlite3.connect(tampered.path, isolation_level=None)) as connection:
        query = "SELECT name, sql FROM sqlite_master WHERE type = ? AND sql IS NOT NULL ORDER BY name"
        for name, sql in connection.execute(query, [what]).fetchall()[::4]:
            connection.execute(f"DROP {what} {name}")
            gone = tampered.verified().findings
            assert [(one.key, one.problem) for one in gone] == [(f"{what} {name}", f"the {what} is missing")]
            connection.execute(sql)
            assert tampered.verified().sound
        connection.execute("CREATE TRIGGER quiet AFTER INSERT ON meta BEGIN SELECT 1; END")
    assert [one.key for one in tampered.verified().findings] == ["trigger quiet"]


def found_in(tampered: Tampered) -> set[tuple[str, str]]:
    return {(one.key, one.problem) for one in tampered.verified().findings}


def test_a_view_that_is_removed_or_changed_is_found(tampered: Tampered) -> None:
    with closing(sqlite3.connect(tampered.path, isolation_level=None)) as connection:
        for name in ("open_line", "schedule_line"):
            ((sql,),) = connection.execute("SELECT sql FROM sqlite_master WHERE name = ?", [name]).fetchall()
            connection.execute(f"DROP VIEW {name}")
            assert (f"view {name}", "the view is missing") in found_in(tampered)
            connection.execute(sql.replace("p.cumulative - p.before", "p.cumulative - p.before + 1"))
            assert (f"view {name}", "the view was changed") in found_in(tampered)
            connection.execute(f"DROP VIEW {name}")
            connection.execute(sql)
            assert tampered.verified().sound


WEAKENED = {
    "trigger charge_line charge_line_no_update": "ALTER TABLE charge_line DISABLE TRIGGER charge_line_no_update",
    "function charge_line_no_update": "CREATE OR REPLACE FUNCTION charge_line_no_update() RETURNS trigger"
    " LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'",
    "trigger meta quiet": "CREATE TRIGGER quiet AFTER INSERT ON meta EXECUTE FUNCTION charge_line_no_update()",
    "constraint plan_part plan_part_weight": "ALTER TABLE plan_part DROP CONSTRAINT plan_part_weight",
    "constraint journal_entry journal_entry_reference_key": "ALTER TABLE journal_entry"
    " DROP CONSTRAINT journal_entry_reference_key",
    "index schedule_open": "DROP INDEX schedule_open",
    "table charge_line": "ALTER TABLE charge_line ALTER customer DROP NOT NULL",
    "table meta": "ALTER TABLE meta ENABLE ROW LEVEL SECURITY",
    "rule meta quiet": "CREATE RULE quiet AS ON DELETE TO meta DO INSTEAD NOTHING",
    "view hidden": "CREATE VIEW hidden AS SELECT 1",
}


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["postgresql"], indirect=True)
def test_every_promise_that_is_removed_from_the_server_is_found(tampered: Tampered) -> None:
    before: set[str] = set()
    for name, sql in WEAKENED.items():
        tampered.change((sql, ()))
        found = {one.key for one in tampered.verified().findings}
        assert name in found - before
        before = found


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["postgresql"], indirect=True)
def test_foreign_keys_that_were_switched_off_are_found(tampered: Tampered) -> None:
    tampered.change(("ALTER TABLE journal_line DISABLE TRIGGER ALL", ()))
    found = [one.key for one in tampered.verified().findings]
    assert any(one.startswith("foreign key journal_line_entered_line") for one in found)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["postgresql"], indirect=True)
def test_a_dump_that_was_put_back_verifies_and_is_noted(
    postgresql: PostgresqlServer, story: Books, tmp_path: Path
) -> None:
    url = postgresql.empty()
    postgresql.tool("pg_dump", "--format=custom", f"--file={tmp_path / 'books.dump'}", owners_url(postgresql, story))
    postgresql.tool("pg_restore", "--no-owner", f"--dbname={url}", tmp_path / "books.dump")
    books = make_context("verify", database=url, environment={"REVREC_CONFIG": str(story.folder / "revrec.toml")})
    assert verify(books).sound
    assert note_restored(books, "the copy of 31 March") == 2
    assert verify(books).sound
    books.database.engine.dispose()
    postgresql.drop(url)


def owners_url(postgresql: PostgresqlServer, story: Books) -> str:
    return str(postgresql.url(story.url.partition("?")[0].rpartition("/")[2]))


def anchored(story: Books, path: Path) -> dict[str, Any]:
    assert verify(story.context("verify"), write_anchor=path).sound
    found: dict[str, Any] = json.loads(path.read_text())
    return found


def test_an_anchor_holds_the_head_and_a_chain_that_continues_it_passes(story: Books, tmp_path: Path) -> None:
    path = tmp_path / "anchor.json"
    anchor = anchored(story, path)
    ((seq, head),) = story.sql("SELECT seq, hash FROM audit_event ORDER BY seq DESC LIMIT 1")
    ((deployment,),) = story.sql("SELECT value FROM meta WHERE key = 'deployment'")
    assert (anchor["seq"], anchor["hash"], anchor["deployment"]) == (seq, head, deployment) and anchor["at"]
    result = verify(story.context("verify"), anchor=path)
    assert result.sound and result.anchored == seq


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"deployment": "another"}, "the anchor is of database another"),
        ({"seq": 10_000}, "the anchor has seen event 10000"),
        ({"hash": "0" * 64}, "its hash is not the anchored one"),
    ],
)
def test_a_chain_that_does_not_continue_its_anchor_is_reported(
    story: Books, tmp_path: Path, changed: dict[str, Any], said: str
) -> None:
    path = tmp_path / "anchor.json"
    path.write_text(json.dumps({**anchored(story, path), **changed}))
    (found,) = verify(story.context("verify"), anchor=path).findings
    assert found.check == "anchor" and said in found.problem


@pytest.mark.parametrize("text", ["", "[]", "{}", "[" * 100_000, '{"deployment": 1, "seq": 1, "hash": "", "at": ""}'])
def test_what_is_no_anchor_is_refused(story: Books, tmp_path: Path, text: str) -> None:
    path = tmp_path / "anchor.json"
    path.write_text(text)
    with pytest.raises(BadInput, match="name a file that revrec verify --write-anchor wrote"):
        verify(story.context("verify"), anchor=path)


def test_no_anchor_is_written_of_a_database_that_is_not_sound(tampered: Tampered, tmp_path: Path) -> None:
    tampered.change(("UPDATE charge_line SET customer = 'x' WHERE no = 3", ()))
    assert not verify(tampered.context, write_anchor=tmp_path / "anchor.json").sound
    assert not (tmp_path / "anchor.json").exists()


def contents(path: Path) -> list[Any]:
    with closing(sqlite3.connect(path)) as connection:
        return [sorted(connection.execute(f"SELECT * FROM {table}").fetchall(), key=repr) for table in TABLES]


@pytest.mark.parametrize(
    "trials", [pytest.param(200, marks=pytest.mark.slow), pytest.param(2_000, marks=pytest.mark.long)]
)
def test_every_flipped_byte_is_found_or_was_not_in_the_data(tampered: Tampered, trials: int) -> None:
    with closing(sqlite3.connect(tampered.path)) as connection:
        # Small pages leave less room for rows to come, so that most bytes are data.
        for statement in ("PRAGMA journal_mode = DELETE", "PRAGMA page_size = 1024", "VACUUM"):
            connection.execute(statement)
    whole = tampered.path.read_bytes()
    before = contents(tampered.path)
    chance = random.Random(20240328)
    found = 0
    for _trial in range(trials):
        at, bit = chance.randrange(len(whole)), 1 << chance.randrange(8)
        for left in tampered.path.parent.glob("copy.db-*"):
            left.unlink()
        tampered.path.write_bytes(whole[:at] + bytes([whole[at] ^ bit]) + whole[at + 1 :])
        try:
            sound = tampered.verified().sound
        except RevrecError:
            sound = False
        found += not sound
        if sound:
            assert contents(tampered.path) == before, f"byte {at}, bit {bit}: changed data was not found"
    assert found > 0.4 * trials, "most bytes of the pages are data; the rest is room for rows to come"
