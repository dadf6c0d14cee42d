"""An event whose milestone or usage the rule does not know is rejected with the names that the rule knows."""

from pathlib import Path

import pytest

from support.commands import Revrec
from support.rule_texts import PROJECT, replace_rules

RULES = f"""{PROJECT}
[[rule]]
name = "license"
[rule.when]
item = "LIC-*"
[rule.recognize]
method = "monthly"
start = "event:key-sent"
periods = 12

[[rule]]
name = "credits"
[rule.when]
item = "CRED-*"
[rule.recognize]
method = "usage"
units = 100
"""
CHARGES = """source,document,line,customer,item,post_date,amount,currency
shop,P-1,1,C1,PROJ-1,2024-01-05,1000.00,USD
shop,P-1,2,C1,LIC-1,2024-01-05,24.00,USD
shop,P-1,3,C1,CRED-1,2024-01-05,24.00,USD
shop,P-2,1,C1,OTHER-1,2024-01-05,24.00,USD
"""


@pytest.fixture
def projects(books: Path, revrec: Revrec) -> Path:
    replace_rules(books, RULES)
    (books / "charges.csv").write_text(CHARGES)
    assert revrec("import", "charges.csv").code == 0
    return books


@pytest.mark.parametrize(
    ("charge", "event", "message"),
    [
        (
            "shop/P-1/1",
            ("milestone", "--name", "golive"),
            'rule "project", which recognizes by milestones, follows no milestone named "golive"; '
            "it knows design, go-live: write one of these, or change the rule first",
        ),
        ("shop/P-1/2", ("milestone", "--name", "key-send"), "it knows key-sent: write one of these"),
        (
            "shop/P-1/2",
            ("usage", "--quantity", "3"),
            'rule "license", which recognizes by monthly, follows no usage; it knows key-sent',
        ),
        ("shop/P-1/1", ("estimate", "--quantity", "3"), 'rule "project", which recognizes by milestones'),
    ],
)
def test_an_event_that_the_rule_does_not_know_is_rejected_with_the_names_it_knows(
    projects: Path, revrec: Revrec, charge: str, event: tuple[str, ...], message: str
) -> None:
    kind, *options = event
    ended = revrec("event", "add", charge, kind, "2024-02-01", *options)
    assert ended.code == 3 and ended.err.startswith(f"revrec: {charge}: {kind}") and message in ended.err
    assert revrec("trace", charge, "--format", "json").json["events"] == [], "nothing was recorded"


@pytest.mark.parametrize(
    ("charge", "event"),
    [
        ("shop/P-1/1", ("milestone", "--name", "go-live")),
        ("shop/P-1/2", ("milestone", "--name", "key-sent")),
        ("shop/P-1/3", ("usage", "--quantity", "3", "--name", "January")),
        ("shop/P-2/1", ("milestone", "--name", "anything")),
    ],
    ids=["a milestone", "the start of a rule", "usage under a free name", "a line without a rule"],
)
def test_an_event_that_the_rule_knows_is_recorded(
    projects: Path, revrec: Revrec, charge: str, event: tuple[str, ...]
) -> None:
    kind, *options = event
    assert revrec("event", "add", charge, kind, "2024-02-01", *options).code == 0


def test_a_file_of_events_names_the_row_and_the_names(projects: Path, revrec: Revrec) -> None:
    Path("events.csv").write_text(
        "charge,kind,date,name\nshop/P-1/1,milestone,2024-02-01,design\nshop/P-1/1,milestone,2024-02-02,golive\n"
    )
    ended = revrec("import", "--events", "events.csv")
    assert ended.code == 3 and 'row 3: name "golive": rule "project"' in ended.err and "design, go-live" in ended.err
    assert revrec("trace", "shop/P-1/1", "--format", "json").json["events"] == [], "nothing was imported"


def test_an_event_of_a_whole_document_needs_one_line_that_knows_it(projects: Path, revrec: Revrec) -> None:
    rows = "charge,kind,date,name\nshop/P-1/*,milestone,2024-02-01,{}\n"
    Path("events.csv").write_text(rows.format("golive"))
    assert revrec("import", "--events", "events.csv").code == 3
    Path("events.csv").write_text(rows.format("go-live"))
    assert revrec("import", "--events", "events.csv").code == 0
