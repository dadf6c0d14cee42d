"""``revrec fetch``, ``run --fetch`` and ``import -`` at the terminal."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from support.commands import Revrec

GOOD = "source,document,line,customer,item,post_date,amount,currency\nshop,INV-1,1,C1,MAG-1,2024-01-05,24.00,USD\n"


@pytest.fixture
def inbox(books: Path) -> Path:
    config = books / "revrec.toml"
    config.write_text(config.read_text() + '\n[source.edi]\ntransport = "folder"\npath = "inbox"\nafter = "delete"\n')
    (books / "inbox").mkdir()
    return books / "inbox"


def put(inbox: Path, name: str, text: str) -> None:
    (inbox / name).write_text(text)
    os.utime(inbox / name, (time.time() - 60, time.time() - 60))


def test_a_fetch_shows_documents_and_sources(inbox: Path, revrec: Revrec) -> None:
    put(inbox, "a.csv", GOOD)
    ended = revrec("fetch", "--format", "json")
    assert ended.code == 0
    (document,), (source,) = ended.json["documents"], ended.json["sources"]
    assert (document["name"], document["outcome"], source["imported"]) == ("a.csv", "imported", 1)
    assert "done" in revrec("fetch", "edi").out


def test_a_fetch_shows_the_money_of_each_document(inbox: Path, revrec: Revrec) -> None:
    put(inbox, "a.csv", GOOD)
    shown = revrec("fetch", "--dry-run").out
    assert "\nAmounts\n" in shown and " USD " in shown and " 24.00 " in shown
    (file,) = revrec("fetch", "--format", "json").json["files"]
    assert [(one["currency"], one["accepted"]) for one in file["amounts"]] == [("USD", "24.00")]


def test_a_refused_document_ends_with_3_and_says_which_row(inbox: Path, revrec: Revrec) -> None:
    put(inbox, "a.csv", GOOD.replace("2024-01-05", "yesterday"))
    ended = revrec("fetch")
    assert ended.code == 3 and 'post_date "yesterday"' in ended.err


def test_a_source_that_cannot_be_reached_ends_with_5(inbox: Path, revrec: Revrec) -> None:
    inbox.rmdir()
    ended = revrec("fetch")
    assert ended.code == 5 and "there is no such folder" in ended.err


def test_a_run_can_fetch_first(inbox: Path, revrec: Revrec, intacct: dict[str, str]) -> None:
    put(inbox, "a.csv", GOOD)
    ended = revrec("run", "--date", "2024-01-31", "--fetch", "--format", "json", env=intacct)
    assert ended.code == 0 and ended.json["posted"] == 1


def test_a_run_posts_although_a_source_failed_and_says_so(inbox: Path, revrec: Revrec, intacct: dict[str, str]) -> None:
    inbox.rmdir()
    ended = revrec("run", "--date", "2024-01-31", "--fetch", env=intacct)
    assert ended.code == 5 and "nothing left to post" in ended.out and "there is no such folder" in ended.err


def test_a_refused_document_stays_in_view_until_it_is_dismissed(inbox: Path, revrec: Revrec, tmp_path: Path) -> None:
    put(inbox, "a.csv", GOOD.replace("2024-01-05", "yesterday"))
    assert "1 document refused; see: revrec fetch list" in revrec("fetch").err
    assert "1 document refused" in revrec("fetch").err
    (one,) = revrec("fetch", "list", "--format", "json").json["documents"]
    assert (one["id"], one["source"], one["document"], one["state"]) == (1, "edi", "a.csv", "refused")
    assert 'row 2: post_date "yesterday"' in one["reason"] and (inbox.parent / one["copy"]).exists()
    shown = revrec("status").out
    assert 'post_date "yesterday"' in shown and "\ndocuments         1 document refused: revrec fetch list\n" in shown
    checked = revrec("status", "--check", "--prometheus", tmp_path / "r.prom")
    assert checked.code == 4 and "WARN 1 document refused" in checked.out
    assert 'revrec_documents{state="refused"} 1' in (tmp_path / "r.prom").read_text()
    assert "refused  edi: a.csv" in revrec("trace", "a.csv").out
    assert revrec("fetch", "dismiss", "1").code == 3
    assert "dismissed" in revrec("fetch", "dismiss", "all", "--reason", "a test of the partner").out
    assert revrec("fetch", "list", "--format", "json").json["documents"] == []
    assert revrec("status", "--check").code == 0
    assert revrec("trace", "a.csv", "--format", "json").json["documents"][0]["reason"] == "a test of the partner"
    assert revrec("verify").code == 0


def test_a_document_that_is_retried_and_refused_again_ends_with_3(inbox: Path, revrec: Revrec) -> None:
    put(inbox, "a.csv", GOOD.replace("MAG-1", ""))
    assert revrec("fetch").code == 3
    assert revrec("fetch", "retry", "1").code == 3
    ended = revrec("fetch", "retry", "99")
    assert ended.code == 3 and "document 99: no such document; see: revrec fetch list --all" in ended.err


def test_an_import_brings_the_deliveries_that_waited_for_it(inbox: Path, revrec: Revrec) -> None:
    config = inbox.parent / "revrec.toml"
    config.write_text(config.read_text() + "events = true\n")
    put(inbox, "pod.csv", "charge,kind,date\nshop/INV-1/1,pod,2024-04-11\n")
    assert revrec("fetch").code == 3
    assert "waits for charge lines" in revrec("status", "--check").out
    put(inbox.parent, "orders.csv", GOOD)
    ended = revrec("import", inbox.parent / "orders.csv")
    assert (ended.code, "edi: pod.csv, which waited for charge lines: imported" in ended.err) == (0, True)
    assert revrec("status", "--check").code == 0


def test_a_source_cannot_have_the_name_of_a_command(inbox: Path, revrec: Revrec) -> None:
    config = inbox.parent / "revrec.toml"
    config.write_text(config.read_text().replace("[source.edi]", "[source.list]"))
    ended = revrec("fetch")
    assert ended.code == 5 and "give the source another name" in ended.err


def test_standard_input_is_imported_and_named_so(books: Path, revrec: Revrec) -> None:
    program = [sys.executable, "-c", "from revrec.cli.main import main; main()", "import", "-", "--as", "csv"]
    ended = subprocess.run(program, input=GOOD.encode(), capture_output=True, cwd=books, check=False)
    assert ended.returncode == 0, ended.stderr
    trace = revrec("trace", "shop/INV-1/1", "--format", "json").json
    assert trace["source"]["uri"] == "standard input"
