"""The commands that list: what they show, how they are narrowed, and that no list is endless."""

import csv
import io
import json
import re
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from support.commands import Revrec

LISTS = {
    "postings": ["postings", "list", "--state", "all"],
    "runs": ["run", "list"],
    "charges": ["charge", "list"],
    "imports": ["import", "list"],
    "events": ["audit", "list"],
}
FILTERED = {
    "customer": "C-BRUNO", "item": "SUB-PRO", "account": "4000", "charge": "shop/INV-1007/1", "document": "INV-1007",
    "rule": "service-subscription", "period": "last_month",
}  # fmt: skip


@pytest.fixture
def books(posted_story: Path) -> Path:
    """The sample data with January and February posted, by two runs."""
    return posted_story


@pytest.fixture
def posted_here(story: Path, revrec: Revrec, intacct: dict[str, str]) -> Path:
    """The same, with the sandbox that has the entries."""
    for day in ("2024-01-31", "2024-02-29"):
        assert revrec("run", "--date", day, env=intacct).code == 0
    return story


@pytest.fixture
def empty_books(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, revrec: Revrec) -> Path:
    """Books that nothing was imported into."""
    monkeypatch.chdir(tmp_path)
    assert revrec("init", "empty").code == 0
    monkeypatch.chdir(tmp_path / "empty")
    return tmp_path / "empty"


def listed(revrec: Revrec, name: str, *words: str) -> list[dict[str, Any]]:
    ended = revrec(*LISTS[name], *words, "--format", "json")
    assert ended.code == 0, ended.err
    found: list[dict[str, Any]] = ended.json[name]
    return found


def test_postings_of_every_state_have_record_number_poster_and_time(
    posted_here: Path, revrec: Revrec, intacct: dict[str, str]
) -> None:
    assert revrec("postings", "list", "--format", "json").json == {"postings": []}, "by default what is not settled"
    posted = revrec("postings", "list", "--state", "posted", "--format", "json").json["postings"]
    assert posted == listed(revrec, "postings") and len(posted) == 7
    for one in posted:
        assert one["record_no"] and "uid" in one["posted_by"] and one["posted_at"] and one["state"] == "posted"
    shown = revrec("postings", "list", "--state", "posted").out
    assert posted[0]["record_no"] in shown and re.search(r"20\d\d-\d\d-\d\d \d\d:\d\d:\d\d UTC", shown)
    assert shown.endswith("7 postings; details: revrec trace REFERENCE\n")


def test_runs_are_listed_with_their_entries_and_outcome(books: Path, revrec: Revrec) -> None:
    found = listed(revrec, "runs")
    assert [(one["run"], one["date"], one["entries"], one["posted"]) for one in found] == [
        (2, "2024-02-29", 5, 5),
        (1, "2024-01-31", 2, 2),
    ]
    assert "5 posted" in revrec("run", "list").out


def test_charge_lines_show_what_is_posted_and_planned(books: Path, revrec: Revrec) -> None:
    found = {one["charge"]: one for one in listed(revrec, "charges")}
    assert len(found) == 15
    plan, waiting = found["shop/INV-1001/1"], found["shop/INV-1005/1"]
    assert (plan["amount"], plan["posted"], plan["planned"], plan["state"]) == ("24.00", "4.00", "20.00", "scheduled")
    assert (waiting["posted"], waiting["planned"], waiting["state"]) == ("0.00", "0.00", "unscheduled")
    assert plan["rule"] == "magazine-12-issues" and plan["file"].endswith("charges.csv") and plan["row"] == 2


def test_imported_files_are_listed_the_newest_first(books: Path, revrec: Revrec) -> None:
    found = listed(revrec, "imports")
    assert [(Path(one["file"]).name, one["kind"], one["rows"]) for one in found] == [
        ("events.csv", "events", 2),
        ("shop-orders.jsonl", "charges", 3),
        ("orders.xml", "charges", 2),
        ("charges.csv", "charges", 10),
    ]


