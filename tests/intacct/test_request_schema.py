"""Every request of revrec follows the schema as the sandbox checks it, in base and in foreign currency."""

import inspect
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from lxml import etree

from revrec.core.invoice import (
    AR_CREDIT,
    AR_INVOICE,
    SALES_CREDIT,
    SALES_INVOICE,
    SALES_ORDER,
    Invoice,
    InvoiceLine,
)
from revrec.intacct import requests_xml
from revrec.intacct.client import XmlGateway
from revrec.intacct.credentials import Credentials
from revrec.intacct.documents_xml import ORDER_DIMENSIONS, RECEIVABLE_DIMENSIONS, create_document
from revrec.intacct.gateway import MasterKind, NewMasterRecord
from revrec.intacct.glbatch import EntityCurrency, EntrySettings
from revrec.sandbox.errors import SchemaViolation
from revrec.sandbox.functions import FUNCTIONS
from revrec.sandbox.protocol.request import read_request
from revrec.sandbox.xmltree import parse
from support import wire

BASE, FOREIGN = "USD", "EUR"
MARCH = date(2025, 3, 1), date(2025, 3, 31)


def held(request: bytes | str) -> list[str]:
    """Hold a request against the schema, and return the names of its functions."""
    read = read_request(parse(request if isinstance(request, bytes) else request.encode()))
    for call in read.calls:
        FUNCTIONS[call.body.tag].check(call.body)
    return [call.body.tag for call in read.calls]


def invoice(kind: str, currency: str, **changes: Any) -> Invoice:
    """Return a document with every element that revrec can send."""
    names = (*RECEIVABLE_DIMENSIONS, *ORDER_DIMENSIONS, "location", "department")
    dimensions = {name: "X1" for name in names if name != "item"}
    line = InvoiceLine(1, "shop/INV-1/1", 1, "MAG-12", "Magazine", "2", "60.00", 12_000, "2400", "a memo", dimensions)
    one = Invoice(
        reference="INABCDEFGH23456789", control_id="revrec:acme:d1:inabc", kind=kind, source="shop", document="INV-1",
        number="INV-1", definition="" if kind == AR_INVOICE else "Sales Invoice", date=MARCH[0], customer="C1007",
        entity="100", currency=currency, term="Net 30", lines=(line, line),
    )  # fmt: skip
    return one._replace(**changes)


DOCUMENTS: dict[str, Callable[[str], Invoice]] = {
    "order": lambda currency: invoice(SALES_ORDER, currency),
    "invoice of an order": lambda currency: invoice(SALES_INVOICE, currency, after="Sales Order-INV-1"),
    "receivable": lambda currency: invoice(AR_INVOICE, currency),
    "credit memo": lambda currency: invoice(SALES_CREDIT, currency, after="Sales Invoice-INV-1"),
    "adjustment": lambda currency: invoice(AR_CREDIT, currency, after="6680"),
}


@pytest.mark.parametrize("currency", [BASE, FOREIGN])
@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_document_follows_the_schema(gateway: XmlGateway, name: str, currency: str) -> None:
    one = DOCUMENTS[name](currency)
    prepared = gateway.prepare_invoice(one, "Each", ("17", "18") if one.kind == SALES_INVOICE else ())
    functions = {AR_INVOICE: "create_invoice", AR_CREDIT: "create_aradjustment"}
    assert held(prepared.redacted) == [functions.get(one.kind, "create_sotransaction")]


@pytest.mark.parametrize(("currency", "rate_type"), [(BASE, ""), (FOREIGN, "Intacct Daily Rate")])
@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_currency_is_followed_by_its_rate_type_which_is_empty_for_the_base_currency(
    name: str, currency: str, rate_type: str
) -> None:
    body = create_document(DOCUMENTS[name](currency), EntrySettings(), "Each")[0]
    stated = body.find("currency")
    assert stated is not None
    following = stated.getnext()
    assert following is not None and (following.tag, following.text or "") == ("exchratetype", rate_type)


