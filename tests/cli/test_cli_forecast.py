"""``revrec report forecast``: the revenue of some days against the plan, with the causes of the difference."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from support.commands import Revrec

APRIL = ("report", "forecast", "--period", "2024-04", "--format", "json")
CAUSES = (
    "new_lines", "events", "price_changes", "allocation", "rule_version", "other_changes", "not_posted", "moved",
    "reversed",
)  # fmt: skip
LATE_LINE = (
    "source,document,line,customer,item,post_date,amount,currency\nshop,N-1,1,C-ADA,MAG-01,2024-04-01,24.00,USD\n"
)


@pytest.fixture
def march(story: Path, signed_in: None, revrec: Revrec, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The sample data with March posted and closed."""
    monkeypatch.setenv("REVREC_POSTING_CLOSED_PERIOD", "next_open")
    assert revrec("run", "--date", "2024-03-31").code == 0
    assert revrec("periods", "close", "2024-03", "--reason", "reported").code == 0
    return story


def sums(found: Any) -> dict[str, str]:
    """Return the totals of the columns that are not zero; the causes add up to the difference in each row."""
    assert len(found["checks"]) > 1 and {check["difference"] for check in found["checks"]} == {"0.00"}
    for row in found["rows"]:
        assert sum(Decimal(row[cause]) for cause in CAUSES) == Decimal(row["difference"]), row
    columns = ("baseline", "actual", "difference", *CAUSES)
    totals = {name: sum(Decimal(row[name]) for row in found["rows"]) for name in columns}
    return {name: str(amount) for name, amount in totals.items() if amount}


@pytest.mark.usefixtures("march")
def test_april_of_the_sample_differs_from_the_plan_by_one_delivery(revrec: Revrec) -> None:
    assert sums(revrec(*APRIL).json) == {
        "baseline": "3807.88",
        "difference": "-3807.88",
        "not_posted": "-3807.88",
    }
    assert revrec("event", "add", "shop/INV-1005/1", "pod", "2024-04-11").code == 0
    assert revrec("run", "--date", "2024-04-30").code == 0
    found = revrec(*APRIL).json
    assert sums(found) == {
        "baseline": "3807.88",
        "actual": "5106.88",
        "difference": "1299.00",
        "events": "1299.00",
    }
    (change,) = revrec(*APRIL, "--by", "change").json["rows"]
    assert (change["cause"], change["what"], change["charge"], change["amount"]) == (
        "events", "event pod", "shop/INV-1005/1", "1299.00",
    )  # fmt: skip
    # The plan as it is now, by the number of the last event and by its time.
    head = found["header"]["audit_seq"]
    for now in (str(head), change["known_at"]):
        assert sums(revrec(*APRIL, "--baseline", now).json)["baseline"] == "5106.88"
    assert revrec(*APRIL[:-2], "--output", "forecast.xlsx").code == 0
    assert "nothing differs" in revrec(*APRIL[:-2], "--by", "change", "--baseline", str(head)).out


@pytest.mark.slow
@pytest.mark.usefixtures("march")
def test_each_change_has_one_cause_and_they_add_up(revrec: Revrec, tmp_path: Path) -> None:
    file = tmp_path / "new.csv"
    file.write_text(LATE_LINE)
    assert revrec("import", str(file)).code == 0
    assert revrec("event", "add", "shop/INV-1005/1", "pod", "2024-03-28").code == 0  # dated in April by the policy
    assert revrec("event", "add", "shop/INV-1008/1", "credit", "2024-04-02", "--amount", "50").code == 0
    rules = Path("rules/subscriptions.toml")
    rules.write_text(rules.read_text().replace('every = "30 days"', 'every = "45 days"'))
    assert revrec("schedule", "--rebuild", "--reason", "reports take longer").code == 0
    assert revrec("run", "--date", "2024-04-20").code == 0
    (row,) = [row for row in revrec(*APRIL, "--by", "rule").json["rows"] if row["rule"] == "contract-every-30-days"]
    assert row["baseline"] == "1000.00" and row["rule_version"] == row["difference"]
    found = sums(revrec(*APRIL).json)
    assert found["new_lines"] == "2.00" and found["price_changes"] == "-50.00" and found["moved"] == "1299.00"
    assert Decimal(found["not_posted"]) < 0
    listed = revrec(*APRIL, "--by", "change").json["rows"]
    assert sum(Decimal(row["amount"]) for row in listed) == Decimal(found["difference"])
    ada = sums(revrec(*APRIL, "--customer", "C-ADA").json | {"checks": revrec(*APRIL).json["checks"]})
    assert ada["new_lines"] == "2.00" and "price_changes" not in ada


@pytest.mark.slow
@pytest.mark.usefixtures("march")
def test_a_reversal_and_a_change_in_intacct_are_causes(revrec: Revrec) -> None:
    assert revrec("run", "--date", "2024-04-30").code == 0
    lines = revrec("report", "journal", "--period", "2024-04", "--account", "2400", "--format", "json").json["lines"]
    first, second, *_rest = dict.fromkeys(line["reference"] for line in lines)
    assert revrec("postings", "reverse", first, "--date", "2024-04-30", "--reason", "wrong").code == 0
    assert revrec("postings", "reverse", second, "--date", "2024-05-02", "--reason", "wrong").code == 0
    found = sums(revrec(*APRIL).json)
    # What was reversed is to be posted again; in the second case April keeps its revenue until May.
    amounts = {line["reference"]: Decimal(0) for line in lines}
    for line in lines:
        amounts[line["reference"]] += Decimal(line["debit"] or 0) - Decimal(line["credit"] or 0)
    assert Decimal(found["difference"]) == -amounts[first]
    assert Decimal(found["not_posted"]) == -amounts[first] - amounts[second]
    assert Decimal(found["reversed"]) == amounts[second]


@pytest.mark.usefixtures("story")
def test_without_a_plan_to_compare_with_a_sentence_says_what_to_do(revrec: Revrec) -> None:
    refused = revrec(*APRIL)
    assert refused.code == 3
    assert "2024-03-31 is not closed, so no close has the plan to compare with: name the time" in refused.err
    for since, said in (
        ("2024-03-31", "these books began later"),
        ("0", "these books began later"),
        ("999999", "there is no such audit event yet; the last one is"),
        ("soon", "not a time; write it as"),
        ("0001-01-01T00:00+10:00", "not a time"),
        ("2024-13-01", "not a time"),
    ):
        wrong = revrec(*APRIL, "--baseline", since)
        assert wrong.code == 3 and said in wrong.err
    assert revrec(*APRIL, "--baseline", "1", "--by", "color").code == 3
    both = revrec(*APRIL, "--baseline", "1", "--by", "change,item")
    assert both.code == 3 and "--by change,item: change lists single changes: name it alone" in both.err
    # Nothing was planned then, so all is new.
    future = revrec("report", "forecast", "--period", "2031-01", "--baseline", "1")
    assert future.code == 0 and "no revenue was planned for these days" in future.out
    found = sums(revrec(*APRIL, "--baseline", "1").json)
    assert found["new_lines"] == "3807.88" and "baseline" not in found
