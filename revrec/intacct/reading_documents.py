"""Reads for invoicing: documents, receivables, and customers with their payment terms."""

from collections.abc import Iterable, Sequence
from decimal import Decimal, InvalidOperation

from revrec.core.batching import batched
from revrec.core.invoice import AR_CREDIT, AR_INVOICE
from revrec.intacct.errors import ReadRefused
from revrec.intacct.gateway import FoundCustomer, FoundInvoice, FoundInvoiceLine
from revrec.intacct.reading import IDS_PER_QUERY, IntacctReader, parse_amount, parse_date

DOCUMENT_FIELDS = ("RECORDNO", "DOCID", "DOCNO", "DOCPARID", "STATE", "CUSTVENDID", "WHENCREATED", "CURRENCY")
DOCUMENT_LINE_FIELDS = ("RECORDNO", "DOCHDRID", "LINE_NO", "ITEMID", "QUANTITY", "PRICE", "TRX_VALUE", "CURRENCY")
RECEIVABLE_FIELDS = ("RECORDNO", "RECORDID", "STATE", "CUSTOMERID", "WHENCREATED", "CURRENCY")
RECEIVABLE_LINE_FIELDS = ("RECORDNO", "RECORDKEY", "LINE_NO", "ACCOUNTNO", "TRX_AMOUNT", "AMOUNT")


def documents(reader: IntacctReader, definition: str, numbers: Iterable[str]) -> list[FoundInvoice]:
    """Return documents of a transaction definition with these numbers and their lines, by RECORDNO."""
    found: list[FoundInvoice] = []
    for some in batched(list(dict.fromkeys(numbers)), IDS_PER_QUERY):
        where = (("DOCPARID", definition), ("DOCNO", some))
        headers = reader.query("SODOCUMENT", DOCUMENT_FIELDS, where)
        if headers:
            their_lines = (("DOCHDRID", [header.get("DOCID", "") for header in headers]),)
            rows = reader.query("SODOCUMENTENTRY", DOCUMENT_LINE_FIELDS, their_lines)
            found += [_document(header, rows, reader.base_currency) for header in headers]
    return found


def receivables(reader: IntacctReader, numbers: Iterable[str]) -> list[FoundInvoice]:
    """Return receivables with these numbers and their lines, by RECORDNO."""
    return _receivables(reader, AR_INVOICE, "ARINVOICE", numbers)


def adjustments(reader: IntacctReader, numbers: Iterable[str]) -> list[FoundInvoice]:
    """Return adjustments of receivables with these numbers as credit memos: what they take off is above zero."""
    found = _receivables(reader, AR_CREDIT, "ARADJUSTMENT", numbers)
    return [one._replace(lines=tuple(line._replace(amount=-line.amount) for line in one.lines)) for one in found]


def _receivables(reader: IntacctReader, kind: str, name: str, numbers: Iterable[str]) -> list[FoundInvoice]:
    found: list[FoundInvoice] = []
    for some in batched(list(dict.fromkeys(numbers)), IDS_PER_QUERY):
        headers = reader.query(name, RECEIVABLE_FIELDS, (("RECORDID", some),))
        if headers:
            their_lines = (("RECORDKEY", [header.get("RECORDNO", "") for header in headers]),)
            rows = reader.query(f"{name}ITEM", RECEIVABLE_LINE_FIELDS, their_lines)
            found += [_receivable(kind, header, rows, reader.base_currency) for header in headers]
    return found


def customers(reader: IntacctReader, ids: Iterable[str]) -> dict[str, FoundCustomer]:
    """Return the customers that exist, by id."""
    found: dict[str, FoundCustomer] = {}
    for some in batched(list(dict.fromkeys(filter(None, ids))), IDS_PER_QUERY):
        for row in reader.query("CUSTOMER", ("RECORDNO", "CUSTOMERID", "STATUS", "TERMNAME"), (("CUSTOMERID", some),)):
            active = row.get("STATUS", "").lower() == "active"
            found[row.get("CUSTOMERID", "")] = FoundCustomer(active, row.get("TERMNAME", ""))
    return found


def _document(header: dict[str, str], rows: Sequence[dict[str, str]], base: str) -> FoundInvoice:
    docid = header.get("DOCID", "")
    currency = header.get("CURRENCY", "") or base
    lines = [_line(row, currency) for row in rows if row.get("DOCHDRID") == docid]
    return FoundInvoice(
        record_no=docid,
        number=header.get("DOCNO", ""),
        kind=header.get("DOCPARID", ""),
        state=header.get("STATE", ""),
        customer=header.get("CUSTVENDID", ""),
        date=parse_date(header.get("WHENCREATED", "")),
        currency=currency,
        lines=_in_order(lines),
    )


def _receivable(kind: str, header: dict[str, str], rows: Sequence[dict[str, str]], base: str) -> FoundInvoice:
    record_no = header.get("RECORDNO", "")
    currency = header.get("CURRENCY", "") or base
    lines = [_line(row, currency) for row in rows if row.get("RECORDKEY") == record_no]
    return FoundInvoice(
        record_no=record_no,
        number=header.get("RECORDID", ""),
        kind=kind,
        state=header.get("STATE", ""),
        customer=header.get("CUSTOMERID", ""),
        date=parse_date(header.get("WHENCREATED", "")),
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
