"""A plan that lines with the same events share divides their amounts as the derived schedules do."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from core.test_every_method import BOOKS, PLAIN, book, facts, reports
from hypothesis import given
from hypothesis import strategies as st

from revrec.core import same_changes
from revrec.core.charge_line import ChargeLine, FulfillmentEvent
from revrec.core.money import increments, split, split_by_progress
from revrec.core.policies import ON_CREDIT, ON_PRICE
from revrec.core.pricing import describe_price_changes, price_of
from revrec.core.rules import RuleBook
from revrec.core.rules import book as rule_book
from revrec.core.rules.book import REPORTS
from revrec.core.schedule import Schedule

MAY = date(2024, 5, 2)
POD = book({"method": "pod_date"})
PERCENT = book({"method": "percent_complete"})
POLICIES = [{"on_credit": how} for how in ON_CREDIT] + [{"on_price": how} for how in ON_PRICE]
USAGE = book({"method": "usage", "units": 100, "expires": "1 year"})


def sold(amount: int, document: str = "1", **fields: Any) -> ChargeLine:
    return ChargeLine("shop", document, "1", "C", "A", date(2024, 1, 1), amount, "USD", **fields)


def reported(kind: str, document: str = "1", **fields: Any) -> FulfillmentEvent:
    return FulfillmentEvent(f"shop/{document}/1", kind, MAY, **fields)


def check(rules: RuleBook, line: ChargeLine, events: list[FulfillmentEvent]) -> bool:
    """Check a plain schedule against the derived one; return False if there is none for the line."""
    plain = rules.derive_plain(line, events)
    if plain is None:
        return False
    plain = plain.in_words()
    derived = rules.derive(line, events)
    assert isinstance(derived, Schedule)
    assert derived.parts == plain.parts and plain.parts
    assert sum(part.amount for part in derived.waiting) == plain.undated
    assert (derived.waits, bool(derived.waits)) == (plain.waits, bool(plain.undated))
    rule = plain.plan.rule
    assert (derived.explanation, derived.rule, derived.post) == (plain.explanation, rule, rule.post)
    assert plain.price == price_of(line, events) == sum(part.amount for part in derived.all_parts)
    assert plain.price_words == describe_price_changes(line, events)
    assert not derived.table_target and derived.divides == plain.divides
    return True


@given(facts(), st.sampled_from(BOOKS))
def test_a_shared_plan_divides_as_the_derived_schedule_does(case: Any, rules: RuleBook) -> None:
    line, events = case
    check(rules, line, [event for event in events if event.kind in REPORTS])


@given(reports(), st.sampled_from([*BOOKS, *PLAIN, *(book({"method": "monthly", **one}) for one in POLICIES)]))
def test_one_change_of_a_plan_leaves_the_derived_schedule(case: Any, rules: RuleBook) -> None:
    line, events = case
    changing = [event for event in events if event.kind not in REPORTS]
    for one in [*changing, None]:
        check(rules, line, [event for event in events if event is one or event.kind in REPORTS])


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
    one, other = (rules.derive_plain(sold(amount, name), [reported(document=name, **event)]) for name in "12")
    assert one and other and one.plan is other.plan


MONTHLY = book({"method": "monthly", "periods": 12})
CREDIT, PRICE, CANCEL = reported("credit", amount=100), reported("price", amount=20_000), reported("cancel", amount=500)
HOLD = reported("hold", note="in dispute")


@pytest.mark.parametrize("event", [CREDIT, PRICE, CANCEL, HOLD])
@pytest.mark.parametrize("amount", [10_001, -9_999])
def test_one_change_of_a_year_is_plain(event: FulfillmentEvent, amount: int) -> None:
    assert check(MONTHLY, sold(amount), [event])


def test_the_plans_of_pinned_rules_are_forgotten_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rule_book, "MOST_DATES_KEPT", 40)
    rules = book({"method": "monthly", "periods": 12})
    pinned = []
    for month in range(1, 13):
        line = sold(10_000, str(month))._replace(post_date=date(2024, month, 1))
        pinned.append(rules.pinned({line.id: rules.rules[0]}))
        assert pinned[-1].derive_plain(line, [])
    (entry,) = rules._pinned_rules.values()
    assert 12 * len(entry.plans) <= 40 and len(entry.recorded) <= len(entry.plans)


def test_the_plans_after_holds_are_forgotten_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rule_book, "MOST_DATES_KEPT", 40)
    rules = book({"method": "monthly", "periods": 12})
    for day in range(3, 29):
        assert check(rules, sold(10_000), [HOLD, reported("release")._replace(date=date(2024, 6, day))])
    assert 12 * len(rules._entries[0].recorded) <= 40


LATER = [
    reported("credit", amount=300), reported("price", amount=25_000), reported("cancel"), reported("hold"),
    reported("constraint", amount=700, note="100% of the bonus"), reported("constraint", amount=0), reported("release"),
]  # fmt: skip


@pytest.mark.parametrize("second", [one._replace(date=date(2024, 7, 20)) for one in LATER])
@pytest.mark.parametrize("first", [CREDIT, PRICE, HOLD, reported("constraint", amount=500)])
def test_a_second_change_of_a_year_is_plain(first: FulfillmentEvent, second: FulfillmentEvent) -> None:
    assert check(MONTHLY, sold(36_001), [first, second])
    check(MONTHLY, sold(-20_000), [first, second])
    check(MONTHLY, sold(1_000), [first, second])


def test_changes_on_the_same_days_are_forgotten_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(same_changes, "MOST_DATES_KEPT", 40)
    for day in range(1, 29):
        assert check(MONTHLY, sold(10_000), [CREDIT._replace(date=date(2024, 6, day))])
    assert 12 * len(same_changes._KEPT._found) <= 40


@pytest.mark.parametrize("how", ["latest", "earned_first"])
def test_what_a_credit_takes_back_first_is_derived(how: str) -> None:
    rules = book({"method": "monthly", "periods": 12, "on_credit": how})
    assert rules.derive_plain(sold(10_000), [CREDIT]) is None


@st.composite
def changes(draw: st.DrawFn) -> FulfillmentEvent:
    """A change of the price, of what is constrained, or a hold or its release, around a year's plan."""
    kind = draw(st.sampled_from(("credit", "price", "cancel", "constraint", "hold", "release")))
    day, name = date(2023, 12, 1) + timedelta(days=draw(st.integers(0, 460))), draw(st.sampled_from(("", "", "", "a")))
    event = FulfillmentEvent("shop/1/1", kind, day, name=name)
    if kind == "constraint" and draw(st.booleans()):
        return event._replace(percent=Decimal(draw(st.integers(0, 100))))
    if kind in ("hold", "release") or (kind == "cancel" and draw(st.booleans())):
        return event
    least = 0 if kind in ("constraint", "price") else 1
    return event._replace(amount=draw(st.sampled_from((least, 100, 500)) | st.integers(1, 20_000)))


