"""What holds for the schedule of every method, whatever the line, its events and the rule's options."""

import json
import re
from datetime import date, timedelta
from decimal import Decimal
from itertools import accumulate, product, starmap
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import revrec.core
from revrec.core.change import replan
from revrec.core.charge_line import ChargeLine, FulfillmentEvent
from revrec.core.methods import methods
from revrec.core.pricing import price_of
from revrec.core.rules import RuleBook, parse_rules
from revrec.core.schedule import NOT_REVENUE, UNDATED, Schedule, Unscheduled

ACCOUNTS = {"deferred": "2400", "accrued": "4000", "journal": "RR"}
ROLLS = ("none", "following", "preceding", "modified_following")
FIRST = ("exact_days", "full_month", "half_month", "mid_month", "next_month", "tenths")
LAST = ("exact_days", "full_month", "half_month", "mid_month", "previous_month")
ON = ("same_day", "first", "last", "end")
COUNTS = ("actual", "actual/actual", "actual/365", "30/360")
MILESTONES = [{"name": "go-live", "percent": "66.7"}, {"name": "end", "percent": "33.3"}]
OPTIONS: list[dict[str, Any]] = [
    {"method": "fixed_offset", "offset": "-2 months"},
    {"method": "pod_date"},
    {"method": "rev_rec_date"},
    {"method": "hold", "reason": "in dispute"},
    {"method": "none", "reason": "sales tax"},
    *({"method": "monthly", "on": on} for on in ON),
    {"method": "monthly", "periods": 7, "offset": "3 days"},
    *({"method": "daily", "by": by, "day_count": count} for by, count in product(("day", "month"), COUNTS)),
    *(
        {"method": "daily", "by": "month", "first_part": one, "last_part": two}
        for one, two in zip(FIRST, LAST, strict=False)
    ),
    {"method": "daily", "by": "month", "term": "1 year"},
    {"method": "daily", "by": "month", "term": "5 months", "renews": 3},
    *({"method": "monthly_prorated", "first_part": one} for one in FIRST),
    *({"method": "monthly_prorated", "last_part": one, "on": "end"} for one in LAST),
    *({"method": "monthly_prorated", "first_part": one, "periods": 5, "on": "first"} for one in FIRST),
    {"method": "monthly_prorated", "part_rate": "term", "on": "first"},
    {"method": "monthly_prorated", "month_end": 15, "day_count": "30/360"},
    {"method": "monthly_prorated", "month_end": 30, "term": "1 year"},
    {"method": "every", "every": "10 days"},
    *(
        {"method": "every", "every": "3 months", "on": on, "weigh": "days"}
        for on in ("same_day", "first", "last", "end")
    ),
    {"method": "every", "every": "2 weeks", "weigh": "days", "periods": 9},
    *({"method": "every", "every": "3 months", "align": "calendar", "on": on, "weigh": "days"} for on in ON[1:3]),
    {"method": "every", "every": "6 months", "align": "fiscal", "year_end": "january"},
    {"method": "every", "every": "3 months", "align": "fiscal", "pattern": "4-4-5", "weigh": "days"},
    {"method": "every", "day_offsets": [0, 60, 90], "align": "calendar"},
    {"method": "percentages", "percentages": [50, 30, 20], "day_offsets": [0, 60, 90]},
    {"method": "percentages", "percentages": ["33.3", "33.3", "33.4"], "every": "1 week"},
    {
        "method": "milestones",
        "milestones": [{"name": "go-live", "percent": "66.7"}, {"name": "end", "percent": "33.3"}],
    },
    {"method": "fiscal", "pattern": "4-4-5", "year_end": "last saturday of december"},
    {"method": "fiscal", "pattern": "13", "year_end": "saturday nearest january 31", "periods": 13, "on": "first"},
    {"method": "monthly", "calendar": "US-CA"},
    {"method": "percent_complete"},
    {"method": "usage", "units": 70},
    {"method": "usage", "units": "12.5", "breakage_percent": "7.5", "expires": "90 days"},
]


def toml(value: object) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {toml(one)}" for key, one in value.items()) + " }"
    return f"[{', '.join(map(toml, value))}]" if isinstance(value, list) else json.dumps(value)


def book(options: dict[str, Any], more: str = "") -> RuleBook:
    keys = "\n".join(f"{key} = {toml(value)}" for key, value in options.items())
    return RuleBook(parse_rules(f'[[rule]]\nname = "r"\n[rule.recognize]\n{keys}\n{more}', "r.toml", ACCOUNTS))


def variants() -> list[RuleBook]:
    found = []
    for at, options in enumerate(OPTIONS):
        eventful = options["method"] in ("percent_complete", "usage")
        more = {
            "rounding": "cumulative" if eventful else ("cumulative", "last", "first")[at % 3],
            "roll": ROLLS[at % 4],
        }
        found += [book({**options, **more}), book({**options, **more, "not_before": "post_date", "smallest": "0.05"})]
    return found


