"""Changes within a month: a plan by months earns what a plan by days earns."""

from collections import Counter
from datetime import date, timedelta
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from revrec.core.charge_line import ChargeLine, FulfillmentEvent
from revrec.core.explanation import explain_parts
from revrec.core.holding import stopped_after
from revrec.core.rules import RuleBook, parse_rules
from revrec.core.schedule import Schedule, SchedulePart

ACCOUNTS = {"deferred": "2400", "accrued": "4000", "journal": "RR"}
YEAR = ChargeLine(
    "shop", "INV-1", "1", "C", "PLAN", date(2024, 1, 1), 120_000, "USD",
    service_start=date(2024, 1, 1), service_end=date(2024, 12, 31),
)  # fmt: skip
BY_MONTH = 'method = "daily"\nby = "month"'


def schedule(recognize: str, *events: FulfillmentEvent, line: ChargeLine = YEAR, more: str = "") -> Schedule:
    text = f'[[rule]]\nname = "r"\n{more}\n[rule.recognize]\n{recognize}\n'
    book = RuleBook(parse_rules(text, "r.toml", ACCOUNTS))
    found = book.derive(line, events)
    assert isinstance(found, Schedule), found
    return found


def event(kind: str, day: str, amount: int | None = None) -> FulfillmentEvent:
    return FulfillmentEvent(YEAR.id, kind, date.fromisoformat(day), amount=amount)


def dated(found: Schedule) -> dict[str, int]:
    return {str(part.date): part.amount for part in found.parts}


def by_month(parts: tuple[SchedulePart, ...]) -> Counter[str]:
    found: Counter[str] = Counter()
    for part in parts:
        found[f"{part.date:%Y-%m}"] += part.amount
    return Counter({month: amount for month, amount in found.items() if amount})


@pytest.mark.parametrize(
    ("recognize", "july", "august"),
    [
        # 197 days at 1,200.00 / 366 leave 1,154.10 for 169 days, 16 of them in July.
        (BY_MONTH, 15_844, 21_170),
        # 6 months and 15/31 of one leave 1,151.61 for 5 months and 16/31 of one.
        ('method = "monthly_prorated"', 15_614, 20_877),
        ('method = "monthly"\non = "last"', 15_614, 20_877),
        ('method = "monthly"\non = "end"', 15_614, 20_877),
        ('method = "every"\nevery = "1 month"\non = "last"', 15_614, 20_877),
        ('method = "every"\nevery = "1 month"\nalign = "calendar"', 15_614, 20_877),
        ('method = "every"\nevery = "1 month"\nweigh = "days"\non = "last"', 15_844, 21_170),
        ('method = "every"\nevery = "1 month"\nweigh = "days"\non = "end"', 15_844, 21_170),
        ('method = "every"\nevery = "1 month"\nweigh = "days"\nalign = "calendar"', 15_844, 21_170),
    ],
)
def test_a_new_price_in_mid_month_changes_the_days_after_it(recognize: str, july: int, august: int) -> None:
    found = dated(schedule(recognize, event("price", "2024-07-15", 180_000)))
    assert (found["2024-07-31"], found["2024-08-31"], sum(found.values())) == (july, august, 180_000)


@pytest.mark.parametrize(
    ("recognize", "july"),
    [
        # Seven issues are earned by July 15, and 1,100.00 is left for five.
        ('method = "monthly"', ("2024-07-01", 10_000)),
        ('method = "monthly"\non = "first"', ("2024-07-01", 10_000)),
        ('method = "every"\nevery = "1 month"\nweigh = "days"', ("2024-07-01", 10_164)),
        # Deliveries, and parts that can be moved: 1,200.00 is left for six.
        ('method = "monthly"\non = "last"\nroll = "following"', ("2024-07-31", 20_000)),
        ('method = "monthly"\non = "last"\nsmallest = "0.01"', ("2024-07-31", 20_000)),
        ('method = "every"\nevery = "1 month"\non = "end"\n[rule]\ntransfer = "point_in_time"', ("2024-07-31", 20_000)),
    ],
)
def test_a_part_that_is_not_for_the_days_before_its_date_is_not_divided(recognize: str, july: tuple[str, int]) -> None:
    method, _rule, transfer = recognize.partition("\n[rule]\n")
    found = schedule(method, event("price", "2024-07-15", 180_000), more=transfer)
    assert july in dated(found).items() and len(found.parts) == 12


@pytest.mark.parametrize(
    ("day", "march"),
    [
        # 300.00 for January 15 to March 14, a third for each month; 14 days of March, which has 100.00.
        ("2024-03-07", {"2024-03-31": 20_000}),  # 50.00 for 7 days, and the 150.00 that are left for the others
        ("2024-03-14", {"2024-03-14": 10_000, "2024-03-31": 10_000}),  # all days are served
        ("2024-03-20", {"2024-03-20": 10_000, "2024-03-31": 10_000}),
    ],
)
def test_the_days_of_a_last_part_end_with_the_service(day: str, march: dict[str, int]) -> None:
    line = YEAR._replace(amount=30_000, service_start=date(2024, 1, 15), service_end=date(2024, 3, 14))
    found = dated(schedule('method = "monthly"\non = "last"', event("price", day, 40_000), line=line))
    assert {one: amount for one, amount in found.items() if one > "2024-03"} == march


