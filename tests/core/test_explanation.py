"""Where an amount comes from, in a sentence: the arithmetic that is shown gives the amount that is planned."""

import re
from collections.abc import Callable, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from revrec.core.charge_line import ChargeLine, FulfillmentEvent
from revrec.core.explanation import explain_parts, explain_split
from revrec.core.money import ROUNDINGS, decimal_string, split, to_minor
from revrec.core.rules import RuleBook, parse_rules
from revrec.core.schedule import Schedule

TOLD = re.compile(r"(?:is (?P<share>[-\d.]+)(?: rounded)?)?(?:, less (?P<less>[-\d.]+) before it)?$")
LESS = re.compile(r"; the parts before it leave only (?P<left>[-\d.]+)$")
LEAVES = re.compile(r"what the other parts leave of (?P<whole>[-\d.]+), (?P<others>[-\d.]+)$")
ACCOUNTS = {"deferred": "2400", "accrued": "4000", "journal": "RR"}
Sentences = Callable[..., list[tuple[str, str, str]]]


@pytest.fixture
def sentences(line: ChargeLine) -> Sentences:
    """``told(KEYS, events)``: the date, amount and sentence of each part of 24.00 USD posted 2024-03-28."""

    def words(keys: str, events: Sequence[FulfillmentEvent] = (), **changes: Any) -> list[tuple[str, str, str]]:
        one = line._replace(**changes)
        text = f'[[rule]]\nname = "words"\n[rule.recognize]\n{keys}\n'
        schedule = RuleBook(parse_rules(text, "words.toml", ACCOUNTS)).derive(one, events)
        assert isinstance(schedule, Schedule)
        found = explain_parts(schedule, one, events)
        return [
            (str(part.date), decimal_string(part.amount, one.currency), found.get(part, "")) for part in schedule.parts
        ]

    return words


def event(kind: str, day: str, **given: Any) -> FulfillmentEvent:
    return FulfillmentEvent("shop/INV-1042/1", kind, date.fromisoformat(day), **given)


def test_a_share_of_the_whole_is_reported_with_its_rounding_and_what_came_before(sentences: Sentences) -> None:
    assert [sentence for _day, _amount, sentence in sentences('method = "monthly"\nperiods = 3', amount=1000)] == [
        "part 1 of 3: 1/3 of 10.00 is 3.33 rounded",
        "part 2 of 3: 2/3 of 10.00 is 6.67 rounded, less 3.33 before it",
        "part 3 of 3: 3/3 of 10.00 is 10.00, less 6.67 before it",
    ]


def test_a_change_that_takes_nothing_away_is_explained_as_it_is_planned(sentences: Sentences) -> None:
    """A credit of 5.00 on a line of -24.00 makes it more negative: there is nothing to reduce, so it is spread."""
    credit = event("credit", "2024-02-10", amount=500)
    keys = 'method = "monthly"\nperiods = 4\non_credit = "latest"'
    found = sentences(keys, [credit], amount=-2400, post_date=date(2024, 1, 1))
    spread = (
        "credit on 2024-02-10: -24.00 became -29.00; what is left after -12.00 before it, -17.00, "
        "is spread over the parts to come as they were weighed"
    )
    assert [(amount, sentence) for _day, amount, sentence in found[2:]] == [("-8.50", spread), ("-8.50", spread)]


def test_a_change_after_a_cancellation_is_explained_as_coming_at_once(sentences: Sentences) -> None:
    events = [event("cancel", "2024-05-02"), event("credit", "2024-06-02", amount=500)]
    *_before, last = sentences('method = "monthly"\nperiods = 4\non_credit = "latest"', events)
    assert last == (
        "2024-06-02",
        "-5.00",
        "credit on 2024-06-02: 24.00 became 19.00; what is left after 24.00 before it, -5.00, comes at once",
    )


def test_the_part_with_the_odd_cents_is_reported_as_what_the_others_leave(sentences: Sentences) -> None:
    first, *later = sentences('method = "monthly"\nperiods = 3\nrounding = "first"', amount=1000)
    assert first == ("2024-03-28", "3.34", "part 1 of 3: what the other parts leave of 10.00, 6.66")
    assert later[0][2] == "part 2 of 3: 1/3 of 10.00 is 3.33 rounded"


