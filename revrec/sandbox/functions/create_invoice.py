"""create_invoice: a receivable without order entry; each line names the account that it credits."""

from __future__ import annotations

from decimal import Decimal

from revrec.sandbox.calls import Call, Function, Outcome
from revrec.sandbox.company.profile import BASE_CURRENCY, RECEIVABLE
from revrec.sandbox.errors import Error, Refusal, business
from revrec.sandbox.fields import illegal, legacy_date, missing, too_long
from revrec.sandbox.ledger.currencies import Rate
from revrec.sandbox.money import to_mills
from revrec.sandbox.orders.books import number_taken
from revrec.sandbox.orders.document import currency_and_rate
from revrec.sandbox.orders.lines import custom_fields, dimensions_of, entity_of, number, refuse_module
from revrec.sandbox.orders.receivable import Charge, Receivable, write_receivable
from revrec.sandbox.orders.shape import check_invoice
from revrec.sandbox.orders.terms import customer_of, term_and_due
from revrec.sandbox.xmltree import Node

_NUMBER_LIMIT, _REFERENCE_LIMIT = 30, 20
_ERRORS_SHOWN = 20


def _run(call: Call) -> Outcome:
    call.require("create", "ARINVOICE")
    try:
        recordno = write_receivable(_receivable(call.body, call), call)
    except Refusal as refusal:
        raise Refusal(*refusal.errors, business("Could not create ARInvoice record!")) from None
    call.desk.usage.count(records_written=1)
    call.desk.store.after_commit(lambda: call.desk.visibility.created(recordno))
    return Outcome(key=str(recordno))


def _receivable(body: Node, call: Call) -> Receivable:
    masters = call.desk.masters
    customer = customer_of(body.value("customerid") or "", masters)
    created = legacy_date(body.child("datecreated"), "datecreated")
    assert created is not None
    due = legacy_date(body.child("datedue"), "datedue")
    term, due = term_and_due(customer, body.value("termname") or "", due, created, masters)
    if (body.value("action") or "Submit") not in ("Draft", "Submit"):
        raise Refusal(illegal("action", body.value("action") or "", "Draft or Submit"))
    currency, rate = currency_and_rate(body, call)
    return Receivable(
        recordid=_number(body, call),
        customer=customer.id,
        created=created,
        posted=legacy_date(body.child("dateposted"), "dateposted") or created,
        due=due,
        term=term,
        currency=currency,
        charges=_charges(body, call, currency, rate),
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
        raise Refusal(*found)
    store, text = call.desk.store, body.value("invoiceno") or ""
    if not text:
        return f"AR-{store.next('invoiceno'):06d}"
    taken = store.value("SELECT 1 FROM arinvoice WHERE recordid = ?", (text,))
    if taken and call.desk.switches.duplicate_invoices == "refuse":
        raise Refusal(number_taken(text))
    return text


def _charges(body: Node, call: Call, currency: str, rate: Rate) -> list[Charge]:
    charges: list[Charge] = []
    errors: list[Error] = []
    for node in body.child("invoiceitems") or ():
        try:
            charges.append(_charge(node, call, currency, rate))
        except Refusal as refusal:
            errors.extend(refusal.errors)
    if errors:
        raise Refusal(*errors[:_ERRORS_SHOWN])
    return charges


def _charge(node: Node, call: Call, currency: str, rate: Rate) -> Charge:
    refuse_module(node)
    account = _account(node, "glaccountno", call, "")
    offset = _account(node, "offsetglaccountno", call, RECEIVABLE)
    dimensions, errors = dimensions_of(node, call, {})
    if errors:
        raise Refusal(*errors)
    # Amounts of invoices with more decimals are rounded, as the documentation of these functions says.
    mills = to_mills(number(node, "amount"), currency)
    base = to_mills(Decimal(mills) / 1000 * rate.value, BASE_CURRENCY)
    return Charge(account, offset, mills, base, entity_of(dimensions, call), dimensions, node.value("memo") or "")


def _account(node: Node, name: str, call: Call, default: str) -> str:
    label = node.value("accountlabel")
    if label and name == "glaccountno":
        raise Refusal(business(f"The account label '{label}' is invalid.", errorid="SIM-INVALID-LABEL"))
    account = node.value(name) or default
    if not account:
        raise Refusal(missing("glaccountno", "lineitem"))
    if call.desk.masters.active("GLACCOUNT", account) is None:
        raise Refusal(business(f"Account {account} is not valid", errorid="SIM-INVALID-ACCOUNT"))
    return account


FUNCTION = Function("create_invoice", _run, check_invoice, legacy=True)
