"""Which rule wins a charge line, and how that is explained."""

import sys
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from revrec.core.charge_line import ChargeLine
from revrec.core.rules import RuleBook, RuleErrors, parse_rules
from revrec.core.rules.patterns import Patterns, could_both_match
from revrec.core.schedule import Schedule, Unscheduled
from support.rules import MakeBook, matched, scheduled, unscheduled

ACCOUNTS = {"deferred": "2400", "accrued": "4000", "journal": "RR"}


def rule(name: str, when: str = "", head: str = "") -> str:
    conditions = f"[rule.when]\n{when}\n" if when else ""
    return f'[[rule]]\nname = "{name}"\n{head}\n{conditions}[rule.recognize]\nmethod = "fixed_offset"\n'


def matches(book: MakeBook, when: str, line: ChargeLine) -> bool:
    return not isinstance(book(rule("only", when)).match(line), Unscheduled)


@pytest.mark.parametrize(
    ("when", "holds"),
    [
        ('item = "MAG-1"', True),
        ('item = "MAG-*"', True),
        ('item = "MAG-?"', True),
        ('item = "mag-*"', False),
        ('item = "MAG"', False),
        ('item = ["FRT-*", "*-1"]', True),
        ('customer = "*"', True),
        ('currency = "EUR"', False),
        ('source = "shop"', True),
        ('document = "INV-[0-9]*"', False),
        ('entity = "*"', True),
        ('amount = ">= 0.01"', True),
        ('amount = "24"', True),
        ('amount = "> 24.00"', False),
        ('amount = "!= 24"', False),
        ('amount = ">= 10, < 20"', False),
        ('amount = ["< 10", "> 20 and <= 24.00"]', True),
        ('amount = "< 24.005"', True),
        ('quantity = "> 1"', True),
        ('quantity = "> 3"', False),
        ('post_date = ">= 2024-03-28"', True),
        ('post_date = "< 2024-03-28"', False),
        ('dimensions.location = "100"', True),
        ('dimensions = { location = "1*", class = "A" }', False),
        ('dimensions.region = "*"', True),
        ("condition = \"quantity > 1 and source == 'shop'\"", True),
        ('condition = "amount == 24.00 and amount - 0.1 < 23.95"', True),
        ("condition = \"currency in ['USD', 'EUR'] and 'MAG' in item\"", True),
        ("condition = \"post_date >= '2024-03-01' and post_date < '2024-04-01'\"", True),
        ("condition = \"dimensions['class'] == '' and dimensions['location'] != ''\"", True),
        ('condition = "rev_rec_date == None"', True),
        ("condition = \"not rev_rec_date > '2024-01-01'\"", False),
        ('item = "MAG-*"\ncurrency = "EUR"', False),
    ],
)
def test_a_condition_holds_or_does_not(book: MakeBook, line: ChargeLine, when: str, holds: bool) -> None:
    there = line._replace(quantity=Decimal(2), dimensions={"location": "100"})
    assert matches(book, when, there) is holds


def test_a_line_without_a_quantity_meets_no_condition_on_it(book: MakeBook, line: ChargeLine) -> None:
    assert not matches(book, 'quantity = "< 5"', line)
    assert not matches(book, 'condition = "quantity < 5"', line)


def test_an_amount_is_compared_in_units_of_its_own_currency(book: MakeBook, line: ChargeLine) -> None:
    assert matches(book, 'amount = "2400"', line._replace(currency="JPY"))
    assert matches(book, 'amount = "2.4"', line._replace(currency="KWD"))


def test_a_rule_without_conditions_matches_every_line(book: MakeBook, line: ChargeLine) -> None:
    assert isinstance(book(rule("all")).derive(line), Schedule)


def test_the_highest_priority_wins(book: MakeBook, line: ChargeLine) -> None:
    rules = rule("low", head="priority = 1") + rule("high", head="priority = 200") + rule("middle")
    assert matched(book(rules).match(line)).name == "high"