def test_audit_events_are_listed_the_newest_first(books: Path, revrec: Revrec) -> None:
    found = listed(revrec, "events")
    assert [one["seq"] for one in found] == list(range(len(found), 0, -1))
    assert (found[0]["action"], found[0]["subject"]) == ("run ended", "run 2")
    assert [one["seq"] for one in listed(revrec, "events", "--subject", "run 2")] == [
        one["seq"] for one in found if one["subject"] == "run 2"
    ]
    assert listed(revrec, "events", "--actor", "no such person") == []


def test_the_audit_table_shows_amounts_with_their_decimals_and_no_data_for_programs(
    posted_here: Path, revrec: Revrec, intacct: dict[str, str]
) -> None:
    assert revrec("reconcile", "--date", "2024-02-29", env=intacct).code == 0
    compared, *_, first = [one for one in listed(revrec, "events") if one["action"] in ("reconciled", "entry created")]
    assert (first["detail"]["amount"], first["detail"]["currency"]) == (200, "USD"), "JSON has what is stored"
    assert compared["detail"]["balances"]
    shown = revrec("audit", "list", "--limit", "0").out
    assert "amount 2.00, currency USD" in shown
    assert "accepted none, entries 7, from 2024-01-05, invoices 0, open none, ties yes, to 2024-02-29" in shown


KEEPS: dict[str, Callable[[dict[str, Any]], bool]] = {
    "customer": lambda one: one["customer"] == "C-BRUNO",
    "item": lambda one: one["item"] == "SUB-PRO",
    "charge": lambda one: one["charge"] == "shop/INV-1007/1",
    "document": lambda one: one["document"] == "INV-1007",
    "rule": lambda one: one["rule"] == "service-subscription",
}


@pytest.mark.parametrize("name", KEEPS)
def test_a_filter_selects_charge_lines_and_what_belongs_to_them(name: str, books: Path, revrec: Revrec) -> None:
    words = (f"--{name}", FILTERED[name])
    everything = listed(revrec, "charges")
    assert listed(revrec, "charges", *words) == [one for one in everything if KEEPS[name](one)] != everything
    days = {one["date"] for one in listed(revrec, "postings", *words)}
    assert days == {"2024-01-31", "2024-02-29"}, "the days of the subscription's entries"
    assert [one["run"] for one in listed(revrec, "runs", *words)] == [2, 1]
    assert [Path(one["file"]).name for one in listed(revrec, "imports", *words)] == ["charges.csv"]
    subjects = {one["subject"] for one in listed(revrec, "events", *words)}
    assert {one["reference"] for one in listed(revrec, "postings", *words)} <= subjects
    assert not {one["reference"] for one in listed(revrec, "postings", "--charge", "shop/INV-1001/1")} & subjects


def test_days_select_by_the_date_that_each_list_names(books: Path, revrec: Revrec) -> None:
    january = ("--period", "2024-01")
    assert {one["date"][:7] for one in listed(revrec, "postings", *january)} == {"2024-01"}
    assert [one["run"] for one in listed(revrec, "runs", *january)] == [1]
    assert {one["post_date"][:7] for one in listed(revrec, "charges", *january)} == {"2024-01"}
    assert listed(revrec, "imports", *january) == listed(revrec, "events", *january) == []
    assert len(listed(revrec, "imports", "--from", "yesterday", "--to", "tomorrow")) == 4


