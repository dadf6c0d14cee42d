"""Traces of a charge line by each of its names, complete; and what a preview and a status show."""

import hashlib
import json
from datetime import date
from decimal import Decimal

import pytest

from revrec.cli.output import as_data
from revrec.core.errors import BadConfiguration, BadInput
from revrec.core.filters import Filters
from revrec.jobs.admin.database import backup, database_status
from revrec.jobs.reports.preview import preview, preview_file
from revrec.jobs.reports.status import status
from revrec.jobs.reports.trace import trace
from revrec.jobs.scheduling.rebuild import schedule
from revrec.sources import NATIVE_CHARGES
from revrec.store.audit import chain_hash
from support.books import Books, MakeRow
from support.intacct import Intacct

pytestmark = pytest.mark.both_databases


@pytest.fixture
def story(books: Books, row: MakeRow) -> Books:
    """A charge that waited for its delivery, got it corrected, was posted; beside it a magazine, half posted."""
    books.take(
        row("INV-1", item="POD-1", location="100"),
        row("INV-1", line="2", customer="C1008"),
        name="shop export.csv",
    )
    books.import_events({"charge": "shop/INV-1/1", "kind": "pod", "date": "2024-02-07", "note": "signed"})
    books.event("shop/INV-1/1", "pod", "2024-02-12")
    books.run("2024-03-31")
    return books


def test_every_name_leads_to_the_same_life(story: Books) -> None:
    life = story.trace("shop/INV-1/1")
    (entry,) = life["entries"]
    assert story.trace("shop/INV-1/1") == life
    for reference in (entry["reference"], entry["record_no"]):
        lives = as_data(list(trace(story.context(), reference)))
        assert life in lives and [one["charge"]["id"] for one in lives] == ["shop/INV-1/1", "shop/INV-1/2"]
    source = life["source"]
    for reference in ("INV-1", source["uri"], source["sha256"]):
        assert [one.charge.id for one in trace(story.context(), reference)] == ["shop/INV-1/1", "shop/INV-1/2"]


def test_a_life_is_complete_from_the_row_of_its_file_to_intacct_s_record(story: Books, intacct: Intacct) -> None:
    life = story.trace("shop/INV-1/1")
    assert list(life) == [
        "charge", "credits", "credited_by", "bills", "billed_by", "source", "changes", "events", "rule",
        "earlier_rules", "unscheduled", "allocations",
        "historical", "schedule", "repairs", "invoices", "entries", "exchange", "audit",
    ]  # fmt: skip
    charge, source = life["charge"], life["source"]
    assert (charge["id"], charge["amount"], charge["currency"]) == ("shop/INV-1/1", "24.00", "USD")
    assert charge["dimensions"] == {"location": "100"} and charge["post_date"] == "2024-01-05"
    file = story.folder / "shop export.csv"
    assert source["uri"] == str(file) and source["row"] == 2 and source["size"] == file.stat().st_size
    assert source["sha256"] == hashlib.sha256(file.read_bytes()).hexdigest()
    assert source["imported_at"] and source["actor"] and source["mapping"] == "native"
    assert [(event["kind"], event["date"], event["row"], event["note"]) for event in life["events"]] == [
        ("pod", "2024-02-07", 2, "signed"),
        ("pod", "2024-02-12", None, ""),
    ]
    assert life["events"][0]["source"]["uri"].endswith("events.csv") and life["events"][1]["source"] is None
    rule = life["rule"]
    assert (rule["name"], rule["version"], rule["method"], rule["file"]) == ("delivery", 1, "pod_date", "rules.toml")
    assert rule["text"].startswith('[[rule]]\nname = "delivery"') and 'method = "pod_date"' in rule["text"]
    assert 'rule "delivery" matches' in rule["explanation"] and life["unscheduled"] is None
    first, second = life["schedule"]
    assert (first["version"], first["lines"][0]["status"], first["lines"][0]["superseded_by"]) == (1, "superseded", 2)
    assert (second["version"], second["command"], second["lines"][0]["date"]) == (2, "event add", "2024-02-12")
    assert second["lines"][0]["status"] == "posted" and second["at"] and second["actor"]
    (entry,) = life["entries"]
    (ledger,) = [one for one in intacct.entries() if one["reference"] == entry["reference"]]
    assert second["lines"][0]["record_no"] == entry["record_no"] == str(ledger["record_no"])
    assert (entry["status"], entry["date"], entry["amount"], entry["journal"]) == (
        "posted",
        "2024-02-12",
        "26.00",
        "RR",
    )
    assert [(line["side"], line["account"], line["amount"]) for line in entry["lines"]] == [
        ("debit", "2400", "24.00"),
        ("credit", "4000", "24.00"),
    ], "the lines of this charge alone, though another shares the entry"
    (attempt,) = entry["attempts"]
    assert attempt["control_id"] == entry["control_id"] and attempt["outcome"] == "posted"
    assert f"<REFERENCENO>{entry['reference']}</REFERENCENO>" in attempt["request"]
    assert f"<RECORDNO>{entry['record_no']}</RECORDNO>" in attempt["response"]
    assert attempt["at"] <= attempt["answered_at"] and attempt["actor"]


