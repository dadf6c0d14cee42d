"""Clocks: a machine whose clock is wrong posts nothing, and what one has left in the database is settled."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from revrec.core.errors import BadConfiguration, BadInput
from revrec.jobs.admin.database import backup, restore
from revrec.jobs.admin.verify import verify
from revrec.jobs.posting import resolve
from support.books import Books, MakeRow
from support.intacct import Intacct

DAY = "2024-02-10"
BOUND = {"REVREC_POSTING_CLOCK_DIFFERENCE": "5 min"}
YEARS = timedelta(days=4000)


@pytest.fixture
def intacct(intacct: Intacct) -> Iterator[Intacct]:
    """The sandbox, whose clock is right again afterwards."""
    yield intacct
    intacct.admin("/clock", offset_seconds=0)


def states(books: Books) -> list[str]:
    return [state for (state,) in books.sql("SELECT state FROM journal_entry ORDER BY id")]


def in_doubt(books: Books, intacct: Intacct, row: MakeRow, plan: str, later: timedelta = timedelta(0)) -> str:
    """The reference of an entry whose answer was lost."""
    books.take(row("INV-1"))
    intacct.fault(plan)
    books.run(DAY, later=later)
    intacct.fault("")
    ((reference, state),) = books.sql("SELECT reference, state FROM journal_entry")
    assert state == "IN_DOUBT"
    return str(reference)


@pytest.mark.parametrize("seconds", [-400, 400])
def test_nothing_is_posted_while_the_clocks_differ_by_more_than_the_bound(
    books: Books, row: MakeRow, intacct: Intacct, seconds: int
) -> None:
    books.take(row("INV-1"))
    intacct.admin("/clock", offset_seconds=seconds)
    said = r"machine's clock says \d{4}-.* UTC, Intacct's says \d{4}-.* UTC"
    with pytest.raises(BadConfiguration, match=said) as error:
        books.run(DAY, also=BOUND)
    assert error.value.exit_code == 5 and "0:05:00" in str(error.value)
    assert intacct.entries() == [] and states(books) == []
    assert books.run(DAY, REVREC_POSTING_CLOCK_DIFFERENCE="7 min").complete


def test_a_difference_within_the_bound_posts(books: Books, row: MakeRow, intacct: Intacct) -> None:
    books.take(row("INV-1"))
    intacct.admin("/clock", offset_seconds=-200)
    assert books.run(DAY, also=BOUND).complete


@pytest.mark.parametrize("is_refused", [True, False])
def test_a_clock_that_was_days_ahead_hides_nothing_from_books_that_are_restored(
    books: Books, row: MakeRow, intacct: Intacct, is_refused: bool
) -> None:
    ahead = timedelta(days=4)
    if is_refused:
        books.take(row("INV-0"))
        with pytest.raises(BadConfiguration):
            books.run(DAY, later=ahead, also=BOUND)
    else:
        # A wide bound lets it post and record a scan in the future.
        books.take(row("INV-9", amount="12.00"), name="before.csv")
        books.run(DAY, later=ahead)
        books.take(row("INV-0"))
    copy = books.folder / "copy.db"
    backup(books.context("db backup"), copy)
    books.run(DAY, also=BOUND)
    restore(books.context("db restore"), copy)
    books.take(row("INV-1"), name="more.csv")
    for seconds in (0, 4, 8):
        books.run(DAY, later=timedelta(seconds=seconds), also=BOUND)
    documents = [line["document"] for entry in intacct.entries() for line in entry["lines"]]
    assert sorted(set(documents) - {"INV-9/1"}) == ["INV-0/1", "INV-1/1"]
    assert documents.count("INV-0/1") == documents.count("INV-1/1") == 2


def test_a_doubt_of_the_time_when_the_clock_was_ahead_is_settled_after_one_quarantine(
    books: Books, row: MakeRow, intacct: Intacct
) -> None:
    in_doubt(books, intacct, row, "drop@after:1x:create", later=YEARS)
    books.run(DAY)
    assert states(books) == ["IN_DOUBT"], "its request may be of this moment"
    assert books.run(DAY, later=timedelta(seconds=4)).complete
    assert states(books) == ["POSTED"] and len(intacct.entries()) == 1
    assert verify(books.context("verify")).sound


def test_a_person_settles_a_doubt_after_its_quarantine_and_not_before(
    books: Books, row: MakeRow, intacct: Intacct
) -> None:
    reference = in_doubt(books, intacct, row, "drop@after:1x:create")
    (entry,) = intacct.entries()
    with pytest.raises(BadInput, match=r"in doubt until .* UTC, because its request may still arrive"):
        resolve.as_posted(books.context(), reference, str(entry["record_no"]), "it is there")
    resolve.as_posted(books.context(later=timedelta(seconds=4)), reference, str(entry["record_no"]), "it is there")
    assert states(books) == ["POSTED"] and books.run(DAY).complete and len(intacct.entries()) == 1
    assert verify(books.context("verify")).sound


def test_a_person_settles_a_doubt_within_its_quarantine_by_an_explicit_confirmation(
    books: Books, row: MakeRow, intacct: Intacct
) -> None:
    reference = in_doubt(books, intacct, row, "drop@before:1x:create", later=YEARS)
    assert resolve.send_again(books.context(), reference, "the clock was ahead", early=True) == "READY"
    assert books.run(DAY).complete and len(intacct.entries()) == 1


def test_what_is_being_sent_cannot_be_settled_even_so(books: Books, row: MakeRow, intacct: Intacct) -> None:
    reference = in_doubt(books, intacct, row, "drop@before:1x:create")
    context = books.context()
    from revrec.store.posting.entries import ENTRY_TABLES

    with context.database.write() as connection:
        until = context.timestamp()
        ENTRY_TABLES.claim(connection, 1, "IN_DOUBT", context.who(), "someone", 1, lease_until=until, attempts=2)
    with pytest.raises(BadInput, match="is sending and needs no review"):
        resolve.cancel(books.context(), reference, "I am impatient", early=True)
