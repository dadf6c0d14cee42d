"""Each shipped mapping of invoices and orders reads its sample to the cent, and refuses it with a falsified total."""

from collections.abc import Callable, Collection, Iterator
from io import BytesIO
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from revrec.core.money import decimal_string
from revrec.sources import BadRow, GoodRow, PassedOver, SourceError, SourceStream, read_charges, shipped
from revrec.sources.mapping_reader import read_mapping

SAMPLES = Path(__file__).parents[2] / "sample_data" / "mapped"
ORDER_727 = {"customer": "26", "currency": "USD"}


class Sample(NamedTuple):
    """A sample: its file and mapping, its charge lines (id, item, amount), why records are left out, and a text with
    its total beside a wrong one."""

    file: str
    mapping: str
    lines: tuple[str, ...]
    left_out: tuple[str, ...] = ()
    total: tuple[str, str] = ("", "")


SAMPLES_OF_DOCUMENTS = (
    Sample("ubl.xml", "ubl", (
        "ubl/2024-117/1 SUB-PRO 1200.00 EUR", "ubl/2024-117/2 MUG 75.00 EUR",
        "ubl/2024-117/ALLOWANCE-CHARGE-1 CHARGE 15.00 EUR", "ubl/2024-117/ALLOWANCE-CHARGE-2 ALLOWANCE -65.00 EUR",
    ), (), ('TaxExclusiveAmount currencyID="EUR">1225.00', 'TaxExclusiveAmount currencyID="EUR">1225.01')),
    Sample("ubl-credit-note.xml", "ubl", ("ubl/2024-C9/1 MUG -18.75 EUR",), (),
        ('TaxExclusiveAmount currencyID="EUR">18.75', 'TaxExclusiveAmount currencyID="EUR">-18.75')),
    Sample("cii.xml", "cii", (
        "cii/F-2024-31/1 SUB-PRO 1200.00 EUR", "cii/F-2024-31/ALLOWANCE-CHARGE-1 ALLOWANCE -100.00 EUR",
    ), (), ("TaxBasisTotalAmount>1100.00", "TaxBasisTotalAmount>1200.00")),
    Sample("woocommerce-orders.json", "woocommerce-orders", (
        "woocommerce/727/315 MUG 18.00 USD", "woocommerce/727/316 MAG-01 12.00 USD",
        "woocommerce/727/317 SHIPPING 10.00 USD", "woocommerce/728/320 SUB-PRO 22.73 USD",
        "woocommerce/728/321 FEE 2.72 USD",
    ), ("its amount is zero", "the order is not paid"), ('"total": "41.07"', '"total": "41.06"')),
    Sample("woocommerce-refunds.json", "woocommerce-refunds", ("woocommerce/727/refund-731-330 MUG -9.00 USD",), (),
        ('"amount": "9.30"', '"amount": "9.00"')),
    Sample("stripe-invoices.json", "stripe-invoices", (
        "stripe/in_1/il_1 price_PRO 216.00 USD", "stripe/in_1/il_2 price_SETUP 20.00 USD",
        "stripe/in_2/il_4 price_BASIC 1000 JPY",
    ), ("its amount is zero", "the invoice is a draft"),
        ('"total_excluding_tax": 23600', '"total_excluding_tax": 23601')),
    Sample("stripe-credit-notes.json", "stripe-credit-notes", ("stripe/cn_1/cnli_1 Pro plan, unused days -10.80 USD",),
        ("the credit note is void",), ('"total_excluding_tax": 1080', '"total_excluding_tax": 1180')),
    Sample("chargebee-invoices.json", "chargebee-invoices", (
        "chargebee/CB-1/li_1 pro-USD-yearly 1100.00 USD", "chargebee/CB-2/li_2 setup-EUR 100.00 EUR",
    ), ("the invoice is void",), ('"total": 121000', '"total": 131000')),
    Sample("chargebee-credit-notes.json", "chargebee-credit-notes", (
        "chargebee/CN-1/cn_li_1 pro-USD-yearly -60.00 USD",
    ), (), ('"total": 6600', '"total": -6600')),
    Sample("recurly-invoices.json", "recurly-invoices", (
        "recurly/1001/l1 pro 220.00 USD", "recurly/1001/l2 SETUP 10.00 USD", "recurly/1002/l3 pro -12.00 USD",
    ), ("the invoice failed",), ('"total": 248.40', '"total": 268.40')),
    Sample("quickbooks-invoices.json", "quickbooks-invoices", (
        "quickbooks/1037/1 Rock Fountain 275.00 USD", "quickbooks/1037/DiscountLineDetail-4 DISCOUNT -15.00 USD",
        "quickbooks/1037/3 Pump 30.00 USD", "quickbooks/1037/4 Fish food 10.00 USD",
    ), ("it is a bundle, whose items follow", "it is a subtotal", "the document is void"),
        ('"TotalAmt": 324.0', '"TotalAmt": 339.0')),
    Sample("quickbooks-credit-memos.json", "quickbooks-invoices", ("quickbooks/1039/1 Pump -30.00 USD",),
        ("it is a subtotal",), ('"TotalAmt": 32.4', '"TotalAmt": 30.0')),
    Sample("quickbooks-report.csv", "quickbooks-report", (
        "quickbooks/1021/1 MAG-01 24.00 USD", "quickbooks/1021/2 SUB-PRO 365.00 USD",
        "quickbooks/1026/1 MAG-01 -24.00 USD", "quickbooks/1024/1 MUG 75.00 USD",
    ), ("it is a heading", "it is the total of a group", "it is the total"),
        ("Total for Cool Cars,,,,,,,$75.00", "Total for Cool Cars,,,,,,,$74.00")),
    Sample("quickbooks-report-modern.csv", "quickbooks-report-modern", (
        "quickbooks/1021/1 MAG-01 24.00 USD", "quickbooks/1021/2 SUB-PRO 365.00 USD",
        "quickbooks/1026/1 MAG-01 -24.00 USD", "quickbooks/1024/1 MUG 75.00 USD",
    ), ("it is a heading", "it is the total of a group", "it is the total"),
        ("Total for Cool Cars,,,,,,,$75.00", "Total for Cool Cars,,,,,,,$74.00")),
    Sample("xero-invoices.json", "xero-invoices", (
        "xero/INV-0041/l-1 SUB-PRO 1125.00 GBP", "xero/INV-0041/l-2 260 100.00 GBP",
        "xero/INV-0042/l-4 MAG-01 20.00 GBP",
    ), ("it is a description", "the document is void", "it is a purchase"), ('"Total": 1470.00', '"Total": 1225.00')),
    Sample("xero-credit-notes.json", "xero-invoices", ("xero/CN-0003/l-7 260 -50.00 GBP",), (),
        ('"Total": 60.00', '"Total": -60.00')),
    Sample("xero.csv", "xero-csv", (
        "xero/INV-0041/1 SUB-PRO 1125.00 GBP", "xero/INV-0041/2 260 100.00 GBP", "xero/CN-0003/1 260 -50.00 GBP",
    ), ("the document is a draft",), ("1470.00,245.00,0.00,1470.00", "1470.00,235.00,0.00,1470.00")),
    Sample("amazon-settlement.txt", "amazon-settlement", (
        "amazon/114-1/55501-Order-S1-ItemPrice-Principal LAMP 100.00 USD",
        "amazon/114-1/55501-Order-S1-ItemPrice-Shipping LAMP 12.00 USD",
        "amazon/114-1/55501-Order-S1-Promotion-ShippingFREESHIP LAMP -12.00 USD",
        "amazon/114-0/55400-Refund-A1-ItemPrice-Principal MUG -30.00 USD",
    ), ("it is the settlement's total", "it is tax", "it is a fee or a transfer"), ("UTC\t63.20", "UTC\t63.21")),
    Sample("square-orders.json", "square-orders", (
        "square/SQ1/u1 MUG 27.00 USD", "square/SQ1/u2 Repair 10.00 USD", "square/SQ1/u3 Delivery 5.00 USD",
        "square/SQ2/u4 MUG -13.50 USD",
    ), ("the order is open",), ('"total_money": {"amount": -1458', '"total_money": {"amount": 1458')),
    Sample("bigcommerce-orders.json", "bigcommerce-orders", (
        "bigcommerce/218/167 GOODS-30-PLANTER 92.00 USD", "bigcommerce/218/168 MUG 23.00 USD",
        "bigcommerce/218/shipping_cost_ex_tax SHIPPING 8.95 USD",
        "bigcommerce/218/wrapping_cost_ex_tax WRAPPING 2.00 USD",
    ), ("its amount is zero", "the order is canceled"), ('"total_ex_tax": "125.9500"', '"total_ex_tax": "135.9500"')),
    Sample("salesforce-orders.json", "salesforce-orders", (
        "salesforce/00000104/0000000171 SUB-PRO 1200.00 USD", "salesforce/00000104/0000000172 SETUP 50.00 USD",
        "salesforce/00000105/0000000173 SETUP -50.00 USD",
    ), ("the order is a draft",), ('"TotalAmount": -50.0', '"TotalAmount": 50.0')),
    Sample("netsuite-invoices.json", "netsuite-invoices", (
        "netsuite/INV1042/1 SUB-PRO 1200.00 USD", "netsuite/INV1042/2 MUG 10.00 USD",
        "netsuite/INV1042/time.items-1 CONSULTING 150.00 USD",
        "netsuite/INV1042/discountTotal DISCOUNT -21.00 USD", "netsuite/INV1042/shippingCost SHIPPING 15.00 USD",
    ), ("it is a subtotal, a group or a description", "it is not billed"), ('"total": 1444.3', '"total": 1465.3')),
    Sample("netsuite-credit-memos.json", "netsuite-credit-memos", ("netsuite/CM88/1 MUG -10.00 USD",), (),
        ('"total": 10.8', '"total": -10.8')),
    Sample("intacct-invoices.csv", "intacct-invoices", (
        "intacct/INV-2001/1 SUB-PRO 1200.00 USD", "intacct/INV-2001/2 4010 50.00 USD",
        "intacct/ADJ-77/1 4010 -50.00 USD",
    ), ("the invoice is a draft",), ("Posted,-50.00", "Posted,50.00")),
    Sample("intacct-orders.csv", "intacct-orders", (
        "intacct/SI-300/1 SUB-PRO 1200.00 USD", "intacct/SI-300/2 MUG 24.00 USD", "intacct/CM-12/1 MUG -12.00 USD",
    ), ('DOCPARID is "Sales Order"',), ("Closed,1224.00", "Closed,1200.00")),
)  # fmt: skip


