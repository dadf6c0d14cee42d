"""Cases beside the rules: read with every mistake reported, run against a rule book."""

from datetime import date
from decimal import Decimal

import pytest

from revrec.core.rules import RuleBook, RuleErrors, parse_all, parse_rules
from revrec.core.rules.case_results import play
from revrec.core.rules.cases import parse_cases
from support.rule_texts import BUNDLES, DELIVERY, MAGAZINE

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


CONTRACT = """
[[case]]
name = "a bundle"
[[case.charge]]
line = "A"
item = "MAG-1"
post_date = 2024-01-31
amount = "12.00"
currency = "USD"
[[case.charge]]
line = "{second}"
item = "POD-1"
post_date = 2024-01-31
amount = "8.00"
currency = "USD"
[[case.event]]
line = "{event}"
kind = "pod"
date = 2024-02-10
[case.expect]
{expect}
"""
ENTRIES = """
until = 2024-02-29
allocated = { A = "10.00", B = "10.00" }
entries = [
  { line = "B", date = 2024-02-10, debit = "2400", credit = "4010", amount = "%s" },
  { line = "A", date = 2024-01-31, debit = "2400", credit = "4000", amount = "3.33" },
  { line = "A", date = 2024-02-29, debit = "2400", credit = "4000", amount = "3.34" },
]
"""


def bundled(rules: str) -> RuleBook:
    """Return rules with an allocation by equal prices."""
    prices = "item,price\nMAG-1,5\nPOD-1,5\n"
    return RuleBook(*parse_all({"r.toml": rules + BUNDLES}, {}, lambda wanted, _by: (wanted, prices)))


@pytest.fixture(scope="module")
def bundles() -> RuleBook:
    return bundled(RULES)


def contract_differences(book: RuleBook, expect: str) -> list[tuple[str, str, str]]:
    (case,) = parse_cases({"c.toml": CONTRACT.format(second="B", event="B", expect=expect)})
    return [(one.field, one.expected, one.found) for one in play(case, book)]


def test_the_lines_of_a_contract_share_its_price_and_expect_their_entries(bundles: RuleBook) -> None:
    assert contract_differences(bundles, ENTRIES % "10.00") == []


def test_entries_and_shares_that_differ_are_shown(bundles: RuleBook) -> None:
    assert contract_differences(bundles, ENTRIES % "9.00") == [
        ("entries", "2024-02-10 B 2400/4010 9.00", "2024-02-10 B 2400/4010 10.00")
    ]
    assert contract_differences(bundles, 'allocated = { A = "12.00", C = "1.00" }') == [
        ("allocated", "A 12.00, C 1.00, B none", "A 10.00, C none, B 10.00")
    ]
    assert contract_differences(bundles, "entries = []") == [
        (
            "entries",
            "nothing else",
            "2024-01-31 A 2400/4000 3.33, 2024-02-10 B 2400/4010 10.00, 2024-02-29 A 2400/4000 3.34, and 1 more",
        )
    ]


@pytest.mark.parametrize(
    ("second", "event", "expect", "said"),
    [
        ("A", "A", 'waiting = "0.00"', "give each charge line its own line"),
        ("B", "C", 'waiting = "0.00"', "event.line: write one of A, B"),
        ("B", "B", "parts = 3", "expect.parts is about one charge line, and the case has 2"),
        ("B", "B", "until = 2024-01-31", "[case.expect] is empty"),
        ("B", "B", "entries = [1]", "a list of { date"),
        ("B", "B", 'allocated = { A = "x" }', "a number in quotes"),
    ],
)
def test_a_mistake_in_the_case_of_a_contract_is_reported(second: str, event: str, expect: str, said: str) -> None:
    with pytest.raises(RuleErrors) as raised:
        parse_cases({"c.toml": CONTRACT.format(second=second, event=event, expect=expect)})
    assert said in str(raised.value)


def test_costs_follow_the_events_of_their_line_as_in_the_books() -> None:
    cost = '[[rule.cost]]\nname = "principal"\npercent = "80"\ndeferred = "2100"\nexpense = "4000"\n'
    rules = RuleBook(parse_rules(RULES.partition('[[rule]]\nname = "delivery"')[0] + cost, "r.toml", {}))
    # 15.00 in three months, canceled after one with a refund of 10.00: the principal gets 80 percent of 5.00.
    event = '[[case.event]]\nkind = "cancel"\ndate = 2024-02-01\namount = "10.00"'
    expect = (
        'entries = [{ date = 2024-01-31, debit = "2400", credit = "4000", amount = "5.00" }, '
        '{ date = 2024-01-31, debit = "4000", credit = "2100", amount = "4.00" }]'
    )
    assert differences(rules, expect, amount="15.00", event=event) == []


def entry(day: str, debit: str, credit: str, amount: str, line: str = "1") -> str:
    return f'{{ line = "{line}", date = {day}, debit = "{debit}", credit = "{credit}", amount = "{amount}" }}'


def test_the_impairment_of_a_cost_is_an_entry_on_its_day() -> None:
    cost = '[[rule.cost]]\nname = "fees"\npercent = "10"\ndeferred = "1300"\nexpense = "6000"\nimpairment = "5900"\n'
    rules = RuleBook(parse_rules(RULES.partition('[[rule]]\nname = "delivery"')[0] + cost, "r.toml", {}))
    event = '[[case.event]]\nline = "1:cost:fees"\nkind = "impair"\ndate = 2024-02-15\namount = "0.50"'
    expect = [
        *(entry(day, "2400", "4000", "5.00") for day in ("2024-01-31", "2024-02-29", "2024-03-31")),
        *(entry(day, "6000", "1300", amount) for day, amount in (("2024-01-31", "0.50"), ("2024-02-29", "0.25"))),
        entry("2024-03-31", "6000", "1300", "0.25"),
        entry("2024-02-15", "5900", "1300", "0.50"),
    ]
    assert differences(rules, f"entries = [{', '.join(expect)}]", amount="15.00", event=event) == []


def test_the_costs_of_a_contract_in_progress_were_expensed_by_its_share() -> None:
    magazine, mark, rest = RULES.partition('[[rule]]\nname = "delivery"')
    cost = '[[rule.cost]]\nname = "print"\npercent = "80"\ndeferred = "1300"\nexpense = "5000"\n'
    # The line is billed 12.00 and has a share of 10.00: 3.33 is its first month, and a third of the cost goes with it.
    in_progress = 'amount = "12.00"\nrecognized_before = "3.33"\ncutover = 2024-02-01'
    expect = [
        entry("2024-02-10", "2400", "4010", "10.00", "B"),
        *(entry(day, "2400", "4000", amount, "A") for day, amount in (("2024-02-29", "3.34"), ("2024-03-31", "3.33"))),
        *(entry(day, "5000", "1300", "3.20", "A") for day in ("2024-02-29", "2024-03-31")),
    ]
    text = CONTRACT.format(second="B", event="B", expect=f"entries = [{', '.join(expect)}]")
    (case,) = parse_cases({"c.toml": text.replace('amount = "12.00"', in_progress)})
    assert play(case, bundled(magazine + cost + mark + rest)) == []
