"""CargoWise: transactions, shipments and events, however deep they are wrapped."""

from collections.abc import Callable
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from revrec.sources import BadRow, GoodRow, PassedOver, SourceError

SAMPLES = Path(__file__).parents[2] / "sample_data" / "cargowise"
TRANSACTION = (SAMPLES / "transaction.xml").read_text(encoding="utf-8")
EVENT = (SAMPLES / "event.xml").read_text(encoding="utf-8")


@pytest.fixture
def read(read_by: Callable[..., Any]) -> Callable[..., list[Any]]:
    return partial(read_by, "cargowise")


def amounts(rows: list[Any]) -> list[tuple[str, int]]:
    return [(row.line.id, row.line.amount) for row in rows if isinstance(row, GoodRow)]


def reasons(rows: list[Any]) -> list[str]:
    return [row.reason for row in rows if isinstance(row, PassedOver)]


def test_the_samples_of_a_transaction_an_event_and_a_shipment(read: Callable[..., Any]) -> None:
    rows = read(TRANSACTION)
    assert amounts(rows) == [("cargowise/S00001234/00034457-1", 421050), ("cargowise/S00001234/00034457-2", 35000)]
    assert rows[1].line.dimensions == {"location": "SEA", "department": "FIS"}
    for text in (EVENT, (SAMPLES / "shipment.xml").read_text(encoding="utf-8")):
        (row,) = read(text, "events")
        assert (row.line.charge, str(row.line.date)) == ("cargowise/S00001234/*", "2024-04-12")


def test_the_posted_sell_side_of_a_shipment_where_no_transactions_come(read: Callable[..., Any]) -> None:
    text = (SAMPLES / "shipment.xml").read_text(encoding="utf-8")
    posted, other = read(
        text,
        only={"type": "shipment"},
        post_date="2024-03-28",
        columns={"document": "shipment", "line": "line"},
    )
    assert posted.line.id == "cargowise/S00001234/S00001234-1-FRT-OCEAN" and posted.line.amount == 421050
    assert other.reason == "its sell side is not posted"


@pytest.mark.parametrize("sign", ["", "-"])
def test_a_credit_note_is_negative_however_it_is_written(read: Callable[..., Any], sign: str) -> None:
    head, journals = TRANSACTION.replace(">INV<", ">CRD<").split("<PostingJournalCollection>")
    for name in ("OSAmount", "OSGSTVATAmount"):
        journals = journals.replace(f"<{name}>", f"<{name}>{sign}")
    assert [amount for _id, amount in amounts(read(f"{head}<PostingJournalCollection>{journals}"))] == [-421050, -35000]


@pytest.mark.parametrize("name", ["OSExGSTVATAmount", "OSGSTVATAmount", "OSTotal"])
def test_the_amounts_of_a_credit_note_have_one_sign(read: Callable[..., Any], name: str) -> None:
    text = TRANSACTION.replace(">INV<", ">CRD<").replace(f"<{name}>", f"<{name}>-", 1)
    (row,) = read(text)
    assert isinstance(row, BadRow) and row.problems[0].reason == f"has the sign of its journals, but {name} has not"


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("<Ledger>AR<", "<Ledger>AP<", "it is AP INV, not a receivables invoice or credit note"),
        ("<TransactionType>INV<", "<TransactionType>REC<", "it is AR REC, not a receivables invoice or credit note"),
        ("<IsCancelled>false<", "<IsCancelled>true<", "it is canceled"),
    ],
)
def test_other_transactions_are_passed_over(read: Callable[..., Any], old: str, new: str, said: str) -> None:
    assert reasons(read(TRANSACTION.replace(old, new))) == [said]


def test_estimates_and_events_on_the_way_are_passed_over(read: Callable[..., Any]) -> None:
    estimate = EVENT.replace("<IsEstimate>false", "<IsEstimate>true")
    assert reasons(read(estimate, "events")) == ["it is an estimate"]
    assert reasons(read(EVENT.replace(">POD<", ">ARV<"), "events")) == ['status is "ARV"']


