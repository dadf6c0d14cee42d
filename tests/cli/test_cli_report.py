"""``revrec report``: what a person, a program and a file get."""

import json
from pathlib import Path
from typing import Any

import pytest

from support.commands import Revrec


@pytest.fixture
def books(tmp_path: Path, revrec: Revrec, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A delivered sofa that cannot be billed yet, a year of a magazine, and one that is billed later."""
    assert revrec("init", tmp_path / "books").code == 0
    monkeypatch.chdir(tmp_path / "books")
    rows = [
        "source,document,line,customer,item,post_date,amount,currency,contract",
        "shop,INV-1,1,C-ADA,MAG-01,2024-01-05,24.00,USD,",
        "shop,INV-2,1,C-EVE,GOODS-POD-SOFA,2024-06-05,1299.00,USD,=SUM",
        "shop,INV-3,1,C-EVE,MAG-01,2024-06-05,24.00,USD,",
    ]
    Path("charges.csv").write_text("\n".join(rows) + "\n")
    assert revrec("import", "charges.csv").code == 0
    assert revrec("event", "add", "shop/INV-2/1", "pod", "2024-01-31").code == 0
    return Path.cwd()


def balance(revrec: Revrec, *words: str) -> Any:
    return revrec("report", "balance", "--date", "2024-01-31", "--planned", *words)


def test_people_see_contracts_accounts_and_the_balance_sheet(books: Path, revrec: Revrec) -> None:
    ended = balance(revrec)
    assert ended.code == 0 and ended.err == ""
    assert "=SUM" in ended.out and "1,299.00" in ended.out and "INV-3" not in ended.out
    assert "Accounts, credits positive" in ended.out and "Balance sheet" in ended.out
    assert "... and 1 more contract (--limit 0 shows all)" in balance(revrec, "--limit", "1").out
    assert "shop/INV-1/1" in balance(revrec, "--show", "lines").out
    assert "nothing is deferred" in balance(revrec, "--account", "4000").out
    refused = balance(revrec, "--customer", "C-ADAM")
    assert refused.code == 3 and "--customer C-ADAM: unknown; charge lines name C-ADA, C-EVE" in refused.err


@pytest.mark.parametrize("words", [("waterfall", "--date"), ("rpo", "--date"), ("activity", "--period")])
def test_reports_of_a_customer_name_it_and_refuse_one_that_is_unknown(
    books: Path, revrec: Revrec, words: tuple[str, ...]
) -> None:
    found = revrec("report", *words, "2024-01", "--customer", "C-ADA", "--format", "json").json
    assert found["header"]["customer"] == "C-ADA"
    refused = revrec("report", *words, "2024-01", "--customer", "C-ADAM")
    assert refused.code == 3 and "--customer C-ADAM: unknown; charge lines name C-ADA, C-EVE" in refused.err


def test_programs_get_decimal_text_and_each_line_if_asked(books: Path, revrec: Revrec) -> None:
    found = balance(revrec, "--format", "json", "--show", "lines").json
    assert (found["date"], found["planned"], found["by"]) == ("2024-01-31", True, "contract")
    assert [one["charge"] for one in found["rows"]] == [
        line["charge"] for one in found["contracts"] for line in one["lines"]
    ]
    assert (found["header"]["report"], found["header"]["row_count"], found["checks"]) == ("balance", 2, [])
    assert found["header"]["control_totals"]["USD"]["balance"] == "-1277.00"
    (asset,) = (one for one in found["contracts"] if one["contract"] == "=SUM")
    assert (asset["asset"], asset["liability"], asset["lines"][0]["balance"]) == ("1299.00", "0.00", "-1299.00")
    (account,) = found["accounts"]
    assert (account["balance"], account["reclassify"], account["presented"]) == ("-1277.00", "1299.00", "22.00")
    (total,) = found["totals"]
    assert (total["liability"], total["asset"], total["asset_noncurrent"]) == ("22.00", "1299.00", "0.00")
    assert balance(revrec, "--format", "csv").out.splitlines()[1].startswith("'=SUM,"), "no formula for a spreadsheet"


def test_what_is_settled_is_listed_if_asked(books: Path, revrec: Revrec) -> None:
    settled = ("report", "balance", "--date", "2025-12-31", "--planned", "--format", "csv")
    assert len(revrec(*settled).out.splitlines()) == 1
    assert len(revrec(*settled, "--all").out.splitlines()) == 4


def test_it_goes_to_a_file_and_says_if_it_cannot(books: Path, revrec: Revrec) -> None:
    ended = balance(revrec, "--format", "json", "--output", "balance.json")
    assert ended.out == "" and json.loads((books / "balance.json").read_text())["totals"]
    ended = balance(revrec, "--output", "nowhere/balance.txt")
    assert ended.code == 2 and "nowhere/balance.txt: cannot be written" in ended.err
    assert revrec("report", "balance", "--date", "31.1.2024").code == 2
    ended = balance(revrec, "--by", "colour", "--output", "colour.txt")
    assert ended.code == 3 and "dimensions.NAME" in ended.err and not Path("colour.txt").exists()


def test_what_is_late_for_a_closed_month_is_listed_in_every_format(books: Path, revrec: Revrec) -> None:
    assert revrec("periods", "close", "2024-01", "--reason", "reported on February 5").code == 0
    before = balance(revrec).out
    Path("late.csv").write_text(Path("charges.csv").read_text().replace("INV-", "LATE-"))
    assert revrec("import", "late.csv").code == 0
    late = "shop/LATE-1/1"
    shown = balance(revrec)
    assert shown.out.splitlines()[: before.count("\n") - 1] == before.splitlines()[:-1], "the figures are the same"
    assert "Arrived after the close: not counted here" in shown.out and "late.csv, row 2" in shown.out
    assert "closed through 2024-01-31 since " in shown.out and "these are the figures of the close" in shown.out
    found = balance(revrec, "--format", "json").json
    (row,) = found["late"]
    assert (row["charge"], row["change"], row["amount"], row["account"]) == (late, "charge line", "24.00", "2400")
    assert found["closed"][0]["figures_as_reported"] and "reported on February 5" in found["closed"][0]["reason"]
    listed = balance(revrec, "--format", "csv")
    assert late not in listed.out and f"{late}: charge line of 2024-01-05, 24.00 USD" in listed.err
    february = revrec("report", "balance", "--date", "2024-02-29")
    assert "Arrived after the close: counted here, not in closed months" in february.out and late in february.out
    assert "... and 1 more late change" not in february.out


def test_a_balance_on_an_account_that_the_rule_left_is_listed_in_every_format(books: Path, revrec: Revrec) -> None:
    config = Path("revrec.toml")
    config.write_text(config.read_text().replace('deferred = "2400"', 'deferred = "2410"'))
    assert revrec("schedule", "--rebuild", "--reason", "tested").code == 0
    assert "Move to the account that the rules name now" in balance(revrec).out
    moves = balance(revrec, "--format", "json").json["moves"]
    assert {(one["account"], one["to"]) for one in moves} == {("2400", "2410")} and moves[0]["reason"]
    assert "belongs on 2410" in balance(revrec, "--format", "csv").err
    dry = revrec("reclassify", "2400", "2410", "--date", "2024-02-29", "--dry-run", "--reason", "JE-1")
    assert dry.code == 0 and "dry run: nothing was stored" in dry.out
    ended = revrec("reclassify", "2400", "2410", "--date", "2024-02-29", "--reason", "JE-1", "--format", "json")
    assert ended.json["stored"] and {one["to"] for one in ended.json["moves"]} == {"2410"}
    assert revrec("report", "balance", "--date", "2024-02-29", "--format", "json").json["moves"] == []
    assert revrec("reclassify", "2400", "2410", "--date", "2024-02-29", "--reason", "JE-1").code == 3


def test_a_report_of_an_earlier_moment_names_it_and_has_nothing_that_came_later(books: Path, revrec: Revrec) -> None:
    wanted = ("report", "revenue", "--from", "2024-01", "--to", "2024-12", "--format", "json")
    before = revrec(*wanted).json
    seq = before["header"]["audit_seq"]
    assert revrec("event", "add", "shop/INV-1/1", "credit", "2024-02-01", "--amount", "4").code == 0
    after = revrec(*wanted, "--known", str(seq)).json
    assert after["header"].pop("known").startswith(f"audit event {seq}, ")
    for report in (before, after):
        del report["header"]["run_at"]
    assert after == before
    day = revrec("report", "exceptions", "--date", "2024-01-31", "--known", "2024-01-01")
    assert day.code == 2 and "--known 2024-01-01: these books began later, at " in day.err


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("yesterday", "--known 'yesterday': not a time; write it as 2024-04-01, "),
        ("2999-01-01", "--known 2999-01-01: is in the future"),
        ("99999", "--known 99999: there is no such audit event yet; the last one is "),
        ("0", "--known 0: these books began later"),
    ],
)
def test_a_moment_that_is_none_is_refused(books: Path, revrec: Revrec, text: str, words: str) -> None:
    ended = revrec("report", "activity", "--period", "2024-01", "--known", text)
    assert ended.code == 2 and words in ended.err
    assert revrec("report", "close", "--period", "2024-01", "--to", "x", "--known", "1").code == 2
