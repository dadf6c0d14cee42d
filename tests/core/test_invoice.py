"""Invoices: what a document of the source becomes in Intacct, to the cent, under a name that stays."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from revrec.core.charge_line import ChargeLine
from revrec.core.invoice import (
    AR_INVOICE,
    SALES_INVOICE,
    SALES_ORDER,
    BilledLine,
    DocumentDefinitions,
    Invoice,
    InvoiceRequest,
    contradiction,
    first_document,
    invoice_from_order,
    unit_price,
    without_account,
)
from revrec.core.money import LARGEST, decimal_string

DAY = date(2024, 3, 28)
NAMES = DocumentDefinitions("Sales Order", "Sales Invoice", "Sales Credit Memo")


def billed(line: str = "1", amount: int = 125000, deferred: str = "2400", on: str = "", **fields: Any) -> BilledLine:
    plain = ChargeLine("freight", "SO-2291", line, "C1007", "FRT-OCEAN", DAY, amount, "USD")
    return BilledLine(int(line), plain._replace(**fields), deferred, on)


@dataclass
class Made:
    kind: str = SALES_ORDER
    revision: int = 0
    deployment: str = "0123456789abcdef"
    number: str = "{document}"

    def of(self, *lines: BilledLine) -> Invoice:
        wish = InvoiceRequest(self.kind, None, self.number)
        return first_document(lines, wish, NAMES, "Net 30", self.revision, self.deployment, "acme")


@given(
    amount=st.integers(-LARGEST, LARGEST),
    currency=st.sampled_from(["USD", "JPY", "KWD"]),
    quantity=st.none() | st.decimals(allow_nan=False, allow_infinity=False, min_value=-10_000, max_value=10_000),
)
def test_quantity_times_price_is_the_amount_to_the_cent(amount: int, currency: Any, quantity: Any) -> None:
    number, price = map(Decimal, unit_price(amount, currency, quantity))
    assert number > 0
    assert number * price == Decimal(decimal_string(amount, currency))


@pytest.mark.parametrize(
    ("amount", "currency", "quantity", "shown"),
    [
        (12500, "USD", "2.5", ("2.5", "50.00")),
        (125000, "USD", "1", ("1", "1250.00")),
        (125000, "USD", "100", ("100", "12.50")),
        (1, "USD", "8", ("8", "0.00125")),
        (-400, "USD", "4", ("4", "-1.00")),
        (1250, "JPY", "5", ("5", "250")),
        (1000, "USD", "3", ("1", "10.00")),
        (1000, "USD", "-2", ("1", "10.00")),
        (1000, "USD", "0", ("1", "10.00")),
        (1000, "USD", "0.00000001", ("1", "10.00")),
        (1000, "USD", None, ("1", "10.00")),
    ],
)
def test_a_line_keeps_its_quantity_where_a_price_multiplies_to_the_amount(
    amount: int, currency: str, quantity: str | None, shown: tuple[str, str]
) -> None:
    assert unit_price(amount, currency, Decimal(quantity) if quantity else None) == shown


def test_an_order_has_a_line_for_each_charge_line_in_their_order() -> None:
    made = Made().of(billed(), billed("2", amount=-500, description="Discount"))
    assert (made.number, made.definition, made.docid) == ("SO-2291", "Sales Order", "Sales Order-SO-2291")
    assert [(one.line_no, one.charge, one.amount) for one in made.lines] == [
        (1, "freight/SO-2291/1", 125000), (2, "freight/SO-2291/2", -500)
    ]  # fmt: skip
    assert made.amount == 124500
    assert [one.memo for one in made.lines] == ["freight/SO-2291/1", "Discount (freight/SO-2291/2)"]
    assert {one.account for one in made.lines} == {""}, "the definition of the document decides it"


def test_a_plain_invoice_names_the_deferred_account_of_each_line() -> None:
    made = Made(AR_INVOICE).of(billed(), billed("2", deferred="2410"))
    assert [one.account for one in made.lines] == ["2400", "2410"]
    assert (made.definition, made.docid) == ("", "SO-2291")


def test_the_entity_is_the_location_of_a_line_that_has_none_of_its_own() -> None:
    one, other = Made().of(billed(entity="E1"), billed("2", entity="E1", dimensions={"location": "100"})).lines
    assert (one.dimensions, other.dimensions) == ({"location": "E1"}, {"location": "100"})


def test_the_number_follows_the_template_of_its_source() -> None:
    assert Made(number="{source}-{document}").of(billed()).number == "freight-SO-2291"


def test_the_same_document_has_the_same_name_whatever_its_lines_and_another_try_another_one() -> None:
    first = Made().of(billed())
    assert first.reference.startswith("IV") and len(first.reference) == 18
    assert Made().of(billed(), billed("2")).control_id == first.control_id
    others = [Made(revision=1), Made(AR_INVOICE), Made(deployment="f" * 16)]
    assert len({first.reference, *(one.of(billed()).reference for one in others)}) == 4


def test_the_invoice_of_an_order_has_its_lines_and_number_and_names_it() -> None:
    order = Made().of(billed(), billed("2"))
    made = invoice_from_order(order, "Sales Order-SO-2291", NAMES, 0, "0123456789abcdef", "acme")
    assert (made.kind, made.after, made.docid) == (SALES_INVOICE, "Sales Order-SO-2291", "Sales Invoice-SO-2291")
    assert (made.lines, made.number) == (order.lines, order.number)
    assert made.control_id != order.control_id


@pytest.mark.parametrize(
    ("other", "words"),
    [
        (billed("2"), ""),
        (billed("2", amount=-125000), ""),
        (billed("2", customer="C1008"), "several customers: C1007, C1008"),
        (billed("2", currency="EUR"), "several currencies: EUR, USD"),
        (billed("2", post_date=date(2024, 3, 29)), "several post dates: 2024-03-28, 2024-03-29"),
        (billed("2", amount=-125001), "below zero"),
        (billed("2", amount=LARGEST), "more than the largest amount"),
        (billed("2", on="SO-2291"), "in Intacct as SO-2291 already"),
    ],
)
def test_lines_that_cannot_be_one_document_of_intacct_s_are_reported(other: Any, words: str) -> None:
    found = contradiction([billed(), other])
    assert words in found and bool(found) == bool(words)


def test_lines_whose_deferred_account_no_one_knows_are_named() -> None:
    lines = [billed(str(number), deferred="") for number in range(1, 8)]
    assert without_account([billed()]) == ""
    assert "for freight/SO-2291/1, freight/SO-2291/2" in without_account(lines)
    assert "and 2 more" in without_account(lines)
