"""The schedule that each recognition method derives from a charge line."""

from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from revrec.core.charge_line import ChargeLine, FulfillmentEvent
from revrec.core.rules import RuleBook, parse_rules
from revrec.core.schedule import Schedule, Unscheduled
from support.rules import Derive, DeriveParts

D = date.fromisoformat


def event(line: ChargeLine, kind: str, day: str, name: str = "") -> FulfillmentEvent:
    return FulfillmentEvent(line.id, kind, D(day), name=name)


def served(line: ChargeLine, start: str, end: str) -> ChargeLine:
    return line._replace(service_start=D(start), service_end=D(end))


# The owner's examples


def test_a_magazine_of_24_is_earned_in_twelve_parts_of_2_the_first_a_week_after_payment(
    line: ChargeLine, parts: DeriveParts
) -> None:
    found = parts('method = "monthly"\noffset = "7 days"\nperiods = 12', line)
    assert found[0] == ("2024-04-04", 200)
    assert found[-1] == ("2025-03-04", 200)
    assert [amount for _day, amount in found] == [200] * 12


def test_an_invoice_posted_on_28_march_is_recognized_on_28_april(line: ChargeLine, parts: DeriveParts) -> None:
    assert parts('method = "fixed_offset"\noffset = "1 month"', line) == [("2024-04-28", 2400)]


def test_goods_are_recognized_30_days_after_the_order(line: ChargeLine, parts: DeriveParts) -> None:
    assert parts('method = "fixed_offset"\noffset = "30 days"', line) == [("2024-04-27", 2400)]


def test_goods_wait_for_the_proof_of_delivery_and_are_recognized_on_its_date(
    line: ChargeLine, derive: Derive, parts: DeriveParts
) -> None:
    waiting = derive('method = "pod_date"', line)
    assert isinstance(waiting, Unscheduled)
    assert waiting.code == "waiting"
    assert waiting.reason == (
        'rule "only": waits for proof of delivery (POD): record it with `revrec event add shop/INV-1042/1 pod DATE`'
    )
    assert parts('method = "pod_date"', line, [event(line, "pod", "2024-04-02")]) == [("2024-04-02", 2400)]


def test_a_contract_paid_up_front_is_earned_every_30_days(line: ChargeLine, parts: DeriveParts) -> None:
    found = parts('method = "every"\nevery = "30 days"\nperiods = 3', line)
    assert found == [("2024-03-28", 800), ("2024-04-27", 800), ("2024-05-27", 800)]


# Anchors


def test_a_later_recorded_delivery_corrects_an_earlier_one(line: ChargeLine, parts: DeriveParts) -> None:
    events = [event(line, "pod", "2024-04-09"), event(line, "pod", "2024-04-02")]
    assert parts('method = "pod_date"\noffset = "1 day"', line, events) == [("2024-04-03", 2400)]


def test_the_date_on_the_line_is_used_and_waited_for(line: ChargeLine, derive: Derive, parts: DeriveParts) -> None:
    assert parts('method = "rev_rec_date"', line._replace(rev_rec_date=D("2024-05-05"))) == [("2024-05-05", 2400)]
    assert "needs a rev_rec_date" in derive('method = "rev_rec_date"', line).reason


def test_an_event_is_an_anchor_by_its_kind_or_its_name(line: ChargeLine, derive: Derive, parts: DeriveParts) -> None:
    rule = 'method = "fixed_offset"\nstart = "event:go-live"'
    live = event(line, "milestone", "2024-06-01", "go-live")
    assert parts(rule, line, [live, event(line, "milestone", "2024-07-01", "training")]) == [("2024-06-01", 2400)]
    assert parts('method = "fixed_offset"\nstart = "event:usage"', line, [event(line, "usage", "2024-06-02")]) == [
        ("2024-06-02", 2400)
    ]
    assert "`revrec event add shop/INV-1042/1 milestone DATE --name go-live`" in derive(rule, line).reason


def test_missing_service_dates_are_waited_for_and_can_be_recorded(
    line: ChargeLine, derive: Derive, parts: DeriveParts
) -> None:
    waiting = derive('method = "daily"', line._replace(service_start=D("2024-04-01")))
    assert waiting.code == "waiting"
    assert waiting.reason.endswith("`revrec event add shop/INV-1042/1 service_dates DATE --name end`")
    recorded = [
        event(line, "service_dates", "2024-04-01", "start"),
        event(line, "service_dates", "2024-04-02", "end"),
    ]
    assert parts('method = "daily"', line, recorded) == [("2024-04-01", 1200), ("2024-04-02", 1200)]


def test_a_charge_id_with_blanks_is_quoted_for_the_shell(line: ChargeLine, derive: Derive) -> None:
    assert "event add 'shop/INV 1/1' pod DATE" in derive('method = "pod_date"', line._replace(document="INV 1")).reason


# Monthly


