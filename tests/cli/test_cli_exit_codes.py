"""The exit codes of the contract, each shown; 7 belongs to commands that compare books."""

import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from filelock import FileLock

from support.commands import Revrec
from support.rule_texts import GOODS, replace_rules

LINE = "shop,I-1,1,C-ADA,GOODS-30-A,2024-01-05,12.00,USD"


def test_0_when_all_is_done(story: Path, revrec: Revrec) -> None:
    assert revrec("run", "--date", "2024-01-31").code == 0


def test_1_when_something_unforeseen_happens(story: Path, revrec: Revrec, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("a fault of ours")

    monkeypatch.setattr("revrec.jobs.reports.trace.trace", broken)
    ended = revrec("trace", "shop/INV-1001/1")
    assert (ended.code, ended.out) == (1, "")
    assert ended.err == "revrec: unexpected ZeroDivisionError: a fault of ours; run it again with -v to see where\n"


def test_2_for_a_usage_error(story: Path, revrec: Revrec) -> None:
    assert revrec("run", "--date", "31.01.2024").code == 2
    assert revrec("run").code == 2


def test_3_for_bad_input(story: Path, revrec: Revrec) -> None:
    assert revrec("import", "missing.csv").code == 3


def test_4_when_an_entry_is_refused_and_the_others_are_posted(
    books: Path, revrec: Revrec, charges: Callable[..., Path]
) -> None:
    rule = '[[rule]]\nname = "wrong-account"\npriority = 200\n[rule.when]\nitem = "GOODS-30-B"\n'
    rule += '[rule.recognize]\nmethod = "fixed_offset"\noffset = "31 days"\n[rule.post]\naccrued = "9999"\n'
    (books / "rules" / "mine.toml").write_text(rule, encoding="utf-8")
    assert revrec("import", charges(LINE, LINE.replace("I-1", "I-2").replace("-A,", "-B,"))).code == 0
    ended = revrec("run", "--date", "2024-04-30")
    assert ended.code == 4
    assert "1 posted (12.00 USD on each side), 1 failed" in ended.out
    assert "9999" in ended.err and "advice: " in ended.err
    listed = revrec("postings", "list", "--format", "json").json["postings"]
    assert [one["state"] for one in listed] == ["rejected"]
    assert listed[0]["error_no"] and listed[0]["error"] and listed[0]["advice"]
    assert revrec("postings", "list", "--state", "held", "--format", "json").json == {"postings": []}
    shown = revrec("status").out
    assert "entries           1 posted, 1 rejected" in shown


def test_4_for_revenue_that_no_rule_schedules_though_everything_else_is_posted(
    books: Path, revrec: Revrec, charges: Callable[..., Path]
) -> None:
    replace_rules(books, GOODS)
    assert revrec("import", charges(LINE, LINE.replace("I-1", "I-2").replace("GOODS-30-A", "MYSTERY"))).code == 0
    dry = revrec("run", "--date", "2024-04-30", "--dry-run")
    assert dry.code == 0 and "1 charge line without a rule (12.00 USD)" in dry.err
    ended = revrec("run", "--date", "2024-04-30")
    assert ended.code == 4 and "1 posted (12.00 USD on each side), 0 failed" in ended.out
    assert ended.err == (
        "revrec: warning: 1 charge line without a rule (12.00 USD): see revrec preview --date 2024-04-30\n"
    )
    assert revrec("run", "--date", "2024-04-30").code == 4, "as long as it is missing"


def test_4_for_a_line_that_waits_for_too_long(story: Path, revrec: Revrec) -> None:
    assert revrec("run", "--date", "2024-05-31").code == 0
    ended = revrec("run", "--date", "2024-06-30")
    assert ended.code == 4 and "1 charge line waiting since 2024-03-02 (1,299.00 USD)" in ended.err


def test_5_for_the_configuration(story: Path, revrec: Revrec) -> None:
    (story / "revrec.toml").write_text('[gateway]\nendpiont = "sandbox"\n', encoding="utf-8")
    ended = revrec("status")
    assert ended.code == 5
    assert ended.err.startswith(
        'revrec: revrec.toml: unknown key "endpiont" in [gateway]; did you mean "endpoint"? (known: '
    )


def test_5_for_a_wrong_password_and_nothing_is_marked_as_sent(
    story: Path, intacct: dict[str, str], revrec: Revrec
) -> None:
    ended = revrec("run", "--date", "2024-01-31", env={**intacct, "INTACCT_USER_PASSWORD": "hunter2-is-wrong"})
    assert ended.code == 5
    assert "hunter2" not in ended.out + ended.err
    assert sent(story) == 0
    again = revrec("run", "--date", "2024-01-31", env=intacct)
    assert (again.code, again.err) == (0, "")
    assert "2 posted" in again.out


def test_6_while_another_run_holds_the_lock(story: Path, revrec: Revrec) -> None:
    with FileLock(story / "revrec.db.run-lock"):
        ended = revrec("run", "--date", "2024-01-31", "--wait", "10 ms")
    assert ended.code == 6
    assert "--wait '5 min'" in ended.err
    assert revrec("run", "--date", "2024-01-31").code == 0


def test_6_when_another_sandbox_serves_the_same_data(tmp_path: Path, books: Path, revrec: Revrec) -> None:
    data = tmp_path / "ledger.db"
    with FileLock(f"{data}.lock"):
        ended = revrec("sandbox", "serve", "--data", data)
    assert (ended.code, ended.out) == (6, "")
    assert "another sandbox already serves" in ended.err and "--data" in ended.err


def test_130_when_interrupted(story: Path, revrec: Revrec, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("revrec.jobs.reports.trace.trace", interrupted)
    ended = revrec("trace", "shop/INV-1001/1")
    assert ended.code == 130
    assert "interrupted" in ended.err


def sent(folder: Path) -> int:
    """Requests that were made for entries, by the database's own word."""
    with sqlite3.connect(folder / "revrec.db") as database:
        count: int = database.execute("SELECT count(*) FROM attempt").fetchone()[0]
    return count
