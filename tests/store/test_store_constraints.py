"""Constraints that the database checks itself, whatever program writes to it."""

from collections.abc import Callable
from contextlib import ExitStack
from datetime import date
from typing import Any

import pytest

from revrec.core.errors import RevrecError
from revrec.core.journal import redate
from revrec.core.periods import PeriodFact
from revrec.core.posting import TRANSITIONS
from revrec.store import periods, schedules
from revrec.store.audit import AuditStamp
from revrec.store.plans import PlanKeeper, SharedPlan
from revrec.store.posting import entries
from revrec.store.schedules_in_force import SchedulesInForce
from revrec.store.tables import charge_line
from revrec.store.verifying.invariants import INVARIANTS, find_violations
from support.store import FilledDatabase

pytestmark = pytest.mark.both_databases

JAN, FEB, MAR = date(2024, 1, 31), date(2024, 2, 29), date(2024, 3, 31)
TWO = ((JAN, 1200), (FEB, 1200))
WHO = AuditStamp("ada@books", "test", "2024-03-28T09:00:00.000000+00:00")
STATES = ("READY", "SENDING", "POSTED", "REJECTED", "IN_DOUBT", "HELD", "REPLACED", "CANCELED")
WAYS = {
    "READY": ("READY",),
    "SENDING": ("READY", "SENDING"),
    "POSTED": ("READY", "SENDING", "POSTED"),
    "REJECTED": ("READY", "SENDING", "REJECTED"),
    "IN_DOUBT": ("READY", "SENDING", "IN_DOUBT"),
    "HELD": ("READY", "IN_DOUBT", "HELD"),
    "REPLACED": ("READY", "SENDING", "REJECTED", "REPLACED"),
    "CANCELED": ("READY", "IN_DOUBT", "HELD", "CANCELED"),
}
APPEND_ONLY = {
    "audit_event": "actor",
    "import_file": "uri",
    "charge_line": "amount",
    "quarantine": "raw",
    "quarantine_fix": "fields",
    "quarantine_outcome": "outcome",
    "cleaning": "steps",
    "fulfillment_event": "date",
    "event_withdrawal": "reason",
    "charge_void": "reason",
    "not_invoiced": "reason",
    "document_part": "part",
    "charge_change": "figures",
    "received_document": "outcome",
    "document_resolution": "reason",
    "rule_version": "text",
    "explanation": "text",
    "plan": "total",
    "plan_part": "date",
    "schedule_wait": "reason",
    "price_change": "amount",
    "contract_line": "contract",
    "allocation": "price",
    "allocation_line": "allocated",
    "schedule_allocation": "amount",
    "journal_line": "amount",
    "account_sum": "amount",
    "summary_line": "amount",
    "attempt": "request",
    "attempt_outcome": "response",
    "entry_reversal": "reason",
    "period_fact": "kind",
    "period_closing": "event_id",
    "ledger_change": "amount",
    "arrival_account": "account",
    "revenue_status": "is_revenue",
    "invoice_line": "amount",
    "invoice_attempt": "request",
    "invoice_attempt_outcome": "response",
    "invoice_attempt_failure": "name",
    "adjusting_line": "amount",
    "adjusting_attempt": "request",
    "adjusting_attempt_outcome": "response",
    "adjusting_attempt_failure": "name",
    "after_invoice": "rule",
}


@pytest.fixture
def full(books: FilledDatabase) -> FilledDatabase:
    """Books with at least one row in every table."""
    no = books.charge(TWO)
    books.charge(TWO, amount=3600, waits=1200)
    books.version(books.charge([(MAR, 1200)]), 2, 1500, [(MAR, 1500)], 0, price=300)
    books.sql("INSERT INTO contract_line VALUES (?, 'INV-1', 1, 1)", no)
    books.allocated(no)
    entry = books.entry(JAN)
    books.change(entry, *WAYS["POSTED"])
    books.sql("INSERT INTO ledger_change VALUES (1, ?, 'entry', ?, '2400', '2024-01-31', -1200, 'k', 1)", entry, no)
    books.sql("INSERT INTO arrival_account VALUES (?, '2400', 1)", no)
    books.sql("INSERT INTO revenue_status VALUES (?, 1, 0)", no)
    books.invoice(no)
    books.adjust()
    books.reverse(1)
    books.sql("INSERT INTO quarantine VALUES (1, 1, 9, '[]', '[]', '', '', '', '', '', '', '', '', NULL)")
    books.sql("INSERT INTO quarantine_fix VALUES (1, 1, '{}', 'why', 't', 'ada', 1)")
    books.sql("INSERT INTO quarantine_outcome VALUES (1, 'dismissed', '', 'why', 't', 'ada', 1)")
    books.sql("INSERT INTO cleaning VALUES (1, 1, 2, '[]')")
    books.sql("INSERT INTO period_fact VALUES (1, '', 'closed', '2024-01-01', 'person', 'why', 't', 'ada')")
    books.sql("INSERT INTO period_closing VALUES (1, 9, 3, 0, '{}')")
    books.sql(
        "INSERT INTO fulfillment_event (id, charge_no, kind, date, name, note, scope, recorded_at, actor)"
        " VALUES (1, ?, 'pod', '2024-02-01', '', '', '', '2024-02-01T00:00:00+00:00', 'ada')",
        no,
    )
    books.sql("INSERT INTO event_withdrawal VALUES (1, 'why', 't', 'ada', 1)")
    books.sql("INSERT INTO charge_void VALUES (?, 'why', 't', 'ada', 1)", no)
    books.sql("INSERT INTO not_invoiced VALUES (?, 'why', 't', 'ada', 1)", no)
    books.sql(
        "INSERT INTO received_document VALUES (1, 'edi', 'a.csv', 'm', 's', 9, 'refused', 'bad', '', '', 't', 'a')"
    )
    books.sql("INSERT INTO document_resolution VALUES (1, 'dismissed', 'why', 't', 'ada')")
    books.sql("INSERT INTO document_part VALUES (?, 'order', '')", no)
    books.sql("INSERT INTO charge_change VALUES (1, ?, 1, 3, '{}', '', 1)", no)
    books.charge([(date(2023, 12, 31), 700)])
    books.take(*books.build(date(2023, 12, 31), "account"))
    return books


