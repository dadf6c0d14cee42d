"""Fiscal calendars of weeks, and business days with holidays."""

import sys
from datetime import date, timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from revrec.core.charge_line import ChargeLine
from revrec.core.fiscal import PATTERNS, FiscalCalendar, year_end
from revrec.core.rules import RuleErrors, parse_files
from support.rules import Derive, DeriveParts

D = date.fromisoformat
ENDS = ("last saturday of december", "saturday nearest january 31", "friday nearest march 31", "last sunday of june")
RETAIL = 'method = "fiscal"\npattern = "4-5-4"\nyear_end = "saturday nearest january 31"'
CALENDAR = 'method = "fiscal"\npattern = "4-4-5"\nyear_end = "last saturday of december"'


# The calendars


@pytest.mark.parametrize(
    ("ends", "year", "first", "last", "weeks"),
    [
        # The retail calendar's years that the National Retail Federation calls 2023 (53 weeks) and 2024 (52)
        ("saturday nearest january 31", 2024, "2023-01-29", "2024-02-03", 53),
        ("saturday nearest january 31", 2025, "2024-02-04", "2025-02-01", 52),
        ("last saturday of december", 2022, "2021-12-26", "2022-12-31", 53),
        ("last saturday of december", 2023, "2023-01-01", "2023-12-30", 52),
        # 3 January 2021 is the Sunday nearest to 31 December 2020
        ("sunday nearest december 31", 2020, "2019-12-30", "2021-01-03", 53),
    ],
)
def test_years_end_where_they_do(ends: str, year: int, first: str, last: str, weeks: int) -> None:
    periods = FiscalCalendar("4-4-5", year_end(ends)).periods(year)
    assert (periods[0].first, periods[-1].last) == (D(first), D(last))
    assert sum(period.weeks for period in periods) == weeks


def test_the_53rd_week_is_in_the_last_period_or_where_the_rule_says() -> None:
    ends = year_end("last saturday of december")
    assert [one.weeks for one in FiscalCalendar("4-4-5", ends).periods(2022)][-3:] == [4, 4, 6]
    assert [one.weeks for one in FiscalCalendar("5-4-4", ends, 1).periods(2022)][:3] == [6, 4, 4]
    assert [one.weeks for one in FiscalCalendar("13", ends).periods(2022)] == [4] * 12 + [5]


@given(st.sampled_from(sorted(PATTERNS)), st.sampled_from(ENDS), st.dates(date(1990, 1, 1), date(2080, 1, 1)))
def test_periods_follow_each_other_without_gap_and_hold_every_day_once(pattern: Any, ends: Any, day: date) -> None:
    calendar = FiscalCalendar(pattern, year_end(ends))
    periods = [period for period, _number in zip(calendar.since(day), range(40), strict=False)]
    assert periods[0].first <= day <= periods[0].last
    assert all(later.first == earlier.last + timedelta(days=1) for earlier, later in pairwise(periods))
    assert all(len(calendar.periods(year)) == len(PATTERNS[pattern]) for year in {period.year for period in periods})
    assert {sum(one.weeks for one in calendar.periods(year)) for year in range(2000, 2040)} == {52, 53}


NO_ENDS = ["", "december", "last day of december", "saturday nearest february 29", "monday nearest may 32", 7]


@pytest.mark.parametrize("text", NO_ENDS)
def test_other_year_ends_are_refused(text: Any) -> None:
    with pytest.raises((ValueError, AttributeError)):
        year_end(text)


# The method


def test_part_periods_of_a_fiscal_calendar_are_straight_line_as_business_central_does_it(
    line: ChargeLine, parts: DeriveParts
) -> None:
    # Fiscal 2024 begins on December 31, 2023; its periods have 28, 28 and 35 days. From January 7, 21 of 28 days.
    rule = f'{CALENDAR}\nperiods = 3\nweigh = "part_periods"\non = "first"\nrounding = "period"'
    started = line._replace(post_date=D("2024-01-07"), amount=1_000_00)
    assert parts(rule, started) == [
        ("2024-01-07", 250_00), ("2024-01-28", 333_33), ("2024-02-25", 333_33), ("2024-03-31", 83_34),
    ]  # fmt: skip
    whole = line._replace(post_date=D("2023-12-31"), amount=1_000_00)
    assert parts(rule, whole) == [("2023-12-31", 333_33), ("2024-01-28", 333_33), ("2024-02-25", 333_34)]


def test_a_service_is_earned_by_its_days_in_each_fiscal_period(line: ChargeLine, parts: DeriveParts) -> None:
    served = line._replace(service_start=D("2024-01-10"), service_end=D("2024-03-05"), amount=56_00)
    assert parts(CALENDAR, served) == [("2024-01-27", 18_00), ("2024-02-24", 28_00), ("2024-03-30", 10_00)]
    assert parts(f'{CALENDAR}\non = "end"', served)[-1] == ("2024-03-05", 10_00)
    assert parts(f'{CALENDAR}\non = "first"', served)[0] == ("2024-01-10", 18_00)
    assert [amount for _, amount in parts(f'{CALENDAR}\nweigh = "periods"', served)] == [1867, 1866, 1867]


