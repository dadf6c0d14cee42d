"""Documents that revrec cannot send: a person enters them by hand, or decides not to invoice them."""

from datetime import date
from typing import Any

import pytest

from revrec.core.contract_balance import BalanceSheet
from revrec.core.errors import BadInput
from revrec.jobs.admin.verify import verify
from revrec.jobs.invoicing.dropping import drop
from revrec.jobs.posting import resolve
from revrec.jobs.reports.contract_balances import contract_balances
from revrec.jobs.reports.health import health
from revrec.jobs.reports.line_balances import BalanceOptions
from support.billing import DAY, ORDER, PLAIN, Billing
from support.books import Books, MakeRow
from support.commands import call
from support.intacct import Intacct

WAITS = '[[rule]]\nname = "all"\n[rule.recognize]\nmethod = "fixed_offset"\noffset = "0 days"\nafter_invoice = true\n'
WHY = "agreed with the controller"


@pytest.fixture
def refused(books: Books, intacct: Intacct, row: MakeRow, request: pytest.FixtureRequest) -> Billing:
    """Books whose only document has two post dates, so that it cannot be one document in Intacct."""
    billing = Billing(books, intacct, row, getattr(request, "param", ORDER))
    billing.books.rules(WAITS)
    billing.books.take(row(amount="30.00", item="MAG-12"), row(line="2", amount="12.00", item="MAG-12",
                                                               post_date="2024-02-05"))  # fmt: skip
    result = billing.run()
    assert "several post dates" in str(result.invoices[0]["error"])
    return billing


def reference(billing: Billing, state: str = "REJECTED") -> str:
    """Return the reference of the only document in a state."""
    ((found,),) = billing.books.sql("SELECT reference FROM invoice WHERE state = ?", state)
    return str(found)


def billed(billing: Billing, day: str) -> int:
    """Return what the balances show as billed by a day, or as recognized without it."""
    options = BalanceOptions(date.fromisoformat(day))
    sheet = BalanceSheet()
    found = contract_balances(billing.books.context("report balance"), options, sheet)
    return sum(line.billed for one in found for line in one.lines)


def recognized(billing: Billing) -> int:
    """Return the amount on posted entries."""
    query = "SELECT coalesce(sum(amount), 0) FROM journal_entry WHERE state = 'POSTED'"
    ((found,),) = billing.books.sql(query)
    return int(found)


def is_green(billing: Billing) -> bool:
    """Check if `revrec status --check` has nothing to report."""
    return health(billing.books.context("status"), date.fromisoformat(DAY)).state == "ok"


def test_the_advice_names_the_commands_that_settle_it(refused: Billing) -> None:
    ((advice,),) = refused.books.sql("SELECT advice FROM invoice")
    assert f"revrec postings resolve {reference(refused)} --as-posted KEY --reason TEXT" in advice
    assert "--drop" in advice and not is_green(refused)


@pytest.mark.parametrize(
    ("refused", "first", "key"),
    [
        (ORDER, "sales_order", "Sales Invoice-4711"),
        pytest.param(PLAIN, "ar_invoice", "6680", marks=pytest.mark.slow),
    ],
    indirect=["refused"],
)
def test_a_document_entered_by_hand_counts_as_invoiced_under_its_key(refused: Billing, first: str, key: str) -> None:
    assert resolve.as_posted(refused.books.context("postings resolve"), reference(refused), key, WHY) == "POSTED"
    assert refused.run().complete and is_green(refused)
    assert [tuple(one) for one in refused.books.sql("SELECT kind, state, record_no FROM invoice ORDER BY id")] == [
        (first, "CANCELED", None),
        ("by_hand", "POSTED", key),
    ]
    assert recognized(refused) == 4200, "recognition waited for the invoice"
    assert refused.billed() == [], "nothing was sent"
    assert [billed(refused, day) for day in ("2024-01-31", "2024-02-05")] == [3000, 4200]
    assert verify(refused.books.context("verify")).findings == []


def test_a_line_that_arrives_later_is_not_added_to_a_document_entered_by_hand(refused: Billing) -> None:
    resolve.as_posted(refused.books.context("postings resolve"), reference(refused), "Sales Invoice-4711", WHY)
    refused.books.take(refused.row(line="3", item="MAG-12"), name="later.csv")
    (wrong,) = refused.run().invoices
    assert "in Intacct as INV-1 already" in str(wrong["error"])


def test_a_dropped_document_is_not_recognized(refused: Billing) -> None:
    dropped = drop(refused.books.context("postings resolve"), reference(refused), WHY)
    assert (dropped.charges, dropped.recognized) == (("shop/INV-1/1", "shop/INV-1/2"), False)
    result = refused.run()
    assert result.complete and result.invoices == [] and is_green(refused)
    assert recognized(refused) == 0 and billed(refused, DAY) == 0
    assert verify(refused.books.context("verify")).findings == []