def with_sign_of(amount: int, event: FulfillmentEvent) -> FulfillmentEvent:
    """Return an event of a line with this amount: a credit of a negative line is negative, a constraint is not."""
    if event.amount is None or amount > 0 or event.kind == "constraint":
        return event
    return event._replace(amount=-event.amount)


SERVED = [
    book({**how, **one})
    for how in (
        {"method": "monthly", "on": "last"},
        {"method": "monthly", "on": "end"},
        {"method": "every", "every": "3 months", "align": "calendar", "weigh": "days"},
        {"method": "every", "every": "45 days", "on": "end"},
        {"method": "monthly_prorated"},
        {"method": "daily", "by": "month", "day_count": "30/360"},
        {"method": "daily"},
        {"method": "fiscal", "pattern": "4-4-5"},
    )
    for one in ({}, {"on_release": "extend"}, {"on_price": "catch_up", "on_credit": "catch_up"})
]


@given(
    st.integers(-200_000, 200_000).filter(bool), st.lists(changes(), min_size=1, max_size=4), st.sampled_from(SERVED),
    st.integers(0, 40), st.integers(20, 430),
)  # fmt: skip
def test_changes_within_the_days_of_a_part_leave_the_derived_schedule(
    amount: int, events: list[FulfillmentEvent], rules: RuleBook, start: int, length: int
) -> None:
    begins = date(2023, 12, 20) + timedelta(days=start)
    line = sold(amount, service_start=begins, service_end=begins + timedelta(days=length))
    check(rules, line, [with_sign_of(amount, one) for one in events])


YEARS = [
    book({"method": "monthly", "periods": 12, **one})
    for one in ({}, *POLICIES, {"on_release": "extend"}, {"on_price": "catch_up", "on_credit": "catch_up"})
]


@given(
    st.integers(-20_000, 20_000).filter(bool), st.lists(changes(), min_size=2, max_size=5),
    st.sampled_from([*YEARS, book({"method": "percentages", "percentages": [40, 30, 20, 10]}), *PLAIN]),
)  # fmt: skip
def test_several_changes_of_a_plan_leave_the_derived_schedule(
    amount: int, events: list[FulfillmentEvent], rules: RuleBook
) -> None:
    check(rules, sold(amount), [with_sign_of(amount, one) for one in events])


def test_a_change_of_what_waits_is_derived() -> None:
    used = reported("usage", quantity=Decimal(30))
    assert book({"method": "usage", "units": 100}).derive_plain(sold(10_000), [used, CREDIT]) is None


def test_a_part_without_a_cent_is_derived() -> None:
    assert USAGE.derive_plain(sold(1), [reported("usage", quantity=Decimal(30))]) is None
    assert MONTHLY.derive_plain(sold(10_000), [reported("price", amount=4_168)]) is None


@given(st.lists(st.integers(0, 10**6), min_size=1, max_size=12), st.integers(-(10**15), 10**15))
def test_increments_split_as_positions_do(positions: list[int], total: int) -> None:
    found = increments(sorted(positions))
    if found is not None and any(found):
        assert split(total, found) == split_by_progress(total, sorted(positions))
