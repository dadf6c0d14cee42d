"""A plan that changes after amounts of it were posted: what is reversed, what stays, what is spread; sums hold.

Each case is a controller's: what was recognized, the corrected plan, and the lines that are still to be posted.
"""

from collections import Counter
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from revrec.core.change import catch_up_next, replan, restate, spread_prospectively
from revrec.core.schedule import Plan, Schedule, SchedulePart

D = date.fromisoformat
Parts = list[tuple[str, int]]


def parts(some: Parts) -> tuple[SchedulePart, ...]:
    return tuple(SchedulePart(D(day), amount) for day, amount in some)


RESTATED: dict[str, tuple[Parts, Parts, Parts]] = {
    "delivered later": (
        [("2024-03-07", 1000)], [("2024-04-11", 1000)], [("2024-03-07", -1000), ("2024-04-11", 1000)],
    ),
    "delivered earlier": (
        [("2024-04-11", 1000)], [("2024-03-07", 1000)], [("2024-03-07", 1000), ("2024-04-11", -1000)],
    ),
    "delivered on another day of the same month": ([("2024-03-07", 1000)], [("2024-03-20", 1000)], []),
    "delivered in the same month of another year": (
        [("2024-03-07", 1000)], [("2025-03-07", 1000)], [("2024-03-07", -1000), ("2025-03-07", 1000)],
    ),
    "a credit": ([("2024-03-07", -1000)], [("2024-04-11", -1000)], [("2024-03-07", 1000), ("2024-04-11", -1000)]),
    "corrected twice, and back": (
        [("2024-03-07", 1000), ("2024-03-07", -1000), ("2024-04-11", 1000)], [("2024-03-07", 1000)],
        [("2024-03-07", 1000), ("2024-04-11", -1000)],
    ),
    "corrected again before the other half was posted": (
        [("2024-03-07", 1000), ("2024-03-07", -1000)], [("2024-05-02", 1000)], [("2024-05-02", 1000)],
    ),
    "a series that moves by a month": (
        [("2024-01-10", 300), ("2024-02-10", 300)],
        [("2024-02-10", 300), ("2024-03-10", 300), ("2024-04-10", 300)],
        [("2024-01-10", -300), ("2024-03-10", 300), ("2024-04-10", 300)],
    ),
    "a series that moves by a week": (
        [("2024-01-10", 300), ("2024-02-10", 300)],
        [("2024-01-17", 300), ("2024-02-17", 300), ("2024-03-17", 300)],
        [("2024-03-17", 300)],
    ),
    "two parts of a month become one that is smaller": (
        [("2024-03-07", 500), ("2024-03-14", 500)], [("2024-03-20", 400), ("2024-04-20", 600)],
        [("2024-03-07", -100), ("2024-03-14", -500), ("2024-04-20", 600)],
    ),
}  # fmt: skip


@pytest.mark.parametrize(("posted", "plan", "left"), RESTATED.values(), ids=RESTATED)
def test_a_corrected_fact_is_restated_by_differences(posted: Parts, plan: Parts, left: Parts) -> None:
    assert restate(parts(plan), parts(posted)) == parts(left)


class Rule:
    def __init__(self, on_change: str, rounding: str = "cumulative") -> None:
        self.method = self
        self.on_change = on_change
        self.rounding = rounding


def schedule(plan: Parts, how: str = "prospective", weights: list[int] | None = None) -> Schedule:
    made = parts(plan)
    shares = Plan(tuple(part.date for part in made), tuple(weights or [1] * len(made)), "")
    rule: Any = Rule(how)
    return Schedule(rule, made, "", plan=shares)


def monthly(first: int, last: int, amount: int) -> Parts:
    """Parts on the 10th of months of 2024, counted on into 2025."""
    return [(f"{2024 + (month - 1) // 12}-{(month - 1) % 12 + 1:02d}-10", amount) for month in range(first, last + 1)]


PROSPECTIVE: dict[str, tuple[Parts, Parts, Parts, Parts]] = {
    "a year becomes a year and a half": (
        monthly(1, 3, 300), monthly(4, 12, 300), monthly(1, 18, 200), monthly(4, 18, 180),
    ),
    "it ends earlier": (monthly(1, 3, 300), monthly(4, 12, 300), monthly(1, 6, 600), monthly(4, 6, 900)),
    "it has ended already": (
        monthly(1, 3, 300), monthly(4, 12, 300), monthly(1, 2, 1800), [("2024-03-10", 2700)],
    ),
    "a month that waits in a closed period is left where it is": (
        [("2024-02-10", 300), ("2024-03-10", 300)], [("2024-01-10", 300), *monthly(4, 12, 300)], monthly(1, 6, 600),
        [("2024-01-10", 300), *monthly(4, 6, 900)],
    ),
    "all is posted": (monthly(1, 12, 300), [], monthly(1, 18, 200), []),
    "a credit": (monthly(1, 3, -300), monthly(4, 12, -300), monthly(1, 6, -600), monthly(4, 6, -900)),
}  # fmt: skip


