"""Worked examples of the standard: rules, charge lines and events, and the journal that must follow from them.

They are tables of ``worked_examples.toml``. Each is also a test case of rules, as ``revrec rules test`` plays them.
"""

import re
from collections.abc import Mapping
from typing import Any

from revrec.core.golden import ACCOUNTS, PlayedCase
from revrec.core.rules import RuleBook, parse_all
from revrec.core.rules.case_results import play
from revrec.core.rules.cases import read_case

Example = Mapping[str, Any]
PRICE_LIST = "prices.csv"
TABLE = f'[[table]]\nname = "ssp"\nfile = "{PRICE_LIST}"\nkey = "item"\n'
_NUMBER = re.compile(r"example (\d+A?)(?:, case ([A-C]))?")


def number_of(example: Example) -> str:
    """Return the number of an example in the standard, such as ``35B``; empty if it is not one of its examples."""
    found = _NUMBER.search(example["paragraphs"])
    return found[1] + (found[2] or "") if found else ""


def rules_of(example: Example) -> str:
    """Return the rules of an example as a rules file, with the price list that they need."""
    rules = str(example["rules"]).strip() + "\n"
    return rules + (f"\n{TABLE}" if "prices" in example else "")


def case_of(example: Example) -> dict[str, Any]:
    """Return an example as a ``[[case]]`` of rules."""
    default = {"currency": example["currency"], "document": "EXAMPLE"}
    charges = [{**default, "line": line["item"], **line} for line in example["lines"]]
    expect = {name: example[name] for name in ("until", "waiting") if name in example}
    expect["entries"] = example["journal"]
    if "shares" in example:
        expect["allocated"] = {share["line"]: share["allocated"] for share in example["shares"]}
    events = {"event": example["events"]} if example.get("events") else {}
    return {"name": example["title"], "charge": charges, **events, "expect": expect}


def play_example(example: Example) -> PlayedCase:
    """Derive the journal of an example; only the figures that differ are in the result."""
    listed = str(example.get("prices", "")).lstrip()
    book = RuleBook(*parse_all({"rules.toml": rules_of(example)}, ACCOUNTS, lambda wanted, _by: (wanted, listed)))
    differences = play(read_case(case_of(example)), book)
    expected, found = ({one.field: getattr(one, side) for one in differences} for side in ("expected", "found"))
    return PlayedCase(expected, found, not differences)