def booked(documents: Collection[tuple[str, str]], field: str) -> dict[tuple[str, str], str]:
    """Return what the books have of an order that was imported before."""
    known = ("woocommerce", "727")
    return {known: ORDER_727[field]} if known in documents else {}


def read(sample: Sample, change: Callable[[str], str] = str) -> list[Any]:
    text = change((SAMPLES / sample.file).read_text(encoding="utf-8"))
    mapping = read_mapping(sample.mapping, shipped.resolved(sample.mapping, {}, ""))
    return list(read_charges(SourceStream(BytesIO(text.encode()), sample.file), mapping, booked=booked))


def sample_of(file: str) -> Sample:
    return next(one for one in SAMPLES_OF_DOCUMENTS if one.file == file)


def replacing(right: str, wrong: str) -> Callable[[str], str]:
    """Return a function that replaces a part that a text has exactly once."""

    def replaced(text: str) -> str:
        assert text.count(right) == 1, right
        return text.replace(right, wrong)

    return replaced


def in_envelope(header: str) -> Callable[[str], str]:
    """Return a function that puts an XML document into a UN/CEFACT envelope with this header."""

    def wrapped(text: str) -> str:
        declaration, _, rest = text.partition("?>")
        namespace = "http://www.unece.org/cefact/namespaces/StandardBusinessDocumentHeader"
        envelope = f'<StandardBusinessDocument xmlns="{namespace}">{header}{rest}</StandardBusinessDocument>'
        return f"{declaration}?>{envelope}"

    return wrapped


