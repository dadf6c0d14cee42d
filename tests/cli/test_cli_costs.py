"""``revrec report costs``: what was deferred of costs, what was expensed, and what is left."""

import shutil
from collections import Counter
from pathlib import Path

import pytest

from revrec.jobs.reports import costs
from revrec.store.reports.costs import Expensed
from support.commands import SAMPLES, Revrec, checked_rows

JANUARY = ("report", "costs", "--period", "2024-01", "--format", "json")


@pytest.fixture
def magazines(books: Path, signed_in: None, revrec: Revrec) -> Path:
    """A year of magazines, INV-3001/1, with 12.00 of paper and a commission of 2.40; posted to the end of February."""
    rules = (SAMPLES / "costs" / "magazines.toml").read_text()
    Path("rules/magazines.toml").write_text(
        rules.replace('name = "commission"', 'name = "commission"\ncategory = "obtain"')
    )
    assert revrec("import", str(SAMPLES / "costs" / "charges.csv")).code == 0
    assert revrec("run", "--date", "2024-02-29").code == 0
    return books


@pytest.mark.usefixtures("magazines")
def test_the_costs_of_the_magazine_by_category(revrec: Revrec) -> None:
    amounts = ("opening", "capitalized", "amortized", "other", "closing", "noncurrent")
    assert checked_rows(revrec(*JANUARY).json, "category", *amounts) == [
        ("fulfill", "0.00", "12.00", "1.00", "0.00", "11.00", "0.00"),
        ("obtain", "0.00", "2.40", "0.20", "0.00", "2.20", "0.00"),
    ]
    assert checked_rows(revrec(*JANUARY, "--by", "cost,item").json, "cost", "item", "closing") == [
        ("cogs", "YEAR-MAG", "11.00"),
        ("commission", "YEAR-MAG", "2.20"),
    ]
    months = revrec("report", "costs", "--from", "2024-01", "--to", "2024-03", "--by", "account", "--format", "json")
    assert checked_rows(months.json, "period", "account", "opening", "amortized", "closing") == [
        ("2024-01", "1300", "0.00", "1.20", "13.20"),
        ("2024-02", "1300", "13.20", "1.20", "12.00"),
        ("2024-03", "1300", "12.00", "0.00", "12.00"),
    ]
    span = revrec("report", "costs", "--from", "2024-01", "--to", "2024-03", "--each", "span", "--format", "json")
    assert checked_rows(span.json, "closing") == [("10.00",), ("2.00",)]
    assert revrec("report", "costs", "--period", "2024-01", "--output", "costs.xlsx").code == 0


@pytest.mark.usefixtures("magazines")
def test_a_cost_that_is_lower_than_planned_is_another_change(revrec: Revrec) -> None:
    cost = "shop/INV-3001/1:cost:cogs"
    assert revrec("event", "add", cost, "price", "2024-02-20", "--amount=-10.00").code == 0
    found = revrec("report", "costs", "--period", "2024-02", "--format", "json").json
    assert checked_rows(found, "category", "opening", "amortized", "other", "closing")[0] == (
        "fulfill", "11.00", "1.00", "-2.00", "8.00",
    )  # fmt: skip


@pytest.mark.usefixtures("magazines")
def test_a_category_that_no_rule_has_and_words_that_are_wrong(revrec: Revrec) -> None:
    wrong = revrec("report", "costs", "--by", "color")
    assert wrong.code == 3 and "--by color: expected category, cost, account" in wrong.err
    assert revrec("report", "costs", "--customer", "C-X").code == 3
    empty = revrec("report", "costs", "--period", "2023-01")
    assert empty.code == 0 and "no cost was deferred or expensed" in empty.out
    Path("rules/magazines.toml").unlink()
    assert {row["category"] for row in revrec(*JANUARY).json["rows"]} == {"no rule"}
    shutil.copy(SAMPLES / "costs" / "magazines.toml", "rules")
    rules = Path("rules/magazines.toml")
    rules.write_text(rules.read_text().replace('name = "cogs"', 'name = "cogs"\ncategory = "luck"'))
    assert "obtain" in revrec("rules", "check").err


@pytest.mark.usefixtures("magazines")
def test_costs_that_differ_from_the_journal_end_with_exit_code_7(
    revrec: Revrec, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(costs, "expensed_by_currency", lambda *_: Expensed(Counter(USD=119), Counter()))
    ended = revrec("report", "costs", "--period", "2024-01")
    assert ended.code == 7 and "amortized = expense accounts" in ended.out and "0.01" in ended.out
