"""``revrec report tie-out`` and ``report close``: control totals that a person signs, and the folder of a month-end."""

import hashlib
import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from revrec.jobs.admin import verify_beside
from revrec.jobs.admin.verify import verify
from revrec.jobs.context import make_context
from revrec.sandbox.child import start_python
from revrec.store.reports import control_totals
from support.books import ROOT
from support.commands import Revrec

DAY = "2024-03-31"
TIE_OUT = ("report", "tie-out", "--date", DAY)
CLOSE = ("report", "close", "--period", "2024-03", "--to")


@pytest.fixture
def march(story: Path, signed_in: None, revrec: Revrec) -> Path:
    """The sample data, posted to the end of March."""
    assert revrec("run", "--date", DAY).code == 0
    return story


def amounts(found: Any) -> dict[str, tuple[int | None, str]]:
    return {row["figure"]: (row["count"], row["amount"]) for row in found["rows"]}


@pytest.mark.usefixtures("march")
def test_the_control_totals_of_the_sample(revrec: Revrec) -> None:
    found = revrec(*TIE_OUT, "--format", "json").json
    # 15 charge lines of 17,091.20: 15,792.20 are dated, and 1,299.00 wait for a delivery.
    assert amounts(found) == {
        "files with charge lines": (3, "17091.20"),
        "accepted, as billed": (15, "17091.20"),
        "dated": (74, "15792.20"),
        "unscheduled": (1, "1299.00"),
        "posted": (16, "8664.57"),
        "schedule lines posted": (16, "8664.57"),
        "recognized by journal lines": (16, "8664.57"),
        "rollforward: closing": (None, "8426.63"),
        "report balance: liabilities less assets": (None, "8426.63"),
        "rollforward: recognized": (None, "8664.57"),
        "report revenue": (None, "8664.57"),
    }
    assert len(found["checks"]) == 5 and {check["difference"] for check in found["checks"]} == {"0.00"}
    assert found["header"]["signed"] == ["not signed"]
    assert found["header"]["last_reconciliation"].startswith("never")


@pytest.mark.usefixtures("books")
def test_the_tie_out_of_empty_books(revrec: Revrec) -> None:
    shown = revrec(*TIE_OUT)
    assert shown.code == 0 and "no charge lines yet" in shown.out and shown.out.endswith("by revrec reconcile\n")


@pytest.mark.usefixtures("march")
def test_a_signature_holds_until_the_figures_change(revrec: Revrec) -> None:
    signed = revrec(*TIE_OUT, "--sign", "agrees with the trial balance", "--format", "json").json["header"]
    assert signed["signed"][0].endswith("agrees with the trial balance")
    assert len(revrec(*TIE_OUT, "--sign", "seen too", "--format", "json").json["header"]["signed"]) == 2
    (event, *_rest) = revrec("audit", "list", "--format", "json").json["events"]
    assert (event["action"], event["subject"]) == ("tie-out signed", DAY)
    assert event["detail"]["sha256"] == signed["figures_sha256"]

    assert revrec("event", "add", "shop/INV-1003/1", "credit", "2024-03-31", "--amount", "1").code == 0
    changed = revrec(*TIE_OUT, "--format", "json").json["header"]
    assert all(one.endswith("(the figures have changed since)") for one in changed["signed"])
    events = len(revrec("audit", "list", "--format", "json").json["events"])
    for bad in (["--format", "xlsx"], ["--output", "nowhere/tie-out.xlsx"], ["--output", "."]):
        assert revrec(*TIE_OUT, "--sign", "not written", *bad).code == 2
    assert len(revrec("audit", "list", "--format", "json").json["events"]) == events
    empty = revrec(*TIE_OUT, "--sign", " ")
    assert empty.code == 3 and "a signature needs words" in empty.err and "--sign" in empty.err


