"""A first day with revrec, command by command, each a process of its own, against the real sandbox process."""

import sqlite3
from collections import Counter
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from support.commands import Terminal

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("first day")]

ROOT = Path(__file__).resolve().parents[2]
DAY = "2024-04-30"
Posted = Counter[tuple[str, str, str, int, Decimal]]


@pytest.fixture(scope="module")
def day(at: Callable[[Path], Terminal], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The day's commands and what each printed."""
    home = tmp_path_factory.mktemp("day")
    assert at(home)("init", "books").code == 0
    here = at(home / "books")
    samples = [ROOT / "sample_data" / name for name in ("charges.csv", "orders.xml", "shop-orders.jsonl")]
    seen: dict[str, Any] = {"here": here, "books": home / "books"}
    seen["import"] = here.json("import", *samples)
    seen["events"] = here.json("import", "--events", ROOT / "sample_data" / "events.csv")
    seen["preview"] = here.json("preview", "--date", DAY)
    seen["dry run"] = here.json("run", "--date", DAY, "--dry-run")
    seen["run"] = here.json("run", "--date", DAY)
    seen["again"] = here.json("run", "--date", DAY)
    seen["earlier"] = here.json("run", "--date", "2024-02-29")
    seen["after"] = here.json("preview", "--date", DAY)
    seen["status"] = here.json("status")
    return seen


def ledger(books: Path) -> Posted:
    """Every line of the sandbox's own ledger: date, document, account, sign, amount."""
    with sqlite3.connect(books / "sandbox.db") as database:
        rows = database.execute(
            "SELECT b.batch_date, e.document, e.account, e.sign, e.trx_mills FROM glentry e JOIN glbatch b"
            " ON b.recordno = e.batch"
        )
        return Counter((*row[:4], Decimal(row[4]) / 1000) for row in rows)


def expected(lines: list[dict[str, Any]]) -> Posted:
    """What the lines of a preview should put into the ledger: deferred debit, accrued credit, reversed below zero."""
    due: Posted = Counter()
    for line in lines:
        amount = Decimal(line["amount"])
        sign = 1 if amount > 0 else -1
        _source, _, document = line["charge"].partition("/")
        due[line["date"], document, line["deferred"], sign, abs(amount)] += 1
        due[line["date"], document, line["accrued"], -sign, abs(amount)] += 1
    return due


def test_every_row_of_the_sources_is_imported(day: dict[str, Any]) -> None:
    assert [(one["rows"], one["accepted"], one["rejected"]) for one in day["import"]["files"]] == [
        (10, 10, 0),
        (2, 2, 0),
        (3, 3, 0),
    ]
    assert [(one["accepted"], one["scheduled"]) for one in day["events"]["files"]] == [(2, 2)]


def test_intacct_holds_exactly_the_lines_that_the_preview_showed(day: dict[str, Any]) -> None:
    assert len(day["preview"]["lines"]) == 26
    assert ledger(day["books"]) == expected(day["preview"]["lines"])


def test_the_dry_run_made_the_entries_that_the_run_posted(day: dict[str, Any]) -> None:
    def content(found: dict[str, Any]) -> list[tuple[str, ...]]:
        return [
            tuple(str(entry[name]) for name in ("date", "journal", "lines", "amount")) for entry in found["entries"]
        ]

    assert content(day["dry run"]) == content(day["run"])
    assert day["run"]["posted"] == len(day["run"]["entries"]) == 21
    assert {entry["status"] for entry in day["run"]["entries"]} == {"posted"}


def test_nothing_is_posted_twice_for_the_same_or_an_earlier_day(day: dict[str, Any]) -> None:
    for again in (day["again"], day["earlier"]):
        assert (again["entries"], again["posted"], again["failed"]) == ([], 0, 0)
    assert day["after"]["lines"] == []


def test_every_entry_is_found_by_intacct_s_record_number_and_back(day: dict[str, Any]) -> None:
    entry = next(one for one in day["run"]["entries"] if one["date"] == "2024-01-12")
    found = day["here"].json("trace", entry["record_no"])
    assert (found["entry"]["record_no"], found["charges"]) == (entry["record_no"], 1)
    assert found == day["here"].json("trace", entry["reference"])
    life = day["here"].json("trace", entry["reference"], "--deep")
    assert life == day["here"].json("trace", "shop/INV-1001/1") and life["charge"]["id"] == "shop/INV-1001/1"


def test_the_trace_shows_the_whole_way_without_any_secret(day: dict[str, Any]) -> None:
    life = day["here"].json("trace", "shop/INV-1004/1")
    assert life["source"]["row"] == 6 and life["source"]["uri"].endswith("charges.csv")
    assert [(one["kind"], one["date"], one["row"]) for one in life["events"]] == [("pod", "2024-03-07", 2)]
    assert life["rule"]["name"] == "goods-on-delivery" and 'method = "pod_date"' in life["rule"]["text"]
    assert [line["status"] for version in life["schedule"] for line in version["lines"]] == ["posted"]
    [attempt] = life["entries"][0]["attempts"]
    assert attempt["outcome"] == "posted"
    assert "<GLBATCH>" in attempt["request"] and "<RECORDNO>" in attempt["response"].upper()
    assert "<password>***</password>" in attempt["request"] or "password" not in attempt["request"].lower()


def test_the_status_says_what_is_left(day: dict[str, Any]) -> None:
    status = day["status"]
    assert (status["charges"], status["unscheduled"], status["entries"]) == (15, 1, {"posted": 21})
    assert status["attention"] == [] and status["next_date"] == "2024-05-04"
    assert status["last_run"]["outcome"].startswith("0 posted")


def test_the_sandbox_that_a_run_started_ended_with_it(day: dict[str, Any]) -> None:
    assert not (day["books"] / "sandbox.db.address.json").exists()
