"""The database keeps the summary of an entry, and refuses one that does not add up its lines."""

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from revrec.core.errors import RevrecError
from revrec.core.journal import JournalEntry
from revrec.core.summary import SummaryLine
from revrec.store.posting import entries
from revrec.store.posting.entries import ENTRY_TABLES
from revrec.store.posting.posting_tables import PostingSize
from support.store import FilledDatabase

JAN = date(2024, 1, 31)


@pytest.fixture
def built(books: FilledDatabase) -> JournalEntry:
    """Return an entry of three charge lines that is summarized by account, not yet stored; one is a credit."""
    for amount in (1200, 2400, -700):
        books.charge([(JAN, amount)])
    (entry,) = books.build(JAN, "account")
    return entry


def test_a_stored_entry_comes_back_with_its_summary(books: FilledDatabase, built: JournalEntry) -> None:
    (number,) = books.take(built)
    with books.database.read() as connection:
        whole = entries.read_entry(connection, number).entry
        sent = entries.read_entry(connection, number, only_sent=True).entry
        assert entries.count_summarized(connection, [number]) == {number: 4}
        assert ENTRY_TABLES.sizes(connection, [number]) == {number: PostingSize(4, 4300, "USD")}
    assert (whole.lines, whole.summary) == (built.lines, built.summary)
    assert (sent.lines, sent.summary, sent.amount) == ((), built.summary, 4300)


def test_its_hash_covers_the_summary_too(built: JournalEntry) -> None:
    own = entries.content_hash(built)
    for change in ({"memo": "x"}, {"customer": "C9"}, {"fields": (("A", "b"),)}):
        changed: Any = SummaryLine(**{**built.summary[0]._asdict(), **change})
        assert entries.content_hash(built._replace(summary=(changed, *built.summary[1:]))) != own


def less(summary: tuple[SummaryLine, ...]) -> Any:
    return (summary[0]._replace(amount=1), *summary[1:])


def other_account(summary: tuple[SummaryLine, ...]) -> Any:
    return (summary[0]._replace(account="9999"), *summary[1:])


def other_side(summary: tuple[SummaryLine, ...]) -> Any:
    return (summary[0]._replace(side="credit"), *summary[1:])


def other_currency(summary: tuple[SummaryLine, ...]) -> Any:
    return tuple(line._replace(currency="EUR") for line in summary)


def without_one(summary: tuple[SummaryLine, ...]) -> Any:
    return summary[:-1]


def one_part_less(summary: tuple[SummaryLine, ...]) -> Any:
    parts: dict[str, Any] = {"last": summary[0].last - 2, "amount": 1200}
    return (*(line._replace(**parts) for line in summary[:2]), *summary[2:])


def one_twice(summary: tuple[SummaryLine, ...]) -> Any:
    return (*summary, summary[0]._replace(line_no=9), summary[1]._replace(line_no=10))


@pytest.mark.parametrize(
    "spoil", [less, other_account, other_side, other_currency, without_one, one_part_less, one_twice]
)
def test_a_summary_that_does_not_add_up_the_lines_is_refused(
    books: FilledDatabase, built: JournalEntry, spoil: Callable[..., Any]
) -> None:
    before = books.content()
    with pytest.raises(RevrecError, match=r"rejected the change.*each journal line is part of the one summary line"):
        books.take(built._replace(summary=spoil(built.summary)))
    assert books.content() == before


def test_nothing_is_added_to_the_summary_of_an_entry_that_is_complete(
    books: FilledDatabase, built: JournalEntry, refused: Callable[..., None]
) -> None:
    books.take(built)
    columns = "side, account, amount, currency, memo, customer, item, dimensions, billed, fields, first, last"
    refused(
        "no line can be added to its summary",
        f"INSERT INTO summary_line SELECT entry_id, line_no + 9, {columns} FROM summary_line",
    )