def shown(rows: list[Any]) -> Iterator[str]:
    for row in rows:
        assert not isinstance(row, BadRow), row
        if isinstance(row, GoodRow):
            line = row.line
            yield f"{line.id} {line.item} {decimal_string(line.amount, line.currency)} {line.currency}"


@pytest.mark.parametrize("sample", SAMPLES_OF_DOCUMENTS, ids=lambda one: one.file)
def test_the_sample_is_read_to_the_cent(sample: Sample) -> None:
    rows = read(sample)
    assert tuple(shown(rows)) == sample.lines
    assert tuple(dict.fromkeys(row.reason for row in rows if isinstance(row, PassedOver))) == sample.left_out


@pytest.mark.parametrize("sample", [one for one in SAMPLES_OF_DOCUMENTS if one.total[0]], ids=lambda one: one.file)
def test_a_falsified_total_refuses_the_document(sample: Sample) -> None:
    right, wrong = sample.total
    assert (SAMPLES / sample.file).read_text(encoding="utf-8").count(right) >= 1
    if sample.file.endswith((".csv", ".txt")):
        with pytest.raises(SourceError, match=r"adds? up to"):
            read(sample, lambda text: text.replace(right, wrong))
        return
    rows = read(sample, lambda text: text.replace(right, wrong))
    (bad,) = [row for row in rows if isinstance(row, BadRow)]
    assert "the charge lines add up to" in str(bad.problems[0])


