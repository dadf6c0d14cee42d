"""Compute the amount of an event pro rata: the refund of a cancellation or credit, the price after an upgrade."""

from decimal import Decimal
from typing import TYPE_CHECKING

from revrec.core.charge_line import LINE
from revrec.core.errors import BadInput, UnknownCharge
from revrec.core.money import BadAmount, decimal_string, to_minor
from revrec.core.prorating import Proration, prorate
from revrec.core.schedule import Unscheduled
from revrec.jobs.rules.load import load_rules
from revrec.jobs.scheduling.contracts import derive_stored_line
from revrec.jobs.scheduling.planned_rules import PlannedRules
from revrec.store import charges

if TYPE_CHECKING:
    from revrec.core.charge_line import FulfillmentEvent
    from revrec.jobs.context import Context
    from revrec.sources import EventRow

PRORATED = ("cancel", "credit", "price")
"""Kinds of event whose amount can be computed."""


def prorate_event(context: "Context", event: "EventRow") -> "tuple[EventRow, Proration]":
    """Return an event with the amount that its line has not earned by its day, and how it was computed.

    A cancellation or credit refunds that amount. A price event states a new price for the whole service, which counts
    for what is not earned yet. An event that the new one corrects is left out.

    Raises:
        BadInput: the charge does not exist, its plan does not say what is earned, or there is nothing to refund.
    """
    book = load_rules(context)
    with context.database.read() as connection:
        no = charges.find_charge(connection, event.charge)
        if no is None:
            raise UnknownCharge(event.charge)
        line = charges.read_charge(connection, no)
        planned = PlannedRules(connection, book).book_for({no: line})
        # Without it in the contract too: otherwise what the contract shares of it would still count.
        stored = derive_stored_line(connection, planned, no, lambda fact: not _is_corrected(fact, event))
    if isinstance(stored.outcome, Unscheduled):
        raise BadInput(f"{event.charge}: cannot be prorated: {stored.outcome.reason}")
    found = prorate(planned, stored.line, stored.recorded, stored.outcome, event.date)
    if isinstance(found, Unscheduled):
        raise BadInput(f"{event.charge}: cannot be prorated: {found.reason}; write the amount")
    # What one line has not earned is its own: the other lines of its contract must not share it (606-10-32-44).
    is_own = stored.outcome and event.kind != "cancel" and not event.scope
    return event._replace(amount=_amount(event, found), scope=LINE if is_own else event.scope), found


def _is_corrected(fact: "FulfillmentEvent", event: "EventRow") -> bool:
    if fact.kind != event.kind:
        return False
    # Of the prices of a day without a name, the last one counts.
    is_of_day = event.kind == "price" and fact.date == event.date
    return event.kind == "cancel" or (fact.name == event.name and (event.name != "" or is_of_day))


def _amount(event: "EventRow", found: Proration) -> Decimal | None:
    if event.kind == "price":
        assert event.amount is not None
        try:
            amount = found.at_price(to_minor(event.amount, found.currency))
        except BadAmount as error:
            raise BadInput(f"{event.charge}: amount {event.amount}: {error}") from None
        return Decimal(decimal_string(amount, found.currency))
    if found.unearned:
        return Decimal(decimal_string(found.unearned, found.currency))
    if event.kind == "credit":
        raise BadInput(f"{event.charge}: nothing is left to credit: {found.words}")
    return None