@pytest.mark.slow
def test_history_is_never_rewritten(full: FilledDatabase, refused: Callable[..., None]) -> None:
    for table, column in APPEND_ONLY.items():
        assert full.one(f"SELECT count(*) FROM {table}") > 0, table
        refused("append-only: it is never updated", f"UPDATE {table} SET {column} = {column}")
        refused("is never deleted from", f"DELETE FROM {table}")


CHANGES_ITS_STATE = ["schedule", "entered_line", "journal_entry", "invoice", "adjusting_entry", "posting_run", "meta"]


def test_what_changes_its_state_is_still_never_deleted(full: FilledDatabase, refused: Callable[..., None]) -> None:
    for table in CHANGES_ITS_STATE:
        refused("is never deleted from", f"DELETE FROM {table}")


@pytest.mark.parametrize("way", ["INSERT OR REPLACE INTO import_file {}", "INSERT INTO import_file {} {}"])
def test_our_own_connections_cannot_replace_a_row_either(full: FilledDatabase, way: str) -> None:
    if "OR REPLACE" in way and not full.path:
        pytest.skip("SQLite's words")
    before = full.content()
    kept = "sha256, size, mapping, source, imported_at, actor, audit_seq"
    same = f"SELECT id, kind, 'x.csv', {kept} FROM import_file WHERE true"
    with pytest.raises(RevrecError, match="the database rejected the change"), full.database.write() as connection:
        connection.exec_driver_sql(way.format(same, "ON CONFLICT (id) DO UPDATE SET uri = 'x.csv'"))
    assert full.content() == before


@pytest.mark.parametrize("kind", ["postgresql"], indirect=True)
@pytest.mark.parametrize("table", ["audit_event", "charge_line", "journal_entry", "schedule", "plan", "entered_line"])
def test_a_table_cannot_be_emptied_at_a_stroke(full: FilledDatabase, refused: Callable[..., None], table: str) -> None:
    refused("is never deleted from", f"TRUNCATE {table} CASCADE")


def test_the_deployment_id_never_changes(books: FilledDatabase, refused: Callable[..., None]) -> None:
    refused("never changes", "UPDATE meta SET value = 'x' WHERE key = 'deployment'")


@pytest.mark.parametrize("parts", [((JAN, 1200), (FEB, 1199)), ((JAN, 1200), (FEB, 1201)), ((JAN, -2400),), ()])
def test_a_schedule_that_does_not_sum_to_its_charge_line_is_refused(books: FilledDatabase, parts: Any) -> None:
    before = books.content()
    with pytest.raises(RevrecError, match="a schedule sums to its charge line"):
        books.charge(parts, amount=2400)
    assert books.content() == before


def test_a_schedule_that_claims_more_carried_than_there_is_is_refused(books: FilledDatabase) -> None:
    with pytest.raises(RevrecError, match="a schedule sums to its charge line"):
        books.charge(((JAN, 1200),), amount=2400, posted=1200)


@pytest.mark.parametrize("waits", [1199, 1201, 3600, -1200])
def test_what_waits_makes_up_the_charge_line_with_the_parts(books: FilledDatabase, waits: int) -> None:
    before = books.content()
    with pytest.raises(RevrecError, match="a schedule sums to its charge line"):
        books.charge(TWO, amount=3600, waits=waits)
    assert books.content() == before
    no = books.charge(TWO, amount=3600, waits=1200)
    books.version(no, 2, 3600, [], 0, waits=3600)
    assert books.due() == []


def test_nothing_that_waits_can_be_added_to_a_sealed_version_nor_hang_in_the_air(
    books: FilledDatabase, refused: Callable[..., None]
) -> None:
    no = books.charge(TWO)
    add = "INSERT INTO schedule_wait (charge_no, version, amount, code, reason) VALUES (?, ?, 5, 'held', 'x')"
    refused("a schedule version is complete", add, no, 1)
    refused("(?i)foreign key", add, no, 2)


