"""get_accountbalances: balances of one account or a range, in a reporting period or between two dates."""

from datetime import date

from revrec.sandbox.calls import Call, FunctionOutput, GatewayFunction
from revrec.sandbox.company.periods import reporting_period_dates
from revrec.sandbox.content_model import check_content, content_model
from revrec.sandbox.errors import FunctionFailure, business_error, schema_violation
from revrec.sandbox.fields import legacy_date
from revrec.sandbox.ledger.ledger import balances
from revrec.sandbox.money import format_mills
from revrec.sandbox.xmltree import Element, Node, text_element

_MODEL = content_model(
    "(reportingperiodname | startdate enddate) (glaccountno | accountgroupname | startaccountno endaccountno)? "
    "locationid? departmentid? showzerobalances? reportingbook? adjbooks? includereportingbook? statistical? "
    "dept_subs? loc_subs? projectid? projectid_subs? projecttypeid? taskid? taskid_subs? costtypeid? costtypeid_subs? "
    "customerid? customerid_subs? customertypeid? vendorid? vendorid_subs? vendortypeid? employeeid? employeeid_subs? "
    "employeetypeid? itemid? productlineid? classid? classid_subs? contractid? contractid_subs? warehouseid? "
    "warehouseid_subs? userDefinedDimensions?"
)
_FILTERS = {
    "departmentid": "department",
    "projectid": "projectid",
    "taskid": "taskid",
    "costtypeid": "costtypeid",
    "customerid": "customerid",
    "vendorid": "vendorid",
    "employeeid": "employeeid",
    "itemid": "itemid",
    "classid": "classid",
    "contractid": "contractid",
    "warehouseid": "warehouseid",
}


def _check(body: Node) -> None:
    check_content(body, _MODEL)
    text = body.value("showzerobalances")
    if text not in (None, "true", "false"):
        raise schema_violation(f"Element 'showzerobalances': '{text}' is not a valid value.", body.line)


def _run(call: Call) -> FunctionOutput:
    call.require("read", "GLACCOUNTBALANCE")
    call.company.usage.count(reads=1)
    start, end = _dates(call.body)
    accounts = _accounts(call)
    where, values = _where(call)
    base = _base_currency(call)
    found = {row[0]: row[1:] for row in balances(call.company.store, start, end, where, values)}
    data = Element("data")
    for account in accounts:
        sums = found.get(account, (0, 0, 0))
        if any(sums) or call.body.value("showzerobalances") == "true":
            _append_balance(data, account, base, *sums)
    return FunctionOutput(data)


def _dates(body: Node) -> tuple[date, date]:
    name = body.value("reportingperiodname")
    if name is not None:
        found = reporting_period_dates(name)
        if found is None:
            raise FunctionFailure(business_error(f"The reporting period '{name}' is invalid."))
        return found
    start, end = legacy_date(body.child("startdate"), "startdate"), legacy_date(body.child("enddate"), "enddate")
    assert start is not None and end is not None
    if end < start:
        raise FunctionFailure(business_error("The enddate is before the startdate."))
    return start, end


def _accounts(call: Call) -> list[str]:
    body = call.body
    single, low, high = body.value("glaccountno"), body.value("startaccountno"), body.value("endaccountno")
    if body.child("accountgroupname") is not None:
        raise FunctionFailure(business_error(f"The account group '{body.value('accountgroupname')}' is invalid."))
    if bool(single) == bool(low and high):
        raise FunctionFailure(business_error("Either glaccountno, or startaccountno and endaccountno, are required."))
    numbers = [account.id for account in call.company.masters.all("GLACCOUNT")]
    if single:
        if single not in numbers:
            raise FunctionFailure(business_error(f"Account {single} is not valid"))
        return [single]
    return [number for number in numbers if (low or "") <= number <= (high or "")]


def _base_currency(call: Call) -> str:
    """Return the base currency of the location; if entities have their own, balances of all together mean nothing."""
    masters, location = call.company.masters, call.body.value("locationid") or call.caller.location
    if not location and len(masters.base_currencies()) > 1:
        raise FunctionFailure(
            business_error("Required field locationid is missing: entities have different base currencies.")
        )
    return masters.base_currency(masters.entity_of(location) if location else "")


def _where(call: Call) -> tuple[str, tuple[object, ...]]:
    conditions, values = [], []
    for tag, column in _FILTERS.items():
        text = call.body.value(tag)
        if text:
            conditions.append(f"{column} = ?")
            values.append(text)
    location = call.body.value("locationid") or call.caller.location
    if location:
        with_subs = call.body.value("loc_subs") != "false"
        below = [item.id for item in call.company.masters.all("LOCATION") if with_subs and item.parent == location]
        conditions.append(f"location IN ({', '.join('?' * (1 + len(below)))})")
        values.extend([location, *below])
    return " AND ".join(conditions), tuple(values)


def _append_balance(data: Element, account: str, base: str, opening: int, debits: int, credits: int) -> None:
    row = text_element(data, "accountbalance")
    text_element(row, "glaccountno", account)
    amounts = {
        "startbalance": opening,
        "debits": debits,
        "credits": credits,
        "adjdebits": 0,
        "adjcredits": 0,
        "endbalance": opening + debits - credits,
    }
    for name, mills in amounts.items():
        text_element(row, name, format_mills(mills, base))


FUNCTION = GatewayFunction("get_accountbalances", _run, _check, legacy=True)
