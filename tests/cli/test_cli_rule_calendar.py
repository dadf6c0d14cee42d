"""``revrec rules calendar``: what an auditor prints of a fiscal year and its holidays."""

from pathlib import Path

import pytest

from support.commands import Revrec

FISCAL = """[[rule]]
name = "wholesale"
[rule.when]
item = "WHOLESALE"
[rule.recognize]
method = "fiscal"
pattern = "4-4-5"
year_end = "last saturday of december"
roll = "following"
calendar = { file = "closed.csv" }
"""


@pytest.fixture
def fiscal(books: Path) -> Path:
    (books / "rules" / "fiscal.toml").write_text(FISCAL)
    (books / "rules" / "closed.csv").write_text("date,name\n2022-05-02,Stock taking\n2024-05-02,Stock taking\n")
    return books


@pytest.mark.usefixtures("fiscal")
def test_the_periods_and_holidays_of_a_fiscal_year(revrec: Revrec) -> None:
    found = revrec("rules", "calendar", "wholesale", "2022", "--format", "json").json
    assert (found["rule"], found["year"], found["calendar"]) == ("wholesale", 2022, "closed.csv")
    assert found["periods"][-1] == {
        "year": 2022, "number": 12, "first": "2022-11-20", "last": "2022-12-31", "weeks": 6,
    }  # fmt: skip
    assert found["holidays"] == [{"date": "2022-05-02", "name": "Stock taking"}]
    assert "2022-12-31" in revrec("rules", "calendar", "wholesale", "2022").out
    lines = revrec("rules", "calendar", "wholesale", "2022", "--format", "csv").out.splitlines()
    assert lines[:2] == ["year,number,first,last,weeks", "2022,1,2021-12-26,2022-01-22,4"]


@pytest.mark.usefixtures("fiscal")
def test_a_rule_without_periods_and_one_that_is_not_there(revrec: Revrec) -> None:
    assert "business days: Monday to Friday" in revrec("rules", "calendar", "freight-one-month", "2024").out
    ended = revrec("rules", "calendar", "wholesail", "2024")
    assert (ended.code, 'there is no rule "wholesail"; did you mean "wholesale"?' in ended.err) == (3, True)
    assert revrec("rules", "calendar", "wholesale", "1").code == 3