def test_a_schedule_sums_to_the_price_that_is_in_force(books: FilledDatabase) -> None:
    no = books.charge(TWO)
    before = books.content()
    for price, parts in ((300, [(FEB, 1200), (MAR, 1200)]), (0, [(FEB, 1200), (MAR, 1500)]), (301, [(MAR, 2700)])):
        with pytest.raises(RevrecError, match="a schedule sums to its charge line"):
            books.version(no, 2, sum(part for _day, part in parts), parts, 0, price=price)
    assert books.content() == before
    books.version(no, 2, 2700, [(MAR, 2700)], 0, price=300)
    books.version(no, 3, 0, [], 0, price=-2700)
    assert books.due() == []


def test_the_price_of_a_sealed_version_cannot_be_changed(books: FilledDatabase, refused: Callable[..., None]) -> None:
    no = books.charge(TWO)
    add = "INSERT INTO price_change (charge_no, version, amount, reason_id) VALUES (?, ?, 5, 1)"
    refused("a schedule version is complete", add, no, 1)
    refused("(?i)foreign key", add, no, 2)


def test_a_new_version_must_sum_with_what_is_on_entries(books: FilledDatabase) -> None:
    no = books.charge(TWO)
    books.entry(JAN)
    before = books.content()
    for wrong in ([(MAR, 1100)], [(FEB, 1200), (MAR, 1200)]):
        with pytest.raises(RevrecError, match="a schedule sums to its charge line"):
            books.version(no, 2, 2400, wrong, 1200)
    assert books.content() == before
    books.version(no, 2, 2400, [(MAR, 1200)], 1200)
    assert [line.date for line in books.due()] == [MAR]


def test_schedule_lines_are_computed_and_cannot_be_written(books: FilledDatabase) -> None:
    no = books.charge(TWO)
    assert books.sql("SELECT version, seq, date, amount FROM schedule_line WHERE charge_no = ?", no) == [
        (1, 1, "2024-01-31", 1200),
        (1, 2, "2024-02-29", 1200),
    ]
    driver: Any = books.database.engine.dialect.dbapi
    for change in ("UPDATE schedule_line SET amount = 1", "DELETE FROM schedule_line"):
        with pytest.raises(driver.Error, match=r"(?i)view"):
            books.sql(change)


def test_a_part_cannot_be_added_to_a_plan_that_is_complete(books: FilledDatabase, refused: Callable[..., None]) -> None:
    books.charge(TWO)
    add = "INSERT INTO plan_part (plan_id, seq, date, before, cumulative) VALUES (?, ?, '2024-03-31', 2, 3)"
    refused("a plan is complete", add, 1, 3)
    refused("(?i)foreign key", add, 2, 1)


@pytest.mark.parametrize(
    ("parts", "plan"),
    [
        ([(1, JAN, 0, 1), (2, FEB, 1, 2)], ("shares", 3, 2, 1, JAN)),
        ([(1, JAN, 0, 1), (2, FEB, 1, 2)], ("shares", 2, 3, 1, JAN)),
        ([(1, JAN, 0, 1), (2, FEB, 1, 2)], ("shares", 2, 2, 2, JAN)),
        ([(1, JAN, 0, 1), (2, FEB, 1, 2)], ("shares", 2, 2, 1, FEB)),
        ([(1, JAN, 0, 1), (2, FEB, 2, 3)], ("shares", 2, 3, 1, JAN)),
        ([(1, JAN, 1, 2)], ("shares", 1, 2, 1, JAN)),
        ([(1, JAN, 0, 1), (3, FEB, 1, 2)], ("shares", 2, 2, 1, JAN)),
        ([(0, JAN, 0, 1), (1, FEB, 1, 2)], ("shares", 1, 2, 1, JAN)),
        ([(1, JAN, 0, 2), (2, FEB, 2, 1)], ("shares", 2, 1, 1, JAN)),
        ([(1, FEB, 0, 1), (2, JAN, 1, 2)], ("shares", 2, 2, 1, FEB)),
        ([], ("amounts", 0, 0, 0, JAN)),
        ([(1, JAN, 0, 2), (2, FEB, 2, 3)], ("changed", 2, 3, 1, JAN, 1, 4)),
        ([(1, JAN, 0, 2), (2, FEB, 2, 3)], ("changed", 2, 3, 2, JAN, 2, 4)),
    ],
)
def test_a_plan_must_agree_with_its_parts(books: FilledDatabase, parts: Any, plan: Any) -> None:
    kind, count, total, smallest, first, *changed = plan
    carried, whole = changed or ("NULL", "NULL")

    def write() -> None:
        with books.database.write() as connection:
            for seq, day, before, cumulative in parts:
                connection.exec_driver_sql(f"INSERT INTO plan_part VALUES (9, {seq}, '{day}', {before}, {cumulative})")
            row = f"9, 'f', '{kind}', {count}, {total}, {smallest}, '{first}', {carried}, {whole}"
            connection.exec_driver_sql(f"INSERT INTO plan VALUES ({row})")

    before = books.content()
    with pytest.raises(RevrecError, match="a plan has the dates and weights of its parts"):
        write()
    assert books.content() == before


HEADER = (
    "INSERT INTO schedule (charge_no, version, rule_version_id, amount, posted, planned, base, plan_id, first_seq,"
    " lines, explanation_id, audit_seq, superseded_by, open_from) SELECT charge_no, 2, rule_version_id, amount, posted,"
    " {planned}, {base}, {plan_id}, {first_seq}, {lines}, explanation_id, audit_seq, {superseded_by}, {open_from}"
    " FROM schedule WHERE charge_no = {no}"
)


