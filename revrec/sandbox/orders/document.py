"""A document of order entry as a request describes it, and its validation."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from revrec.sandbox.calls import Call
from revrec.sandbox.company.masters import Master
from revrec.sandbox.company.profile import BASE_CURRENCY
from revrec.sandbox.errors import Error, Refusal, business
from revrec.sandbox.fields import illegal, legacy_date
from revrec.sandbox.ledger.currencies import Rate, RateNames, checked_currency, rate_of
from revrec.sandbox.money import to_mills
from revrec.sandbox.orders.definitions import Definition, definition_of
from revrec.sandbox.orders.lines import custom_fields, dimensions_of, entity_of, number, refuse_module
from revrec.sandbox.orders.terms import customer_of, term_and_due
from revrec.sandbox.xmltree import Node

QUANTITY = 1_000_000
"""Quantities are kept as whole millionths."""
RATES = RateNames("exchrate", "exchratetype", "the document")
_STATES = ("Draft", "Pending", "Closed")
_ERRORS_SHOWN = 20


@dataclass(slots=True)
class DocumentLine:
    """One line. `quantity` in millionths; `mills` is quantity times price less the discount."""

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
class Document:
    """One document. `number` is empty when the sandbox is to give it one."""

    definition: Definition
    number: str
    state: str
    customer: str
    created: date
    posted: date
    due: date
    term: str | None
    currency: str
    lines: list[DocumentLine]
    reference: str = ""
    message: str = ""
    created_from: str = ""
    external_id: str = ""
    custom: dict[str, str] = field(default_factory=dict)


def read_document(body: Node, call: Call) -> Document:
    """The document in a request that has the right shape. Raises Refusal with everything that is wrong."""
    masters = call.desk.masters
    definition = definition_of(body.value("transactiontype") or "", masters)
    created = legacy_date(body.child("datecreated"), "datecreated")
    assert created is not None
    customer = customer_of(body.value("customerid") or "", masters)
    due = legacy_date(body.child("datedue"), "datedue")
    term, due = term_and_due(customer, body.value("termname") or "", due, created, masters)
    if body.child("subtotals") is not None:
        text = f"Subtotals are not enabled for the transaction definition '{definition.name}'."
        raise Refusal(business(text, errorid="SIM-SUBTOTALS"))
    currency, rate = currency_and_rate(body, call)
    return Document(
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


def currency_and_rate(body: Node, call: Call) -> tuple[str, Rate]:
    """Currency and rate of a document or invoice. Raises Refusal."""
    if body.value("basecurr") not in (None, "", BASE_CURRENCY):
        raise Refusal(illegal("basecurr", body.value("basecurr") or "", BASE_CURRENCY))
    currency = checked_currency(body.value("currency") or BASE_CURRENCY, call.desk.switches)
    return currency, rate_of(
        currency, body.value("exchrate") or "", body.value("exchratetype"), RATES, call.desk.switches
    )


def _state(text: str) -> str:
    if text not in _STATES:
        raise Refusal(illegal("state", text, " or ".join(_STATES)))
    return text


def _lines(body: Node, call: Call, definition: Definition, currency: str, rate: Rate) -> list[DocumentLine]:
    lines: list[DocumentLine] = []
    errors: list[Error] = []
    for node in body.child("sotransitems") or ():
        try:
            lines.append(_line(node, call, definition, currency, rate))
        except Refusal as refusal:
            errors.extend(refusal.errors)
    if errors:
        raise Refusal(*errors[:_ERRORS_SHOWN])
    return lines


def _line(node: Node, call: Call, definition: Definition, currency: str, rate: Rate) -> DocumentLine:
    refuse_module(node)
    item = _item(node, call)
    dimensions, errors = dimensions_of(node, call, {"ITEMID": item.id})
    if errors:
        raise Refusal(*errors)
    quantity, price = _quantity(node), number(node, "price", str(item.details.get("price", "0")))
    amount = quantity * price * (100 - number(node, "discountpercent", "0")) / 100
    source = node.value("sourcelinekey") or ""
    if source and not source.isdecimal():
        raise Refusal(illegal("sourcelinekey", source, "the RECORDNO of a line"))
    mills = to_mills(amount, currency)
    return DocumentLine(
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


def _item(node: Node, call: Call) -> Master:
    code = node.value("itemid") or ""
    item = call.desk.masters.active("ITEM", code)
    if item is None:
        text = f"Item '{code}' specified is not valid."
        correction = "Create the item, or use an existing, active one."
        raise Refusal(business(text, correction=correction, errorid="SIM-INVALID-ITEM"))
    return item


def _unit(node: Node, item: Master) -> str:
    """The item's own unit, to the letter."""
    known = str(item.details.get("unit", "Each"))
    if (node.value("unit") or known) != known:
        text = f"The unit '{node.value('unit')}' is not a unit of the item {item.id}."
        raise Refusal(Error("BL03000018", "Missing unit", text, f"Use the unit {known}.", errorid="SIM-UNIT"))
    return known


def _quantity(node: Node) -> Decimal:
    quantity = number(node, "quantity")
    if quantity <= 0 or (quantity * QUANTITY) % 1:
        raise Refusal(illegal("quantity", node.value("quantity") or "", "a number above zero with up to six decimals"))
    return quantity
