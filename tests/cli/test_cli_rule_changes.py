"""Rule files that are newer than the plan, on the command line."""

from pathlib import Path

import pytest

from support.commands import Revrec

FILE = Path("rules/goods_and_freight.toml")
NEWER = "goods_and_freight.toml changed after the plan of "


@pytest.fixture
def edited(story: Path) -> Path:
    """Change the rules after the sample data was planned."""
    text = FILE.read_text(encoding="utf-8")
    FILE.write_text(text.replace('offset = "30 days"', 'offset = "60 days"'), encoding="utf-8")
    assert text != FILE.read_text(encoding="utf-8")
    return story


def test_status_preview_and_run_say_that_rules_are_newer(edited: Path, revrec: Revrec) -> None:
    shown = revrec("status").out
    assert f"\nrules             {NEWER}" in shown and "see what would change: revrec schedule\n" in shown
    assert NEWER in revrec("preview", "--date", "2024-01-31").err
    ran = revrec("run", "--date", "2024-01-31")
    assert ran.code == 0 and NEWER in ran.err
    assert revrec("status", "--format", "json").json["rule_changes"]["files"] == [FILE.name]


def test_a_rebuild_needs_a_reason_which_is_listed_with_what_it_moved(edited: Path, revrec: Revrec) -> None:
    refused = revrec("schedule", "--rebuild")
    assert refused.code == 2 and "--rebuild needs --reason TEXT" in refused.err
    assert revrec("schedule", "--rebuild", "--reason", " ").code == 2
    assert revrec("schedule", "--reason", "why").code == 2
    assert "no rebuild" not in revrec("report", "moves").err and revrec("report", "moves").code == 0
    assert revrec("schedule", "--rebuild", "--reason", "Returns within 60 days").code == 0
    assert NEWER not in revrec("status").out
    listed = revrec("report", "moves")
    assert listed.code == 0 and "Returns within 60 days" in listed.out
    found = revrec("report", "moves", "--charge", "shop/INV-1003/1", "--format", "json").json["moves"]
    assert [(one["period"], one["before"], one["after"], one["moved"]) for one in found] == [
        ("2024-03", "89.90", "0.00", "-89.90"),
        ("2024-04", "0.00", "89.90", "89.90"),
    ]
    assert revrec("report", "moves", "--rebuild", "1").code == 3
    assert revrec("report", "moves", "--format", "csv").out.startswith("rebuild,at,actor,reason,charge,period,")


def test_the_list_of_moves_respects_its_limit(edited: Path, revrec: Revrec) -> None:
    revrec("schedule", "--rebuild", "--reason", "Returns within 60 days")
    assert "more rows (--limit 0 shows all)" in revrec("report", "moves", "--limit", "1").out
    assert "more rows" not in revrec("report", "moves", "--limit", "0").out
