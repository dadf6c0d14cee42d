"""Charge lines in progress: whatever happens later, history stays, and what is left adds up to the price."""

from collections import Counter
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from revrec.core.charge_line import ChargeLine, FulfillmentEvent
from revrec.core.migration import DIFFERS, after_cutover
from revrec.core.policies import ON_CREDIT, ON_PRICE
from revrec.core.pricing import price_of
from revrec.core.rules import RuleBook, parse_rules
from revrec.core.schedule import Schedule, Unscheduled

ACCOUNTS = {"deferred": "2400", "accrued": "4000", "journal": "RR"}
CUTOVER = date(2024, 1, 1)
METHODS = (
    'method = "monthly"\nperiods = 12',
    'method = "monthly_prorated"',
    'method = "daily"\nby = "month"',
    'method = "daily"',
    'method = "every"\nevery = "2 months"\nperiods = 7',
    'method = "fixed_offset"\noffset = "95 days"',
    'method = "percentages"\npercentages = [40, 60]\nday_offsets = [0, 150]',
    'method = "monthly"\nperiods = 12\nsmallest = "40.00"',
    'method = "pod_date"',
    'method = "percent_complete"',
)
BEGIN = date(2023, 7, 1)
DAYS = st.integers(0, 500).map(lambda days: BEGIN + timedelta(days=days))
EVENTS = st.lists(
    st.tuples(st.sampled_from(("price", "credit", "cancel", "hold", "release", "pod", "percent")), DAYS,
              st.integers(0, 90_000)),
    max_size=4,
)  # fmt: skip


def contract(amount: int, recognized: int, posted: date, cutover: date | None = CUTOVER) -> ChargeLine:
    """Return a year of service that is in progress at the cutover."""
    return ChargeLine(
        "shop", "INV-1", "1", "C", "I", posted, amount, "USD", service_start=posted,
        service_end=posted + timedelta(days=364), recognized_before=recognized, cutover=cutover,
    )  # fmt: skip


