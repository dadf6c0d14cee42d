"""Methods over time, option by option, with figures worked out by hand."""

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from revrec.core.charge_line import ChargeLine, FulfillmentEvent
from revrec.core.explanation import explain_parts
from support.rules import Derive, DeriveParts

D = date.fromisoformat


@pytest.fixture
def served(line: ChargeLine) -> Callable[..., ChargeLine]:
    """The line as a service of 1,200.00 between two days."""

    def of(start: str, end: str | None, amount: int = 120_000) -> ChargeLine:
        last = D(end) if end else None
        return line._replace(post_date=D(start), service_start=D(start), service_end=last, amount=amount)

    return of


def month_parts(found: list[tuple[str, int]]) -> dict[str, int]:
    return {day[:7]: amount for day, amount in found}


# monthly_prorated

YEAR = ("2025-01-15", "2026-01-14")


@pytest.mark.parametrize(
    ("first", "last", "weights"),
    [
        ("exact_days", "exact_days", {"2025-01": 17 / 31, "2026-01": 14 / 31}),
        ("full_month", "previous_month", {"2025-01": 1, "2026-01": 0}),
        ("half_month", "half_month", {"2025-01": 0.5, "2026-01": 0.5}),
        ("mid_month", "mid_month", {"2025-01": 1, "2026-01": 0}),
        ("next_month", "full_month", {"2025-01": 0, "2026-01": 1}),
    ],
)
def test_the_first_and_last_month_weigh_by_their_conventions(
    served: Callable[..., ChargeLine], parts: DeriveParts, first: str, last: str, weights: Any
) -> None:
    rule = f'method = "monthly_prorated"\nfirst_part = "{first}"\nlast_part = "{last}"'
    found = month_parts(parts(rule, served(*YEAR)))
    assert found["2025-02"] == 10_000
    for month, weight in weights.items():
        assert abs(found.get(month, 0) - 10_000 * weight) <= 0.5
        assert (month in found) == bool(weight)


@pytest.mark.parametrize(
    ("start", "end", "months"),
    [
        ("2025-01-15", "2026-01-14", "2025-01 to 2025-12"),
        ("2025-01-16", "2026-01-15", "2025-02 to 2026-01"),
        ("2025-01-01", "2025-12-31", "2025-01 to 2025-12"),
    ],
)
def test_the_mid_month_cut_off_counts_a_year_as_twelve_months(
    served: Callable[..., ChargeLine], parts: DeriveParts, start: str, end: str, months: str
) -> None:
    rule = 'method = "monthly_prorated"\nfirst_part = "mid_month"\nlast_part = "mid_month"'
    found = parts(rule, served(start, end))
    assert [amount for _day, amount in found] == [10_000] * 12
    assert f"{found[0][0][:7]} to {found[-1][0][:7]}" == months


def test_with_periods_the_last_month_takes_what_the_first_one_left(
    served: Callable[..., ChargeLine], parts: DeriveParts
) -> None:
    rule = 'method = "monthly_prorated"\nperiods = 3\nfirst_part = "{}"\nrounding = "last"'
    line = served("2025-04-11", None, 9000)
    assert parts(rule.format("exact_days"), line) == [
        ("2025-04-30", 2000), ("2025-05-31", 3000), ("2025-06-30", 3000), ("2025-07-31", 1000),
    ]  # fmt: skip
    assert parts(rule.format("full_month"), line) == [("2025-04-30", 3000), ("2025-05-31", 3000), ("2025-06-30", 3000)]
    assert [day for day, _ in parts(rule.format("next_month"), line)] == ["2025-05-31", "2025-06-30", "2025-07-31"]


def test_parts_fall_on_the_last_day_the_last_day_served_or_the_first(
    served: Callable[..., ChargeLine], parts: DeriveParts
) -> None:
    line = served("2025-01-15", "2025-03-10")
    rule = 'method = "monthly_prorated"\non = "{}"'
    assert [day for day, _ in parts(rule.format("last"), line)] == ["2025-01-31", "2025-02-28", "2025-03-31"]
    assert [day for day, _ in parts(rule.format("end"), line)] == ["2025-01-31", "2025-02-28", "2025-03-10"]
    assert [day for day, _ in parts(rule.format("first"), line)] == ["2025-01-15", "2025-02-01", "2025-03-01"]