def test_the_days_before_and_after_the_change_are_explained() -> None:
    change = event("price", "2024-07-15", 180_000)
    found = schedule(BY_MONTH, change)
    words = explain_parts(found, YEAR, [change])
    assert set(words) == set(found.parts)
    july = next(words[part] for part in found.parts if part.date == date(2024, 7, 31))
    assert july.startswith("to 2024-07-15, 49.18: part 7 of 13") and "; to 2024-07-31, 109.26: price on" in july
    assert "what is left after 645.90 before it, 1154.10, is spread over the parts to come" in july


def test_a_hold_in_mid_month_keeps_the_days_before_it() -> None:
    found = schedule(BY_MONTH, event("hold", "2024-07-15"))
    assert (dated(found)["2024-06-30"], dated(found)["2024-07-14"]) == (9_836, 4_590)
    assert by_month(found.waiting)["2024-07"] == 5_574 and sum(part.amount for part in found.all_parts) == 120_000


@pytest.mark.parametrize("recognize", [BY_MONTH, 'method = "daily"'])
def test_extend_moves_the_rest_by_the_days_of_the_hold(recognize: str) -> None:
    found = schedule(f'{recognize}\non_release = "extend"', event("hold", "2024-07-15"), event("release", "2024-08-20"))
    months = by_month(found.parts)
    # 14 days in July, 12 in August, and the 36 days of the hold after the end: all of January and 5 of February.
    assert (months["2024-07"], months["2024-08"], months["2025-01"], months["2025-02"]) == (4_590, 3_935, 10_164, 1_639)
    assert found.parts[-1].date == date(2025, 2, 5)


DAYS = st.integers(0, 365).map(lambda days: date(2024, 1, 1) + timedelta(days=days))
CHANGES = st.one_of(
    st.builds(FulfillmentEvent, st.just(YEAR.id), st.just("price"), DAYS, amount=st.integers(0, 300_000)),
    st.builds(FulfillmentEvent, st.just(YEAR.id), st.just("credit"), DAYS, amount=st.integers(1, 150_000)),
    st.builds(FulfillmentEvent, st.just(YEAR.id), st.just("cancel"), DAYS, amount=st.integers(0, 60_000)),
    st.builds(FulfillmentEvent, st.just(YEAR.id), st.sampled_from(["hold", "release"]), DAYS),
)


@given(
    st.lists(CHANGES, max_size=4),
    st.sampled_from(["prospective", "catch_up"]),
    # "latest" takes a credit from the last day or from the last month, so that a later split differs by cents.
    st.sampled_from(["prospective", "catch_up", "earned_first"]),
    st.sampled_from(["catch_up", "extend"]),
)
def test_months_are_the_sums_of_their_days(
    events: list[FulfillmentEvent], on_price: str, on_credit: str, on_release: str
) -> None:
    policies = f'on_price = "{on_price}"\non_credit = "{on_credit}"\non_release = "{on_release}"'
    months = schedule(f"{BY_MONTH}\n{policies}", *events)
    days = schedule(f'method = "daily"\n{policies}', *events)
    assert sum(part.amount for part in months.all_parts) == sum(part.amount for part in days.all_parts)
    assert by_month(months.parts) == by_month(days.parts)


LAST = 'method = "every"\nevery = "1 month"\nweigh = "days"\n'


@given(
    st.lists(CHANGES, max_size=4),
    st.sampled_from([f'{LAST}on = "last"', f'{LAST}align = "calendar"']),
    st.sampled_from(["prospective", "catch_up"]),
    st.sampled_from(["prospective", "catch_up", "earned_first"]),
    st.sampled_from(["catch_up", "extend"]),
    st.integers(0, 40),
    st.integers(0, 330),
)
def test_months_by_days_are_the_sums_of_their_days_for_every_method(
    events: list[FulfillmentEvent],
    recognize: str,
    on_price: str,
    on_credit: str,
    on_release: str,
    start: int,
    length: int,
) -> None:
    policies = f'on_price = "{on_price}"\non_credit = "{on_credit}"\non_release = "{on_release}"'
    begins = date(2024, 1, 1) + timedelta(days=start)
    line = YEAR._replace(service_start=begins, service_end=begins + timedelta(days=length))
    months = schedule(f"{recognize}\n{policies}", *events, line=line)
    days = schedule(f'method = "daily"\n{policies}', *events, line=line)
    assert by_month(months.parts) == by_month(days.parts)


EQUAL = ('method = "monthly"\non = "last"', 'method = "every"\nevery = "1 month"\non = "last"')


@given(st.lists(CHANGES, max_size=3), st.sampled_from(EQUAL), st.sampled_from(["catch_up", "extend"]))
def test_equal_months_change_as_prorated_ones_do(
    events: list[FulfillmentEvent], recognize: str, on_release: str
) -> None:
    policy = f'on_release = "{on_release}"'
    found, prorated = (schedule(f"{one}\n{policy}", *events) for one in (recognize, 'method = "monthly_prorated"'))
    assert (found.parts, found.waiting) == (prorated.parts, prorated.waiting)


@pytest.mark.parametrize(
    "recognize", [BY_MONTH, f'{LAST}on = "last"', f'{LAST}on = "end"', f'{LAST}align = "calendar"']
)
@pytest.mark.parametrize(("day", "served"), [("2024-01-10", 10), ("2024-07-15", 197), ("2024-07-31", 213)])
def test_what_joins_a_contract_within_a_month_shares_the_days_after_it(recognize: str, day: str, served: int) -> None:
    book = RuleBook(parse_rules(f'[[rule]]\nname = "r"\n[rule.recognize]\n{recognize}\n', "r.toml", ACCOUNTS))
    joined = date.fromisoformat(day)
    assert book.remaining(YEAR, stopped_after(YEAR, (), joined), joined) == Fraction(366 - served, 366)
