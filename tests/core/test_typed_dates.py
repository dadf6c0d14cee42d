"""Dates and periods as people type them."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from revrec.core.typed_dates import read_span

TODAY = date(2024, 3, 31)


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("2024-02-29", "2024-02-29", "2024-02-29"),
        ("20240229", "2024-02-29", "2024-02-29"),
        ("today", "2024-03-31", "2024-03-31"),
        (" Yesterday ", "2024-03-30", "2024-03-30"),
        ("tomorrow", "2024-04-01", "2024-04-01"),
        ("2024-02", "2024-02-01", "2024-02-29"),
        ("202402", "2024-02-01", "2024-02-29"),
        ("2024-Q1", "2024-01-01", "2024-03-31"),
        ("2024q4", "2024-10-01", "2024-12-31"),
        ("2024", "2024-01-01", "2024-12-31"),
        ("9999-12", "9999-12-01", "9999-12-31"),
        ("this month", "2024-03-01", "2024-03-31"),
        ("last month", "2024-02-01", "2024-02-29"),
        ("last_month", "2024-02-01", "2024-02-29"),
        ("next month", "2024-04-01", "2024-04-30"),
        ("last  quarter", "2023-10-01", "2023-12-31"),
        ("this quarter", "2024-01-01", "2024-03-31"),
        ("last year", "2023-01-01", "2023-12-31"),
    ],
)
def test_what_people_type_is_a_day_or_a_period(text: str, first: str, last: str) -> None:
    span = read_span(text, TODAY)
    assert span and (span.first.isoformat(), span.last.isoformat()) == (first, last)
    assert span.is_day == (first == last)


@pytest.mark.parametrize(
    "text",
    ["", "2024-13", "2024-00", "2024-02-30", "2024-Q5", "2024-Q0", "0000", "0000-01", "31.03.2024", "03/04/2024",
     "march", "last", "month", "last day of", "24-03", "٢٠٢٤-٠٣"],
)  # fmt: skip
def test_anything_else_is_neither(text: str) -> None:
    assert read_span(text, TODAY) is None


@given(st.dates(min_value=date(2, 1, 1), max_value=date(9998, 12, 31)))
def test_the_last_month_ends_the_day_before_this_one(today: date) -> None:
    last, this = read_span("last month", today), read_span("this month", today)
    assert last and this and last.last + timedelta(days=1) == this.first <= today <= this.last
    year, quarter = read_span("this year", today), read_span("this quarter", today)
    assert year and quarter and year.first <= quarter.first <= today <= quarter.last <= year.last
    assert read_span(f"{today:%Y}-{today:%m}".rjust(7, "0"), today) == this
