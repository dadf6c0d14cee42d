"""Functions that create invoices and credit memos, customers and items.

``create_sotransaction``, ``create_invoice`` and ``create_aradjustment`` are legacy functions: Intacct rejects them if
their elements are in another order.
"""

from collections.abc import Mapping, Sequence

from lxml import etree

from revrec.core.invoice import AR_CREDIT, AR_INVOICE, SALES_INVOICE, Invoice, InvoiceLine
from revrec.core.money import decimal_string
from revrec.intacct.elements import add_date, add_text
from revrec.intacct.errors import UnpostableEntry
from revrec.intacct.glbatch import (
    CONTROL_ID_LENGTH,
    DIMENSION_ELEMENTS,
    EntrySettings,
    cut_to_length,
)

RECEIVABLE_NUMBER_LENGTH = 30
NUMBER_LENGTH = 45
TEXT_LENGTH = 500
ORDER_DIMENSIONS = ("project", "task", "costtype", "vendor", "employee", "class", "contract")
"""Dimensions of an order entry line, in the required order. Location and department are elsewhere in the line."""
RECEIVABLE_DIMENSIONS = ("project", "task", "costtype", "vendor", "employee", "item", "class", "contract")


def create_document(
    invoice: Invoice, settings: EntrySettings, unit: str, sources: Sequence[str] = ()
) -> etree._Element:
    """Build the ``function`` element that creates an order or an invoice.

    ``unit``: unit of measure of all items, spelled as in Intacct; if empty, Intacct uses each item's own. ``sources``:
    RECORDNOs of the order's lines that the lines are converted from, in order.

    Raises:
        UnpostableEntry: Intacct would reject the document.
    """
    _check(invoice, settings)
    function = etree.Element("function", controlid=invoice.control_id)
    if invoice.kind == AR_INVOICE:
        function.append(_receivable(invoice, settings))
    elif invoice.kind == AR_CREDIT:
        function.append(_adjustment(invoice, settings))
    else:
        function.append(_document(invoice, settings, unit, sources))
    return function


def create_customer(control_id: str, customer: str, term: str) -> etree._Element:
    """Build the ``function`` element that creates a customer with its id as name, and a payment term if not empty."""
    fields = {"CUSTOMERID": customer, "NAME": customer, "TERMNAME": term, "STATUS": "active"}
    created = _create_function(control_id, "CUSTOMER", fields)
    contact = etree.SubElement(created[0][0], "DISPLAYCONTACT")
    add_text(contact, "PRINTAS", customer)
    return created


def create_item(control_id: str, item: str, name: str, group: str, unit: str) -> etree._Element:
    """Build the ``function`` element that creates a non-inventory item, in a GL group if not empty."""
    fields = {"ITEMID": item, "NAME": cut_to_length(name or item, 100), "ITEMTYPE": "Non-Inventory", "GLGROUP": group}
    return _create_function(control_id, "ITEM", {**fields, "BASEUOM": unit, "STATUS": "active"})


def _create_function(control_id: str, name: str, fields: Mapping[str, str]) -> etree._Element:
    function = etree.Element("function", controlid=control_id)
    record = etree.SubElement(etree.SubElement(function, "create"), name)
    for field, text in fields.items():
        if text:
            add_text(record, field, text)
    return function


def _document(invoice: Invoice, settings: EntrySettings, unit: str, sources: Sequence[str]) -> etree._Element:
    body = etree.Element("create_sotransaction")
    add_text(body, "transactiontype", invoice.definition)
    add_date(body, "datecreated", invoice.date)
    add_date(body, "dateposted", invoice.date)
    if invoice.kind == SALES_INVOICE:
        add_text(body, "createdfrom", invoice.after)
    add_text(body, "customerid", invoice.customer)
    add_text(body, "documentno", invoice.number)
    add_text(body, "termname", invoice.term)
    add_text(body, "externalid", invoice.reference)
    _add_currency(body, invoice, settings)
    add_text(body, "state", "Pending")
    lines = etree.SubElement(body, "sotransitems")
    for at, line in enumerate(invoice.lines):
        _add_document_line(lines, line, unit, sources[at] if sources else "", settings)
    return body


def _add_document_line(
    lines: etree._Element, line: InvoiceLine, unit: str, source: str, settings: EntrySettings
) -> None:
    item = etree.SubElement(lines, "sotransitem")
    add_text(item, "itemid", line.item)
    if line.description:
        add_text(item, "itemdesc", cut_to_length(line.description, TEXT_LENGTH))
    add_text(item, "quantity", line.quantity)
    if unit:
        add_text(item, "unit", unit)
    add_text(item, "price", line.price)
    if source:
        add_text(item, "sourcelinekey", source)
    _add_dimensions(item, line, ("location",), settings)
    _add_dimensions(item, line, ("department",), settings)
    add_text(item, "memo", cut_to_length(line.memo, TEXT_LENGTH))
    _add_dimensions(item, line, ORDER_DIMENSIONS, settings)


