"""``revrec trace`` of an entry, and that no command prints thousands of lines that were not asked for."""

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from support.commands import Revrec

MANY = 60


@pytest.fixture
def books(books: Path, revrec: Revrec, charges: Callable[..., Path], intacct: dict[str, str]) -> Path:
    """An entry on which the charge lines of many documents are posted together."""
    rows = (f"shop,I-{number},1,C-ADA,GOODS-30-LAMP,2024-01-01,{number}.00,USD" for number in range(1, MANY + 1))
    assert revrec("import", charges(*rows)).code == 0
    assert revrec("run", "--date", "2024-01-31", env=intacct).code == 0
    return books


@pytest.fixture
def entry(books: Path, revrec: Revrec) -> dict[str, Any]:
    (found,) = revrec("postings", "list", "--state", "posted", "--format", "json").json["postings"]
    return dict(found)


def test_the_trace_of_an_entry_shows_the_entry_and_not_its_charges(entry: dict[str, Any], revrec: Revrec) -> None:
    found = revrec("trace", entry["reference"], "--format", "json").json
    assert found == revrec("trace", entry["record_no"], "--format", "json").json
    assert found.keys() == {"entry", "totals", "charges", "audit"} and found["charges"] == MANY
    assert len(found["entry"]["lines"]) == 2 * MANY
    total = f"{sum(range(1, MANY + 1))}.00"
    assert [(one["debit"], one["credit"]) for one in found["totals"]] == [(total, "0.00"), ("0.00", total)]
    assert Decimal(found["entry"]["amount"]) == Decimal(total)
    assert {one["subject"] for one in found["audit"]} == {entry["reference"]}
    tree = revrec("trace", entry["reference"]).out
    assert f"entry {entry['reference']}: posted, Intacct record {entry['record_no']}" in tree.splitlines()[0]
    assert "request 1 " in tree and "debit 1,830.00, credit 0.00" in tree
    assert "schedule version" not in tree
    assert f"60 charge lines: revrec trace {entry['reference']} --deep" in tree


@pytest.mark.slow
def test_only_deep_shows_the_charges_of_an_entry(entry: dict[str, Any], revrec: Revrec) -> None:
    lives = revrec("trace", entry["reference"], "--deep", "--format", "json").json
    assert len(lives) == MANY and lives[0]["charge"]["id"] == "shop/I-1/1"
    shown = revrec("trace", entry["reference"], "--deep").out
    assert shown.count("schedule version 1") == 20
    assert shown.endswith("... and 40 more charge lines (--limit 0 shows all)\n")
    assert revrec("trace", entry["reference"], "--deep", "--limit", "0").out.count("schedule version 1") == MANY


def test_a_line_of_an_entry_leads_to_its_charge_line(entry: dict[str, Any], revrec: Revrec) -> None:
    found = revrec("trace", entry["reference"], "--line", "3", "--format", "json").json
    assert found["line"]["line_no"] == 3 and found["charges"] == 1
    assert [(one["charge"], one["amount"]) for one in found["parts"]] == [("shop/I-2/1", found["line"]["amount"])]


