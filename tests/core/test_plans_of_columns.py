"""The plans that are found for many lines at once are the plans of each line."""

from datetime import date, timedelta
from decimal import Decimal
from itertools import product
from typing import Any

import pytest

from revrec.core.charge_columns import ChargeColumns
from revrec.core.charge_line import ChargeLine
from revrec.core.rules.columns import ALONE, PlanFinder
from support.rules import MakeBook


def lines(**fields: list[Any]) -> list[ChargeLine]:
    """Return lines with every combination of these values."""
    plain = ChargeLine("shop", "INV-1", "1", "C-1", "MAG-1", date(2024, 1, 5), 2400, "USD")
    return [plain._replace(**dict(zip(fields, values, strict=True))) for values in product(*fields.values())]


MANY = lines(
    item=["MAG-1", "SUB-1", "POD-1"],
    customer=["C-1", "C-2"],
    post_date=[date(2024, 1, 5), date(2024, 7, 1)],
    amount=[2400, -5, 10**17],
    service_end=[None, date(2024, 12, 31)],
    dimensions=[{}, {"location": "100"}],
    quantity=[None, Decimal(2)],
)
RULES = {
    "one rule": "",
    "an item": 'item = "MAG-*"',
    "a customer": 'customer = "C-1"',
    "a dimension": 'dimensions.location = "1*"',
    "an amount": 'amount = "> 20"',
    "an expression": "condition = \"quantity > 1 or post_date < '2024-03-01'\"",
    "a document": 'document = "INV-*"',
    "a date": 'post_date = ">= 2024-02-01"',
}
METHODS = {
    "monthly": "periods = 3",
    "daily": 'by = "month"\nstart = "post_date"',
    "pod_date": "",
    "usage": "units = 12",
    "percentages": "amounts = [20.00, 4.00]",
}


@pytest.mark.parametrize("when", RULES)
@pytest.mark.parametrize("method", METHODS)
def test_the_plans_of_columns_are_the_plans_of_lines(book: MakeBook, when: str, method: str) -> None:
    first = f'[[rule]]\nname = "first"\n[rule.when]\n{RULES[when]}\n' if RULES[when] else '[[rule]]\nname = "first"\n'
    rest = '[[rule]]\nname = "rest"\npriority = 1\n[rule.recognize]\nmethod = "fixed_offset"\n'
    rules = book(f'{first}[rule.recognize]\nmethod = "{method}"\n{METHODS[method]}\n{rest}')
    finder = PlanFinder(rules)
    # The second time, everything is found in the caches.
    for some in (MANY[:7], MANY, MANY):
        found = finder.find(ChargeColumns(*zip(*some, strict=True)))
        for line, number in zip(some, found, strict=True):
            wanted = rules.divide(line)
            if number == ALONE:
                continue
            plan = finder.plans[number]
            assert wanted == (plan if abs(line.amount) in plan.amounts else None)


def test_lines_that_agree_in_what_the_rules_look_at_share_a_plan(book: MakeBook) -> None:
    finder = PlanFinder(book('[[rule]]\nname = "only"\n[rule.recognize]\nmethod = "monthly"\nperiods = 12\n'))
    days = [date(2024, 1, 1) + timedelta(days=at % 3) for at in range(30)]
    many = [line for day in days for line in lines(post_date=[day], customer=["C-1", "C-2"], amount=[100, 200])]
    found = finder.find(ChargeColumns(*zip(*many, strict=True)))
    assert ALONE not in found and len(set(found)) == 3 == len(finder.plans)


def test_a_rule_that_looks_at_the_amount_leaves_its_lines_alone(book: MakeBook) -> None:
    finder = PlanFinder(
        book(
            '[[rule]]\nname = "only"\n[rule.when]\namount = "> 1"\n[rule.recognize]\nmethod = "monthly"\nperiods = 2\n'
        )
    )
    assert set(finder.find(ChargeColumns(*zip(*lines(amount=[1, 2]), strict=True)))) == {ALONE}
