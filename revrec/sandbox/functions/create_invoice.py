"""create_invoice: a receivable without order entry; each line names the account it credits."""

from revrec.sandbox.calls import Call, FunctionOutput, GatewayFunction
from revrec.sandbox.errors import FunctionFailure
from revrec.sandbox.fields import legacy_date, too_long
from revrec.sandbox.orders.document import currency_and_rate
from revrec.sandbox.orders.lines import custom_fields
from revrec.sandbox.orders.receivable import ARINVOICE, Receivable
from revrec.sandbox.orders.receivable_request import (
    create_receivable,
    is_draft,
    read_receivable_lines,
    receivable_number,
)
from revrec.sandbox.orders.schema_checks import check_invoice
from revrec.sandbox.orders.terms import find_customer, term_and_due
from revrec.sandbox.xmltree import Node

_NUMBER_LIMIT, _REFERENCE_LIMIT = 30, 20


def _run(call: Call) -> FunctionOutput:
    return create_receivable(call, "ARInvoice", _invoice)


def _invoice(call: Call) -> Receivable:
    body, masters = call.body, call.company.masters
    customer = find_customer(body.value("customerid") or "", masters)
    created = legacy_date(body.child("datecreated"), "datecreated")
    assert created is not None
    due = legacy_date(body.child("datedue"), "datedue")
    term, due = term_and_due(customer, body.value("termname") or "", due, created, masters)
    draft = is_draft(body)
    currency, rate = currency_and_rate(body, call)
    return Receivable(
        recordid=_number(body, call),
        customer=customer.id,
        created=created,
        posted=legacy_date(body.child("dateposted"), "dateposted") or created,
        due=due,
        term=term,
        currency=currency,
        lines=read_receivable_lines(body.child("invoiceitems"), call, currency, rate),
        module="4.AR",
        description=body.value("description") or "",
        docnumber=body.value("ponumber") or "",
        draft=draft,
        in_ledger=body.value("nogl") != "true",
        custom=custom_fields(body),
    )


def _number(body: Node, call: Call) -> str:
    limits = {"invoiceno": _NUMBER_LIMIT, "ponumber": _REFERENCE_LIMIT}
    errors = [too_long(name, body.value(name) or "", limit) for name, limit in limits.items()]
    found = [error for error in errors if error is not None]
    if found:
        raise FunctionFailure(*found)
    return receivable_number(body.value("invoiceno") or "", ARINVOICE, call)


FUNCTION = GatewayFunction("create_invoice", _run, check_invoice, legacy=True)
