"""Order-entry documents as a request describes them, and their validation."""

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from revrec.sandbox.calls import Call
from revrec.sandbox.company.masters import MasterRecord
from revrec.sandbox.company.profile import BASE_CURRENCY
from revrec.sandbox.errors import Error, FunctionFailure, business_error
from revrec.sandbox.fields import illegal_value, legacy_date
from revrec.sandbox.ledger.currencies import ExchangeRate, RateFieldNames, check_currency, find_rate
from revrec.sandbox.money import to_mills
from revrec.sandbox.orders.definitions import TransactionDefinition, find_definition
from revrec.sandbox.orders.lines import (
    custom_fields,
    entity_of,
    read_dimensions,
    read_number,
    reject_revenue_management,
)
from revrec.sandbox.orders.terms import find_customer, term_and_due
from revrec.sandbox.xmltree import Node

QUANTITY = 1_000_000
"""Quantities are stored as integer millionths, so that partial conversions add up exactly."""
RATES = RateFieldNames("exchrate", "exchratetype", "the document")
_STATES = ("Draft", "Pending", "Closed")
_ERRORS_SHOWN = 20


@dataclass(slots=True)
class SalesDocumentLine:
    """One line. ``quantity`` is in millionths; ``mills`` is quantity times price, less the discount."""

    item: str
    quantity: int
    unit: str
    price: Decimal
    mills: int
    base_mills: int
    account: str
    entity: str
    dimensions: dict[str, str]
    description: str = ""
    memo: str = ""
    source_line: int | None = None
    custom: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class SalesDocument:
    """One document. ``number`` is empty when the sandbox is to assign it."""

    definition: TransactionDefinition
    number: str
    state: str
    customer: str
    created: date
    posted: date
    due: date
    term: str | None
    currency: str
    lines: list[SalesDocumentLine]
    reference: str = ""
    message: str = ""
    created_from: str = ""
    external_id: str = ""
    custom: dict[str, str] = field(default_factory=dict)


def read_document(body: Node, call: Call) -> SalesDocument:
    """Return the document in a request whose shape was checked.

    Raises:
        FunctionFailure: the document is invalid; each error found on its lines is named.
    """
    masters = call.company.masters
    definition = find_definition(body.value("transactiontype") or "", masters)
    created = legacy_date(body.child("datecreated"), "datecreated")
    assert created is not None
    customer = find_customer(body.value("customerid") or "", masters)
    due = legacy_date(body.child("datedue"), "datedue")
    term, due = term_and_due(customer, body.value("termname") or "", due, created, masters)
    if body.child("subtotals") is not None:
        text = f"Subtotals are not enabled for the transaction definition '{definition.name}'."
        raise FunctionFailure(business_error(text, errorid="SIM-SUBTOTALS"))
    currency, rate = currency_and_rate(body, call)
    return SalesDocument(
        definition=definition,
        number=body.value("documentno") or "",
        state=_state(body.value("state") or "Pending"),
        customer=customer.id,
        created=created,
        posted=legacy_date(body.child("dateposted"), "dateposted") or created,
        due=due,
        term=term,
        currency=currency,
        lines=_lines(body, call, definition, currency, rate),
        reference=body.value("referenceno") or "",
        message=body.value("message") or "",
        created_from=body.value("createdfrom") or "",
        external_id=body.value("externalid") or "",
        custom=custom_fields(body),
    )


def currency_and_rate(body: Node, call: Call) -> tuple[str, ExchangeRate]:
    """Return the currency and exchange rate of a document or invoice.

    Raises:
        FunctionFailure: one of them is invalid or missing.
    """
    bases = call.company.masters.base_currencies()
    if body.value("basecurr") not in (None, "", *bases):
        raise FunctionFailure(illegal_value("basecurr", body.value("basecurr") or "", " or ".join(sorted(bases))))
    base = body.value("basecurr") or BASE_CURRENCY
    currency = check_currency(body.value("currency") or base, call.company.switches)
    return currency, find_rate(
        currency, body.value("exchrate") or "", body.value("exchratetype"), RATES, call.company.switches, base
    )


def _state(text: str) -> str:
    if text not in _STATES:
        raise FunctionFailure(illegal_value("state", text, " or ".join(_STATES)))
    return text


def _lines(
    body: Node, call: Call, definition: TransactionDefinition, currency: str, rate: ExchangeRate
) -> list[SalesDocumentLine]:
    lines: list[SalesDocumentLine] = []
    errors: list[Error] = []
    for node in body.child("sotransitems") or ():
        try:
            lines.append(_line(node, call, definition, currency, rate))
        except FunctionFailure as failure:
            errors.extend(failure.errors)
    if errors:
        raise FunctionFailure(*errors[:_ERRORS_SHOWN])
    return lines


def _line(
    node: Node, call: Call, definition: TransactionDefinition, currency: str, rate: ExchangeRate
) -> SalesDocumentLine:
    reject_revenue_management(node)
    item = _item(node, call)
    dimensions, errors = read_dimensions(node, call, {"ITEMID": item.id})
    if errors:
        raise FunctionFailure(*errors)
    quantity, price = _quantity(node), read_number(node, "price", str(item.details.get("price", "0")))
    amount = quantity * price * (100 - read_number(node, "discountpercent", "0")) / 100
    source = node.value("sourcelinekey") or ""
    if source and not source.isdecimal():
        raise FunctionFailure(illegal_value("sourcelinekey", source, "the RECORDNO of a line"))
    mills = to_mills(amount, currency)
    return SalesDocumentLine(
        item=item.id,
        quantity=int(quantity * QUANTITY),
        unit=_unit(node, item),
        price=price,
        mills=mills,
        base_mills=to_mills(Decimal(mills) / 1000 * rate.value, BASE_CURRENCY),
        account=definition.account_of(item),
        entity=entity_of(dimensions, call),
        dimensions=dimensions,
        description=node.value("itemdesc") or item.name,
        memo=node.value("memo") or "",
        source_line=int(source) if source else None,
        custom=custom_fields(node),
    )


def _item(node: Node, call: Call) -> MasterRecord:
    code = node.value("itemid") or ""
    item = call.company.masters.active("ITEM", code)
    if item is None:
        text = f"Item '{code}' specified is not valid."
        correction = "Create the item, or use an existing, active one."
        raise FunctionFailure(business_error(text, correction=correction, errorid="SIM-INVALID-ITEM"))
    return item


def _unit(node: Node, item: MasterRecord) -> str:
    """Return the unit of the item; Intacct accepts no other spelling of it."""
    known = str(item.details.get("unit", "Each"))
    if (node.value("unit") or known) != known:
        text = f"The unit '{node.value('unit')}' is not a unit of the item {item.id}."
        raise FunctionFailure(Error("BL03000018", "Missing unit", text, f"Use the unit {known}.", errorid="SIM-UNIT"))
    return known


def _quantity(node: Node) -> Decimal:
    quantity = read_number(node, "quantity")
    if quantity <= 0 or (quantity * QUANTITY) % 1:
        raise FunctionFailure(
            illegal_value("quantity", node.value("quantity") or "", "a number above zero with up to six decimals")
        )
    return quantity
