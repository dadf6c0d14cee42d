"""What bills leave in base currency when contract lines were earned at other rates."""

import tomllib
from collections import Counter
from collections.abc import Iterable
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from revrec.core.exchange import ExchangeDifference, Movement, Rate, Rates, settled_differences
from revrec.core.exchange_entries import ClearedLine, DifferenceKey, exchange_adjustment, not_posted
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


C1, C2 = ("shop/C-1/1", "2400"), ("shop/C-1/1", "2410")


def test_what_is_posted_already_is_not_posted_again() -> None:
    assert not_posted({C1: 1000, C2: -300}, {}) == {C1: 1000, C2: -300}
    assert not_posted({C1: 1000, C2: -300}, {C1: 400}) == {C1: 600, C2: -300}
    assert not_posted({C1: 1000}, {C1: 1000}) == {}
    # A difference that is smaller now, or is gone, is taken back.
    assert not_posted({C1: 700}, {C1: 1000, C2: -300}) == {C1: -300, C2: 300}


@given(st.lists(st.dictionaries(st.sampled_from([C1, C2]), st.integers(-500, 500))))
def test_after_each_posting_the_difference_is_posted_exactly(days: list[dict[DifferenceKey, int]]) -> None:
    posted: Counter[DifferenceKey] = Counter()
    for differences in days:
        posted.update(not_posted(differences, posted))
        assert not_posted(differences, posted) == {}
        assert {key: amount for key, amount in posted.items() if amount} == {
            key: amount for key, amount in differences.items() if amount
        }


@pytest.mark.parametrize(("amount", "word"), [(400, "gain"), (-400, "loss")])
def test_a_gain_debits_the_deferred_account_and_a_loss_credits_it(amount: int, word: str) -> None:
    line = ClearedLine(*C1, "E1", "USD", "ADA", "WORK", {"location": "100"})
    one = exchange_adjustment(line, amount, START, "7800", "GJ")
    assert (one.kind, one.subject, one.day, one.entity) == ("exchange", "shop/C-1/1 2400", START, "E1")
    assert (one.currency, one.journal) == ("USD", "GJ")
    assert [(side.account, side.amount) for side in one.lines] == [("2400", amount), ("7800", -amount)]
    assert {side.place[1:] for side in one.lines} == {("ADA", "WORK", (("location", "100"),))}
    assert f"Exchange {word} of shop/C-1/1" in one.reason