@pytest.mark.parametrize(("day", "matched"), [(27, False), (28, True), (31, True), (32, False)])
def test_both_ends_of_the_effective_dates_are_inclusive(
    book: MakeBook, line: ChargeLine, day: int, matched: bool
) -> None:
    there = line._replace(post_date=date.fromordinal(date(2024, 2, 29).toordinal() + day))
    found = book(rule("r", head="effective = { from = 2024-03-28, to = 2024-03-31 }")).match(there)
    assert isinstance(found, Unscheduled) is not matched


def test_a_line_that_no_rule_takes_says_so(book: MakeBook, line: ChargeLine) -> None:
    found = unscheduled(book(rule("r", 'item = "FRT-*"')).derive(line))
    assert found.code == "no_rule"
    assert "item MAG-1, customer C100, USD, posted 2024-03-28" in found.reason
    assert "`revrec rules explain shop/INV-1042/1`" in found.reason


def test_the_explanation_lists_every_rule_with_the_condition_that_failed_and_the_winner(
    book: MakeBook, line: ChargeLine
) -> None:
    trials = book(
        rule("general", 'item = "*"', "priority = 1")
        + rule("old", 'item = "MAG-*"', "effective = { to = 2023-12-31 }")
        + rule("freight", 'item = ["FRT-*", "FR?"]')
        + rule("euro", 'currency = "EUR"', "priority = 50")
        + rule("dear", 'amount = ">= 100"', "priority = 60")
        + rule("magazine", 'item = "MAG-*"', "effective = { from = 2024-01-01 }")
        + rule("branch", 'dimensions.location = "100"', "priority = 70")
        + rule("many", 'condition = "quantity > 1"', "priority = 80")
    ).explain(line)
    assert [(trial.rule.name, trial.matched, trial.wins, trial.reason) for trial in trials] == [
        ("old", False, False, "post date 2024-03-28 is after its last, 2023-12-31"),
        ("freight", False, False, 'item is "MAG-1", not FRT-* or FR?'),
        ("magazine", True, True, "all its conditions hold, and of the rules that match it comes first"),
        ("many", False, False, "condition quantity > 1 does not hold: quantity is empty"),
        ("branch", False, False, "dimensions.location is empty, not 100"),
        ("dear", False, False, "amount is 24.00, not >= 100"),
        ("euro", False, False, 'currency is "USD", not EUR'),
        ("general", True, False, 'all its conditions hold, but rule "magazine" with priority 100 comes before it'),
    ]


# Overlaps


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ('item = "MAG-*"', 'item = "*-1"'),
        ('item = "MAG-*"', 'customer = "C1"'),
        ('item = ["A", "B"]', 'item = ["B", "C"]'),
        ('amount = "> 10"', 'amount = "<= 10.01"'),
        ('item = "A*"\nquantity = "= 1"', 'item = "A?"\nquantity = ">= 1"'),
        ('post_date = ">= 2024-01-01"', 'post_date = "<= 2024-01-01"'),
        ('dimensions.location = "1*"', 'dimensions.location = "*0"'),
    ],
)
def test_rules_of_equal_priority_that_can_match_the_same_line_are_refused(book: MakeBook, one: str, other: str) -> None:
    with pytest.raises(RuleErrors) as refused:
        book(rule("one", one) + rule("two", other))
    assert "rules/test.toml:" in str(refused.value)
    assert 'rule "two" and rule "one" (rules/test.toml:1) can both match the same line at priority 100' in str(
        refused.value
    )


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ('item = "MAG-*"', 'item = "FRT-*"'),
        ('item = "A"', 'item = "a"'),
        ('amount = "> 10"', 'amount = "<= 10"'),
        ('amount = "!= 10"', 'amount = "10"'),
        ('item = "A*"\ncurrency = "USD"', 'item = "A*"\ncurrency = "EUR"'),
        ('post_date = "> 2024-01-01"', 'post_date = "<= 2024-01-01"'),
        ('dimensions.location = "1*"', 'dimensions.location = "2*"'),
    ],
)
def test_rules_of_equal_priority_that_never_meet_stand_side_by_side(book: MakeBook, one: str, other: str) -> None:
    assert book(rule("one", one) + rule("two", other)).warnings == ()