@pytest.mark.parametrize(
    "wrong",
    [
        {"lines": 3}, {"first_seq": 2}, {"first_seq": 0, "lines": 1}, {"open_from": "NULL"},
        {"open_from": "'2024-02-29'"}, {"superseded_by": 3}, {"plan_id": "NULL"},
        {"base": 2400},
    ],
)  # fmt: skip
def test_a_schedule_version_must_agree_with_its_plan(books: FilledDatabase, wrong: dict[str, Any]) -> None:
    no = books.charge(TWO)
    right = {
        "planned": 2400,
        "base": "NULL",
        "plan_id": 1,
        "first_seq": 1,
        "lines": 2,
        "open_from": "'2024-01-31'",
        "no": no,
    }

    def write(**changed: Any) -> None:
        with books.database.write() as connection:
            schedules.supersede(connection, [(no, 2)])
            connection.exec_driver_sql(HEADER.format(**{**right, "superseded_by": "NULL", **changed}))

    with pytest.raises(RevrecError, match="a schedule is divided by its plan"):
        write(**wrong)
    write()


LISTS = HEADER.replace("base,", "base, amounts,").replace("{base},", "NULL, {amounts},")


@pytest.mark.parametrize(
    "wrong",
    ["' 1500 1000'", "' 2400    0'", "' 1500  9000'", "' 2400'", "' 1500 0900'", "''", "' 1000  800  600'"],
)
def test_a_schedule_version_lists_an_amount_for_each_date_of_its_plan(books: FilledDatabase, wrong: str) -> None:
    no = books.charge(TWO)
    right = {
        "planned": 2400, "amounts": "' 1500  900'", "plan_id": 1, "first_seq": 1, "lines": 2, "superseded_by": "NULL",
        "open_from": f"'{JAN}'", "no": no,
    }  # fmt: skip

    def write(**changed: Any) -> None:
        with books.database.write() as connection:
            schedules.supersede(connection, [(no, 2)])
            connection.exec_driver_sql(LISTS.format(**{**right, **changed}))

    with pytest.raises(RevrecError, match=r"a schedule is divided by its plan|invalid input syntax"):
        write(amounts=wrong)
    write()
    lines = "SELECT amount FROM schedule_line WHERE charge_no = ? AND version = 2 ORDER BY seq"
    assert books.sql(lines, no) == [(1500,), (900,)]
    (one,) = (one for one in INVARIANTS if one.name == "amounts that a schedule version lists")
    with books.database.write() as connection:
        on = " ON schedule" if connection.dialect.name == "postgresql" else ""
        connection.exec_driver_sql(f"DROP TRIGGER schedule_fixed{on}")
        assert not list(find_violations(connection, one))
        if connection.dialect.name == "sqlite":
            connection.exec_driver_sql(f"UPDATE schedule SET amounts = {wrong} WHERE version = 2")
            assert list(find_violations(connection, one))


CHANGED = SharedPlan("changed", (JAN, FEB, MAR), (1, 2, 1), 1, 4)


@pytest.mark.parametrize(
    ("planned", "base"), [(2400, None), (2400, 1), (2400, 2**61), (601, 2400), (600 + 2**62, 2400), (2400, 2**60)]
)
def test_a_schedule_version_must_agree_with_its_changed_plan(
    books: FilledDatabase, planned: int, base: int | None
) -> None:
    with books.database.write() as connection:
        (plan,), _digests = PlanKeeper(connection).keep([CHANGED])
    assert plan
    no = books.charge(((JAN, planned),))
    right = {
        "planned": planned, "base": "NULL" if base is None else base, "plan_id": plan.id, "first_seq": 1, "lines": 3,
        "superseded_by": "NULL", "open_from": f"'{JAN}'", "no": no,
    }  # fmt: skip

    def write(base: object) -> None:
        with books.database.write() as connection:
            schedules.supersede(connection, [(no, 2)])
            connection.exec_driver_sql(HEADER.format(**{**right, "base": base}))

    with pytest.raises(RevrecError, match=r"a schedule is divided by its plan|bigint out of range"):
        write(right["base"])
    if planned == 2400:
        write(2000)
        lines = "SELECT amount FROM schedule_line WHERE charge_no = ? AND version = 2 ORDER BY seq"
        assert books.sql(lines, no) == [(500,), (1267,), (633,)]


def test_a_plan_of_parts_that_are_all_carried_over_needs_their_sum(books: FilledDatabase) -> None:
    with books.database.write() as connection:
        (plan,), _digests = PlanKeeper(connection).keep([SharedPlan("changed", (JAN, FEB), (1, 1), 2, 3)])
    assert plan
    no = books.charge(((JAN, 1600),))
    right = {
        "planned": 1600, "plan_id": plan.id, "first_seq": 1, "lines": 2, "superseded_by": "NULL",
        "open_from": f"'{JAN}'", "no": no,
    }  # fmt: skip
    for base, fits in ((2403, False), (2400, True)):
        with ExitStack() as stack:
            if not fits:
                stack.enter_context(pytest.raises(RevrecError, match="a schedule is divided by its plan"))
            connection = stack.enter_context(books.database.write())
            schedules.supersede(connection, [(no, 2)])
            connection.exec_driver_sql(HEADER.format(**right, base=base))
    assert books.sql("SELECT amount FROM schedule_line WHERE version = 2 ORDER BY seq") == [(800,), (800,)]


