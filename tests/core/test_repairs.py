"""``[[repair]]``: which lines of which failure it is for, what it puts there, and how its mistakes are told."""

from datetime import date
from typing import Any

import pytest

from revrec.core.charge_line import ChargeLine
from revrec.core.journal import DueLine, JournalLine, RepairedValue, apply_repairs, build_entries
from revrec.core.rules import Repair, RuleBook, RuleErrors, parse_all

FAILURES = ("dimension-missing", "dimension-unknown", "account-unknown", "period-closed")
CHARGE = ChargeLine(
    "shop", "INV-1", "1", "C1", "MAG-1", date(2024, 1, 5), 2400, "USD", dimensions={"department": "D1", "class": "K"}
)
DAY = date(2024, 1, 12)
MISSING = {"dimension": "Location", "account": "4000"}
INACTIVE = {"dimension": "department", "value": "D1"}


def line(side: str, account: str, **fields: Any) -> JournalLine:
    rest = ("USD", "shop/INV-1/1", 1, 1, 1, "INV-1", "memo", "C1", "MAG-1", CHARGE.dimensions)
    return JournalLine(1, side, account, 200, *rest)._replace(**fields)


PAIR = (line("debit", "2400"), line("credit", "4000"))


def repairs(text: str) -> tuple[Repair, ...]:
    return RuleBook(*parse_all({"r.toml": text}, {}, failures=lambda: FAILURES)).repairs


def repair(when: str, values: str) -> Repair:
    (found,) = repairs(f'[[repair]]\nname = "r"\n[repair.when]\n{when}\n[repair.set]\n{values}\n')
    return found


def test_a_missing_dimension_is_supplied_on_both_lines() -> None:
    found = repair('error = "dimension-missing"', 'dimensions.location = "L1"')
    assert found.changes("dimension-missing", MISSING, CHARGE, PAIR, DAY) == [
        RepairedValue("debit", "dimensions.location", None, "L1"),
        RepairedValue("credit", "dimensions.location", None, "L1"),
    ]


def test_an_inactive_dimension_is_replaced_or_left_out() -> None:
    when = 'error = "dimension-unknown"'
    replaced = repair(when, 'dimensions.department = "D9"').changes("dimension-unknown", INACTIVE, CHARGE, PAIR, DAY)
    assert replaced[0] == RepairedValue("debit", "dimensions.department", "D1", "D9")
    omitted = repair(when, 'omit = ["department", "class"]').changes("dimension-unknown", INACTIVE, CHARGE, PAIR, DAY)
    assert [(one.side, one.field, one.after) for one in omitted[:2]] == [
        ("debit", "dimensions.department", None),
        ("debit", "dimensions.class", None),
    ]
    assert (
        apply_repairs(PAIR[0], omitted).dimensions == {}
        and apply_repairs(PAIR[0], replaced).dimensions["department"] == "D9"
    )


def test_an_account_is_replaced_on_the_lines_of_that_account_alone() -> None:
    found = repair('error = "account-unknown"\naccount = "40*"', 'account = "4001"')
    changes = found.changes("account-unknown", {"account": "4000"}, CHARGE, PAIR, DAY)
    assert changes == [RepairedValue("credit", "account", "4000", "4001")]
    assert [apply_repairs(one, changes).account for one in PAIR] == ["2400", "4001"]


def test_the_customer_and_the_item_are_dimensions_too() -> None:
    named = {"dimension": "Customer", "value": "C1"}
    found = repair('error = "dimension-unknown"\ndimension = "Customer"', 'customer = "C-OLD"')
    assert {one.after for one in found.changes("dimension-unknown", named, CHARGE, PAIR, DAY)} == {"C-OLD"}
    left_out = repair('error = "dimension-unknown"', 'omit = "customer"')
    assert apply_repairs(PAIR[0], left_out.changes("dimension-unknown", named, CHARGE, PAIR, DAY)).customer == ""


@pytest.mark.parametrize(
    ("when", "failure", "named"),
    [
        ('error = "dimension-unknown"', "dimension-missing", MISSING),
        ('error = "dimension-missing"\nitem = "SUB-*"', "dimension-missing", MISSING),
        ('error = "dimension-missing"\ndimensions.department = "D2"', "dimension-missing", MISSING),
        ('error = "dimension-missing"\ncondition = "amount > 100"', "dimension-missing", MISSING),
        ('error = "dimension-missing"\ndimension = "Place"', "dimension-missing", MISSING),
        ('error = "dimension-missing"\naccount = "9*"', "dimension-missing", MISSING),
        ('error = "dimension-missing"', "dimension-missing", {**MISSING, "account": "4999"}),
        ('error = "dimension-missing"', "dimension-missing", {"dimension": "Department", "account": "4000"}),
        ('error = "dimension-unknown"', "dimension-unknown", {"dimension": "location", "value": "ELSEWHERE"}),
    ],
)
def test_what_it_is_not_for_it_does_not_touch(when: str, failure: str, named: dict[str, str]) -> None:
    assert repair(when, 'dimensions.location = "L1"').changes(failure, named, CHARGE, PAIR, DAY) == []


