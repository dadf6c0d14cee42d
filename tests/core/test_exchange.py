"""What bills leave in base currency when contract lines were earned at other rates."""

import tomllib
from collections.abc import Iterable
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from revrec.core.exchange import ExchangeDifference, Movement, Rate, Rates, settled_differences
from revrec.core.money import to_minor

GOLDEN = tomllib.loads((Path(__file__).resolve().parents[1] / "golden" / "exchange.toml").read_text())
CASES: dict[str, dict[str, Any]] = GOLDEN["case"]
RATES = Rates(
    (
        Rate(currency, base, date.fromisoformat(day), Decimal(rate))
        for pair, days in GOLDEN["rates"].items()
        for currency, _, base in [pair.partition("/")]
        for day, rate in days.items()
    ),
    "exchange.toml",
)
START = date(2024, 1, 1)


def movements_of(case: dict[str, Any], until: date) -> Iterable[Movement]:
    for is_earned, some in ((True, case["earned"]), (False, case["billed"])):
        for day, text in some:
            if day <= until:
                amount = to_minor(Decimal(text), case["currency"])
                base = RATES.in_base(amount, case["currency"], case["base"], day)
                yield Movement(day, day, "2400", is_earned, amount, base)


@pytest.mark.parametrize("name", CASES)
def test_each_case_leaves_what_was_computed_by_hand(name: str) -> None:
    case = CASES[name]
    for day, *expected in case["expected"]:
        one = settled_differences(movements_of(case, day)).get("2400", ExchangeDifference())
        currencies = (case["currency"], case["base"], case["base"])
        assert one == ExchangeDifference(*map(to_minor, map(Decimal, expected), currencies)), day


def moved(
    day: int, amount: int, base: int, is_earned: bool = True, rated: int | None = None, account: str = "2400"
) -> Movement:
    at = START + timedelta(day if rated is None else rated)
    return Movement(START + timedelta(day), at, account, is_earned, amount, base)


def test_a_reversed_entry_leaves_nothing_since_the_reversal_has_its_rate() -> None:
    january, february, reversal = moved(30, 100, 110), moved(59, 100, 115), moved(80, -100, -110, rated=30)
    assert settled_differences([january, february, reversal]) == {"2400": ExchangeDifference(0, 0, 0)}
    bill = moved(90, 100, 120, is_earned=False)
    assert settled_differences([january, february, reversal, bill])["2400"] == ExchangeDifference(100, 115, 120)


def test_the_difference_is_on_the_account_that_the_revenue_left() -> None:
    movements = [moved(30, 100, 110), moved(59, 100, 115, account="2410"), moved(80, 200, 240, is_earned=False)]
    assert settled_differences(movements) == {
        "2400": ExchangeDifference(100, 110, 120),
        "2410": ExchangeDifference(100, 115, 120),
    }


MOVEMENTS = st.lists(
    st.builds(
        moved,
        st.integers(0, 300),
        st.integers(-1000, 1000).filter(bool),
        st.integers(-2000, 2000),
        st.booleans(),
    ),
    max_size=12,
)


@given(MOVEMENTS, st.randoms())
def test_a_line_that_is_earned_and_billed_in_full_leaves_all_that_its_amounts_differ(
    movements: list[Movement], random: Any
) -> None:
    open_credit = sum(-one.amount if one.is_earned else one.amount for one in movements)
    if open_credit:
        movements.append(moved(400, open_credit, open_credit + 7))
    random.shuffle(movements)
    total = settled_differences(movements).get("2400", ExchangeDifference())
    earned, billed = ([one for one in movements if one.is_earned is which] for which in (True, False))
    assert total.amount == sum(one.amount for one in earned)
    assert total.at_entries == sum(one.base for one in earned)
    assert total.at_billing == sum(one.base for one in billed)
