"""Repairs end to end: a refused entry goes on at once with the values that a rule file supplies, once, on record."""

import json
from typing import Any

import pytest

from revrec.cli.trace import tree
from revrec.jobs.admin.verify import verify
from revrec.jobs.reports.trace import trace
from support.books import Books, MakeRow
from support.intacct import Intacct

pytestmark = pytest.mark.both_databases

DAY = "2024-02-10"
REPAIR = """
[[repair]]
name = "default-location"
description = "A location that Intacct does not have is replaced by the main one"
[repair.when]
error = "dimension-unknown"
dimension = "location"
[repair.set]
dimensions.location = "E100"
"""


@pytest.fixture
def nowhere(books: Books, row: MakeRow) -> Books:
    """Books with a line whose location Intacct does not have, one beside it on the same entry, and another entry."""
    books.take(row("INV-1", location="NOWHERE"), row("INV-2", location="E100"), row("INV-3", post_date="2024-01-06"))
    return books


def write_repair(books: Books, text: str = REPAIR) -> None:
    (books.folder / "rules" / "repairs.toml").write_text(text)


def states(books: Books) -> list[str]:
    return [state for (state,) in books.sql("SELECT state FROM journal_entry ORDER BY id")]


def locations(intacct: Intacct) -> list[str | None]:
    return sorted(line["dimensions"].get("LOCATION", "") for entry in intacct.entries() for line in entry["lines"])


def test_a_refused_entry_goes_on_with_the_repaired_values_in_the_same_run(nowhere: Books, intacct: Intacct) -> None:
    write_repair(nowhere)
    result = nowhere.run(DAY)
    assert result.complete and result.repaired == {"default-location": 1}
    assert states(nowhere) == ["REPLACED", "POSTED", "POSTED"]
    assert [one["status"] for one in result.entries] == ["posted", "posted"]
    assert locations(intacct) == ["", "", "E100", "E100", "E100", "E100"]
    assert nowhere.sql("SELECT side, field, before, after FROM repaired_value") == [
        ("debit", "dimensions.location", "NOWHERE", "E100"),
        ("credit", "dimensions.location", "NOWHERE", "E100"),
    ]
    assert json.loads(nowhere.sql("SELECT dimensions FROM charge_line WHERE document = 'INV-1'")[0][0]) == {
        "location": "NOWHERE"
    }, "the charge line stays as it came"
    assert verify(nowhere.context()).sound


def test_the_trace_shows_what_was_repaired_by_which_text(nowhere: Books) -> None:
    write_repair(nowhere)
    nowhere.run(DAY)
    life = nowhere.trace("shop/INV-1/1")
    refused, posted = life["entries"]
    assert (refused["status"], posted["status"]) == ("replaced", "posted")
    assert refused["attempts"][0]["failure"] == "dimension-unknown" and refused["attempts"][0]["class"] == "needs_data"
    assert [(one["repair"], one["before"], one["after"]) for one in refused["repairs"]] == [
        ("default-location", "NOWHERE", "E100"),
        ("default-location", "NOWHERE", "E100"),
    ]
    (repair,) = life["repairs"]
    assert repair["version"] == 1 and 'error = "dimension-unknown"' in repair["text"]
    assert "entry repaired" in [event["action"] for event in life["audit"]]
    from rich.console import Console

    console = Console(width=200)
    with console.capture() as captured:
        console.print(*(tree(one, verbose=False) for one in trace(nowhere.context(), "shop/INV-1/1")))
    assert "repaired by default-location, version 1: debit dimensions.location NOWHERE -> E100" in captured.get()
    assert nowhere.trace("shop/INV-2/1")["repairs"] == [], "the other line of the entry was not touched"


def test_a_repair_that_does_not_help_is_used_once_and_a_person_is_needed(nowhere: Books, intacct: Intacct) -> None:
    write_repair(nowhere, REPAIR.replace('"E100"', '"NOWHERE-EITHER"'))
    result = nowhere.run(DAY)
    assert result.counts["failed"] == 1 and states(nowhere) == ["REPLACED", "POSTED", "REJECTED"]
    assert nowhere.run(DAY).counts["failed"] == 1
    assert len(nowhere.sql("SELECT * FROM repaired_value")) == 2, "never a loop"


def test_a_changed_text_is_another_version_and_is_used_again(nowhere: Books, intacct: Intacct) -> None:
    write_repair(nowhere, REPAIR.replace('"E100"', '"NOWHERE-EITHER"'))
    nowhere.run(DAY)
    write_repair(nowhere)
    result = nowhere.run(DAY)
    assert result.complete and result.repaired == {"default-location": 1}
    assert nowhere.sql("SELECT name, version FROM repair_version") == [("default-location", 1), ("default-location", 2)]
    assert locations(intacct) == ["", "", "E100", "E100", "E100", "E100"]
    assert verify(nowhere.context()).sound


def test_a_repair_that_was_withdrawn_is_no_longer_applied(nowhere: Books, intacct: Intacct) -> None:
    write_repair(nowhere, REPAIR.replace('"E100"', '"NOWHERE-EITHER"'))
    nowhere.run(DAY)
    write_repair(nowhere, "")
    intacct.admin("/locations", id="NOWHERE", name="Nowhere")
    assert nowhere.run(DAY).complete
    assert "NOWHERE" in locations(intacct) and "NOWHERE-EITHER" not in locations(intacct)
    assert len(nowhere.sql("SELECT * FROM repaired_value")) == 2, "what it did stays on record"


