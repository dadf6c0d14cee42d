"""The events that the costs of a charge line follow: copies of the line's own events."""

from decimal import Decimal
from fractions import Fraction

from revrec.core.anchors import Events
from revrec.core.charge_line import IMPAIR, ChargeLine, FulfillmentEvent
from revrec.core.constraint import CONSTRAINT
from revrec.core.pricing import price_of
from revrec.core.rules.book import RuleBook
from revrec.core.rules.costs import is_financing, is_loss
from revrec.core.rules.model import Rule
from revrec.core.standalone import rounded

OF_INTEREST = ("pod", "milestone", "service_dates", "cancel")
"""Kinds of event that interest follows: they date it or end it. A hold does not stop it."""


def event_of_cost(book: RuleBook, cost: str, fact: FulfillmentEvent) -> FulfillmentEvent | None:
    """Return the copy of an event for a cost, by its charge's id, without an amount; None if it follows no such event.

    A credit or new price of the line does not change what it costs. An impairment loss follows the impairments of its
    cost, with their amounts, and nothing else.
    """
    if is_loss(cost) or fact.kind == IMPAIR:
        return fact._replace(charge=cost) if is_loss(cost) and fact.kind == IMPAIR else None
    if fact.kind in ("credit", "price") or (is_financing(cost) and fact.kind not in OF_INTEREST):
        return None
    if fact.kind == CONSTRAINT:
        # Another amount than 0 is an amount of the price, and says nothing about how many of the goods may come back.
        percent = Decimal(0) if fact.amount == 0 else fact.percent
        if percent is None or not book.waits_with_revenue(cost):
            return None
        fact = fact._replace(percent=percent)
    return fact._replace(charge=cost, amount=None, scope="")


def refund_of_cost(
    book: RuleBook, cost: ChargeLine, its_events: Events, line: ChargeLine, events: Events, refund: FulfillmentEvent
) -> int | None:
    """Return what a principal is not owed any more if its line is canceled with a refund, in minor units.

    ``events`` of the line and ``its_events`` of the cost are the ones before. None for other costs: they are expensed
    in full, because nothing more is earned with them.
    """
    rule = book.match(cost)
    if refund.kind != "cancel" or not refund.amount or not (isinstance(rule, Rule) and book.is_of_principal(rule)):
        return None
    share, price = (price_of(one, without_cancellations(its)) for one, its in ((cost, its_events), (line, events)))
    return refunded_share(share, price, refund.amount)


def refunded_share(share: int, price: int, refund: int) -> int:
    """Return what a principal is not owed any more of its ``share`` if the customer gets a refund of the price.

    All amounts are in minor units. The share falls in proportion, so that the agent keeps its commission of what the
    customer still pays (ASC 606-10-55-38). What is refunded beyond the price is the agent's own expense.
    """
    part = Fraction(refund, price) if price else Fraction(0)
    return rounded(share * min(max(part, Fraction(0)), Fraction(1)))


def events_of_cost(book: RuleBook, cost: ChargeLine, line: ChargeLine, events: Events) -> list[FulfillmentEvent]:
    """Return the events of a cost that follow from all events of its line, in the order of recording."""
    found: list[FulfillmentEvent] = []
    for at, fact in enumerate(events):
        copy = event_of_cost(book, cost.id, fact)
        if copy is not None:
            less = refund_of_cost(book, cost, found, line, events[:at], fact)
            found.append(copy._replace(amount=less) if less is not None else copy)
    return found


def without_cancellations(events: Events) -> list[FulfillmentEvent]:
    """Return the events that a new cancellation does not correct."""
    return [event for event in events if event.kind != "cancel"]
