"""Money: minor units, decimal strings, and splits that lose nothing."""

from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from iso4217 import Currency

from revrec.core.money import (
    EVERYDAY,
    LARGEST,
    ROUNDINGS,
    BadAmount,
    UnknownCurrency,
    decimal_string,
    minor_digits,
    split,
    to_minor,
)

amounts = st.integers(-LARGEST, LARGEST)
weights = st.lists(st.integers(0, 10_000), min_size=1, max_size=60).filter(any)


@pytest.mark.parametrize(
    ("currency", "digits"), [("USD", 2), ("JPY", 0), ("KWD", 3), ("UYW", 4), ("IRR", 2), ("HUF", 2)]
)
def test_a_currency_has_the_decimals_of_iso_4217(currency: str, digits: int) -> None:
    assert minor_digits(currency) == digits


def test_the_decimals_of_everyday_currencies_are_those_of_the_iso_table() -> None:
    assert {code: Currency(code).exponent for code in EVERYDAY} == EVERYDAY


@pytest.mark.parametrize(
    ("currency", "message"),
    [
        ("usd", "currency 'usd' is not in ISO 4217: write it as USD"),
        ("XXZ", "currency 'XXZ' is not in ISO 4217; expected a code of three capital letters such as USD"),
        ("", "currency '' is not in ISO 4217; expected a code of three capital letters such as USD"),
        ("XAU", "currency 'XAU' has no minor unit, so it cannot be billed in"),
    ],
)
def test_an_unknown_currency_is_refused_with_the_fix(currency: str, message: str) -> None:
    with pytest.raises(UnknownCurrency) as refused:
        minor_digits(currency)
    assert str(refused.value) == message


@pytest.mark.parametrize(
    ("amount", "currency", "minor"),
    [
        ("24.00", "USD", 2400),
        ("24", "USD", 2400),
        ("-0.01", "USD", -1),
        ("1E+3", "USD", 100_000),
        ("12", "JPY", 12),
        ("1.234", "KWD", 1234),
        ("0", "USD", 0),
        ("-92233720368547758.07", "USD", -LARGEST),
    ],
)
def test_a_decimal_becomes_minor_units_exactly(amount: str, currency: str, minor: Any) -> None:
    assert to_minor(Decimal(amount), currency) == minor


@pytest.mark.parametrize(
    ("amount", "currency", "message"),
    [
        ("10.005", "USD", "amount 10.005 has 3 decimals, USD has 2"),
        ("24.000", "USD", "amount 24.000 has 3 decimals, USD has 2"),
        ("1.5", "JPY", "amount 1.5 has 1 decimals, JPY has 0"),
        ("92233720368547758.08", "USD", "amount 92233720368547758.08 USD is larger than 92233720368547758.07"),
        ("1E+999999", "USD", "amount 1E+999999 USD is larger than 92233720368547758.07"),
        ("NaN", "USD", "amount NaN is not a number: write it as 24.00"),
        ("-Infinity", "USD", "amount -Infinity is not a number: write it as 24.00"),
    ],
)
def test_an_amount_that_does_not_fit_is_refused_and_never_rounded(amount: str, currency: str, message: str) -> None:
    with pytest.raises(BadAmount) as refused:
        to_minor(Decimal(amount), currency)
    assert str(refused.value) == message


@given(amounts, st.sampled_from(["USD", "JPY", "KWD", "UYW"]))
def test_a_decimal_string_reads_back_as_the_same_amount(minor: Any, currency: Any) -> None:
    assert to_minor(Decimal(decimal_string(minor, currency)), currency) == minor


@pytest.mark.parametrize(
    ("minor", "text"), [(2400, "24.00"), (5, "0.05"), (-5, "-0.05"), (0, "0.00"), (-123456, "-1234.56")]
)
def test_a_decimal_string_has_all_decimals_of_the_currency(minor: int, text: str) -> None:
    assert decimal_string(minor, "USD") == text


@given(amounts, weights, st.sampled_from(ROUNDINGS))
def test_the_parts_of_a_split_sum_to_the_total(total: Any, shares: Any, rounding: Any) -> None:
    found = split(total, shares, rounding)
    assert sum(found) == total
    assert len(found) == len(shares)


@given(amounts, weights)
def test_cumulative_parts_never_drift_more_than_half_a_unit_from_the_exact_share(total: Any, shares: Any) -> None:
    so_far = 0
    for index, part in enumerate(split(total, shares)):
        so_far += part
        exact = Fraction(total * sum(shares[: index + 1]), sum(shares))
        assert abs(so_far - exact) <= Fraction(1, 2)


@given(amounts, weights)
def test_cumulative_parts_never_have_the_other_sign(total: Any, shares: Any) -> None:
    assert all(part * total >= 0 for part in split(total, shares))


@given(amounts, weights, st.sampled_from(ROUNDINGS))
def test_a_credit_is_split_like_the_charge_it_mirrors(total: Any, shares: Any, rounding: Any) -> None:
    assert split(-total, shares, rounding) == [-part for part in split(total, shares, rounding)]


@given(amounts, weights, st.sampled_from(ROUNDINGS))
def test_no_part_has_another_sign_than_the_amount(total: Any, shares: Any, rounding: Any) -> None:
    assert all(part * total >= 0 for part in split(total, shares, rounding))


@pytest.mark.parametrize(
    ("rounding", "expected"),
    [("last", [1, 1, 1, 1, 1, 0, 0, 0]), ("first", [0, 1, 1, 1, 1, 1, 0, 0]), ("period", [1, 1, 1, 1, 1, 0, 0, 0])],
)
def test_shares_rounded_up_end_where_nothing_is_left(rounding: str, expected: list[int]) -> None:
    assert split(5, [1] * 8, rounding) == expected
    assert split(-5, [1] * 8, rounding) == [-part for part in expected]


@given(amounts, st.integers(1, 60), st.integers(2, 9))
def test_equal_weights_split_alike_whatever_they_are(total: Any, count: int, weight: int) -> None:
    assert split(total, [weight] * count) == split(total, [1] * count) == split(total, [weight] * count + [0])[:count]


@pytest.mark.parametrize(
    ("rounding", "expected"),
    [
        ("cumulative", [33, 34, 33]),
        ("last", [33, 33, 34]),
        ("first", [34, 33, 33]),
        ("period", [33, 33, 34]),
    ],
)
def test_the_rounding_names_who_gets_the_odd_cent(rounding: str, expected: list[int]) -> None:
    assert split(100, (1, 1, 1), rounding) == expected


def test_halves_are_rounded_away_from_zero() -> None:
    assert split(1, (1, 1)) == [1, 0]
    assert split(-1, (1, 1)) == [-1, 0]
    assert split(5, (1, 1), "first") == [2, 3]


@pytest.mark.parametrize("shares", [(), (0, 0), (1, -1)])
def test_weights_that_cannot_be_split_by_are_refused(shares: Any) -> None:
    with pytest.raises(ValueError, match="weights must be"):
        split(100, shares)


def test_an_unknown_rounding_is_refused() -> None:
    with pytest.raises(ValueError, match="cumulative, last, first"):
        split(100, (1, 1), "bankers")
