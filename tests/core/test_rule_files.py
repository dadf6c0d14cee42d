"""The rule-file language: texts and versions, includes, defaults, memos, the schema, and the rules that ship."""

import hashlib
import json
import tomllib
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from revrec.core.calendar import Offset
from revrec.core.charge_line import ChargeLine, FulfillmentEvent
from revrec.core.keys import RejectedValue
from revrec.core.methods import methods
from revrec.core.posting_options import PostingOptions, read_options
from revrec.core.rules import PostingTarget, RuleBook, RuleErrors, parse_files, parse_rules, render_memo
from revrec.core.rules.declaration import recognize_keys
from revrec.core.rules.json_schema import schema
from revrec.core.rules.reference import methods_page
from revrec.core.schedule import Schedule
from support.rules import scheduled, unscheduled

ROOT = Path(__file__).parent.parent.parent
ACCOUNTS = {"deferred": "2400", "accrued": "4000", "journal": "RR"}

TWO = '''# The first comment belongs to no rule.

[[rule]]
name = "one"          # a comment inside belongs to the rule
description = """
[[rule]] in a text is no rule
"""
[rule.when]
item = [
  "[A]",   # ]
  "B",
]
[rule.recognize]
method = "fixed_offset"
# This text belongs to the next rule.

[[ "rule" ]]
name = "two"
when = { item = "C" }
recognize = { method = "fixed_offset" }
'''


def simple(name: str, item: str = "*") -> str:
    return f'[[rule]]\nname = "{name}"\nwhen = {{ item = "{item}" }}\nrecognize = {{ method = "fixed_offset" }}\n'


def test_the_text_of_a_rule_is_its_block_exactly_and_its_version_is_the_digest() -> None:
    one, two = parse_rules(TWO, "rules/two.toml", ACCOUNTS)
    assert one.text == TWO[TWO.index("[[rule]]") : TWO.index("\n# This text")]
    assert two.text == TWO[TWO.index('[[ "rule" ]]') :].rstrip("\n")
    assert (one.line, two.line, one.file) == (3, 17, "rules/two.toml")
    assert one.sha256 == hashlib.sha256(one.text.encode()).hexdigest()


def test_a_rule_keeps_its_version_when_another_rule_or_a_comment_around_it_changes() -> None:
    before = parse_rules(TWO, "two.toml", ACCOUNTS)[0]
    after = parse_rules("\n\n# New\n" + TWO.replace('"two"', '"deux"'), "two.toml", ACCOUNTS)[0]
    assert before.sha256 == after.sha256


def test_the_text_of_a_rule_parses_to_the_same_rule_by_itself() -> None:
    for rule in parse_rules(TWO, "two.toml", ACCOUNTS):
        again = parse_rules(rule.text, "again.toml", ACCOUNTS)[0]
        assert (again.name, again.text) == (rule.name, rule.text)


def test_accounts_and_memo_come_from_the_rule_then_from_the_defaults() -> None:
    text = simple("own", "A") + 'post = { deferred = "2401", memo = "{charge}" }\n' + simple("default", "B")
    own, default = parse_rules(text, "r.toml", ACCOUNTS)
    assert own.post == PostingTarget("2401", "4000", "RR", "{charge}")
    assert default.post == PostingTarget("2400", "4000", "RR", "{item} {seq}/{of} {document}")


def test_options_come_from_the_rule_then_from_the_defaults() -> None:
    settings = PostingOptions("ATT-1", (("RUN", "rev rec"), ("SYSTEM", "revrec")), (), "E100")
    more = (
        'post = { attachment = "ATT-2", entry_fields = { RUN = "own", SYSTEM = "x" }, line_fields.SHIP = "{document}" }'
    )
    text = f"{simple('own', 'A')}{more}\n{simple('default', 'B')}"
    own, default = parse_rules(text, "r.toml", {**ACCOUNTS, "options": settings.text})
    fields = (("RUN", "own"), ("SYSTEM", "x"))
    assert read_options(own.post.options) == PostingOptions("ATT-2", fields, (("SHIP", "{document}"),), "E100")
    assert read_options(default.post.options) == settings


