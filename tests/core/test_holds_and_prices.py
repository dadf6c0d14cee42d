"""A price that changes after a hold counts from its own day, not from a day that the hold has moved."""

from datetime import date, timedelta
from fractions import Fraction

import pytest

from revrec.core.charge_line import ChargeLine, FulfillmentEvent
from revrec.core.rules import RuleBook, parse_rules
from revrec.core.schedule import Schedule

ACCOUNTS = {"deferred": "2400", "accrued": "4000", "journal": "RR"}
LINE = ChargeLine(
    "shop", "INV-1", "1", "C", "I", date(2024, 1, 1), 366_000, "USD",
    service_start=date(2024, 1, 1), service_end=date(2024, 12, 31),
)  # fmt: skip
BEGIN, END, DAY = date(2024, 3, 11), date(2024, 4, 21), date(2024, 6, 10)
HOLD = [FulfillmentEvent(LINE.id, "hold", BEGIN), FulfillmentEvent(LINE.id, "release", END)]
DAILY, MONTHLY = 'method = "daily"\nby = "month"', 'method = "monthly"\nstart = "service_start"\nperiods = 12'
SERVED = 31 + 29 + 10 + 10 + 31 + 10
"""Days of service until June 10: 41 days of March and April were on hold."""


def months(method: str, policy: str, event: FulfillmentEvent) -> dict[str, int]:
    text = f'[[rule]]\nname = "only"\n[rule.recognize]\n{method}\non_release = "extend"\n{policy}\n'
    found = RuleBook(parse_rules(text, "r.toml", ACCOUNTS)).derive(LINE, [*HOLD, event])
    assert isinstance(found, Schedule)
    sums: dict[str, int] = {}
    for day, amount in found.parts:
        sums[f"{day:%Y-%m}"] = sums.get(f"{day:%Y-%m}", 0) + amount
    return sums


def change(kind: str, amount: int, day: date = DAY) -> FulfillmentEvent:
    return FulfillmentEvent(LINE.id, kind, day, amount=amount)


@pytest.mark.parametrize("method", [DAILY, 'method = "daily"'])
@pytest.mark.parametrize("more", [0, 3, 13])
def test_a_new_price_counts_from_its_day_by_days(method: str, more: int) -> None:
    event = change("price", 400_000, DAY + timedelta(days=more))
    served = SERVED + more
    left = Fraction(400_000 - served * 1000, 366 - served)
    found = months(method, "", event)
    assert found["2024-06"] == (10 + more) * 1000 + round((20 - more) * left) and sum(found.values()) == 400_000
    caught_up = months(method, 'on_price = "catch_up"', event)
    each = Fraction(400_000, 366)
    assert caught_up["2024-06"] == round((SERVED + 20) * each) - (SERVED - 10) * 1000


@pytest.mark.parametrize(
    ("policy", "event", "june"),
    [
        # Four of twelve parts of 305.00 fell by June 10, the next one falls on June 11.
        ("", change("price", 400_000), (400_000 - 4 * 30_500) // 8),
        ('on_credit = "earned_first"', change("credit", 40_000), -40_000 + 30_500),
        ("", change("cancel", 200_000), 366_000 - 200_000 - 4 * 30_500),
    ],
)
def test_parts_that_a_hold_moved_after_a_change_are_still_to_come(
    policy: str, event: FulfillmentEvent, june: int
) -> None:
    assert months(MONTHLY, policy, event)["2024-06"] == june


def test_a_change_during_a_hold_stays_on_its_day() -> None:
    found = months(MONTHLY, 'on_credit = "earned_first"', change("credit", 40_000, date(2024, 3, 20)))
    assert found["2024-03"] == 30_500 - 40_000 and "2024-04" not in found


def test_a_change_before_a_hold_is_moved_with_nothing() -> None:
    found = months(DAILY, "", change("price", 400_000, date(2024, 2, 29)))
    left = Fraction(400_000 - 60_000, 306)
    assert found["2024-03"] == round(10 * left) and sum(found.values()) == 400_000
