"""get_trialbalance: every account with activity; the rows sum to zero."""

from revrec.sandbox.calls import Call, FunctionOutput, GatewayFunction
from revrec.sandbox.company.periods import reporting_period_dates
from revrec.sandbox.company.profile import BASE_CURRENCY
from revrec.sandbox.content_model import check_content, content_model
from revrec.sandbox.errors import FunctionFailure, business_error
from revrec.sandbox.fields import legacy_date
from revrec.sandbox.ledger.ledger import balances
from revrec.sandbox.money import format_mills
from revrec.sandbox.xmltree import Element, Node, text_element


def _check(body: Node) -> None:
    check_content(body, content_model("(reportingperiodname | startdate enddate) showzerobalances?"))


def _run(call: Call) -> FunctionOutput:
    call.require("read", "TRIALBALANCE")
    call.company.usage.count(reads=1)
    name = call.body.value("reportingperiodname")
    start = legacy_date(call.body.child("startdate"), "startdate")
    end = legacy_date(call.body.child("enddate"), "enddate")
    dates = reporting_period_dates(name) if name else (start, end)
    if dates is None or dates[0] is None or dates[1] is None:
        raise FunctionFailure(
            business_error("Either a valid reportingperiodname, or startdate and enddate, are required.")
        )
    data = Element("data")
    for account, opening, debits, credits_ in balances(call.company.store, dates[0], dates[1]):
        row = text_element(data, "trialbalance")
        text_element(row, "glaccountno", account)
        sums = {"startbalance": opening, "debits": debits, "credits": credits_}
        for tag, mills in (sums | {"endbalance": opening + debits - credits_}).items():
            text_element(row, tag, format_mills(mills, BASE_CURRENCY))
    return FunctionOutput(data)


FUNCTION = GatewayFunction("get_trialbalance", _run, _check, legacy=True)