def test_an_amount_that_its_plan_would_divide_into_nothing_or_overflow_gets_a_plan_of_amounts(
    books: FilledDatabase,
) -> None:
    small = books.charge(((JAN, 1), (FEB, 1)))
    assert books.one("SELECT kind FROM plan") == "shares"
    huge = books.charge(((JAN, 2**61), (FEB, 2**61)))
    assert books.sql("SELECT kind FROM plan ORDER BY id") == [("shares",), ("amounts",)]
    lines = "SELECT amount FROM schedule_line WHERE charge_no = ? ORDER BY seq"
    assert books.sql(lines, small) == [(1,), (1,)]
    assert books.sql(lines, huge) == [(2**61,), (2**61,)]
    for no, amount in enumerate((1, 2**62), 10):
        other = {"no": str(no), "document": f"'{no}'", "amount": str(amount)}
        names = [column.name for column in charge_line.columns if column.computed is None]
        columns, values = ", ".join(names), ", ".join(other.get(name, name) for name in names)
        books.sql(f"INSERT INTO charge_line ({columns}) SELECT {values} FROM charge_line WHERE no = ?", small)
        with pytest.raises(books.refusal, match="a schedule is divided by its plan"):
            books.sql(
                "INSERT INTO schedule (charge_no, version, rule_version_id, amount, posted, planned, plan_id,"
                f" first_seq, lines, explanation_id, audit_seq, open_from) SELECT {no}, 1, rule_version_id, {amount},"
                f" 0, {amount}, plan_id, 1, 2, explanation_id, audit_seq, open_from FROM schedule WHERE charge_no = ?",
                small,
            )


def test_a_schedule_version_never_changes(books: FilledDatabase, refused: Callable[..., None]) -> None:
    books.charge(TWO)
    for change in (
        "amount = 1",
        "planned = 1",
        "base = 1",
        "plan_id = NULL",
        "first_seq = 2",
        "lines = 3",
        "posted = posted + 1",
    ):
        refused("never changes: write a new version", f"UPDATE schedule SET {change}")


def test_a_schedule_version_can_only_be_superseded_by_the_next_one_that_is_then_written(
    books: FilledDatabase, refused: Callable[..., None]
) -> None:
    no = books.charge(TWO)
    change = "UPDATE schedule SET superseded_by = ?, open_from = NULL WHERE charge_no = ?"
    refused("(?i)foreign key", change, 2, no)
    for wrong in (1, 3):
        refused("superseded once, by the next version", change, wrong, no)
    refused("schedule_open_from", "UPDATE schedule SET superseded_by = 2")


def test_a_superseded_version_cannot_come_back_nor_be_posted(
    books: FilledDatabase, refused: Callable[..., None]
) -> None:
    no = books.charge(TWO)
    books.version(no, 2, 2400, [(MAR, 2400)], 0)
    refused("superseded once", "UPDATE schedule SET superseded_by = NULL WHERE version = 1")
    refused("only an open schedule line", "INSERT INTO entered_line VALUES (?, 1, 1, 77, 0, NULL)", no)


def test_a_line_on_an_entry_cannot_be_superseded(books: FilledDatabase, refused: Callable[..., None]) -> None:
    books.charge(TWO)
    books.entry(JAN)
    refused("only an open schedule line can be superseded", "UPDATE entered_line SET superseded_by = 2 WHERE seq = 1")


def test_a_released_line_is_superseded_once_by_a_version_that_is_then_written(
    books: FilledDatabase, refused: Callable[..., None]
) -> None:
    no = books.charge(TWO)
    number = books.entry(JAN)
    books.change(number, *WAYS["REPLACED"])
    books.sql("UPDATE entered_line SET entry_id = NULL, revision = revision + 1")
    refused("(?i)foreign key", "UPDATE entered_line SET superseded_by = 2")
    refused("by a later version", "UPDATE entered_line SET superseded_by = 1")
    books.version(no, 2, 2400, [(MAR, 2400)], 0)
    assert books.sql("SELECT seq, superseded_by FROM schedule_line WHERE version = 1 ORDER BY seq") == [(1, 2), (2, 2)]
    refused("only an open", "UPDATE entered_line SET superseded_by = NULL")
    refused("at most one live journal entry", "UPDATE entered_line SET entry_id = 77")


@pytest.mark.parametrize("row", ["1, 1, 3, 77, 0, NULL", "1, 1, 0, 77, 0, NULL", "1, 1, 1, NULL, 1, NULL",
                                 "1, 1, 1, 77, 1, NULL", "1, 1, 1, 77, 0, 1", "1, 2, 1, 77, 0, NULL"])  # fmt: skip
def test_only_an_open_line_of_a_version_is_put_on_an_entry(
    books: FilledDatabase, refused: Callable[..., None], row: str
) -> None:
    books.charge(TWO)
    refused("only an open schedule line is put on a journal entry", f"INSERT INTO entered_line VALUES ({row})")


