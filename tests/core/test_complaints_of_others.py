"""What users of other systems complained of, each with its thread, held not to happen here."""

from collections.abc import Callable
from datetime import date

import pytest

from revrec.core.charge_line import ChargeLine
from support.rules import DeriveParts

D = date.fromisoformat
MONTHLY = ['method = "monthly"\non = "last"', 'method = "monthly_prorated"', 'method = "daily"\nby = "month"']


@pytest.fixture
def served(line: ChargeLine) -> Callable[..., ChargeLine]:
    def of(start: str, end: str, amount: int = 120_000) -> ChargeLine:
        return line._replace(post_date=D(start), service_start=D(start), service_end=D(end), amount=amount)

    return of


@pytest.mark.parametrize("rule", MONTHLY)
@pytest.mark.parametrize("start", ["2024-01-29", "2024-01-30", "2024-01-31"])
def test_a_service_from_the_end_of_a_month_has_an_entry_in_each_month(
    parts: DeriveParts, served: Callable[..., ChargeLine], rule: str, start: str
) -> None:
    # https://github.com/frappe/erpnext/issues/42647
    found = parts(rule, served(start, "2024-12-31"))
    assert [day[:7] for day, _amount in found] == [f"2024-{month:02}" for month in range(1, 13)]


@pytest.mark.parametrize("rule", MONTHLY)
def test_a_first_part_that_rounds_to_zero_does_not_end_the_schedule(
    parts: DeriveParts, served: Callable[..., ChargeLine], rule: str
) -> None:
    # https://github.com/frappe/erpnext/pull/40865
    found = parts(f'{rule}\nrounding = "last"', served("2024-01-31", "2024-04-30", 1))
    assert sum(amount for _day, amount in found) == 1


@pytest.mark.parametrize("rule", MONTHLY)
def test_a_service_that_ends_on_the_first_day_of_a_month_is_no_error(
    parts: DeriveParts, served: Callable[..., ChargeLine], rule: str
) -> None:
    # https://github.com/frappe/erpnext/pull/16666
    found = parts(rule, served("2024-01-15", "2024-04-01"))
    assert [day[:7] for day, _amount in found] == ["2024-01", "2024-02", "2024-03", "2024-04"]


@pytest.mark.parametrize("rule", MONTHLY)
def test_an_invoice_in_may_for_april_to_september_posts_nothing_into_april(
    parts: DeriveParts, served: Callable[..., ChargeLine], rule: str
) -> None:
    # https://github.com/frappe/erpnext/issues/49473
    line = served("2024-04-01", "2024-09-30")._replace(post_date=D("2024-05-06"))
    found = parts(f'{rule}\nnot_before = "post_date"', line)
    assert found[0][0] == "2024-05-06"
    assert [day[:7] for day, _amount in found] == ["2024-05", "2024-05", "2024-06", "2024-07", "2024-08", "2024-09"]


@pytest.mark.parametrize("rule", MONTHLY)
def test_no_schedule_runs_past_the_month_in_which_the_service_ends(
    parts: DeriveParts, served: Callable[..., ChargeLine], rule: str
) -> None:
    # https://github.com/frappe/erpnext/pull/43727
    for start, end in (("2024-01-15", "2024-06-14"), ("2024-01-31", "2024-02-29"), ("2023-11-30", "2024-02-01")):
        assert max(day[:7] for day, _amount in parts(rule, served(start, end))) == end[:7]


@pytest.mark.parametrize("rule", MONTHLY)
def test_eleven_months_are_eleven_parts(parts: DeriveParts, served: Callable[..., ChargeLine], rule: str) -> None:
    # https://github.com/frappe/erpnext/issues/31444
    assert len(parts(rule, served("2024-02-01", "2024-12-31"))) == 11


@pytest.mark.parametrize("rule", MONTHLY)
def test_a_deferral_is_counted_from_the_start_of_the_service_not_from_the_post_date(
    parts: DeriveParts, served: Callable[..., ChargeLine], rule: str
) -> None:
    # https://github.com/frappe/erpnext/issues/47082
    line = served("2024-07-01", "2024-12-31")
    assert parts(rule, line._replace(post_date=D("2024-03-05"))) == parts(rule, line)
