"""What is taken back leaves the accounts that it was posted to."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from revrec.core.schedule import PostingTarget
from revrec.core.take_back import PartOnAccounts, on_posted_accounts

OLD, NEW, NOW = (PostingTarget(f"24{number}", f"40{number}", "RR", "memo") for number in ("00", "10", "20"))
JAN, FEB, MAR, APR = (date(2024, month, 10) for month in range(1, 5))


def posted(*parts: tuple[date, int, PostingTarget]) -> list[PartOnAccounts]:
    return [PartOnAccounts(*part) for part in parts]


@pytest.mark.parametrize(
    ("parts", "before", "expected"),
    [
        ([(MAR, -30)], [(JAN, 91, OLD)], [(MAR, -30, OLD)]),
        ([(MAR, 30)], [(JAN, 91, OLD)], [(MAR, 30, None)]),
        ([(MAR, -120)], [(JAN, 91, OLD)], [(MAR, -91, OLD), (MAR, -29, None)]),
        ([(MAR, -120)], [(JAN, 91, OLD), (FEB, 50, NEW)], [(MAR, -50, NEW), (MAR, -70, OLD)]),
        ([(JAN, -91), (MAR, 91)], [(JAN, 91, OLD), (FEB, 50, NEW)], [(JAN, -91, OLD), (MAR, 91, None)]),
        ([(JAN, 50), (FEB, -50)], [(FEB, 50, OLD)], [(JAN, 50, None), (FEB, -50, OLD)]),
        ([(JAN, -60)], [(FEB, 50, OLD), (MAR, 50, NEW)], [(JAN, -50, NEW), (JAN, -10, OLD)]),
        ([(APR, -60)], [(JAN, 91, OLD), (FEB, 50, NEW), (MAR, -50, NEW)], [(APR, -60, OLD)]),
        ([(MAR, -20), (APR, -4)], [(JAN, 9, OLD), (FEB, 21, NEW)], [(MAR, -20, NEW), (APR, -1, NEW), (APR, -3, OLD)]),
    ],
    ids=[
        "a credit", "more revenue", "more than was posted", "from several accounts", "a delivery that was later",
        "a delivery that was earlier", "what is posted later comes last", "nothing is taken back twice", "day by day",
    ],
)  # fmt: skip
@pytest.mark.parametrize("sign", [1, -1], ids=["charge", "credit memo"])
def test_the_newest_amounts_are_taken_back_first_each_from_its_accounts(
    parts: list[tuple[date, int]],
    before: list[tuple[date, int, PostingTarget]],
    expected: list[tuple[date, int, PostingTarget | None]],
    sign: int,
) -> None:
    wanted = [(day, sign * amount) for day, amount in parts]
    there = posted(*((day, sign * amount, accounts) for day, amount, accounts in before))
    found = on_posted_accounts(wanted, there, NOW, sign > 0)
    assert list(found) == [(day, sign * amount, accounts) for day, amount, accounts in expected]


@pytest.mark.parametrize(
    ("present", "expected"),
    [
        (OLD, [(MAR, -50, NEW), (MAR, -100, None)]),
        (NEW, [(MAR, -59, None), (MAR, -91, OLD)]),
        (NOW, [(MAR, -50, NEW), (MAR, -91, OLD), (MAR, -9, None)]),
    ],
    ids=["of the first", "of the second", "of none"],
)
def test_no_two_parts_of_a_day_are_on_the_present_accounts(
    present: PostingTarget, expected: list[tuple[date, int, PostingTarget | None]]
) -> None:
    before = posted((JAN, 91, OLD), (FEB, 50, NEW))
    assert list(on_posted_accounts([(MAR, -150)], before, present, True)) == expected


DAYS = st.sampled_from([JAN, FEB, MAR, APR])
AMOUNTS = st.integers(-100, 100).filter(bool)
POSTED = st.lists(st.tuples(DAYS, st.integers(1, 100), st.sampled_from([OLD, NEW])), max_size=5)


@given(st.lists(st.tuples(DAYS, AMOUNTS), max_size=5), POSTED)
def test_the_parts_of_each_day_add_up_and_no_account_loses_more_than_it_has(
    parts: list[tuple[date, int]], before: list[tuple[date, int, PostingTarget]]
) -> None:
    found = on_posted_accounts(parts, posted(*before), NOW, True)
    for day in (JAN, FEB, MAR, APR):
        for sign in (1, -1):
            amounts = [amount for on, amount, *_ in found if on == day and amount * sign > 0]
            assert sum(amounts) == sum(amount for on, amount in parts if on == day and amount * sign > 0)
    for accounts in (OLD, NEW):
        left = sum(amount for _day, amount, there in before if there == accounts)
        assert left + sum(part.amount for part in found if part.accounts == accounts) >= 0
