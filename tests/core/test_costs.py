"""Costs that are matched to revenue: what a rule says of them, and what they come to."""

from collections import Counter
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from revrec.core.charge_line import ChargeLine, FulfillmentEvent
from revrec.core.rules import RuleBook, RuleErrors, parse_rules
from revrec.core.rules.costs import is_cost, is_financing
from revrec.core.schedule import Schedule, Unscheduled

ACCOUNTS = {"deferred": "2400", "accrued": "4000", "journal": "RR"}
MAGAZINE = 'method = "monthly"\noffset = "7 days"\nperiods = 12'
COGS = 'amount = "1.00"\nper = "part"'


def book(cost: str = COGS, recognize: str = MAGAZINE, name: str = "cogs") -> RuleBook:
    text = (
        f'[[rule]]\nname = "magazine"\n[rule.when]\namount = "> 0"\n[rule.recognize]\n{recognize}\n'
        f'[[rule.cost]]\nname = "{name}"\ndeferred = "1300"\nexpense = "5000"\n{cost}\n'
    )
    return RuleBook(parse_rules(text, "r.toml", ACCOUNTS))


def magazine(amount: int = 2400, quantity: str | None = None, currency: str = "USD") -> ChargeLine:
    line = ChargeLine("shop", "INV-1", "1", "C-1", "MAG-1", date(2024, 1, 5), amount, currency)
    return line._replace(quantity=Decimal(quantity) if quantity else None)


def test_a_magazine_costs_one_dollar_an_issue_expensed_with_each_issue() -> None:
    rules = book()
    (cost,) = rules.costs_of(magazine())
    assert (cost.id, cost.amount, cost.item) == ("shop/INV-1/1:cost:cogs", -1200, "MAG-1")
    revenue, expense = rules.derive(magazine()), rules.derive(cost)
    assert isinstance(revenue, Schedule) and isinstance(expense, Schedule)
    assert [part.amount for part in revenue.parts] == [200] * 12
    assert [part.amount for part in expense.parts] == [-100] * 12
    assert [part.date for part in revenue.parts] == [part.date for part in expense.parts]
    assert (expense.post.deferred, expense.post.accrued, expense.post.journal) == ("1300", "5000", "RR")
    assert rules.costs_of(cost) == [], "a cost has no cost"


@pytest.mark.parametrize(
    ("cost", "line", "total"),
    [
        ('amount = "3.50"', magazine(), -350),
        ('amount = "3.50"\nper = "unit"', magazine(quantity="2.5"), -875),
        ('amount = "3.50"\nper = "unit"', magazine(), -350),
        ('percent = "12.5"', magazine(2401), -300),
        ('percent = "12.5"', magazine(2404), -301),
        ('percent = "10"', magazine(1000, currency="JPY"), -100),
        ('amount = "0.4"', magazine(1000, currency="JPY"), None),
    ],
)
def test_a_cost_is_for_the_line_the_unit_or_in_percent(cost: str, line: Any, total: int | None) -> None:
    assert [one.amount for one in book(cost).costs_of(line)] == ([total] if total else [])


def test_a_line_that_is_reversed_takes_its_cost_back() -> None:
    rules = RuleBook([replace(one, when=()) for one in book().rules])
    assert [one.amount for one in rules.costs_of(magazine(-2400))] == [1200]


def test_a_line_that_the_rule_does_not_take_has_no_cost_and_one_without_its_rule_waits() -> None:
    (cost,) = book().costs_of(magazine())
    assert book().costs_of(magazine(-2400)) == []
    found = book(name="freight").derive(cost)
    assert isinstance(found, Unscheduled)
    assert found.reason == 'no rule has a [[rule.cost]] of the name "cogs"'


def test_a_cost_waits_for_the_delivery_as_its_revenue_does() -> None:
    rules = book('percent = "40"', 'method = "pod_date"')
    (cost,) = rules.costs_of(magazine())
    assert isinstance(rules.derive(cost), Unscheduled)
    delivered = rules.derive(cost, [FulfillmentEvent(cost.id, "pod", date(2024, 3, 7))])
    assert isinstance(delivered, Schedule) and delivered.parts == ((date(2024, 3, 7), -960),)


def test_an_agent_earns_its_commission_for_the_principal_s_share_goes_off_the_revenue_account() -> None:
    text = (
        '[[rule]]\nname = "agent"\nrecognize = { method = "monthly", periods = 3 }\n'
        'post = { deferred = "2400", accrued = "4010", journal = "RR" }\n'
        '[[rule.cost]]\nname = "principal"\npercent = "80"\ndeferred = "2100"\nexpense = "4010"\n'
    )
    rules = RuleBook(parse_rules(text, "r.toml", {}))
    balance: Counter[str] = Counter()
    for line in (magazine(10000), *rules.costs_of(magazine(10000))):
        found = rules.derive(line)
        assert isinstance(found, Schedule)
        for part in found.parts:
            balance[found.post.deferred] += part.amount
            balance[found.post.accrued] -= part.amount
    assert balance == {"2400": 10000, "2100": -8000, "4010": -2000}


@pytest.mark.parametrize(
    ("cost", "recognize", "said"),
    [
        ("", MAGAZINE, "either an amount or a percent"),
        ('amount = "1"\npercent = "1"', MAGAZINE, "either an amount or a percent"),
        (COGS, 'method = "pod_date"', 'per = "part" needs periods'),
        ('amount = "-1"', MAGAZINE, "above zero"),
        ('amount = "1"\nexpence = "5000"', MAGAZINE, 'did you mean "expense"?'),
    ],
)
def test_what_is_wrong_with_a_cost_is_reported_with_its_place(cost: Any, recognize: Any, said: str) -> None:
    with pytest.raises(RuleErrors) as error:
        book(cost, recognize)
    assert said in str(error.value) and str(error.value).startswith("r.toml:")


def test_no_two_costs_have_one_name() -> None:
    text = '[[rule]]\nname = "{0}"\nwhen = {{ item = "{0}" }}\nrecognize = {{ method = "fixed_offset" }}\n'
    text += '[[rule.cost]]\nname = "cogs"\namount = "1"\ndeferred = "1300"\nexpense = "5000"\n'
    with pytest.raises(RuleErrors, match="give each cost its own"):
        RuleBook(parse_rules(text.format("a") + text.format("b"), "r.toml", ACCOUNTS))


def test_a_document_with_the_mark_of_costs_in_its_number_is_no_cost() -> None:
    assert not is_cost("shop/INV:cost:financing/1") and is_cost("shop/INV/1:cost:cogs")
    assert not is_financing("shop/INV:cost:financing/1:cost:cogs") and is_financing("shop/INV/1:cost:financing-a")


@given(st.integers(1, 10**6), st.integers(1, 10**6), st.integers(1, 36))
def test_a_cost_is_expensed_as_its_revenue_is_earned_to_within_a_minor_unit(
    amount: int, cost: int, periods: int
) -> None:
    rules = book(f'amount = "{Decimal(cost) / 100}"', f'method = "monthly"\nperiods = {periods}')
    line = magazine(amount)
    revenue, expense = rules.derive(line), rules.derive(rules.costs_of(line)[0])
    assert isinstance(revenue, Schedule) and isinstance(expense, Schedule)
    assert sum(part.amount for part in expense.parts) == -cost
    for part in revenue.parts:
        earned = sum(one.amount for one in revenue.parts if one.date <= part.date)
        spent = -sum(one.amount for one in expense.parts if one.date <= part.date)
        assert abs(spent * amount - earned * cost) <= amount + cost
