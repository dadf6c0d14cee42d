"""What is constrained: billed, but no part of the price; how it is included, refunded, and reported."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from revrec.core.charge_line import ChargeLine, FulfillmentEvent
from revrec.core.constraint import split_constrained
from revrec.core.explanation import explain_parts
from revrec.core.rules import RuleBook, parse_rules
from revrec.core.schedule import Schedule, Unscheduled
from support.rules import matched

ACCOUNTS = {"deferred": "2400", "accrued": "4000", "journal": "RR"}
RETURNS = 'percent = 3\nreason = "right of return"'
GOODS = 'method = "pod_date"'
MONTHLY = 'method = "monthly"\nperiods = 4'
COST = '[[rule.cost]]\nname = "cogs"\npercent = "60"\ndeferred = "1300"\nexpense = "5000"'


def book(recognize: str, constraint: str = "", more: str = "") -> RuleBook:
    table = f"[rule.constraint]\n{constraint}\n" if constraint else ""
    return RuleBook(
        parse_rules(f'[[rule]]\nname = "r"\n[rule.recognize]\n{recognize}\n{table}{more}', "r.toml", ACCOUNTS)
    )


def sold(amount: int = 1_000_000, currency: str = "USD") -> ChargeLine:
    """100 products at 100.00, posted on 10 January 2024."""
    return ChargeLine("shop", "INV-1", "1", "C", "GOODS", date(2024, 1, 10), amount, currency)


def event(kind: str, day: str, amount: int | None = None, **more: Any) -> FulfillmentEvent:
    return FulfillmentEvent("shop/INV-1/1", kind, date.fromisoformat(day), amount=amount, **more)


def shown(found: Schedule | Unscheduled) -> tuple[list[tuple[str, int]], int]:
    """The parts, and what waits."""
    assert isinstance(found, Schedule), found
    return [(str(part.date), part.amount) for part in found.parts], sum(part.amount for part in found.waiting)


DELIVERED = event("pod", "2024-03-04")


def test_the_constrained_part_waits_with_its_amount_reason_and_fix() -> None:
    found = book(GOODS, RETURNS).derive(sold(), [DELIVERED])
    assert shown(found) == ([("2024-03-04", 970_000)], 30_000)
    assert isinstance(found, Schedule) and found.waits
    assert found.waits == Unscheduled(
        "waiting",
        'rule "r": constrained: right of return (ASC 606-10-32-11); record a new estimate with '
        "`revrec event add shop/INV-1/1 constraint DATE --amount N`",
        found.rule,
    )


def test_what_is_returned_is_credited_out_of_it_and_the_rest_is_revenue_once_the_right_lapses() -> None:
    goods = book(GOODS, f'{RETURNS}\nuntil = "30 days"\nfrom = "delivered"')
    two = event("credit", "2024-03-20", 20_000, name="CRN-1")
    assert shown(goods.derive(sold(), [DELIVERED])) == ([("2024-03-04", 970_000), ("2024-04-03", 30_000)], 0)
    assert shown(goods.derive(sold(), [DELIVERED, two])) == ([("2024-03-04", 970_000), ("2024-04-03", 10_000)], 0)
    on_the_last_day = two._replace(date=date(2024, 4, 3))
    assert shown(goods.derive(sold(), [DELIVERED, on_the_last_day])) == (
        [("2024-03-04", 970_000), ("2024-04-03", 10_000)], 0,
    )  # fmt: skip
    five = two._replace(amount=50_000)
    assert shown(goods.derive(sold(), [DELIVERED, five])) == ([("2024-03-04", 970_000), ("2024-03-20", -20_000)], 0)


def test_while_the_delivery_is_not_known_all_waits_for_it() -> None:
    found = book(GOODS, f'{RETURNS}\nuntil = "30 days"\nfrom = "delivered"').derive(sold())
    assert isinstance(found, Unscheduled) and "waits for proof of delivery" in found.reason
    assert "300.00 USD of it is constrained, until 30 days after delivered: right of return" in found.reason


def test_a_new_estimate_is_caught_up_for_what_is_satisfied_and_spread_over_the_rest() -> None:
    tenth = book(MONTHLY, 'percent = 10\nreason = "rebate"')
    less = event("constraint", "2024-02-20", percent=Decimal("5"))
    assert shown(tenth.derive(sold(120_000), [less])) == (
        [("2024-01-10", 27_000), ("2024-02-10", 27_000), ("2024-02-20", 3_000), ("2024-03-10", 28_500),
         ("2024-04-10", 28_500)], 6_000,
    )  # fmt: skip
    more = event("constraint", "2024-02-20", 24_000)
    assert shown(tenth.derive(sold(120_000), [more])) == (
        [("2024-01-10", 27_000), ("2024-02-10", 27_000), ("2024-02-20", -6_000), ("2024-03-10", 24_000),
         ("2024-04-10", 24_000)], 24_000,
    )  # fmt: skip


def test_estimates_of_one_day_correct_each_other_and_come_after_its_credits() -> None:
    goods = book('method = "fixed_offset"', RETURNS)
    wrong, right = event("constraint", "2024-02-01", 90_000), event("constraint", "2024-02-01", 10_000)
    returned = event("credit", "2024-02-01", 20_000)
    assert shown(goods.derive(sold(), [wrong, right, returned])) == ([("2024-01-10", 970_000)], 10_000)


def test_an_estimate_constrains_a_line_whose_rule_says_nothing_and_its_note_is_the_reason() -> None:
    found = book('method = "fixed_offset"').derive(
        sold(750_000), [event("constraint", "2024-05-15", percent=Decimal("10"), note="volume rebate")]
    )
    assert shown(found) == ([("2024-01-10", 750_000), ("2024-05-15", -75_000)], 75_000)
    assert isinstance(found, Schedule) and found.waits and "constrained: volume rebate" in found.waits.reason


def test_an_estimate_after_the_lapse_constrains_again() -> None:
    goods = book('method = "fixed_offset"', f'{RETURNS}\nuntil = "1 month"')
    late = event("constraint", "2024-03-01", 5_000)
    found = goods.derive(sold(), [late])
    assert shown(found) == ([("2024-01-10", 970_000), ("2024-02-10", 30_000), ("2024-03-01", -5_000)], 5_000)
    assert isinstance(found, Schedule) and found.waits and "until" not in found.waits.reason


@pytest.mark.parametrize(("amount", "waits"), [(10_001, 300), (-10_001, -300), (1, 0), (17, 1)])
def test_shares_are_rounded_to_whole_units_of_the_currency_whatever_the_sign(amount: int, waits: int) -> None:
    parts, waiting = shown(book('method = "fixed_offset"', RETURNS).derive(sold(amount, "JPY")))
    assert waiting == waits and sum(part for _day, part in parts) == amount - waits


@pytest.mark.parametrize("sign", [1, -1])
def test_an_amount_is_in_the_currency_without_a_sign_and_never_more_than_the_line(sign: int) -> None:
    some = book('method = "fixed_offset"', 'amount = "250"\nreason = "dispute"')
    assert shown(some.derive(sold(sign * 40_000))) == ([("2024-01-10", sign * 15_000)], sign * 25_000)
    assert shown(some.derive(sold(sign * 20_000))) == ([], sign * 20_000)
    reported = event("constraint", "2024-02-01", 4_000)
    assert shown(some.derive(sold(sign * 20_000), [reported])) == ([("2024-02-01", sign * 16_000)], sign * 4_000)


def test_after_a_cancellation_what_is_included_comes_at_once() -> None:
    rules = book(MONTHLY, 'percent = 10\nreason = "rebate"\nuntil = "8 months"')
    ended = event("cancel", "2024-02-20")
    parts = [("2024-01-10", 27_000), ("2024-02-10", 27_000), ("2024-02-20", 54_000), ("2024-09-10", 12_000)]
    assert shown(rules.derive(sold(120_000), [ended])) == (parts, 0)
    refunded = ended._replace(amount=30_000)
    assert shown(rules.derive(sold(120_000), [refunded])) == ([*parts[:2], ("2024-02-20", 36_000)], 0)


def test_a_hold_stops_the_lapse_and_what_both_wait_for_is_reported() -> None:
    rules = book(MONTHLY, 'percent = 10\nreason = "rebate"')
    found = rules.derive(sold(120_000), [event("hold", "2024-02-01", note="dispute")])
    assert shown(found) == ([("2024-01-10", 27_000)], 93_000)
    assert isinstance(found, Schedule) and found.waits and found.waits.code == "held"
    assert (
        "on hold since 2024-02-01 (dispute)" in found.waits.reason
        and "120.00 USD of it constrained: rebate" in found.waits.reason
    )


def test_a_cost_waits_in_the_same_share_where_the_goods_may_come_back() -> None:
    back = book(GOODS, f"{RETURNS}\ncosts = true", COST)
    (cost,) = back.costs_of(sold())
    assert shown(back.derive(cost, [DELIVERED])) == ([("2024-03-04", -582_000)], -18_000)
    kept = book(GOODS, RETURNS, COST)
    assert shown(kept.derive(cost, [DELIVERED])) == ([("2024-03-04", -600_000)], 0)
    assert back.waits_with_revenue(cost.id) and not kept.waits_with_revenue(cost.id)


def test_what_is_constrained_of_a_line_is_no_part_of_the_price_of_its_contract(contract: Any) -> None:
    found = contract(
        "",
        "item,price\nA,60\nB,60\n",
        {"A": 10_000, "B": 0},
        recognize={"*": f"{MONTHLY}\n[rule.constraint]\n{RETURNS}"},
    )
    # 97.00 is the price, 48.50 for each; 3.00 stays constrained with the line that billed it.
    assert {id: (share.billed, share.allocated) for id, share in found.shares.items()} == {
        "shop/INV-1/A": (10_000, 5_150),
        "shop/INV-1/B": (0, 4_850),
    }


def test_each_amount_is_explained() -> None:
    line, rules = sold(120_000), book(MONTHLY, 'percent = 10\nreason = "rebate"\nuntil = "5 weeks"')
    found = rules.derive(line)
    assert isinstance(found, Schedule)
    assert "at first 120.00 USD of it is constrained, until 2024-02-14: rebate (ASC 606-10-32-11)" in found.explanation
    assert "constraint on 2024-02-14 (catch_up): 1080.00 becomes 1200.00 USD" in found.explanation
    rule = matched(rules.match(line))
    apart = split_constrained(rule.constraint, rule.method, line, ())
    assert apart
    words = list(explain_parts(found, apart.line, apart.events).values())
    assert words[1:3] == [
        "part 2 of 4: 2/4 of 1080.00 is 540.00, less 270.00 before it",
        "constraint on 2024-02-14: 1080.00 became 1200.00; the difference up to that day comes at once",
    ]
    assert words[3] == "part 3 of 4: 3/4 of 1200.00 is 900.00, less 600.00 before it"
