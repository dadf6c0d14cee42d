"""Behaviors 61 to 65: orders, their conversion, invoices, and what an invoice posts."""

import re
from decimal import Decimal
from typing import Any

import pytest
import requests

from support.sandbox_client import SandboxClient

NO_DUE_DATE = "Required field Date Due is missing"


def parts(**values: str | None) -> str:
    return "".join(f"<{tag}>{text}</{tag}>" for tag, text in values.items() if text is not None)


def day(text: str | None) -> str | None:
    if text is None:
        return None
    month, number, year = text.split("/")
    return parts(year=year, month=month, day=number)


def item(itemid: str = "MAG-12", quantity: str = "1", price: str | None = "120.00", **more: str | None) -> str:
    """Return a line with its elements in schema order."""
    values = {"itemid": itemid, "quantity": quantity, "unit": more.pop("unit", None), "price": price}
    values |= {"sourcelinekey": more.pop("sourcelinekey", None), "locationid": more.pop("locationid", "100")}
    return f"<sotransitem>{parts(**values, **more)}</sotransitem>"


def document(*items: str, kind: str = "Sales Invoice", **more: str | None) -> str:
    """Return a create_sotransaction with its elements in schema order."""
    head = {
        "transactiontype": kind,
        "datecreated": day(more.pop("datecreated", "03/12/2025")),
        "dateposted": day(more.pop("dateposted", None)),
        "createdfrom": more.pop("createdfrom", None),
        "customerid": more.pop("customerid", "C1007"),
        "documentno": more.pop("documentno", None),
        "referenceno": more.pop("referenceno", None),
        "termname": more.pop("termname", "Net 30"),
        "datedue": day(more.pop("datedue", None)),
    }
    lines = f"<sotransitems>{''.join(items or (item(),))}</sotransitems>"
    return f"<create_sotransaction>{parts(**head, **more)}{lines}</create_sotransaction>"


def made(client: SandboxClient, *items: str, **more: Any) -> str:
    """Create a document that must be accepted, and return its DOCID."""
    answer = client.call(document(*items, **more))
    assert answer.status == "success", answer.http.text
    return answer.text("operation/result/key")


def refusal(client: SandboxClient, *items: str, **more: Any) -> str:
    answer = client.call(document(*items, **more))
    assert (answer.control, answer.status) == ("success", "failure"), answer.http.text
    assert answer.errors[-1] == ("BL01001973", "Could not create Document record!")
    assert rows(client, "SODOCUMENT", "DOCID") == [] or more.get("createdfrom") or more.get("documentno")
    return answer.said


def rows(client: SandboxClient, name: str, fields: str, where: str = "", more: str = "") -> list[list[str]]:
    """Return the rows found by readByQuery, ordered by the first field."""
    query = f"<readByQuery><object>{name}</object><fields>{fields}</fields><query>{where}</query>{more}</readByQuery>"
    answer = client.call(query)
    assert answer.status == "success", answer.said
    return sorted([node.text or "" for node in row] for row in answer.data)


def lines_of(client: SandboxClient, docid: str) -> list[str]:
    found = rows(client, "SODOCUMENTENTRY", "LINE_NO,RECORDNO", f"DOCHDRID = '{docid}'")
    return [recordno for _, recordno in found]


def state_of(client: SandboxClient, docid: str) -> str:
    return rows(client, "SODOCUMENT", "STATE", f"DOCID = '{docid}'")[0][0]


# --- 61: the order of elements


@pytest.mark.parametrize(
    "broken",
    [
        document().replace("<transactiontype>Sales Invoice</transactiontype>", ""),
        re.sub(r"(<customerid>.*</customerid>)(<termname>.*</termname>)", r"\2\1", document()),
        re.sub(r"(<transactiontype>.*</transactiontype>)(<datecreated>.*</datecreated>)", r"\2\1", document()),
        document().replace("<year>2025</year><month>03</month>", "<month>03</month><year>2025</year>"),
        document().replace("</create_so", "<invented>1</invented></create_so"),
        document(item().replace("<itemid>MAG-12</itemid>", "")),
        document(item().replace("<quantity>1</quantity>", "")),
        document("<sotransitem><quantity>1</quantity><itemid>MAG-12</itemid></sotransitem>"),
        re.sub(r"<sotransitem>.*</sotransitem>", "", document()),
        document(customfields="<customfield><customfieldvalue>1</customfieldvalue></customfield>"),
        document(currency="USD"),
        document(currency="EUR"),
        document(exchratetype="Intacct Daily Rate"),
        document(currency="EUR", exchratetype="", exchrate="1.5"),
        document(currency="EUR", exchrate="1.5", exchratetype=""),
        document(termname="Net 30").replace("<sotransitems>", "<sotransitems><lineitem/>"),
    ],
)
def test_b61_a_wrong_order_or_a_missing_element_breaks_the_schema(client: SandboxClient, broken: str) -> None:
    answer = client.call(broken)
    assert (answer.control, answer.errors[0][0]) == ("failure", "XL03000003")
    assert rows(client, "SODOCUMENT", "DOCID") == []


