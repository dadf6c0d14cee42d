"""Random contracts in the books: what is posted and open comes to the final price, whatever is recorded, and when."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from revrec.core.schedule import Unscheduled
from revrec.jobs.admin.verify import verify
from revrec.jobs.reports.tie_out import tie_out
from revrec.jobs.rules.load import load_rules
from revrec.jobs.scheduling.contracts import derive_stored_line
from revrec.jobs.scheduling.rebuild import schedule
from support.books import Books, MakeBooks, MakeRow
from support.intacct import Intacct
from support.rule_texts import BUNDLES, DELIVERY, GOODS_AND_DISCOUNTS, MAGAZINE

RULES = f"""{BUNDLES}later = "{{later}}"
price_only = "DISC-*"
{GOODS_AND_DISCOUNTS}{DELIVERY}[rule.constraint]
percent = 10
until = "40 days"
from = "delivered"
reason = "right of return"
{MAGAZINE}periods = 6
on = "last"
"""
FINANCING = """
[rule.financing]
direction = "prepayment"
rate = "7"
term = "18 months"
interest = "5000"
"""
"""Interest in the price of the magazines."""
PRICES = "item,price\nGOODS-1,60\nMAG-1,40\nPOD-1,100\nMAG-2,50\n"
CHARGES = ("shop/INV-1/1", "shop/INV-1/2", "shop/INV-1/3")
DAYS = st.dates(date(2024, 1, 5), date(2024, 6, 30))
EVENT = st.tuples(
    st.sampled_from(CHARGES),
    st.sampled_from(["credit", "price", "constraint", "pod", "cancel", "hold", "release"]),
    DAYS,
    st.integers(0, 4_000),
    st.sampled_from(["", "contract", "line"]),
)
PRICED = ("credit", "price", "constraint")
"""Kinds of event that can have a scope."""
JOINING = st.tuples(st.sampled_from(["MAG-2", "DISC-1"]), DAYS, st.integers(1, 3_000))
WITHOUT_PRICE = st.tuples(st.just("MAG-9"), DAYS, st.integers(1, 3_000))
"""A line that joins the contract without a standalone price: it makes the allocation impossible."""
Event = tuple[str, str, date, int, str]


def contract(
    books: Books, row: MakeRow, later: str, joining: Sequence[tuple[str, date, int]] = (), financing: str = ""
) -> Books:
    """Return books with a contract of three lines, and those that joined it, each by another file."""
    (books.folder / "rules" / "ssp.csv").write_text(PRICES)
    books.rules(RULES.format(later=later) + financing)
    items = (("GOODS-1", "50.00"), ("MAG-1", "30.00"), ("POD-1", "80.00"))
    books.take(*(row(line=str(at), item=item, amount=amount) for at, (item, amount) in enumerate(items, 1)))
    for at, one in enumerate(joining, 4):
        join(books, row, at, one)
    return books


def join(books: Books, row: MakeRow, at: int, joining: tuple[str, date, int]) -> None:
    """Import a line that joins the contract, with this number."""
    item, day, amount = joining
    shown = str(Decimal(-amount if item == "DISC-1" else amount) / 100)
    books.take(row(line=str(at), item=item, amount=shown, post_date=day.isoformat()), name=f"{at}.csv")


def record(books: Books, event: Event) -> None:
    charge, kind, day, amount, scope = event
    money = str(Decimal(amount) / 100) if kind in (*PRICED, "cancel") else None
    books.event(charge, kind, day.isoformat(), amount=money, scope=scope if kind in PRICED else "")


def in_force(books: Books) -> list[tuple[Any, ...]]:
    """Return what each line recognizes on each day, and what waits and why."""
    parts = "SELECT charge_no, date, sum(amount) FROM schedule_line WHERE superseded_by IS NULL GROUP BY 1, 2"
    waits = (
        "SELECT w.charge_no, w.code, w.amount FROM schedule_wait w WHERE w.version ="
        " (SELECT max(version) FROM schedule s WHERE s.charge_no = w.charge_no)"
    )
    undated = "SELECT charge_no, code, amount FROM unscheduled"
    return sorted(tuple(row) for query in (parts, waits, undated) for row in books.sql(query) if row[-1])


def is_correction(events: Sequence[Event]) -> bool:
    """Check whether the last one recorded of some events counts, so that their order matters."""
    keys = [(charge, kind, None if kind in ("pod", "cancel") else day) for charge, kind, day, _amount, _scope in events]
    return len(set(keys)) < len(keys)


@pytest.mark.parametrize("examples", [1, pytest.param(8, marks=pytest.mark.slow)])
def test_the_order_of_recording_does_not_matter_before_anything_is_posted(
    fresh_books: MakeBooks, row: MakeRow, intacct: Intacct, examples: int
) -> None:
    @settings(max_examples=examples, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(
        events=st.lists(EVENT, min_size=2, max_size=4).filter(lambda found: not is_correction(found)),
        joining=st.lists(JOINING, max_size=1),
        later=st.sampled_from(["separate", "modify"]),
        financing=st.sampled_from(["", FINANCING]),
    )
    def holds(events: list[Event], joining: list[tuple[str, date, int]], later: str, financing: str) -> None:
        found = []
        for order in (events, events[::-1]):
            books = contract(fresh_books(intacct.environment), row, later, joining, financing)
            for event in order:
                record(books, event)
            found.append(in_force(books))
        assert found[0] == found[1]

    holds()


@pytest.mark.parametrize("examples", [1, pytest.param(8, marks=pytest.mark.slow)])
def test_what_is_posted_open_and_waiting_comes_to_the_final_price(
    fresh_books: MakeBooks, row: MakeRow, intacct: Intacct, examples: int
) -> None:
    @settings(max_examples=examples, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(
        steps=st.lists(st.one_of(EVENT, DAYS), min_size=1, max_size=5),
        joining=st.lists(JOINING, max_size=1),
        later=st.sampled_from(["separate", "modify"]),
        financing=st.sampled_from(["", FINANCING]),
    )
    def holds(steps: list[Any], joining: list[tuple[str, date, int]], later: str, financing: str) -> None:
        books = contract(fresh_books(intacct.environment), row, later, joining, financing)
        for step in steps:
            if isinstance(step, date):
                assert books.run(step.isoformat()).complete
            else:
                record(books, step)
        assert books.run("2025-12-31").complete
        assert verify(books.context("verify")).sound
        assert tie_out(books.context(), date(2025, 12, 31)).ties_out
        assert books.sql("SELECT count(*) FROM schedule_line WHERE superseded_by IS NULL AND entry_id IS NULL") == [
            (0,)
        ]

    holds()


def test_nothing_stays_open_that_the_contract_cannot_allocate(books: Books, row: MakeRow) -> None:
    contract(books, row, "modify")
    assert books.run("2024-02-15").complete
    books.take(row(line="9", item="MAG-9", amount="10.00", post_date="2024-02-20"), name="9.csv")
    assert books.sql("SELECT count(*) FROM open_line") == [(0,)]
    assert not any(entry for entry in books.run("2024-12-31").entries)
    (books.folder / "rules" / "ssp.csv").write_text(PRICES + "MAG-9,20\n")
    schedule(books.context("schedule"), rebuild=True)
    assert books.sql("SELECT count(*) > 0 FROM open_line") == [(1,)]
    assert books.run("2024-12-31").complete and verify(books.context("verify")).sound


@pytest.mark.parametrize("examples", [1, pytest.param(10, marks=pytest.mark.slow)])
def test_nothing_stays_open_of_any_contract_that_cannot_be_allocated(
    fresh_books: MakeBooks, row: MakeRow, intacct: Intacct, examples: int
) -> None:
    @settings(max_examples=examples, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(steps=st.lists(st.one_of(EVENT, DAYS, JOINING, WITHOUT_PRICE), min_size=1, max_size=6))
    def holds(steps: list[Any]) -> None:
        books = contract(fresh_books(intacct.environment), row, "modify")
        for at, step in enumerate(steps, 4):
            if isinstance(step, date):
                books.run(step.isoformat())
            elif len(step) == 3:
                join(books, row, at, step)
            else:
                record(books, step)
            assert not (is_impossible(books) and books.sql("SELECT count(*) FROM open_line") != [(0,)]), step
        assert verify(books.context("verify")).sound

    holds()


def is_impossible(books: Books) -> bool:
    """Check whether the contract of the first line cannot be allocated."""
    context = books.context()
    with context.database.read() as connection:
        return isinstance(derive_stored_line(connection, load_rules(context), 1).outcome, Unscheduled)
