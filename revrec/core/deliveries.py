"""Deliveries of a charge line: all of it at once, or part of its units with each proof of delivery."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from fractions import Fraction

from revrec.core.charge_line import ChargeLine, FulfillmentEvent

DeliveredShare = tuple[date, Fraction]
"""A day, and the share of the line that is delivered by its end, above 0 and up to 1."""


_WHOLE = Fraction(1)


def delivered_shares(line: ChargeLine, events: Sequence[FulfillmentEvent]) -> list[DeliveredShare]:
    """Return the share of the line that is delivered by each day of a delivery, in date order.

    A proof of delivery (an event of kind ``pod``) with a quantity delivers so many of the line's units: it adds to
    the others, and one with the same name corrects the earlier one of that name. One without a quantity delivers all
    that is left, and so does any other if the line has no quantity; of several, the one recorded last counts.
    """
    pods = [event for event in events if event.kind == "pod"]
    if all(event.quantity is None for event in pods):
        return [(pods[-1].date, _WHOLE)] if pods else []
    named: dict[str, FulfillmentEvent] = {}
    partial: list[FulfillmentEvent] = []
    last: FulfillmentEvent | None = None
    units = Fraction(units_of(line.quantity, events))
    for event in pods:
        if not units or event.quantity is None:
            last = event
            named.pop(event.name, None)
        elif event.name:
            named[event.name] = event
            last = None if last and last.name == event.name else last
        else:
            partial.append(event)
    whole = last.date if last else None
    by_day: dict[date, Fraction] = {}
    for event in (*named.values(), *partial):
        by_day[event.date] = by_day.get(event.date, Fraction(0)) + max(Fraction(event.quantity or 0), Fraction(0))
    shares: list[DeliveredShare] = []
    delivered = Fraction(0)
    for day in sorted({*by_day, *([whole] if whole else [])}):
        delivered = units or Fraction(1) if day == whole else delivered + by_day.get(day, Fraction(0))
        share = min(delivered / (units or 1), Fraction(1))
        if share:
            shares.append((day, share))
        if share == 1:
            break
    return shares


def units_of(quantity: Decimal | None, events: Sequence[FulfillmentEvent]) -> Decimal:
    """Return the units of a line that are to be delivered: as its last ``estimate`` states, or its quantity; else 0."""
    stated = next((one.quantity for one in reversed(events) if one.kind == "estimate" and one.quantity), quantity)
    return abs(stated or Decimal(0))


def delivered_on(line: ChargeLine, events: Sequence[FulfillmentEvent]) -> date | None:
    """Return the day on which the whole line is delivered; None if units of it are missing."""
    shares = delivered_shares(line, events) if events else ()
    return shares[-1][0] if shares and shares[-1][1] == 1 else None