def _receivable(invoice: Invoice, settings: EntrySettings) -> etree._Element:
    body = etree.Element("create_invoice")
    add_text(body, "customerid", invoice.customer)
    add_date(body, "datecreated", invoice.date)
    add_date(body, "dateposted", invoice.date)
    add_text(body, "termname", invoice.term)
    add_text(body, "action", "Submit")
    add_text(body, "invoiceno", invoice.number)
    add_text(body, "externalid", invoice.reference)
    _add_currency(body, invoice, settings)
    _add_receivable_lines(etree.SubElement(body, "invoiceitems"), invoice, settings, sign=1)
    return body


def _adjustment(invoice: Invoice, settings: EntrySettings) -> etree._Element:
    """Return an adjustment of receivables. Lines below zero make it a credit memo."""
    body = etree.Element("create_aradjustment")
    add_text(body, "customerid", invoice.customer)
    add_date(body, "datecreated", invoice.date)
    add_date(body, "dateposted", invoice.date)
    add_text(body, "adjustmentno", invoice.number)
    add_text(body, "action", "Submit")
    add_text(body, "description", cut_to_length(f"Credit for {invoice.document}", TEXT_LENGTH))
    add_text(body, "externalid", invoice.reference)
    _add_currency(body, invoice, settings)
    _add_receivable_lines(etree.SubElement(body, "aradjustmentitems"), invoice, settings, sign=-1)
    return body


def _add_receivable_lines(lines: etree._Element, invoice: Invoice, settings: EntrySettings, sign: int) -> None:
    for line in invoice.lines:
        item = etree.SubElement(lines, "lineitem")
        add_text(item, "glaccountno", line.account)
        add_text(item, "amount", decimal_string(sign * line.amount, invoice.currency))
        add_text(item, "memo", cut_to_length(line.memo, TEXT_LENGTH))
        _add_dimensions(item, line, ("location",), settings)
        _add_dimensions(item, line, ("department",), settings)
        _add_dimensions(
            item, line._replace(dimensions={**line.dimensions, "item": line.item}), RECEIVABLE_DIMENSIONS, settings
        )


def _add_currency(body: etree._Element, invoice: Invoice, settings: EntrySettings) -> None:
    """Add the currency and its exchange rate type, which the schema requires, empty for the base currency.

    If entities have their own base currencies, the base currency of the invoice's entity comes first.
    """
    location = next((line.dimensions.get("location", "") for line in invoice.lines), "")
    base = settings.currency_of(location or invoice.entity)
    if settings.currencies:
        add_text(body, "basecurr", base.base)
    add_text(body, "currency", invoice.currency)
    add_text(body, "exchratetype", "" if invoice.currency == base.base else base.rate_type)


def _add_dimensions(item: etree._Element, line: InvoiceLine, names: Sequence[str], settings: EntrySettings) -> None:
    for name in names:
        value = line.dimensions.get(name)
        if value and name not in settings.omit:
            element = {"location": "locationid", "department": "departmentid"}.get(name)
            add_text(item, element or DIMENSION_ELEMENTS[name].lower(), value)


def _check(invoice: Invoice, settings: EntrySettings) -> None:
    place = f"invoice {invoice.number}"
    if not 1 <= len(invoice.control_id) <= CONTROL_ID_LENGTH:
        raise UnpostableEntry(f"{place}: the control id must have 1 to {CONTROL_ID_LENGTH} characters")
    longest = RECEIVABLE_NUMBER_LENGTH if invoice.kind in (AR_INVOICE, AR_CREDIT) else NUMBER_LENGTH
    if not 1 <= len(invoice.number) <= longest:
        fix = "change `number` in [invoice.SOURCE] of revrec.toml"
        raise UnpostableEntry(f"{place}: Intacct's document numbers have 1 to {longest} characters; {fix}")
    known = {"location", "department", *RECEIVABLE_DIMENSIONS}
    for line in invoice.lines:
        name = next((one for one in line.dimensions if one not in known and one not in settings.omit), "")
        if name:
            fix = f'leave it out of invoices and entries: omit = "{name}" in [gateway]'
            raise UnpostableEntry(f"{place}, {line.charge}: invoices cannot have the dimension {name}; {fix}")