def test_effective_dates_that_do_not_touch_keep_rules_apart(book: MakeBook) -> None:
    old, new = (
        rule("old", head="effective = { to = 2023-12-31 }"),
        rule("new", head="effective = { from = 2024-01-01 }"),
    )
    assert len(book(old + new).rules) == 2


def test_a_condition_cannot_be_compared_so_it_is_a_warning_and_a_line_of_both_is_ambiguous(
    book: MakeBook, line: ChargeLine
) -> None:
    both = book(rule("one", 'condition = "quantity > 1"') + rule("two", 'item = "MAG-*"'))
    assert [str(warning) for warning in both.warnings] == [
        'rules/test.toml:8:1: rule "two" and rule "one" (rules/test.toml:1) may both match (their conditions cannot be '
        "compared) the same line at priority 100; give one of them a higher priority, or narrow its when"
    ]
    assert matched(both.match(line._replace(quantity=Decimal(1)))).name == "two"
    found = unscheduled(both.derive(line._replace(quantity=Decimal(2))))
    assert (found.code, found.reason) == (
        "ambiguous",
        'the rules "one" (rules/test.toml:1) and "two" (rules/test.toml:8) both match at priority 100; '
        "give one a higher priority",
    )
    assert [(trial.matched, trial.wins) for trial in both.explain(line._replace(quantity=Decimal(2)))] == [
        (True, False),
        (True, False),
    ]


patterns = st.text("ab*?", min_size=1, max_size=6)


@given(patterns, patterns, st.text("ab", max_size=8))
def test_two_patterns_that_a_text_matches_are_known_to_meet(one: Any, other: Any, text: str) -> None:
    if Patterns("item", [one]).matches(text) and Patterns("item", [other]).matches(text):
        assert could_both_match(one, other)


@given(patterns, patterns)
def test_two_patterns_meet_only_if_some_short_text_matches_both(one: Any, other: Any) -> None:
    from itertools import product

    texts = ("".join(letters) for size in range(7) for letters in product("ab", repeat=size))
    some = any(Patterns("item", [one]).matches(text) and Patterns("item", [other]).matches(text) for text in texts)
    if len(one.replace("*", "")) + len(other.replace("*", "")) <= 6:
        assert could_both_match(one, other) is some


def test_a_large_book_is_checked_and_matched_without_comparing_all_with_all(line: ChargeLine) -> None:
    def match_all(count: int) -> None:
        text = "".join(rule(f"r{number}", f'item = "ITEM-{number}"') for number in range(count))
        big = RuleBook(parse_rules(text + rule("rest", 'item = "MAG-*"'), "big.toml", ACCOUNTS))
        for number in range(count):
            assert matched(big.match(line._replace(item=f"ITEM-{number}"))).name == f"r{number}"

    # Twice the rules are four times the comparisons where each is compared with each.
    assert calls(lambda: match_all(400)) < 3 * calls(lambda: match_all(200))


def calls(action: Callable[[], None]) -> int:
    """Count the calls of Python functions, which are the same on every machine."""
    count = 0

    def note(_frame: object, event: str, _argument: object) -> None:
        nonlocal count
        count += event == "call"

    sys.setprofile(note)
    try:
        action()
    finally:
        sys.setprofile(None)
    return count


def test_a_pattern_of_many_stars_is_matched_and_does_not_hang(book: MakeBook, line: ChargeLine) -> None:
    assert not matches(book, f'item = "{"*a" * 60}b"', line._replace(item="a" * 50))
    assert not matches(book, f'item = "{"*" * 200}"\ncurrency = "EUR"', line)


def test_the_item_cache_forgets_rather_than_grow(
    book: MakeBook, line: ChargeLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("revrec.core.rules.book.MOST_ITEMS_KEPT", 3)
    monkeypatch.setattr("revrec.core.rules.book.MOST_DATES_KEPT", 3)
    small = book(rule("r", 'item = "I*"'))
    for number in range(20):
        there = line._replace(item=f"I{number}", post_date=date(2024, 1, 1 + number))
        assert scheduled(small.derive(there)).parts[0].date == there.post_date
        assert len(small._candidates) <= 3