def test_b61_elements_in_order_are_accepted(client: SandboxClient) -> None:
    custom = "<customfield><customfieldname>SHIPMENT_ID</customfieldname><customfieldvalue>88120</customfieldvalue>"
    docid = made(
        client,
        item("FRT-OCEAN", unit="Each", departmentid="OPS", memo="charge 1", customfields=f"{custom}</customfield>"),
        documentno="INV-1042",
        referenceno="SHP-88120",
        datedue="04/01/2025",
        message="hello",
        currency="USD",
        exchratetype="",
        customfields=f"{custom}</customfield>",
        state="Pending",
    )
    assert docid == "Sales Invoice-INV-1042"
    (found,) = rows(client, "SODOCUMENT", "DOCNO,PONUMBER,WHENDUE,MESSAGE,CUSTVENDID")
    assert found == ["INV-1042", "SHP-88120", "04/01/2025", "hello", "C1007"]
    parid = "<docparid>Sales Invoice</docparid>"
    assert rows(client, "SODOCUMENT", "DOCNO,SHIPMENT_ID", more=parid) == [["INV-1042", "88120"]]
    assert rows(client, "SODOCUMENTENTRY", "SHIPMENT_ID", more=parid) == [["88120"]]
    without = client.call("<readByQuery><object>SODOCUMENT</object><fields>SHIPMENT_ID</fields><query/></readByQuery>")
    assert without.status == "failure", "custom fields are read with docparid only"


# --- 62: terms, items, units, locations


def test_b62_without_term_and_due_date_the_due_date_is_missing(client: SandboxClient) -> None:
    assert NO_DUE_DATE in refusal(client, customerid="C1008", termname=None)
    made(client, customerid="C1008", termname=None, datedue="04/30/2025", documentno="A")
    made(client, customerid="C1007", termname=None, documentno="B")
    due = rows(client, "SODOCUMENT", "DOCNO,WHENDUE,TERM.NAME")
    assert due == [["A", "04/30/2025", ""], ["B", "04/11/2025", "Net 30"]], "the customer's own term is the default"


@pytest.mark.parametrize(
    ("header", "line", "said"),
    [
        ({"termname": "Net 31"}, {}, "The term name Net 31 is invalid"),
        ({"kind": "Sales Wish"}, {}, "The transaction definition 'Sales Wish' is invalid."),
        ({"customerid": "NOBODY"}, {}, "Customer 'NOBODY' specified is not valid."),
        ({"state": "Posted"}, {}, "The value 'Posted' of state is not valid"),
        ({"datecreated": "02/30/2025"}, {}, "The value '2025-02-30' of datecreated is not a date."),
        ({"currency": "XXX", "exchratetype": ""}, {}, "Currency 'XXX' specified is not valid."),
        ({}, {"itemid": "NOTHING"}, "Item 'NOTHING' specified is not valid."),
        ({}, {"itemid": "OLD-ITEM"}, "Item 'OLD-ITEM' specified is not valid."),
        ({}, {"unit": "each"}, "The unit 'each' is not a unit of the item MAG-12."),
        ({}, {"quantity": "0"}, "The value '0' of quantity is not valid"),
        ({}, {"quantity": "many"}, "The value 'many' of quantity is not valid"),
        ({}, {"price": "free"}, "The value 'free' of price is not valid"),
        ({}, {"locationid": "NOWHERE"}, "The location 'NOWHERE' is invalid."),
        ({}, {"departmentid": "GONE"}, "The department 'GONE' is invalid."),
        ({}, {"revrectemplate": "12 months"}, "Revenue Management is not subscribed"),
    ],
)
def test_b62_an_unknown_or_unsuitable_value_is_named(
    client: SandboxClient, header: dict[str, str], line: dict[str, str], said: str
) -> None:
    assert said in refusal(client, item(**line), **header)