def test_a_whole_amount_progress_and_typed_amounts_are_reported(sentences: Sentences) -> None:
    assert sentences('method = "fixed_offset"') == [("2024-03-28", "24.00", "the whole amount, 24.00 USD")]
    progress = [
        event("percent", "2024-04-30", percent=Decimal(25)),
        event("percent", "2024-05-31", percent=Decimal(50)),
    ]
    assert (
        sentences('method = "percent_complete"', progress)[1][2]
        == "part 2 of 3: 2/4 of 24.00 is 12.00, less 6.00 before it"
    )
    assert sentences('method = "percentages"\namounts = ["20.00", "4.00"]')[1][2] == "part 2 of 2: as typed in the rule"


def test_parts_that_are_caught_up_on_one_day_name_those_they_are_made_of(sentences: Sentences) -> None:
    keys = 'method = "monthly"\nperiods = 4\nstart = "service_start"\nnot_before = "post_date"'
    found = sentences(keys, service_start=date(2024, 1, 31))
    assert found[0] == ("2024-03-28", "12.00", "parts 1 to 2 of 4 on one day, by not_before or smallest: 6.00 + 6.00")
    assert found[1][2].startswith("part 3 of 4: ")


def test_what_a_credit_left_is_reported_with_the_price_before_and_after(sentences: Sentences) -> None:
    found = sentences('method = "monthly"\nperiods = 4', [event("credit", "2024-05-02", amount=400, name="CRN-7")])
    assert found[1][2] == "part 2 of 4: 2/4 of 24.00 is 12.00, less 6.00 before it"
    assert found[2:] == [
        (day, "4.00", "credit CRN-7 on 2024-05-02: 24.00 became 20.00; what is left after 12.00 before it, 8.00, "
         "is spread over the parts to come as they were weighed")
        for day in ("2024-05-28", "2024-06-28")
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("keys", "event_of", "said"),
    [
        (
            'on_credit = "catch_up"',
            event("credit", "2024-05-02", amount=400),
            "the difference up to that day comes at once",
        ),
        (
            'on_credit = "earned_first"',
            event("credit", "2024-05-02", amount=400),
            "recognized revenue is taken back first",
        ),
        ("", event("cancel", "2024-05-02"), "what is left after 12.00 before it, 12.00, comes at once"),
        ("", event("credit", "2024-09-02", amount=400), "the difference up to that day comes at once"),
    ],
)
def test_what_comes_on_the_day_of_a_change_says_so(
    sentences: Sentences, keys: str, event_of: FulfillmentEvent, said: str
) -> None:
    (sentence,) = [
        sentence for day, _amount, sentence in sentences(f'method = "monthly"\nperiods = 4\n{keys}', [event_of])
        if day == str(event_of.date)
    ]  # fmt: skip
    assert sentence.endswith(said)


def test_after_a_catch_up_the_plan_is_at_the_new_price(sentences: Sentences) -> None:
    found = sentences(
        'method = "monthly"\nperiods = 4\non_credit = "catch_up"', [event("credit", "2024-05-02", amount=400)]
    )
    assert found[-1] == ("2024-06-28", "5.00", "part 4 of 4: 4/4 of 20.00 is 20.00, less 15.00 before it")


def test_each_of_two_changes_explains_its_own_part(sentences: Sentences) -> None:
    """24.00 in 12 parts becomes 36.00 in April, and 48.00 in June, on days on which the plan has parts."""
    events = [event("price", "2024-04-28", amount=3600), event("price", "2024-06-28", amount=4800)]
    found = sentences('method = "monthly"\nperiods = 12\non_price = "catch_up"', events, post_date=date(2024, 1, 28))
    assert [words for words in found if "became" in words[2]] == [
        ("2024-04-28", "4.00", "price on 2024-04-28: 24.00 became 36.00; the difference up to that day comes at once"),
        ("2024-06-28", "6.00", "price on 2024-06-28: 36.00 became 48.00; the difference up to that day comes at once"),
    ]


@example(38, [0, 1, 1, 1], "first")
@given(
    st.integers(-(10**9), 10**9).filter(bool),
    st.lists(st.integers(0, 400), min_size=2, max_size=40).filter(any),
    st.sampled_from(ROUNDINGS),
)
def test_the_arithmetic_that_is_shown_gives_the_amount(total: int, weights: list[int], rounding: str) -> None:
    amounts = split(total, weights, rounding)
    for amount, sentence in zip(amounts, explain_split(amounts, weights, rounding, "USD"), strict=True):
        leaves, less = LEAVES.search(sentence), LESS.search(sentence)
        if less:
            assert _minor(less["left"]) == amount
        elif leaves:
            assert _minor(leaves["whole"]) - _minor(leaves["others"]) == amount
        else:
            found = TOLD.search(sentence)
            assert found and _minor(found["share"]) - _minor(found["less"] or "0") == amount


def _minor(figures: str) -> int:
    return to_minor(Decimal(figures), "USD")
