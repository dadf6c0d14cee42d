"""Every mistake in a rule file is reported with its place and its fix: one bad file and its message for each."""

from pathlib import Path
from typing import Any

import pytest

from revrec.core.rules import RuleErrors, parse_files, parse_rules

FOLDER = Path(__file__).parent.parent / "golden" / "rule_errors"


@pytest.mark.parametrize("bad", sorted(FOLDER.glob("*.toml")), ids=lambda path: path.stem)
def test_a_bad_rule_file_is_refused_with_this_message(bad: Any) -> None:
    with pytest.raises(RuleErrors) as refused:
        parse_rules(bad.read_text(), bad.name, {})
    assert str(refused.value) + "\n" == bad.with_suffix(".txt").read_text()
    assert refused.value.exit_code == 3


def test_every_problem_of_every_file_is_reported_at_once() -> None:
    files = {name: (FOLDER / name).read_text() for name in ("bad_offset.toml", "several_at_once.toml", "syntax.toml")}
    with pytest.raises(RuleErrors) as refused:
        parse_files(files, {})
    assert {problem.file for problem in refused.value.problems} == set(files)
    assert len(refused.value.problems) > len(files)


def test_a_windows_file_with_a_byte_order_mark_gives_the_same_places() -> None:
    text = (FOLDER / "bad_offset.toml").read_text()
    expected = (FOLDER / "bad_offset.txt").read_text()
    with pytest.raises(RuleErrors) as refused:
        parse_rules("\ufeff" + text.replace("\n", "\r\n"), "bad_offset.toml", {})
    assert str(refused.value) + "\n" == expected


def test_a_hostile_file_is_refused_and_does_not_crash() -> None:
    for text in ("a = " + "[" * 5000, "\x00", "x = 1\n" * 2, "[[rule]]\n" * 3, 'include = 7\nrule = "x"'):
        with pytest.raises(RuleErrors):
            parse_rules(text, "hostile.toml", {})
