"""``rules test``, ``rules diff`` and ``rules check --against-data`` at the terminal."""

import shutil
from pathlib import Path

from support.commands import Revrec


def changed_rules(books: Path) -> Path:
    other = Path(shutil.copytree(books / "rules", books / "other"))
    file = other / "subscriptions.toml"
    file.write_text(file.read_text().replace("periods = 12 ", "periods = 6 "))
    return other


def test_the_shipped_cases_are_met(books: Path, revrec: Revrec) -> None:
    ended = revrec("rules", "test")
    assert (ended.code, ended.out.splitlines()) == (0, ["10 cases: all as expected"])


def test_a_case_that_fails_ends_with_7_and_shows_what_was_found(books: Path, revrec: Revrec) -> None:
    file = books / "rules" / "cases" / "cases.toml"
    file.write_text(file.read_text().replace("parts = 12\nfirst = 2024-04-04", "parts = 11\nfirst = 2024-04-04"))
    ended = revrec("rules", "test", "--format", "json")
    assert ended.code == 7 and ended.json["failed"] == 1
    (difference,) = ended.json["differences"]
    assert (difference["field"], difference["expected"], difference["found"]) == ("parts", "11", "12")
    assert "1 failed" in revrec("rules", "test").out


def test_a_difference_of_rules_is_reported_by_rule_line_and_period(story: Path, revrec: Revrec) -> None:
    ended = revrec("rules", "diff", changed_rules(story), "--format", "json")
    assert ended.code == 0
    assert [one["rule"] for one in ended.json["rules"]] == ["magazine-12-issues"]
    assert ended.json["differ"] == len(ended.json["changes"]) == 4
    shown = revrec("rules", "diff", story / "other", "--limit", "1", "-v").out
    assert "+periods = 6 " in shown and "... and 3 more" in shown and "nothing was written" in shown


def test_a_gap_in_the_data_ends_with_7(story: Path, revrec: Revrec) -> None:
    assert revrec("rules", "check", "--against-data").code == 0
    (story / "rules" / "rev_rec_date.toml").unlink()
    ended = revrec("rules", "check", "--against-data", "--format", "json")
    assert ended.code == 7
    assert {gap["problem"] for gap in ended.json["gaps"]} == {"none"}
    assert "Covered by no rule" in revrec("rules", "check", "--against-data").out
