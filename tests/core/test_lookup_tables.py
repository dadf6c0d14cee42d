"""Lookup tables: CSV beside the rules that decides which rule takes a line, and where it posts."""

from datetime import date
from typing import Any

import pytest

from revrec.core.rules import PostingTarget, RuleBook, RuleErrors, parse_files
from revrec.core.schedule import Schedule, Unscheduled

SEGMENTS = "customer,segment\nC1,enterprise\nC2,consumer\n*,unknown\n"
ITEMS = (
    "item,from,to,revenue,owner\n"
    "A,,2023-12-31,4000,Ann\n"
    "A,2024-01-01,,4010,Bob\n"
    "B,,,,Bob\n"
)  # fmt: skip
TABLES = """
[[table]]
name = "segments"
file = "segments.csv"
key = "customer"

[[table]]
name = "items"
file = "items.csv"
key = "item"
"""
RULES = """
[[rule]]
name = "enterprise"
priority = 200
[rule.when]
lookup.segments.segment = "enter*"
[rule.recognize]
method = "fixed_offset"
[rule.post]
deferred = "2400"
accrued = { table = "items", column = "revenue" }
journal = "RR"

[[rule]]
name = "others"
[rule.recognize]
method = "fixed_offset"
[rule.post]
deferred = "2400"
accrued = "4000"
journal = "RR"
"""


def book_of(rules: str = TABLES + RULES, segments: str = SEGMENTS, items: str = ITEMS, **more: str) -> RuleBook:
    files = {"segments.csv": segments, "items.csv": items, **more}
    return RuleBook(parse_files({"rules.toml": rules}, {}, lambda wanted, _by: (wanted, files[wanted])))


def derived(book: RuleBook, line: Any, **fields: Any) -> Schedule | Unscheduled:
    return book.derive(line._replace(**fields))


def test_what_a_table_says_of_the_line_decides_which_rule_applies(line: Any) -> None:
    book = book_of()
    for customer, rule in (("C1", "enterprise"), ("C2", "others"), ("C3", "others")):
        found = derived(book, line, customer=customer, item="A")
        assert isinstance(found, Schedule) and found.rule.name == rule


def test_the_account_is_that_of_the_row_that_holds_on_the_post_date(line: Any) -> None:
    book = book_of()
    for day, account in ((date(2023, 12, 31), "4000"), (date(2024, 1, 1), "4010")):
        found = derived(book, line, customer="C1", item="A", post_date=day)
        assert isinstance(found, Schedule) and found.post == PostingTarget("2400", account, "RR", found.rule.post.memo)


def test_the_explanation_names_the_rows_that_were_used(line: Any) -> None:
    found = derived(book_of(), line, customer="C1", item="A", post_date=date(2024, 3, 1))
    assert isinstance(found, Schedule)
    assert "segments has segment enterprise (segments.csv:2)" in found.explanation
    assert "items has revenue 4010, owner Bob (items.csv:3)" in found.explanation


@pytest.mark.parametrize("item", ["B", "C"])
def test_a_line_whose_account_no_row_shows_waits_and_says_for_what(line: Any, item: str) -> None:
    found = derived(book_of(), line, customer="C1", item=item, post_date=date(2024, 3, 1))
    assert isinstance(found, Unscheduled) and found.code == "impossible"
    assert f"items.csv has no revenue for item {item} on 2024-03-01: add a row" in found.reason


def test_a_condition_that_fails_says_what_the_table_shows(line: Any) -> None:
    book = book_of(segments="customer,segment\nC2,consumer\n")
    reasons = [book.explain(line._replace(customer=customer))[0].reason for customer in ("C2", "C9")]
    assert reasons[0] == 'lookup.segments.segment is "consumer", not enter*'
    assert reasons[1].startswith("segments.csv has no row for customer C9 on ")


def test_a_key_may_be_several_fields_and_dimensions(line: Any) -> None:
    rules = TABLES.replace('key = "customer"', 'key = ["customer", "dimensions.location"]') + RULES
    book = book_of(rules, segments="customer,dimensions.location,segment\nC1,100,enterprise\n")
    for location, rule in (("100", "enterprise"), ("200", "others")):
        found = derived(book, line, customer="C1", item="A", dimensions={"location": location})
        assert isinstance(found, Schedule) and found.rule.name == rule


def test_a_changed_table_makes_a_new_version_of_the_rules_that_use_it() -> None:
    before, after = book_of(), book_of(segments=SEGMENTS + "C4,consumer\n")
    versions = [{rule.name: rule.sha256 for rule in book.rules} for book in (before, after)]
    assert versions[0]["enterprise"] != versions[1]["enterprise"]
    assert versions[0]["others"] == versions[1]["others"]
    (text,) = (rule.text for rule in after.rules if rule.name == "enterprise")
    assert '[[table]]\nname = "segments"' in text and "# segments.csv: sha256 " in text


def test_rules_that_different_values_keep_apart_stand_side_by_side() -> None:
    apart = RULES.replace("priority = 200", "priority = 100").replace(
        'name = "others"\n', 'name = "others"\n[rule.when]\nlookup.segments.segment = "consumer"\n'
    )
    assert book_of(TABLES + apart).warnings == ()
    meeting = apart.replace('"consumer"', '"*prise"')
    with pytest.raises(RuleErrors, match="can both match"):
        book_of(TABLES + meeting)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"segments": "client,segment\nC1,x\n"}, 'segments.csv:1:1: it has no column "customer"'),
        ({"segments": "customer,segment\nC1\n"}, "segments.csv:2:1: it has 1 fields, its header 2"),
        ({"segments": "customer,segment\nC1,a\nC1,b\n"}, "segments.csv:3:1: its key is already in line 2"),
        ({"segments": "customer,,segment\n"}, 'segments.csv:1:1: the column "" needs a name that no other column has'),
        ({"segments": 'customer,segment\n"C1,a\n'}, "it is not CSV"),
        ({"items": "item,from,revenue\nA,1.1.2024,1\n"}, "items.csv:2:1: from '1.1.2024' is not a date"),
        ({"items": "item,from,to,revenue\nA,2024-02-01,2024-01-01,1\n"}, "is after to 2024-01-01"),
        ({"rules": TABLES + RULES.replace("segments.segment", "segment.segment")}, 'there is no table "segment"; did'),
        ({"rules": TABLES + RULES.replace("segments.segment", "segments.segmnt")}, 'no column "segmnt"; did you mean'),
        ({"rules": TABLES + RULES.replace('"revenue"', '"revenu"')}, 'has no column "revenu"; did you mean "revenue"'),
        ({"rules": TABLES + RULES.replace('column = "revenue"', "x = 1")}, "of a table write { table"),
        ({"rules": TABLES + TABLES + RULES}, 'another table has the name "segments"'),
        ({"rules": TABLES.replace('"customer"', '"amount"') + RULES}, "expected one or several of source"),
        ({"rules": TABLES.replace('"segments.csv"', '"none.csv"') + RULES}, 'file "none.csv" cannot be read'),
        ({"rules": TABLES.replace('key = "item"', "") + RULES}, "[[table]] needs key"),
    ],
)
def test_a_mistake_is_reported_with_its_place(changed: dict[str, str], said: str) -> None:
    with pytest.raises(RuleErrors) as raised:
        book_of(**changed)
    assert said in str(raised.value)