BOOKS = variants()
DATES = st.dates(date(2000, 1, 1), date(2060, 12, 31))
MONTH_ENDS = st.builds(
    lambda year, month, back: date(year, month, 1) - timedelta(days=back),
    st.integers(2001, 2040), st.integers(1, 12), st.integers(0, 3),
)  # fmt: skip


@st.composite
def facts(draw: st.DrawFn) -> tuple[ChargeLine, list[FulfillmentEvent]]:
    """A charge line with service dates, often at the ends of months, and events of all kinds."""
    start = draw(DATES | MONTH_ENDS)
    end = draw(
        st.integers(0, 900).map(lambda days: start + timedelta(days=days)) | MONTH_ENDS.filter(lambda d: d >= start)
    )
    amount = draw((st.integers(-(10**9), 10**9) | st.integers(-20, 20)).filter(bool))
    currency = draw(st.sampled_from(("USD", "JPY", "KWD")))
    line = ChargeLine(
        "s", "d", "1", "c", "i", draw(DATES | MONTH_ENDS), amount, currency,
        rev_rec_date=draw(DATES), service_start=start, service_end=end,
    )  # fmt: skip
    kinds = st.sampled_from(("pod", "milestone", "percent", "usage", "estimate", "hold", "release"))
    events = [
        FulfillmentEvent(
            line.id, kind, draw(DATES | MONTH_ENDS),
            quantity=Decimal(draw(st.integers(-5, 90))) / 2,
            percent=Decimal(draw(st.integers(0, 1000))) / 10,
            name=draw(st.sampled_from(("go-live", "end", ""))),
        )
        for kind in draw(st.lists(kinds, max_size=6))
    ]  # fmt: skip
    return line, events


def test_every_method_is_among_the_rules() -> None:
    assert {options["method"] for options in OPTIONS} == set(methods())


@given(facts(), st.sampled_from(BOOKS))
def test_parts_and_what_waits_sum_to_the_line_in_date_order_and_no_part_is_zero(given_facts: Any, rules: Any) -> None:
    line, events = given_facts
    found = rules.derive(line, events)
    if isinstance(found, Unscheduled):
        assert found.code in ("waiting", "impossible", NOT_REVENUE) and found.reason.startswith('rule "r": ')
        return
    assert sum(part.amount for part in (*found.parts, *found.waiting)) == line.amount
    dates = [part.date for part in (*found.parts, *found.waiting)]
    assert dates == sorted(set(dates))
    assert all(part.amount for part in (*found.parts, *found.waiting))
    assert UNDATED not in [part.date for part in found.parts]
    assert bool(found.waiting) == bool(found.waits)


@given(facts(), st.sampled_from(BOOKS))
def test_the_same_input_gives_the_same_schedule_whatever_was_derived_before(given_facts: Any, rules: Any) -> None:
    line, events = given_facts
    alone = RuleBook(rules.rules)
    assert alone.derive(line, events) == rules.derive(line, events) == rules.derive(line, events)


def is_steady(rules: RuleBook) -> bool:
    method = rules.rules[0].method
    return method.name not in ("percent_complete", "usage") and method.rounding == "cumulative"


@given(facts(), st.sampled_from(list(filter(is_steady, BOOKS))))
def test_what_is_earned_never_shrinks_where_nothing_is_reversed(given_facts: Any, rules: Any) -> None:
    line, events = given_facts
    found = rules.derive(line, events)
    if isinstance(found, Schedule):
        earned = list(accumulate(part.amount for part in found.parts))
        assert earned == sorted(earned, reverse=line.amount < 0)


@given(facts(), st.sampled_from([one for one in OPTIONS if one["method"] != "hold"]), st.sampled_from(ROLLS[1:]))
def test_a_roll_moves_dates_by_days_and_never_the_sum(given_facts: Any, options: Any, roll: Any) -> None:
    line, events = given_facts
    plain, rolled = (book({**options, "roll": one}).derive(line, events) for one in ("none", roll))
    if isinstance(plain, Schedule) and isinstance(rolled, Schedule):
        assert sum(part.amount for part in rolled.all_parts) == sum(part.amount for part in plain.all_parts)
        if not any(event.kind in ("hold", "release") for event in events):
            assert all(part.date.weekday() < 5 for part in rolled.parts)


@given(facts(), st.sampled_from(BOOKS))
def test_the_carried_part_of_a_schedule_and_its_rest_sum_to_the_line(given_facts: Any, rules: Any) -> None:
    line, events = given_facts
    found = rules.derive(line, events)
    if isinstance(found, Schedule):
        posted = found.parts[::2]
        left, waiting, _words = found.remaining(posted)
        assert sum(part.amount for part in (*posted, *left)) + waiting == line.amount
        assert left == found.parts[1::2] or len(set(found.parts)) < len(found.parts)


