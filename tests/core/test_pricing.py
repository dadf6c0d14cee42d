"""What a line earns in all changes: credits before, during and after recognition, new prices, cancellations."""

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from revrec.core.charge_line import ChargeLine, FulfillmentEvent
from revrec.core.policies import ON_CREDIT, ON_PRICE
from revrec.core.pricing import price_of
from revrec.core.rules import RuleBook, parse_rules
from revrec.core.schedule import Schedule, Unscheduled

MONTHLY = 'method = "monthly"\nperiods = 4'
DAILY = 'method = "daily"\nby = "month"'
POD = 'method = "pod_date"'
YEAR = (date(2024, 1, 1), date(2024, 12, 31))


def event(kind: str, day: str, amount: int | None = None, name: str = "") -> FulfillmentEvent:
    return FulfillmentEvent("shop/INV-1042/1", kind, date.fromisoformat(day), amount=amount, name=name)


Parts = Callable[..., list[tuple[str, int]]]


@pytest.fixture
def start(line: ChargeLine) -> ChargeLine:
    """24.00 in four parts of 6.00 on the 28th of March to June."""
    return line


def test_a_credit_before_anything_is_recognized_is_a_discount_up_front(parts: Parts, start: ChargeLine) -> None:
    for how in ("prospective", "catch_up"):
        found = parts(f'{MONTHLY}\non_credit = "{how}"', start, [event("credit", "2024-03-01", 400)])
        assert found == [("2024-03-28", 500), ("2024-04-28", 500), ("2024-05-28", 500), ("2024-06-28", 500)]


@pytest.mark.parametrize(
    ("how", "rest"),
    [
        ("prospective", [("2024-05-28", 400), ("2024-06-28", 400)]),
        ("catch_up", [("2024-05-02", -200), ("2024-05-28", 500), ("2024-06-28", 500)]),
        ("latest", [("2024-05-28", 600), ("2024-06-28", 200)]),
        ("earned_first", [("2024-05-02", -400), ("2024-05-28", 600), ("2024-06-28", 600)]),
    ],
)
def test_a_credit_in_the_middle_goes_where_the_rule_says(
    parts: Parts, start: ChargeLine, how: str, rest: list[tuple[str, int]]
) -> None:
    found = parts(f'{MONTHLY}\non_credit = "{how}"', start, [event("credit", "2024-05-02", 400)])
    assert found == [("2024-03-28", 600), ("2024-04-28", 600), *rest]


@pytest.mark.parametrize("how", ON_CREDIT)
def test_a_credit_after_all_is_recognized_takes_it_back_on_its_day(parts: Parts, start: ChargeLine, how: str) -> None:
    found = parts(f'{MONTHLY}\non_credit = "{how}"', start, [event("credit", "2024-09-02", 400)])
    assert found[:4] == [("2024-03-28", 600), ("2024-04-28", 600), ("2024-05-28", 600), ("2024-06-28", 600)]
    assert found[4:] == [("2024-09-02", -400)]


@pytest.mark.parametrize("how", ON_CREDIT)
def test_a_credit_above_what_is_left_takes_back_the_rest(parts: Parts, start: ChargeLine, how: str) -> None:
    found = parts(f'{MONTHLY}\non_credit = "{how}"', start, [event("credit", "2024-05-02", 1500)])
    assert sum(amount for _day, amount in found) == 900
    assert sum(amount for day, amount in found if day == "2024-05-02") < 0


def test_a_credit_above_the_invoice_makes_the_line_negative_and_is_reported(parts: Parts, start: ChargeLine) -> None:
    found = parts(MONTHLY, start, [event("credit", "2024-05-02", 3000)])
    assert found == [("2024-03-28", 600), ("2024-04-28", 600), ("2024-05-02", -1800)]


def test_several_credits_add_up_and_one_of_a_name_corrects_the_earlier_one(start: ChargeLine) -> None:
    two = [event("credit", "2024-05-02", 100), event("credit", "2024-05-03", 200)]
    assert price_of(start, two) == 2100
    named = [event("credit", "2024-05-02", 100, "CRN-1"), event("credit", "2024-05-03", 200, "CRN-1")]
    assert price_of(start, named) == 2200


@pytest.mark.parametrize(
    ("how", "rest"),
    [
        ("prospective", [("2024-05-28", 1200), ("2024-06-28", 1200)]),
        ("catch_up", [("2024-05-02", 600), ("2024-05-28", 900), ("2024-06-28", 900)]),
    ],
)
def test_a_new_price_is_a_modification(parts: Parts, start: ChargeLine, how: str, rest: list[tuple[str, int]]) -> None:
    found = parts(f'{MONTHLY}\non_price = "{how}"', start, [event("price", "2024-05-02", 3600)])
    assert found == [("2024-03-28", 600), ("2024-04-28", 600), *rest]


def test_a_cancellation_without_a_refund_earns_what_is_left_at_once(parts: Parts, start: ChargeLine) -> None:
    found = parts(MONTHLY, start, [event("cancel", "2024-05-02")])
    assert found == [("2024-03-28", 600), ("2024-04-28", 600), ("2024-05-02", 1200)]


