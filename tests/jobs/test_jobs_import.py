"""Importing charge lines and events: all or nothing, once, and with a report that names place and fix."""

import hashlib
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy
from hypothesis import given, settings
from hypothesis import strategies as st

from revrec.core.errors import BadConfiguration
from revrec.core.rules.model import RuleErrors
from revrec.jobs.context import Context, Silent
from revrec.jobs.importing import import_files, session
from revrec.sources import BadRow, RowProblem
from revrec.sources.formats import csv
from revrec.store.audit import chain_hash
from support.books import Books, MakeRow

pytestmark = pytest.mark.both_databases


def problems(result: import_files.ImportResult) -> list[tuple[Any, ...]]:
    return [(one["row"], one["field"], one["value"]) for one in result.report]


def test_a_file_is_taken_with_its_provenance_and_scheduled(offline: Books, row: MakeRow) -> None:
    path = offline.file("charges.csv", [row("INV-1"), row("INV-2", item="POD-1"), row("INV-3", item="GOODS-1")])
    result = offline.import_file(path)
    assert (result.rows, result.accepted, result.unchanged, result.rejected) == (3, 3, 0, 0)
    assert (result.scheduled, result.unscheduled, result.refused) == (2, 1, "")
    ((uri, sha256, size, mapping, at, actor),) = offline.sql(
        "SELECT uri, sha256, size, mapping, imported_at, actor FROM import_file"
    )
    content = path.read_bytes()
    assert (uri, sha256, size) == (str(path), hashlib.sha256(content).hexdigest(), len(content))
    assert mapping == "native" and at.endswith("+00:00") and "@" in actor
    assert offline.sql("SELECT id, row FROM charge_line ORDER BY no") == [
        ("shop/INV-1/1", 2),
        ("shop/INV-2/1", 3),
        ("shop/INV-3/1", 4),
    ]
    assert offline.open_parts("shop/INV-3/1") == [("2024-02-04", 2400)]
    assert offline.sql("SELECT code, rule FROM unscheduled") == [("waiting", "delivery")]


def test_one_bad_row_refuses_the_whole_file_and_each_problem_is_reported(offline: Books, row: MakeRow) -> None:
    before = offline.content()
    bad = row("INV-2", amount="12.345", post_date="2024-02-30")
    result = offline.import_file(offline.file("charges.csv", [row("INV-1"), bad, row("INV-3", currency="XXQ")]))
    assert result.refused.startswith("2 of 3 rows cannot be used; nothing of this file was imported")
    assert (result.accepted, result.scheduled, result.quarantined) == (0, 0, False)
    assert problems(result) == [
        (3, "post_date", "2024-02-30"),
        (3, "amount", "12.345"),
        (4, "currency", "XXQ"),
    ]
    assert all(one["fix"] and str(one["file"]).endswith("charges.csv") for one in result.report)
    assert offline.content() == before


def test_keep_good_takes_the_good_rows_and_sets_the_others_aside(offline: Books, row: MakeRow) -> None:
    path = offline.file("charges.csv", [row("INV-1"), row("INV-2", amount="zwölf"), row("INV-3")])
    result = offline.import_file(path, keep_good=True)
    assert (result.accepted, result.rejected, result.quarantined, result.refused) == (2, 1, True, "")
    ((number, shown),) = offline.sql("SELECT row, problems FROM quarantine")
    assert number == 3 and json.loads(shown)[0]["field"] == "amount"
    again = offline.content()
    assert offline.import_file(path, keep_good=True).unchanged == 2
    assert offline.content() == again, "the same file twice changes nothing, the quarantine included"


def test_a_row_that_is_set_aside_keeps_its_raw_values(offline: Books, row: MakeRow) -> None:
    offline.take(row("INV-1"))
    offline.import_file(offline.file("b.csv", [row("INV-1", amount="25.00"), row("INV-2")]), keep_good=True)
    ((raw,),) = offline.sql("SELECT raw FROM quarantine")
    assert "25.00" in raw and "INV-1" in raw


def test_the_same_file_twice_changes_nothing(offline: Books, row: MakeRow) -> None:
    path = offline.file("charges.csv", [row("INV-1"), row("INV-2")])
    offline.import_file(path)
    before = offline.content()
    again = offline.import_file(path)
    assert (again.accepted, again.unchanged, again.rejected, again.refused) == (0, 2, 0, "")
    assert offline.content() == before