@pytest.mark.parametrize(
    ("field", "said"),
    [
        ("entry_fields = { STATE = 'Draft' }", "r.toml:5:35: entry_fields.STATE: this is Intacct's own field"),
        ("line_fields = { trx_amount = '9' }", "line_fields.trx_amount: this is Intacct's own field"),
        ("line_fields = { GLDIMROUTE = '9' }", "line_fields.GLDIMROUTE: this is Intacct's own field"),
        ("line_fields = { 'a b' = '9' }", "line_fields.a b: an integration name has letters, digits and _"),
        ("line_fields = { SHIP = '{ship}' }", "{ship} is not known"),
        ("entry_fields = { SHIP = 1 }", 'write it in quotes: "1"'),
    ],
)
def test_a_field_that_is_not_a_custom_one_is_refused(field: str, said: str) -> None:
    with pytest.raises(RuleErrors) as refused:
        parse_rules(f"{simple('own', 'A')}post = {{ {field} }}\n", "r.toml", ACCOUNTS)
    assert said in str(refused.value)


def test_a_file_includes_others_beside_it_each_read_once() -> None:
    files = {
        "rules/a.toml": 'include = ["b.toml", "c.toml"]\n' + simple("a", "A"),
        "rules/b.toml": 'include = "c.toml"\n' + simple("b", "B"),
        "rules/c.toml": simple("c", "C"),
    }
    assert sorted(rule.name for rule in parse_files(files, ACCOUNTS)) == ["a", "b", "c"]


def test_an_include_is_found_by_the_given_resolver() -> None:
    asked = []

    def resolve(wanted: str, including: str) -> tuple[str, str]:
        asked.append((wanted, including))
        return "/etc/more.toml", simple("more")

    found = parse_rules('include = "more.toml"\n', "main.toml", ACCOUNTS, resolve)
    assert [(rule.name, rule.file) for rule in found] == [("more", "/etc/more.toml")]
    assert asked == [("more.toml", "main.toml")]


def test_includes_in_a_circle_are_refused_with_the_way_around_it() -> None:
    files = {name: f'include = "{other}"\n' for name, other in (("a", "b"), ("b", "c"), ("c", "b"))}
    with pytest.raises(RuleErrors) as refused:
        parse_files(files, ACCOUNTS)
    assert str(refused.value) == (
        "c:1:11: files include each other in a circle: b includes c includes b; remove one include"
    )


def test_two_files_may_not_use_one_rule_name() -> None:
    with pytest.raises(RuleErrors, match=r'b.toml:1:1: the name "same" is already used by the rule at a.toml:1'):
        parse_files({"a.toml": simple("same", "A"), "b.toml": simple("same", "B")}, ACCOUNTS)


# Memos

VALUES = {"item": "MAG-1", "seq": 3, "of": 12, "document": "INV-1", "customer": "C", "charge": "s/INV-1/1"}


def test_a_memo_fills_its_fields() -> None:
    assert render_memo("{item} {seq}/{of} {document} {{x}}", VALUES) == "MAG-1 3/12 INV-1 {x}"


def test_a_brace_in_a_value_stays_a_brace() -> None:
    assert render_memo("{item}", {"item": "{customer.__class__}"}) == "{customer.__class__}"


@pytest.mark.parametrize(
    "template", ["{item.__class__}", "{item!r}", "{seq:>99}", "{item[0]}", "{}", "{other}", "{item"]
)
def test_a_memo_can_do_nothing_but_fill_known_fields(template: str) -> None:
    with pytest.raises(RejectedValue):
        render_memo(template, VALUES)


# Conditions are a safe language


@pytest.mark.parametrize(
    "condition",
    [
        "__import__('os')",
        "item.__class__ == None",
        "(lambda: True)()",
        "[x for x in item] == []",
        "item * 999999999 == ''",
        "9 ** 9 > 1",
        "f'{item}' == ''",
        "item if True else item",
        "dimensions[item] == ''",
        "(item := 'a') == 'a'",
        "-" * 400 + "1 > 0",
        "(" * 240 + "1 > 0",
        "amount > 1e999999999",
        "amount > 1" + " + 1" * 200,
    ],
)
def test_a_condition_that_is_more_than_a_comparison_is_refused(condition: Any) -> None:
    text = simple("r").replace('{ item = "*" }', f"{{ condition = {json.dumps(condition)} }}")
    with pytest.raises(RuleErrors, match=r"r.toml:3:\d+: when.condition"):
        parse_rules(text, "r.toml", ACCOUNTS)


# One declaration, three uses


def test_the_published_schema_is_the_one_that_the_code_makes() -> None:
    published = json.loads((ROOT / "docs" / "rules.schema.json").read_text())
    assert published == json.loads(json.dumps(schema())), "write docs/rules.schema.json again from json_schema.schema()"


