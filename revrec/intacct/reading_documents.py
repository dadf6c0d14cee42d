"""Reads for invoicing: documents, receivables, and customers with their payment terms."""

from collections.abc import Iterable, Sequence
from decimal import Decimal, InvalidOperation

from revrec.core.batching import batched
from revrec.core.invoice import AR_INVOICE
from revrec.intacct.errors import ReadRefused
from revrec.intacct.gateway import FoundCustomer, FoundInvoice, FoundInvoiceLine
from revrec.intacct.reading import IDS_PER_QUERY, IntacctReader, parse_amount, parse_date

DOCUMENT_FIELDS = ("RECORDNO", "DOCID", "DOCNO", "DOCPARID", "STATE", "CUSTVENDID", "WHENCREATED", "CURRENCY")
DOCUMENT_LINE_FIELDS = ("RECORDNO", "DOCHDRID", "LINE_NO", "ITEMID", "QUANTITY", "PRICE", "TRX_VALUE", "CURRENCY")
RECEIVABLE_FIELDS = ("RECORDNO", "RECORDID", "STATE", "CUSTOMERID", "WHENCREATED", "CURRENCY")
RECEIVABLE_LINE_FIELDS = ("RECORDNO", "RECORDKEY", "LINE_NO", "ACCOUNTNO", "TRX_AMOUNT", "AMOUNT")


def documents(reading: IntacctReader, definition: str, numbers: Iterable[str]) -> list[FoundInvoice]:
    """Return documents of a transaction definition with these numbers and their lines, by RECORDNO."""
    found: list[FoundInvoice] = []
    for some in batched(list(dict.fromkeys(numbers)), IDS_PER_QUERY):
        where = (("DOCPARID", definition), ("DOCNO", some))
        heads = reading.query("SODOCUMENT", DOCUMENT_FIELDS, where)
        if heads:
            its_lines = (("DOCHDRID", [head.get("DOCID", "") for head in heads]),)
            rows = reading.query("SODOCUMENTENTRY", DOCUMENT_LINE_FIELDS, its_lines)
            found += [_document(head, rows, reading.base_currency) for head in heads]
    return found


def receivables(reading: IntacctReader, numbers: Iterable[str]) -> list[FoundInvoice]:
    """Return receivables with these numbers and their lines, by RECORDNO."""
    found: list[FoundInvoice] = []
    for some in batched(list(dict.fromkeys(numbers)), IDS_PER_QUERY):
        heads = reading.query("ARINVOICE", RECEIVABLE_FIELDS, (("RECORDID", some),))
        if heads:
            its_lines = (("RECORDKEY", [head.get("RECORDNO", "") for head in heads]),)
            rows = reading.query("ARINVOICEITEM", RECEIVABLE_LINE_FIELDS, its_lines)
            found += [_receivable(head, rows, reading.base_currency) for head in heads]
    return found


def customers(reading: IntacctReader, ids: Iterable[str]) -> dict[str, FoundCustomer]:
    """Return the customers that exist, by id."""
    found: dict[str, FoundCustomer] = {}
    for some in batched(list(dict.fromkeys(filter(None, ids))), IDS_PER_QUERY):
        for row in reading.query("CUSTOMER", ("RECORDNO", "CUSTOMERID", "STATUS", "TERMNAME"), (("CUSTOMERID", some),)):
            active = row.get("STATUS", "").lower() == "active"
            found[row.get("CUSTOMERID", "")] = FoundCustomer(active, row.get("TERMNAME", ""))
    return found


def _document(head: dict[str, str], rows: Sequence[dict[str, str]], base: str) -> FoundInvoice:
    docid = head.get("DOCID", "")
    currency = head.get("CURRENCY", "") or base
    lines = [_line(row, currency) for row in rows if row.get("DOCHDRID") == docid]
    return FoundInvoice(
        record_no=docid,
        number=head.get("DOCNO", ""),
        kind=head.get("DOCPARID", ""),
        state=head.get("STATE", ""),
        customer=head.get("CUSTVENDID", ""),
        date=parse_date(head.get("WHENCREATED", "")),
        currency=currency,
        lines=_in_order(lines),
    )


def _receivable(head: dict[str, str], rows: Sequence[dict[str, str]], base: str) -> FoundInvoice:
    record_no = head.get("RECORDNO", "")
    currency = head.get("CURRENCY", "") or base
    lines = [_line(row, currency) for row in rows if row.get("RECORDKEY") == record_no]
    return FoundInvoice(
        record_no=record_no,
        number=head.get("RECORDID", ""),
        kind=AR_INVOICE,
        state=head.get("STATE", ""),
        customer=head.get("CUSTOMERID", ""),
        date=parse_date(head.get("WHENCREATED", "")),
        currency=currency,
        lines=_in_order(lines),
    )


def _line(row: dict[str, str], currency: str) -> FoundInvoiceLine:
    place = f"line {row.get('RECORDNO', '?')} of an invoice"
    amount = row.get("TRX_VALUE", "") or row.get("TRX_AMOUNT", "") or row.get("AMOUNT", "")
    return FoundInvoiceLine(
        record_no=row.get("RECORDNO", ""),
        line_no=row.get("LINE_NO", ""),
        item=row.get("ITEMID", ""),
        account=row.get("ACCOUNTNO", ""),
        quantity=_decimal(row.get("QUANTITY", ""), place),
        amount=parse_amount(amount, currency, place),
    )


def _in_order(lines: Sequence[FoundInvoiceLine]) -> tuple[FoundInvoiceLine, ...]:
    return tuple(sorted(lines, key=lambda line: (int(line.line_no or 0), line.record_no)))


def _decimal(text: str, place: str) -> Decimal | None:
    if not text:
        return None
    try:
        return Decimal(text)
    except InvalidOperation:
        raise ReadRefused(f"Intacct's answer, {place}: {text[:40]!r} is not a number") from None
