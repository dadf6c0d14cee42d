"""The identities of late changes, forecast, costs and disclosures hold in books of any history, on both databases."""

from contextlib import nullcontext, suppress
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from revrec.core.errors import BadInput
from revrec.core.filters import NO_FILTERS
from revrec.core.report import Report
from revrec.core.typed_dates import DateSpan
from revrec.jobs.posting.periods import decide
from revrec.jobs.reports.costs import CostOptions, costs
from revrec.jobs.reports.disclosures import disclosures
from revrec.jobs.reports.forecast import AMOUNTS, CAUSES, forecast
from revrec.jobs.reports.late import late
from revrec.jobs.reports.remaining_obligations import remaining_obligations
from revrec.jobs.reports.revenue import revenue
from revrec.jobs.scheduling.rebuild import schedule
from support.books import Books, MakeBooks, MakeRow
from support.intacct import Intacct
from support.stories import OPENING, STEPS, UNDO, Story

MARCH = DateSpan(date(2024, 3, 1), date(2024, 3, 31))
QUARTERS = DateSpan(date(2024, 1, 1), date(2024, 6, 30))
RULES = """
[[rule]]
name = "magazine"
when = { item = "MAG-*" }
recognize = { method = "monthly", offset = "7 days", periods = 3 }
[[rule.cost]]
name = "paper"
percent = "10"
deferred = "1300"
expense = "5000"
[[rule]]
name = "delivery"
when = { item = "POD-*" }
recognize = { method = "pod_date" }
constraint = { reason = "may come back", percent = 10 }
[[rule]]
name = "by-the-hour"
when = { item = "GOODS-*" }
recognize = { method = "fixed_offset", offset = "90 days" }
disclose = { right_to_invoice = true }
"""


def holds(*reports: Report) -> None:
    """Check that every check of these reports holds."""
    for report in reports:
        assert not report.differences, (report.title, report.differences)


def check_identities(books: Books, since: int) -> None:
    """Check the reports of March and of half a year; ``since`` is the audit event of the plan to compare with."""
    by_item, by_change = (forecast(books.context(), MARCH, by, str(since)) for by in ("item", "change"))
    late_months, late_rows = (late(books.context(), NO_FILTERS, by) for by in ("month", "change"))
    holds(by_item, by_change, late_months, late_rows, costs(books.context(), CostOptions(QUARTERS)))
    holds(disclosures(books.context(), QUARTERS, quarterly=True).as_report)
    totals = dict.fromkeys(AMOUNTS, Decimal(0))
    for row in by_item.rows:
        assert sum(Decimal(row[cause]) for cause in CAUSES) == Decimal(row["difference"]), row
        totals = {name: amount + Decimal(row[name]) for name, amount in totals.items()}
    changed = sum((Decimal(row["amount"]) for row in by_change.rows), Decimal(0))
    assert changed == totals["difference"] == totals["actual"] - totals["baseline"]
    late_revenue = [Decimal(row["amount"]) for row in late_rows.rows if row["figure"] == "revenue"]
    assert sum(late_revenue) == sum(Decimal(row["late"]) for row in late_months.rows)


@pytest.mark.slow
@pytest.mark.both_databases
def test_the_new_reports_tie_out_on_both_databases(books: Books, row: MakeRow) -> None:
    books.environment["REVREC_POSTING_CLOSED_PERIOD"] = "next_open"
    books.rules(RULES)
    books.take(
        row("D1", amount="30.00", post_date="2024-01-01", **{"class": "retail"}),
        row("D2", item="POD-1", amount="50.00", post_date="2024-01-05"),
        row("D3", item="GOODS-1", amount="70.00", post_date="2024-02-01"),
    )
    books.event("shop/D2/1", "pod", "2024-01-10")
    assert books.run("2024-02-29").complete
    decide(books.context("periods close"), [date(2024, 1, 1), date(2024, 2, 1)], "closed", "reported")
    since = books.audit_seq()
    books.take(row("D4", amount="9.00", post_date="2024-01-20"), name="late.csv")
    books.event("shop/D2/1", "constraint", "2024-03-05", percent=0)
    books.event("shop/D1/1", "price", "2024-03-15", amount=36)
    books.rules(RULES.replace("7 days", "20 days"))
    schedule(books.context("schedule"), rebuild=True)
    assert books.run("2024-03-31").complete
    check_identities(books, since)
    # The constrained tenth of a delivered line is revenue of an earlier period once it is included.
    (pack,) = [one.report for one in disclosures(books.context(), MARCH, False).tables if one.name == "D3"]
    assert [(row["new_prices"], row["taken_back"]) for row in pack.rows] == [("5.00", "0.00")]
    rpo = remaining_obligations(books.context(), MARCH.last, "dimensions.class", (12,))
    holds(rpo, revenue(books.context(), MARCH, "span", "timing"))
    assert sum(Decimal(row["left_out"]) for row in rpo.rows) == 70


@pytest.mark.slow
@settings(
    max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(steps=STEPS, closes=st.integers(0, 9))
def test_they_tie_out_whatever_happens(
    fresh_books: MakeBooks, row: MakeRow, intacct: Intacct, steps: list[tuple[str, str, int]], closes: int
) -> None:
    """Charges, events, runs, new accounts, closed months, reversals, and entries that change in Intacct."""
    story = Story.begin(fresh_books, intacct, row)
    story.books.environment["REVREC_POSTING_CLOSED_PERIOD"] = "next_open"
    since = story.books.audit_seq()
    for at, step in enumerate([*OPENING, *steps]):
        if at == closes:
            decide(story.books.context("periods close"), [date(2024, 1, 1), date(2024, 2, 1)], "closed", "reported")
            since = story.books.audit_seq()
        # A reversal is refused if its day is in a closed month.
        with suppress(BadInput) if step[0] in UNDO else nullcontext():
            story.do(at, *step)
    check_identities(story.books, since)
