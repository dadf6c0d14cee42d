"""The worked examples of the standard that the documents tell: each schedule is what revrec computes."""

import runpy
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from revrec.core.charge_line import ChargeLine, FulfillmentEvent
from revrec.core.money import decimal_string, to_minor
from support.rules import AllocateContract, Derive

DOCS = Path(__file__).parents[2] / "docs"
WRITER = runpy.run_path(str(DOCS / "write_examples.py"))
EXAMPLES = WRITER["examples"]()


def charge_line(charge: dict[str, Any]) -> ChargeLine:
    amounts = [name for name in ("amount", "recognized_before") if name in charge]
    minor: dict[str, Any] = {name: to_minor(Decimal(charge[name]), charge["currency"]) for name in amounts}
    return ChargeLine("case", "EX", "1", "C", "I", **{**charge, **minor})


def event(line: ChargeLine, one: dict[str, Any]) -> FulfillmentEvent:
    numbers: dict[str, Any] = {name: Decimal(one[name]) for name in ("quantity", "percent") if name in one}
    if "amount" in one:
        one = {**one, "amount": to_minor(Decimal(one["amount"]), line.currency)}
    return FulfillmentEvent(line.id, **{**one, **numbers})


def parameters(kind: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize(
        "example", [one for one in EXAMPLES if kind in one], ids=lambda example: example["title"]
    )


@parameters("allocate")
def test_the_allocation_of_a_worked_example_is_computed(example: Any, contract: AllocateContract) -> None:
    currency = example["currency"]
    billed = {one["item"]: to_minor(Decimal(one["amount"]), currency) for one in example["billed"]}
    found = contract(example["allocate"], example["prices"].lstrip(), billed, currency)
    shown = []
    for item, share in zip(billed, found.shares.values(), strict=True):
        row_shown = {} if share.standalone is None else {"standalone": decimal_string(share.standalone, currency)}
        shown.append({"item": item, **row_shown, "allocated": decimal_string(share.allocated, currency)})
    assert shown == example["shares"]
    assert sum(share.difference for share in found.shares.values()) == 0


@parameters("recognize")
def test_the_schedule_of_a_worked_example_is_computed(example: Any, derive: Derive) -> None:
    line = charge_line(example["charge"])
    found = derive(example["recognize"], line, [event(line, one) for one in example.get("events", [])])
    shown = [{"date": part.date, "amount": decimal_string(part.amount, line.currency)} for part in found.parts]
    assert shown == example["expect"]
    waiting = sum(part.amount for part in found.waiting)
    assert decimal_string(waiting, line.currency) == example.get("waiting", "0.00")
    assert all(isinstance(part.date, date) for part in found.parts)


def test_the_page_is_written_from_the_examples() -> None:
    assert (DOCS / "worked-examples.md").read_text() == WRITER["page"](EXAMPLES), "run: python docs/write_examples.py"