@pytest.mark.parametrize(("entity", "expected"), [("100", ("USD", "Daily")), ("200", ("EUR", ""))])
@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_document_of_an_entity_with_its_own_base_currency_follows_the_schema(
    name: str, entity: str, expected: tuple[str, str]
) -> None:
    settings = EntrySettings(rate_type="Daily", currencies={"200": EntityCurrency("EUR", "Other")})
    one = DOCUMENTS[name]("EUR")
    lines = tuple(line._replace(dimensions={**line.dimensions, "location": entity}) for line in one.lines)
    body = create_document(one._replace(entity=entity, lines=lines), settings, "Each")[0]
    FUNCTIONS[body.tag].check(parse(etree.tostring(body)))
    assert (body.findtext("basecurr"), body.findtext("exchratetype") or "") == expected


@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_currency_without_a_rate_type_breaks_the_schema(gateway: XmlGateway, name: str) -> None:
    request = gateway.prepare_invoice(DOCUMENTS[name](BASE)).redacted
    without = request.replace("<exchratetype></exchratetype>", "").replace("<exchratetype/>", "")
    assert without != request
    with pytest.raises(SchemaViolation, match="exchratetype"):
        held(without)


@pytest.mark.parametrize("currency", [BASE, FOREIGN])
def test_entries_and_master_records_follow_the_schema(gateway: XmlGateway, currency: str) -> None:
    lines = [wire.journal_line(number, currency=currency) for number in (1, 2)]
    assert held(gateway.prepare(wire.journal_entry(*lines)).redacted) == ["create"]
    for record in (
        NewMasterRecord(MasterKind.CUSTOMER, "C1", term="Net 30"),
        NewMasterRecord(MasterKind.ITEM, "I1", name="Item", group="Freight", unit="Each"),
    ):
        assert held(gateway.prepare_record(record, "revrec:acme:d1:record").redacted) == ["create"]


READS = {
    "query": lambda: requests_xml.query(
        "1", "GLBATCH", ("RECORDNO",), [("JOURNAL", "RR"), ("STATE", ("a", "b"))], 0, 9
    ),
    "get_accountbalances": lambda: requests_xml.get_account_balances("1", "2400", *MARCH, entity="100"),
    "get_closedbooksdate": lambda: requests_xml.get_closed_books_date("1"),
    "getAPISession": lambda: requests_xml.get_api_session("1"),
    "getDimensions": lambda: requests_xml.get_dimensions("1"),
    "getFinancialSetup": lambda: requests_xml.get_financial_setup("1"),
    "getUserPermissions": lambda: requests_xml.get_user_permissions("1", "revrec_ws"),
    "get_companyprefs": lambda: requests_xml.get_company_preferences("1", "GL"),
    "get": lambda: requests_xml.get_attachment("1", "ATT-1"),
    "lookup": lambda: requests_xml.lookup("1", "GLBATCH"),
    "inspect": lambda: requests_xml.inspect_details("1", "GLBATCH"),
}


def test_every_read_is_held_against_the_schema() -> None:
    built = {name for name, one in vars(requests_xml).items() if inspect.isfunction(one) and is_function(one)}
    assert len(READS) == len(built), sorted(built)


def is_function(builder: Callable[..., object]) -> bool:
    """Check if a builder builds a function of a request: it is public and takes a control id first."""
    parameters = list(inspect.signature(builder).parameters)
    return not builder.__name__.startswith("_") and parameters[:1] == ["control_id"]


@pytest.mark.parametrize("entity", ["", "100"])
@pytest.mark.parametrize("name", READS)
def test_reads_and_sign_ins_follow_the_schema(credentials: Credentials, name: str, entity: str) -> None:
    for authentication in (
        requests_xml.session_authentication("S1"),
        requests_xml.login_authentication(credentials, entity),
    ):
        assert held(requests_xml.envelope("acme", "secret", "c1", authentication, READS[name](), unique=True)) == [name]
