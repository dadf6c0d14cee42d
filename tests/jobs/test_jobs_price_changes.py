"""Credits, new prices and cancellations against what is posted: history stays, the sum comes to the new price."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from revrec.core.errors import BadInput
from revrec.jobs.admin.verify import verify
from revrec.jobs.importing.prorated_events import prorate_event
from revrec.jobs.reports.explain_amounts import explain_amounts
from revrec.jobs.reports.tie_out import tie_out
from revrec.sources import EventRow
from support.books import Books, MakeBooks, MakeRow
from support.intacct import Intacct

pytestmark = pytest.mark.both_databases

CHARGE = "shop/INV-1/1"
RULES = """
[[rule]]
name = "monthly"
[rule.recognize]
method = "monthly"
periods = 4
on_credit = "{policy}"
"""


@pytest.fixture
def changed(books: Books, row: MakeRow) -> Books:
    """24.00 over January to April; January and February are posted."""
    books.rules(RULES.format(policy="prospective"))
    books.take(row(post_date="2024-01-31"))
    assert books.run("2024-02-29").complete
    return books


def record(books: Books, kind: str, day: str, amount: str | None = None, name: str = "") -> Any:
    return books.event(CHARGE, kind, day, name, amount=amount)


def posted(books: Books) -> list[tuple[str, int]]:
    """Return the posted entries: dates and minor units, revenue above zero."""
    rows = books.sql(
        "SELECT e.date, CASE l.account WHEN '4000' THEN CASE l.side WHEN 'credit' THEN l.amount ELSE -l.amount END END"
        " FROM journal_line l JOIN journal_entry e ON e.id = l.entry_id"
        " WHERE e.state = 'POSTED' AND l.account = '4000' ORDER BY e.date, e.id"
    )
    return [tuple(one) for one in rows]


def test_a_credit_lessens_what_is_to_come_and_the_rest_is_posted(changed: Books, intacct: Intacct) -> None:
    record(changed, "credit", "2024-03-10", "4.00", "CRN-1")
    assert changed.open_parts(CHARGE) == [("2024-03-31", 400), ("2024-04-30", 400)]
    assert changed.run("2024-12-31").complete
    assert posted(changed) == [("2024-01-31", 600), ("2024-02-29", 600), ("2024-03-31", 400), ("2024-04-30", 400)]
    assert verify(changed.context("verify")).sound


def test_a_credit_after_recognition_is_reversed_by_an_entry_of_its_own(changed: Books) -> None:
    changed.run("2024-04-30")
    record(changed, "credit", "2024-06-10", "5.00", "CRN-1")
    assert changed.open_parts(CHARGE) == [("2024-06-10", -500)]
    assert changed.run("2024-12-31").complete
    assert posted(changed)[-1] == ("2024-06-10", -500)
    assert verify(changed.context("verify")).sound


def test_what_a_credit_takes_back_first_is_in_the_sums_of_entries(books: Books, row: MakeRow) -> None:
    books.rules('[[rule]]\nname = "all"\nrecognize = { method = "monthly", periods = 4, on_credit = "earned_first" }\n')
    books.take(row(amount="400.00"))
    assert books.run("2024-02-29").complete
    books.event("shop/INV-1/1", "credit", "2024-03-10", amount="50.00")
    assert books.run("2024-04-30").complete
    assert tie_out(books.context(), date(2024, 4, 30)).ties_out


def test_a_plus_and_a_minus_of_one_day_are_one_part_if_neither_is_posted(books: Books, row: MakeRow) -> None:
    books.rules(RULES.format(policy="earned_first"))
    books.take(row(post_date="2024-01-31"))
    record(books, "credit", "2024-03-31", "4.00", "CRN-1")
    expected = [("2024-01-31", 600), ("2024-02-29", 600), ("2024-03-31", 200), ("2024-04-30", 600)]
    assert books.open_parts(CHARGE) == expected
    assert explained(books, "2024-03-31") == (
        "-4.00: credit CRN-1 on 2024-03-31: 24.00 became 20.00; recognized revenue is taken back first; "
        "6.00: part 3 of 4: 3/4 of 24.00 is 18.00, less 12.00 before it"
    )
    assert books.run("2024-12-31").complete
    assert posted(books) == expected
    record(books, "credit", "2024-04-30", "1.00", "CRN-2")
    assert books.open_parts(CHARGE) == [("2024-04-30", -100)], "what is posted is taken back by itself"
    assert verify(books.context("verify")).sound


@pytest.mark.parametrize("sign", ["", "-"])
def test_a_whole_amount_that_is_credited_on_its_day_leaves_nothing_to_post(
    books: Books, row: MakeRow, sign: str
) -> None:
    books.take(row(item="GOODS-1", amount=f"{sign}24.00"))
    ((day, _amount),) = books.open_parts(CHARGE)
    record(books, "credit", day, f"{sign}24.00", "CRN-1")
    assert books.open_parts(CHARGE) == []
    assert books.run("2024-12-31").counts["posted"] == 0
    assert verify(books.context("verify")).sound


def explained(books: Books, day: str) -> str:
    (found,) = explain_amounts(books.context(), CHARGE)
    return next(part.comes_from for part in found.parts if part.date == day)


def test_a_credit_memo_that_is_corrected_moves_only_the_difference(changed: Books) -> None:
    record(changed, "credit", "2024-03-10", "4.00", "CRN-1")
    record(changed, "credit", "2024-03-10", "5.00", "CRN-1")
    assert changed.open_parts(CHARGE) == [("2024-03-31", 350), ("2024-04-30", 350)]
    assert changed.sql("SELECT amount FROM price_change ORDER BY version") == [(-400,), (-100,)]


def test_a_cancellation_without_refund_earns_the_rest_on_its_day(changed: Books) -> None:
    record(changed, "cancel", "2024-03-10")
    assert changed.open_parts(CHARGE) == [("2024-03-10", 1200)]


def test_a_cancellation_with_refund_ends_the_schedule(changed: Books) -> None:
    record(changed, "cancel", "2024-03-10", "12.00")
    assert changed.open_parts(CHARGE) == []
    assert changed.run("2024-12-31").complete
    assert sum(amount for _day, amount in posted(changed)) == 1200
    assert verify(changed.context("verify")).sound


def test_a_second_cancellation_with_another_name_is_refused(changed: Books) -> None:
    record(changed, "cancel", "2024-03-10", "4.00", "CAN-1")
    before = changed.open_parts(CHARGE)
    with pytest.raises(BadInput, match=r"was canceled on 2024-03-10, by an event with the name .CAN-1.: a line is"):
        record(changed, "cancel", "2024-03-20", "5.00", "CAN-2")
    row = {"charge": CHARGE, "kind": "cancel", "date": "2024-03-20", "amount": "5.00", "name": "CAN-2"}
    result = changed.import_events(row, keep_good=True)
    assert (result.rejected, changed.open_parts(CHARGE)) == (1, before)
    (problem,) = changed.sql("SELECT problems FROM quarantine")
    assert "to refund more, record a credit" in str(problem)
    record(changed, "cancel", "2024-03-10", "5.00", "CAN-1")
    assert changed.open_parts(CHARGE) == [("2024-03-10", 700)], "the same name corrects it"


@pytest.mark.parametrize("event", ["credit", "cancel"])
@pytest.mark.parametrize(
    ("amount", "parts"),
    [("15.00", [("2024-01-31", 600), ("2024-02-29", 300)]), ("18.00", [("2024-01-31", 600)])],
    ids=["in part", "whole"],
)
def test_a_refund_on_the_day_of_a_part_is_netted_with_it(
    books: Books, row: MakeRow, event: str, amount: str, parts: list[tuple[str, int]]
) -> None:
    books.rules(RULES.format(policy="prospective"))
    books.take(row(post_date="2024-01-31"))
    record(books, event, "2024-02-29", amount)
    assert books.open_parts(CHARGE) == parts
    assert verify(books.context("verify")).sound


def test_a_cancellation_that_arrives_late_takes_back_what_was_posted_since(changed: Books) -> None:
    record(changed, "cancel", "2024-02-10", "18.00")
    assert changed.run("2024-12-31").complete
    assert sum(amount for _day, amount in posted(changed)) == 600
    assert posted(changed)[:2] == [("2024-01-31", 600), ("2024-02-29", 600)]
    assert verify(changed.context("verify")).sound


def test_goods_that_are_credited_in_full_before_delivery_are_closed(offline: Books, row: MakeRow) -> None:
    offline.take(row(item="POD-1"))
    record(offline, "cancel", "2024-03-10", "24.00")
    ((code, reason),) = offline.sql("SELECT code, reason FROM unscheduled")
    assert code == "closed" and "24.00 becomes 0.00" in reason


def test_a_line_credited_in_full_before_it_is_recognized_leaves_nothing_open(offline: Books, row: MakeRow) -> None:
    offline.take(row())
    record(offline, "credit", "2024-01-06", "24.00")
    assert offline.open_parts(CHARGE) == []
    assert offline.sql("SELECT amount, lines FROM schedule WHERE version = 2") == [(0, 0)]
    record(offline, "price", "2024-01-07", "12.00")
    assert sum(amount for _day, amount in offline.open_parts(CHARGE)) == 1200
    assert verify(offline.context("verify")).sound


def test_the_trace_shows_the_price_and_why_it_changed(changed: Books) -> None:
    record(changed, "credit", "2024-03-10", "4.00", "CRN-1")
    life = changed.trace(CHARGE)
    newest = life["schedule"][-1]
    assert newest["amount"] == "20.00" and "credit CRN-1 on 2024-03-10" in newest["explanation"]
    assert newest["price_change"] == {
        "amount": "-4.00",
        "reason": "credit CRN-1 on 2024-03-10: 24.00 becomes 20.00 USD",
    }


def test_a_prorated_price_that_corrects_one_of_its_day_is_computed_without_it(offline: Books, row: MakeRow) -> None:
    """Half of 24.00 is earned, so a price of 48.00 for the whole service leaves 24.00 for the other half."""
    offline.rules(RULES.format(policy="prospective"))
    offline.take(row(post_date="2024-01-31"))
    record(offline, "price", "2024-02-29", "100.00")
    wanted = EventRow(CHARGE, "price", date(2024, 2, 29), amount=Decimal(48))
    event, found = prorate_event(offline.context(), wanted)
    assert (event.amount, found.price, found.earned) == (Decimal(36), 2400, 1200)


KINDS = st.sampled_from(["credit", "price", "cancel"])
STEPS = st.lists(
    st.one_of(
        st.tuples(KINDS, st.dates(date(2024, 1, 1), date(2024, 7, 1)), st.integers(-3000, 3000)),
        st.tuples(st.just("run"), st.dates(date(2024, 1, 1), date(2024, 7, 1)), st.just(0)),
    ),
    max_size=6,
)


@pytest.mark.parametrize("examples", [5, pytest.param(15, marks=pytest.mark.slow)])
def test_posted_and_remaining_come_to_the_price_whatever_happens(
    fresh_books: MakeBooks, row: MakeRow, intacct: Intacct, examples: int
) -> None:
    @settings(max_examples=examples, deadline=None)
    @given(steps=STEPS, policy=st.sampled_from(["prospective", "catch_up", "latest", "earned_first"]))
    def holds(steps: Any, policy: str) -> None:
        from revrec.core.money import decimal_string
        from revrec.store import charges, events

        books = fresh_books(intacct.environment)
        books.rules(RULES.format(policy=policy))
        books.take(row(post_date="2024-01-31"))
        before: list[tuple[str, int]] = []
        for kind, day, amount in steps:
            if kind == "run":
                books.run(day.isoformat())
            else:
                record(books, kind, day.isoformat(), decimal_string(amount, "USD"))
            assert set(before) <= set(posted(books)), "what was posted never changes"
            before = posted(books)
            with books.context().database.read() as connection:
                from revrec.core.pricing import price_of

                line, facts = charges.read_charge(connection, 1), events.events_of_charges(connection, [1]).get(1, [])
            on_entries = sum(amount for _day, amount in before)
            assert on_entries + sum(amount for _day, amount in books.open_parts(CHARGE)) == price_of(line, facts)
        assert verify(books.context("verify")).sound

    holds()
