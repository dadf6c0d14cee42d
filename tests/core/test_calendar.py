"""Calendar arithmetic, compared with the standard library's calendar where it knows the same thing."""

from calendar import monthrange
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from revrec.core.calendar import WEEKDAYS, Weekdays, add_business_days, add_months, month_end, parse_offset, roll

days = st.dates(date(1900, 1, 1), date(2200, 12, 31))


@given(days, st.integers(-1200, 1200))
def test_adding_months_keeps_the_day_or_takes_the_last_of_its_month(day: Any, months: int) -> None:
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    last = monthrange(year, month + 1)[1]
    assert add_months(day, months) == date(year, month + 1, min(day.day, last))


@given(days)
def test_the_month_end_is_the_last_day_of_the_month(day: Any) -> None:
    assert month_end(day) == day.replace(day=monthrange(day.year, day.month)[1])


def test_month_ends_do_not_drift_when_counted_from_the_anchor() -> None:
    anchor, month = date(2024, 1, 31), parse_offset("1 month")
    assert [month.after(anchor, times).isoformat() for times in range(4)] == [
        "2024-01-31", "2024-02-29", "2024-03-31", "2024-04-30",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("offset", "expected"),
    [
        ("7 days", "2024-04-04"),
        ("0 days", "2024-03-28"),
        ("-3 weeks", "2024-03-07"),
        ("+1 week", "2024-04-04"),
        ("1 month", "2024-04-28"),
        ("1 year", "2025-03-28"),
        ("2 business days", "2024-04-01"),
        ("-1 Business Day", "2024-03-27"),
    ],
)
def test_an_offset_is_read_in_words_and_leads_there(offset: str, expected: str) -> None:
    assert parse_offset(offset).after(date(2024, 3, 28)).isoformat() == expected


@pytest.mark.parametrize(
    "text", ["", "7", "days", "7days", "1.5 days", "seven days", "7 moons", "9999999 days", "7 days 1"]
)
def test_what_is_no_offset_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="an offset such as"):
        parse_offset(text)


@pytest.mark.parametrize("text", ["36601 days", "1300 months", "101 years", "-5300 weeks"])
def test_an_offset_of_more_than_a_hundred_years_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="a hundred years"):
        parse_offset(text)


@given(days, st.integers(-80, 80))
def test_business_days_in_whole_weeks_agree_with_counting_them_one_by_one(day: Any, count: int) -> None:
    # Another object than WEEKDAYS is counted one by one.
    assert add_business_days(day, count, WEEKDAYS) == add_business_days(day, count, Weekdays())


@given(days, st.integers(1, 80))
def test_the_next_business_day_is_one(day: Any, count: int) -> None:
    later = add_business_days(day, count)
    between = (day + timedelta(days=step) for step in range(1, (later - day).days + 1))
    assert sum(one.weekday() < 5 for one in between) == count
    assert later.weekday() < 5


@pytest.mark.parametrize(
    ("day", "rule", "expected"),
    [
        ("2024-06-29", "none", "2024-06-29"),
        ("2024-06-29", "following", "2024-07-01"),
        ("2024-06-29", "preceding", "2024-06-28"),
        ("2024-06-29", "modified_following", "2024-06-28"),
        ("2024-06-15", "modified_following", "2024-06-17"),
        ("2024-06-14", "following", "2024-06-14"),
    ],
)
def test_a_weekend_day_rolls_as_the_rule_says(day: str, rule: str, expected: str) -> None:
    assert roll(date.fromisoformat(day), rule).isoformat() == expected


@pytest.mark.parametrize("offset", ["1 month", "1 day"])
def test_the_end_of_the_calendar_is_an_overflow(offset: str) -> None:
    with pytest.raises(OverflowError):
        parse_offset(offset).after(date(9999, 12, 31))
