"""Reads for invoicing: documents, receivables, and customers with their payment terms."""

from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal, InvalidOperation

from revrec.core.batching import batched
from revrec.core.invoice import AR_CREDIT, AR_INVOICE
from revrec.intacct.errors import ReadRefused
from revrec.intacct.gateway import FoundCustomer, FoundInvoice, FoundInvoiceLine
from revrec.intacct.reading import IDS_PER_QUERY, IntacctReader, date_range, parse_amount, parse_date
from revrec.intacct.requests_xml import Where

_RECEIVABLES = {AR_INVOICE: "ARINVOICE", AR_CREDIT: "ARADJUSTMENT"}
ORDER_ENTRY = "8.SO"
"""The module of receivables that order entry creates for its documents."""
DOCUMENT_FIELDS = ("RECORDNO", "DOCID", "DOCNO", "DOCPARID", "STATE", "CUSTVENDID", "WHENCREATED", "CURRENCY")
DOCUMENT_LINE_FIELDS = ("RECORDNO", "DOCHDRID", "LINE_NO", "ITEMID", "QUANTITY", "PRICE", "TRX_VALUE", "CURRENCY")
RECEIVABLE_FIELDS = ("RECORDNO", "RECORDID", "STATE", "CUSTOMERID", "WHENCREATED", "CURRENCY")
RECEIVABLE_LINE_FIELDS = ("RECORDNO", "RECORDKEY", "LINE_NO", "ACCOUNTNO", "TRX_AMOUNT", "AMOUNT")


def documents(reader: IntacctReader, definition: str, numbers: Iterable[str]) -> list[FoundInvoice]:
    """Return documents of a transaction definition with these numbers and their lines, by RECORDNO."""
    return _documents(reader, "DOCNO", numbers, (("DOCPARID", definition),))


def receivables(reader: IntacctReader, numbers: Iterable[str]) -> list[FoundInvoice]:
    """Return receivables with these numbers and their lines, by RECORDNO."""
    return _receivables(reader, AR_INVOICE, "RECORDID", numbers)


def adjustments(reader: IntacctReader, numbers: Iterable[str]) -> list[FoundInvoice]:
    """Return adjustments of receivables with these numbers as credit memos: what they take off is above zero."""
    return _receivables(reader, AR_CREDIT, "RECORDID", numbers)


def documents_with_keys(reader: IntacctReader, kind: str, keys: Iterable[str]) -> list[FoundInvoice]:
    """Return records with these keys and their lines, by RECORDNO.

    ``kind`` is ``ar_invoice`` or ``ar_credit``, whose key is the RECORDNO, else order entry, whose key is the DOCID.
    """
    if kind in _RECEIVABLES:
        return _receivables(reader, kind, "RECORDNO", keys)
    return _documents(reader, "DOCID", keys)


def documents_dated(reader: IntacctReader, definition: str, start: date, end: date) -> list[FoundInvoice]:
    """Return the heads, with totals, of the documents of a definition that are dated in a range, by RECORDNO.

    With an empty definition, return receivables that no document of order entry is behind.
    """
    days = date_range("WHENCREATED", start, end)
    if definition:
        rows = reader.query("SODOCUMENT", (*DOCUMENT_FIELDS, "TRX_TOTAL"), (("DOCPARID", definition), *days))
        return [_document(row, (), reader.base_currency) for row in rows]
    fields = (*RECEIVABLE_FIELDS, "TRX_TOTALENTERED", "MODULEKEY")
    heads = reader.query("ARINVOICE", fields, days)
    alone = (row for row in heads if row.get("MODULEKEY") != ORDER_ENTRY)
    return [_receivable(AR_INVOICE, row, (), reader.base_currency) for row in alone]


def _documents(reader: IntacctReader, field: str, values: Iterable[str], more: Where = ()) -> list[FoundInvoice]:
    found: list[FoundInvoice] = []
    for some in batched(list(dict.fromkeys(values)), IDS_PER_QUERY):
        headers = reader.query("SODOCUMENT", DOCUMENT_FIELDS, (*more, (field, some)))
        if headers:
            their_lines = (("DOCHDRID", [header.get("DOCID", "") for header in headers]),)
            rows = reader.query("SODOCUMENTENTRY", DOCUMENT_LINE_FIELDS, their_lines)
            found += [_document(header, rows, reader.base_currency) for header in headers]
    return found


def _receivables(reader: IntacctReader, kind: str, field: str, values: Iterable[str]) -> list[FoundInvoice]:
    name = _RECEIVABLES[kind]
    found: list[FoundInvoice] = []
    for some in batched(list(dict.fromkeys(values)), IDS_PER_QUERY):
        headers = reader.query(name, RECEIVABLE_FIELDS, ((field, some),))
        if headers:
            their_lines = (("RECORDKEY", [header.get("RECORDNO", "") for header in headers]),)
            rows = reader.query(f"{name}ITEM", RECEIVABLE_LINE_FIELDS, their_lines)
            found += [_receivable(kind, header, rows, reader.base_currency) for header in headers]
    return [_as_credit(one) if kind == AR_CREDIT else one for one in found]


def _as_credit(found: FoundInvoice) -> FoundInvoice:
    """Return an adjustment with the sign of a credit memo: Intacct has what it takes off below zero."""
    return found._replace(lines=tuple(line._replace(amount=-line.amount) for line in found.lines))


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
        total=_total(header.get("TRX_TOTAL", ""), currency, docid),
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
        total=_total(header.get("TRX_TOTALENTERED", ""), currency, record_no),
    )


def _total(text: str, currency: str, key: str) -> int | None:
    return parse_amount(text, currency, f"the total of {key}") if text else None


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
