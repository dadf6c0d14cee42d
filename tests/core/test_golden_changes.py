"""Changes of one line, one after the other: ``tests/golden/changes.toml``."""

import tomllib
from collections import Counter
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest

from revrec.core.money import decimal_string
from support.rules import Derive, charge_from, event_from

CASES = tomllib.loads((Path(__file__).parents[1] / "golden" / "changes.toml").read_text(encoding="utf-8"))["case"]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["title"])
def test_a_schedule_is_what_its_case_derives(case: Any, derive: Derive) -> None:
    line = charge_from(case["charge"])
    for recorded in permutations(event_from(line, one) for one in case.get("events", ())):
        found = derive(case["recognize"], line, recorded)
        months = Counter[str]()
        for day, amount in found.parts:
            months[f"{day:%Y-%m}"] += amount
        if "parts" in case:
            assert [[str(day), decimal_string(amount, line.currency)] for day, amount in found.parts] == case["parts"]
        else:
            shown = {month: decimal_string(amount, line.currency) for month, amount in months.items() if amount}
            assert shown == case["months"]
        waiting = sum(part.amount for part in found.waiting)
        assert decimal_string(waiting, line.currency) == case.get("waiting", decimal_string(0, line.currency))