def test_a_single_file_is_imported_without_a_savepoint(offline: Books, row: MakeRow) -> None:
    """Within one, SQLite goes through all pages that changed after each statement: the time would grow as a square."""
    savepoints: list[str] = []

    def note(_connection: Any, name: str) -> None:
        savepoints.append(name)

    sqlalchemy.event.listen(sqlalchemy.Engine, "savepoint", note)
    try:
        assert offline.import_file(offline.file("charges.csv", [row("INV-1")])).accepted == 1
    finally:
        sqlalchemy.event.remove(sqlalchemy.Engine, "savepoint", note)
    assert savepoints == []


def test_the_same_file_under_another_name_changes_nothing(offline: Books, row: MakeRow) -> None:
    offline.take(row("INV-1"), row("INV-2"))
    before = offline.content()
    assert offline.take(row("INV-1"), row("INV-2"), name="copy of charges.csv").unchanged == 2
    assert offline.content() == before


def test_a_larger_file_adds_only_what_is_new(offline: Books, row: MakeRow) -> None:
    offline.take(row("INV-1"), row("INV-2"))
    result = offline.take(row("INV-2"), row("INV-3"), row("INV-1"), name="more.csv")
    assert (result.accepted, result.unchanged, result.scheduled) == (1, 2, 1)
    assert offline.sql("SELECT id, import_id, row FROM charge_line ORDER BY no")[2] == ("shop/INV-3/1", 2, 3)


def test_the_same_charge_with_other_figures_is_a_conflict_and_never_overwrites(offline: Books, row: MakeRow) -> None:
    offline.take(row("INV-1", location="100"))
    before = offline.content()
    other = row("INV-1", amount="25.00", customer="C1008", location="200")
    result = offline.import_file(offline.file("again.csv", [other, row("INV-2")]))
    assert result.refused and result.rejected == 1
    shown = {one["field"]: (one["reason"], one["value"], str(one["fix"])) for one in result.report}
    assert set(shown) == {"amount", "customer", "location"}
    assert shown["amount"][:2] == ("shop/INV-1/1 was imported with 24.00", "25.00")
    assert shown["location"][:2] == ("shop/INV-1/1 was imported with 100", "200")
    assert "the imported charge stays as it is" in shown["amount"][2]
    assert offline.content() == before
    assert offline.import_file(offline.folder / "again.csv", keep_good=True).accepted == 1
    assert offline.sql("SELECT amount, customer FROM charge_line WHERE id = 'shop/INV-1/1'") == [(2400, "C1007")]


@pytest.mark.parametrize("amount", ["24.00", "25.00"])
def test_a_charge_that_is_twice_in_one_file_is_refused(offline: Books, row: MakeRow, amount: str) -> None:
    result = offline.import_file(offline.file("charges.csv", [row("INV-1"), row("INV-2"), row("INV-1", amount=amount)]))
    assert result.refused
    ((number, field, value),) = problems(result)
    assert (number, field, value) == (4, "charge", "shop/INV-1/1")
    assert "appears in row 2 of this file already" in str(result.report[0]["reason"])


def test_a_duplicate_is_found_across_batches(offline: Books, row: MakeRow, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv, "LINES_AT_ONCE", 2)
    rows = [row(f"INV-{n}") for n in range(5)]
    result = offline.import_file(offline.file("charges.csv", [*rows, row("INV-0")]))
    assert problems(result) == [(7, "charge", "shop/INV-0/1")]


@pytest.mark.parametrize("keep_good", [False, True])
def test_a_dry_run_shows_all_and_keeps_nothing(offline: Books, row: MakeRow, keep_good: bool) -> None:
    offline.take(row("INV-0"))
    before = offline.content()
    path = offline.file("charges.csv", [row("INV-0"), row("INV-1"), row("INV-2", amount="x")])
    result = offline.import_file(path, dry_run=True, keep_good=keep_good)
    assert result.dry_run and not result.quarantined
    assert (result.rows, result.unchanged, result.rejected) == (3, 1, 1)
    assert bool(result.refused) is not keep_good
    assert result.accepted == (1 if keep_good else 0)
    assert offline.content() == before


class Meddler(Silent):
    """Does something at the first row, as another program might."""

    def __init__(self, work: Any) -> None:
        self.work = work

    def track(self, items: Any, what: str, total: int | None = None, size: Any = None) -> Iterator[Any]:
        for at, item in enumerate(items):
            if at == 0:
                self.work()
            yield item