def test_b62_a_wrong_unit_is_a_missing_unit(client: SandboxClient) -> None:
    answer = client.call(document(item(unit="Dozen")))
    assert answer.errors[0][0] == "BL03000018"
    assert answer.text("operation/result/errormessage/error/description") == "Missing unit"
    made(client, item("SUPPORT", unit="Hour"))


def test_b62_all_wrong_lines_are_reported_at_once(client: SandboxClient) -> None:
    said = refusal(client, item("ONE"), item(), item("TWO"))
    assert "Item 'ONE'" in said and "Item 'TWO'" in said


def test_b62_a_location_can_be_missing(client: SandboxClient) -> None:
    client.switch(location_required=True)
    assert "Missing location" in refusal(client, item(locationid=None))
    made(client, item())


def test_b62_a_missing_price_defaults_to_the_price_of_the_item(client: SandboxClient) -> None:
    made(client, item("SUPPORT", "1.5", price=None))
    assert rows(client, "SODOCUMENTENTRY", "QUANTITY,UNIT,PRICE,TRX_VALUE") == [["1.5", "Hour", "80", "120.00"]]


# --- 63: document numbers


def test_b63_a_document_number_is_used_once_in_its_definition(client: SandboxClient) -> None:
    made(client, documentno="X-1")
    assert "A transaction with the number 'X-1' already exists." in refusal(client, documentno="X-1")
    made(client, documentno="X-1", kind="Sales Order")
    assert len(client.entries()) == 1


def test_b63_an_empty_document_number_is_assigned(client: SandboxClient) -> None:
    made(client, documentno="INV-000002")
    numbers = [made(client, documentno=number) for number in (None, "", None)]
    assert numbers == [f"Sales Invoice-INV-{number:06d}" for number in (1, 3, 4)]


# --- 64: conversion


def test_b64_an_order_is_converted_in_parts_and_its_state_follows(client: SandboxClient) -> None:
    order = made(client, item(quantity="3"), item("FRT-OCEAN"), kind="Sales Order", documentno="SO-1")
    first, second = lines_of(client, order)
    assert state_of(client, order) == "Pending" and client.entries() == []
    made(client, item(quantity="2", sourcelinekey=first), createdfrom=order, documentno="I-1")
    assert state_of(client, order) == "Partially Converted"
    fields = "LINE_NO,QTY_CONVERTED,QTY_REMAINING"
    assert rows(client, "SODOCUMENTENTRY", fields, f"DOCHDRID = '{order}'") == [["0", "2", "1"], ["1", "0", "1"]]
    rest = [item(sourcelinekey=first), item("FRT-OCEAN", sourcelinekey=second)]
    made(client, *rest, createdfrom=order, documentno="I-2")
    assert state_of(client, order) == "Converted"
    assert rows(client, "SODOCUMENT", "DOCNO", f"CREATEDFROM = '{order}'") == [["I-1"], ["I-2"]]
    assert rows(client, "SODOCUMENT", "DOCNO", "STATE = 'C'") == [["SO-1"]], "readByQuery compares codes"


def test_b64_what_cannot_be_converted_is_refused(client: SandboxClient) -> None:
    order = made(client, item(quantity="2"), kind="Sales Order", documentno="SO-1")
    other = made(client, kind="Sales Order", documentno="SO-2")
    draft = made(client, kind="Sales Order", documentno="SO-3", state="Draft")
    (line,), (foreign,) = lines_of(client, order), lines_of(client, other)
    convert = {"createdfrom": order, "documentno": "I"}
    assert "does not exist" in refusal(client, createdfrom="Sales Order-NO", documentno="I")
    assert "is not a line of" in refusal(client, item(sourcelinekey=foreign), **convert)
    assert "has only 2 left" in refusal(client, item(quantity="3", sourcelinekey=line), **convert)
    assert "has the item MAG-12" in refusal(client, item("FRT-OCEAN", sourcelinekey=line), **convert)
    assert "belongs to the customer C1007" in refusal(client, item(), customerid="C1008", **convert)
    assert "cannot be converted: its state is Draft" in refusal(client, createdfrom=draft, documentno="I")
    assert "sourcelinekey needs createdfrom" in refusal(client, item(sourcelinekey=line), documentno="I")
    invoice = made(client, item(quantity="2", sourcelinekey=line), **convert)
    assert "has already been converted" in refusal(client, item(sourcelinekey=line), createdfrom=order, documentno="J")
    assert "cannot be created from a Sales Invoice" in refusal(client, createdfrom=invoice, documentno="J")


