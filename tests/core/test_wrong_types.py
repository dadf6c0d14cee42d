"""A value of the wrong type at any place of a rule or case file is refused with its place; nothing crashes."""

import re
import tomllib
from collections.abc import Iterator
from typing import Any

import pytest

from revrec.core.keys import ConfigKey
from revrec.core.methods import methods
from revrec.core.rules import RuleBook, RuleErrors, parse_all
from revrec.core.rules.case_results import play
from revrec.core.rules.cases import CASE_KEYS, parse_cases
from revrec.core.rules.declaration import FILE_KEYS, recognize_keys
from support import toml
from support.wrong_types import NESTED, WRONG, paths, replaced

FILES = {"items.csv": "item,price,deferred\nA,1,2400\n", "holidays.csv": "2024-12-25\n"}
DEFAULTS = {"deferred": "2400", "accrued": "4000", "journal": "RR"}

RULES = """
[[table]]
name = "items"
file = "items.csv"
key = ["item"]

[[rule]]
name = "all keys"
owner = "x"
description = "x"
priority = 5
transfer = "over_time"
[rule.effective]
from = 2024-01-01
to = 2024-12-31
[rule.when]
item = ["A", "B*"]
customer = "C"
currency = "USD"
source = "shop"
document = "D*"
entity = "100"
amount = [">= 1", "< 0"]
quantity = "> 1"
post_date = ">= 2024-01-01"
condition = "quantity > 1"
[rule.when.dimensions]
class = "x"
[rule.when.lookup.items]
price = "1"
[rule.recognize]
method = "daily"
calendar = { file = "holidays.csv" }
[rule.post]
deferred = { table = "items", column = "deferred" }
accrued = "4000"
journal = "RR"
memo = "{item}"
attachment = "ATT-1"
deferred_location = "E100"
accrued_location = "200"
entry_fields = { RUN_TYPE = "rev rec" }
line_fields = { SHIPMENT_ID = "{document}" }
summarize = "item"
[rule.constraint]
reason = "x"
percent = 10
until = "30 days"
from = "post_date"
costs = true
[rule.disclose]
within_a_year = true
right_to_invoice = true
usage_based = true
notice = "30 days"
[rule.financing]
direction = "prepayment"
rate = "6"
interest = "7100"
account = "2400"
compounds = "yearly"
start = "post_date"
offset = "1 month"
term = "2 years"
end = "service_end"
settled = "once"
by = "period"
expedient = true
name = "financing-a"
[[rule.cost]]
name = "cogs"
amount = "1.00"
per = "unit"
deferred = "1400"
expense = "5000"
category = "fulfill"
impairment = "5900"

[[repair]]
name = "r"
description = "x"
priority = 1
[repair.when]
error = "invalid_account"
account = "4000"
dimension = "class"
item = "A"
[repair.set]
account = "4100"
customer = "C"
item = "I"
omit = ["class"]
[repair.set.dimensions]
location = "1"

[[repair]]
name = "closed"
[repair.when]
error = "invalid_account"
[repair.set]
date = "next_open"

[[allocation]]
name = "a"
description = "x"
priority = 1
contract_by = ["source", "document"]
prices = "items"
per = "unit"
round_to = "0.05"
rounding = "cumulative"
discount_to = "A"
bundle_price = "2.00"
price_only = "F"
residual_range = ["1.00", "2.00"]
variable = [{ items = "B", to = "A" }]
later = "separate"
scope = "line"
[allocation.effective]
from = 2024-01-01
[allocation.when]
item = "A"
[allocation.when.dimensions]
class = "x"
"""