def test_a_month_may_be_cut_in_the_middle_and_at_an_end_that_february_has_not(
    served: Callable[..., ChargeLine], parts: DeriveParts
) -> None:
    found = parts('method = "monthly_prorated"\nmonth_end = 30', served("2025-01-16", "2025-03-30"))
    assert [day for day, _ in found] == ["2025-01-30", "2025-02-28", "2025-03-30"]
    assert [amount for _, amount in found] == [23_377, 48_311, 48_312], "15/31 of a month, then two whole ones"


def test_a_service_within_one_month_is_recognized_whole_in_it_by_every_convention(
    served: Callable[..., ChargeLine], derive: Derive
) -> None:
    for first in ("exact_days", "full_month", "half_month", "mid_month", "next_month", "tenths"):
        found = derive(f'method = "monthly_prorated"\nfirst_part = "{first}"', served("2025-01-20", "2025-01-25"))
        assert [(part.date, part.amount) for part in found.parts] == [(D("2025-01-31"), 120_000)]


def test_no_month_that_weighs_nothing_gets_the_odd_cents(served: Callable[..., ChargeLine], parts: DeriveParts) -> None:
    rule = 'method = "monthly_prorated"\nfirst_part = "next_month"\nlast_part = "previous_month"\nrounding = "{}"'
    for rounding in ("first", "last"):
        found = parts(rule.format(rounding), served("2025-01-15", "2025-05-14", 100_00))
        assert [day for day, _ in found] == ["2025-02-28", "2025-03-31", "2025-04-30"]


# Parts in calendar and fiscal periods, and on a list of days

QUARTERS, MONTHS, YEARS = (f'every = "{every}"\nalign = ' for every in ("3 months", "1 month", "1 year"))


@pytest.mark.parametrize(
    ("rule", "start", "days"),
    [
        (f'{QUARTERS}"calendar"', "2024-02-15", ["2024-03-31", "2024-06-30", "2024-09-30"]),
        (f'{QUARTERS}"calendar"\non = "first"', "2024-02-15", ["2024-02-15", "2024-04-01", "2024-07-01"]),
        (f'{MONTHS}"calendar"', "2024-01-31", ["2024-01-31", "2024-02-29", "2024-03-31"]),
        (f'{YEARS}"calendar"', "2024-12-31", ["2024-12-31", "2025-12-31", "2026-12-31"]),
        (f'{YEARS}"fiscal"\nyear_end = "june"', "2024-07-01", ["2025-06-30", "2026-06-30", "2027-06-30"]),
        (f'{QUARTERS}"fiscal"\nyear_end = "january"', "2024-02-29", ["2024-04-30", "2024-07-31", "2024-10-31"]),
        # The fiscal years of 4-4-5 end on 2023-12-30 and 2024-12-28; a quarter has thirteen weeks.
        (f'{QUARTERS}"fiscal"\npattern = "4-4-5"', "2024-01-05", ["2024-03-30", "2024-06-29", "2024-09-28"]),
        (f'{MONTHS}"fiscal"\npattern = "4-4-5"', "2023-12-31", ["2024-01-27", "2024-02-24", "2024-03-30"]),
        (f'{YEARS}"fiscal"\npattern = "13"', "2023-12-30", ["2023-12-30", "2024-12-28", "2025-12-27"]),
    ],
)
def test_parts_fall_in_the_periods_of_a_calendar_or_fiscal_year(
    served: Callable[..., ChargeLine], parts: DeriveParts, rule: str, start: str, days: list[str]
) -> None:
    found = parts(f'method = "every"\nperiods = 3\n{rule}', served(start, None, 300_00))
    assert found == [(day, 100_00) for day in days]
    shares = parts(f'method = "percentages"\npercentages = [50, 30, 20]\n{rule}', served(start, None, 300_00))
    assert shares == list(zip(days, (150_00, 90_00, 60_00), strict=True))


def test_aligned_parts_are_counted_and_weighed_by_the_days_of_service(
    served: Callable[..., ChargeLine], parts: DeriveParts
) -> None:
    # 46 days of the first quarter, 91 of the second and 14 of the third
    found = parts(f'method = "every"\nweigh = "days"\n{QUARTERS}"calendar"', served("2024-02-15", "2024-07-14", 151_00))
    assert found == [("2024-03-31", 46_00), ("2024-06-30", 91_00), ("2024-09-30", 14_00)]