def test_a_schedule_line_is_on_at_most_one_live_entry(books: FilledDatabase, refused: Callable[..., None]) -> None:
    books.charge(TWO)
    built = books.build(JAN)
    books.take(*built)
    before = books.content()
    again = [one._replace(reference="RROTHER", control_id="other") for one in built]
    with pytest.raises(RevrecError, match="at most one live journal entry"):
        books.take(*again)
    assert books.content() == before
    refused("at most one live journal entry", "UPDATE entered_line SET entry_id = NULL WHERE seq = 1")
    refused("at most one live", "UPDATE entered_line SET entry_id = NULL, revision = revision + 1 WHERE seq = 1")
    refused("never changes, its revision only with its entry", "UPDATE entered_line SET revision = 5")


def test_a_line_cannot_be_hung_on_an_entry_that_is_complete_without_it(
    books: FilledDatabase, refused: Callable[..., None]
) -> None:
    books.charge(TWO)
    entry = books.entry(JAN)
    refused("only an open schedule line", "INSERT INTO entered_line VALUES (1, 1, 2, ?, 0, NULL)", entry)


def test_an_entry_must_carry_every_line_that_it_takes(books: FilledDatabase) -> None:
    books.charge(TWO)
    built = books.build(JAN)
    before = books.content()

    def take_one_more() -> None:
        with books.database.write() as connection:
            connection.exec_driver_sql("INSERT INTO entered_line VALUES (1, 1, 2, 1, 0, NULL)")
            run = entries.start_run(connection, JAN, WHO)
            entries.add_entries(connection, run, built, WHO)

    with pytest.raises(RevrecError, match=r"each journal line carries|an entry has the recognition date"):
        take_one_more()
    assert books.content() == before


@pytest.mark.parametrize("state", ["REPLACED", "CANCELED"])
def test_an_entry_that_was_given_up_gives_its_lines_back_under_a_new_revision(
    books: FilledDatabase, state: str
) -> None:
    books.charge(TWO)
    number = books.entry(JAN)
    old = books.one("SELECT reference FROM journal_entry")
    books.change(number, *WAYS[state])
    books.sql("UPDATE entered_line SET entry_id = NULL, revision = revision + 1 WHERE entry_id = ?", number)
    books.entry(JAN)
    references = books.sql("SELECT reference FROM journal_entry ORDER BY id")
    assert references[0] == (old,) and references[1] != (old,)


def unbalanced(lines: tuple[Any, ...]) -> tuple[Any, ...]:
    return (lines[0], lines[1]._replace(amount=1))


def other_amount(lines: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple(line._replace(amount=1) for line in lines)


def other_currency(lines: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple(line._replace(currency="EUR") for line in lines)


def one_sided(lines: tuple[Any, ...]) -> tuple[Any, ...]:
    return lines[:1]


def two_debits(lines: tuple[Any, ...]) -> tuple[Any, ...]:
    return (lines[0], lines[1]._replace(side="debit"))


@pytest.mark.parametrize("spoil", [unbalanced, other_amount, other_currency, one_sided, two_debits])
def test_an_entry_that_does_not_balance_line_for_line_is_refused(books: FilledDatabase, spoil: Any) -> None:
    books.charge(TWO)
    (entry,) = books.build(JAN)
    before = books.content()
    with pytest.raises(RevrecError, match="rejected the change"):
        books.take(entry._replace(lines=spoil(entry.lines)))
    assert books.content() == before


@pytest.mark.parametrize("state", [one for one in STATES if one != "READY"])
def test_an_entry_starts_ready_and_in_no_other_state(books: FilledDatabase, state: str) -> None:
    books.charge(TWO)
    books.entry(JAN)

    def write_second(state: str) -> None:
        with books.database.write() as connection:
            connection.exec_driver_sql(
                "INSERT INTO journal_line SELECT 2, line_no, side, account, amount, currency, charge, charge_no,"
                " version, 2, document, memo, customer, item, dimensions FROM journal_line"
            )
            sums = "SELECT 2, account, side, lines, amount FROM account_sum"
            connection.exec_driver_sql(f"INSERT INTO account_sum {sums}")
            connection.exec_driver_sql("INSERT INTO entered_line VALUES (1, 1, 2, 2, 0, NULL)")
            connection.exec_driver_sql(
                "INSERT INTO journal_entry (id, reference, control_id, run_id, date, journal, entity, currency, title,"
                " amount, lines, content_hash, created_at, state) SELECT 2, 'RR2', 'c2', run_id, '2024-02-29', journal,"
                " entity, currency, title, amount, lines, content_hash, created_at,"
                f" '{state}' FROM journal_entry"
            )

    with pytest.raises(RevrecError, match="a journal entry starts READY"):
        write_second(state)
    write_second("READY")


@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(lambda sums: [*sums[:1], (*sums[1][:4], sums[1][4] + 1)], id="another amount"),
        pytest.param(lambda sums: [*sums[:1], (*sums[1][:3], 2, sums[1][4])], id="another number of lines"),
        pytest.param(lambda sums: sums[:1], id="a sum is missing"),
        pytest.param(lambda _sums: [], id="no sums"),
        pytest.param(lambda sums: [*sums, (sums[0][0], "9999", "debit", 1, 1200)], id="an account without lines"),
    ],
)
def test_an_entry_without_the_sums_of_its_accounts_is_refused(
    books: FilledDatabase, monkeypatch: pytest.MonkeyPatch, spoil: Callable[[Any], Any]
) -> None:
    books.charge(TWO)
    right = entries._account_sums
    monkeypatch.setattr(entries, "_account_sums", lambda number, rows: spoil(list(right(number, rows))))
    before = books.content()
    with pytest.raises(RevrecError, match="an entry has the sum of its lines for each account and side"):
        books.entry(JAN)
    assert books.content() == before