def constrained(at: int, options: dict[str, Any]) -> RuleBook:
    """A rule whose lines are constrained in part, or as a whole; every other one for a time."""
    figure = ('percent = "7.5"', 'amount = "0.30"', "percent = 100")[at % 3]
    until = ('until = "100 days"', 'from = "post_date"') if at % 2 else ()
    more = {"on_credit": ("prospective", "catch_up", "latest", "earned_first")[at % 4]}
    return book({**options, **more}, "\n".join(("[rule.constraint]", figure, 'reason = "x"', *until)))


CONSTRAINED = list(starmap(constrained, enumerate(OPTIONS)))
PLAIN = list(map(book, OPTIONS))
EACH = st.integers(0, len(OPTIONS) - 1)


@st.composite
def reports(draw: st.DrawFn) -> tuple[ChargeLine, list[FulfillmentEvent]]:
    """A charge line with events of all kinds, estimates and changes of its price among them."""
    line, events = draw(facts())
    days = st.dates(date(2000, 1, 1), date(2040, 12, 31))
    for kind in draw(st.lists(st.sampled_from(("constraint", "credit", "price", "cancel")), max_size=5)):
        by_percent = kind == "constraint" and draw(st.booleans())
        percent = Decimal(draw(st.integers(0, 1000))) / 10 if by_percent else None
        amount = draw(st.integers(0, abs(line.amount))) * (1 if kind == "constraint" or line.amount > 0 else -1)
        one = FulfillmentEvent(line.id, kind, draw(days), percent=percent, amount=None if by_percent else amount)
        events.insert(draw(st.integers(0, len(events))), one)
    return line, events


@given(reports(), EACH)
def test_shown_recognized_and_waiting_amounts_add_up_to_the_price(
    case: tuple[ChargeLine, list[FulfillmentEvent]], which: int
) -> None:
    line, events = case
    found = CONSTRAINED[which].derive(line, events)
    if isinstance(found, Schedule):
        assert sum(part.amount for part in found.all_parts) == price_of(line, events)
        assert all(part.amount for part in found.all_parts) and UNDATED not in [part.date for part in found.parts]
        assert bool(found.waiting) == bool(found.waits)
        assert abs(found.constrained) <= abs(price_of(line, events))


@given(reports(), EACH, st.integers(0, 3))
def test_what_is_on_entries_already_and_the_rest_come_to_the_price(
    case: tuple[ChargeLine, list[FulfillmentEvent]], which: int, some: int
) -> None:
    line, events = case
    before, found = CONSTRAINED[which].derive(line, events[:-1]), CONSTRAINED[which].derive(line, events)
    if isinstance(before, Schedule) and isinstance(found, Schedule) and before.parts[:some]:
        posted, still_open = before.parts[:some], before.parts[some:]
        parts, waiting, _words = replan(found, posted, still_open, line.currency)
        assert sum(part.amount for part in (*posted, *parts)) + waiting == price_of(line, events)


@given(facts(), EACH)
def test_once_nothing_is_constrained_the_plan_is_the_one_without_a_constraint(
    case: tuple[ChargeLine, list[FulfillmentEvent]], which: int
) -> None:
    line, events = case
    events = [one for one in events if one.kind not in ("hold", "release")]
    plain = PLAIN[which].derive(line, events)
    nothing = FulfillmentEvent(line.id, "constraint", date(2030, 5, 5), amount=0)
    found = CONSTRAINED[which].derive(line, [*events, nothing])
    if isinstance(plain, Schedule) and isinstance(found, Schedule):
        day = max(nothing.date, line.post_date.fromordinal(line.post_date.toordinal() + 100))
        # The month of the change keeps the days before it as they were; the months after it are as planned.
        later = day + timedelta(days=31)
        assert [part for part in found.parts if part.date > later] == [
            part for part in plain.parts if part.date > later
        ]
        assert found.waiting == plain.waiting and found.constrained == 0
        assert sum(part.amount for part in found.parts) == sum(part.amount for part in plain.parts)


STARTS = ("2024-01-29", "2024-01-30", "2024-01-31", "2024-02-29", "2023-02-28", "2023-12-31")
ENDS = ("2024-03-01", "2024-05-31", "2025-02-28", "2024-02-29")


@pytest.mark.parametrize(
    "options",
    [one for one in OPTIONS if one["method"] != "none"],
    ids=lambda options: " ".join(map(str, options.values()))[:60],
)
def test_services_at_the_ends_of_months_are_recognized_whole(options: Any) -> None:
    rules = book(options)
    for start, end in product(map(date.fromisoformat, STARTS), map(date.fromisoformat, ENDS)):
        plain = ChargeLine("s", "d", "1", "c", "i", start, 100_01, "USD")
        line = plain._replace(rev_rec_date=start, service_start=start, service_end=end)
        found = rules.derive(line, [FulfillmentEvent(line.id, "pod", start)])
        assert isinstance(found, Schedule), found
        assert sum(part.amount for part in (*found.parts, *found.waiting)) == line.amount


def test_nothing_in_the_core_asks_what_day_it_is() -> None:
    core = Path(revrec.core.__file__).parent
    asked = [path.name for path in core.rglob("*.py") if re.search(r"\b(today|now|utcnow)\(", path.read_text())]
    assert asked == []