@pytest.mark.parametrize(
    ("right", "wrong", "reason"),
    [
        (">1225.00</cbc:TaxExclusiveAmount>", ">1226.00</cbc:TaxExclusiveAmount>", "is 1226.00"),
        (">1275.00</cbc:LineExtensionAmount>", ">1276.00</cbc:LineExtensionAmount>", "is 1226.00"),
        (">65.00</cbc:AllowanceTotalAmount>", ">64.00</cbc:AllowanceTotalAmount>", "is 1226.00"),
        (">15.00</cbc:ChargeTotalAmount>", ">14.00</cbc:ChargeTotalAmount>", "is 1224.00"),
        (">1531.25</cbc:TaxInclusiveAmount>", ">1530.25</cbc:TaxInclusiveAmount>", "is 1226.00"),
        (">1531.25</cbc:PayableAmount>", ">1530.25</cbc:PayableAmount>", "is 1224.00"),
    ],
)
def test_each_total_of_a_ubl_invoice_is_compared(right: str, wrong: str, reason: str) -> None:
    sample = next(one for one in SAMPLES_OF_DOCUMENTS if one.file == "ubl.xml")
    (bad,) = (row for row in read(sample, lambda text: text.replace(right, wrong)) if isinstance(row, BadRow))
    assert bad.problems[0].reason == f"{reason}, the charge lines add up to 1225.00"


@pytest.mark.parametrize(
    ("right", "wrong", "total"),
    [
        ("<ram:LineTotalAmount>1200.00</ram:LineTotalAmount><ram:Allow",
         "<ram:LineTotalAmount>1201.00</ram:LineTotalAmount><ram:Allow", "1101.00"),
        ("<ram:AllowanceTotalAmount>100.00", "<ram:AllowanceTotalAmount>-100.00", "1300.00"),
        ("<ram:TaxBasisTotalAmount>1100.00", "<ram:ChargeTotalAmount>5.00</ram:ChargeTotalAmount>"
         "<ram:TaxBasisTotalAmount>1100.00", "1105.00"),
        ("<ram:TaxBasisTotalAmount>1100.00", "<ram:TaxBasisTotalAmount>1110.00", "1110.00"),
        (">220.00</ram:TaxTotalAmount>", ">202.00</ram:TaxTotalAmount>", "1118.00"),
        ("<ram:GrandTotalAmount>1320.00", "<ram:GrandTotalAmount>1330.00", "1110.00"),
        ("<ram:DuePayableAmount>1320.00", "<ram:DuePayableAmount>1300.00", "1080.00"),
    ],
)  # fmt: skip
def test_each_total_of_a_cross_industry_invoice_is_compared(right: str, wrong: str, total: str) -> None:
    (bad,) = (row for row in read(sample_of("cii.xml"), replacing(right, wrong)) if isinstance(row, BadRow))
    assert bad.problems[0].reason == f"is {total}, the charge lines add up to 1100.00"


