"""The waterfall: what was billed in each month, and in which months it is recognized."""

from datetime import date

import pytest

from revrec.core.report import Report
from revrec.jobs.reports.waterfall import Cells, waterfall
from support.books import Books, MakeRow

PARTS = """
[[rule]]
name = "parts"
recognize = { method = "percentages", percentages = [20, 35, 45] }
"""


def rows(report: Report, *columns: str) -> list[tuple[str, ...]]:
    """Return columns of a report that ties out."""
    assert report.checks and not report.differences
    return [tuple(row[name] for name in columns) for row in report.rows]


def test_a_published_row_and_the_kinds_of_its_cells(books: Books, row: MakeRow) -> None:
    """Stripe's page on the waterfall: booked in April, earned in May and June, and the rest after the window."""
    books.rules(PARTS.replace("percentages =", 'start = "rev_rec_date", percentages ='))
    books.take(row("INV-1", amount="2000000.00", post_date="2024-04-30", rev_rec_date="2024-05-15"))
    assert books.run("2024-06-30").complete
    day, april = date(2024, 6, 30), date(2024, 4, 1)
    shown = rows(
        waterfall(books.context(), day, "billed", april, 3),
        "billed", "total", "before", "2024-04", "2024-05", "2024-06", "later", "waiting", "recognized", "remaining",
    )  # fmt: skip
    figures = ("2000000.00", "0.00", "0.00", "400000.00", "700000.00", "900000.00", "0.00", "1100000.00", "900000.00")
    assert shown == [("2024-04", *figures)]
    planned = waterfall(books.context(), day, "billed", april, 4, shown=Cells(("due", "planned")))
    names = ("2024-05", "2024-06", "2024-07", "later", "not_shown", "total")
    assert rows(planned, *names) == [("0.00", "0.00", "900000.00", "0.00", "1100000.00", "2000000.00")]


def test_what_is_due_and_not_posted_is_apart_from_what_is_posted_and_from_the_plan(books: Books, row: MakeRow) -> None:
    books.rules(PARTS)
    books.take(row("INV-1", amount="100.00", post_date="2024-01-10"))
    assert books.run("2024-01-31").complete
    # The part of February is due on February 15, and that of March is not.
    report = waterfall(
        books.context(), date(2024, 2, 15), "charge", date(2024, 1, 1), 12, shown=Cells(("due",), "year")
    )
    assert rows(report, "2024", "not_shown", "total") == [("35.00", "65.00", "100.00")]
    assert report.rows[0]["cells"]["2024"] == {"actual": "20.00", "due": "35.00", "planned": "45.00"}


@pytest.mark.both_databases
def test_a_credit_is_in_the_row_of_what_it_credits_if_asked(books: Books, row: MakeRow) -> None:
    books.rules(PARTS)
    books.take(
        row("INV-1", amount="100.00", post_date="2024-01-10"), row("INV-2", amount="50.00", post_date="2024-02-10")
    )
    credit = row("CRN-1", amount="-40.00", post_date="2024-03-10", credits="INV-1/1")
    books.take(credit, row("CRN-2", amount="-5.00", post_date="2024-03-10"), name="credits.csv")
    day, first = date(2024, 3, 31), date(2024, 1, 1)
    own = waterfall(books.context(), day, "billed", first, 6)
    assert rows(own, "billed", "total") == [("2024-01", "100.00"), ("2024-02", "50.00"), ("2024-03", "-45.00")]
    net = waterfall(books.context(), day, "billed", first, 6, shown=Cells(net=True))
    assert rows(net, "billed", "total") == [("2024-01", "60.00"), ("2024-02", "50.00"), ("2024-03", "-5.00")]