def test_a_start_on_the_31st_uses_each_month_end(line: ChargeLine, parts: DeriveParts) -> None:
    found = parts('method = "monthly"\nperiods = 4', line._replace(post_date=D("2024-01-31")))
    assert [day for day, _amount in found] == ["2024-01-31", "2024-02-29", "2024-03-31", "2024-04-30"]


def test_an_offset_of_months_is_added_to_the_start_itself(line: ChargeLine, parts: DeriveParts) -> None:
    found = parts('method = "monthly"\noffset = "1 month"\nperiods = 2', line._replace(post_date=D("2024-01-31")))
    assert [day for day, _amount in found] == ["2024-02-29", "2024-03-31"]


@pytest.mark.parametrize("day", ["2024-01-29", "2024-01-30", "2024-01-31"])
def test_a_service_that_starts_late_in_the_month_gets_all_its_parts(
    line: ChargeLine, parts: DeriveParts, day: str
) -> None:
    found = parts('method = "monthly"\non = "last"', served(line, day, "2024-12-31"))
    assert len(found) == 12
    assert found[0][0] == "2024-01-31"


def test_a_service_that_ends_on_the_first_of_a_month_touches_that_month(line: ChargeLine, parts: DeriveParts) -> None:
    touched = parts('method = "monthly"\non = "last"', served(line, "2024-05-01", "2024-08-01"))
    assert [day for day, _amount in touched] == ["2024-05-31", "2024-06-30", "2024-07-31", "2024-08-31"]
    excluded = parts('method = "monthly"\non = "last"\nend_inclusive = false', served(line, "2024-05-01", "2024-08-01"))
    assert len(excluded) == 3


def test_parts_on_the_first_begin_with_the_start_itself(line: ChargeLine, parts: DeriveParts) -> None:
    found = parts('method = "monthly"\non = "first"\nperiods = 3', line)
    assert [day for day, _amount in found] == ["2024-03-28", "2024-04-01", "2024-05-01"]


def test_months_from_day_to_day_are_counted_by_their_beginnings(line: ChargeLine, parts: DeriveParts) -> None:
    assert len(parts('method = "monthly"', served(line, "2024-01-15", "2025-01-14"))) == 12
    assert len(parts('method = "monthly"', served(line, "2024-01-15", "2025-01-15"))) == 13
    assert len(parts('method = "monthly"\non = "first"', served(line, "2024-01-15", "2025-01-14"))) == 13


# Daily


def test_daily_by_month_puts_each_months_days_on_its_last_day_and_the_last_on_the_service_end(
    line: ChargeLine, parts: DeriveParts
) -> None:
    found = parts('method = "daily"\nby = "month"', served(line._replace(amount=6500), "2019-01-10", "2019-03-15"))
    assert found == [("2019-01-31", 2200), ("2019-02-28", 2800), ("2019-03-15", 1500)]


def test_daily_takes_days_or_an_end_instead_of_the_service_dates(line: ChargeLine, parts: DeriveParts) -> None:
    assert parts('method = "daily"\ndays = 2', line) == [("2024-03-28", 1200), ("2024-03-29", 1200)]
    assert len(parts('method = "daily"\nstart = "post_date"\nend = 2024-04-06', line)) == 10


def test_a_service_that_ends_on_the_day_it_starts_is_one_part(line: ChargeLine, parts: DeriveParts) -> None:
    assert parts('method = "daily"', served(line, "2024-05-01", "2024-05-01")) == [("2024-05-01", 2400)]


@pytest.mark.parametrize("method", ['method = "daily"', 'method = "monthly"', 'method = "every"\nevery = "1 week"'])
def test_a_service_that_ends_before_it_begins_is_impossible_and_says_how_to_fix_it(
    line: ChargeLine, derive: Derive, method: str
) -> None:
    found = derive(method, served(line, "2024-05-02", "2024-05-01"))
    assert found.code == "impossible"
    assert "begin on 2024-05-02 and end on 2024-05-01" in found.reason
    assert "service_dates DATE --name start" in found.reason


# Every


def test_every_counts_its_parts_from_the_service_dates(line: ChargeLine, parts: DeriveParts) -> None:
    found = parts('method = "every"\nevery = "3 months"', served(line, "2024-01-31", "2024-12-31"))
    assert [day for day, _amount in found] == ["2024-01-31", "2024-04-30", "2024-07-31", "2024-10-31"]


def test_every_goes_by_business_days(line: ChargeLine, parts: DeriveParts) -> None:
    found = parts('method = "every"\nevery = "2 business days"\nperiods = 3', line)
    assert [day for day, _amount in found] == ["2024-03-28", "2024-04-01", "2024-04-03"]


# Rounding, zero parts, rolls, limits


