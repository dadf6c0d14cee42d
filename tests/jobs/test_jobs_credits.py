"""Credit lines that name what they credit: their balance, their trace, and what the import says about them."""

from datetime import date
from typing import Any

import pytest

from revrec.core.contract_balance import BalanceSheet
from revrec.jobs.reports.contract_balances import contract_balances, contract_name
from revrec.jobs.reports.line_balances import BalanceOptions
from support.books import Books, MakeRow

pytestmark = pytest.mark.both_databases
ON_DELIVERY = '[[rule]]\nname = "delivery"\nrecognize = { method = "pod_date" }\n'


def balances(books: Books, by: str = "contract") -> dict[str, int]:
    """Return what each contract is owed (above zero) or owes on a day when everything is billed."""
    options = BalanceOptions(date(2024, 12, 31), by=by)
    found = contract_balances(books.context("report balance"), options, BalanceSheet())
    return {contract_name(one.contract): one.liability - one.asset for one in found}


@pytest.fixture
def invoice(books: Books, row: MakeRow) -> Books:
    """Return books with an invoice of two lines that wait for delivery."""
    books.rules(ON_DELIVERY)
    books.take(row(amount="100.00"), row(line="2", amount="50.00"))
    return books


@pytest.mark.parametrize("credits", ["INV-1/2", "INV-1", "shop/INV-1/2"])
def test_a_credit_belongs_to_the_contract_of_the_line_or_document_that_it_names(
    invoice: Books, row: MakeRow, credits: str
) -> None:
    invoice.take(row("CRN-1", amount="-10.00", credits=credits))
    assert balances(invoice) == {"shop/INV-1": 14_000}


def test_a_credit_that_names_nothing_is_a_contract_of_its_own_and_an_asset(invoice: Books, row: MakeRow) -> None:
    invoice.take(row("CRN-1", amount="-10.00"))
    assert balances(invoice) == {"shop/INV-1": 15_000, "shop/CRN-1": -1_000}


def test_a_credit_follows_the_contract_and_the_customer_of_what_it_credits(invoice: Books, row: MakeRow) -> None:
    invoice.take(row("INV-2", amount="70.00", contract="CON-7"))
    invoice.take(row("CRN-2", amount="-10.00", credits="INV-2/1", customer="C1008"))
    assert balances(invoice) == {"shop/INV-1": 15_000, "CON-7": 6_000}
    assert balances(invoice, by="customer") == {"C1007": 21_000}


def test_a_document_of_another_source_is_not_meant(invoice: Books, row: MakeRow) -> None:
    invoice.take(row("CRN-1", source="web", amount="-10.00", credits="INV-1"))
    assert balances(invoice)["web/CRN-1"] == -1_000


def test_a_whole_id_names_a_line_of_another_source(invoice: Books, row: MakeRow) -> None:
    invoice.take(row("CRN-1", source="web", amount="-10.00", credits="shop/INV-1/2"))
    assert balances(invoice) == {"shop/INV-1": 14_000}
    assert invoice.trace("web/CRN-1/1")["credits"] == "shop/INV-1/2"
    assert [one["id"] for one in invoice.trace("shop/INV-1/2")["credited_by"]] == ["web/CRN-1/1"]


def test_a_credit_that_comes_first_is_a_warning_and_joins_the_invoice_when_it_is_imported(
    books: Books, row: MakeRow
) -> None:
    books.rules(ON_DELIVERY)
    result = books.take(row("CRN-1", amount="-10.00", credits="INV-1/1"))
    assert result.warnings == [
        'row 2: credits "INV-1/1", which these books do not have: it names a document of the same source, such as '
        "INV-1042, or a line of one, such as INV-1042/1, or a whole id; it is shown on its own until they do"
    ]
    assert balances(books) == {"shop/CRN-1": -1_000}
    assert books.take(row(amount="100.00")).warnings == []
    assert balances(books) == {"shop/INV-1": 9_000}


def test_a_credit_of_a_credit_belongs_to_the_contract_of_the_invoice(invoice: Books, row: MakeRow) -> None:
    invoice.take(
        row("CRN-3", amount="-2.00", credits="CRN-2"),
        row("CRN-2", amount="5.00", credits="CRN-1/1"),
        row("CRN-1", amount="-10.00", credits="INV-1/2"),
    )
    assert balances(invoice) == {"shop/INV-1": 14_300}
    invoice.take(row("CRN-5", amount="-1.00", credits="CRN-4"), row("CRN-4", amount="-1.00", credits="INV-9"))
    assert balances(invoice) == {"shop/INV-1": 14_300, "shop/CRN-4": -200}, "the chain ends at what is stored"


@pytest.mark.parametrize(
    ("rows", "chain"),
    [
        ([("CRN-1", "CRN-1")], "shop/CRN-1/1 credits shop/CRN-1/1"),
        ([("CRN-1", "CRN-2/1"), ("CRN-2", "CRN-1")], "shop/CRN-1/1 credits shop/CRN-2/1 credits shop/CRN-1/1"),
    ],
)
def test_credits_that_lead_back_to_their_start_are_refused(
    invoice: Books, row: MakeRow, rows: list[tuple[str, str]], chain: str
) -> None:
    lines = [row(document, amount="-1.00", credits=credits) for document, credits in rows]
    result = invoice.import_file(invoice.file("loop.csv", lines), keep_good=True)
    assert (
        result.refused
        == f"row 2: {chain}: a credit cannot lead back to itself; correct the column credits of one of them"
    )
    assert (result.accepted, balances(invoice)) == (0, {"shop/INV-1": 15_000})


def test_a_loop_that_a_later_file_would_close_is_refused(invoice: Books, row: MakeRow) -> None:
    invoice.take(row("CRN-1", amount="-1.00", credits="CRN-2"))
    result = invoice.import_file(invoice.file("loop.csv", [row("CRN-2", amount="-1.00", credits="CRN-1/1")]))
    assert "shop/CRN-2/1 credits shop/CRN-1/1 credits shop/CRN-2/1" in result.refused
    assert balances(invoice) == {"shop/INV-1": 15_000, "shop/CRN-1": -100}


def test_the_trace_leads_both_ways(invoice: Books, row: MakeRow) -> None:
    invoice.take(row("CRN-1", amount="-10.00", credits="INV-1/2"), row("CRN-2", amount="-1.00", credits="INV-9"))
    assert life(invoice, "shop/CRN-1/1") == ("INV-1/2", "shop/INV-1/2", [])
    assert life(invoice, "shop/INV-1/2") == ("", "", [("shop/CRN-1/1", "-10.00")])
    assert life(invoice, "shop/INV-1/1") == ("", "", [])
    assert life(invoice, "shop/CRN-2/1") == ("INV-9", "", [])


def life(books: Books, charge: str) -> Any:
    """Return what a trace says about credits."""
    found = books.trace(charge)
    return found["charge"]["credits"], found["credits"], [(one["id"], one["amount"]) for one in found["credited_by"]]


def test_another_reference_for_an_imported_line_is_a_conflict(invoice: Books, row: MakeRow) -> None:
    invoice.take(row("CRN-1", amount="-10.00", credits="INV-1/1"))
    again = invoice.import_file(invoice.file("again.csv", [row("CRN-1", amount="-10.00", credits="INV-1/2")]))
    assert [(one["field"], one["value"]) for one in again.report] == [("credits", "INV-1/2")]
