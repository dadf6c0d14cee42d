"""create_invoice: a receivable without order entry; each line names the account it credits."""

from decimal import Decimal

from revrec.sandbox.calls import Call, FunctionOutput, GatewayFunction
from revrec.sandbox.company.profile import BASE_CURRENCY, RECEIVABLE
from revrec.sandbox.errors import Error, FunctionFailure, business_error
from revrec.sandbox.fields import illegal_value, legacy_date, missing_field, too_long
from revrec.sandbox.ledger.currencies import ExchangeRate
from revrec.sandbox.money import to_mills
from revrec.sandbox.orders.document import currency_and_rate
from revrec.sandbox.orders.lines import (
    custom_fields,
    entity_of,
    read_dimensions,
    read_number,
    reject_revenue_management,
)
from revrec.sandbox.orders.receivable import Receivable, ReceivableLine, write_receivable
from revrec.sandbox.orders.schema_checks import check_invoice
from revrec.sandbox.orders.stored_documents import number_taken
from revrec.sandbox.orders.terms import find_customer, term_and_due
from revrec.sandbox.xmltree import Node

_NUMBER_LIMIT, _REFERENCE_LIMIT = 30, 20
_ERRORS_SHOWN = 20


def _run(call: Call) -> FunctionOutput:
    call.require("create", "ARINVOICE")
    try:
        recordno = write_receivable(_receivable(call.body, call), call)
    except FunctionFailure as failure:
        raise FunctionFailure(*failure.errors, business_error("Could not create ARInvoice record!")) from None
    call.company.usage.count(records_written=1)
    call.company.store.after_commit(lambda: call.company.visibility.created(recordno))
    return FunctionOutput(key=str(recordno))


def _receivable(body: Node, call: Call) -> Receivable:
    masters = call.company.masters
    customer = find_customer(body.value("customerid") or "", masters)
    created = legacy_date(body.child("datecreated"), "datecreated")
    assert created is not None
    due = legacy_date(body.child("datedue"), "datedue")
    term, due = term_and_due(customer, body.value("termname") or "", due, created, masters)
    if (body.value("action") or "Submit") not in ("Draft", "Submit"):
        raise FunctionFailure(illegal_value("action", body.value("action") or "", "Draft or Submit"))
    currency, rate = currency_and_rate(body, call)
    return Receivable(
        recordid=_number(body, call),
        customer=customer.id,
        created=created,
        posted=legacy_date(body.child("dateposted"), "dateposted") or created,
        due=due,
        term=term,
        currency=currency,
        lines=_lines(body, call, currency, rate),
        module="4.AR",
        description=body.value("description") or "",
        docnumber=body.value("ponumber") or "",
        draft=body.value("action") == "Draft",
        in_ledger=body.value("nogl") != "true",
        custom=custom_fields(body),
    )


def _number(body: Node, call: Call) -> str:
    limits = {"invoiceno": _NUMBER_LIMIT, "ponumber": _REFERENCE_LIMIT}
    errors = [too_long(name, body.value(name) or "", limit) for name, limit in limits.items()]
    found = [error for error in errors if error is not None]
    if found:
        raise FunctionFailure(*found)
    store, text = call.company.store, body.value("invoiceno") or ""
    if not text:
        return f"AR-{store.next('invoiceno'):06d}"
    is_used = store.value("SELECT 1 FROM arinvoice WHERE recordid = ?", (text,))
    if is_used and call.company.switches.duplicate_invoices == "refuse":
        raise FunctionFailure(number_taken(text))
    return text


def _lines(body: Node, call: Call, currency: str, rate: ExchangeRate) -> list[ReceivableLine]:
    lines: list[ReceivableLine] = []
    errors: list[Error] = []
    for node in body.child("invoiceitems") or ():
        try:
            lines.append(_line(node, call, currency, rate))
        except FunctionFailure as failure:
            errors.extend(failure.errors)
    if errors:
        raise FunctionFailure(*errors[:_ERRORS_SHOWN])
    return lines


def _line(node: Node, call: Call, currency: str, rate: ExchangeRate) -> ReceivableLine:
    reject_revenue_management(node)
    account = _account(node, "glaccountno", call, "")
    offset = _account(node, "offsetglaccountno", call, RECEIVABLE)
    dimensions, errors = read_dimensions(node, call, {})
    if errors:
        raise FunctionFailure(*errors)
    # Unlike GLENTRY, the documentation of the AR functions says that extra decimals are rounded, not rejected.
    mills = to_mills(read_number(node, "amount"), currency)
    base = to_mills(Decimal(mills) / 1000 * rate.value, BASE_CURRENCY)
    return ReceivableLine(
        account, offset, mills, base, entity_of(dimensions, call), dimensions, node.value("memo") or ""
    )


def _account(node: Node, name: str, call: Call, default: str) -> str:
    label = node.value("accountlabel")
    if label and name == "glaccountno":
        raise FunctionFailure(business_error(f"The account label '{label}' is invalid.", errorid="SIM-INVALID-LABEL"))
    account = node.value(name) or default
    if not account:
        raise FunctionFailure(missing_field("glaccountno", "lineitem"))
    if call.company.masters.active("GLACCOUNT", account) is None:
        raise FunctionFailure(business_error(f"Account {account} is not valid", errorid="SIM-INVALID-ACCOUNT"))
    return account


FUNCTION = GatewayFunction("create_invoice", _run, check_invoice, legacy=True)