def test_a_dimension_that_a_company_has_renamed_is_known_by_its_value() -> None:
    found = repair('error = "dimension-unknown"', 'dimensions.department = "D9"')
    assert found.changes("dimension-unknown", {"dimension": "Team", "value": "D1"}, CHARGE, PAIR, DAY)
    assert not found.changes("dimension-unknown", {"dimension": "Team", "value": "D2"}, CHARGE, PAIR, DAY)


def test_what_would_change_nothing_is_not_used() -> None:
    found = repair('error = "dimension-unknown"', 'dimensions.department = "D1"')
    assert found.changes("dimension-unknown", INACTIVE, CHARGE, PAIR, DAY) == []


def test_the_highest_priority_is_tried_first_and_equals_are_refused() -> None:
    one = '[[repair]]\nname = "{}"\npriority = {}\nwhen = {{ error = "{}" }}\nset = {{ omit = "class" }}\n'
    ordered = repairs(one.format("low", 1, FAILURES[0]) + one.format("high", 2, FAILURES[0]))
    assert [found.name for found in ordered] == ["high", "low"]
    assert len(repairs(one.format("a", 1, FAILURES[0]) + one.format("b", 1, FAILURES[1]))) == 2
    with pytest.raises(RuleErrors, match=r'repair "b" and repair "a" .* can both match the same line at priority 1'):
        repairs(one.format("a", 1, FAILURES[0]) + one.format("b", 1, FAILURES[0]))
    with pytest.raises(RuleErrors, match=r'"a" is already used by the repair at r.toml:1; give each repair its own'):
        repairs(one.format("a", 1, FAILURES[0]) + one.format("a", 2, FAILURES[0]))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('name = "r"\nwhen = { error = "period-closd" }\nset = { omit = "class" }',
         r'r.toml:3:\d+: when.error = "period-closd": no failure .*; did you mean "period-closed"\?'),
        ('name = "r"\nwhen = { error = "*" }\nset = { omit = "class" }', r"r.toml:3:\d+: when.error = .*known are"),
        ('name = "r"\nwhen = { item = "A" }\nset = { omit = "class" }', r"r.toml:\d+:\d+: .* needs error"),
        ('name = "r"\nwhen = { error = "period-closed" }\nset = { }', r"r.toml:\d+:\d+: \[repair.set\] needs a value"),
        ('name = "r"\nwhen = { error = "account-unknown" }\nset = { account = "4001" }',
         r'r.toml:4:\d+: set.account: say in \[repair.when\] which account'),
        ('name = "r"\nwhen = { error = "period-closed" }\nset = { omit = "item", item = "X" }', "is set as well"),
        ('name = "r"\nwhen = { error = "period-closed" }\nset = { acount = "1" }', 'unknown key "acount" .* "account"'),
        ('name = "r"\nwhen = { error = "period-closed" }', r"\[\[repair\]\] needs a table \[repair.set\]"),
    ],
)  # fmt: skip
def test_its_mistakes_are_reported_with_their_place(text: str, said: str) -> None:
    with pytest.raises(RuleErrors, match=said):
        repairs(f"[[repair]]\n{text}\n")


def test_an_entry_is_built_with_the_values_and_balances_as_before() -> None:
    changes = (
        RepairedValue("credit", "account", "4000", "4001"),
        RepairedValue("debit", "dimensions.location", None, "L1"),
    )
    due = DueLine(
        1, 1, 1, 0, 12, "shop/INV-1/1", "INV-1", "C1", "MAG-1", "", {}, date(2024, 1, 12), 200, "USD", "2400", "4000",
        "RR", "m", changes,
    )  # fmt: skip
    (entry,) = build_entries([due], "d", "c", 500)
    assert [(one.account, one.amount, dict(one.dimensions)) for one in entry.lines] == [
        ("2400", 200, {"location": "L1"}),
        ("4001", 200, {}),
    ]
    (plain,) = build_entries([due._replace(changes=())], "d", "c", 500)
    assert plain.reference == entry.reference, (
        "the reference is that of the schedule lines; their revision is the difference"
    )