def test_parts_that_round_to_zero_are_left_out_and_do_not_end_the_schedule(
    line: ChargeLine, parts: DeriveParts
) -> None:
    found = parts('method = "monthly"\nperiods = 12', line._replace(amount=2))
    assert found == [("2024-05-28", 1), ("2024-11-28", 1)]


def test_a_first_part_of_zero_does_not_end_the_schedule(line: ChargeLine, parts: DeriveParts) -> None:
    found = parts('method = "daily"\nby = "month"', served(line._replace(amount=5), "2024-01-31", "2024-03-31"))
    assert [amount for _day, amount in found] == [2, 3]


def test_an_amount_of_zero_has_nothing_to_recognize(line: ChargeLine, derive: Derive) -> None:
    assert derive('method = "fixed_offset"', line._replace(amount=0)).code == "closed"


def test_days_that_roll_onto_the_same_business_day_become_one_part(line: ChargeLine, parts: DeriveParts) -> None:
    found = parts('method = "daily"\ndays = 5\nroll = "following"', line._replace(amount=500))
    assert found == [("2024-03-28", 100), ("2024-03-29", 100), ("2024-04-01", 300)]


@pytest.mark.parametrize(
    "rule",
    ['method = "fixed_offset"\noffset = "1 year"', 'method = "monthly"\nperiods = 24', 'method = "daily"\ndays = 999'],
)
def test_dates_beyond_the_calendar_are_impossible_and_no_crash(line: ChargeLine, derive: Derive, rule: str) -> None:
    found = derive(rule, line._replace(post_date=date(9999, 12, 1)))
    assert (found.code, found.reason) == ("impossible", 'rule "only": its dates would lie beyond the years 1 to 9999')


@pytest.mark.parametrize("method", ['method = "daily"', 'method = "every"\nevery = "1 business day"'])
def test_a_service_of_many_hundred_years_is_refused_quickly(line: ChargeLine, derive: Derive, method: str) -> None:
    found = derive(method, served(line, "1900-01-01", "9999-01-01"))
    assert found.code == "impossible"
    assert "more than 36600 parts" in found.reason


def test_the_explanation_shows_rule_method_dates_and_rounding(line: ChargeLine, derive: Derive) -> None:
    found = derive('method = "monthly"\noffset = "7 days"\nperiods = 12', line)
    assert found.explanation == (
        'rule "only" matches and comes first by its priority 100; monthly recognizes it in 12 parts from 2024-04-04 '
        "to 2025-03-04, counted from post_date 2024-03-28 + 7 days, rounding cumulative"
    )


# What holds for every schedule

RULES = {
    "fixed_offset": 'offset = "-2 months"',
    "monthly same day": 'method = "monthly"\nperiods = 7\noffset = "3 days"',
    "monthly first": 'method = "monthly"\non = "first"',
    "monthly last": 'method = "monthly"\non = "last"',
    "daily": 'method = "daily"',
    "daily by month": 'method = "daily"\nby = "month"\nroll = "modified_following"',
    "every": 'method = "every"\nevery = "10 days"\nroll = "preceding"',
}
BOOKS = {
    (name, rounding): RuleBook(
        parse_rules(
            '[[rule]]\nname = "r"\n[rule.recognize]\n'
            + (keys if "method" in keys else f'method = "{name}"\n{keys}')
            + f'\nrounding = "{rounding}"\n',
            "r.toml",
            {"deferred": "1", "accrued": "2", "journal": "J"},
        )
    )
    for name, keys in RULES.items()
    for rounding in ("cumulative", "last", "first")
}


@st.composite
def charge_lines(draw: st.DrawFn) -> ChargeLine:
    start = draw(st.dates(date(2000, 1, 1), date(2060, 1, 1)))
    end = start + timedelta(days=draw(st.integers(0, 800)))
    amount = draw(st.integers(-(10**7), 10**7).filter(bool))
    post = draw(st.dates(date(2000, 1, 1), date(2060, 1, 1)))
    return ChargeLine("s", "d", "1", "c", "i", post, amount, "USD", service_start=start, service_end=end)


@given(charge_lines(), st.sampled_from(sorted(BOOKS)))
def test_every_schedule_sums_to_its_line_in_date_order_with_no_zero_part(line: Any, which: Any) -> None:
    found = BOOKS[which].derive(line)
    assert isinstance(found, Schedule)
    assert sum(part.amount for part in found.parts) == line.amount
    dates = [part.date for part in found.parts]
    assert dates == sorted(set(dates))
    assert all(part.amount for part in found.parts)


@given(charge_lines(), charge_lines(), st.sampled_from(sorted(BOOKS)))
def test_a_schedule_does_not_depend_on_the_lines_before_it(line: Any, other: Any, which: Any) -> None:
    rule = BOOKS[which].rules[0]
    alone = RuleBook([rule]).derive(line)
    together = RuleBook([rule])
    together.derive(other)
    assert together.derive(line) == alone
    assert together.derive(line) == alone