@pytest.mark.parametrize(
    ("old", "new", "field", "said"),
    [
        ("4560.500", "4600.000", "OSExGSTVATAmount", "the journals add up to 4560.5"),
        ("4560.500", "-4560.500", "OSExGSTVATAmount", "the journals add up to 4560.5"),
        ("<OSGSTVATAmount>12.000<", "<OSGSTVATAmount>21.000<", "OSGSTVATAmount", "the journals add up to 12"),
        ("4572.500", "4570.000", "OSTotal", "the journals add up to 4572.5"),
        ("<OSTotal>", "<LocalTotal>1</LocalTotal><OSTotal>", "LocalTotal", "the journals add up to 9145"),
        (
            "<OSTotal>",
            "<LocalExVATAmount>1</LocalExVATAmount><OSTotal>",
            "LocalExVATAmount",
            "the journals add up to 9121",
        ),
        ("<OSTotal>", "<LocalVATAmount>1</LocalVATAmount><OSTotal>", "LocalVATAmount", "the journals add up to 24"),
        (
            "<OSCurrency><Code>USD</Code></OSCurrency>\n            <OSGSTVATAmount>0",
            "<OSCurrency><Code>EUR</Code></OSCurrency>\n            <OSGSTVATAmount>0",
            "OSCurrency",
            "is not USD, the currency of the transaction",
        ),
        ("<Number>00034457</Number>", "", "Number", "is missing"),
        ("4210.5000", "viel", "OSAmount", "is not a number"),
        ("<OSAmount>350.0000</OSAmount>", "", "OSAmount", "is not a number"),
    ],
)
def test_a_transaction_that_contradicts_itself_is_one_bad_row(
    read: Callable[..., Any], old: str, new: str, field: str, said: str
) -> None:
    (row,) = read(with_local_amounts(TRANSACTION).replace(old, new))
    assert isinstance(row, BadRow) and (row.problems[0].field, row.problems[0].reason) == (field, said)
    assert row.place.startswith("document 1 (TransactionInfo, line ")


def with_local_amounts(text: str) -> str:
    """Return the transaction with amounts in the local currency, at a rate of 2, in its journals."""
    for amount, tax in (("4210.5000", "0.0000"), ("350.0000", "12.0000")):
        twice = Decimal(amount) * 2, Decimal(tax) * 2
        local = "<LocalAmount>{}</LocalAmount><LocalGSTVATAmount>{}</LocalGSTVATAmount>".format(*twice)
        text = text.replace(f"<OSAmount>{amount}<", f"{local}<OSAmount>{amount}<")
    return text


def test_a_problem_names_the_element(read: Callable[..., Any]) -> None:
    for row in read(TRANSACTION.replace("<OrganizationCode>FABRIKAM_US</OrganizationCode>", "")):
        shown = "customer (OrganizationAddress/OrganizationCode, Debtor/Key): is empty"
        assert str(row.problems[0]).startswith(shown)


def test_an_invoice_without_a_job_has_its_own_number_as_document(read: Callable[..., Any]) -> None:
    text = TRANSACTION.replace("<Key>S00001234</Key>", "")
    assert amounts(read(text)) == [("cargowise/00034457/00034457-1", 421050), ("cargowise/00034457/00034457-2", 35000)]


def test_a_batch_is_read_document_by_document(read: Callable[..., Any]) -> None:
    start, end = TRANSACTION.index("<TransactionInfo>"), TRANSACTION.index("</TransactionInfo>")
    inner = TRANSACTION[start + 17 : end]
    batch = "".join(f"<Transaction>{inner.replace('00034457', f'{n:08d}')}</Transaction>" for n in range(50))
    rows = read(f"<UniversalTransactionBatch><TransactionBatch>{batch}</TransactionBatch></UniversalTransactionBatch>")
    assert len(amounts(rows)) == 100 and amounts(rows)[-1][0] == "cargowise/S00001234/00000049-2"


def test_any_element_can_be_named_by_its_path(read: Callable[..., Any]) -> None:
    (first, _second) = read(TRANSACTION, dimensions={"gl": "line.GLAccount.AccountCode"})
    assert first.line.dimensions["gl"] == "2400.10.00"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('<!DOCTYPE a [<!ENTITY x "y">]><UniversalEvent/>', "a DOCTYPE is not allowed"),
        (TRANSACTION[:-200], "damaged XML"),
        (TRANSACTION.replace("</PostingJournal>", "</Posting>", 1), "damaged XML"),
        ("<a>" + "<b>1</b>" * 3_000_000 + "</a>", "16 MiB without the end of a document"),
    ],
    ids=["doctype", "cut off", "crossed", "endless"],
)
def test_hostile_or_damaged_xml_is_refused(read: Callable[..., Any], text: str, said: str) -> None:
    with pytest.raises(SourceError, match=said):
        read(text)


def test_xml_without_any_document_is_reported(read: Callable[..., Any]) -> None:
    with pytest.raises(SourceError, match="has no charges; it needs a UniversalTransaction"):
        read("<a/>")
