"""Customers, their payment terms, and the due date that follows."""

from __future__ import annotations

from datetime import date, timedelta

from revrec.sandbox.company.masters import Master, Masters
from revrec.sandbox.errors import Error, Refusal, business


def customer_of(code: str, masters: Masters) -> Master:
    """The active customer. Raises Refusal: documents do not make customers on sight."""
    found = masters.active("CUSTOMER", code)
    if found is None:
        text = f"Customer '{code}' specified is not valid."
        correction = "Create the customer, or use an existing, active one."
        raise Refusal(business(text, correction=correction, errorid="SIM-INVALID-CUSTOMER"))
    return found


def term_and_due(
    customer: Master, term: str, due: date | None, created: date, masters: Masters
) -> tuple[str | None, date]:
    """The payment term (the customer's, if none is given) and the due date (the term's, if none is given).

    Raises Refusal for an unknown term, and when there is neither.
    """
    name = term or ("" if due else str(customer.details.get("term", "")))
    if not name:
        if due is None:
            raise Refusal(Error("BL03000018", "Missing Date Due", "Required field Date Due is missing"))
        return None, due
    found = masters.active("ARTERM", name)
    if found is None:
        raise Refusal(business(f"The term name {name} is invalid", errorid="SIM-INVALID-TERM"))
    return name, due or created + timedelta(days=int(found.details.get("days", 0)))