def test_b64_a_refused_conversion_does_not_change_the_order(client: SandboxClient) -> None:
    order = made(client, item(quantity="2"), kind="Sales Order", documentno="SO-1")
    (line,) = lines_of(client, order)
    client.admin("periods/close", month="2025-03")
    assert "Periods are closed" in refusal(client, item(sourcelinekey=line), createdfrom=order, documentno="I")
    assert state_of(client, order) == "Pending"


def test_b64_a_converted_order_cannot_be_changed_until_its_invoice_is_gone(client: SandboxClient) -> None:
    order = made(client, kind="Sales Order", documentno="SO-1")
    (line,) = lines_of(client, order)
    invoice = made(client, item(sourcelinekey=line), createdfrom=order, documentno="I")
    change = f'<update_sotransaction key="{order}"><message>x</message></update_sotransaction>'
    delete = '<delete_sotransaction key="{}"/>'
    assert "its state is Converted" in client.call(change).said
    assert "its state is Converted" in client.call(delete.format(order)).said
    assert client.call(delete.format(invoice)).status == "success"
    assert state_of(client, order) == "Pending" and client.entries() == []
    assert client.call(change).status == "success"


# --- 65: what an invoice posts


def test_b65_an_invoice_debits_receivables_and_credits_the_accounts_of_the_item_groups(client: SandboxClient) -> None:
    lines = [item(), item("FRT-OCEAN", price="80.00"), item("SUPPORT", price="50.00", locationid="200")]
    docid = made(client, *lines, documentno="INV-7", dateposted="03/15/2025")
    assert client.balances() == {"1100": "250.00", "2400": "-200.00", "4010": "-50.00"}
    (entry,) = client.entries()
    assert (entry["journal"], entry["date"], entry["title"]) == ("SJ", "2025-03-15", "Invoice INV-7")
    for location in ("100", "200"):
        mine = [line for line in entry["lines"] if line["dimensions"]["LOCATION"] == location]
        assert sum(Decimal(line["amount"]) * line["type"] for line in mine) == 0, "each entity balances"
    assert all(line["dimensions"]["CUSTOMERID"] == "C1007" for line in entry["lines"])
    fields = "ACCOUNTNO,CREDITAMOUNT,DOCID,RECORDID,RECORDTYPE,ITEMID"
    detail = rows(client, "GLDETAIL", fields, "MODULEKEY = '8.SO' AND TR_TYPE = -1")
    assert detail == [
        ["2400", "120.00", docid, "INV-7", "arinvoice", "MAG-12"],
        ["2400", "80.00", docid, "INV-7", "arinvoice", "FRT-OCEAN"],
        ["4010", "50.00", docid, "INV-7", "arinvoice", "SUPPORT"],
    ]


def test_b65_the_receivable_is_reached_from_the_document(client: SandboxClient) -> None:
    docid = made(client, documentno="INV-7")
    query = (
        "<query><object>SODOCUMENT</object><select><field>DOCID</field><field>ARINVOICE.RECORDNO</field>"
        "<field>PRRECORDKEY</field></select></query>"
    )
    row = client.call(query).data[0]
    assert row[0].text == docid and row[1].text == row[2].text
    read = client.call(f"<read><object>ARINVOICE</object><keys>{row[1].text}</keys></read>")
    assert read.column("RECORDID") == ["INV-7"] and read.column("TRX_TOTALENTERED") == ["120.00"]
    assert read.column("DESCRIPTION2") == [docid] and read.column("TOTALDUE") == ["120.00"]
    assert read.column("ACCOUNTNO") == ["2400"] and read.column("OFFSETGLACCOUNTNO") == ["1100"]


def test_b65_a_read_document_includes_its_lines_numbered_from_zero(client: SandboxClient) -> None:
    made(client, item(), item("FRT-OCEAN"), documentno="A")
    ((number,),) = rows(client, "SODOCUMENT", "RECORDNO")
    read = client.call(f"<read><object>SODOCUMENT</object><keys>{number}</keys></read>")
    assert read.column("LINE_NO") == ["0", "1"] and read.column("ITEMID") == ["MAG-12", "FRT-OCEAN"]


