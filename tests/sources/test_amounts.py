"""Amounts: what is read, to the minor unit, and what is refused."""

from collections.abc import Callable
from decimal import Decimal
from io import BytesIO
from typing import Any

import pytest

from revrec.core.money import decimal_string
from revrec.sources import BadRow, GoodRow, SourceStream
from revrec.sources.explaining import explain_rows
from revrec.sources.mapping_reader import read_mapping

ContinentalMapping = {"decimal": ","}


@pytest.mark.parametrize(
    ("text", "currency", "minor"),
    [
        ("24.00", "USD", 2400),
        ("24", "USD", 2400),
        ("24.5", "USD", 2450),
        (".5", "USD", 50),
        ("24.", "USD", 2400),
        ("+24.00", "USD", 2400),
        ("0024.00", "USD", 2400),
        ("1,234.56", "USD", 123456),
        ("1,234,567", "USD", 123456700),
        ("(12.00)", "USD", -1200),
        ("-12.00", "USD", -1200),
        ("12.00-", "USD", -1200),
        ("\u221212.00", "USD", -1200),
        ("( 1,234.50 )", "USD", -123450),
        ("USD 12.00", "USD", 1200),
        ("12.00 USD", "USD", 1200),
        ("$12.00", "USD", 1200),
        ("-$12.00", "USD", -1200),
        ("$-12.00", "USD", -1200),
        ("($12.00)", "USD", -1200),
        ("$(12.00)", "USD", -1200),
        ("$.50", "USD", 50),
        ("$12.00", "CAD", 1200),
        ("12.00 €", "EUR", 1200),
        ("kr. 12.00", "SEK", 1200),
        ("1200", "JPY", 1200),
        ("1,200", "JPY", 1200),
        ("1.234", "KWD", 1234),
        ("1,234.500", "KWD", 1234500),
        ("92233720368547758.07", "USD", 2**63 - 1),
        ("-92233720368547758.07", "USD", -(2**63 - 1)),
    ],
)
def test_an_amount_is_read_to_the_minor_unit(one: Callable[..., Any], text: str, currency: str, minor: int) -> None:
    row = one(amount=text, currency=currency)
    assert isinstance(row, GoodRow)
    assert row.line.amount == minor


@pytest.mark.parametrize(
    ("text", "currency"),
    [
        ("12,34", "USD"),  # decimal commas only by mapping
        ("1,23,456.00", "USD"),
        ("1.234.567", "USD"),
        ("12 34.00", "USD"),
        ("1_000.00", "USD"),
        ("１２.00", "USD"),  # digits of another script
        ("12.00.00", "USD"),
        ("--12.00", "USD"),
        ("-12.00-", "USD"),
        ("(12.00", "USD"),
        ("12.001", "USD"),
        ("12.0", "JPY"),
        ("1,234", "KWD"),  # could be 1.234
        ("€12.00", "USD"),
        ("kr.50", "SEK"),  # 50 or 0.50
        ("CAD 12.00", "USD"),
        ("USD", "USD"),
        ("12%", "USD"),
        ("NaN", "USD"),
        ("inf", "USD"),
        ("1e3", "USD"),
        ("0x10", "USD"),
        ("=1+1", "USD"),
        ("92233720368547758.08", "USD"),
        ("9" * 41, "USD"),
        ("", "USD"),
    ],
)
def test_anything_else_is_refused_never_guessed(one: Callable[..., Any], text: str, currency: str) -> None:
    row = one(amount=text, currency=currency)
    assert isinstance(row, BadRow)
    assert [problem.field for problem in row.problems] == ["amount"]


@pytest.mark.parametrize(("text", "currency"), [("-0.00", "USD"), ("0", "JPY"), ("0.000", "KWD")])
def test_nothing_is_an_amount_for_a_line_of_a_contract_may_be_free(
    one: Callable[..., Any], text: str, currency: str
) -> None:
    assert one(amount=text, currency=currency).line.amount == 0


@pytest.mark.parametrize(
    ("mapping", "text", "minor"),
    [
        ({"decimal": ","}, "1.234,56", 123456),
        ({"decimal": ","}, "24,00", 2400),
        ({"decimal": ","}, "(24,00)", -2400),
        ({"decimal": ",", "thousands": " "}, "1 234,56", 123456),
        ({"decimal": ",", "thousands": " "}, "1\u00a0234,56", 123456),
        ({"decimal": ",", "thousands": " "}, "1\u202f234,56", 123456),
        ({"thousands": "'"}, "1'234.56", 123456),
        ({"decimal": ",", "thousands": ""}, "1234,56", 123456),
    ],
)
def test_the_mapping_says_how_numbers_are_written(
    one: Callable[..., Any], mapping: dict[str, str], text: str, minor: int
) -> None:
    assert one(mapping, amount=text).line.amount == minor


def test_three_decimal_currencies_take_a_grouped_amount_once_the_mapping_declares_it(one: Callable[..., Any]) -> None:
    assert one({"thousands": ","}, amount="1,234", currency="KWD").line.amount == 1234000


def test_signs_of_the_mapping_tell_the_currency_of_a_file_without_one(charges: Callable[..., Any]) -> None:
    header = "source,document,line,customer,item,post_date,amount\n"
    text = header + "shop,1,1,C,I,2024-01-05,$12.00\nshop,2,1,C,I,2024-01-05,12.00 EUR\nshop,3,1,C,I,2024-01-05,12.00\n"
    dollar, euro, none = charges(text, mapping={"signs": {"$": "AUD"}})
    assert (dollar.line.currency, dollar.line.amount) == ("AUD", 1200)
    assert (euro.line.currency, euro.line.amount) == ("EUR", 1200)
    assert [problem.field for problem in none.problems] == ["currency"]


def test_an_amount_is_not_zero_by_being_small(one: Callable[..., Any]) -> None:
    assert decimal_string(one(amount="0.01").line.amount, "USD") == "0.01"


@pytest.mark.parametrize(("text", "value"), [("2", "2"), ("1,000.125", "1000.125"), ("-3", "-3"), ("0", "0")])
def test_a_quantity_is_an_exact_decimal(charges: Callable[..., Any], text: str, value: str) -> None:
    header = "source,document,line,customer,item,post_date,amount,currency,quantity\n"
    (row,) = charges(f'{header}shop,1,1,C,I,2024-01-05,1.00,USD,"{text}"\n')
    assert row.line.quantity == Decimal(value) and str(row.line.quantity) == value


def test_an_explanation_shows_numbers_as_people_write_them() -> None:
    header = "document,line,customer,item,post_date,amount,currency,quantity"
    data = f"{header}\nD,1,C,I,2024-03-28,1234.5,JOD,0.0000001\n".encode()
    (found,) = explain_rows(SourceStream(BytesIO(data), "in.csv"), read_mapping("m", {"source": "s"}), 1)
    values = {one.field: one.value for one in found.fields}
    assert (values["amount"], values["quantity"]) == ("1234.500", "0.0000001")


@pytest.mark.parametrize(("text", "shown"), [("", None), ("300", "300.00"), ("0", "0.00")])
def test_an_explanation_shows_what_was_recognized_before_as_an_amount(text: str, shown: str | None) -> None:
    header = "document,line,customer,item,post_date,amount,currency,recognized_before,cutover"
    data = f"{header}\nD,1,C,I,2023-10-01,1200,USD,{text},2024-01-01\n".encode()
    (found,) = explain_rows(SourceStream(BytesIO(data), "in.csv"), read_mapping("m", {"source": "s"}), 1)
    assert {one.field: one.value for one in found.fields}.get("recognized_before") == shown