def test_the_schema_knows_every_method_and_its_keys() -> None:
    recognize = schema()["properties"]["rule"]["items"]["properties"]["recognize"]["oneOf"]
    assert {one["title"]: set(one["properties"]) for one in recognize} == {
        name: {key.name for key in recognize_keys(name)} for name in methods()
    }


@pytest.mark.parametrize("name", methods())
def test_a_method_shows_its_meaning_its_keys_an_example_and_its_source(name: Any, line: ChargeLine) -> None:
    manual = methods()[name].__doc__ or ""
    sections = [manual.index(word) for word in ("Keys:", "Example::", "Source: ASC 606-")]
    assert sections == sorted(sections)
    assert all(f"``{key.name}``" in manual for key in methods()[name].keys)
    example = manual[sections[1] + len("Example::") : sections[2]]
    found = parse_rules(f'[[rule]]\nname = "r"\n{example}', "manual", ACCOUNTS)[0].method
    assert found.name == name


def test_the_first_methods_are_there() -> None:
    assert set(methods()) >= {"fixed_offset", "pod_date", "rev_rec_date", "monthly", "daily", "every"}


# The rules that ship


@pytest.fixture(scope="module")
def shipped() -> RuleBook:
    files = {path.name: path.read_text() for path in sorted((ROOT / "rules").glob("*.toml"))}
    return RuleBook(parse_files(files, ACCOUNTS))


def charge(item: str, **more: Any) -> ChargeLine:
    return ChargeLine("shop", "INV-1", "1", "C", item, date(2024, 3, 28), 2400, "USD", **more)


SERVED = {"service_start": date(2024, 4, 1), "service_end": date(2025, 3, 31)}


@pytest.mark.parametrize(
    ("line", "rule", "count", "first", "last"),
    [
        (charge("MAG-WEEKLY"), "magazine-12-issues", 12, "2024-04-04", "2025-03-04"),
        (charge("FRT-7"), "freight-one-month", 1, "2024-04-28", "2024-04-28"),
        (charge("GOODS-30-A"), "goods-30-days", 1, "2024-04-27", "2024-04-27"),
        (charge("CONTRACT-X"), "contract-every-30-days", 6, "2024-04-27", "2024-09-24"),
        (charge("SUB-PRO", **SERVED), "service-subscription", 12, "2024-04-30", "2025-03-31"),
        (charge("ELSE", rev_rec_date=date(2024, 7, 1)), "date-on-the-line", 1, "2024-07-01", "2024-07-01"),
    ],
)
def test_the_shipped_rules_do_what_they_say(
    shipped: RuleBook, line: Any, rule: str, count: int, first: str, last: str
) -> None:
    found = shipped.derive(line)
    assert isinstance(found, Schedule)
    assert (found.rule.name, len(found.parts)) == (rule, count)
    assert (found.parts[0].date, found.parts[-1].date) == (date.fromisoformat(first), date.fromisoformat(last))
    assert sum(part.amount for part in found.parts) == 2400


def test_the_shipped_rules_wait_for_what_a_line_lacks(shipped: RuleBook) -> None:
    line = charge("GOODS-POD-1")
    assert unscheduled(shipped.derive(line)).code == "waiting"
    delivered = scheduled(shipped.derive(line, [FulfillmentEvent(line.id, "pod", date(2024, 4, 5))]))
    assert delivered.parts == ((date(2024, 4, 5), 2400),)
    assert "waits for its service dates" in unscheduled(shipped.derive(charge("SUB-PRO"))).reason
    assert "needs a rev_rec_date" in unscheduled(shipped.derive(charge("UNKNOWN"))).reason


def test_the_shipped_rules_stand_side_by_side_without_a_warning(shipped: RuleBook) -> None:
    assert shipped.warnings == ()


def test_every_shipped_rule_is_valid_by_itself_and_described(shipped: RuleBook) -> None:
    for rule in shipped.rules:
        assert rule.description
        assert tomllib.loads(rule.text)["rule"][0]["name"] == rule.name
        assert isinstance(rule.method.offset, Offset)


def test_the_published_page_of_the_methods_is_the_one_that_the_code_makes() -> None:
    published = (ROOT / "docs" / "methods.md").read_text()
    assert published == methods_page(), "write docs/methods.md again from reference.methods_page()"
