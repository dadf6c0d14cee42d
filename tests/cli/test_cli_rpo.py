"""``revrec report rpo``: what is constrained and what practical expedients leave out, and percentages that add up."""

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from revrec.core.bands import read_bands
from revrec.core.errors import BadInput
from revrec.core.money import largest_remainders, whole_units
from support.commands import Revrec, checked_rows

RPO = ("report", "rpo", "--date", "2024-06-30", "--format", "json", "--by")
CONTRACTS = """
[[rule]]
name = "cleaning-by-the-hour"
[rule.when]
item = "A"
[rule.recognize]
method = "monthly"
periods = 24
[rule.disclose]
right_to_invoice = true

[[rule]]
name = "cleaning"
[rule.when]
item = ["B", "C"]
[rule.recognize]
method = "monthly"
periods = 24

[[rule]]
name = "sold-with-return"
[rule.when]
item = "R"
[rule.recognize]
method = "fixed_offset"
offset = "60 days"
[rule.constraint]
reason = "may be returned"
percent = 10
"""


@pytest.fixture
def contracts(books: Path, signed_in: None, revrec: Revrec, charges: Callable[..., Path]) -> Path:
    """Six of 24 months of the contracts in ASC 606-10-55-298 to 55-305, example 42, and goods that may come back."""
    Path("rules/contracts.toml").write_text(CONTRACTS)
    lines = ("A-1,1,C-A,A,2024-01-01,2400.00", "B-1,1,C-B,B,2024-01-01,9600.00", "C-1,1,C-C,C,2024-01-01,3150.00")
    file = charges(*(f"shop,{line},USD" for line in (*lines, "R-1,1,C-R,R,2024-05-15,100.00")))
    assert revrec("import", str(file)).code == 0
    assert revrec("run", "--date", "2024-06-30").code == 0
    return books


@pytest.mark.usefixtures("contracts")
def test_the_example_of_the_standard_with_one_contract_left_out(revrec: Revrec) -> None:
    found = revrec(*RPO, "customer").json
    columns = ("within_12_months", "months_13_to_24", "waiting", "total", "constrained", "left_out", "left_out_lines")
    assert checked_rows(found, "customer", *columns[:-1]) == [
        ("C-A", "0.00", "0.00", "0.00", "0.00", "0.00", "1800.00"),
        ("C-B", "4800.00", "2400.00", "0.00", "7200.00", "0.00", "0.00"),
        ("C-C", "1575.00", "787.50", "0.00", "2362.50", "0.00", "0.00"),
        ("C-R", "90.00", "0.00", "0.00", "90.00", "10.00", "0.00"),
    ]
    assert [row["left_out_lines"] for row in found["rows"]] == [1, 0, 0, 0]
    assert found["header"]["left_out"] == [
        "606-10-50-14(b) right_to_invoice (cleaning-by-the-hour): 1 line, 1800.00 USD",
        "606-10-32-11 constrained: 10.00 USD",
    ]
    (check,) = found["checks"]
    assert check["left"] == check["right"] == "9652.50" and "less constrained and left out" in check["check"]
    shown = revrec("report", "rpo", "--date", "2024-06-30")
    assert "left out: 606-10-50-14(b) right_to_invoice" in shown.out
    assert revrec("report", "rpo", "--date", "2024-06-30", "--output", "rpo.xlsx").code == 0


@pytest.mark.slow
@pytest.mark.usefixtures("contracts")
def test_an_estimate_that_ends_the_uncertainty_is_an_obligation_no_more(revrec: Revrec) -> None:
    assert revrec("run", "--date", "2024-07-31").code == 0
    july = ("report", "rpo", "--date", "2024-07-31", "--format", "json", "--by", "rule")
    (row,) = [row for row in revrec(*july).json["rows"] if row["rule"] == "sold-with-return"]
    assert (row["total"], row["waiting"], row["constrained"]) == ("0.00", "0.00", "10.00")
    assert revrec("event", "add", "shop/R-1/1", "constraint", "2024-07-20", "--percent", "0").code == 0
    assert revrec("run", "--date", "2024-07-31").code == 0
    found = revrec(*july).json
    assert "sold-with-return" not in {row["rule"] for row in found["rows"]}
    assert checked_rows(found, "constrained")


