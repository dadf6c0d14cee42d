"""Constraints on invoices that the database checks itself, whatever program writes to it."""

import re
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from revrec.core.errors import RevrecError
from revrec.core.invoice import InvoiceRequest
from revrec.core.posting import TRANSITIONS
from revrec.store.audit import AuditStamp
from revrec.store.posting import invoices
from revrec.store.posting.invoices import INVOICE_TABLES
from revrec.store.posting.posting_tables import AttemptOutcome
from support.store import FilledDatabase

pytestmark = pytest.mark.both_databases

JAN, FEB = date(2024, 1, 31), date(2024, 2, 29)
TWO = ((JAN, 1200), (FEB, 1200))
WHO = AuditStamp("ada@books", "test", "2024-03-28T09:00:00.000000+00:00")


def move(books: FilledDatabase, number: int, old: str, new: str, **values: Any) -> None:
    with books.database.write() as connection:
        INVOICE_TABLES.change_state(connection, number, old, new, WHO, **values)


def post(books: FilledDatabase, number: int, key: str = "Sales Order-INV-1") -> None:
    move(books, number, "READY", "SENDING", owner="one", lease_until="9")
    with books.database.write() as connection:
        attempt, _ = INVOICE_TABLES.begin_attempt(connection, number, "send", "c", "<request/>", WHO)
        INVOICE_TABLES.end_attempt(connection, attempt, AttemptOutcome("posted", 200, key, None, ""), WHO)
    move(books, number, "SENDING", "POSTED", record_no=key, owner=None, lease_until=None)


def test_an_invoice_is_of_its_charge_lines_to_the_cent(books: FilledDatabase) -> None:
    no = books.charge(TWO)
    with pytest.raises(RevrecError, match="of the amounts of its charge lines"):
        books.invoice(no, amount=2399)
    books.invoice(no)


def test_no_line_is_added_to_a_whole_invoice(books: FilledDatabase, refused: Callable[..., None]) -> None:
    number = books.invoice(books.charge(TWO))
    other = books.charge(TWO)
    refused(
        "an invoice is complete",
        f"INSERT INTO invoice_line VALUES ({number}, 2, 'x', {other}, 'I', '', '1', '24.00', 2400, '', '', '')",
    )


def test_a_charge_line_is_on_one_live_invoice_of_a_kind(books: FilledDatabase) -> None:
    no = books.charge(TWO)
    first = books.invoice(no)
    for kind in ("ar_invoice", "sales_order"):
        with pytest.raises(RevrecError, match="at most one live invoice"):
            books.invoice(no, kind=kind)
    move(books, first, "READY", "REJECTED")
    with books.database.write() as connection:
        invoices.release_charges(connection, first, WHO)
    books.invoice(no, kind="sales_order")


def test_a_sales_invoice_is_made_from_a_posted_order(books: FilledDatabase) -> None:
    no = books.charge(TWO)
    order = books.invoice(no, kind="sales_order", definition="Sales Order")
    with pytest.raises(RevrecError, match="made from an order that is posted"):
        books.invoice(no, kind="sales_invoice", after_id=order)
    post(books, order)
    books.invoice(no, kind="sales_invoice", after_id=order)
    with pytest.raises(RevrecError, match="at most one live invoice"):
        books.invoice(no, kind="sales_invoice", after_id=order)


def test_posted_needs_a_key_and_the_answer_that_shows_it_and_never_changes_again(
    books: FilledDatabase, refused: Callable[..., None]
) -> None:
    number = books.invoice(books.charge(TWO))
    move(books, number, "READY", "SENDING", owner="one", lease_until="9")
    for key in (None, "4711"):
        with pytest.raises(RevrecError, match="POSTED needs a record number"):
            move(books, number, "SENDING", "POSTED", record_no=key)
    move(books, number, "SENDING", "READY", owner=None, lease_until=None)
    post(books, number, "4711")
    refused("a posted invoice never changes", "UPDATE invoice SET error = 'x'")


CONTENT = ("number", "customer", "term", "date", "control_id", "content_hash", "kind", "amount")


def test_the_content_of_an_invoice_never_changes(books: FilledDatabase, refused: Callable[..., None]) -> None:
    books.invoice(books.charge(TWO))
    for column in CONTENT:
        value = {"amount": "1", "kind": "'sales_order'"}.get(column, "'other'")
        refused("the content of an invoice never changes", f"UPDATE invoice SET {column} = {value}")


def test_the_database_knows_the_same_ways_as_the_table(books: FilledDatabase) -> None:
    """The trigger's own list, as the database holds it."""
    sqlite = "SELECT sql FROM sqlite_master WHERE name = 'invoice_states'"
    query = sqlite if books.path else "SELECT prosrc FROM pg_proc WHERE proname = 'invoice_states'"
    ways = re.findall(r"'([A-Z_]+)>([A-Z_]+)'", books.one(query))
    assert set(ways) == TRANSITIONS


@pytest.mark.parametrize(("old", "new"), [("READY", "POSTED"), ("READY", "CANCELED"), ("SENDING", "REPLACED")])
def test_a_way_that_is_not_in_the_table_is_refused(
    books: FilledDatabase, refused: Callable[..., None], old: str, new: str
) -> None:
    number = books.invoice(books.charge(TWO))
    if old != "READY":
        move(books, number, "READY", old, owner="one", lease_until="9")
    refused("cannot change that way|POSTED needs", f"UPDATE invoice SET state = '{new}'")


def test_what_is_due_is_reported_document_by_document_and_only_of_sources_that_ask(books: FilledDatabase) -> None:
    one, two = books.charge(TWO), books.charge(TWO)
    on = books.invoice(two)
    wish = {"shop": InvoiceRequest("ar_invoice", None, "{document}")}
    with books.database.read() as connection:
        due = [[line.no for line in lines] for lines in invoices.due_documents(connection, wish, JAN)]
        assert due == [[one]]
        assert list(invoices.due_documents(connection, wish, date(2023, 12, 31))) == [], "not billed yet"
        assert list(invoices.due_documents(connection, {}, JAN)) == []
        late = {"shop": InvoiceRequest("ar_invoice", JAN, "{document}")}
        assert list(invoices.due_documents(connection, late, FEB)) == [], "billed before invoices were asked for"
        again = [[line.no for line in lines] for lines in invoices.due_documents(connection, wish, JAN, [on])]
        assert again == [[one], [two]], "a refused one counts as none"