def test_b65_an_update_recreates_the_receivable_under_another_number(client: SandboxClient) -> None:
    docid = made(client, item(), item("FRT-OCEAN", price="80.00"), documentno="A")
    ((document_no, invoice),) = rows(client, "SODOCUMENT", "RECORDNO,PRRECORDKEY")
    kept = lines_of(client, docid)
    change = (
        f'<update_sotransaction key="{docid}"><referenceno>R-2</referenceno><updatesotransitems>'
        f'<updatesotransitem line_num="2"><price>90.00</price></updatesotransitem>{item("SUPPORT", price="10.00")}'
        "</updatesotransitems></update_sotransaction>"
    )
    answer = client.call(change)
    assert answer.status == "success" and answer.text("operation/result/key") == docid
    ((same, another, reference),) = rows(client, "SODOCUMENT", "RECORDNO,PRRECORDKEY,PONUMBER")
    assert same == document_no and another != invoice and reference == "R-2"
    assert rows(client, "ARINVOICE", "RECORDNO,TOTALENTERED") == [[another, "220.00"]]
    assert lines_of(client, docid)[:2] == kept
    assert client.balances() == {"1100": "220.00", "2400": "-210.00", "4010": "-10.00"}
    wrong = change.replace('line_num="2"', 'line_num="9"')
    assert "has no line 9" in client.call(wrong).said


def test_b65_neither_an_update_nor_a_deletion_works_in_closed_books(client: SandboxClient) -> None:
    docid = made(client, documentno="A")
    client.admin("periods/close", month="2025-03")
    change = f'<update_sotransaction key="{docid}"><message>x</message></update_sotransaction>'
    for body in (change, f'<delete_sotransaction key="{docid}"/>'):
        assert "Periods are closed" in client.call(body).said
    assert client.balances()["2400"] == "-120.00"


def test_b65_a_draft_posts_nothing_until_it_is_pending(client: SandboxClient) -> None:
    docid = made(client, documentno="A", state="Draft")
    assert client.entries() == [] and rows(client, "ARINVOICE", "RECORDNO") == []
    client.call(f'<update_sotransaction key="{docid}"><state>Pending</state></update_sotransaction>')
    assert client.balances() == {"1100": "120.00", "2400": "-120.00"}


def test_b65_the_journal_entry_of_an_invoice_cannot_be_changed_in_the_ledger(client: SandboxClient) -> None:
    made(client)
    number = client.entries()[0]["record_no"]
    delete = client.call(f"<delete><object>GLBATCH</object><keys>{number}</keys></delete>")
    assert "was created by another application" in delete.said and len(client.entries()) == 1


def test_b65_an_item_can_have_its_own_account_and_a_definition_other_accounts(client: SandboxClient) -> None:
    client.admin("items", id="MAG-12", details={"unit": "Each", "account": "2410"})
    definition = {"posts": True, "prefix": "FR-", "accounts": {"Freight": "4100"}, "receivable": "1000"}
    client.admin("definitions", id="Freight Invoice", details=definition)
    made(client)
    made(client, item("FRT-OCEAN", price="7.00"), kind="Freight Invoice")
    assert client.balances() == {"1000": "7.00", "1100": "120.00", "2410": "-120.00", "4100": "-7.00"}


def test_b65_an_invoice_in_another_currency_balances_in_base_currency(client: SandboxClient) -> None:
    made(client, item(price="0.33"), item(price="0.33"), item(price="0.34"), currency="EUR", exchratetype="")
    made(client, item(price="10.00"), currency="EUR", exchrate="1.5", documentno="B")
    assert sum(Decimal(amount) for amount in client.balances().values()) == 0
    assert client.balances()["1100"] == "16.09"


def test_b65_a_repeat_under_the_same_control_id_creates_one_invoice(client: SandboxClient) -> None:
    client.admin("fault", plan="drop@after:1x:create_sotransaction")
    body = client.function(document(documentno="A"), "invoice:a")
    with pytest.raises(requests.ConnectionError):
        client.call(body)
    assert "already been recorded with the control id invoice:a" in client.call(body).said
    assert rows(client, "SODOCUMENT", "DOCID") == [["Sales Invoice-A"]]
    assert "already exists" in client.call(document(documentno="A")).said, "the number guards it a second time"


# --- invoices without order entry, and the records they need


def invoice(*lines: str, **more: str | None) -> str:
    head = {
        "customerid": more.pop("customerid", "C1007"),
        "datecreated": day("03/12/2025"),
        "datedue": day(more.pop("datedue", None)),
        "termname": more.pop("termname", "Net 30"),
    }
    plain = "<lineitem><glaccountno>2400</glaccountno><amount>99.995</amount><locationid>100</locationid></lineitem>"
    items = f"<invoiceitems>{''.join(lines or (plain,))}</invoiceitems>"
    return f"<create_invoice>{parts(**head, **more)}{items}</create_invoice>"


