"""Days and amounts that are still to be credited, from the price of a line and what was credited before."""

from collections.abc import Mapping
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from revrec.core.credit_memo import due_credits
from revrec.core.pricing import PriceChange

JAN, FEB, MAR = date(2024, 1, 12), date(2024, 2, 3), date(2024, 3, 1)
BILLED = date(2024, 1, 5)
Amounts = Mapping[date, int]


def changes(*credits: tuple[date, int], price: int = 1_000) -> list[PriceChange]:
    """Return the price changes of credits, in order."""
    found = []
    for day, amount in credits:
        found.append(PriceChange("credit", day, price, price - amount, ""))
        price -= amount
    return found


@pytest.mark.parametrize(
    ("credits", "credited", "due"),
    [
        ([], {}, {}),
        ([(JAN, 10), (JAN, 5), (FEB, 20)], {}, {JAN: 15, FEB: 20}),
        ([(JAN, 10), (FEB, 20)], {JAN: 10}, {FEB: 20}),
        ([(JAN, 10), (FEB, 20)], {FEB: 20}, {JAN: 10}),
        ([(FEB, 30)], {JAN: 10}, {FEB: 20}),
        ([(JAN, 10)], {JAN: 15}, {JAN: -5}),
        ([], {JAN: 15}, {JAN: -15}),
        ([(JAN, -20), (FEB, 30)], {}, {FEB: 10}),
        ([(JAN, -20)], {}, {JAN: -20}),
        ([(date(2024, 1, 1), 10)], {}, {BILLED: 10}),
    ],
)
def test_what_is_due_is_what_the_price_lost_and_no_credit_memo_has(
    credits: list[tuple[date, int]], credited: Amounts, due: Amounts
) -> None:
    assert due_credits(changes(*credits), BILLED, credited) == due


days = st.sampled_from([BILLED, JAN, FEB, MAR])
amounts = st.integers(-50, 50)


@given(st.lists(st.tuples(days, amounts), max_size=4), st.dictionaries(days, amounts, max_size=3))
def test_what_is_due_makes_up_the_difference(credits: list[tuple[date, int]], credited: dict[date, int]) -> None:
    due = due_credits(changes(*credits), BILLED, credited)
    assert sum(due.values()) + sum(credited.values()) == sum(amount for _day, amount in credits)
    assert all(due.values()) and sum(amount < 0 for amount in due.values()) <= 1
    posted = {day: credited.get(day, 0) + due.get(day, 0) for day in {*credited, *due}}
    assert due_credits(changes(*credits), BILLED, posted) == {}, "once it is posted, nothing more is due"