def test_by_recognition_date_an_entry_of_a_closed_month_is_found_in_that_month(
    story: Path, revrec: Revrec, intacct: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REVREC_POSTING_CLOSED_PERIOD", "next_open")
    assert revrec("periods", "close", "2024-01", "--reason", "reported").code == 0
    assert revrec("run", "--date", "2024-01-31", env=intacct).code == 0
    assert listed(revrec, "postings", "--period", "2024-01") == []
    earned = listed(revrec, "postings", "--period", "2024-01", "--basis", "earned")
    assert {(one["recognized"][:7], one["date"]) for one in earned} == {("2024-01", "2024-02-01")}
    shown = revrec("postings", "list", "--state", "all", "--period", "2024-02").out
    assert "2 postings by ledger date; details" in shown
    shown = revrec("postings", "list", "--state", "all", "--period", "2024-01", "--basis", "earned").out
    assert "2 postings by recognition date; details" in shown


LINES_OF_BRUNO = ["shop/INV-1002/1", "shop/INV-1005/1", "shop/INV-1007/1"]


@pytest.mark.parametrize(
    ("filter", "charges"),
    [
        (["--customer", "C-BRUNO"], LINES_OF_BRUNO),
        (["--customer", "C-BRUNO", "--item", "SUB-PRO"], ["shop/INV-1007/1"]),
        (["--document", "INV-1007"], ["shop/INV-1007/1"]),
        (["--charge", "shop/INV-1005/1"], ["shop/INV-1005/1"]),
        (["--rule", "service-subscription"], ["shop/INV-1007/1"]),
        (["--rule", "goods-on-delivery", "--customer", "C-BRUNO"], ["shop/INV-1005/1"]),
    ],
)
def test_the_balance_and_its_totals_have_the_filters_of_lists(
    books: Path, revrec: Revrec, filter: list[str], charges: list[str]
) -> None:
    report = ["report", "balance", "--date", "2024-12-31", "--show", "lines", "--all", "--format", "json"]
    every = {line["charge"]: line for one in revrec(*report).json["contracts"] for line in one["lines"]}
    found = revrec(*report, *filter).json
    assert [line["charge"] for one in found["contracts"] for line in one["lines"]] == charges
    liability = sum(Decimal(every[charge]["balance"]) for charge in charges)
    assert [Decimal(one["liability"]) for one in found["totals"]] == [liability]
    assert revrec("report", "balance", "--date", "2024-12-31", filter[0], "NIX").code == 3


@pytest.fixture
def rebuilt(books: Path, revrec: Revrec) -> Path:
    """The sample data after a rebuild that moved the magazines of two customers and nothing else."""
    rules = books / "rules" / "subscriptions.toml"
    rules.write_text(rules.read_text().replace("periods = 12", "periods = 6"))
    assert revrec("schedule", "--rebuild", "--reason", "six issues").code == 0
    return books


@pytest.mark.parametrize(
    "filter",
    [["--charge", "shop/INV-1001/1"], ["--document", "INV-1001"], ["--period", "2024-03"], ["--item", "MAG-01"]],
)
def test_moves_have_the_filters_of_lists(rebuilt: Path, revrec: Revrec, filter: list[str]) -> None:
    every = revrec("report", "moves", "--format", "json").json["moves"]
    found = revrec("report", "moves", *filter, "--format", "json").json["moves"]
    wanted = {"--charge": "charge", "--period": "period"}.get(filter[0])
    if wanted:
        assert found == [one for one in every if one[wanted] == filter[1]]
    assert 0 < len(found) <= len(every)
    assert revrec("report", "moves", "--customer", "NIX").code == 3


def test_the_history_of_rules_has_the_filters_of_lists(rebuilt: Path, revrec: Revrec) -> None:
    def versions(*filter: str) -> list[tuple[str, int, int]]:
        found = revrec("rules", "history", *filter, "--format", "json").json["versions"]
        return [(one["rule"], one["version"], one["charges"]) for one in found]

    assert versions("--charge", "shop/INV-1001/1") == [("magazine-12-issues", 1, 1), ("magazine-12-issues", 2, 1)]
    assert versions("--rule", "service-subscription") == versions("service-subscription") != []
    assert versions("--customer", "C-BRUNO", "--rule", "magazine-12-issues") == []
    assert versions("--account", "4000") == versions()
    assert versions("--customer", "C-ADA", "--period", "2024-01") == []


@pytest.mark.parametrize("name", LISTS)
def test_a_list_ends_at_its_limit_and_says_how_much_more_there_is(name: str, books: Path, revrec: Revrec) -> None:
    count = len(listed(revrec, name))
    limited = revrec(*LISTS[name], "--limit", "1").out
    assert f"... and {count - 1} more " in limited and "(--limit 0 shows all)" in limited
    assert "more" not in revrec(*LISTS[name], "--limit", "0").out
    rows = list(csv.reader(io.StringIO(revrec(*LISTS[name], "--limit", "1", "--format", "csv").out)))
    assert len(rows) == count + 1, "data is never cut"


@pytest.mark.parametrize("name", LISTS)
def test_a_list_can_be_written_to_a_file(name: str, books: Path, revrec: Revrec) -> None:
    ended = revrec(*LISTS[name], "--format", "json", "--output", "list.json")
    assert (ended.code, ended.out) == (0, "") and json.loads(Path("list.json").read_text())[name] == listed(
        revrec, name
    )


@pytest.mark.parametrize(
    "words", [("quarantine", "list"), ("periods", "list"), ("rules", "list"), ("errors", "list")], ids=" ".join
)
def test_every_other_list_can_be_written_to_a_file_too(words: tuple[str, ...], story: Path, revrec: Revrec) -> None:
    assert revrec(*words, "--output", "list.txt").out == ""
    assert Path("list.txt").read_text() == revrec(*words).out


def test_periods_are_narrowed_to_a_quarter(story: Path, revrec: Revrec) -> None:
    found = revrec("periods", "list", "--period", "2024-Q2", "--format", "json").json["periods"]
    assert [one["period"] for one in found] == ["2024-04", "2024-05", "2024-06"]


@pytest.mark.parametrize("filter", ["customer", "item", "charge", "document", "rule"])
def test_a_filter_on_empty_books_says_that_they_are_empty(filter: str, empty_books: Path, revrec: Revrec) -> None:
    ended = revrec("charge", "list", f"--{filter}", "X")
    said = f"revrec: --{filter} X: these books have no charge lines yet; import them with: revrec import FILE\n"
    assert (ended.code, ended.out, ended.err) == (3, "", said)


def test_an_account_of_empty_books_without_rules_is_explained(
    empty_books: Path, revrec: Revrec, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REVREC_ACCOUNTS_DEFERRED", "")
    monkeypatch.setenv("REVREC_ACCOUNTS_ACCRUED", "")
    assert "--account X: these books post to no account yet; import" in revrec("charge", "list", "--account", "X").err


@pytest.mark.parametrize("name", LISTS)
@pytest.mark.parametrize("filter", [name for name in FILTERED if name != "period"])
def test_a_filter_that_names_something_unknown_is_refused_before_anything_is_printed(
    name: str, filter: str, story: Path, revrec: Revrec
) -> None:
    ended = revrec(*LISTS[name], f"--{filter}", "NIX", "--format", "json")
    assert (ended.code, ended.out) == (3, "") and "NIX" in ended.err


def test_a_rule_has_a_history_with_its_text_what_changed_and_what_it_moved(
    posted_here: Path, revrec: Revrec, intacct: dict[str, str]
) -> None:
    rules = posted_here / "rules" / "subscriptions.toml"
    rules.write_text(rules.read_text().replace("periods = 12 ", "periods = 6 "))
    assert revrec("schedule", "--rebuild", "--reason", "six issues only").code == 0
    first, second = revrec("rules", "history", "magazine-12-issues", "--format", "json").json["versions"]
    assert (first["version"], first["diff"], first["moved"]) == (1, "", {}) and "periods = 12" in first["text"]
    assert (second["version"], second["charges"]) == (2, first["charges"])
    assert (first["reasons"], second["reasons"]) == ([], ["six issues only"])
    assert "-periods = 12" in second["diff"] and "+periods = 6" in second["diff"]
    assert float(second["moved"]["USD"]) > 0
    shown = revrec("rules", "history", "magazine-12-issues").out
    assert "+periods = 6" in shown and f"{second['moved']['USD']} USD" in shown
    assert {one["rule"] for one in revrec("rules", "history", "--format", "json").json["versions"]} > {"goods-30-days"}
    assert revrec("rules", "history", "no-such-rule").code == 3
