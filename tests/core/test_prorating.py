"""What a charge line has earned by a day, for refunds pro rata."""

from collections.abc import Callable
from datetime import date
from decimal import Decimal

import pytest

from revrec.core.charge_line import SHARE, ChargeLine, FulfillmentEvent
from revrec.core.pricing import AllocationStep
from revrec.core.prorating import Proration, prorate
from revrec.core.schedule import Unscheduled
from support.rules import MakeBook

D = date.fromisoformat
YEAR = ("2024-01-01", "2024-12-31")


@pytest.fixture
def prorated(line: ChargeLine, book: MakeBook) -> Callable[..., Proration]:
    """Prorate a line of 1,200.00 over 2024 by the keys of its [rule.recognize]."""

    def of(
        keys: str,
        day: str,
        events: tuple[FulfillmentEvent, ...] = (),
        steps: tuple[AllocationStep, ...] = (),
    ) -> Proration:
        served = line._replace(post_date=D(YEAR[0]), service_start=D(YEAR[0]), service_end=D(YEAR[1]), amount=1_200_00)
        rules = book(f'[[rule]]\nname = "r"\n[rule.recognize]\n{keys}\n')
        found = prorate(rules, served, events, steps, D(day))
        assert not isinstance(found, Unscheduled), found
        assert found.price == found.earned + found.unearned
        return found

    return of


@pytest.mark.parametrize(
    ("keys", "day", "earned"),
    [
        ('method = "daily"\nby = "month"', "2024-02-29", 196_72),  # 60 of 366 days
        ('method = "daily"', "2024-04-30", 396_72),  # 121 of 366 days
        ('method = "monthly_prorated"', "2024-04-30", 400_00),
        ('method = "monthly_prorated"', "2024-04-15", 350_00),
        ('method = "monthly"\non = "last"', "2024-04-30", 400_00),
        ('method = "monthly"\non = "last"', "2024-02-10", 134_48),  # 100.00 and 10 of 29 days of February
        ('method = "every"\nevery = "3 months"\nalign = "calendar"', "2024-02-15", 151_65),  # 46 of 91 days
        ('method = "every"\nevery = "1 month"\nweigh = "days"\non = "last"', "2024-04-15", 347_54),  # 106 of 366 days
        ('method = "monthly"\non = "last"\nroll = "preceding"', "2024-02-10", 134_48),
        ('method = "monthly"', "2024-04-15", 400_00),  # an issue of a magazine is earned on its date
        ('method = "fiscal"\npattern = "4-4-5"', "2024-06-29", 593_44),  # 181 of 366 days
        ('method = "fixed_offset"\noffset = "3 months"', "2024-03-31", 0),
        ('method = "fixed_offset"\noffset = "3 months"', "2024-04-01", 1_200_00),
        ('method = "pod_date"', "2024-04-30", 0),
        ('method = "daily"', "2023-12-31", 0),
        ('method = "daily"', "2025-06-30", 1_200_00),
    ],
)
def test_what_is_earned_by_a_day_follows_the_plan(
    prorated: Callable[..., Proration], keys: str, day: str, earned: int
) -> None:
    assert prorated(keys, day).earned == earned


@pytest.mark.parametrize(("amount", "currency", "earned"), [(-1_200_00, "USD", -396_72), (1_000_001, "JPY", 330_601)])
def test_credits_and_other_currencies_are_prorated_alike(
    prorated: Callable[..., Proration], line: ChargeLine, book: MakeBook, amount: int, currency: str, earned: int
) -> None:
    rules = book('[[rule]]\nname = "r"\n[rule.recognize]\nmethod = "daily"\n')
    served = line._replace(service_start=D(YEAR[0]), service_end=D(YEAR[1]), amount=amount, currency=currency)
    found = prorate(rules, served, (), (), D("2024-04-30"))
    assert isinstance(found, Proration) and found.earned == earned


def test_a_price_change_before_the_day_counts(prorated: Callable[..., Proration], line: ChargeLine) -> None:
    credit = FulfillmentEvent(line.id, "credit", D("2024-03-31"), amount=300_00)
    # 300.00 by the end of March; 900.00 - 300.00 over nine months: a month is 66.67.
    found = prorated('method = "monthly_prorated"', "2024-04-30", (credit,))
    assert (found.price, found.earned) == (900_00, 366_67)


def test_the_billed_amount_of_a_line_in_a_contract_is_refunded(prorated: Callable[..., Proration]) -> None:
    found = prorated('method = "monthly_prorated"', "2024-04-30", (), (AllocationStep(None, 300_00, "shared"),))
    assert (found.price, found.earned, found.unearned) == (1_200_00, 400_00, 800_00)


def test_the_interest_in_a_price_is_not_refunded(line: ChargeLine, book: MakeBook) -> None:
    rules = book(
        '[[rule]]\nname = "r"\n[rule.recognize]\nmethod = "monthly"\non = "last"\n[rule.financing]\n'
        'direction = "prepayment"\nrate = "6"\ninterest = "7100"\n'
    )
    served = line._replace(post_date=D(YEAR[0]), service_start=D(YEAR[0]), service_end=D("2025-12-31"), amount=2_400_00)
    found = prorate(rules, served, (), (), D("2024-12-31"))
    assert isinstance(found, Proration) and (found.price, found.earned) == (2_400_00, 1_200_00)


def test_a_new_price_counts_for_what_is_not_earned(prorated: Callable[..., Proration]) -> None:
    found = prorated('method = "daily"', "2024-07-14")
    assert found.earned == 642_62
    assert found.at_price(1_800_00) == 642_62 + 836_07
    assert found.at_price(1_200_00) == 1_200_00
    assert found.at_price(0) == 642_62


def test_used_units_are_earned_and_the_others_refunded(prorated: Callable[..., Proration], line: ChargeLine) -> None:
    used = FulfillmentEvent(line.id, "usage", D("2024-02-10"), quantity=Decimal(30))
    found = prorated('method = "usage"\nunits = 120', "2024-03-31", (used,))
    assert (found.earned, found.unearned) == (300_00, 900_00)


@pytest.mark.parametrize("of_rule", [True, False])
def test_an_estimate_of_what_is_constrained_does_not_change_what_is_earned(
    prorated: Callable[..., Proration], line: ChargeLine, of_rule: bool
) -> None:
    keys = 'method = "daily"\nby = "month"'
    keys += '\n[rule.constraint]\npercent = 10\nreason = "rebate"' if of_rule else ""
    estimate = FulfillmentEvent(line.id, "constraint", D("2024-03-01"), amount=120_00)
    found = prorated(keys, "2024-04-30", () if of_rule else (estimate,))
    assert (found.price, found.earned) == (1_200_00, 396_72)


def test_what_the_contract_gains_after_the_day_does_not_count(prorated: Callable[..., Proration]) -> None:
    """The line earns 1,000.00 of the contract, and 200.00 more after the day: half a year is half of its price."""
    shares = (AllocationStep(None, -200_00, ""), AllocationStep(D("2024-08-01"), 0, "", SHARE, planned=True))
    assert prorated('method = "monthly_prorated"', "2024-06-30", (), shares).earned == 600_00
