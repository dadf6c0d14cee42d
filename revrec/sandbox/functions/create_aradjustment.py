"""create_aradjustment: changes what a customer owes, without order entry. Lines below zero are a credit memo."""

from revrec.sandbox.calls import Call, FunctionOutput, GatewayFunction
from revrec.sandbox.fields import legacy_date
from revrec.sandbox.orders.document import currency_and_rate
from revrec.sandbox.orders.receivable import ARADJUSTMENT, Receivable
from revrec.sandbox.orders.receivable_request import (
    create_receivable,
    is_draft,
    read_receivable_lines,
    receivable_number,
)
from revrec.sandbox.orders.schema_checks import check_adjustment
from revrec.sandbox.orders.terms import find_customer


def _run(call: Call) -> FunctionOutput:
    return create_receivable(call, "ARAdjustment", _adjustment)


def _adjustment(call: Call) -> Receivable:
    body = call.body
    created = legacy_date(body.child("datecreated"), "datecreated")
    assert created is not None
    draft = is_draft(body)
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
        draft=draft,
        in_ledger=body.value("nogl") != "true",
        record_type=ARADJUSTMENT,
    )


FUNCTION = GatewayFunction("create_aradjustment", _run, check_adjustment, legacy=True)
