"""get_companyprefs: the preferences of one application, named by an attribute.

Only preferences with a documented or recorded name are listed: the accounting ones of GEN, the dimensions of GL, and
whether users may change to another entity (ME).
"""

from collections.abc import Callable

from revrec.sandbox.calls import Call, FunctionOutput, GatewayFunction
from revrec.sandbox.content_model import check_empty
from revrec.sandbox.errors import schema_violation
from revrec.sandbox.ledger.dimensions import DIMENSIONS, disabled_dimensions
from revrec.sandbox.xmltree import Element, Node, text_element


def _check(body: Node) -> None:
    check_empty(body)
    application = body.attributes.get("application")
    if application not in _PREFERENCES:
        known = ", ".join(_PREFERENCES)
        message = f"Element 'get_companyprefs', attribute 'application': '{application}' is not one of {{{known}}}."
        raise schema_violation(message, body.line)


def _run(call: Call) -> FunctionOutput:
    call.require("read", "COMPANYPREF")
    call.company.usage.count(reads=1)
    application = call.body.attributes["application"]
    data = Element("data")
    for name, value in _PREFERENCES[application](call).items():
        preference = text_element(data, "companypref")
        text_element(preference, "application", application)
        text_element(preference, "preference", name)
        text_element(preference, "prefvalue", value)
    return FunctionOutput(data)


def _general(_call: Call) -> dict[str, str]:
    return {
        "PRIMARY_ACCTNO_LENGTH": "4",
        "ACCTNO_SEPARATOR": "-",
        "SUBACCTNO_LENGTH": "0",
        "FISCAL_FIRST_MONTH": "1",
        "FISCAL_FIRST_MONTH_TAX": "1",
        "WEEK_START": "1",
        "CUSTOM_ACCOUNTING_PERIODS": "false",
    }


def _ledger(call: Call) -> dict[str, str]:
    disabled = disabled_dimensions(call.company.switches)
    return {f"{one.kind}DIMENSION": "F" if one in disabled else "T" for one in DIMENSIONS}


def _entities(_call: Call) -> dict[str, str]:
    return {"DISABLEENTITYSLIDEIN": "false"}


def _none(_call: Call) -> dict[str, str]:
    return {}


_PREFERENCES: dict[str, Callable[[Call], dict[str, str]]] = {
    "GEN": _general,
    "ME": _entities,
    "GL": _ledger,
    **dict.fromkeys(("CM", "AP", "AR", "EE", "PO", "SO", "INV", "PA", "CS"), _none),
}

FUNCTION = GatewayFunction("get_companyprefs", _run, _check, legacy=True)
