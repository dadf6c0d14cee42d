"""Customers, their payment terms, and due dates."""

from datetime import date, timedelta

from revrec.sandbox.company.masters import MasterRecord, MasterRecords
from revrec.sandbox.errors import Error, FunctionFailure, business_error


def find_customer(code: str, masters: MasterRecords) -> MasterRecord:
    """Return the active customer with this id. Documents do not create unknown customers.

    Raises:
        FunctionFailure: it does not exist or is not active.
    """
    found = masters.active("CUSTOMER", code)
    if found is None:
        text = f"Customer '{code}' specified is not valid."
        correction = "Create the customer, or use an existing, active one."
        raise FunctionFailure(business_error(text, correction=correction, errorid="SIM-INVALID-CUSTOMER"))
    return found


def term_and_due(
    customer: MasterRecord, term: str, due: date | None, created: date, masters: MasterRecords
) -> tuple[str | None, date]:
    """Return the payment term and the due date of a document.

    The term defaults to the customer's, and the due date to ``created`` plus the days of the term.

    Raises:
        FunctionFailure: the term is unknown, or there is neither a term nor a due date.
    """
    name = term or ("" if due else str(customer.details.get("term", "")))
    if not name:
        if due is None:
            raise FunctionFailure(Error("BL03000018", "Missing Date Due", "Required field Date Due is missing"))
        return None, due
    found = masters.active("ARTERM", name)
    if found is None:
        raise FunctionFailure(business_error(f"The term name {name} is invalid", errorid="SIM-INVALID-TERM"))
    return name, due or created + timedelta(days=int(found.details.get("days", 0)))
