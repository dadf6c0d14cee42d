"""getUserPermissions: the effective rights of a user, by application and policy.

The switch ``denied`` takes rights away: ``read:GLBATCH`` for example is the right to list and view journal entries.
"""

from revrec.sandbox.calls import Call, FunctionOutput, GatewayFunction
from revrec.sandbox.company.profile import USER_ID
from revrec.sandbox.content_model import check_content, content_model
from revrec.sandbox.errors import FunctionFailure, business_error
from revrec.sandbox.xmltree import Element, Node, text_element

_POLICIES = {
    "Company": {
        "Users": "USERRIGHTS",
        "Departments": "DEPARTMENT",
        "Locations": "LOCATION",
        "Classes": "CLASS",
        "Attachments": "SUPDOC",
    },
    "General Ledger": {
        "Accounts": "GLACCOUNT",
        "Journals": "JOURNAL",
        "Journal Entries": "GLBATCH",
        "Account Balances": "GLACCOUNTBALANCE",
    },
    "Accounts Receivable": {"Customers": "CUSTOMER", "Invoices": "ARINVOICE", "Terms": "ARTERM"},
    "Order Entry": {"Order Entry Transactions": "SODOCUMENT", "Transaction Definitions": "SODOCUMENTPARAMS"},
    "Inventory Control": {"Items": "ITEM"},
    "Projects": {"Projects": "PROJECT"},
}
"""The policies of each application, with the object whose permissions they show."""
_RIGHTS = {"List": "read", "View": "read", "Add": "create", "Edit": "update", "Delete": "delete"}


def _check(body: Node) -> None:
    check_content(body, content_model("userId"))


def _run(call: Call) -> FunctionOutput:
    call.require("read", "USERRIGHTS")
    call.company.usage.count(reads=1)
    user = call.body.value("userId") or ""
    if user != USER_ID:
        raise FunctionFailure(business_error(f"The user '{user}' does not exist.", errorid="SIM-NO-USER"))
    data = Element("data")
    permissions = text_element(data, "permissions")
    for application, policies in _POLICIES.items():
        subscription = text_element(permissions, "appSubscription")
        text_element(subscription, "applicationName", application)
        listed = text_element(subscription, "policies")
        for name, subject in policies.items():
            policy = text_element(listed, "policy")
            text_element(policy, "policyName", name)
            text_element(policy, "rights", "|".join(_rights(call, subject)))
    return FunctionOutput(data)


def _rights(call: Call, subject: str) -> list[str]:
    return [right for right, verb in _RIGHTS.items() if call.permits(verb, subject)]


FUNCTION = GatewayFunction("getUserPermissions", _run, _check)