def test_a_file_that_changes_while_it_is_read_is_refused(offline: Books, row: MakeRow) -> None:
    path = offline.file("charges.csv", [row(f"INV-{n}", description="x" * 200) for n in range(2_500)])
    before = offline.content()

    def grow() -> None:
        with path.open("a") as file:
            file.write("shop,INV-LATE,1,C1007,MAG-1,2024-01-05,24.00,USD,,,,,,,,,,,\n")

    context = offline.context("import")
    meddled = Context(context.settings, "import", "ada", context.environment, progress=Meddler(grow))
    result = import_files.import_charges(meddled, path)
    assert "it changed while it was read; import it again when it is complete" in result.refused
    assert result.accepted == 0 and offline.content() == before


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "no such file"),
        (b"", "the file is empty"),
        (b"source,document\xff\n", "is not valid utf-8"),
        (b"a,b\n1,2\x00\n", "NUL"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_with_its_name(offline: Books, content: Any, said: str) -> None:
    path = offline.folder / "charges.csv"
    if content is not None:
        path.write_bytes(content)
    before = offline.content()
    result = offline.import_file(path)
    assert said in result.refused and "charges.csv" in result.refused and offline.content() == before


def test_a_file_name_that_is_no_text_does_no_harm(offline: Books, row: MakeRow) -> None:
    path = Path(os.fsdecode(os.fsencode(offline.folder) + b"/charges-\xff.csv"))
    offline.file("charges.csv", [row("INV-1")]).rename(path)
    assert offline.import_file(path).accepted == 1
    assert offline.sql("SELECT uri FROM import_file")[0][0].endswith(r"charges-\xff.csv")


def test_nothing_is_imported_on_broken_rules(offline: Books, row: MakeRow) -> None:
    offline.rules('[[rule]]\nname = "x"\n[rule.recognize]\nmethod = "monthy"\n')
    before = offline.content()
    with pytest.raises(RuleErrors, match=r"rules\.toml:4"):
        offline.import_file(offline.file("charges.csv", [row()]))
    assert offline.content() == before


def test_a_mapping_reads_the_kind_of_rows_it_was_made_for(offline: Books) -> None:
    text = '[mapping.pods]\nrows = "events"\n[mapping.orders]\nsource = "shop"\n'
    (offline.folder / "revrec.toml").write_text(text)
    context = offline.context()
    assert import_files.mapping_of(context, None, events=True).rows == "events"
    assert import_files.mapping_of(context, "orders", events=False).name == "orders"
    with pytest.raises(BadConfiguration, match="mapping pods reads events, not charges"):
        import_files.mapping_of(context, "pods", events=False)
    with pytest.raises(BadConfiguration, match=r"no mapping named 'odrers' \(known: orders, pods"):
        import_files.mapping_of(context, "odrers", events=False)


def pod(charge: str, day: str, **fields: str) -> dict[str, str]:
    return {"charge": charge, "kind": "pod", "date": day, **fields}


def test_a_proof_of_delivery_schedules_a_charge_that_waits_for_it(offline: Books, row: MakeRow) -> None:
    offline.take(row("INV-1", item="POD-1"), row("INV-2", item="POD-1"))
    result = offline.import_events(pod("shop/INV-1/1", "2024-03-07"))
    assert (result.accepted, result.scheduled) == (1, 1)
    assert offline.open_parts("shop/INV-1/1") == [("2024-03-07", 2400)]
    assert offline.sql("SELECT c.id FROM unscheduled u JOIN charge_line c ON c.no = u.charge_no") == [("shop/INV-2/1",)]


def test_the_same_file_of_events_twice_changes_nothing(offline: Books, row: MakeRow) -> None:
    offline.take(row("INV-1", item="POD-1"))
    events = [pod("shop/INV-1/1", "2024-03-07"), pod("shop/INV-1/1", "2024-03-09")]
    offline.import_events(*events)
    before = offline.content()
    again = offline.import_events(*events, name="copy.csv")
    assert (again.accepted, again.unchanged) == (0, 2)
    assert offline.content() == before


def test_a_delivery_that_is_corrected_before_posting_moves_the_line(offline: Books, row: MakeRow) -> None:
    offline.take(row("INV-1", item="POD-1"))
    offline.event("shop/INV-1/1", "pod", "2024-03-07")
    _fact, (change,) = offline.event("shop/INV-1/1", "pod", "2024-03-19")
    assert [str(day) for day, _amount in (*change.before, *change.after)] == ["2024-03-07", "2024-03-19"]
    assert offline.open_parts("shop/INV-1/1") == [("2024-03-19", 2400)]
    assert offline.sql("SELECT version, date, superseded_by FROM schedule_line ORDER BY version") == [
        (1, "2024-03-07", 2),
        (2, "2024-03-19", None),
    ]
    before = offline.content()
    assert offline.event("shop/INV-1/1", "pod", "2024-03-19")[1] == []
    assert offline.content() == before, "the same event again changes nothing"


def test_events_of_charges_that_were_not_imported_are_reported_row_by_row(offline: Books, row: MakeRow) -> None:
    offline.take(row("INV-1", item="POD-1"))
    before = offline.content()
    result = offline.import_events(pod("shop/INV-1/1", "2024-03-07"), pod("shop/INV-9/1", "2024-03-07"))
    assert result.refused and (result.accepted, result.scheduled) == (0, 0)
    ((number, field, value),) = problems(result)
    assert (number, field, value) == (3, "charge", "shop/INV-9/1")
    assert result.report[0]["fix"] == "import its charge line first"
    assert offline.content() == before


def test_an_event_amount_is_held_against_the_currency_of_its_charge(offline: Books, row: MakeRow) -> None:
    offline.take(row("INV-1", item="POD-1", currency="JPY", amount="2400"))
    credit = {"charge": "shop/INV-1/1", "kind": "credit", "date": "2024-03-07", "amount": "1.50"}
    result = offline.import_events(credit)
    assert problems(result)[0][:2] == (2, "amount")
    ok = offline.import_events({**credit, "amount": "150"})
    assert ok.accepted == 1 and offline.sql("SELECT amount FROM fulfillment_event") == [(150,)]


@pytest.mark.parametrize("examples", [5, pytest.param(15, marks=pytest.mark.slow)])
def test_any_number_of_imports_in_any_order_is_one(
    new_books: type[Books], row: MakeRow, tmp_path_factory: pytest.TempPathFactory, examples: int
) -> None:
    @settings(max_examples=examples, deadline=None)
    @given(st.data())
    def holds(data: st.DataObject) -> None:
        rows = [row(f"INV-{n}", amount=f"{(n * 37 % 11 - 5.5):.2f}") for n in range(6)]
        files = data.draw(st.lists(st.lists(st.sampled_from(rows), unique_by=str), max_size=5))
        once = new_books(tmp_path_factory.mktemp("once"), {})
        once.take(*rows)
        often = new_books(tmp_path_factory.mktemp("often"), {})
        for number, some in enumerate([*(one for one in files if one), data.draw(st.permutations(rows))]):
            often.take(*some, name=f"{number}.csv")
        query = (
            "SELECT c.id, l.version, l.seq, l.date, l.amount FROM charge_line c"
            " JOIN schedule_line l ON l.charge_no = c.no ORDER BY c.id, l.seq"
        )
        assert once.sql(query) == often.sql(query) and len(once.sql(query)) > 6
        assert often.sql("SELECT count(*) FROM charge_line") == [(6,)]

    holds()


def test_the_audit_chain_covers_the_import(offline: Books, row: MakeRow) -> None:
    offline.take(row("INV-1"))
    offline.import_events(name="e.csv")
    columns = "seq, at, actor, command, action, subject, detail, previous_hash, hash"
    events = offline.sql(f"SELECT {columns} FROM audit_event ORDER BY seq")
    assert [event[4] for event in events] == [
        *("database created", "import of charges begun", "rule version kept", "charge lines written"),
        *("schedules written", "import of charges done"),
    ]
    assert all(chain_hash(list(event[:-1])) == event[-1] for event in events)
    shown = json.loads(events[-1][6])
    assert [one["table"] for one in shown.pop("digests")] == ["import_file"]
    assert shown == {"rows": 1, "accepted": 1, "unchanged": 0, "rejected": 0}


@pytest.mark.parametrize(("keeps", "kept"), [(False, 2), (True, 5)])
def test_of_millions_of_bad_rows_only_the_first_are_kept_unless_all_are_set_aside(
    monkeypatch: pytest.MonkeyPatch, keeps: bool, kept: int
) -> None:
    monkeypatch.setattr(session, "MOST_EXAMINED", 2)
    result = session.ImportResult("in.csv", "charges")
    nothing: Any = None
    one = session.ImportSession(nothing, nothing, result, 1, "import 1", 1)
    one.keeps_bad_rows = keeps
    one.split_good_rows([BadRow(number, [RowProblem("amount", "", "is empty", "")], "") for number in range(5)])
    assert (result.rows, result.rejected, len(one.bad_rows)) == (5, 5, kept)