@pytest.mark.parametrize(("posted", "still_open", "plan", "left"), PROSPECTIVE.values(), ids=PROSPECTIVE)
def test_changed_service_dates_hold_for_what_is_to_come(
    posted: Parts, still_open: Parts, plan: Parts, left: Parts
) -> None:
    assert spread_prospectively(schedule(plan), parts(posted), parts(still_open)) == parts(left)


CAUGHT_UP: dict[str, tuple[Parts, Parts, Parts]] = {
    "a year becomes half a year": (
        monthly(1, 3, 300), monthly(1, 6, 600), [("2024-04-10", 900), *monthly(4, 6, 600)],
    ),
    "a year becomes a year and a half": (
        monthly(1, 3, 300), monthly(1, 18, 200), [("2024-04-10", -300), *monthly(4, 18, 200)],
    ),
    "it has ended already": (monthly(1, 3, 300), monthly(1, 2, 1800), [("2024-03-10", 2700)]),
    "nothing differs up to now": (monthly(1, 3, 300), [*monthly(1, 3, 300), *monthly(5, 13, 300)], monthly(5, 13, 300)),
}  # fmt: skip


@pytest.mark.parametrize(("posted", "plan", "left"), CAUGHT_UP.values(), ids=CAUGHT_UP)
def test_a_cumulative_catch_up_comes_with_the_next_part(posted: Parts, plan: Parts, left: Parts) -> None:
    assert catch_up_next(parts(plan), parts(posted)) == parts(left)


def test_the_words_tell_what_became_of_what_was_posted() -> None:
    posted = parts([("2024-03-07", 129900)])
    later = replan(schedule([("2024-04-11", 129900)], "restate"), posted, (), "USD")
    assert later.words == "on_change restate: 1299.00 USD on entries is corrected by -1299.00 on 2024-03-07"
    within = replan(schedule([("2024-03-20", 129900)], "restate"), posted, (), "USD")
    assert within.words == "on_change restate: 1299.00 USD on entries stays"
    yen = replan(
        schedule(monthly(1, 6, 600), "prospective"), parts(monthly(1, 3, 300)), parts(monthly(4, 12, 300)), "JPY"
    )
    assert yen.words == "on_change prospective: 900 JPY on entries stays, the rest follows the new plan"


DAYS = st.dates(D("2024-01-01"), D("2025-06-30"))
CARRIED = st.lists(st.tuples(DAYS, st.integers(-9_999, 9_999).filter(bool)), min_size=1, max_size=8)


@st.composite
def plans(draw: st.DrawFn) -> Schedule:
    """Parts on different days, of one sign."""
    days = sorted(draw(st.sets(DAYS, min_size=1, max_size=8)))
    sign = draw(st.sampled_from((1, -1)))
    amounts = draw(st.lists(st.integers(1, 9_999), min_size=len(days), max_size=len(days)))
    weights = draw(st.lists(st.integers(1, 31), min_size=len(days), max_size=len(days)))
    made = tuple(SchedulePart(day, sign * amount) for day, amount in zip(days, amounts, strict=True))
    rule: Any = Rule(draw(st.sampled_from(("restate", "prospective", "catch_up"))))
    return Schedule(rule, made, "", plan=Plan(tuple(days), tuple(weights), ""))


@given(plans(), CARRIED, CARRIED)
def test_carried_and_new_parts_sum_to_the_charge_line_whatever_was_posted(
    made: Schedule, posted: list[tuple[date, int]], still_open: list[tuple[date, int]]
) -> None:
    left, _waiting, _words = replan(made, posted, still_open, "USD")
    assert sum(amount for _day, amount in [*posted, *left]) == sum(part.amount for part in made.parts)
    assert all(part.amount for part in left)


@given(plans(), CARRIED)
def test_a_restated_month_is_the_plans_month_and_moves_nothing_within_it(
    made: Schedule, posted: list[tuple[date, int]]
) -> None:
    left = restate(made.parts, posted)
    months: Counter[tuple[int, int]] = Counter()
    for sign, some in ((1, posted), (1, left), (-1, made.parts)):
        for day, amount in some:
            months[day.year, day.month] += sign * amount
    assert not any(months.values())
    signs = {(part.date.year, part.date.month, part.amount > 0) for part in left}
    assert len(signs) == len({month[:2] for month in signs}), "never both signs in one month"
    assert restate(made.parts, [*posted, *left]) == (), "what is corrected needs no correction"
