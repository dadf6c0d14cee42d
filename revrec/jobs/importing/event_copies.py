"""Find the costs of charge lines, and the copies of events that they get."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from revrec.core.charge_line import ChargeLine, FulfillmentEvent
from revrec.core.constraint import CONSTRAINT
from revrec.core.pricing import price_of
from revrec.core.prorating import refunded_share
from revrec.core.rules import Rule
from revrec.core.rules.costs import COST_MARK, is_financing, sold_by
from revrec.store import charges, events

if TYPE_CHECKING:
    from revrec.core.rules import RuleBook
    from revrec.store.connection import Connection


OF_INTEREST = ("pod", "milestone", "service_dates", "cancel")
"""Kinds of event that interest follows: they date it or end it. A hold does not stop it."""


def costs_of_charges(
    connection: "Connection", book: "RuleBook", ids: Sequence[str]
) -> dict[str, list[tuple[str, int]]]:
    """Return the costs of these charge lines, as id and number, by the charge's id."""
    if not book.costs:
        return {}
    known = charges.known_charges(connection, [f"{id}{COST_MARK}{name}" for id in ids for name in book.costs])
    found: dict[str, list[tuple[str, int]]] = {}
    for id, same in known.items():
        found.setdefault(sold_by(id), []).append((id, same.no))
    return found


def events_of_costs(
    book: "RuleBook", costs: Sequence[tuple[str, int]], fact: FulfillmentEvent
) -> list[tuple[int, FulfillmentEvent]]:
    """Return the events of the costs of a charge line: the same without amounts; none for a price change."""
    if fact.kind in ("credit", "price"):
        return []
    if fact.kind not in OF_INTEREST:
        costs = [cost for cost in costs if not is_financing(cost[0])]
    if fact.kind == CONSTRAINT:
        costs = [cost for cost in costs if fact.percent is not None and book.waits_with_revenue(cost[0])]
    return [(no, fact._replace(charge=charge, amount=None, scope="")) for charge, no in costs]


def reduce_principals(
    connection: "Connection",
    book: "RuleBook",
    copies: Sequence[tuple[int, FulfillmentEvent]],
    refund: FulfillmentEvent,
    line: ChargeLine | None,
    recorded: Sequence[FulfillmentEvent],
) -> list[tuple[int, FulfillmentEvent]]:
    """Return the copies of a cancellation; with a refund, each principal's has the amount that is not owed any more.

    ``line`` is the charge line that ``refund`` cancels, and ``recorded`` are its events. Other costs are expensed in
    full, because nothing more is earned with them.
    """
    if refund.kind != "cancel" or not refund.amount or line is None:
        return list(copies)
    price = price_of(line, without_cancellations(recorded))
    costs = dict(charges.read_charges(connection, [no for no, _copy in copies]))
    found = events.events_of_charges(connection, list(costs))
    reduced = []
    for no, copy in copies:
        rule = book.match(costs[no])
        if isinstance(rule, Rule) and book.is_of_principal(rule):
            share = price_of(costs[no], without_cancellations(found.get(no, ())))
            reduced.append((no, copy._replace(amount=refunded_share(share, price, refund.amount))))
        else:
            reduced.append((no, copy))
    return reduced


def without_cancellations(recorded: Sequence[FulfillmentEvent]) -> list[FulfillmentEvent]:
    """Return the events that a new cancellation does not correct."""
    return [event for event in recorded if event.kind != "cancel"]