def test_so_many_whole_periods_are_alike_and_cross_the_53rd_week(line: ChargeLine, parts: DeriveParts) -> None:
    found = parts(f"{RETAIL}\nperiods = 13", line._replace(post_date=D("2023-02-10"), amount=13_00))
    assert [amount for _, amount in found] == [100] * 13
    assert [day for day, _ in found][-2:] == ["2024-02-03", "2024-03-02"]


def test_the_ends_of_the_calendar_are_no_crash(line: ChargeLine, derive: Derive) -> None:
    for day in ("0001-01-01", "9999-12-01"):
        assert derive(f"{RETAIL}\nperiods = 13", line._replace(post_date=D(day))).code == "impossible"


# Holidays


def test_a_date_on_a_holiday_of_a_country_or_market_rolls(line: ChargeLine, parts: DeriveParts) -> None:
    rule = 'method = "fixed_offset"\noffset = "{}"\nroll = "following"\ncalendar = "{}"'
    posted = line._replace(post_date=D("2024-07-03"))
    assert parts(rule.format("1 day", "US"), posted) == [("2024-07-05", 2400)]
    assert parts(rule.format("1 day", "XNYS"), posted) == [("2024-07-05", 2400)]
    assert parts(rule.format("1 day", "weekdays"), posted) == [("2024-07-04", 2400)]
    assert parts(rule.format("2 business days", "US-CA"), posted) == [("2024-07-08", 2400)]


def test_a_roll_over_a_holiday_never_changes_the_sum(line: ChargeLine, derive: Derive) -> None:
    rule = 'method = "daily"\ndays = 366\nroll = "modified_following"\ncalendar = "DE-BY"'
    found = derive(rule, line._replace(post_date=D("2024-01-01"), amount=100_01))
    assert sum(part.amount for part in found.parts) == 100_01
    assert D("2024-05-01") not in [part.date for part in found.parts]
    assert "rolled modified_following by DE-BY (holidays 0." in found.explanation


RULE = """[[rule]]
name = "r"
[rule.recognize]
method = "fixed_offset"
roll = "following"
calendar = { file = "closed.csv" }
"""
ACCOUNTS = {"deferred": "2400", "accrued": "4000", "journal": "RR"}


def test_a_file_of_dates_is_a_calendar_and_part_of_the_rules_version(line: ChargeLine) -> None:
    dates = "date,name\n2024-03-28,Stock taking\n\n# Easter\n2024-03-29, Good Friday\n"
    (rule,) = parse_files({"rules/r.toml": RULE}, ACCOUNTS, lambda name, _by: (f"rules/{name}", dates))
    assert [(part, weight) for part, weight in zip(*rule.method.plan((D("2024-03-28"),))[:2], strict=True)] == [
        (D("2024-04-01"), 1)
    ]
    assert "# closed.csv: sha256 " in rule.text
    assert rule.method.calendar.holiday(D("2024-03-29")) == "Good Friday"
    (other,) = parse_files({"rules/r.toml": RULE}, ACCOUNTS, lambda name, _by: (name, dates + "2024-12-24\n"))
    assert rule.sha256 != other.sha256, "other holidays are another version of the rule"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("date\n2024-12-25\n25.12.2024\n", 'closed.csv:3:1: "25.12.2024" is not a date such as 2024-12-25'),
        ("date\n", "closed.csv:1:1: it names no date"),
        (None, 'r.toml:6:12: calendar file "closed.csv" cannot be read: there is no such file'),
    ],
)
def test_a_file_that_is_none_is_refused_with_its_place(content: str | None, said: str) -> None:
    def resolve(name: str, _by: str) -> tuple[str, str]:
        if content is None:
            raise LookupError("there is no such file")
        return name, content

    with pytest.raises(RuleErrors) as refused:
        parse_files({"r.toml": RULE}, ACCOUNTS, resolve)
    assert said in str(refused.value)


@pytest.mark.parametrize(
    ("calendar", "said"),
    [
        ('"XNYSE"', 'did you mean "XNYS"?'),
        ('"US-QQ"', "expected weekdays, a country or a part of it such as US or DE-BY, a market such as XNYS, or {"),
        ("7", "recognize.calendar = 7: expected weekdays"),
        ("{ dates = [] }", 'write a file as { file = "holidays.csv" }'),
    ],
)
def test_a_calendar_that_is_not_known_is_refused(line: ChargeLine, derive: Derive, calendar: str, said: str) -> None:
    with pytest.raises(RuleErrors) as refused:
        derive(f'method = "fixed_offset"\ncalendar = {calendar}', line)
    assert said in str(refused.value)


def test_without_the_library_it_is_said_how_to_get_it(
    line: ChargeLine, derive: Derive, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "holidays", None)
    with pytest.raises(RuleErrors, match=r'-m pip install "revrec\[holidays\]"'):
        derive('method = "fixed_offset"\ncalendar = "NO"', line)
