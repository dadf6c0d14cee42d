"""Rules tried over the real data before they are in force: gaps, comparisons; nothing is ever written."""

from pathlib import Path

import pytest

from revrec.core.errors import BadConfiguration
from revrec.core.rules import RuleErrors
from revrec.jobs.rules.cases import play_cases
from revrec.jobs.rules.compare import compare_rules
from revrec.jobs.rules.coverage import coverage
from support.books import ROOT, Books, MakeRow

EXAMPLES = ROOT / "sample_data" / "asc606"
ONE = """
[[rule]]
name = "{name}"
priority = {priority}
[rule.when]
{when}
[rule.recognize]
method = "{method}"
{keys}
"""


def rule(name: str, when: str, method: str = "fixed_offset", keys: str = "", priority: int = 100) -> str:
    return ONE.format(name=name, when=when, method=method, keys=keys, priority=priority)


def test_lines_that_no_rule_matches_are_reported_by_item_with_their_sum(offline: Books, row: MakeRow) -> None:
    offline.take(row("INV-1"), row("INV-2", item="NEW-1", amount="3.00"), row("INV-3", item="NEW-1", amount="4.00"))
    offline.rules(rule("magazine", 'item = "MAG-*"'))
    book, found = coverage(offline.context())
    (gap,) = found.gaps.values()
    assert (gap.problem, gap.item, gap.lines, gap.amount, gap.example) == ("none", "NEW-1", 2, 700, "shop/INV-2/1")
    assert "no rule matches" in gap.reason
    assert (found.lines, dict(found.matched), len(book.rules)) == (3, {"magazine": 1}, 1)


def test_lines_that_two_rules_match_are_reported(offline: Books, row: MakeRow) -> None:
    offline.take(row("INV-1"))
    both = rule("a", 'condition = "amount > 1"') + rule("b", 'condition = "amount > 2"')
    offline.rules(both)
    _book, found = coverage(offline.context())
    (gap,) = found.gaps.values()
    assert gap.problem == "two" and '"a"' in gap.reason and '"b"' in gap.reason


def test_when_every_line_is_matched_by_one_rule_there_is_no_gap(offline: Books, row: MakeRow) -> None:
    offline.take(row("INV-1"), row("INV-2", item="GOODS-1"))
    assert coverage(offline.context())[1].complete


def other(offline: Books, text: str) -> Path:
    folder: Path = offline.folder / "other"
    folder.mkdir()
    (folder / "rules.toml").write_text(text)
    return folder


def test_the_amounts_that_move_sum_to_nothing_within_an_account(offline: Books, row: MakeRow) -> None:
    offline.rules(rule("magazine", 'item = "MAG-*"', "monthly", "periods = 12"))
    offline.take(row("INV-1"), row("INV-2"))
    before = offline.content()
    found = compare_rules(
        offline.context(), other(offline, rule("magazine", 'item = "MAG-*"', "monthly", "periods = 6"))
    )
    assert [(one.rule, one.change) for one in found.rules] == [("magazine", "changed")]
    assert "-periods = 12" in found.rules[0].diff and "+periods = 6" in found.rules[0].diff
    assert (found.lines, found.differ, len(found.charges)) == (2, 2, 2)
    assert sum(found.proposed.values()) == sum(found.current.values()) == 4800
    assert [one["moved"] for one in found.moved()] == ["4.00"] * 6 + ["-4.00"] * 6
    assert offline.content() == before


def test_another_account_moves_the_amount_between_accounts(offline: Books, row: MakeRow) -> None:
    text = rule("goods", 'item = "GOODS-*"')
    offline.rules(text)
    offline.take(row("INV-1", item="GOODS-1", amount="5.00"))
    found = compare_rules(offline.context(), other(offline, text + '[rule.post]\naccrued = "4010"\n'))
    assert [(one["accrued"], one["moved"]) for one in found.moved()] == [("4000", "-5.00"), ("4010", "5.00")]


def test_the_same_rules_have_no_difference(offline: Books, row: MakeRow) -> None:
    offline.take(row("INV-1"), row("INV-2", item="POD-1"))
    found = compare_rules(offline.context(), offline.folder / "rules")
    assert (found.rules, found.differ, found.moved()) == ([], 0, [])


def test_a_rule_that_is_gone_leaves_its_lines_unscheduled(offline: Books, row: MakeRow) -> None:
    offline.rules(rule("goods", 'item = "GOODS-*"') + rule("magazine", 'item = "MAG-*"'))
    offline.take(row("INV-1", item="GOODS-1"))
    found = compare_rules(offline.context(), other(offline, rule("magazine", 'item = "MAG-*"')))
    (changed,) = found.charges
    assert changed.after.startswith("unscheduled: no rule matches") and changed.before.startswith("goods: ")
    assert [(one.rule, one.change) for one in found.rules] == [("goods", "removed")]


def test_events_count_for_both_sets(offline: Books, row: MakeRow) -> None:
    offline.take(row("INV-1", item="POD-1"))
    offline.event("shop/INV-1/1", "pod", "2024-03-07")
    found = compare_rules(
        offline.context(), other(offline, rule("d", 'item = "POD-*"', "pod_date", 'offset = "1 day"'))
    )
    (changed,) = found.charges
    assert "2024-03-07" in changed.before and "2024-03-08" in changed.after


def test_broken_rules_of_the_other_set_are_reported(offline: Books) -> None:
    with pytest.raises(RuleErrors, match=r"other/rules.toml:1:1"):
        compare_rules(offline.context(), other(offline, "x = 1"))


def test_without_cases_the_place_for_them_is_named(offline: Books) -> None:
    for path in (offline.folder / "rules" / "cases").glob("*"):
        path.unlink()
    with pytest.raises(BadConfiguration, match="there are no cases"):
        play_cases(offline.context())


def test_rules_that_no_case_expects_are_named(offline: Books) -> None:
    cases = offline.folder / "own.toml"
    cases.write_text(
        '[[case]]\nname = "x"\n[case.charge]\nitem = "MAG-1"\npost_date = 2024-01-01\namount = "1"\n'
        'currency = "USD"\n[case.expect]\nrule = "magazine"\n'
    )
    result = play_cases(offline.context(), [cases])
    assert (result.played, result.failed) == (1, [])
    assert "magazine" not in result.untested and "delivery" in result.untested


@pytest.mark.parametrize("example", ["example-22", "example-35b", "example-44"])
def test_the_examples_of_the_standard_are_cases_whose_rules_are_all_tested(offline: Books, example: str) -> None:
    rules = offline.folder / "rules"
    for old in rules.glob("*.toml"):
        old.unlink()
    for file in ("rules.toml", "prices.csv"):
        if (EXAMPLES / example / file).exists():
            (rules / file).write_text((EXAMPLES / example / file).read_text())
    result = play_cases(offline.context(), [EXAMPLES / example / "cases.toml"])
    assert (result.played, result.failed, result.untested) == (1, [], [])
