"""Invoices and credit memos against Intacct: what was changed, deleted, not posted or not known there is named."""

from datetime import date
from typing import Any
from uuid import uuid4

import pytest

from revrec.jobs.admin.database import backup, restore
from revrec.jobs.gateway import open_gateway
from revrec.jobs.posting import resolve
from revrec.jobs.reconciling.reconcile import Reconciliation, reconcile
from support.billing import DAY, ORDER, PLAIN, Billing
from support.books import Books, MakeRow
from support.commands import call
from support.intacct import Intacct

both = pytest.mark.parametrize("billing", [ORDER, pytest.param(PLAIN, marks=pytest.mark.slow)], indirect=True)


@pytest.fixture
def billing(books: Books, intacct: Intacct, row: MakeRow, request: pytest.FixtureRequest) -> Billing:
    """Books with one document that is invoiced."""
    made = Billing(books, intacct, row, getattr(request, "param", ORDER))
    made.document()
    assert made.run().complete
    return made


def compared(billing: Billing, **how: Any) -> Reconciliation:
    """Return a comparison until the day of the run."""
    return reconcile(billing.books.context("reconcile"), date.fromisoformat(DAY), **how)


def named(result: Reconciliation) -> list[tuple[str, str]]:
    """Return kind and words of each finding."""
    return [(one.kind, one.what) for one in result.findings]


def by_hand(billing: Billing, function: str) -> str:
    """Run a function as another user of the company does, and return the key that it answers with."""
    with open_gateway(billing.books.context()) as gateway:
        gateway.sign_in()
        body = f'<function controlid="by hand {uuid4()}">{function}</function>'.encode()
        answer = gateway.run_functions([body])
    assert answer.response is not None
    (result,) = answer.response.results
    assert result.status == "success", result
    return result.key


@both
def test_what_was_posted_ties_out(billing: Billing) -> None:
    result = compared(billing)
    assert (result.ties, result.invoices, result.findings, result.other_invoices) == (True, 1, [], [])


def test_an_invoice_that_was_deleted_is_named_and_can_be_accepted(billing: Billing) -> None:
    key = "Sales Invoice-INV-1"
    by_hand(billing, f'<delete_sotransaction key="{key}"/>')
    result = compared(billing)
    (found,) = result.findings
    assert (found.kind, found.record_no, found.what) == (
        "invoice_deleted",
        key,
        "Intacct has no document with this key",
    )
    assert not result.ties
    assert compared(billing, accept=[found.key], reason="canceled by the customer").open == []


def test_an_invoice_that_was_changed_is_named_with_the_change(billing: Billing) -> None:
    change = '<updatesotransitem line_num="1"><quantity>3</quantity><price>9.00</price></updatesotransitem>'
    items = f"<updatesotransitems>{change}</updatesotransitems>"
    by_hand(billing, f'<update_sotransaction key="Sales Invoice-INV-1">{items}</update_sotransaction>')
    assert named(compared(billing)) == [
        ("invoice_edited", "it was posted with other content: line 1 has 27.00 of MAG-12, not 24.00 of MAG-12")
    ]


@pytest.mark.parametrize("billing", [PLAIN], indirect=True)
def test_a_receivable_that_was_reversed_is_named_with_its_state(billing: Billing) -> None:
    ((key,),) = billing.books.sql("SELECT record_no FROM invoice")
    day = "<datereversed><year>2024</year><month>02</month><day>01</day></datereversed>"
    by_hand(billing, f'<reverse_invoice key="{key}">{day}</reverse_invoice>')
    assert named(compared(billing)) == [("invoice_state", "it is not in the ledger: its state is Reversed")]


def test_a_credit_that_intacct_does_not_have_does_not_tie_out_before_and_after_the_run(billing: Billing) -> None:
    billing.books.event("shop/INV-1/1", "credit", "2024-01-12", amount=2)
    lacks = ("credit_due", "Intacct lacks a credit memo of 2.00 USD for Sales Invoice-INV-1")
    assert named(compared(billing)) == [lacks]
    billing.run()
    result = compared(billing)
    assert named(result) == [lacks] and result.findings[0].reference.startswith("IV")
    billing.configure(ORDER, credit_memos="post")
    assert billing.run().complete
    result = compared(billing)
    assert (result.ties, result.invoices) == (True, 2)


