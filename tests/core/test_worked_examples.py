"""The worked examples of the standard that the documents tell: each schedule is what revrec computes."""

import runpy
from collections import Counter
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from revrec.core.charge_line import ChargeLine, FulfillmentEvent
from revrec.core.money import decimal_string, to_minor
from revrec.core.rules import PostingTarget, RuleBook, parse_all
from revrec.core.rules.contracts import AllocatedContract, ContractMember, allocate_contract
from revrec.core.schedule import Schedule, or_unscheduled
from support.rules import ACCOUNTS, AllocateContract, Derive, matched

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


@parameters("journal")
def test_the_journal_of_a_worked_example_is_computed(example: Any) -> None:
    currency = example["currency"]
    book = RuleBook(*parse_all({"r.toml": rules_of(example)}, ACCOUNTS, lambda file, _by: (file, listed(example))))
    members = [member(one, example) for one in example["lines"]]
    found = allocate_contract(book, members) if book.allocations else None
    shown, waiting = [], 0
    for sold, events, _part in members:
        for line in (sold, *book.costs_of(sold)):
            steps = found.steps[line.id] if isinstance(found, AllocatedContract) and line is sold else ()
            derived = or_unscheduled(book.derive(line, events, steps))
            entries = Counter[date]()
            for day, amount in derived.parts if isinstance(derived, Schedule) else ():
                entries[day] += amount
            post = matched(book.match(line)).post
            shown += [entry_of(sold, post, day, amount, currency) for day, amount in entries.items() if amount]
            waiting += sum(part.amount for part in derived.waiting) if isinstance(derived, Schedule) else 0
    until = example.get("until", date.max)
    assert sorted((one for one in shown if one["date"] <= until), key=str) == sorted(example["journal"], key=str)
    assert decimal_string(waiting, currency) == example.get("waiting", "0.00")


def rules_of(example: Any) -> str:
    table = '[[table]]\nname = "ssp"\nfile = "ssp.csv"\nkey = "item"\n'
    return str(example["rules"]) + (table if "prices" in example else "")


def listed(example: Any) -> str:
    return str(example["prices"]).lstrip()


def member(one: dict[str, Any], example: Any) -> ContractMember:
    """Return a charge line of an example with its events."""
    fields = {name: value for name, value in one.items() if name not in ("line", "joins", "amount")}
    if "quantity" in fields:
        fields["quantity"] = Decimal(fields["quantity"])
    amount = to_minor(Decimal(one["amount"]), example["currency"])
    name = one.get("line", one["item"])
    line = ChargeLine("case", "EX", name, "C", amount=amount, currency=example["currency"], **fields)
    its_own = [{**each} for each in example.get("events", []) if each["line"] == name]
    events = [event(line, {key: value for key, value in each.items() if key != "line"}) for each in its_own]
    return ContractMember(line, events, 2 if one.get("joins") else 1)


def entry_of(line: ChargeLine, post: PostingTarget, day: date, amount: int, currency: str) -> dict[str, Any]:
    debit, credit = (post.deferred, post.accrued) if amount > 0 else (post.accrued, post.deferred)
    shown = decimal_string(abs(amount), currency)
    return {"line": line.line, "date": day, "debit": debit, "credit": credit, "amount": shown}


def test_the_page_is_written_from_the_examples() -> None:
    assert (DOCS / "worked-examples.md").read_text() == WRITER["page"](EXAMPLES), "run: python docs/write_examples.py"