def test_prepaid_amounts_rounding_and_tax_in_another_currency_are_no_contradiction() -> None:
    tax = '<ram:TaxTotalAmount currencyID="EUR">220.00</ram:TaxTotalAmount>'
    rows = read(
        sample_of("cii.xml"),
        lambda text: (
            text.replace(tax, f'{tax}<ram:TaxTotalAmount currencyID="SEK">2500.00</ram:TaxTotalAmount>')
            .replace(
                "<ram:InvoiceCurrencyCode>", "<ram:TaxCurrencyCode>SEK</ram:TaxCurrencyCode><ram:InvoiceCurrencyCode>"
            )
            .replace(
                "<ram:DuePayableAmount>1320.00",
                "<ram:TotalPrepaidAmount>300.00</ram:TotalPrepaidAmount>"
                "<ram:RoundingAmount>0.50</ram:RoundingAmount><ram:DuePayableAmount>1020.50",
            )
        ),
    )
    assert [type(row) for row in rows] == [GoodRow, GoodRow]


@pytest.mark.parametrize("name", ["ubl.xml", "ubl-credit-note.xml", "cii.xml"])
def test_an_invoice_in_a_standard_business_document_is_read(name: str) -> None:
    sample = sample_of(name)
    header = "<StandardBusinessDocumentHeader><HeaderVersion>1.0</HeaderVersion></StandardBusinessDocumentHeader>"
    assert tuple(shown(read(sample, in_envelope(header)))) == sample.lines


def test_anything_else_next_to_an_invoice_in_a_standard_business_document_is_refused() -> None:
    with pytest.raises(SourceError, match="Attachment"):
        read(sample_of("ubl-credit-note.xml"), in_envelope("<Attachment/>"))


def test_every_shipped_mapping_has_a_sample() -> None:
    of_formats = {"cargowise", "edifact", "x12", "shopify-orders", "magento-orders", "magento-invoices"}
    assert {one.mapping for one in SAMPLES_OF_DOCUMENTS} | of_formats == set(shipped.names())


def test_periods_that_end_when_the_next_one_starts_have_their_last_day() -> None:
    wanted = {"stripe/in_1/il_1", "chargebee/CB-1/li_1", "recurly/1001/l1"}
    lines = [row.line for one in SAMPLES_OF_DOCUMENTS for row in read(one) if isinstance(row, GoodRow)]
    spans = {(str(line.service_start), str(line.service_end)) for line in lines if line.id in wanted}
    assert spans == {("2024-03-28", "2025-03-27")}


def test_credits_name_the_invoice_that_they_credit() -> None:
    lines = [row.line for one in SAMPLES_OF_DOCUMENTS for row in read(one) if isinstance(row, GoodRow)]
    assert {line.id: line.credits for line in lines if line.credits} == {
        "ubl/2024-C9/1": "2024-117", "stripe/cn_1/cnli_1": "in_1", "chargebee/CN-1/cn_li_1": "CB-1",
    }  # fmt: skip


def test_a_credit_invoice_is_negative_however_its_type_is_written() -> None:
    sample = SAMPLES_OF_DOCUMENTS[0]
    rows = read(sample, lambda text: text.replace("InvoiceTypeCode>380", "InvoiceTypeCode>381"))
    assert [row.line.amount for row in rows] == [-120000, -7500, -1500, 6500]
    without_type = read(
        SAMPLES_OF_DOCUMENTS[1], lambda text: text.replace("<cbc:CreditNoteTypeCode>381</cbc:CreditNoteTypeCode>", "")
    )
    assert [row.line.amount for row in without_type] == [-1875]


@pytest.mark.parametrize(("code", "reason"), [("325", "pro-forma"), ("386", "prepayment"), ("384", "corrected")])
def test_an_invoice_that_is_no_original_is_left_out(code: str, reason: str) -> None:
    for sample in (SAMPLES_OF_DOCUMENTS[0], SAMPLES_OF_DOCUMENTS[2]):
        rows = read(sample, lambda text: text.replace("TypeCode>380", f"TypeCode>{code}"))
        assert all(isinstance(row, PassedOver) and reason in row.reason for row in rows)