def test_the_audit_events_of_a_life_are_its_own_and_each_is_sealed(story: Books, row: MakeRow) -> None:
    story.take(row("INV-9"), name="shop export.csv")
    audit = story.trace("shop/INV-1/1")["audit"]
    assert [(event["command"], event["action"]) for event in audit] == [
        ("import", "import of charges begun"),
        ("import", "import of charges done"),
        ("import", "import of events begun"),
        ("import", "import of events done"),
        ("event add", "event pod"),
        ("run", "entry created"),
        ("run", "entry SENDING"),
        ("run", "entry POSTED"),
    ], "another import of a file of the same name is not among them"
    names = ("seq", "at", "actor", "command", "action", "subject", "detail", "previous_hash")
    for event in audit:
        text = json.dumps(event["detail"], sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        assert chain_hash([{**event, "detail": text}[name] for name in names]) == event["hash"]


def test_a_rebuild_that_changed_the_schedule_is_among_its_audit_events(offline: Books, row: MakeRow) -> None:
    offline.take(row("INV-1"))
    actions = [event["action"] for event in offline.trace("shop/INV-1/1")["audit"]]
    offline.rules('[[rule]]\nname = "magazine"\n[rule.recognize]\nmethod = "monthly"\nperiods = 6\n')
    schedule(offline.context("schedule"), rebuild=True)
    audit = offline.trace("shop/INV-1/1")["audit"]
    assert [event["action"] for event in audit] == [*actions, "schedules derived again"]
    assert audit[-1]["command"] == "schedule"


def test_a_life_is_plain_json(story: Books) -> None:
    life = story.trace("shop/INV-1/2")
    assert json.loads(json.dumps(life)) == life


def test_a_charge_that_waits_says_why(offline: Books, row: MakeRow) -> None:
    offline.take(row("INV-1", item="POD-1"))
    life = offline.trace("shop/INV-1/1")
    assert (life["rule"], life["schedule"], life["entries"]) == (None, [], [])
    assert life["unscheduled"]["code"] == "waiting" and life["unscheduled"]["rule"] == "delivery"


@pytest.mark.parametrize("reference", ["shop/INV-7/1", "RRNOSUCHENTRY", "999999", "", "'; DROP TABLE charge_line; --"])
def test_what_is_known_by_no_such_name_is_refused(offline: Books, row: MakeRow, reference: str) -> None:
    offline.take(row("INV-1"))
    with pytest.raises(BadInput, match="no record has this name; use a charge id"):
        offline.trace(reference)


def test_a_preview_shows_each_line_with_its_status(story: Books) -> None:
    shown = preview(story.context(), Filters(first=date(2024, 2, 1), last=date(2024, 4, 30)))
    assert [(line.charge, line.date, line.status) for line in shown.lines] == [
        ("shop/INV-1/1", "2024-02-12", "posted"),
        ("shop/INV-1/2", "2024-02-12", "posted"),
        ("shop/INV-1/2", "2024-03-12", "posted"),
        ("shop/INV-1/2", "2024-04-12", "planned"),
    ]
    assert shown.lines[3]._asdict() == {
        "charge": "shop/INV-1/2", "document": "INV-1", "customer": "C1008", "item": "MAG-1", "rule": "magazine",
        "method": "monthly", "seq": 4, "of": 12, "date": "2024-04-12", "period": "2024-04", "amount": "2.00",
        "currency": "USD", "deferred": "2400", "accrued": "4000", "status": "planned", "entity": "",
        "entry_date": "2024-04-12", "reason": "",
    }  # fmt: skip
    assert [one[:3] for one in shown.totals()] == [
        ("2024-02", "USD", "26.00"),
        ("2024-03", "USD", "2.00"),
        ("2024-04", "USD", "2.00"),
    ]


def test_a_preview_of_what_is_due_is_what_the_run_posts(books: Books, row: MakeRow) -> None:
    books.take(row("INV-1"), row("INV-2", item="GOODS-1", amount="-3.00"), row("INV-3", item="POD-1"))
    due = preview(books.context(), Filters(last=date(2024, 3, 31)), due=True)
    assert {line.status for line in due.lines} == {"planned"}
    assert [one.charge for one in due.unscheduled] == ["shop/INV-3/1"] and due.unscheduled[0].reason
    books.run("2024-03-31")
    posted = books.sql("SELECT charge, amount FROM journal_line WHERE side = 'debit' ORDER BY entry_id, line_no")
    assert [(line.charge, abs(Decimal(str(line.amount)) * 100)) for line in due.lines] == posted
    assert preview(books.context(), Filters(last=date(2024, 3, 31)), due=True).lines == []


def test_a_preview_of_what_is_due_has_what_earlier_runs_left(books: Books, intacct: Intacct, row: MakeRow) -> None:
    books.take(row("INV-1", item="GOODS-1"), row("INV-2", item="GOODS-1", post_date="2024-01-06"))
    intacct.fault("429@before:9x:create")
    books.run("2024-02-04")
    due = preview(books.context(), Filters(last=date(2024, 3, 31)), due=True)
    assert [(line.charge, line.status) for line in due.lines] == [
        ("shop/INV-1/1", "ready"),
        ("shop/INV-2/1", "planned"),
    ]


def test_a_preview_of_one_charge_shows_no_other(offline: Books, row: MakeRow) -> None:
    offline.take(row("INV-1"), row("INV-2"), row("INV-3", item="POD-1"))
    shown = preview(offline.context(), Filters(charge="shop/INV-2/1"))
    assert {line.charge for line in shown.lines} == {"shop/INV-2/1"} and len(shown.lines) == 12
    assert shown.unscheduled == []
    with pytest.raises(BadInput, match="shop/INV-9/1: no such charge"):
        preview(offline.context(), Filters(charge="shop/INV-9/1"))


def test_a_preview_of_a_file_imports_nothing(offline: Books, row: MakeRow) -> None:
    path = offline.file("new.csv", [row("INV-1"), row("INV-2", item="POD-1"), row("INV-3", item="GOODS-1")])
    before = offline.content()
    shown = preview_file(offline.context(), path, NATIVE_CHARGES, date(2024, 2, 1), date(2024, 2, 29))
    assert [(line.charge, line.date, line.seq, line.of) for line in shown.lines] == [
        ("shop/INV-3/1", "2024-02-04", 1, 1),
        ("shop/INV-1/1", "2024-02-12", 2, 12),
    ]
    assert {line.status for line in shown.lines} == {"not imported"}
    assert [one.charge for one in shown.unscheduled] == ["shop/INV-2/1"]
    assert offline.content() == before
    bad = offline.file("bad.csv", [row("INV-1", amount="x")])
    with pytest.raises(BadInput, match=r"bad\.csv.*amount"):
        preview_file(offline.context(), bad, NATIVE_CHARGES)


def test_a_status_counts_what_waits_and_names_what_needs_a_person(books: Books, intacct: Intacct, row: MakeRow) -> None:
    books.environment["REVREC_POSTING_CLOSED_PERIOD"] = "fail"
    books.take(row("INV-1"), row("INV-2", item="POD-1"))
    intacct.admin("/periods/close", month="2024-01")
    books.run("2024-02-29")
    found = status(books.context())
    assert (found.charges, found.unscheduled, found.quarantined) == (2, 1, 0)
    assert found.entries == {"rejected": 1, "posted": 1} and found.next_date == "2024-03-12"
    assert found.open == (("USD", 10, "20.00", "2024-03-12", "2024-12-12"),)
    (attention,) = found.attention
    assert attention.state == "rejected" and attention.error and attention.advice
    assert found.last_run and found.last_run.outcome and found.last_run.outcome.startswith("1 posted, 1 failed")
    assert status(books.context(), until=date(2024, 3, 31)).open[0].lines == 1
    assert all(json.loads(json.dumps(one)) == list(one) for one in (attention, *found.open, found.last_run))


@pytest.mark.parametrize("kind", ["sqlite"], indirect=True)
def test_the_state_of_the_database_and_a_backup_of_it(books: Books, row: MakeRow) -> None:
    books.take(row("INV-1"))
    assert database_status(books.context())["current"] is True
    assert backup(books.context(), books.folder / "copy.db") > 0
    with pytest.raises(BadInput, match="a backup never overwrites"):
        backup(books.context(), books.folder / "copy.db")
    copy = books.context(REVREC_DATABASE_URL=f"sqlite:///{books.folder / 'copy.db'}")
    assert schedule(copy).charges == 1
    books.database.rename(books.folder / "away.db")
    with pytest.raises(BadConfiguration, match="there is no database here"):
        database_status(books.context())
    with pytest.raises(BadConfiguration, match="there is no database here"):
        status(books.context())
