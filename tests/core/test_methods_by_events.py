"""Methods that follow events: what is known is scheduled, the rest waits with its reason; and holds on any method."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from revrec.core.charge_line import ChargeLine, FulfillmentEvent
from revrec.core.schedule import Schedule, SchedulePart, or_unscheduled
from support.rules import Derive, unscheduled

D = date.fromisoformat
PROJECT = """method = "milestones"
milestones = [
  { name = "design", percent = 25 }, { name = "go-live", percent = 60 }, { name = "the end", percent = 15 },
]"""


@pytest.fixture
def project(line: ChargeLine) -> ChargeLine:
    """A project of 1,000.00 posted on 2024-01-10."""
    return line._replace(post_date=D("2024-01-10"), amount=100_000, quantity=Decimal(100))


def event(kind: str, day: str, number: float | str | None = None, name: str = "", note: str = "") -> FulfillmentEvent:
    quantity = percent = None if number is None else Decimal(str(number))
    return FulfillmentEvent("shop/INV-1042/1", kind, D(day), quantity, percent, None, name, note)


def known(found: Any) -> tuple[list[tuple[str, int]], int]:
    assert isinstance(found, Schedule), found
    return [(part.date.isoformat(), part.amount) for part in found.parts], sum(part.amount for part in found.waiting)


# deliveries of parts

DELIVERED = 'method = "pod_date"'


@pytest.mark.parametrize(
    ("pods", "parts", "waiting"),
    [
        ([("2024-03-01", 25, "S-1")], [("2024-03-01", 25_000)], 75_000),
        ([("2024-03-01", 25, "S-1"), ("2024-04-01", 75, "S-2")], [("2024-03-01", 25_000), ("2024-04-01", 75_000)], 0),
        ([("2024-04-01", 75, "S-2"), ("2024-03-01", 25, "S-1")], [("2024-03-01", 25_000), ("2024-04-01", 75_000)], 0),
        ([("2024-03-01", 25, "S-1"), ("2024-03-02", 30, "S-1")], [("2024-03-02", 30_000)], 70_000),
        ([("2024-03-01", 25, ""), ("2024-03-01", 10, "")], [("2024-03-01", 35_000)], 65_000),
        ([("2024-03-01", 25, "S-1"), ("2024-04-01", 999, "S-2")], [("2024-03-01", 25_000), ("2024-04-01", 75_000)], 0),
        ([("2024-03-01", 25, "S-1"), ("2024-04-01", None, "")], [("2024-03-01", 25_000), ("2024-04-01", 75_000)], 0),
        ([("2024-03-01", None, ""), ("2024-04-01", 25, "S-1")], [("2024-03-01", 100_000)], 0),
        ([("2024-03-01", None, "S-1"), ("2024-04-01", 25, "S-1")], [("2024-04-01", 25_000)], 75_000),
        ([("2024-03-01", None, ""), ("2024-02-01", None, "")], [("2024-02-01", 100_000)], 0),
        ([("2024-03-01", 100, "S-1")], [("2024-03-01", 100_000)], 0),
        ([("2024-03-01", 25, "S-1"), ("2024-04-01", -5, "S-2")], [("2024-03-01", 25_000)], 75_000),
    ],
)
def test_a_delivery_of_units_earns_their_share_and_adds_to_the_others(
    project: ChargeLine, derive: Derive, pods: list[Any], parts: list[tuple[str, int]], waiting: int
) -> None:
    events = [event("pod", day, units, name=name) for day, units, name in pods]
    assert known(derive(DELIVERED, project, events)) == (parts, waiting)


def test_parts_of_odd_cents_add_up_and_an_earlier_one_keeps_its_amount(project: ChargeLine, derive: Derive) -> None:
    line = project._replace(amount=-10_001, quantity=Decimal(-3))
    events = [event("pod", f"2024-0{month}-01", 1, name=f"S-{month}") for month in (2, 3, 4)]
    amounts = [known(derive(DELIVERED, line, events[:count])) for count in (1, 2, 3)]
    assert [[amount for _day, amount in parts] for parts, _left in amounts] == [
        [-3334], [-3334, -3333], [-3334, -3333, -3334],
    ]  # fmt: skip
    assert [left for _parts, left in amounts] == [-6667, -3334, 0]


def test_what_is_not_delivered_waits_with_its_share(project: ChargeLine, derive: Derive) -> None:
    found = derive(DELIVERED, project, [event("pod", "2024-03-01", 25, name="S-1")])
    assert "waits for proof of delivery (POD), 75% of it is not delivered" in found.waits.reason
    assert "pod_date recognizes 25% of it in deliveries from 2024-03-01 to 2024-03-01" in found.explanation


def test_a_line_without_a_quantity_is_delivered_whole(project: ChargeLine, derive: Derive) -> None:
    line = project._replace(quantity=None)
    assert known(derive(DELIVERED, line, [event("pod", "2024-03-01", 1)])) == ([("2024-03-01", 100_000)], 0)


def test_other_methods_start_when_the_last_unit_is_delivered(project: ChargeLine, derive: Derive) -> None:
    rule = 'method = "fixed_offset"\nstart = "delivered"\noffset = "1 day"'
    first, last = (event("pod", day, 50, name=day) for day in ("2024-03-01", "2024-04-01"))
    assert unscheduled(or_unscheduled(derive(rule, project, [first]))).code == "waiting"
    assert known(derive(rule, project, [first, last])) == ([("2024-04-02", 100_000)], 0)


# milestones


def test_reached_milestones_are_scheduled_and_the_others_wait_with_their_reason(
    project: ChargeLine, derive: Derive
) -> None:
    found = derive(PROJECT, project, [event("milestone", "2024-02-01", name="design")])
    assert known(found) == ([("2024-02-01", 25_000)], 75_000)
    assert found.waits.code == "waiting"
    assert found.waits.reason == (
        'rule "only": waits for milestones "go-live" (60%), "the end" (15%): '
        "record it with `revrec event add shop/INV-1042/1 milestone DATE --name go-live`"
    )
    assert found.explanation.endswith('milestones recognizes "design" (25%) on 2024-02-01')


def test_while_none_is_reached_the_line_is_unscheduled(project: ChargeLine, derive: Derive) -> None:
    found = unscheduled(or_unscheduled(derive(PROJECT, project)))
    assert (found.code, found.rule and found.rule.name) == ("waiting", "only")
    assert 'waits for milestones "design" (25%), "go-live" (60%), "the end" (15%)' in found.reason


def test_a_milestone_earns_the_same_in_whatever_order_they_are_reached(project: ChargeLine, derive: Derive) -> None:
    line = project._replace(amount=100_01)
    days = {"design": "2024-05-01", "go-live": "2024-03-01", "the end": "2024-04-01"}
    events = [event("milestone", day, name=name) for name, day in days.items()]
    found = known(derive(PROJECT, line, events))
    assert found == ([("2024-03-01", 6001), ("2024-04-01", 1500), ("2024-05-01", 2500)], 0)
    assert found == known(derive(PROJECT, line, events[::-1]))


def test_a_milestone_recorded_again_is_corrected_and_days_may_be_shared_and_moved(
    project: ChargeLine, derive: Derive
) -> None:
    events = [event("milestone", day, name=name) for name, day in (("design", "2024-02-01"), ("go-live", "2024-02-02"))]
    again = [*events, event("milestone", "2024-02-02", name="design"), event("milestone", "2024-02-02", name="unknown")]
    assert known(derive(PROJECT, project, again)) == ([("2024-02-02", 85_000)], 15_000)
    assert known(derive(f'{PROJECT}\noffset = "1 month"', project, events[:1])) == ([("2024-03-01", 25_000)], 75_000)


# percent_complete


def test_each_reading_catches_up_and_a_lower_one_takes_back(project: ChargeLine, derive: Derive) -> None:
    events = [
        event("percent", "2024-03-31", 40),
        event("percent", "2024-06-30", 70),
        event("percent", "2024-09-30", 65),
    ]
    found = derive('method = "percent_complete"', project, events)
    assert known(found) == ([("2024-03-31", 40_000), ("2024-06-30", 30_000), ("2024-09-30", -5_000)], 35_000)
    assert "waits for progress, 35% of it is not complete" in found.waits.reason
    assert "`revrec event add shop/INV-1042/1 percent DATE --percent N`" in found.waits.reason


def test_a_reading_of_the_same_day_corrects_and_the_order_of_recording_does_not_matter(
    project: ChargeLine, derive: Derive
) -> None:
    events = [
        event("percent", "2024-06-30", 70),
        event("percent", "2024-03-31", 40),
        event("percent", "2024-03-31", 35),
    ]
    found = known(derive('method = "percent_complete"', project, events))
    assert found == ([("2024-03-31", 35_000), ("2024-06-30", 35_000)], 30_000)


def test_what_is_complete_waits_for_nothing_and_thirds_sum_to_the_cent(project: ChargeLine, derive: Derive) -> None:
    events = [event("percent", f"2024-0{at}-01", number) for at, number in enumerate(("33.33", "66.67", "100"), 1)]
    for amount in (100_01, -100_01):
        parts, waiting = known(derive('method = "percent_complete"', project._replace(amount=amount), events))
        assert (sum(part for _day, part in parts), waiting) == (amount, 0)


def test_nothing_complete_again_takes_all_of_it_back(project: ChargeLine, derive: Derive) -> None:
    events = [event("percent", "2024-03-31", 40), event("percent", "2024-04-30", 0)]
    found = known(derive('method = "percent_complete"', project, events))
    assert found == ([("2024-03-31", 40_000), ("2024-04-30", -40_000)], 100_000)


# usage


def test_units_are_drawn_down_and_what_is_not_used_waits(project: ChargeLine, derive: Derive) -> None:
    events = [event("usage", "2024-02-01", 30), event("usage", "2024-03-01", 12.5)]
    found = derive('method = "usage"', project, events)
    assert known(found) == ([("2024-02-01", 30_000), ("2024-03-01", 12_500)], 57_500)
    assert "usage recognizes 42.5 of 100 units used" in found.explanation
    assert "`revrec event add shop/INV-1042/1 usage DATE --quantity N`" in found.waits.reason


def test_the_price_of_a_unit_is_rounded_cumulatively(project: ChargeLine, derive: Derive) -> None:
    line = project._replace(amount=100)
    found = derive('method = "usage"\nunits = 3', line, [event("usage", f"2024-02-0{day}", 1) for day in (1, 2, 3)])
    assert known(found) == ([("2024-02-01", 33), ("2024-02-02", 34), ("2024-02-03", 33)], 0)


def test_a_usage_with_a_name_corrects_the_one_of_that_name(project: ChargeLine, derive: Derive) -> None:
    events = [
        event("usage", "2024-02-01", 30, "jan"),
        event("usage", "2024-02-01", 10),
        event("usage", "2024-02-01", 20, "jan"),
    ]
    assert known(derive('method = "usage"', project, events)) == ([("2024-02-01", 30_000)], 70_000)


def test_more_than_was_paid_for_earns_no_more(project: ChargeLine, derive: Derive) -> None:
    events = [event("usage", "2024-02-01", 130), event("usage", "2024-03-01", -50)]
    assert known(derive('method = "usage"', project, events)) == (
        [("2024-02-01", 100_000), ("2024-03-01", -20_000)],
        20_000,
    )


def test_remote_breakage_is_recognized_when_the_units_expire(project: ChargeLine, derive: Derive) -> None:
    rule = 'method = "usage"\nexpires = "1 year"'
    events = [event("usage", "2024-02-01", 30), event("usage", "2025-02-01", 30)]
    found = derive(rule, project, events)
    assert known(found) == ([("2024-02-01", 30_000), ("2025-01-10", 70_000)], 0)
    assert found.explanation.endswith(
        "usage recognizes 30 of 100 units used, and the rest when they expire on 2025-01-10"
    )
    assert known(derive(rule, project)) == ([("2025-01-10", 100_000)], 0)


def test_expected_breakage_is_recognized_in_proportion_to_usage(project: ChargeLine, derive: Derive) -> None:
    rule = 'method = "usage"\nbreakage_percent = 20\nexpires = 2025-01-31'
    found = derive(rule, project, [event("usage", "2024-02-01", 40), event("usage", "2024-03-01", 40)])
    assert known(found) == ([("2024-02-01", 50_000), ("2024-03-01", 50_000)], 0)
    more = [event("usage", "2024-02-01", 40), event("estimate", "2024-03-01", 100)]
    assert known(derive(rule, project, more)) == (
        [("2024-02-01", 50_000), ("2024-03-01", -10_000), ("2025-01-31", 60_000)],
        0,
    )


def test_usage_needs_to_know_the_units(project: ChargeLine, derive: Derive) -> None:
    found = derive('method = "usage"', project._replace(quantity=None))
    assert (found.code, "write units in the rule" in found.reason) == ("impossible", True)


# hold, the method


def test_a_rule_that_holds_keeps_the_line_unscheduled_with_its_reason(project: ChargeLine, derive: Derive) -> None:
    found = unscheduled(or_unscheduled(derive('method = "hold"\nreason = "in dispute, file 17"', project)))
    assert (found.code, found.reason) == ("held", 'rule "only": held: in dispute, file 17')


# hold and release, the events

MONTHLY = 'method = "monthly"\nstart = "post_date"\nperiods = 4'


@pytest.fixture
def plan(project: ChargeLine) -> ChargeLine:
    return project._replace(amount=400, post_date=D("2024-01-31"))


def test_a_hold_stops_what_falls_on_its_day_or_later(plan: ChargeLine, derive: Derive) -> None:
    found = derive(MONTHLY, plan, [event("hold", "2024-02-29", note="customer insolvent")])
    assert known(found) == ([("2024-01-31", 100)], 300)
    assert (found.waits.code, found.waiting[0]) == ("held", SchedulePart(D("2024-02-29"), 100))
    assert found.waits.reason == (
        'rule "only": on hold since 2024-02-29 (customer insolvent): '
        "release it with `revrec event add shop/INV-1042/1 release DATE`"
    )


def test_a_release_catches_up_on_its_day(plan: ChargeLine, derive: Derive) -> None:
    events = [event("hold", "2024-02-10"), event("release", "2024-04-10")]
    found = derive(MONTHLY, plan, events)
    assert known(found) == ([("2024-01-31", 100), ("2024-04-10", 200), ("2024-04-30", 100)], 0)
    assert found.explanation.endswith("; on hold from 2024-02-10 to 2024-04-10")


def test_a_release_may_extend_and_month_ends_stay_month_ends(plan: ChargeLine, derive: Derive) -> None:
    rule = f'{MONTHLY}\non_release = "extend"'
    found = known(derive(rule, plan, [event("hold", "2024-02-10"), event("release", "2024-04-10")]))
    assert [day for day, _ in found[0]] == ["2024-01-31", "2024-04-30", "2024-05-31", "2024-06-30"]
    days = known(derive(rule, plan, [event("hold", "2024-02-10"), event("release", "2024-02-17")]))
    assert [day for day, _ in days[0]] == ["2024-01-31", "2024-03-07", "2024-04-07", "2024-05-07"]


def test_holds_follow_each_other_and_one_released_on_its_own_day_never_was(plan: ChargeLine, derive: Derive) -> None:
    none = [event("hold", "2024-02-10"), event("release", "2024-02-10")]
    assert known(derive(MONTHLY, plan, none)) == known(derive(MONTHLY, plan))
    twice = [
        event("hold", "2024-01-20"),
        event("hold", "2024-01-25"),
        event("release", "2024-02-15"),
        event("hold", "2024-03-31"),
    ]
    assert known(derive(MONTHLY, plan, twice)) == ([("2024-02-15", 100), ("2024-02-29", 100)], 200)


def test_a_hold_on_a_project_holds_what_was_reached_and_says_what_else_waits(
    project: ChargeLine, derive: Derive
) -> None:
    events = [event("milestone", "2024-03-01", name="design"), event("hold", "2024-02-01")]
    found = derive(PROJECT, project, events)
    assert known(found) == ([], 100_000)
    assert [part.amount for part in found.waiting] == [25_000, 75_000]
    assert "on hold since 2024-02-01" in found.waits.reason and 'waits for milestones "go-live"' in found.waits.reason


def test_holds_at_the_ends_of_the_calendar_are_impossible_and_no_crash(plan: ChargeLine, derive: Derive) -> None:
    for rule in (MONTHLY, f'{MONTHLY}\non_release = "extend"'):
        found = derive(rule, plan, [event("hold", "0001-01-01"), event("release", "9999-12-31")])
        assert found.code == "impossible"


# What is left when parts are on entries


def test_what_was_posted_before_a_late_hold_stays_and_the_rest_waits(plan: ChargeLine, derive: Derive) -> None:
    found = derive(MONTHLY, plan, [event("hold", "2024-02-10")])
    posted = [(D("2024-01-31"), 100), (D("2024-02-29"), 100)]
    assert found.remaining(posted)[:2] == ((), 200)


def test_a_catch_up_that_was_posted_is_not_due_again(plan: ChargeLine, derive: Derive) -> None:
    found = derive(MONTHLY, plan, [event("hold", "2024-02-10"), event("release", "2024-04-10")])
    assert found.remaining(found.parts[:2])[:2] == (found.parts[2:], 0)


def test_a_reading_corrected_downward_after_posting_is_reversed(project: ChargeLine, derive: Derive) -> None:
    found = derive('method = "percent_complete"', project, [event("percent", "2024-03-31", 30)])
    assert found.remaining([(D("2024-03-31"), 40_000)])[:2] == ((SchedulePart(D("2024-03-31"), -10_000),), 70_000)


def test_what_another_rule_posted_stays_while_nothing_is_known_and_is_set_right_then(
    project: ChargeLine, derive: Derive
) -> None:
    posted = [(D("2024-01-31"), 40_000)]
    assert derive(PROJECT, project).remaining(posted)[:2] == ((), 60_000)
    assert derive('method = "hold"\nreason = "in dispute"', project).remaining(posted)[:2] == ((), 60_000)
    reached = derive(PROJECT, project, [event("milestone", "2024-03-01", name="design")])
    assert reached.remaining(posted)[:2] == ((SchedulePart(D("2024-03-01"), -15_000),), 75_000)
