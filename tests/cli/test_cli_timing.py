"""``revrec report revenue --by timing``: what is recognized over time, and what at a point in time."""

from collections.abc import Callable
from pathlib import Path

import pytest

from support.commands import Revrec, checked_rows

QUARTER = ("report", "revenue", "--period", "2024-Q1", "--each", "span", "--format", "json", "--by")
SEGMENTS = """
[[rule]]
name = "goods"
[rule.when]
item = ["OFFICE", "APPLIANCE", "PANEL"]
[rule.recognize]
method = "fixed_offset"
[[rule]]
name = "projects"
transfer = "over_time"
[rule.when]
item = "PLANT"
[rule.recognize]
method = "fixed_offset"
"""


def revenue(revrec: Revrec, by: str, *words: str) -> dict[str, str]:
    found = revrec(*QUARTER, by, *words).json
    return dict(checked_rows(found, by, "revenue"))


@pytest.mark.usefixtures("story", "signed_in")
def test_the_timing_of_the_sample_is_what_its_rules_say(revrec: Revrec) -> None:
    assert revrec("event", "add", "shop/INV-1005/1", "pod", "2024-04-11").code == 0
    assert revrec("run", "--date", "2024-04-30").code == 0
    # The contract of six reports is over time, as its rule says.
    assert revenue(revrec, "timing") == {"over_time": "2105.17", "point_in_time": "6559.40"}
    april = revrec("report", "revenue", "--period", "2024-04", "--by", "timing", "--format", "json").json
    assert [row["revenue"] for row in april["rows"]] == ["1038.08", "4068.80"]
    rules = Path("rules/subscriptions.toml")
    text = rules.read_text()
    rules.write_text(text.replace('transfer = "over_time"', 'transfer = "point_in_time"'))
    assert revenue(revrec, "timing") == {"over_time": "105.17", "point_in_time": "8559.40"}
    # Without transfer, six reports can be either.
    rules.write_text(text.replace('transfer = "over_time"', ""))
    assert revenue(revrec, "timing") == {"over_time": "105.17", "point_in_time": "6559.40", "not stated": "2000.00"}
    checked = revrec("rules", "check")
    assert 'rule "contract-every-30-days": every can be either: add transfer' in checked.out
    assert revrec("report", "revenue", "--period", "2024-04", "--by", "timing", "--output", "revenue.xlsx").code == 0


@pytest.mark.usefixtures("books", "signed_in")
def test_the_disaggregation_of_the_standard_comes_to_the_same_total_by_segment_and_by_timing(
    charges: Callable[..., Path], revrec: Revrec
) -> None:
    # ASC 606-10-55-296, example 41.
    Path("rules/segments.toml").write_text(SEGMENTS)
    lines = [("OFFICE", "consumer", 1990), ("APPLIANCE", "transport", 3260), ("PANEL", "energy", 1000)]
    rows = [*lines, ("PLANT", "energy", 5250)]
    file = Path("segments.csv")
    file.write_text(
        "source,document,line,customer,item,post_date,amount,currency,class\n"
        + "".join(
            f"shop,S-{at},1,C-1,{item},2024-02-01,{amount},USD,{segment}\n"
            for at, (item, segment, amount) in enumerate(rows)
        )
    )
    assert revrec("import", str(file)).code == 0
    assert revrec("run", "--date", "2024-03-31").code == 0
    assert revenue(revrec, "dimensions.class") == {
        "consumer": "1990.00",
        "energy": "6250.00",
        "transport": "3260.00",
    }
    assert revenue(revrec, "timing") == {"over_time": "5250.00", "point_in_time": "6250.00"}
    for report in (QUARTER[:2], ("report", "waterfall", "--date", "2024-03"), ("report", "rpo", "--date", "2024-03")):
        unknown = revrec(*report, "--by", "dimensions.region")
        assert unknown.code == 3 and "no charge line has the dimension region" in unknown.err
    assert revrec(*QUARTER, 'dimensions."').code == 3
    for segments, code, said in (
        ("customer,entity", 2, "--segments customer,entity: name one field, such as --segments customer"),
        ("region", 3, "report revenue: --segments region: expected billed, charge, customer"),
    ):
        refused = revrec(*QUARTER, "item", "--segments", segments)
        assert refused.code == code and said in refused.err
