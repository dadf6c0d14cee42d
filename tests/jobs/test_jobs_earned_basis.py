"""The earned basis: revenue by the day on which it is earned, as known now, beside the ledger of closed months."""

from collections import defaultdict
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from revrec.core.filters import Basis
from revrec.core.known_time import KnownTime
from revrec.core.typed_dates import DateSpan
from revrec.jobs.context import Context
from revrec.jobs.posting.periods import decide
from revrec.jobs.reports.revenue import revenue
from revrec.jobs.reports.rollforward import RollforwardOptions, rollforward
from support.books import Books, MakeBooks, MakeRow
from support.intacct import Intacct
from support.stories import OPENING, STEPS, Story

SPAN = DateSpan(date(2024, 1, 1), date(2024, 4, 30))


def by_month(context: Context, basis: Basis) -> dict[str, str]:
    """Return the revenue of each month; the rollforward shows the same, and both tie out."""
    report = revenue(context, SPAN, "month", "source", basis)
    moved = rollforward(context, RollforwardOptions(SPAN, basis=basis))
    assert report.ties_out and moved.ties_out, [*report.differences, *moved.differences]
    sums: defaultdict[str, Decimal] = defaultdict(Decimal)
    for row in report.rows:
        sums[row["period"]] += Decimal(row["revenue"])
    recognized: defaultdict[str, Decimal] = defaultdict(Decimal)
    for row in moved.rows:
        recognized[row["period"]] += Decimal(row["recognized"])
    found, same = ({month: str(one) for month, one in some.items() if one} for some in (sums, recognized))
    assert found == same
    return found


@pytest.mark.both_databases
def test_a_late_correction_changes_the_month_that_earned_it_and_not_its_ledger(books: Books, row: MakeRow) -> None:
    books.environment["REVREC_POSTING_CLOSED_PERIOD"] = "next_open"
    books.take(row("D1", post_date="2024-03-01"), row("D2", item="POD-1", amount="1299.00", post_date="2024-03-05"))
    books.event("shop/D2/1", "pod", "2024-03-07")
    books.run("2024-03-31")
    decide(books.context("periods close"), [date(2024, 3, 1)], "closed", "reported")
    before = books.audit_seq()
    books.event("shop/D2/1", "pod", "2024-04-02")
    books.run("2024-04-30")
    assert by_month(books.context(), Basis.ledger) == {"2024-03": "1301.00", "2024-04": "2.00"}
    assert by_month(books.context(), Basis.earned) == {"2024-03": "2.00", "2024-04": "1301.00"}
    context = books.context()
    context.database.read_as_known(KnownTime("", before))
    assert [by_month(context, basis)["2024-03"] for basis in Basis] == ["1301.00", "1301.00"]


def test_what_is_earned_and_not_posted_counts(offline: Books, row: MakeRow) -> None:
    offline.take(row("D1", post_date="2024-03-01"))
    assert by_month(offline.context(), Basis.ledger) == {}
    assert by_month(offline.context(), Basis.earned) == {"2024-03": "2.00", "2024-04": "2.00"}


@pytest.mark.slow
@settings(
    max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(steps=STEPS, day=st.dates(date(2024, 1, 1), date(2024, 7, 31)))
def test_both_bases_tie_out_and_have_the_same_total_once_everything_is_posted(
    fresh_books: MakeBooks, row: MakeRow, intacct: Intacct, steps: list[tuple[str, str, int]], day: date
) -> None:
    story = Story.begin(fresh_books, intacct, row)
    for at, step in enumerate([*OPENING, *steps]):
        story.do(at, *step)
        by_month(story.books.context(), Basis.earned)
    story.do(99, "run", "2026-12-31", 0)
    span = DateSpan(date(2024, 1, 1), date(2026, 12, 31))
    totals = []
    for basis in Basis:
        report = revenue(story.books.context(), span, "span", "charge", basis)
        assert report.ties_out
        totals.append({row["charge"]: row["revenue"] for row in report.rows if Decimal(row["revenue"])})
    assert totals[0] == totals[1]