CASES = """
[[case]]
name = "all keys"
[case.charge]
item = "A"
post_date = 2024-01-31
amount = "12.00"
currency = "USD"
source = "shop"
document = "D"
line = "1"
customer = "C"
description = "x"
entity = "100"
quantity = "2"
rev_rec_date = 2024-01-31
service_start = 2024-01-01
service_end = 2024-12-31
recognized_before = "1.00"
cutover = 2024-02-01
joins = false
[case.charge.dimensions]
class = "x"
[[case.event]]
line = "1"
kind = "usage"
date = 2024-02-01
name = "n"
note = "n"
scope = "line"
quantity = "1"
percent = "3"
amount = "1.00"
[case.expect]
rule = "r"
unscheduled = "x"
parts = 3
first = 2024-01-01
last = 2024-01-31
schedule = [{ date = 2024-01-31, amount = "12.00" }]
waiting = "1.00"
waits = "x"
deferred = "2400"
accrued = "4000"
journal = "RR"
until = 2024-12-31
entries = [{ date = 2024-01-31, debit = "2400", credit = "4000", amount = "12.00" }]
[case.expect.allocated]
1 = "12.00"
"""


def parse(document: Any) -> None:
    """Parse rule files as a run does, up to the rule book."""
    files = {"rules.toml": toml.dumps(document)}
    RuleBook(*parse_all(files, DEFAULTS, lambda name, _by: (name, FILES[name]), lambda: ["invalid_account"]))


def parse_and_play(document: Any) -> None:
    book = RuleBook(*parse_all({"r.toml": '[[rule]]\nname = "r"\nrecognize = { method = "rev_rec_date" }\n'}, DEFAULTS))
    for case in parse_cases({"rules.toml": toml.dumps(document)}):
        play(case, book)


def refusal(read: Any, document: Any) -> str:
    """Return the message of a refusal, which names a place; empty if the document is accepted."""
    try:
        read(document)
    except RuleErrors as refused:
        lines = str(refused).splitlines()
        assert lines and all(re.match(r"rules\.toml:\d+:\d+: ", line) for line in lines)
        return str(refused)
    return ""


BLOCKS = [
    *(
        ("table" if name == "table" else f"{name} {at}", parse, {"table": document["table"], name: [block]})
        for document in [tomllib.loads(RULES)]
        for name, found in document.items()
        for at, block in enumerate(found)
    ),
    ("case", parse_and_play, tomllib.loads(CASES)),
]


@pytest.mark.parametrize("values", [1, pytest.param(len(WRONG), marks=pytest.mark.slow)])
@pytest.mark.parametrize(("name", "read", "document"), BLOCKS, ids=[name for name, *_ in BLOCKS])
def test_a_wrong_type_at_any_place_is_refused_with_its_place(name: str, read: Any, document: Any, values: int) -> None:
    assert not refusal(read, document)
    for at, path in enumerate(paths(document)):
        if path[0] == "table" and name != "table":
            continue
        for step in range(values):
            refusal(read, replaced(document, path, WRONG[(at + step) % len(WRONG)]))
        assert refusal(read, replaced(document, path, NESTED)), path


@pytest.mark.parametrize("method", sorted(methods()))
def test_a_wrong_type_of_any_key_of_a_method_is_refused_with_its_place(method: str) -> None:
    for key in recognize_keys(method):
        path = ("rule", 0, "recognize", key.name)
        document = {"rule": [{"name": "r", "recognize": {"method": method}}]}
        for value in WRONG:
            refusal(parse, replaced(document, path, value))
        assert refusal(parse, replaced(document, path, NESTED)), path


ALL_KEYS = (*FILE_KEYS, ConfigKey("case", None, "", table=CASE_KEYS))


def declared(keys: tuple[ConfigKey, ...], path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    for key in keys:
        if key.name != "*":
            yield (*path, key.name)
            yield from declared(key.table, (*path, key.name))


def test_the_documents_above_hold_every_declared_key() -> None:
    held = {tuple(step for step in path if isinstance(step, str)) for _n, _r, doc in BLOCKS for path in paths(doc)}
    of_conditions = {key for key in declared(ALL_KEYS) if "when" in key and key[0] != "rule"}
    of_methods = {key for key in declared(FILE_KEYS) if "recognize" in key}
    either_or = {
        ("include",),
        ("rule", "cost", "percent"),
        ("rule", "constraint", "amount"),
        ("rule", "financing", "cash_price"),
        ("allocation", "effective", "to"),
    }
    missing = set(declared(ALL_KEYS)) - held - of_conditions - of_methods - either_or
    assert not missing