def test_percentages_go_to_the_largest_remainders() -> None:
    # 435.2 million: 63 percent within a year, 23 in the next one, the rest later.
    assert largest_remainders(100, [274_400, 99_800, 61_000]) == [63, 23, 14]
    assert largest_remainders(100, [1, 1, 1]) == [34, 33, 33]
    assert largest_remainders(1000, [0, 5, 0]) == [0, 1000, 0] and largest_remainders(100, [0, 0]) == [0, 0]
    for shares in ([1, 2, 4], [7, 7, 7, 1], [999, 1, 1]):
        assert sum(largest_remainders(1000, shares)) == 1000


@pytest.mark.usefixtures("contracts")
def test_amounts_in_whole_units_add_up_as_the_standard_shows_them(revrec: Revrec) -> None:
    found = revrec(*RPO, "customer", "--whole").json
    columns = ("within_12_months", "months_13_to_24", "total", "billed", "left_out", "right_to_invoice")
    assert checked_rows(found, "customer", *columns) == [
        ("C-A", "0.00", "0.00", "0.00", "0.00", "1800.00", "1800.00"),
        ("C-B", "4800.00", "2400.00", "7200.00", "7200.00", "0.00", "0.00"),
        ("C-C", "1575.00", "788.00", "2363.00", "2363.00", "0.00", "0.00"),
        ("C-R", "90.00", "0.00", "90.00", "90.00", "0.00", "0.00"),
    ]
    refused = revrec(*RPO, "customer", "--whole", "--drill", "column=total")
    assert refused.code == 2 and "--whole rounds the figures" in refused.err


def test_rounded_amounts_add_up_to_their_rounded_sum() -> None:
    assert whole_units([157_500, 78_750], "USD") == [157_500, 78_800]
    assert whole_units([149, 149, 149], "USD") == [200, 100, 100]
    assert whole_units([-150, 50], "USD") == [-100, 0] and whole_units([-51, -51], "USD") == [0, -100]
    assert whole_units([7, 8], "JPY") == [7, 8] and whole_units([], "USD") == []


@pytest.mark.parametrize(
    ("text", "ends", "bands"),
    [
        ("3,12", "", ["within_3_months 2024-06-30", "months_4_to_12 2025-03-31"]),
        ("3m, 12m", "", ["within_3_months 2024-06-30", "months_4_to_12 2025-03-31"]),
        ("1 quarter", "", ["2024-Q2 2024-06-30"]),
        ("quarters", "", ["2024-Q2 2024-06-30", "2024-Q3 2024-09-30", "2024-Q4 2024-12-31", "2025-Q1 2025-03-31"]),
        ("2 years", "", ["2024 2024-12-31", "2025 2025-12-31"]),
        ("2 years", "March", ["fy2025 2025-03-31", "fy2026 2026-03-31"]),
        ("2 years", "april", ["fy2024 2024-04-30", "fy2025 2025-04-30"]),
        ("1 years", "last saturday of january", ["fy2025 2025-01-25"]),
    ],
)
def test_bands_are_months_calendar_quarters_or_years(text: str, ends: str, bands: list[str]) -> None:
    assert [f"{one.name} {one.last}" for one in read_bands(text, date(2024, 3, 31), ends)] == bands


@pytest.mark.parametrize(
    ("text", "ends", "problem"),
    [
        ("12,3", "", "ascending"),
        ("halves", "", "--bands 'halves': expected 12,24"),
        ("12", "june", "add --bands years"),
        ("years", "junes", "--year-end junes: expected a month such as june"),
        ("9999", "", "after the year 9999"),
        ("99 years", "", "after the year 9999"),
    ],
)
def test_other_bands_are_refused(text: str, ends: str, problem: str) -> None:
    with pytest.raises((BadInput, ValueError), match=problem):
        read_bands(text, date(9950, 3, 31), ends)