def test_a_dropped_document_can_be_recognized_without_an_invoice(refused: Billing) -> None:
    drop(refused.books.context("postings resolve"), reference(refused), WHY, recognize=True)
    result = refused.run()
    assert result.complete and result.invoices == [] and is_green(refused)
    assert recognized(refused) == 4200
    assert billed(refused, DAY) == 0, "no invoice credits the deferred account"
    assert verify(refused.books.context("verify")).findings == []


def test_a_document_whose_lines_are_posted_is_not_dropped(refused: Billing) -> None:
    drop(refused.books.context("postings resolve"), reference(refused), WHY)
    refused.books.rules(WAITS.replace("after_invoice = true\n", ""))
    refused.books.take(refused.row("INV-2", amount="-5.00"), name="credit.csv")
    refused.run()
    with pytest.raises(BadInput, match="reverse that first"):
        drop(refused.books.context("postings resolve"), reference(refused), WHY)
    assert refused.states()[-1] == ("sales_order", "REJECTED"), "nothing was kept"


def test_a_dry_run_keeps_nothing(refused: Billing) -> None:
    before = refused.books.content()
    context = refused.books.context("postings resolve")
    assert resolve.as_posted(context, reference(refused), "Sales Invoice-4711", WHY, dry_run=True) == "POSTED"
    assert drop(context, reference(refused), WHY, dry_run=True).state == "CANCELED"
    assert refused.books.content() == before


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ("Sales Order-INV-1", "is a Sales Order, which bills nothing"),
        ("4711x", "is no key of Intacct"),
        ("", "is no key of Intacct"),
    ],
)
def test_a_key_that_cannot_be_an_invoice_is_refused(refused: Billing, key: str, words: str) -> None:
    with pytest.raises(BadInput, match=words):
        resolve.as_posted(refused.books.context("postings resolve"), reference(refused), key, WHY)


def test_a_key_settles_one_document(refused: Billing) -> None:
    context = refused.books.context("postings resolve")
    resolve.as_posted(context, reference(refused), "Sales Invoice-4711", WHY)
    refused.books.take(refused.row("INV-2", amount="-5.00"), name="credit.csv")
    refused.run()
    with pytest.raises(BadInput, match="is posted under the key Sales Invoice-4711"):
        resolve.as_posted(context, reference(refused), "Sales Invoice-4711", WHY)


@pytest.mark.parametrize("decide", [resolve.send_again, resolve.cancel])
def test_a_rejected_invoice_is_not_sent_again_or_canceled_but_settled(refused: Billing, decide: Any) -> None:
    with pytest.raises(BadInput, match="--as-posted KEY if you entered it in Intacct by hand, or --drop"):
        decide(refused.books.context("postings resolve"), reference(refused), WHY)


def test_the_trace_shows_who_decided_when_and_why(refused: Billing) -> None:
    first = reference(refused)
    resolve.as_posted(refused.books.context("postings resolve"), first, "Sales Invoice-4711", WHY)
    found = refused.books.trace("shop/INV-1/1")
    (canceled,) = [one for one in found["audit"] if one["action"] == "invoice CANCELED"]
    assert (canceled["subject"], canceled["detail"]["reason"]) == (first, WHY)
    assert canceled["actor"] and canceled["at"]


def test_the_command_shows_what_it_drops(refused: Billing) -> None:
    config = ("--config", refused.books.folder / "revrec.toml")
    words = ("postings", "resolve", reference(refused), "--reason", WHY, *config)
    shown = call(*words, "--drop", "--recognize", "--dry-run", "--format", "json", env=refused.books.environment)
    assert shown.json == {
        "reference": reference(refused),
        "state": "canceled",
        "dry_run": True,
        "charges": ["shop/INV-1/1", "shop/INV-1/2"],
        "recognize": True,
    }
    assert call(*words, "--recognize", "--resend", env=refused.books.environment).code == 2
    done = call(*words, "--drop", env=refused.books.environment)
    canceled = reference(refused, "CANCELED")
    assert (done.code, done.out) == (0, f"{canceled}: canceled; 2 charge lines voided: shop/INV-1/1, shop/INV-1/2\n")


def test_an_invoice_whose_order_is_in_intacct_is_entered_from_the_order(
    books: Books, intacct: Intacct, row: MakeRow
) -> None:
    billing = Billing(books, intacct, row, ORDER)
    billing.document()
    billing.intacct.fault("refuse=BL03000018 Missing unit@before:#2:create_sotransaction")
    billing.run()
    billing.intacct.fault("")
    context = billing.books.context("postings resolve")
    with pytest.raises(BadInput, match="its order Sales Order-INV-1 is in Intacct"):
        drop(context, reference(billing), WHY)
    resolve.as_posted(context, reference(billing), "Sales Invoice-4711", WHY)
    assert billing.run().complete and billing.billed() == [], "the order is not converted a second time"
    assert billing.states() == [("sales_order", "POSTED"), ("sales_invoice", "POSTED")]