@pytest.mark.parametrize(
    ("more", "days"),
    [
        ("", ["2024-01-31", "2024-03-31", "2024-04-30"]),
        ('offset = "1 month"', ["2024-02-29", "2024-04-29", "2024-05-29"]),
        ('align = "calendar"\nevery = "3 months"', ["2024-03-31", "2024-05-30", "2024-06-29"]),
    ],
)
def test_parts_fall_on_a_list_of_days_after_the_start_or_after_the_end_of_its_period(
    served: Callable[..., ChargeLine], parts: DeriveParts, more: str, days: list[str]
) -> None:
    line = served("2024-01-31", None, -100_00)
    rule = f"day_offsets = [0, 60, 90]\n{more}"
    equal = parts(f'method = "every"\n{rule}', line)
    assert equal == list(zip(days, (-33_33, -33_34, -33_33), strict=True))
    shares = parts(f'method = "percentages"\npercentages = [50, 30, 20]\n{rule}', line)
    assert shares == list(zip(days, (-50_00, -30_00, -20_00), strict=True))


# The amount of a whole period is rounded first, as Business Central's "Straight-Line" does it


def test_service_dates_of_whole_months_are_as_good_as_their_number(
    served: Callable[..., ChargeLine], parts: DeriveParts
) -> None:
    by_number = 'method = "monthly_prorated"\nperiods = 3\nrounding = "period"'
    by_dates = 'method = "monthly_prorated"\nrounding = "period"'
    line = served("2025-01-15", "2025-04-14", 1_000_00)
    # 333.33 x 17/31 = 182.79; April is served for 14 of its 30 days, and gets what is left all the same.
    expected = [("2025-01-31", 182_79), ("2025-02-28", 333_33), ("2025-03-31", 333_33), ("2025-04-30", 150_55)]
    assert parts(by_number, line) == parts(by_dates, line) == expected


def test_the_rounded_amount_of_a_period_is_explained(served: Callable[..., ChargeLine], derive: Derive) -> None:
    line = served("2024-02-17", None, 100_00)
    found = derive('method = "monthly_prorated"\nstart = "post_date"\nperiods = 7\nrounding = "period"', line)
    words = explain_parts(found, line, ())
    assert [words[part] for part in (found.parts[0], found.parts[1], found.parts[-1])] == [
        "part 1 of 8: 29/203 of 100.00 is 14.29 rounded; 13/29 of that is 6.41 rounded",
        "part 2 of 8: 29/203 of 100.00 is 14.29 rounded",
        "part 8 of 8: what the other parts leave of 100.00, 92.15",
    ]


# ERPNext's tenths, worked out with its formulas: months by 0.1, differences of dates


@pytest.mark.parametrize(
    ("start", "end", "amounts"),
    [
        # 2.5 months; the first 15/30 = 0.5 of one
        ("2019-01-16", "2019-03-31", [1_000_000, 2_000_000, 2_000_000]),
        # 3 months x 79/89 = 2.7; the first 20/30 = 0.7: 50000 / 2.7 = 18518.52
        ("2019-01-11", "2019-03-31", [1_296_296, 1_851_852, 1_851_852]),
    ],
)
def test_tenths_of_a_month_as_erpnext_counts_them(
    served: Callable[..., ChargeLine], parts: DeriveParts, start: str, end: str, amounts: list[int]
) -> None:
    rule = 'method = "monthly_prorated"\nfirst_part = "tenths"\non = "end"\nrounding = "last"'
    found = parts(rule, served(start, end, 5_000_000))
    assert [amount for _day, amount in found] == amounts


# Day counts


def test_day_counts_differ_in_leap_years_and_short_months(
    served: Callable[..., ChargeLine], parts: DeriveParts
) -> None:
    rule = 'method = "daily"\nby = "month"\nday_count = "{}"'
    two_years = served("2023-07-01", "2024-06-30", 365 * 366)
    half = {}
    for count in ("actual", "actual/actual", "actual/365", "30/360"):
        found = parts(rule.format(count), two_years)
        half[count] = sum(amount for day, amount in found if day < "2024-01-01")
    whole = 365 * 366
    assert half["actual"] == whole * 184 // 366
    assert half["actual/365"] == round(whole * 184 / 365)
    assert half["actual/actual"] == round(whole * (184 / 365) / (184 / 365 + 182 / 366))
    assert half["30/360"] == whole // 2


def test_months_of_thirty_days_are_odoos_months(served: Callable[..., ChargeLine], parts: DeriveParts) -> None:
    rule = 'method = "daily"\nby = "month"\nday_count = "30/360"'
    found = parts(rule, served("2023-04-15", "2023-06-14", 90_000))
    assert found == [("2023-04-30", 24_000), ("2023-05-31", 45_000), ("2023-06-14", 21_000)]
    full_months = 'method = "monthly_prorated"\nfirst_part = "full_month"\nlast_part = "previous_month"'
    assert parts(full_months, served("2023-04-15", "2023-06-14", 90_000)) == [
        ("2023-04-30", 45_000),
        ("2023-05-31", 45_000),
    ]


