"""What day an entry is dated with: calendars of open and closed months as data, and the policies over them."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from revrec.core.closed_periods import ClosedPeriodBlock
from revrec.core.journal import DueLine, build_entries
from revrec.core.periods import (
    ANSWER,
    CLOSED,
    INTACCT,
    OPEN,
    PERSON,
    THROUGH,
    PeriodFact,
    Periods,
    PostingDates,
    month_of,
)
from revrec.core.posting_options import NO_OPTIONS

D = date.fromisoformat


def through(day: str, entity: str = "") -> PeriodFact:
    return PeriodFact(entity, THROUGH, D(day), INTACCT, "")


def closed(month: str, entity: str = "", source: str = PERSON) -> PeriodFact:
    return PeriodFact(entity, CLOSED, D(f"{month}-01"), source, "reported", "", "ada@books")


def opened(month: str, entity: str = "") -> PeriodFact:
    return PeriodFact(entity, OPEN, D(f"{month}-01"), PERSON, "a late delivery")


CALENDARS = {
    "nothing is known": ([], "100", "2024-03-31", "2024-03-31"),
    "closed through March": ([through("2024-03-31", "100")], "100", "2024-03-31", "2024-04-01"),
    "closed through March, a day long before": ([through("2024-03-31", "100")], "100", "2023-11-05", "2024-04-01"),
    "closed through March, a day after": ([through("2024-03-31", "100")], "100", "2024-04-02", "2024-04-02"),
    "closed through the middle of a month": ([through("2024-03-15", "100")], "100", "2024-03-10", "2024-03-16"),
    "the other entity is closed": ([through("2024-03-31", "200")], "100", "2024-03-31", "2024-03-31"),
    "the company is closed, the entity unknown": ([through("2024-03-31")], "100", "2024-03-31", "2024-04-01"),
    "the entity is reported, and open": (
        [through("2024-03-31"), through("2024-01-31", "100")], "100", "2024-03-31", "2024-03-31",
    ),
    "a closed month in the middle": ([closed("2024-02", "100")], "100", "2024-02-29", "2024-03-01"),
    "two that follow each other": ([closed("2024-02"), closed("2024-03")], "100", "2024-02-10", "2024-04-01"),
    "over the end of the year": ([closed("2023-12")], "100", "2023-12-31", "2024-01-01"),
    "a person's decision for the company holds for all": ([closed("2024-02")], "100", "2024-02-10", "2024-03-01"),
    "opened again by a person": ([closed("2024-02"), opened("2024-02")], "", "2024-02-10", "2024-02-10"),
    "opened in Intacct, says a person": ([through("2024-03-31"), opened("2024-02")], "", "2024-01-15", "2024-02-01"),
    "Intacct's newer word voids that": (
        [through("2024-03-31"), opened("2024-02"), through("2024-04-30")], "", "2024-02-10", "2024-05-01",
    ),
    "refused by Intacct": ([closed("2024-02", "100", ANSWER)], "100", "2024-02-10", "2024-03-01"),
    "refused, then reported as open": (
        [closed("2024-02", "100", ANSWER), through("2024-01-31", "100")], "100", "2024-02-10", "2024-02-10",
    ),
    "reported as open, then refused": (
        [through("2024-01-31", "100"), closed("2024-02", "100", ANSWER)], "100", "2024-02-10", "2024-03-01",
    ),
    "a person's close outlives what Intacct reports": (
        [closed("2024-02", "100"), through("2024-01-31", "100")], "100", "2024-02-10", "2024-03-01",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("facts", "entity", "day", "first"), CALENDARS.values(), ids=CALENDARS)
def test_the_first_open_day(facts: list[PeriodFact], entity: str, day: str, first: str) -> None:
    periods = Periods(facts)
    assert periods.first_open(entity, D(day)) == D(first)
    assert (periods.closed(entity, D(day)) is None) == (day == first)


FACTS = st.lists(
    st.builds(
        lambda kind, month, entity, source: PeriodFact(
            entity, kind, D(f"2024-{month:02d}-28"), INTACCT, ""
        ) if kind == THROUGH else PeriodFact(entity, kind, D(f"2024-{month:02d}-01"), source, "why"),
        st.sampled_from((THROUGH, CLOSED, OPEN)), st.integers(1, 12), st.sampled_from(("", "100")),
        st.sampled_from((PERSON, ANSWER)),
    ),
    max_size=12,
)  # fmt: skip


@given(FACTS, st.dates(D("2023-12-01"), D("2025-02-28")), st.sampled_from(("", "100", "200")))
def test_the_first_open_day_is_open_and_every_day_before_it_is_closed(
    facts: list[PeriodFact], day: date, entity: str
) -> None:
    periods = Periods(facts)
    first = periods.first_open(entity, day)
    assert first >= day and periods.closed(entity, first) is None
    while day < first:
        assert periods.closed(entity, day) is not None
        day += timedelta(days=1)


@given(FACTS, st.dates(D("2023-12-01"), D("2025-02-28")))
def test_every_date_has_a_reason_where_it_is_not_that_of_recognition(facts: list[PeriodFact], day: date) -> None:
    periods = Periods(facts)
    is_open = periods.closed("100", day) is None
    for policy in ("hold", "next_open", "fail"):
        found, reason = PostingDates(policy, periods).of("100", day)
        assert (found == day and reason == "") if is_open or policy == "fail" else str(day) in reason
        assert (found is None) == (policy == "hold" and not is_open)


def test_the_reason_says_what_was_known_and_which_policy_decided() -> None:
    march = D("2024-03-31")
    shown = PostingDates("next_open", Periods([through("2024-03-31", "100")])).of("100", march)
    assert shown.reason == (
        "recognized on 2024-03-31; that period is closed (Intacct's books are closed through 2024-03-31); "
        "dated 2024-04-01 by policy next_open"
    )
    held = PostingDates("hold", Periods([closed("2024-03")])).of("100", march)
    assert held == (None, (
        "recognized on 2024-03-31; that period is closed (closed here by ada@books: reported); blocked until it "
        "reopens, by policy hold"
    ))  # fmt: skip


@pytest.mark.parametrize(
    ("facts", "first", "last"),
    [
        ([through("2024-01-31")], "2024-02-01", "2024-02-29"),
        ([through("2024-01-31"), closed("2024-02")], "2024-03-01", "2024-03-31"),
        ([through("2024-02-10")], "2024-02-11", "2024-02-29"),
        ([through("2023-01-31")], "2024-01-20", "2024-01-20"),
    ],
)
def test_next_open_dates_an_entry_on_the_first_or_the_last_day_of_the_first_open_month(
    facts: list[PeriodFact], first: str, last: str
) -> None:
    for open_day, expected in (("first", first), ("last", last)):
        dated = PostingDates("next_open", Periods(facts), open_day=open_day).of("", D("2024-01-20"))
        assert dated.date == D(expected)
        assert f"dated {expected} by policy next_open" in dated.reason or expected == "2024-01-20"


def test_what_was_reported_before_a_refusal_is_reported_again_after_it() -> None:
    dates = PostingDates("next_open")
    assert dates.of("", D("2024-03-31")).date == D("2024-03-31")
    dates.take(closed("2024-03", source=ANSWER))
    assert dates.of("", D("2024-03-31")).date == D("2024-04-01")
    assert "refused an entry of 2024-03" in dates.refuses("", D("2024-03-05"))


def test_under_fail_only_what_a_person_closed_is_kept_back() -> None:
    dates = PostingDates("fail", Periods([through("2024-02-29"), closed("2024-03")]))
    assert dates.refuses("", D("2024-02-10")) == "", "Intacct is left to refuse it"
    assert "closed here by ada@books" in dates.refuses("", D("2024-03-10"))


def line(day: str, amount: int, no: int = 1, version: int = 1, seq: int = 1, entity: str = "") -> DueLine:
    charge = f"shop/INV-{no}/1"
    return DueLine(
        no, version, seq, 0, 12, charge, f"INV-{no}", "C1", "MAG-1", entity, {}, D(day), amount, "USD", "2400", "4000",
        "RR", "",
    )  # fmt: skip


def test_three_months_generated_together_keep_their_own_dates() -> None:
    """Others dated all three with the day of the run: https://github.com/odoo/odoo/pull/13818"""
    due = [line("2024-01-31", 100), line("2024-02-29", 100, seq=2), line("2024-03-31", 100, seq=3)]
    assert [one.date for one in build_entries(due, "d", "c", 500)] == [one.date for one in due]
    closed_months = PostingDates("next_open", Periods([through("2024-02-29")]))
    made = list(build_entries(due, "d", "c", 500, closed_months))
    assert [(str(one.date), str(one.recognized)) for one in made] == [
        ("2024-03-01", "2024-01-31"), ("2024-03-01", "2024-02-29"), ("2024-03-31", "None"),
    ]  # fmt: skip
    assert [one.title for one in made] == [
        "Rev rec 2024-01-31, dated 2024-03-01", "Rev rec 2024-02-29, dated 2024-03-01", "Rev rec 2024-03-31",
    ]  # fmt: skip
    plain = build_entries(due, "d", "c", 500)
    assert [one.reference for one in made] == [one.reference for one in plain], "a reference knows no date"