def test_b65_an_ar_invoice_credits_the_account_of_its_lines(client: SandboxClient) -> None:
    answer = client.call(invoice(action="Submit", invoiceno="AR-9", ponumber="PO-1", description="Freight"))
    number = answer.text("operation/result/key")
    found = rows(client, "ARINVOICE", "RECORDNO,RECORDID,DOCNUMBER,MODULEKEY,STATE,TOTALENTERED,WHENDUE")
    assert found == [[number, "AR-9", "PO-1", "4.AR", "Posted", "100.00", "04/11/2025"]], "amounts are rounded"
    assert client.balances() == {"1100": "100.00", "2400": "-100.00"}
    assert rows(client, "GLDETAIL", "RECORDID", "MODULEKEY = '4.AR'") == [["AR-9"]] * 2


@pytest.mark.parametrize("order", [("batchkey", "action"), ("action", "batchkey")])
def test_b61_an_ar_invoice_accepts_action_and_batchkey_in_either_order(
    client: SandboxClient, order: tuple[str, str]
) -> None:
    values = {"batchkey": "1", "action": "Draft"}
    answer = client.call(invoice(**{name: values[name] for name in order}, invoiceno="A"))
    assert answer.status == "success", answer.http.text
    assert rows(client, "ARINVOICE", "STATE") == [["Draft"]] and client.entries() == []


@pytest.mark.parametrize(
    ("line", "header"),
    [
        ("<amount>5.00</amount>", {}),
        ("<accountlabel>Sales</accountlabel><glaccountno>2400</glaccountno><amount>5.00</amount>", {}),
        ("<amount>5.00</amount><glaccountno>2400</glaccountno>", {}),
        ("<glaccountno>2400</glaccountno>", {}),
        ("<glaccountno>2400</glaccountno><amount>5.00</amount>", {"currency": "USD"}),
        ("<glaccountno>2400</glaccountno><amount>5.00</amount>", {"invoiceno": "B", "action": "Draft"}),
    ],
)
def test_b61_an_ar_invoice_outside_its_content_model_breaks_the_schema(
    client: SandboxClient, line: str, header: dict[str, str]
) -> None:
    answer = client.call(invoice(f"<lineitem>{line}</lineitem>", **header))
    assert (answer.control, answer.errors[0][0]) == ("failure", "XL03000003")
    assert rows(client, "ARINVOICE", "RECORDNO") == []


@pytest.mark.parametrize(
    ("header", "line", "said"),
    [
        ({"customerid": "NOBODY"}, {}, "Customer 'NOBODY' specified is not valid."),
        ({"customerid": "C1008", "termname": None}, {}, NO_DUE_DATE),
        ({"invoiceno": "n" * 31}, {}, "The value of invoiceno has 31 characters; the maximum is 30."),
        ({}, {"glaccountno": "9999"}, "Account 9999 is not valid"),
        ({}, {"glaccountno": ""}, "Required field glaccountno is missing"),
        ({}, {"accountlabel": "Sales", "glaccountno": None}, "The account label 'Sales' is invalid."),
        ({}, {"amount": "-1"}, "The total of an invoice must not be negative."),
        ({}, {"amount": "0"}, "An invoice without any amount cannot be posted."),
    ],
)
def test_b62_a_wrong_ar_invoice_is_refused(
    client: SandboxClient, header: dict[str, str], line: dict[str, str | None], said: str
) -> None:
    values = {"accountlabel": None, "glaccountno": "2400", "amount": "5.00", "locationid": "100"} | line
    answer = client.call(invoice(f"<lineitem>{parts(**values)}</lineitem>", **header))
    assert answer.status == "failure" and said in answer.said
    assert rows(client, "ARINVOICE", "RECORDNO") == [] and client.entries() == []


def test_b63_an_invoice_number_used_again_is_refused_or_not(client: SandboxClient) -> None:
    client.call(invoice(invoiceno="A"))
    assert "A transaction with the number 'A' already exists." in client.call(invoice(invoiceno="A")).said
    client.switch(duplicate_invoices="allow")
    assert client.call(invoice(invoiceno="A")).status == "success"
    assert client.call(invoice()).status == "success"


CUSTOMER = "<CUSTOMERID>N-1</CUSTOMERID><NAME>New</NAME><TERMNAME>Net 15</TERMNAME>"
CONTACT = "<DISPLAYCONTACT><PRINTAS>New</PRINTAS></DISPLAYCONTACT>"


