"""Dates: ISO always, another form only when it is declared, never a guess."""

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from revrec.sources import BadRow
from revrec.sources.dates import compile_format, date_reader


@pytest.mark.parametrize(
    "text",
    [
        "2024-03-28",
        "20240328",
        " 2024-03-28 ",
        "2024-03-28T23:59:59Z",
        "2024-03-28 23:59:59 -0500",
        "2024-03-28T00:00:00.000+14:00",
    ],
)
def test_iso_dates_are_read_and_a_time_keeps_the_date_as_written(text: str) -> None:
    assert date_reader(None)(text) == date(2024, 3, 28)


@pytest.mark.parametrize(
    ("form", "text"),
    [
        ("%d/%m/%Y", "28/03/2024"),
        ("%d/%m/%Y", "28/3/2024"),
        ("%m/%d/%Y", "03/28/2024"),
        ("%d.%m.%Y", "28.03.2024"),
        ("%d.%m.%y", "28.03.24"),
        ("%d-%b-%Y", "28-Mar-2024"),
        ("%d %B %Y", "28 March 2024"),
        ("%Y%m%d", "20240328"),
        ("%d/%m/%Y", "2024-03-28"),
    ],
)
def test_a_declared_form_is_read_beside_iso(form: str, text: str) -> None:
    assert date_reader(form)(text) == date(2024, 3, 28)


@pytest.mark.parametrize("text", ["03/04/2024", "3.4.2024", "28 Mar 2024", "24-03-28", "2024-3-28", "2024-W13-4", "0"])
def test_undeclared_forms_are_refused(one: Callable[..., Any], text: str) -> None:
    row = one(post_date=text)
    assert isinstance(row, BadRow)
    assert row.problems[0].field == "post_date"


def test_an_ambiguous_date_is_reported_with_both_readings(one: Callable[..., Any]) -> None:
    fix = one(post_date="03/04/2024").problems[0].fix
    assert "2024-04-03 or 2024-03-04" in fix


def test_the_leap_day_is_a_date_in_a_leap_year_only(one: Callable[..., Any]) -> None:
    assert one(post_date="2024-02-29").line.post_date == date(2024, 2, 29)
    problem = one(post_date="2100-02-29").problems[0]
    assert problem.reason == "2100 is not a leap year, February has 28 days"
    assert problem.fix == "write it as 2100-02-28 or 2100-03-01"


@pytest.mark.parametrize(
    "form", ["%d/%m", "%d/%d/%Y", "%Y-%m-%d %M", "%Y-%m-%d %I", "%Y-%m-%d %H:%H", "%Y%y%m%d", "", "dd/mm/yyyy"]
)
def test_a_form_without_year_month_and_day_is_refused(form: str) -> None:
    with pytest.raises(ValueError, match="%"):
        compile_format(form)
