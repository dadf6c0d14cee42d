"""Which charge lines of a document an event of a whole document is about, and how many units of each."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import NamedTuple

from revrec.core.charge_line import FulfillmentEvent
from revrec.core.rules.costs import COST_MARK, is_cost
from revrec.sources import EventRow
from revrec.store.charges import DocumentLine


class LineMeant(NamedTuple):
    """A charge line that an event is about, by its id and number, and the quantity of the event for it."""

    id: str
    no: int
    quantity: Decimal | None


def lines_meant(
    lines: Sequence[DocumentLine], event: EventRow, recorded: Mapping[int, Sequence[FulfillmentEvent]]
) -> list[LineMeant]:
    """Return the lines of the event's item, or all lines if it names none; empty if no line has the item.

    If several lines have the item, its quantity is spread over them in order: each is filled up before the next.
    """
    if event.item:
        lines = [line for line in lines if line.item == event.item]
    sold = [line for line in lines if not is_cost(line.id)]
    if event.quantity is None or not event.item or len(sold) < 2:
        return [LineMeant(line.id, line.no, event.quantity) for line in lines]
    quantities = _spread(sold, event, event.quantity, recorded)
    return [
        LineMeant(line.id, line.no, quantities[sold_id])
        for line in lines
        if quantities.get(sold_id := line.id.partition(COST_MARK)[0])
    ]


def _spread(
    lines: Sequence[DocumentLine],
    event: EventRow,
    quantity: Decimal,
    recorded: Mapping[int, Sequence[FulfillmentEvent]],
) -> dict[str, Decimal]:
    """Return the quantity of each line by its id. What no line has room for is left to the last one."""
    found: dict[str, Decimal] = {}
    left = quantity
    for line in lines:
        room = left
        if line is not lines[-1] and line.quantity is not None:
            room = max(abs(line.quantity) - _delivered(event, recorded.get(line.no, ())), Decimal(0))
        found[line.id] = min(left, room)
        left -= found[line.id]
    return found


def _delivered(event: EventRow, recorded: Sequence[FulfillmentEvent]) -> Decimal:
    """Return the units of a line that other events of the kind report."""
    others = {one.name: one.quantity for one in recorded if one.kind == event.kind and one.name != event.name}
    return sum((one or Decimal(0) for one in others.values()), Decimal(0))