def test_no_sum_is_added_to_an_entry_that_is_complete(books: FilledDatabase, refused: Callable[..., None]) -> None:
    books.charge(TWO)
    books.entry(JAN)
    refused("a journal entry is complete", "INSERT INTO account_sum VALUES (1, '9999', 'debit', 1, 1)")


def test_nothing_is_added_to_an_entry_that_is_complete(books: FilledDatabase, refused: Callable[..., None]) -> None:
    books.charge(TWO)
    books.entry(JAN)
    refused(
        "a journal entry is complete",
        "INSERT INTO journal_line SELECT entry_id, line_no + 2, side, account, amount, currency, charge, charge_no,"
        " version, seq + 1, document, memo, customer, item, dimensions FROM journal_line",
    )


@pytest.mark.parametrize(
    "change", ["reference = 'x'", "control_id = 'x'", "date = '2025-01-01'", "amount = 1", "content_hash = 'x'"]
)
def test_the_content_of_an_entry_never_changes(
    books: FilledDatabase, refused: Callable[..., None], change: str
) -> None:
    books.charge(TWO)
    books.entry(JAN)
    refused("the content of a journal entry never changes", f"UPDATE journal_entry SET {change}")


@pytest.mark.parametrize("old", STATES)
def test_the_database_itself_refuses_every_state_change_that_is_not_allowed(books: FilledDatabase, old: str) -> None:
    books.charge(TWO)
    number = books.entry(JAN)
    books.change(number, *WAYS[old])
    for new in STATES:
        if new == old or (old, new) in TRANSITIONS:
            continue
        with pytest.raises(books.refusal, match=r"cannot change that way|posted journal entry never|needs a"):
            books.sql("UPDATE journal_entry SET state = ? WHERE id = ?", new, number)
        assert books.one("SELECT state FROM journal_entry") == old


def test_posted_needs_a_record_number_and_the_answer_that_shows_it(
    books: FilledDatabase, refused: Callable[..., None]
) -> None:
    books.charge(TWO)
    number = books.entry(JAN)
    books.change(number, *WAYS["SENDING"])
    said = "POSTED needs a record number and the answer that shows it"
    refused(said, "UPDATE journal_entry SET state = 'POSTED'")
    refused(said, "UPDATE journal_entry SET state = 'POSTED', record_no = '4711'")
    books.change(number, "SENDING", "POSTED")
    assert books.one("SELECT record_no FROM journal_entry") == "4711"


def test_a_posted_entry_never_changes(full: FilledDatabase, refused: Callable[..., None]) -> None:
    refused("cannot change that way|never changes", "UPDATE journal_entry SET state = 'READY'")
    for change in ("record_no = '1'", "owner = 'x'", "error = 'x'", "posted_at = 'x'"):
        refused("a posted journal entry never changes", f"UPDATE journal_entry SET {change}")


def test_no_line_of_a_posted_entry_is_ever_given_back(full: FilledDatabase, refused: Callable[..., None]) -> None:
    said = "at most one live journal entry"
    refused(said, "UPDATE entered_line SET entry_id = NULL, revision = revision + 1 WHERE entry_id IS NOT NULL")


def test_an_amount_of_nothing_is_no_amount(books: FilledDatabase) -> None:
    with pytest.raises(RevrecError, match="plan_part_weight"):
        books.charge(((JAN, 0), (FEB, 1)))


def test_a_row_that_left_the_quarantine_is_neither_fixed_nor_settled_again(
    full: FilledDatabase, refused: Callable[..., None]
) -> None:
    refused("can no longer be fixed", "INSERT INTO quarantine_fix VALUES (2, 1, '{}', 'why', 't', 'ada', 1)")
    refused(
        "(?i)unique|duplicate key", "INSERT INTO quarantine_outcome VALUES (1, 'released', '', 'why', 't', 'ada', 1)"
    )


MOVED = "INSERT INTO entry_date_override VALUES (1, '2024-01-31', 'its period is closed')"


def test_why_an_entry_is_dated_otherwise_is_written_before_it_and_never_after(
    books: FilledDatabase, refused: Callable[..., None]
) -> None:
    books.charge(TWO)
    (entry,) = books.build(JAN)
    (number,) = books.take(redate(entry, FEB, "its period is closed"))
    assert books.sql("SELECT * FROM entry_date_override") == [(number, "2024-01-31", "its period is closed")]
    refused("append-only", "UPDATE entry_date_override SET reason = 'x'")
    refused("never deleted", "DELETE FROM entry_date_override")
    (other,) = books.take(*books.build(FEB))
    refused("is recorded together with its entry", MOVED.replace("(1,", f"({other},"))