def test_a_repair_that_is_written_later_fixes_what_was_refused_before(nowhere: Books, intacct: Intacct) -> None:
    assert nowhere.run(DAY).counts["failed"] == 1
    write_repair(nowhere)
    result = nowhere.run(DAY)
    assert result.complete and result.repaired == {"default-location": 1}
    assert [one["lines"] for one in result.entries] == [4]


def test_an_account_and_a_missing_dimension_are_repaired_one_after_the_other(
    books: Books, intacct: Intacct, row: MakeRow
) -> None:
    intacct.admin("/accounts", id="4100", name="Projects", details={"requires": ["DEPARTMENT"]})
    books.rules(
        """
        [[rule]]
        name = "r"
        [rule.recognize]
        method = "rev_rec_date"
        [rule.post]
        accrued = "4900"
        [[repair]]
        name = "closed-account"
        when = { error = "account-unknown", account = "4900" }
        set = { account = "4100" }
        [[repair]]
        name = "default-department"
        when = { error = "dimension-missing", account = "4100" }
        set = { dimensions.department = "OPS" }
        """
    )
    books.take(row("INV-1", item="ODD", rev_rec_date="2024-01-12"))
    result = books.run(DAY)
    assert result.complete and dict(result.repaired) == {"closed-account": 1, "default-department": 1}, result.entries
    (entry,) = intacct.entries()
    assert [(line["account"], line["dimensions"].get("DEPARTMENT")) for line in entry["lines"]] == [
        ("2400", None),
        ("4100", "OPS"),
    ]
    assert states(books) == ["REPLACED", "REPLACED", "POSTED"] and verify(books.context()).sound


def test_what_revrec_does_not_understand_is_never_repaired(nowhere: Books, monkeypatch: pytest.MonkeyPatch) -> None:
    from revrec.intacct import client
    from revrec.intacct.judgment import judge_posting

    write_repair(nowhere)
    plain = judge_posting

    def unknown(*words: Any) -> Any:
        verdict = plain(*words)
        meaning = verdict.meaning and verdict.meaning._replace(name="business-layer", known=False)
        return verdict._replace(meaning=meaning)

    monkeypatch.setattr(client, "judge_posting", unknown)
    assert nowhere.run(DAY).counts["failed"] == 1 and states(nowhere)[0] == "REJECTED"


def test_a_broken_rule_file_repairs_nothing_and_stops_nothing(nowhere: Books, intacct: Intacct) -> None:
    write_repair(nowhere, REPAIR + "[[repair]]\n")
    result = nowhere.run(DAY)
    assert (result.counts["failed"], result.counts["posted"]) == (1, 1)


def test_a_dry_run_shows_what_repairs_will_send_and_writes_nothing(nowhere: Books, intacct: Intacct) -> None:
    nowhere.run(DAY)
    write_repair(nowhere)
    before = nowhere.content()
    assert [one["status"] for one in nowhere.run(DAY, dry_run=True).entries] == ["planned"]
    assert nowhere.content() == before


def test_a_closed_period_is_repaired_for_some_lines_by_the_first_open_day(
    books: Books, intacct: Intacct, row: MakeRow
) -> None:
    write_repair(
        books,
        """
        [[repair]]
        name = "magazines-next-month"
        when = { error = "period-closed", item = "MAG-*" }
        set = { date = "next_open" }
        """,
    )
    books.take(row("INV-1"), row("INV-2", item="GOODS-1", post_date="2023-12-13"))
    intacct.admin("/periods/close", entity="", month="2024-02")
    result = books.run("2024-01-31", REVREC_POSTING_CLOSED_PERIOD="fail")
    assert result.repaired == {"magazines-next-month": 1} and states(books) == ["REPLACED", "REJECTED", "POSTED"]
    posted, refused = sorted(result.entries, key=lambda one: str(one["status"]))
    assert (posted["recognized"], posted["date"]) == ("2024-01-12", "2024-03-01"), "two months are closed"
    assert "that period is closed" in str(posted["reason"]) and "by a repair" in str(posted["reason"])
    assert refused["status"] == "rejected" and refused["date"] == "2024-01-12"
    assert [entry["date"] for entry in intacct.entries()] == ["2024-03-01"]
    assert books.sql("SELECT DISTINCT field, before, after FROM repaired_value") == [
        ("date", "2024-01-12", "next_open")
    ]
    assert verify(books.context()).sound


def test_where_a_policy_decides_on_closed_periods_no_repair_moves_a_date(
    books: Books, intacct: Intacct, row: MakeRow
) -> None:
    write_repair(books, '[[repair]]\nname = "r"\nwhen = { error = "period-closed" }\nset = { date = "next_open" }\n')
    books.take(row("INV-1"))
    intacct.admin("/periods/close", entity="", month="2024-01")
    result = books.run("2024-01-31", REVREC_POSTING_CLOSED_PERIOD="hold")
    assert result.repaired == {} and result.counts["held"] == 1 and intacct.entries() == []
