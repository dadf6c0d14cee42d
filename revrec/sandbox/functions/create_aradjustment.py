"""create_aradjustment: changes what a customer owes, without order entry. Lines below zero are a credit memo."""

from revrec.sandbox.calls import Call, FunctionOutput, GatewayFunction
from revrec.sandbox.errors import FunctionFailure, business_error
from revrec.sandbox.fields import illegal_value, legacy_date
from revrec.sandbox.orders.document import currency_and_rate
from revrec.sandbox.orders.receivable import ARADJUSTMENT, Receivable, write_receivable
from revrec.sandbox.orders.receivable_request import read_receivable_lines, receivable_number
from revrec.sandbox.orders.schema_checks import check_adjustment
from revrec.sandbox.orders.terms import find_customer


def _run(call: Call) -> FunctionOutput:
    call.require("create", "ARADJUSTMENT")
    try:
        recordno = write_receivable(_adjustment(call), call)
    except FunctionFailure as failure:
        raise FunctionFailure(*failure.errors, business_error("Could not create ARAdjustment record!")) from None
    call.company.usage.count(records_written=1)
    call.company.store.after_commit(lambda: call.company.visibility.created(recordno))
    return FunctionOutput(key=str(recordno))


def _adjustment(call: Call) -> Receivable:
    body = call.body
    created = legacy_date(body.child("datecreated"), "datecreated")
    assert created is not None
    if (body.value("action") or "Submit") not in ("Draft", "Submit"):
        raise FunctionFailure(illegal_value("action", body.value("action") or "", "Draft or Submit"))
    currency, rate = currency_and_rate(body, call)
    return Receivable(
        recordid=receivable_number(body.value("adjustmentno") or "", ARADJUSTMENT, call),
        customer=find_customer(body.value("customerid") or "", call.company.masters).id,
        created=created,
        posted=legacy_date(body.child("dateposted"), "dateposted") or created,
        due=created,
        term=None,
        currency=currency,
        lines=read_receivable_lines(body.child("aradjustmentitems"), call, currency, rate),
        module="4.AR",
        description=body.value("description") or "",
        docnumber=body.value("invoiceno") or "",
        draft=body.value("action") == "Draft",
        in_ledger=body.value("nogl") != "true",
        record_type=ARADJUSTMENT,
    )


FUNCTION = GatewayFunction("create_aradjustment", _run, check_adjustment, legacy=True)