def test_a_day_that_weighs_nothing_has_no_part_but_a_service_of_nothing_else_is_recognized(
    served: Callable[..., ChargeLine], parts: DeriveParts
) -> None:
    rule = 'method = "daily"\nday_count = "actual/365"'
    assert parts(rule, served("2024-02-28", "2024-03-01", 200)) == [("2024-02-28", 100), ("2024-03-01", 100)]
    assert parts(rule, served("2024-02-29", "2024-02-29", 200)) == [("2024-02-29", 200)]


# Terms


def test_each_term_earns_the_same_whatever_its_days(served: Callable[..., ChargeLine], parts: DeriveParts) -> None:
    rule = 'method = "daily"\nby = "month"\nterm = "1 year"'
    found = parts(rule, served("2023-01-01", "2025-12-31", 300_000))
    years = [sum(amount for day, amount in found if day[:4] == year) for year in ("2023", "2024", "2025")]
    assert years == [100_000] * 3


def test_a_term_gives_the_end_and_expected_renewals_lengthen_it(
    served: Callable[..., ChargeLine], parts: DeriveParts
) -> None:
    line = served("2024-02-29", None)
    one = parts('method = "daily"\nby = "month"\nterm = "1 year"', line)
    assert (one[0][0], one[-1][0]) == ("2024-02-29", "2025-02-27")
    three = parts('method = "daily"\nby = "month"\nterm = "1 year"\nrenews = 2', line)
    assert three[-1][0] == "2027-02-27"
    assert sum(amount for day, amount in three if day <= "2025-02-27") in range(38_000, 42_000)


def test_a_term_that_is_cut_short_weighs_its_days(served: Callable[..., ChargeLine], parts: DeriveParts) -> None:
    found = parts('method = "daily"\nby = "month"\nterm = "1 month"', served("2025-01-01", "2025-02-14", 150))
    assert found == [("2025-01-31", 100), ("2025-02-14", 50)]


# every and percentages


def test_quarters_by_days_follow_the_service(served: Callable[..., ChargeLine], parts: DeriveParts) -> None:
    rule = 'method = "every"\nevery = "3 months"\nweigh = "days"\non = "{}"'
    line = served("2025-01-15", "2025-12-31", 351)
    assert parts(rule.format("same_day"), line) == [
        ("2025-01-15", 90), ("2025-04-15", 91), ("2025-07-15", 92), ("2025-10-15", 78),
    ]  # fmt: skip
    assert [day for day, _ in parts(rule.format("end"), line)][:2] == ["2025-04-14", "2025-07-14"]
    assert parts(rule.format("last"), line)[0] == ("2025-01-31", 17)
    assert parts(rule.format("first"), line)[:2] == [("2025-01-15", 76), ("2025-04-01", 91)]


def test_percentages_and_typed_amounts(served: Callable[..., ChargeLine], parts: DeriveParts, derive: Derive) -> None:
    line = served("2025-01-31", None, 100_00)
    assert parts('method = "percentages"\npercentages = [50, 30, 20]\non = "last"', line) == [
        ("2025-01-31", 5000), ("2025-02-28", 3000), ("2025-03-31", 2000),
    ]  # fmt: skip
    typed = 'method = "percentages"\namounts = ["-20.00", "50.00", "70.00"]\nevery = "1 week"'
    assert parts(typed, line) == [("2025-01-31", -2000), ("2025-02-07", 5000), ("2025-02-14", 7000)]
    refused = derive(typed, line._replace(amount=99_99))
    assert (refused.code, refused.reason) == (
        "impossible", 'rule "only": its amounts sum to 100.00, the line is 99.99 USD: correct them in the rule',
    )  # fmt: skip
    assert (
        "more decimals than JPY"
        in derive('method = "percentages"\namounts = ["0.5", "99.5"]', line._replace(currency="JPY", amount=100)).reason
    )


def test_typed_amounts_add_up_to_a_new_price(served: Callable[..., ChargeLine], derive: Derive) -> None:
    line = served("2025-01-31", None, 1000_00)
    price = FulfillmentEvent(line.id, "price", D("2025-05-02"), amount=777_77)
    typed = 'method = "percentages"\namounts = ["333.33", "666.67"]\nevery = "3 months"\non_price = "catch_up"'
    assert [part.amount for part in derive(typed, line, [price]).parts] == [333_33, 666_67, -222_23]