def test_what_is_held_is_counted_by_the_entry_it_would_be() -> None:
    holding = ClosedPeriodBlock(PostingDates("hold", Periods([closed("2024-01", "100")])))
    due = [line("2024-01-31", 100, 1, entity="100"), line("2024-01-31", -30, 2, entity="100"), line("2024-01-31", 7, 3)]
    assert [one.charge_no for one in holding.unblocked(due)] == [3]
    ((group, held),) = holding.groups.items()
    assert group == (D("2024-01-31"), "100", "RR", "USD", NO_OPTIONS)
    assert (held.lines, held.amount) == (2, 130) and "by policy hold" in held.reason


def test_a_correction_is_held_with_both_its_sides_or_not_at_all() -> None:
    march = ClosedPeriodBlock(PostingDates("hold", Periods([closed("2024-03")])))
    moved_later = [line("2024-03-07", -500, 1, 2, 2), line("2024-04-11", 500, 1, 2, 3), line("2024-04-11", 9, 2)]
    assert [one.charge_no for one in march.unblocked(moved_later)] == [2]
    moved_earlier = [line("2024-03-07", 500, 4, 2, 2), line("2024-04-11", -500, 4, 2, 3)]
    assert list(march.unblocked(moved_earlier)) == []
    monthly = [line("2024-03-07", 500, 5, 2, 2), line("2024-04-07", 500, 5, 2, 3)]
    assert [str(one.date) for one in march.unblocked(monthly)] == ["2024-04-07"], "no sides: the next month goes on"


def test_months_are_named_as_people_name_them() -> None:
    assert month_of(D("2024-03-28")) == "2024-03"
