"""Texts of rules that many tests share, to be joined to the rules of a test.

Each text starts with an empty line. Most rules end in ``[rule.recognize]``, so that further keys of that table may
follow.
"""

from pathlib import Path

PROJECT = """
[[rule]]
name = "project"
[rule.when]
item = "PROJ-*"
[rule.recognize]
method = "milestones"
milestones = [{ name = "design", percent = 40 }, { name = "go-live", percent = 60 }]
"""

DELIVERY = """
[[rule]]
name = "delivery"
[rule.when]
item = "POD-*"
[rule.recognize]
method = "pod_date"
"""

MAGAZINE = """
[[rule]]
name = "magazine"
[rule.when]
item = "MAG-*"
[rule.recognize]
method = "monthly"
"""

GOODS = """
[[rule]]
name = "goods"
[rule.when]
item = "GOODS-*"
[rule.recognize]
method = "fixed_offset"
"""

GOODS_AND_DISCOUNTS = GOODS.replace('"GOODS-*"', '["GOODS-*", "DISC-*"]')

BUNDLES = """
[[table]]
name = "ssp"
file = "ssp.csv"
key = "item"

[[allocation]]
name = "bundles"
prices = "ssp"
"""
"""An allocation by the prices in ``rules/ssp.csv``, to be followed by further keys of it and by rules."""

PRINT_COST = """\
[[rule.cost]]
name = "print"
percent = 50
deferred = "1300"
expense = "5000"
"""
"""The cost of the rule before it."""

MONTHLY = """
[[rule]]
name = "monthly"
[rule.recognize]
method = "monthly"
periods = 12
[rule.post]
deferred = "2400"
accrued = "4000"
"""
"""Twelve parts of any line, with its accounts."""


def replace_rules(folder: Path, text: str) -> None:
    """Replace all rules of the books in a folder, including the ones that ``revrec init`` writes."""
    for shipped in (folder / "rules").rglob("*.toml"):
        shipped.unlink()
    (folder / "rules" / "rules.toml").write_text(text)
