"""A plan that lines with the same events share divides their amounts as the derived schedules do."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from core.test_every_method import BOOKS, book, facts
from hypothesis import given
from hypothesis import strategies as st

from revrec.core.charge_line import ChargeLine, FulfillmentEvent
from revrec.core.money import increments, split, split_by_progress
from revrec.core.rules import RuleBook
from revrec.core.rules.book import REPORTS
from revrec.core.schedule import UNDATED, Schedule, explained

MAY = date(2024, 5, 2)
POD = book({"method": "pod_date"})
PERCENT = book({"method": "percent_complete"})
USAGE = book({"method": "usage", "units": 100, "expires": "1 year"})


def sold(amount: int, document: str = "1", **fields: Any) -> ChargeLine:
    return ChargeLine("shop", document, "1", "C", "A", date(2024, 1, 1), amount, "USD", **fields)


def reported(kind: str, document: str = "1", **fields: Any) -> FulfillmentEvent:
    return FulfillmentEvent(f"shop/{document}/1", kind, MAY, **fields)


def check(rules: RuleBook, line: ChargeLine, events: list[FulfillmentEvent]) -> bool:
    """Check a plan against the derived schedule; return False if there is no plan for the line."""
    plan = rules.divide_recorded(line, events)
    found = plan.divide(line.amount) if plan else None
    if plan is None or found is None:
        return False
    amounts, undated = found
    derived = rules.derive(line, events)
    assert isinstance(derived, Schedule)
    assert derived.parts == tuple(zip(plan.dates, amounts, strict=True))
    assert derived.waiting == (((UNDATED, undated),) if undated else ())
    assert derived.waits == (explained(plan.waits.of(line), plan.rule) if plan.waits else None)
    assert (derived.explanation, derived.rule, derived.post) == (plan.explanation, plan.rule, plan.rule.post)
    assert not derived.constrained and not derived.table_target
    return True


@given(facts(), st.sampled_from(BOOKS))
def test_a_shared_plan_divides_as_the_derived_schedule_does(case: Any, rules: RuleBook) -> None:
    line, events = case
    check(rules, line, [event for event in events if event.kind in REPORTS])


@pytest.mark.parametrize(
    ("rules", "event"),
    [
        (POD, {"kind": "pod"}),
        (PERCENT, {"kind": "percent", "percent": Decimal(40)}),
        (USAGE, {"kind": "usage", "quantity": Decimal(30)}),
    ],
)
@pytest.mark.parametrize("amount", [10_001, -9_999])
def test_lines_with_the_same_events_share_a_plan(rules: RuleBook, event: Any, amount: int) -> None:
    assert check(rules, sold(amount), [reported(**event)])
    one, other = (rules.divide_recorded(sold(amount, name), [reported(document=name, **event)]) for name in "12")
    assert one is not None and one is other


@pytest.mark.parametrize("kind", ["credit", "price", "cancel", "constraint", "hold", "release"])
def test_what_changes_the_price_or_stops_a_line_has_no_shared_plan(kind: str) -> None:
    event = reported(kind, amount=100)
    assert POD.divide_recorded(sold(10_000), [reported("pod"), event]) is None


def test_a_part_without_a_cent_is_derived() -> None:
    plan = USAGE.divide_recorded(sold(1), [reported("usage", quantity=Decimal(30))])
    assert plan is not None and plan.divide(1) is None


@given(st.lists(st.integers(0, 10**6), min_size=1, max_size=12), st.integers(-(10**15), 10**15))
def test_increments_split_as_positions_do(positions: list[int], total: int) -> None:
    found = increments(sorted(positions))
    if found is not None and any(found):
        assert split(total, found) == split_by_progress(total, sorted(positions))