@pytest.mark.usefixtures("march")
def test_what_arrives_for_a_later_day_leaves_a_signature_in_force(revrec: Revrec, tmp_path: Path) -> None:
    assert revrec(*TIE_OUT, "--sign", "ok").code == 0
    april = tmp_path / "april.csv"
    header = "source,document,line,customer,item,post_date,amount,currency\n"
    april.write_text(header + "shop,A-1,1,C-1,MAG-01,2024-04-02,24.00,USD\nshop,A-2,1,C-1,MAG-01,2024-04-02,9.00,EUR\n")
    assert revrec("import", str(april)).code == 0
    assert revrec("run", "--date", "2024-04-30").code == 0
    (signed,) = revrec(*TIE_OUT, "--format", "json").json["header"]["signed"]
    assert signed.endswith(": ok")
    late = revrec("event", "add", "shop/INV-1005/1", "credit", DAY, "--amount", "1")
    assert late.code == 0 and "(the figures have changed since)" in revrec(*TIE_OUT).out


@pytest.mark.usefixtures("story")
@pytest.mark.slow
def test_a_close_says_which_workbooks_and_which_rows_of_pages_it_leaves_out(
    revrec: Revrec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("revrec.cli.report_formats.page.MOST_ROWS", 3)
    monkeypatch.setattr("revrec.jobs.reports.long_rows.IN_MEMORY", 3)
    file, folder = tmp_path / "big.csv", tmp_path / "close"
    file.write_text(
        "source,document,line,customer,item,post_date,amount,currency\n"
        "shop,B-1,1,C-1,FRT-1,2024-03-02,12345678901234.56,EUR\n"
    )
    assert revrec("import", str(file)).code == 0
    closed = revrec(*CLOSE, str(folder))
    assert closed.code == 0 and "balance.xlsx is left out: billed 12345678901234.56 has more than 15" in closed.err
    rows = json.loads((folder / "balance-lines.json").read_text())["rows"]
    left_out = f"{len(rows) - 3} of {len(rows)} rows are left out"
    assert f"balance-lines.html: {left_out}; balance-lines.csv has all rows" in closed.err
    assert len((folder / "balance-lines.csv").read_text().splitlines()) == len(rows) + 1
    assert left_out in (folder / "balance-lines.html").read_text() and "B-1" in {row["document"] for row in rows}
    names = {one.name for one in folder.iterdir()}
    assert {"balance.html", "balance.json", "journal.xlsx"} <= names and "balance.xlsx" not in names
    index = (folder / "index.html").read_text()
    assert 'href="journal.xlsx"' in index and 'href="balance.xlsx"' not in index


@pytest.mark.slow
@pytest.mark.usefixtures("story")
def test_a_close_that_was_interrupted_can_be_written_again(
    revrec: Revrec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr("revrec.jobs.reports.close_checklist.close_checklist", lambda *_: 1 / 0)
        assert revrec(*CLOSE, str(tmp_path / "close")).code == 1
    assert revrec(*CLOSE, str(tmp_path / "close"), "--replace").code == 0


@pytest.mark.usefixtures("march")
def test_what_does_not_tie_out_is_shown_and_not_signed(revrec: Revrec, monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = {"USD": control_totals.Total(1, 1)}
    monkeypatch.setattr(control_totals, "recognized_by_entries", lambda _others: wrong)
    assert revrec(*TIE_OUT).code == 7
    refused = revrec(*TIE_OUT, "--sign", "fine")
    assert refused.code == 3
    assert "not signed, because it does not tie out: schedule lines posted = recognized by journal lines" in refused.err


@pytest.mark.usefixtures("march")
def test_the_folder_of_a_close(revrec: Revrec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "close"
    first = revrec(*CLOSE, str(folder))
    assert first.code == 0 and "20 reports" in first.out
    states = [line[:3] for line in first.out.splitlines() if line.startswith("[")]
    assert states == ["[x]", "[x]", "[x]", "[x]", "[ ]", "[ ]", "[x]", "[ ]"]
    names = {one.name for one in folder.iterdir()}
    assert {"index.html", "anchor.json", "rollforward.xlsx", "tie-out.html", "journal.json", "journal.csv"} <= names
    assert (folder / "journal.csv").read_text() == revrec(
        "report", "journal", "--period", "2024-03", "--format", "csv"
    ).out
    for line in (folder / "SHA256SUMS").read_text().splitlines():
        digest, name = line.split("  ")
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == digest
        names.remove(name)
    assert names == {"SHA256SUMS"}
    index = (folder / "index.html").read_text()
    assert "Close of March 2024" in index and 'href="waterfall.xlsx"' in index and "<script" not in index
    assert json.loads((folder / "rollforward.json").read_text())["rows"][-1]["closing"] == "8426.63"
    assert revrec("verify", "--anchor", str(folder / "anchor.json")).code == 0

    # Everything that was open is done.
    assert revrec("reconcile", "--date", DAY).code == 0
    assert revrec(*TIE_OUT, "--sign", "ok").code == 0
    assert revrec("periods", "close", "2024-03", "--reason", "March is reported").code == 0
    refused = revrec(*CLOSE, str(folder))
    assert refused.code == 2 and "it is not empty; name a new folder, or add --replace" in refused.err
    monkeypatch.setenv("REVREC_GATEWAY_RATES", str(ROOT / "sample_data" / "exchange" / "rates.csv"))
    again = revrec(*CLOSE, str(folder), "--replace")
    assert again.code == 0 and "[ ]" not in again.out and "21 reports" in again.out
    assert (folder / "exchange.html").exists()

    # A report that the close does not have any more does not stay there, and what a person added is not lost.
    (folder / "letter.txt").write_text("mine")
    (folder / "journal").mkdir()
    (folder / "journal.txt").write_text("mine too")
    monkeypatch.delenv("REVREC_GATEWAY_RATES")
    assert revrec(*CLOSE, str(folder), "--replace").code == 0
    assert not list(folder.glob("exchange.*")) and (folder / "letter.txt").read_text() == "mine"
    sums = (folder / "SHA256SUMS").read_text()
    assert "letter.txt" not in sums and "journal.txt" not in sums and "  journal.xlsx\n" in sums
    other = revrec("report", "close", "--period", "2024-02", "--to", str(folder), "--replace")
    assert other.code == 2 and "it has the close of another month; name a new folder for February 2024" in other.err


@pytest.mark.usefixtures("march")
def test_a_close_of_books_that_are_not_sound_has_no_anchor_of_an_earlier_one(revrec: Revrec, tmp_path: Path) -> None:
    folder = tmp_path / "close"
    folder.mkdir()
    for name in ("anchor.json", "SHA256SUMS"):
        (folder / name).write_text("")
    with closing(sqlite3.connect("revrec.db")) as books, books:
        books.execute("DROP TRIGGER journal_entry_balances")
    closed = revrec(*CLOSE, str(folder), "--replace")
    assert "[ ] The books are verified: findings: 1, the first: " in closed.out
    assert "anchor.json is left out: the books are not sound; see: revrec verify" in closed.err
    assert not (folder / "anchor.json").exists() and "anchor.json" not in (folder / "SHA256SUMS").read_text()


@pytest.mark.usefixtures("march")
def test_large_books_are_verified_by_a_second_process(monkeypatch: pytest.MonkeyPatch) -> None:
    context = make_context("test")
    expected = verify(context)
    monkeypatch.setattr(verify_beside, "verify", lambda _context: 1 / 0)
    monkeypatch.setattr(verify_beside, "FEWEST_LINES", 1)
    with verify_beside.verifying(context) as verified:
        assert verified() == expected and expected.sound
    with closing(sqlite3.connect("revrec.db")) as books, books:
        books.execute("DROP TRIGGER journal_entry_balances")
    with verify_beside.verifying(context) as verified:
        assert verified() == verify(context) and verify(context).count == 1
    # If the process cannot answer, the books are verified here.
    monkeypatch.setattr(verify_beside, "verify", verify)
    monkeypatch.setattr(verify_beside, "start_python", lambda _words, **pipes: start_python(["-c", "0 / 0"], **pipes))
    with verify_beside.verifying(context) as verified:
        assert verified().count == 1


@pytest.mark.usefixtures("story")
def test_a_close_is_of_one_month_and_never_overwrites_other_files(revrec: Revrec, tmp_path: Path) -> None:
    for period in ("2024-Q1", "2024", "2024-03-01"):
        refused = revrec("report", "close", "--period", period, "--to", str(tmp_path / "new"))
        assert refused.code == 2 and "name one month" in refused.err and not (tmp_path / "new").exists()
    own = tmp_path / "own"
    own.mkdir()
    (own / "letter.txt").write_text("mine")
    assert revrec(*CLOSE, str(own), "--replace").code == 2 and [one.name for one in own.iterdir()] == ["letter.txt"]
    open_month = revrec(*CLOSE, str(tmp_path / "open"))
    assert open_month.code == 0 and "[ ] The run is done: no run yet" in open_month.out