def test_a_line_of_a_summarized_entry_leads_to_all_of_its_charge_lines(
    books: Path, revrec: Revrec, charges: Callable[..., Path], intacct: dict[str, str]
) -> None:
    by_account = {**intacct, "REVREC_POSTING_SUMMARIZE": "account"}
    rows = (f"shop,J-{number},1,C-ADA,GOODS-30-LAMP,2024-02-01,{number}.00,USD" for number in range(1, MANY + 1))
    assert revrec("import", charges(*rows, name="more.csv"), env=by_account).code == 0
    assert "Summarized journal lines" in revrec("preview", "--date", "2024-03-31").out
    (entry,) = revrec("run", "--date", "2024-03-31", "--format", "json", env=by_account).json["entries"]
    assert (entry["lines"], entry["schedule_lines"]) == (2, MANY)
    found = revrec("trace", entry["reference"], "--line", "2", "--format", "json").json
    assert sum(Decimal(one["amount"]) for one in found["parts"]) == Decimal(found["line"]["amount"]) == 1830
    assert len(found["parts"]) == found["charges"] == found["line"]["schedule_lines"] == MANY
    tree = revrec("trace", entry["record_no"], "--line", "2").out
    assert f"entry {entry['reference']}, line 2: posted, Intacct record {entry['record_no']}" in tree.splitlines()[0]
    assert "credit 4000  1,830.00 USD" in tree and "60 schedule lines of 60 charge lines" in tree
    assert "shop/J-20/1" in tree and "shop/J-21/1" not in tree and "40 more schedule lines" in tree


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["--line", "121"], 3, "has no such line; its lines are 1 to 120"),
        (["--line", "0"], 2, "Invalid value"),
        (["--line", "1", "--deep"], 2, "cannot be combined with --deep"),
    ],
    ids=["too high", "zero", "deep"],
)
def test_a_line_that_an_entry_does_not_have_is_refused(
    words: list[str], code: int, said: str, entry: dict[str, Any], revrec: Revrec
) -> None:
    found = revrec("trace", entry["reference"], *words)
    assert found.code == code and said in " ".join(found.err.split())


@pytest.mark.slow
@pytest.mark.parametrize(
    "words",
    [
        ["trace", "REFERENCE"],
        ["trace", "REFERENCE", "--deep"],
        ["trace", "charges.csv"],
        ["explain", "REFERENCE"],
        ["preview"],
        ["charge", "list"],
        ["audit", "list"],
        ["schedule"],
        ["reconcile", "--date", "2024-01-31"],
    ],
    ids=" ".join,
)
def test_no_command_prints_more_than_its_limit(
    words: list[str], entry: dict[str, Any], books: Path, revrec: Revrec, intacct: dict[str, str]
) -> None:
    rules = books / "rules" / "goods_and_freight.toml"
    rules.write_text(rules.read_text().replace("30 days", "31 days"))
    named = [entry["reference"] if word == "REFERENCE" else word for word in words]
    less, more = (revrec(*named, "--limit", limit, env=intacct) for limit in ("1", "0"))
    assert less.code == more.code == 0, less.err
    cut = "(--limit 0 shows all)" in less.out
    assert cut == (len(less.out.splitlines()) < len(more.out.splitlines()))
    assert "--limit 0" not in more.out


def test_a_run_of_many_entries_prints_the_first_ones_and_the_whole_sum(
    books: Path, revrec: Revrec, charges: Callable[..., Path], intacct: dict[str, str]
) -> None:
    days = (f"shop,J-{day},1,C-ADA,GOODS-30-LAMP,2024-02-{day:02},1.00,USD" for day in range(1, 11))
    assert revrec("import", charges(*days, name="more.csv")).code == 0
    shown = revrec("run", "--date", "2024-03-31", "--limit", "3", env=intacct).out
    assert "... and 7 more entries (--limit 0 shows all)" in shown
    assert "10 posted (10.00 USD on each side)" in shown


WHY = {
    "trace": ("trace",),
    "explain": ("explain",),
    "rules explain": ("rules", "explain"),
    "errors explain": ("errors", "explain"),
    "import --explain": ("import",),
}
NEIGHBORS = {
    "trace": ("revrec explain", "revrec rules explain"),
    "explain": ("revrec trace", "revrec rules explain"),
    "rules explain": ("revrec explain", "revrec trace"),
    "errors explain": ("revrec trace",),
    "import --explain": ("revrec trace",),
}


@pytest.mark.parametrize("name", WHY)
def test_each_command_that_answers_why_says_when_to_use_it_and_when_another(name: str, revrec: Revrec) -> None:
    help = " ".join(revrec(*WHY[name], "--help").out.split())
    assert "Use it " in help or "Use --explain " in help
    assert all(f"`{other}`" in help for other in NEIGHBORS[name])