def test_a_cancellation_with_a_refund_of_what_is_left_ends_the_schedule(parts: Parts, start: ChargeLine) -> None:
    found = parts(MONTHLY, start, [event("cancel", "2024-05-02", 1200)])
    assert found == [("2024-03-28", 600), ("2024-04-28", 600)]


def test_a_cancellation_that_refunds_more_takes_back_what_was_earned(parts: Parts, start: ChargeLine) -> None:
    found = parts(MONTHLY, start, [event("cancel", "2024-05-02", 2400)])
    assert found == [("2024-03-28", 600), ("2024-04-28", 600), ("2024-05-02", -1200)]


def test_a_line_is_canceled_once_whatever_its_cancellations_are_named(parts: Parts, start: ChargeLine) -> None:
    first, second = event("cancel", "2024-05-02", 300, "CAN-1"), event("cancel", "2024-05-02", 500, "CAN-2")
    assert parts(MONTHLY, start, [first, second]) == parts(MONTHLY, start, [second])
    assert price_of(start, [second, first]) == 2400 - 300, "the one that was recorded last counts"


def test_goods_that_are_canceled_before_delivery(derive: Callable[..., Any], start: ChargeLine) -> None:
    refunded = derive(POD, start, [event("cancel", "2024-05-02", 2400)])
    assert isinstance(refunded, Schedule) and refunded.all_parts == ()
    kept = derive(POD, start, [event("cancel", "2024-05-02")])
    assert isinstance(kept, Schedule) and kept.parts == ((date(2024, 5, 2), 2400),)
    credited = derive(POD, start, [event("credit", "2024-05-02", 400)])
    assert isinstance(credited, Unscheduled) and credited.code == "waiting"


def test_a_credit_of_goods_counts_when_they_are_delivered(parts: Parts, start: ChargeLine) -> None:
    events = [event("credit", "2024-05-02", 400), event("pod", "2024-05-20")]
    assert parts(POD, start, events) == [("2024-05-20", 2000)]


def test_the_schedule_shows_each_change_with_its_policy(derive: Callable[..., Any], start: ChargeLine) -> None:
    found = derive(MONTHLY, start, [event("credit", "2024-05-02", 400, "CRN-7")])
    assert found.explanation.endswith("credit CRN-7 on 2024-05-02 (on_credit prospective): 24.00 becomes 20.00 USD")


def test_what_waits_is_lessened_with_the_rest(derive: Callable[..., Any], start: ChargeLine) -> None:
    milestones = 'method = "milestones"\nmilestones = [{ name = "a", percent = 50 }, { name = "b", percent = 50 }]'
    reached = FulfillmentEvent(start.id, "milestone", date(2024, 4, 1), name="a")
    found = derive(milestones, start, [reached, event("credit", "2024-05-02", 400)])
    assert [part.amount for part in found.parts] == [1200] and [part.amount for part in found.waiting] == [800]


kinds = st.sampled_from(["credit", "price", "cancel"])
days = st.dates(date(2023, 12, 1), date(2025, 3, 1)).map(date.isoformat)
amounts = st.integers(-5_000, 5_000)
changes = st.lists(st.builds(event, kinds, days, amounts), max_size=5)


@given(
    amount=st.integers(-10_000, 10_000).filter(bool),
    events=changes,
    on_credit=st.sampled_from(ON_CREDIT),
    on_price=st.sampled_from(ON_PRICE),
    method=st.sampled_from([MONTHLY, DAILY, 'method = "fixed_offset"']),
    currency=st.sampled_from(["USD", "JPY", "KWD"]),
)
def test_whatever_changes_the_parts_sum_to_the_new_price(
    amount: int, events: list[FulfillmentEvent], on_credit: str, on_price: str, method: str, currency: str
) -> None:
    text = f'[[rule]]\nname = "r"\n[rule.recognize]\n{method}\non_credit = "{on_credit}"\non_price = "{on_price}"\n'
    book = RuleBook(parse_rules(text, "r.toml", {"deferred": "1", "accrued": "2", "journal": "RR"}))
    line = ChargeLine(
        "shop",
        "INV-1042",
        "1",
        "C",
        "I",
        date(2024, 1, 31),
        amount,
        currency,
        service_start=YEAR[0],
        service_end=YEAR[1],
    )
    found = book.derive(line, events)
    assert isinstance(found, Schedule)
    assert sum(part.amount for part in found.all_parts) == price_of(line, events)
    assert all(part.amount for part in found.all_parts)
    assert [part.date for part in found.parts] == sorted(part.date for part in found.parts)
    assert found == book.derive(line, events)


def test_what_is_left_of_a_new_price_is_shared_by_the_planned_weights_not_by_rounded_amounts(
    parts: Parts, start: ChargeLine
) -> None:
    line = start._replace(amount=1_677_061, post_date=date(2024, 1, 31))
    found = parts('method = "monthly"\nperiods = 6', line, [event("price", "2024-03-15", 2_526_604)])
    assert [amount for _day, amount in found] == [279_510, 279_510, *[491_896] * 4]