def test_b62_customers_items_and_terms_are_created_and_used(client: SandboxClient) -> None:
    for body in (
        f"<CUSTOMER>{CUSTOMER}{CONTACT}</CUSTOMER>",
        "<ITEM><ITEMID>N-ITEM</ITEMID><NAME>New</NAME><ITEMTYPE>Non-Inventory</ITEMTYPE><GLGROUP>Services</GLGROUP></ITEM>",
        "<ARTERM><NAME>Net 7</NAME><DUE>7</DUE></ARTERM>",
    ):
        assert client.call(f"<create>{body}</create>").status == "success"
        again = client.call(f"<create>{body}</create>")
        assert again.errors[0][0] == "BL34000061" and "already exists" in again.said
    made(client, item("N-ITEM"), customerid="N-1", termname=None, documentno="A")
    made(client, item("N-ITEM"), customerid="N-1", termname="Net 7", documentno="B")
    assert rows(client, "SODOCUMENT", "DOCNO,WHENDUE") == [["A", "03/27/2025"], ["B", "03/19/2025"]]
    assert client.balances()["4010"] == "-240.00"
    assert rows(client, "CUSTOMER", "TERMNAME", "CUSTOMERID = 'N-1'") == [["Net 15"]]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (f"<CUSTOMER>{CUSTOMER}</CUSTOMER>", "Required field DISPLAYCONTACT is missing"),
        (f"<CUSTOMER>{CUSTOMER.replace('Net 15', 'Net 16')}{CONTACT}</CUSTOMER>", "The term name Net 16 is invalid"),
        ("<ITEM><ITEMID>N</ITEMID><NAME>N</NAME></ITEM>", "Required field ITEMTYPE is missing"),
        (
            "<ITEM><ITEMID>N</ITEMID><NAME>N</NAME><ITEMTYPE>Kit</ITEMTYPE><GLGROUP>None</GLGROUP></ITEM>",
            "Item GL group 'None' specified is not valid.",
        ),
        ("<ARTERM><NAME>Soon</NAME><DUE>soon</DUE></ARTERM>", "The value 'soon' of DUE is not valid"),
    ],
)
def test_b62_records_that_lack_something_are_not_created(client: SandboxClient, body: str, said: str) -> None:
    answer = client.call(f"<create>{body}</create>")
    assert answer.status == "failure" and said in answer.said


def created(client: SandboxClient, body: str) -> dict[str, str]:
    (record,) = client.call(f"<create>{body}</create>").data
    return {"object": record.tag} | {field.tag: field.text or "" for field in record}


DEPARTMENT = "<DEPARTMENT><DEPARTMENTID>D-1</DEPARTMENTID><TITLE>New</TITLE></DEPARTMENT>"


def test_b62_a_create_answers_with_the_record_number_and_the_id(client: SandboxClient) -> None:
    vendor = created(client, "<VENDOR><VENDORID>V-1</VENDORID><NAME>New</NAME></VENDOR>")
    assert vendor.pop("RECORDNO").isdecimal()
    assert vendor == {"object": "vendor", "VENDORID": "V-1"}
    assert set(created(client, client.glbatch())) == {"object", "RECORDNO"}
    assert created(client, DEPARTMENT)["DEPARTMENTID"] == "D-1"


def test_b62_name_and_status_of_a_record_are_updated(client: SandboxClient) -> None:
    number = created(client, DEPARTMENT)["RECORDNO"]
    for key in (f"<RECORDNO>{number}</RECORDNO>", "<DEPARTMENTID>D-1</DEPARTMENTID>"):
        body = f"<DEPARTMENT>{key}<TITLE>Newer</TITLE><STATUS>inactive</STATUS></DEPARTMENT>"
        assert client.call(f"<update>{body}</update>").column("DEPARTMENTID") == ["D-1"]
    assert rows(client, "DEPARTMENT", "TITLE,STATUS", "DEPARTMENTID = 'D-1'") == [["Newer", "inactive"]]
    missing = client.call("<update><DEPARTMENT><DEPARTMENTID>D-2</DEPARTMENTID></DEPARTMENT></update>")
    assert "DEPARTMENT with the key 'D-2' does not exist." in missing.said