def test_thirds_in_percent_sum_to_the_cent_for_negative_amounts_too(
    served: Callable[..., ChargeLine], parts: DeriveParts
) -> None:
    rule = 'method = "percentages"\npercentages = ["33.33", "33.33", "33.34"]'
    assert [amount for _, amount in parts(rule, served("2025-01-01", None, -10_01))] == [-334, -333, -334]


# What every method accepts


def test_what_is_late_is_caught_up_on_the_post_date(served: Callable[..., ChargeLine], parts: DeriveParts) -> None:
    rule = 'method = "monthly"\non = "last"\nnot_before = "post_date"'
    line = served("2025-01-01", "2025-06-30")._replace(post_date=D("2025-03-10"))
    assert parts(rule, line) == [
        ("2025-03-10", 40_000), ("2025-03-31", 20_000), ("2025-04-30", 20_000), ("2025-05-31", 20_000),
        ("2025-06-30", 20_000),
    ]  # fmt: skip


def test_parts_below_the_smallest_are_held_back_in_every_currency(
    served: Callable[..., ChargeLine], parts: DeriveParts
) -> None:
    rule = 'method = "monthly"\nperiods = 4\nsmallest = "{}"'
    line = served("2025-01-01", None, 10)
    assert parts(rule.format("0.05"), line) == [("2025-02-01", 5), ("2025-04-01", 5)]
    assert parts(rule.format("0.05"), line._replace(amount=-10)) == [("2025-02-01", -5), ("2025-04-01", -5)]
    assert parts(rule.format("5"), line._replace(currency="JPY")) == [("2025-02-01", 5), ("2025-04-01", 5)]
    assert parts(rule.format("0.005"), line._replace(currency="KWD")) == [("2025-02-01", 5), ("2025-04-01", 5)]
    assert parts(rule.format("0.11"), line) == [("2025-01-01", 10)], "less than the smallest in all"


def test_what_is_left_below_the_smallest_joins_the_part_before_it(
    served: Callable[..., ChargeLine], parts: DeriveParts
) -> None:
    daily = 'method = "every"\nevery = "1 day"\nperiods = 30\nsmallest = "0.05"'
    assert parts(daily, served("2025-01-01", None, 13)) == [("2025-01-11", 5), ("2025-01-29", 8)]
    assert parts(daily, served("2025-01-01", None, -13)) == [("2025-01-11", -5), ("2025-01-29", -8)]


@pytest.mark.parametrize(
    ("keys", "weights"),
    [
        ("", [17, 28, 31, 14]),
        ('first_part = "full_month"\nlast_part = "previous_month"', [31, 28, 31]),
        ('first_part = "next_month"\nlast_part = "full_month"', [28, 31, 30]),
        ('first_part = "mid_month"\nlast_part = "mid_month"', [31, 28, 31]),
        ('first_part = "half_month"\nlast_part = "half_month"', [15.5, 28, 31, 15]),
    ],
)
def test_days_by_month_may_count_the_first_and_last_month_by_a_convention(
    served: Callable[..., ChargeLine], parts: DeriveParts, keys: str, weights: list[int]
) -> None:
    found = parts(
        f'method = "daily"\nby = "month"\n{keys}', served("2025-01-15", "2025-04-14", int(sum(weights) * 200))
    )
    assert [amount for _day, amount in found] == [weight * 200 for weight in weights]


def test_a_schedule_shows_its_day_count_and_the_conventions_it_was_made_by(
    served: Callable[..., ChargeLine], derive: Derive
) -> None:
    year = served("2025-01-15", "2026-01-14")
    assert derive('method = "daily"', year).explanation.endswith(", rounding cumulative, day_count actual")
    rule = 'method = "monthly_prorated"\nfirst_part = "half_month"\nlast_part = "half_month"\nday_count = "30/360"'
    shown = "rounding cumulative, first_part half_month, last_part half_month, day_count 30/360"
    assert derive(rule, year).explanation.endswith(shown)
    rule = 'method = "fiscal"\npattern = "4-4-5"\nyear_end = "Saturday nearest January 31"'
    assert "pattern 4-4-5, year_end saturday nearest january 31" in derive(rule, year).explanation
    assert "term 1 year, day_count actual" in derive('method = "daily"\nterm = "1 year"', year).explanation