def test_a_damaged_line_does_not_excuse_the_document_before_it() -> None:
    sample = next(one for one in SAMPLES_OF_DOCUMENTS if one.file == "woocommerce-orders.json")
    rows = read(
        sample,
        lambda text: text.replace('"total": "41.07"', '"total": "41.06"').replace(
            '"22.727273", "total_tax"', 'null, "total_tax"'
        ),
    )
    problems = [str(row.problems[0]) for row in rows if isinstance(row, BadRow)]
    assert len(problems) == 2
    assert "is 40.00" not in problems[0] and "the charge lines add up to 40.00" in problems[0]
    assert problems[1].startswith("amount: is empty")


def test_a_refund_without_its_order_is_refused() -> None:
    sample = next(one for one in SAMPLES_OF_DOCUMENTS if one.file == "woocommerce-refunds.json")
    (bad,) = read(sample, lambda text: text.replace('"parent_id": 727', '"parent_id": 1'))
    assert {one.field for one in bad.problems} >= {"customer", "currency"}


@pytest.mark.parametrize(("code", "minor"), [("isk", 236), ("UGX", 236), ("mga", 2360000), ("kwd", 23600)])
def test_stripes_minor_units_are_read_where_they_differ_from_iso_4217(code: str, minor: int) -> None:
    sample = next(one for one in SAMPLES_OF_DOCUMENTS if one.file == "stripe-invoices.json")
    rows = read(sample, lambda text: text.replace('"currency": "usd"', f'"currency": "{code}"'))
    lines = [row.line for row in rows if isinstance(row, GoodRow) and row.line.document == "in_1"]
    assert sum(line.amount for line in lines) == minor and {line.currency for line in lines} == {code.upper()}


@pytest.mark.parametrize(
    ("file", "right", "wrong", "reason"),
    [
        ("xero.csv", "Sales invoice,Sent,Awaiting Payment", "Sales overpayment,,Paid", "an overpayment or prepayment"),
        ("chargebee-invoices.json", '"status": "paid"', '"status": "paid", "deleted": true', "the invoice is deleted"),
        ("netsuite-invoices.json", '"id": "Open"', '"id": "V"', "the invoice is void"),
        ("netsuite-invoices.json", '"refName": "Open"', '"refName": "Pending Approval"', "the invoice is not approved"),
        ("intacct-invoices.csv", "Posted,1250.00", "Reversal,1250.00", "the invoice is reversed"),
    ],
)
def test_a_document_that_bills_nothing_is_left_out(file: str, right: str, wrong: str, reason: str) -> None:
    rows = read(sample_of(file), lambda text: text.replace(right, wrong))
    assert any(reason in row.reason for row in rows if isinstance(row, PassedOver))


def test_a_gift_card_that_is_sold_at_square_has_its_own_item() -> None:
    rows = read(
        sample_of("square-orders.json"), replacing('"name": "Repair"', '"item_type": "GIFT_CARD", "name": "Repair"')
    )
    assert "square/SQ1/u2 GIFT_CARD 10.00 USD" in tuple(shown(rows))


def test_an_order_without_its_tax_is_refused_since_its_net_total_is_not_known() -> None:
    rows = read(sample_of("woocommerce-orders.json"), lambda text: text.replace('"total_tax": "1.07",', ""))
    (bad,) = (row for row in rows if isinstance(row, BadRow))
    assert bad.problems[0].field == "document_total" and "total_tax is empty" in bad.problems[0].reason


def test_an_excerpt_of_a_settlement_report_is_read_without_its_control() -> None:
    sample = sample_of("amazon-settlement.txt")
    text = (SAMPLES / sample.file).read_text(encoding="utf-8").replace("UTC\t63.20", "UTC\t99.20")
    config = {"excerpt": {"base": "amazon-settlement", "remove": ["control"]}}
    mapping = read_mapping("excerpt", shipped.resolved("excerpt", config, ""))
    assert tuple(shown(list(read_charges(SourceStream(BytesIO(text.encode()), sample.file), mapping)))) == sample.lines
