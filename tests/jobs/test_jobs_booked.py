"""What entries recognize, from the sums of their accounts: the same as from their journal lines."""

from datetime import date
from unittest import mock

import pytest

from revrec.core.typed_dates import DateSpan
from revrec.jobs.posting.reversing import ReversalOrder
from revrec.jobs.reports.activity import activity
from revrec.jobs.running.reverse import reverse
from revrec.store.reports import booked
from revrec.store.reports.booked import AccountAmount, recognized_by_account
from support.books import Books, MakeRow
from support.intacct import Intacct

RULES = """
[[rule]]
name = "magazine"
when = { item = "MAG-*" }
recognize = { method = "monthly", periods = 3 }
[[rule.cost]]
name = "commission"
percent = "10"
deferred = "1400"
expense = "6100"
"""
JANUARY, MARCH = DateSpan(date(2024, 1, 1), date(2024, 1, 31)), DateSpan(date(2024, 1, 1), date(2024, 3, 31))
LINES_BY_SIDE = """
    SELECT l.account, l.side, e.currency, count(*), sum(l.amount) FROM journal_line l
    JOIN journal_entry e ON e.id = l.entry_id WHERE e.state = 'POSTED' GROUP BY 1, 2, 3 ORDER BY 1, 2, 3"""


@pytest.fixture
def posted(books: Books, row: MakeRow, intacct: Intacct) -> Books:
    """Books with costs, a line that takes back, a price below what was posted, and an entry that is reversed."""
    for account in ("1400", "6100"):
        intacct.admin("/accounts", id=account)
    books.rules(RULES)
    books.take(
        row("D1", item="MAG-1", amount="30.00", post_date="2024-01-05"),
        row("D2", item="MAG-1", amount="-9.00", post_date="2024-01-05"),
        row("D3", item="MAG-1", amount="50.00", post_date="2024-01-05", currency="EUR"),
        row("D4", item="MAG-1", amount="60.00", post_date="2024-02-05"),
    )
    assert books.run("2024-01-31").complete
    books.event("shop/D1/1", "credit", "2024-02-20", amount=25)
    assert books.run("2024-02-29").complete
    (reference,) = books.sql("SELECT reference FROM journal_entry WHERE currency = 'EUR' ORDER BY id LIMIT 1")[0]
    reverse(books.context("postings reverse"), ReversalOrder(reference, "wrong", date(2024, 3, 15), True))
    return books


@pytest.mark.both_databases
def test_the_sums_of_accounts_recognize_what_the_lines_do(posted: Books) -> None:
    for span in (JANUARY, MARCH, DateSpan(date(2024, 2, 1), date(2024, 3, 14))):
        summed = recognized(posted, span)
        with mock.patch.object(booked, "MOST_OTHER", -1):
            assert recognized(posted, span) == summed
        assert summed, span


def test_costs_and_negative_lines_are_read_beside_the_sums(posted: Books) -> None:
    assert recognized(posted, MARCH) == [
        AccountAmount("2400", "EUR", 1666, 3),
        AccountAmount("2400", "USD", 1900, 6),
    ]


def test_the_activity_of_accounts_is_the_sum_of_their_lines(posted: Books) -> None:
    found = {
        (one["account"], one["currency"]): (one["lines"], one["debits"], one["credits"])
        for one in activity(posted.context("report"), MARCH, "span").rows
    }
    expected = {key: [0, 0, 0] for key in found}
    for account, side, currency, lines, amount in posted.sql(LINES_BY_SIDE):
        sums = expected[account, currency]
        sums[0] += lines
        sums[1 if side == "debit" else 2] += amount
    shown = {key: (lines, *(f"{cents / 100:.2f}" for cents in sums)) for key, (lines, *sums) in expected.items()}
    assert found == shown and len(found) == 8


def recognized(books: Books, span: DateSpan) -> list[AccountAmount]:
    """Return what entries recognize in a span, without accounts whose lines cancel out."""
    with books.context("report").database.read() as connection:
        return [one for one in recognized_by_account(connection, *span) if one.amount or one.lines]
