"""Fiscal years, quarters and periods of reports."""

from datetime import date, timedelta
from itertools import pairwise

import pytest

from revrec.core.fiscal_periods import fiscal_length
from revrec.core.report import Period, periods_of
from revrec.core.typed_dates import DateSpan

RETAIL = "saturday nearest january 31"


def spans(first: str, last: str, *length: str) -> list[tuple[str, str, str]]:
    found = periods_of(DateSpan(date.fromisoformat(first), date.fromisoformat(last)), fiscal_length(*length))
    return [(one.name, str(one.first), str(one.last)) for one in found]


def test_years_end_with_a_month_and_are_cut_at_the_ends_of_the_report() -> None:
    assert spans("2023-07-15", "2024-07-10", "year", "June") == [
        ("fy2024", "2023-07-15", "2024-06-30"),
        ("fy2025", "2024-07-01", "2024-07-10"),
    ]
    assert spans("2023-12-31", "2024-03-01", "quarter", "february") == [
        ("fy2024-Q4", "2023-12-31", "2024-02-29"),
        ("fy2025-Q1", "2024-03-01", "2024-03-01"),
    ]
    assert spans("2024-06-01", "2024-07-31", "period", "june") == [
        ("fy2024-P12", "2024-06-01", "2024-06-30"),
        ("fy2025-P01", "2024-07-01", "2024-07-31"),
    ]


def test_years_of_whole_weeks_have_the_periods_of_a_pattern() -> None:
    # The retail year that ended on February 3, 2024 has 53 weeks; the last period has the 53rd.
    assert spans("2023-01-29", "2023-03-04", "period", RETAIL) == [
        ("fy2024-P01", "2023-01-29", "2023-02-25"),
        ("fy2024-P02", "2023-02-26", "2023-03-04"),
    ]
    quarters = spans("2023-01-29", "2024-02-03", "quarter", RETAIL, "4-5-4")
    assert [(name, last) for name, _first, last in quarters] == [
        ("fy2024-Q1", "2023-04-29"),
        ("fy2024-Q2", "2023-07-29"),
        ("fy2024-Q3", "2023-10-28"),
        ("fy2024-Q4", "2024-02-03"),
    ]
    assert len(spans("2023-01-29", "2024-02-03", "period", RETAIL, "13")) == 13


@pytest.mark.parametrize("length", ["year", "quarter", "period"])
@pytest.mark.parametrize("ends", ["january", "june", "december", RETAIL, "last friday of june"])
def test_each_period_begins_on_the_day_after_the_one_before_it(length: str, ends: str) -> None:
    span = DateSpan(date(2019, 2, 3), date(2026, 11, 5))
    found: list[Period] = list(periods_of(span, fiscal_length(length, ends)))
    assert (found[0].first, found[-1].last) == span
    assert all(after.first == before.last + timedelta(days=1) for before, after in pairwise(found))
    assert len({one.name for one in found}) == len(found)


@pytest.mark.parametrize(
    ("length", "said"),
    [
        (("month", "june"), "--each month: --year-end goes with --each year, quarter or period"),
        (("year", "brumaire"), "--year-end brumaire: expected a month such as june"),
        (("period", "june", "4-4-5"), "years to june have months"),
        (("period", RETAIL, "4-4-4"), "--pattern 4-4-4: expected 4-4-5"),
        (("quarter", RETAIL, "13"), "years of the pattern 13 have no quarters"),
    ],
)
def test_a_length_that_is_not_one_is_refused(length: tuple[str, ...], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        fiscal_length(*length)