def event(kind: str, day: date, amount: int) -> FulfillmentEvent:
    money = amount if kind in ("price", "credit", "cancel") else None
    return FulfillmentEvent(
        "shop/INV-1/1", kind, day, percent=Decimal(amount // 1000) if kind == "percent" else None, amount=money
    )


def book_of(method: str, policy: str = "refuse", credit: str = "latest", price: str = "catch_up") -> RuleBook:
    """Return a book of one rule."""
    how = f'on_migration = "{policy}"\non_credit = "{credit}"\non_price = "{price}"\n'
    text = f'[[rule]]\nname = "only"\ntransfer = "over_time"\n[rule.recognize]\n{method}\n{how}'
    return RuleBook(parse_rules(text, "r.toml", ACCOUNTS))


@pytest.mark.parametrize(
    "examples", [100, pytest.param(800, marks=pytest.mark.slow), pytest.param(3_000, marks=pytest.mark.long)]
)
def test_history_stays_and_the_rest_adds_up_to_the_price(examples: int) -> None:
    @settings(max_examples=examples, deadline=None)
    @given(
        method=st.sampled_from(METHODS), policy=st.sampled_from(("spread", "catch_up")),
        credit=st.sampled_from(ON_CREDIT), price=st.sampled_from(ON_PRICE), amount=st.integers(1, 120_000),
        share=st.integers(0, 100), sign=st.sampled_from((1, -1)), posted=st.integers(0, 180), events=EVENTS,
    )  # fmt: skip
    def check(
        method: str, policy: str, credit: str, price: str, amount: int, share: int, sign: int, posted: int, events: Any
    ) -> None:
        recognized = sign * (amount * share // 100)
        line = contract(sign * amount, recognized, BEGIN + timedelta(days=posted))
        recorded = [event(*one) for one in events]
        found = book_of(method, policy, credit, price).derive(line, recorded)
        if isinstance(found, Unscheduled):
            assert not recognized and found.code in ("waiting", "closed")
            return
        assert sum(part.amount for part in found.all_parts) == price_of(line, recorded)
        assert sum(part.amount for part in found.historical) == recognized
        assert all(part.date < CUTOVER for part in found.historical)
        left = after_cutover(found.remaining(found.historical), line)
        assert all(part.date >= CUTOVER for part in left.parts)
        assert recognized + sum(part.amount for part in left.parts) + left.waiting == price_of(line, recorded)

    check()


@pytest.mark.parametrize("method", METHODS[:8])
@pytest.mark.parametrize("posted", ["2023-07-01", "2023-10-17", "2023-12-31"])
def test_what_the_rule_plans_before_the_cutover_is_accepted_and_changes_no_part(method: str, posted: str) -> None:
    day = date.fromisoformat(posted)
    book = book_of(method)
    whole = book.derive(contract(100_003, 0, day, None))
    assert isinstance(whole, Schedule)
    planned = sum(part.amount for part in whole.parts if part.date < CUTOVER)
    found = book.derive(contract(100_003, planned, day))
    assert isinstance(found, Schedule)
    assert found.parts == whole.parts
    assert found.historical == tuple(part for part in whole.parts if part.date < CUTOVER)
    refused = book.derive(contract(100_003, planned + 1, day))
    assert isinstance(refused, Unscheduled) and refused.code == DIFFERS


def test_a_change_within_a_month_leaves_the_months_before_the_cutover_whole() -> None:
    """December 17 to January 16 is one part on December 17: 10,000 of 120,000, all of it history."""
    line = contract(120_000, 30_000, date(2023, 10, 17))
    hold = [event("hold", date(2024, 1, 5), 0)]
    found = book_of(METHODS[0] + '\noffset = "0 days"').derive(line, hold)
    assert isinstance(found, Schedule)
    assert sum(part.amount for part in found.historical) == 30_000
    assert after_cutover(found.remaining(found.historical), line).waiting == 90_000


@pytest.mark.parametrize("method", METHODS[:5])
@pytest.mark.parametrize("ended", [date(2023, 12, 1), CUTOVER])
def test_a_hold_before_the_cutover_moves_what_is_to_come_and_not_what_is_caught_up(method: str, ended: date) -> None:
    """A month on hold: 600.00 of 1,200.00 planned, 500.00 recognized. The 100.00 for service before stay in January."""
    book = book_of(f'{method}\non_release = "extend"', "catch_up")
    whole = book.derive(contract(120_000, 0, BEGIN, None))
    assert isinstance(whole, Schedule)
    planned = sum(part.amount for part in whole.parts if part.date < CUTOVER)
    holds = [event("hold", ended - timedelta(days=30), 0), event("release", ended, 0)]
    rest = []
    for recognized in (planned, planned - 10_000):
        line = contract(120_000, recognized, BEGIN)
        found = book.derive(line, holds)
        assert isinstance(found, Schedule)
        by_month: Counter[date] = Counter()
        for day, amount in after_cutover(found.remaining(found.historical), line).parts:
            by_month[day.replace(day=1)] += amount
        rest.append(by_month)
    assert rest[1] - rest[0] == {CUTOVER: 10_000} and not rest[0] - rest[1]


RETURNS = '[rule.constraint]\npercent = 3\nuntil = "30 days"\nreason = "right of return"\ncosts = true\n'
DELIVERED = FulfillmentEvent("shop/INV-1/1", "pod", date(2023, 10, 4))


@pytest.mark.parametrize(
    ("method", "posted", "recognized", "events"),
    [
        ('method = "fixed_offset"', date(2023, 10, 1), 100_000, []),
        # The right to return ends on January 14: 3 percent waits until then.
        ('method = "fixed_offset"', date(2023, 12, 15), 97_000, []),
        ('method = "pod_date"', date(2023, 10, 1), 100_000, [DELIVERED]),
    ],
)
def test_a_right_of_return_that_ended_before_the_cutover_was_recognized(
    method: str, posted: date, recognized: int, events: list[FulfillmentEvent]
) -> None:
    line = contract(100_000, recognized, posted)
    found = RuleBook(parse_rules(_with_returns(method), "r.toml", ACCOUNTS)).derive(line, events)
    assert isinstance(found, Schedule)
    assert sum(part.amount for part in found.historical) == recognized
    left = after_cutover(found.remaining(found.historical), line)
    assert [(part.date, part.amount) for part in left.parts] == (
        [(date(2024, 1, 14), 3_000)] if recognized == 97_000 else []
    )


def _with_returns(method: str) -> str:
    return f'[[rule]]\nname = "only"\n[rule.recognize]\n{method}\n{RETURNS}'


@pytest.mark.parametrize(
    ("kind", "amount", "left"),
    [("price", 90_000, -10_000), ("credit", 10_000, -10_000), ("cancel", 25_000, -25_000)],
)
def test_events_from_before_the_cutover_change_what_is_left_after_a_right_of_return_ended(
    kind: str, amount: int, left: int
) -> None:
    line = contract(100_000, 100_000, date(2023, 10, 1))
    book = RuleBook(parse_rules(_with_returns('method = "fixed_offset"'), "r.toml", ACCOUNTS))
    recorded = [event(kind, date(2023, 10, 10), amount)]
    found = book.derive(line, recorded)
    assert isinstance(found, Schedule)
    assert sum(part.amount for part in found.all_parts) == price_of(line, recorded) == 100_000 + left
    rest = after_cutover(found.remaining(found.historical), line)
    assert sum(part.amount for part in rest.parts) == left
