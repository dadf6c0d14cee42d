"""The parts that requests for invoices and adjustments of receivables share."""

from collections.abc import Callable
from decimal import Decimal

from revrec.sandbox.calls import Call, FunctionOutput
from revrec.sandbox.company.profile import BASE_CURRENCY, RECEIVABLE
from revrec.sandbox.errors import Error, FunctionFailure, business_error
from revrec.sandbox.fields import illegal_value, missing_field
from revrec.sandbox.ledger.currencies import ExchangeRate
from revrec.sandbox.money import to_mills
from revrec.sandbox.orders.lines import entity_of, read_dimensions, read_number, reject_revenue_management
from revrec.sandbox.orders.receivable import Receivable, ReceivableLine, write_receivable
from revrec.sandbox.orders.stored_documents import number_taken
from revrec.sandbox.xmltree import Node

_ERRORS_SHOWN = 20


def create_receivable(call: Call, label: str, read: Callable[[Call], Receivable]) -> FunctionOutput:
    """Write the receivable that ``read`` returns for the request. ``label`` is its object in messages: ARInvoice.

    Raises:
        FunctionFailure: the user may not create it, or it is invalid.
    """
    call.require("create", label.upper())
    try:
        recordno = write_receivable(read(call), call)
    except FunctionFailure as failure:
        raise FunctionFailure(*failure.errors, business_error(f"Could not create {label} record!")) from None
    call.company.usage.count(records_written=1)
    call.company.store.after_commit(lambda: call.company.visibility.created(recordno))
    return FunctionOutput(key=str(recordno))


def is_draft(body: Node) -> bool:
    """Return true if the receivable is to be stored without posting it.

    Raises:
        FunctionFailure: the action is neither Draft nor Submit.
    """
    action = body.value("action") or "Submit"
    if action not in ("Draft", "Submit"):
        raise FunctionFailure(illegal_value("action", action, "Draft or Submit"))
    return action == "Draft"


def receivable_number(text: str, record_type: str, call: Call) -> str:
    """Return the number of an invoice or adjustment: the requested one, or the next one if there is none.

    Raises:
        FunctionFailure: another record of this type has it.
    """
    store = call.company.store
    if not text:
        return f"AR-{store.next('invoiceno'):06d}"
    is_used = store.value("SELECT 1 FROM arinvoice WHERE recordid = ? AND recordtype = ?", (text, record_type))
    if is_used and call.company.switches.duplicate_invoices == "refuse":
        raise FunctionFailure(number_taken(text))
    return text


def read_receivable_lines(items: Node | None, call: Call, currency: str, rate: ExchangeRate) -> list[ReceivableLine]:
    """Return the lines of an invoice or adjustment in a request whose shape was checked.

    Raises:
        FunctionFailure: lines are invalid; each error found on them is named.
    """
    lines: list[ReceivableLine] = []
    errors: list[Error] = []
    for node in items or ():
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