def test_b62_a_record_that_is_not_in_use_is_deleted(client: SandboxClient) -> None:
    number = created(client, DEPARTMENT)["RECORDNO"]
    client.create(client.glbatch(client.pair(DEPARTMENT="D-1"), REFERENCENO="D"))
    delete = f"<delete><object>DEPARTMENT</object><keys>{number}</keys></delete>"
    assert "Department 'D-1' cannot be deleted, because it is in use." in client.call(delete).said
    client.call(f"<delete><object>GLBATCH</object><keys>{client.entries()[0]['record_no']}</keys></delete>")
    assert client.call(delete).status == "success"
    assert rows(client, "DEPARTMENT", "TITLE", "DEPARTMENTID = 'D-1'") == []


def test_b60_the_trial_balance_sums_to_zero_after_invoices(client: SandboxClient) -> None:
    made(client, item(), item("SUPPORT", locationid="200"), documentno="A")
    client.call(invoice())
    client.create()
    period = "<reportingperiodname>Month Ended March 2025</reportingperiodname>"
    answer = client.call(f"<get_trialbalance>{period}</get_trialbalance>")
    assert sum(Decimal(text) for text in answer.column("endbalance")) == 0
    assert len(answer.column("endbalance")) > 2


def test_b66_without_the_permission_no_document_is_created(client: SandboxClient) -> None:
    client.switch(denied="create:SODOCUMENT,create:ARINVOICE,update:SODOCUMENT")
    bodies = (document(), invoice(), '<update_sotransaction key="x"><message>y</message></update_sotransaction>')
    for body in bodies:
        assert "You do not have permission for API" in client.call(body).said


def test_b70_a_document_counts_as_one_record_whatever_it_posts(client: SandboxClient) -> None:
    def written(body: str) -> int:
        before = int(client.look("state")["usage"]["records_written"])
        assert client.call(body).status == "success"
        return int(client.look("state")["usage"]["records_written"]) - before

    change = '<update_sotransaction key="Sales Invoice-A"><message>x</message></update_sotransaction>'
    assert written(document(item(), item("SUPPORT"), documentno="A")) == 1
    assert written(change) == written('<delete_sotransaction key="Sales Invoice-A"/>') == 1
    assert written(invoice()) == 1
    assert written(f"<create>{client.glbatch(REVERSEDATE='04/01/2025')}</create>") == 1


def adjustment(amount: str = "-20.00", **more: str | None) -> str:
    head = {"customerid": "C1007", "datecreated": day("03/12/2025")} | more
    line = f"<lineitem><glaccountno>2400</glaccountno><amount>{amount}</amount><locationid>100</locationid></lineitem>"
    items = f"<aradjustmentitems>{line}</aradjustmentitems>"
    return f"<create_aradjustment>{parts(**head)}{items}</create_aradjustment>"


def test_an_adjustment_below_zero_is_a_credit_memo(client: SandboxClient) -> None:
    client.call(invoice("<lineitem><glaccountno>2400</glaccountno><amount>50.00</amount></lineitem>"))
    answer = client.call(adjustment(adjustmentno="INV-1-CR", description="Credit"))
    assert answer.status == "success", answer.http.text
    number = answer.text("operation/result/key")
    assert rows(client, "ARADJUSTMENT", "RECORDNO,RECORDID,STATE,TRX_TOTALENTERED") == [
        [number, "INV-1-CR", "Posted", "-20.00"]
    ]
    line = [number, "aradjustment", "2400", "-20.00"]
    assert rows(client, "ARADJUSTMENTITEM", "RECORDKEY,RECORDTYPE,ACCOUNTNO,TRX_AMOUNT") == [line]
    assert len(rows(client, "ARINVOICE", "RECORDNO")) == 1, "it is not an invoice"
    assert client.balances() == {"1100": "30.00", "2400": "-30.00"}


def test_an_adjustment_above_zero_is_a_debit_memo_and_a_number_is_used_once(client: SandboxClient) -> None:
    assert client.call(adjustment("5.00", adjustmentno="A-1")).status == "success"
    assert client.balances() == {"1100": "5.00", "2400": "-5.00"}
    again = client.call(adjustment("5.00", adjustmentno="A-1"))
    assert again.status == "failure" and "'A-1' already exists" in again.http.text


def test_a_document_of_a_credit_definition_debits_what_its_invoice_credited(client: SandboxClient) -> None:
    made(client, item(price="120.00"), documentno="INV-1")
    docid = made(client, item(price="20.00"), kind="Sales Credit Memo", documentno="INV-1-CR")
    assert docid == "Sales Credit Memo-INV-1-CR"
    assert client.balances() == {"1100": "100.00", "2400": "-100.00"}
    assert rows(client, "ARADJUSTMENT", "RECORDID,DESCRIPTION2") == [["INV-1-CR", docid]]