def test_a_posted_entry_has_one_reversal_in_force(books: FilledDatabase) -> None:
    books.charge(TWO)
    entry = books.entry(JAN)
    with pytest.raises(RevrecError, match="at most one reversal in force"):
        books.reverse(entry)
    books.change(entry, *WAYS["POSTED"])
    mirror = books.reverse(entry)
    for number in (entry, mirror):
        with pytest.raises(RevrecError, match="at most one reversal in force"):
            books.reverse(number, times=1)
    books.change(mirror, *WAYS["CANCELED"])
    assert books.reverse(entry, times=1) > mirror


@pytest.mark.parametrize(
    "change",
    [
        {"account": "4999"},
        {"amount": 1100},
        {"side": "credit"},
        {"dimensions": {"location": "9"}},
    ],
)
def test_a_reversal_has_the_lines_of_its_entry(books: FilledDatabase, change: dict[str, Any]) -> None:
    books.charge(TWO)
    entry = books.entry(JAN)
    books.change(entry, *WAYS["POSTED"])
    with pytest.raises(RevrecError, match="database rejected the change"):
        books.reverse(entry, change=change)


def test_lines_are_released_when_the_reversal_is_posted_and_not_before(
    books: FilledDatabase, refused: Callable[..., None]
) -> None:
    books.charge(TWO)
    entry = books.entry(JAN)
    books.change(entry, *WAYS["POSTED"])
    mirror = books.reverse(entry)
    release = "UPDATE entered_line SET entry_id = NULL, revision = 1 WHERE entry_id = 1"
    refused("on at most one live journal entry", release)
    books.change(mirror, *WAYS["POSTED"], record_no="4712")
    assert books.sql("SELECT entry_id, revision FROM schedule_line WHERE seq = 1") == [(None, 1)]


@pytest.mark.parametrize("day", [date(2024, 1, 30), JAN])
def test_an_entry_is_dated_after_recognition_or_not_moved_at_all(books: FilledDatabase, day: date) -> None:
    books.charge(TWO)
    (entry,) = books.build(JAN)
    with pytest.raises(RevrecError, match="an entry has the recognition date, or a later date with a reason"):
        books.take(entry._replace(date=day, recognized=JAN, reason="why"))


def test_an_entry_that_is_moved_without_a_word_is_refused(books: FilledDatabase) -> None:
    books.charge(TWO)
    (entry,) = books.build(JAN)
    with pytest.raises(RevrecError, match="an entry has the recognition date, or a later date with a reason"):
        books.take(entry._replace(date=FEB))
    with pytest.raises(RevrecError, match="is recorded together with its entry"):
        books.take(redate(entry, FEB, ""))


def test_what_is_known_of_periods_is_read_back_in_order(books: FilledDatabase, refused: Callable[..., None]) -> None:
    with books.database.write() as connection:
        new = [PeriodFact("100", kind, JAN.replace(day=1), "person", "reported") for kind in ("closed", "open")]
        kept = periods.add_facts(connection, new, WHO, {})
        assert periods.facts(connection) == kept and {fact.actor for fact in kept} == {WHO.actor}
    refused("period_fact_kind", "INSERT INTO period_fact VALUES (3, '', 'shut', '2024-01-01', 'person', '', 't', 'a')")
    refused("period_fact_source", "INSERT INTO period_fact VALUES (3, '', 'open', '2024-01-01', 'dog', '', 't', 'a')")


def test_the_plan_of_a_version_is_written_with_it_and_never_changes(
    books: FilledDatabase, refused: Callable[..., None]
) -> None:
    no = books.charge(TWO)
    refused("no plan can be added", f"INSERT INTO schedule_plan VALUES ({no}, 1, '[]')")
    books.entry(JAN)
    rule = books.one("SELECT rule_version_id FROM schedule")
    with books.database.write() as connection:
        schedules.supersede(connection, [(no, 2)])
        plan = ((JAN, 1200), (MAR, 1200))
        new = schedules.ScheduleVersion(no, 2, rule, 2400, 1200, 2, [(MAR, 1200)], "by a test", 1, plan=plan)
        schedules.add(connection, [new])
        assert SchedulesInForce(connection).of([no])[no].plan == plan
    refused("append-only", "UPDATE schedule_plan SET plan = '[]'")
    refused("never deleted", "DELETE FROM schedule_plan")


def test_the_rule_version_of_a_line_is_written_with_its_schedule_version_and_never_changes(
    books: FilledDatabase, refused: Callable[..., None]
) -> None:
    no = books.charge(TWO)
    rule = books.one("SELECT rule_version_id FROM schedule")
    refused("its accounts cannot be changed", f"INSERT INTO take_back_line VALUES ({no}, 1, 1, {rule})")
    with books.database.write() as connection:
        schedules.supersede(connection, [(no, 2)])
        new = schedules.ScheduleVersion(no, 2, rule, 2400, 0, 1, TWO, "by a test", 1, take_backs=[(1, rule)])
        schedules.add(connection, [new])
    assert books.one("SELECT seq FROM take_back_line WHERE version = 2") == 2
    refused("append-only", "UPDATE take_back_line SET rule_version_id = 1")
    refused("never deleted", "DELETE FROM take_back_line")
