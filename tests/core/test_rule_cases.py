"""Cases beside the rules: read with every mistake reported, run against a rule book."""

from datetime import date
from decimal import Decimal

import pytest

from revrec.core.rules import RuleBook, RuleErrors, parse_rules
from revrec.core.rules.cases import parse_cases, play
from support.rule_texts import DELIVERY, MAGAZINE

RULES = f"""{MAGAZINE}periods = 3
[rule.post]
deferred = "2400"
accrued = "4000"
journal = "RR"
{DELIVERY}[rule.post]
deferred = "2400"
accrued = "4010"
journal = "RR"
"""
CASE = """
[[case]]
name = "a magazine"
[case.charge]
item = "{item}"
post_date = 2024-01-31
amount = "{amount}"
currency = "{currency}"
{event}
[case.expect]
{expect}
"""


@pytest.fixture(scope="module")
def book() -> RuleBook:
    return RuleBook(parse_rules(RULES, "rules.toml", {}))


def differences(
    book: RuleBook, expect: str, item: str = "MAG-1", amount: str = "10.00", currency: str = "USD", event: str = ""
) -> list[tuple[str, str, str]]:
    text = CASE.format(item=item, amount=amount, currency=currency, event=event, expect=expect)
    (case,) = parse_cases({"cases.toml": text})
    return [(one.field, one.expected, one.found) for one in play(case, book)]


@pytest.mark.parametrize(
    "expect",
    [
        'rule = "magazine"',
        "parts = 3",
        "first = 2024-01-31\nlast = 2024-03-31",
        'accrued = "4000"\ndeferred = "2400"\njournal = "RR"',
        'schedule = [{ date = 2024-01-31, amount = "3.33" }, { date = 2024-02-29, amount = "3.34" }, '
        '{ date = 2024-03-31, amount = "3.33" }]',
    ],
)
def test_a_case_that_the_rules_meet_has_no_difference(book: RuleBook, expect: str) -> None:
    assert differences(book, expect) == []


@pytest.mark.parametrize(
    ("expect", "difference"),
    [
        ('rule = "delivery"', ("rule", "delivery", "magazine")),
        ("parts = 4", ("parts", "4", "3")),
        ("first = 2024-02-01", ("first", "2024-02-01", "2024-01-31")),
        ('accrued = "4010"', ("accrued", "4010", "4000")),
        ('unscheduled = "waits"', ("unscheduled", "waits", "nothing")),
    ],
)
def test_a_case_that_they_do_not_meet_shows_expected_and_found(
    book: RuleBook, expect: str, difference: tuple[str, str, str]
) -> None:
    assert differences(book, expect) == [difference]


def test_only_the_parts_of_a_schedule_that_differ_are_shown(book: RuleBook) -> None:
    expect = (
        'schedule = [{ date = 2024-01-31, amount = "3.33" }, { date = 2024-02-29, amount = "3.33" }, '
        '{ date = 2024-03-31, amount = "3.33" }, { date = 2024-04-30, amount = "0.01" }]'
    )
    assert differences(book, expect) == [
        ("schedule", "part 2: 2024-02-29 3.33, part 4: 2024-04-30 0.01", "part 2: 2024-02-29 3.34, part 4: none")
    ]


def test_a_line_without_a_schedule_meets_a_part_of_its_reason(book: RuleBook) -> None:
    assert differences(book, 'unscheduled = "waits for proof of delivery"', item="POD-1") == []
    assert differences(book, 'unscheduled = "no rule matches"', item="X") == []
    assert differences(book, "parts = 1", item="POD-1") == [("parts", "1", "nothing")]


def test_events_count_in_their_order(book: RuleBook) -> None:
    event = '[[case.event]]\nkind = "pod"\ndate = 2024-03-01\n[[case.event]]\nkind = "pod"\ndate = 2024-03-07'
    assert differences(book, 'first = 2024-03-07\naccrued = "4010"', item="POD-1", event=event) == []


def test_amounts_are_exact_in_the_currency_of_the_case(book: RuleBook) -> None:
    expect = (
        'schedule = [{ date = 2024-01-31, amount = "33" }, { date = 2024-02-29, amount = "34" }, '
        '{ date = 2024-03-31, amount = "33" }]'
    )
    assert differences(book, expect, amount="100", currency="JPY") == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("x = [", "cases.toml:1:1: this is not TOML that can be read"),
        ("x = 1", 'cases.toml:1:1: unknown key "x"; write each case as a block that begins with [[case]]'),
        ("[case]\nname = 'x'", "cases.toml:1:1: write each case as a block"),
        (CASE.format(item="A", amount="1", currency="USD", event="", expect=""), "[case.expect] is empty"),
        (CASE.format(item="A", amount="1.001", currency="USD", event="", expect="parts = 1"), "USD has 2"),
        (CASE.format(item="A", amount="one", currency="USD", event="", expect="parts = 1"), "cases.toml:7:10: "),
        (CASE.format(item="A", amount="1", currency="USD", event="", expect="part = 1"), "did you mean"),
        (CASE.format(item="A", amount="1", currency="USD", event="", expect="schedule = [1]"), "a list of { date"),
        (CASE.format(item="A", amount="1", currency="USD", event="[case]", expect="parts = 1"), "not TOML"),
    ],
)
def test_a_mistake_is_reported_with_its_place(text: str, said: str) -> None:
    with pytest.raises(RuleErrors) as raised:
        parse_cases({"cases.toml": text})
    assert said in str(raised.value)


def test_all_mistakes_of_all_files_are_reported_at_once() -> None:
    broken = CASE.format(item="A", amount="1", currency="USD", event="", expect="part = 1")
    with pytest.raises(RuleErrors) as raised:
        parse_cases({"a.toml": broken, "b.toml": broken})
    assert {problem.file for problem in raised.value.problems} == {"a.toml", "b.toml"}


def test_a_date_is_a_date_and_a_number_is_exact(book: RuleBook) -> None:
    (case,) = parse_cases(
        {"c": CASE.format(item="A", amount="0.10", currency="USD", event="quantity = 3", expect="parts = 1")}
    )
    assert (case.charge.post_date, case.charge.amount, case.charge.quantity) == (date(2024, 1, 31), 10, Decimal(3))