def test_a_credit_memo_entered_by_hand_with_another_total_is_named(billing: Billing) -> None:
    billing.books.event("shop/INV-1/1", "credit", "2024-01-12", amount=2)
    billing.run()
    reference = compared(billing).findings[0].reference
    line = "<lineitem><glaccountno>2400</glaccountno><amount>-1.50</amount></lineitem>"
    day = "<datecreated><year>2024</year><month>01</month><day>12</day></datecreated>"
    items = f"<aradjustmentitems>{line}</aradjustmentitems>"
    key = by_hand(billing, f"<create_aradjustment><customerid>C1007</customerid>{day}{items}</create_aradjustment>")
    resolve.as_posted(billing.books.context("postings resolve"), reference, key, "entered by hand")
    assert named(compared(billing)) == [
        ("invoice_edited", "it was posted with other content: total 1.50 USD, not 2.00 USD")
    ]


@both
def test_an_invoice_that_these_books_forgot_is_unknown(billing: Billing) -> None:
    billing.document("INV-2")
    copy = billing.books.folder / "copy.db"
    backup(billing.books.context("db backup"), copy)
    assert billing.run().complete
    restore(billing.books.context("db restore"), copy)
    (found,) = [one for one in compared(billing).findings if one.kind != "lost"]
    what = "it has the number of shop/INV-2, and these books did not post it"
    assert (found.kind, found.what, found.amount) == ("invoice_unknown", what, 2_000)


def test_a_credit_memo_that_these_books_forgot_is_unknown(billing: Billing) -> None:
    billing.configure(ORDER, credit_memos="post")
    copy = billing.books.folder / "copy.db"
    backup(billing.books.context("db backup"), copy)
    billing.books.event("shop/INV-1/1", "credit", "2024-01-12", amount=2)
    assert billing.run().complete
    restore(billing.books.context("db restore"), copy)
    what = "it has the number of a credit memo of shop/INV-1, and these books did not post it"
    assert [one for one in named(compared(billing)) if one[0] != "lost"] == [("invoice_unknown", what)]


def test_invoices_of_others_are_counted_and_are_no_difference(billing: Billing) -> None:
    line = "<sotransitem><itemid>MAG-12</itemid><quantity>1</quantity><price>70.00</price></sotransitem>"
    day = "<datecreated><year>2024</year><month>01</month><day>12</day></datecreated>"
    by_hand(
        billing,
        f"<create_sotransaction><transactiontype>Sales Invoice</transactiontype>{day}<customerid>C1007</customerid>"
        f"<documentno>X-1</documentno><termname>Net 30</termname><sotransitems>{line}</sotransitems>"
        "</create_sotransaction>",
    )
    result = compared(billing)
    assert result.findings == [] and result.other_invoices == [("Sales Invoice", "USD", 1, 7_000)]
    config = ("--config", billing.books.folder / "revrec.toml")
    shown = call("reconcile", "--date", DAY, *config, env=billing.books.environment)
    assert shown.code == 0 and "1 invoice compared" in shown.out
    assert "1 Sales Invoice of others in Intacct: 70.00 USD" in shown.out


@pytest.mark.slow
def test_an_invoice_in_doubt_that_arrived_is_unsettled(billing: Billing) -> None:
    billing.document("INV-2")
    billing.intacct.fault("drop@after:#2:create_sotransaction")
    billing.run()
    assert named(compared(billing)) == [("invoice_unsettled", "it is in Intacct; here it is in doubt")]


def test_one_account_is_compared_without_invoices(billing: Billing) -> None:
    by_hand(billing, '<delete_sotransaction key="Sales Invoice-INV-1"/>')
    result = compared(billing, account="2400")
    assert (result.invoices, result.findings) == (0, [])
