"""getFinancialSetup: base currency, and which features of the general ledger the company has."""

from revrec.sandbox.calls import Call, FunctionOutput, GatewayFunction
from revrec.sandbox.company.profile import BASE_CURRENCY
from revrec.sandbox.content_model import check_empty
from revrec.sandbox.xmltree import Element, text_element, truth_text


def _run(call: Call) -> FunctionOutput:
    call.require("read", "FINANCIALSETUP")
    call.company.usage.count(reads=1)
    switches = call.company.switches
    is_multi_base = switches.multi_base_currency or len(call.company.masters.base_currencies()) > 1
    values = {
        "baseCurrency": "" if is_multi_base else BASE_CURRENCY,
        "defaultBook": "ACCRUAL",
        "firstFiscalMonth": "1",
        "multiBaseCurrency": truth_text(is_multi_base),
        "multiBook": "false",
        "multiCurrency": truth_text(switches.multi_currency),
        "multiEntityShared": "true",
    }
    data = Element("data")
    setup = text_element(data, "financialSetup")
    for name, text in values.items():
        text_element(setup, name, text)
    return FunctionOutput(data)


FUNCTION = GatewayFunction("getFinancialSetup", _run, check_empty)
