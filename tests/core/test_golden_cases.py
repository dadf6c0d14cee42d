"""Recognition figures published by other systems and by the standards, reproduced by rules."""

import json
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from revrec.core.charge_line import ChargeLine
from revrec.core.golden import play
from revrec.core.money import to_minor
from revrec.jobs.admin.selftest import GoldenCases
from support.rules import DeriveParts

GOLDEN = GoldenCases()
CASES, COVERED, NOT_COVERED = GOLDEN.published, GOLDEN.covered, GOLDEN.not_covered


@pytest.mark.parametrize("case_id", COVERED)
def test_a_rule_reproduces_the_published_figures(case_id: Any) -> None:
    played = play(CASES[case_id], COVERED[case_id])
    assert played.found == played.expected
    assert played.whole


def test_a_case_with_another_figure_is_found_out() -> None:
    case = json.loads(json.dumps(CASES["oca-movecutoff-F-equal"]))
    case["expected"][0]["amount"] = "518.01"
    assert not play(case, COVERED["oca-movecutoff-F-equal"]).as_published


def test_every_case_is_covered_or_has_a_reason_why_not() -> None:
    neither = sorted(set(CASES) - set(COVERED) - set(NOT_COVERED))
    assert not neither, f"say in tests/golden what becomes of: {', '.join(neither)}"
    assert not set(COVERED) & set(NOT_COVERED)
    assert set(COVERED) | set(NOT_COVERED) == set(CASES)


def test_the_cent_that_one_published_table_loses_is_not_lost_here(parts: DeriveParts) -> None:
    case = CASES["recurly-daily"]
    inputs = case["inputs"]
    start, end = (date.fromisoformat(inputs[key]) for key in ("start", "end"))
    amount = to_minor(Decimal(inputs["amount"]), "USD")
    line = ChargeLine(
        "golden", "recurly-daily", "1", "C", "I", start, amount, "USD", service_start=start, service_end=end
    )
    found = parts('method = "daily"\nby = "month"', line)
    published = [to_minor(Decimal(one["amount"]), "USD") for one in case["expected"]]
    assert sum(published) == line.amount - 1
    assert sum(amount for _day, amount in found) == line.amount
    assert all(abs(ours - theirs) <= 1 for (_day, ours), theirs in zip(found, published, strict=True))
