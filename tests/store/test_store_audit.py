"""The audit chain, kept rule versions, and posting states as the code moves them."""

import hashlib
import json
from datetime import date
from typing import Any

import pytest

from revrec.core.journal import DueLine, redate
from revrec.core.posting_options import NO_OPTIONS
from revrec.store import rule_versions
from revrec.store.audit import GENESIS, AuditStamp, canonical, record
from revrec.store.posting import entries
from revrec.store.posting.due import DueRow, DueRule, due_line, due_query, due_rules
from revrec.store.posting.entries import ENTRY_TABLES, EntriesToSend
from revrec.store.posting.posting_tables import LostClaim
from support.store import FilledDatabase

pytestmark = pytest.mark.both_databases

WHO = AuditStamp("ada@books", "import", "2024-03-28T09:00:00.000000+00:00")
JAN = date(2024, 1, 31)


def chain(books: FilledDatabase) -> list[tuple[Any, ...]]:
    columns = "seq, at, actor, command, action, subject, detail, previous_hash, hash"
    found: list[tuple[Any, ...]] = books.sql(f"SELECT {columns} FROM audit_event ORDER BY seq")
    return found


def test_every_event_is_sealed_with_the_hash_of_the_one_before_it(books: FilledDatabase) -> None:
    books.charge(((JAN, 1200),))
    books.charge(((JAN, -50),))
    books.change(books.entry(), "READY", "SENDING", "POSTED")
    events = chain(books)
    assert [event[0] for event in events] == list(range(1, len(events) + 1))
    assert [event[4] for event in events] == [
        "database created",
        *("import of charges begun", "rule version kept", "import of charges begun"),
        *("run begun", "entry created", "entry SENDING", "attempt begun", "attempt ended", "entry POSTED"),
    ]
    previous = GENESIS
    for *fields, own in events:
        assert fields[-1] == previous
        text = json.dumps(fields, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        assert own == hashlib.sha256(text.encode()).hexdigest()
        previous = own


def test_the_text_under_the_seal_is_canonical(books: FilledDatabase) -> None:
    with books.database.write() as connection:
        record(connection, WHO, "event pod", "shop/1/1", {"b": 1, "a": "größer – ✓", "c": None, "quote": 'a"b\n'})
    detail = chain(books)[-1][6]
    assert detail == '{"a":"größer – ✓","b":1,"c":null,"quote":"a\\"b\\n"}'
    assert canonical(json.loads(detail)) == detail


def test_an_event_belongs_to_the_transaction_of_its_change(books: FilledDatabase) -> None:
    def broken() -> None:
        with books.database.write() as connection:
            record(connection, WHO, "event pod", "shop/1/1", {})
            raise RuntimeError

    with pytest.raises(RuntimeError):
        broken()
    assert [event[4] for event in chain(books)] == ["database created"]


def keep(books: FilledDatabase, **changes: Any) -> int:
    rule = rule_versions.RuleVersion("goods", "aa", "text 1", "goods.toml", "fixed_offset", "2400", "4000", "RR", "m")
    with books.database.write() as connection:
        return rule_versions.keep_rule_version(connection, rule._replace(**changes), WHO)


def test_a_rule_version_is_its_text_and_where_it_posts(books: FilledDatabase) -> None:
    first = keep(books)
    assert keep(books) == first, "the same text is the same version"
    changed = keep(books, sha256="bb", text="text 2")
    assert changed != first, "another text is a new version"
    assert keep(books) == first, "the old text again is the old version"
    moved = keep(books, accrued="4010")
    assert moved not in (first, changed), "defaults that changed its accounts make a new version too"
    other = keep(books, name="freight")
    assert books.sql("SELECT id, name, version, text FROM rule_version ORDER BY id") == [
        (first, "goods", 1, "text 1"),
        (changed, "goods", 2, "text 2"),
        (moved, "goods", 3, "text 1"),
        (other, "freight", 1, "text 1"),
    ]


def test_only_the_worker_who_is_first_gets_an_entry(books: FilledDatabase) -> None:
    books.charge(((JAN, 1200),))
    number = books.entry()
    with books.database.write() as connection:
        ENTRY_TABLES.change_state(connection, number, "READY", "SENDING", WHO, owner="one")
    before = chain(books)
    with pytest.raises(LostClaim), books.database.write() as connection:
        ENTRY_TABLES.change_state(connection, number, "READY", "SENDING", WHO, owner="two")
    with pytest.raises(LostClaim), books.database.write() as connection:
        ENTRY_TABLES.change_state(connection, number, "SENDING", "IN_DOUBT", WHO, held_by="two")
    assert books.one("SELECT owner FROM journal_entry") == "one" and chain(books) == before


def test_code_that_asks_for_a_forbidden_transition_is_stopped_before_the_database(books: FilledDatabase) -> None:
    books.charge(((JAN, 1200),))
    number = books.entry()
    said = "READY -> POSTED is not a posting transition"
    with books.database.write() as connection:  # noqa: SIM117
        with pytest.raises(ValueError, match=said):
            ENTRY_TABLES.change_state(connection, number, "READY", "POSTED", WHO)


def test_a_stored_entry_comes_back_as_it_was_and_its_hash_covers_all_that_is_sent(books: FilledDatabase) -> None:
    books.charge(((JAN, 1200),))
    (built,) = books.build()
    (number,) = books.take(built)
    with books.database.read() as connection:
        assert entries.read_entry(connection, number).entry == built
    own = entries.content_hash(built)
    assert books.one("SELECT content_hash FROM journal_entry") == own
    line = built.lines[0]
    for changed in (
        built._replace(title="x"),
        built._replace(date=date(2024, 2, 1)),
        built._replace(lines=(line._replace(memo="x"), *built.lines[1:])),
        built._replace(lines=(line, built.lines[1]._replace(account="4010"))),
        built._replace(lines=(line._replace(dimensions={"location": "100"}), *built.lines[1:])),
    ):
        assert entries.content_hash(changed) != own


def test_an_entry_kept_for_sending_is_returned_once_and_only_if_it_is_what_is_stored(books: FilledDatabase) -> None:
    books.charge(((JAN, 1200),))
    (built,) = books.build()
    dated = redate(built, date(2024, 2, 1), "January is closed")
    to_send = EntriesToSend()
    with books.database.write() as connection:
        run = entries.start_run(connection, JAN, WHO)
        (number,) = entries.add_entries(connection, run, [dated], WHO, to_send)
    with books.database.read() as connection:
        row = ENTRY_TABLES.head(connection, number)
        assert to_send.take(row) == entries.read_entry(connection, number).entry == dated
        assert to_send.take(row) is None
        to_send.keep(number, built, row.content_hash)
        assert entries.read_entry(connection, number, to_send).entry == built
        to_send.keep(number, built, entries.content_hash(built))
        assert entries.read_entry(connection, number, to_send).entry == dated


def test_entries_kept_for_sending_do_not_fill_the_memory(
    books: FilledDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(entries, "LINES_KEPT", 2)
    books.charge(((JAN, 1200),))
    books.charge(((JAN, 5),), currency="EUR")
    to_send = EntriesToSend()
    with books.database.write() as connection:
        run = entries.start_run(connection, JAN, WHO)
        numbers = entries.add_entries(connection, run, books.build(), WHO, to_send)
    with books.database.read() as connection:
        kept = [to_send.take(ENTRY_TABLES.head(connection, number)) is not None for number in numbers]
    assert kept == [True, False]


def test_every_field_of_a_due_line_comes_from_its_own_column(books: FilledDatabase) -> None:
    books.charge(((JAN, 1200),))
    rule = DueRule("deferred", "accrued", "journal", "template", NO_OPTIONS, "name")
    with books.database.read() as connection:
        row = DueRow._make(connection.execute(due_query()).one())
        assert [*due_rules(connection)] == [row.rule_version_id]
        line = due_line(row, rule, "memo")
    assert (line.deferred, line.accrued, line.journal, line.memo) == ("deferred", "accrued", "journal", "memo")
    assert (line.changes, line.options, line.fields, line.rule) == ((), NO_OPTIONS, (), "name")
    assert (line.dimensions, line.date, line.billed) == ({}, JAN, date.fromisoformat(row.day_billed or ""))
    same = [name for name in DueLine._fields if name in DueRow._fields and name not in ("dimensions", "date")]
    assert [getattr(line, name) for name in same] == [getattr(row, name) for name in same]
    assert same == [
        *("charge_no", "version", "seq", "revision", "of", "charge", "document", "customer", "item", "entity"),
        *("amount", "currency"),
    ]


def test_due_lines_come_in_posting_order_and_only_open_ones(books: FilledDatabase) -> None:
    late = books.charge(((date(2024, 2, 29), 1), (JAN, 2)))
    soon = books.charge(((JAN, 5),), currency="EUR")
    assert [(line.charge_no, line.date, line.amount) for line in books.due()] == [
        (soon, JAN, 5),
        (late, JAN, 2),
        (late, date(2024, 2, 29), 1),
    ]
    assert [line.amount for line in books.due(JAN)] == [5, 2] and books.due(date(2024, 1, 30)) == []
    books.take(*books.build(JAN))
    assert [line.amount for line in books.due()] == [1]
