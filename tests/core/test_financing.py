"""Significant financing: the examples of the standard, and interest in other currencies, terms and directions."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from revrec.core.charge_line import ChargeLine, FulfillmentEvent
from revrec.core.money import to_minor
from revrec.core.rules import RuleBook, RuleErrors, parse_rules
from revrec.core.schedule import Schedule

D = date.fromisoformat
ACCOUNTS = {"deferred": "2400", "accrued": "4000", "journal": "RR"}
PREPAID = 'direction = "prepayment"\nrate = "6"\nterm = "2 years"'
DEFERRED = 'direction = "deferral"\nrate = "10"\nterm = "2 years"'
IN_TWO_YEARS = 'method = "fixed_offset"\noffset = "2 years"'
AT_ONCE = 'method = "fixed_offset"'


def book(financing: str, recognize: str = IN_TWO_YEARS, more: str = "") -> RuleBook:
    block = f'[rule.financing]\ninterest = "7100"\n{financing}\n'
    text = f'[[rule]]\nname = "r"\n[rule.recognize]\n{recognize}\n{more}\n{block}'
    return RuleBook(parse_rules(text, "r.toml", ACCOUNTS))


def charge(amount: str, currency: str = "USD", **fields: Any) -> ChargeLine:
    minor = to_minor(Decimal(amount), currency)
    return ChargeLine("shop", "INV-1", "1", "C", "I", D("2024-01-01"), minor, currency, **fields)


def revenue(rules: RuleBook, line: ChargeLine, events: Sequence[FulfillmentEvent] = ()) -> list[tuple[str, int]]:
    found = rules.derive(line, events)
    assert isinstance(found, Schedule), found
    return [(str(part.date), part.amount) for part in found.parts]


def interest(rules: RuleBook, line: ChargeLine, events: Sequence[FulfillmentEvent] = ()) -> list[tuple[str, int]]:
    lines = rules.costs_of(line)
    return [part for one in lines for part in revenue(rules, one, events)]


def test_a_list_of_rules_shows_the_rate_or_the_cash_price() -> None:
    by_price = 'direction = "prepayment"\ncash_price = "5000"\nterm = "2 years"'
    for terms, shown in ((PREPAID, "6 percent a year"), (by_price, "the rate implicit in a cash price of 5000")):
        (cost,) = book(terms).rules[0].named_costs
        assert cost.price == shown


def test_a_percentage_that_may_have_to_be_given_back_counts_from_what_is_billed() -> None:
    """10 percent of the 4,000.00 that the customer paid, and not of the price of 4,494.40 with the interest in it."""
    rules = book(PREPAID, more='[rule.constraint]\npercent = 10\nreason = "rebate"')
    assert revenue(rules, charge("4000.00")) == [("2026-01-01", 4094_40)]
    assert rules.constrained_part(charge("4000.00"), ()) == 400_00


# Examples of the standard


@pytest.mark.parametrize(
    ("currency", "amount", "first", "second", "price"),
    [
        ("USD", "4000.00", 240_00, 254_40, 4494_40),
        ("JPY", "4000", 240, 254, 4494),
        ("KWD", "4000.000", 240_000, 254_400, 4494_400),
        ("USD", "-4000.00", -240_00, -254_40, -4494_40),
    ],
)
def test_example_29_an_advance_payment_bears_interest_until_the_transfer(
    currency: str, amount: str, first: int, second: int, price: int
) -> None:
    rules, line = book(PREPAID + '\nby = "period"'), charge(amount, currency)
    # A negative amount from the deferred to the interest account: debit interest expense, credit deferred revenue.
    assert interest(rules, line) == [("2024-12-31", -first), ("2025-12-31", -second)]
    assert revenue(rules, line) == [("2026-01-01", price)]


def test_example_29_at_its_implicit_rate() -> None:
    rules = book('direction = "prepayment"\ncash_price = "5000"\nterm = "2 years"\nby = "period"')
    # 4,000 in advance instead of 5,000 at the transfer: 11.8 percent a year.
    assert interest(rules, charge("4000.00")) == [("2024-12-31", -472_14), ("2025-12-31", -527_86)]
    assert revenue(rules, charge("4000.00")) == [("2026-01-01", 5000_00)]


@pytest.mark.parametrize(
    ("price_or_rate", "price", "first"),
    [
        # Case A: the contractual rate of 5 percent is the market's; the price is the cash price.
        ('rate = "5"', 999_999_81, 4166_67),
        ('cash_price = "1000000"', 1_000_000_00, 4166_66),
        # Case B: at the market's rate of 12 percent the payments are worth 848,357.
        ('rate = "12"', 848_356_87, 8483_57),
    ],
)
def test_example_28_sixty_equal_payments(price_or_rate: str, price: int, first: int) -> None:
    keys = 'direction = "deferral"\nsettled = "equally"\ncompounds = "monthly"\nterm = "60 months"\n'
    rules, line = book(keys + price_or_rate, AT_ONCE), charge("1132273.80")  # 60 x 18,871.23
    assert revenue(rules, line) == [("2024-01-01", price)]
    found = interest(rules, line)
    assert len(found) == 60 and found[0] == ("2024-01-31", first)
    assert price + sum(amount for _day, amount in found) == line.amount


def test_example_26_a_right_of_return_and_a_payment_after_two_years() -> None:
    keys = (
        'direction = "deferral"\ncash_price = "100"\ncompounds = "monthly"\nstart = "delivered"\noffset = "3 months"\n'
        'term = "24 months"'
    )
    constraint = '[rule.constraint]\npercent = 100\nuntil = "3 months"\nreason = "right of return"\n'
    rules, line = book(keys, 'method = "pod_date"', constraint), charge("121.00")
    delivered = [FulfillmentEvent("shop/INV-1/1", "pod", D("2024-01-01"))]
    assert revenue(rules, line, delivered) == [("2024-04-01", 100_00)], "nothing before the right to return lapses"
    found = interest(rules, line, delivered)
    # 21 of interest over the 21 months that remain: 1.21 ** (1 / 21) - 1 = 0.911848 percent a month.
    assert (found[0], found[1], found[-1]) == (("2024-04-30", 91), ("2024-05-31", 92), ("2025-12-31", 109))
    assert len(found) == 21 and sum(amount for _day, amount in found) == 21_00


# The expedient, terms and periods


@pytest.mark.parametrize(
    ("more", "fields", "bears"),
    [
        ('term = "1 year"', {}, False),
        ('term = "13 months"', {}, True),
        ('term = "1 year"\nexpedient = false', {}, True),
        ("", {"service_end": D("2024-12-31")}, False),
        ("", {"service_end": D("2025-01-01")}, True),
        ("", {}, False),
    ],
)
def test_a_year_or_less_bears_no_interest_unless_the_rule_says_so(
    more: str, fields: dict[str, Any], bears: bool
) -> None:
    rules, line = book(f'direction = "prepayment"\nrate = "6"\n{more}', AT_ONCE), charge("1000.00", **fields)
    assert bool(rules.costs_of(line)) == bears
    found = rules.derive(line)
    assert isinstance(found, Schedule)
    assert (found.parts[0].amount > 1000_00) == bears
    assert ("ASC 606-10-32-18" in found.explanation) == (not bears and bool(more or fields))


def test_interest_is_spread_over_the_months_of_each_period() -> None:
    found = interest(book(PREPAID), charge("4000.00"))
    assert found[:2] == [("2024-01-31", -20_00), ("2024-02-29", -20_00)]
    assert sum(amount for day, amount in found if day < "2025") == -240_00
    assert [amount for day, amount in found if day >= "2025"] == [-21_20] * 12


def test_part_months_and_part_periods_bear_interest_by_their_days() -> None:
    line = charge("3660.00")._replace(post_date=D("2024-01-16"))
    rules = book('direction = "prepayment"\nrate = "10"\nterm = "18 months"', AT_ONCE)
    found = dict(interest(rules, line))
    # A year of 366.00 in twelve months; then 181 of 365 days at 10 percent of 4,026.00.
    assert (found["2024-01-31"], found["2024-02-29"]) == (-15_74, -30_50)
    assert -sum(amount for day, amount in found.items() if day <= "2025-01-15") == 366_00
    assert -sum(amount for day, amount in found.items() if day > "2025-01-15") == 199_65
    assert revenue(rules, line)[0][1] == 3660_00 + 565_65


@pytest.mark.parametrize(
    ("compounds", "price"), [("half_yearly", 4502_04), ("quarterly", 4505_97), ("monthly", 4508_64)]
)
def test_a_rate_a_year_is_divided_among_the_periods_of_the_year(compounds: str, price: int) -> None:
    assert revenue(book(f'{PREPAID}\ncompounds = "{compounds}"'), charge("4000.00")) == [("2026-01-01", price)]


def test_a_prepaid_service_is_settled_as_it_is_provided() -> None:
    keys = 'direction = "prepayment"\nrate = "12"\ncompounds = "monthly"\nsettled = "equally"'
    line = charge("10000.00", service_start=D("2024-01-01"), service_end=D("2025-12-31"))
    rules = book(keys, 'method = "monthly"\non = "last"')
    months, accrued = revenue(rules, line), interest(rules, line)
    # 10,000 / ((1 - 1.01 ** -24) / 0.01) = 470.73 a month
    assert {amount for _day, amount in months} == {470_73, 470_74}
    balance = 10_000_00
    for (_day, earned), (_same, cost) in zip(months, accrued, strict=True):
        assert abs(-cost - balance / 100) < 2
        balance += -cost - earned
    assert balance == 0


def test_the_interest_account_may_be_another_than_the_deferred_one() -> None:
    (one,) = book(DEFERRED + '\naccount = "1150"', AT_ONCE).costs.values()
    assert (one.deferred, one.expense) == ("1150", "7100")
    (one,) = book(DEFERRED, AT_ONCE).costs.values()
    assert one.deferred == "2400"


# Events


def test_interest_ends_with_a_cancellation_and_the_price_with_it() -> None:
    rules, line = book(PREPAID), charge("4000.00")
    cancel = FulfillmentEvent(line.id, "cancel", D("2025-06-15"), amount=4000_00)
    accrued = interest(rules, line, [cancel])
    # 240.00, five months of 21.20, and half of June
    assert sum(amount for _day, amount in accrued) == -(240_00 + 5 * 21_20 + 10_60)
    assert accrued[-1] == ("2025-06-15", -10_60)
    assert revenue(rules, line, [cancel]) == [("2025-06-15", 240_00 + 5 * 21_20 + 10_60)]


def test_a_credit_and_a_new_price_are_of_the_billed_amount() -> None:
    rules, line = book(PREPAID), charge("4000.00")
    credit = FulfillmentEvent(line.id, "credit", D("2024-03-01"), amount=1000_00)
    price = FulfillmentEvent(line.id, "price", D("2024-03-01"), amount=3000_00)
    assert revenue(rules, line, [credit]) == revenue(rules, line, [price]) == [("2026-01-01", 3494_40)]


def test_the_interest_that_accrued_before_a_cutover_is_history() -> None:
    rules, line = book(PREPAID), charge("4000.00")._replace(cutover=D("2024-06-30"))
    (interest,) = rules.costs_of(line)
    # Five whole months of 20.00; June accrues on its last day.
    assert (interest.amount, interest.recognized_before) == (-494_40, -100_00)
    found = rules.derive(interest)
    assert isinstance(found, Schedule) and sum(part.amount for part in found.historical) == -100_00
    assert revenue(rules, line) == [("2026-01-01", 4494_40)]


def test_another_amount_than_the_rule_plans_of_the_price_with_interest_is_a_difference() -> None:
    line = charge("4000.00")._replace(recognized_before=100_00, cutover=D("2024-06-30"))
    found = book(PREPAID).derive(line)
    assert not isinstance(found, Schedule) and found.code == "migration"


@given(
    st.integers(-(10**9), 10**9).filter(bool),
    st.sampled_from(("USD", "JPY", "KWD")),
    st.decimals("0.1", "30", places=1),
    st.integers(13, 120),
    st.sampled_from(("yearly", "quarterly", "monthly")),
    st.sampled_from(("prepayment", "deferral")),
    st.dates(date(2020, 1, 1), date(2028, 12, 31)),
)
def test_interest_and_revenue_settle_the_account(
    amount: int, currency: str, rate: Decimal, months: int, compounds: str, direction: str, day: date
) -> None:
    rules = book(
        f'direction = "{direction}"\nrate = "{rate}"\nterm = "{months} months"\ncompounds = "{compounds}"', AT_ONCE
    )
    line = ChargeLine("shop", "INV-1", "1", "C", "I", day, amount, currency)
    accrued = interest(rules, line)
    earned = rules.derive(line)
    total = sum(part.amount for part in earned.parts) if isinstance(earned, Schedule) else 0
    # What is billed, less what is recognized, with the interest: nothing is left on the account.
    assert amount - total - sum(one for _day, one in accrued) == 0
    assert len({one > 0 for _day, one in accrued if one}) <= 1
    dates = [day for day, _amount in accrued]
    assert dates == sorted(set(dates))


@pytest.mark.parametrize(
    ("keys", "problem"),
    [
        ('direction = "deferral"', "either a rate or a cash_price"),
        ('direction = "deferral"\nrate = "5"\ncash_price = "5"', "either a rate or a cash_price"),
        ('direction = "sideways"\nrate = "5"', "expected one of prepayment, deferral"),
        ('direction = "deferral"\nrate = "0"', "must be above zero"),
        ('direction = "deferral"\nrate = "5"\nterm = "-2 years"', "must lead forward in time"),
        (DEFERRED + '\nsettled = "equally"\noffset = "1 month"', "cannot be combined with equal payments"),
        (DEFERRED + '\nname = "interest"', "begins with financing"),
    ],
)
def test_mistakes_in_financing_are_reported(keys: str, problem: str) -> None:
    with pytest.raises(RuleErrors, match=problem):
        book(keys)


def test_a_term_that_is_not_a_number_of_payments_is_not_scheduled() -> None:
    rules = book(DEFERRED.replace("2 years", "18 months") + '\nsettled = "equally"', AT_ONCE)
    (line,) = rules.costs_of(charge("1000.00"))
    found = rules.derive(line)
    assert not isinstance(found, Schedule) and "not a whole number of payments" in found.reason
