"""Find the charge lines that an event of a whole document is about, and how many units of each."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import NamedTuple

from revrec.core.charge_line import FulfillmentEvent
from revrec.core.deliveries import units_of
from revrec.core.rules.costs import is_cost, sold_by
from revrec.sources import EventRow, RowProblem
from revrec.sources.events import ALL_LINES
from revrec.store.charges import DocumentLine

_MAP_ITEM = "map the event's item to the item of the charge line, or import that line first"
_NOTICE_FIRST = "import the notice with its items first, or leave this status out by `only` in the mapping"


class UnknownItems(Exception):
    """An event whose charge lines cannot be determined; ``problem`` is the problem of its row."""

    def __init__(self, problem: RowProblem) -> None:
        super().__init__(str(problem))
        self.problem = problem


class LineMeant(NamedTuple):
    """A charge line that an event is about, by its id and number, with the quantity and name of the event for it."""

    id: str
    no: int
    quantity: Decimal | None
    name: str


def lines_meant(
    lines: Sequence[DocumentLine], event: EventRow, recorded: Mapping[int, Sequence[FulfillmentEvent]]
) -> list[LineMeant]:
    """Return the lines of the event's item, or all lines if it names none.

    If several lines have the item, its quantity is spread over them in order: each is filled up before the next. A
    proof of delivery of a shipment without its items delivers those that an earlier notice of the same name listed.

    Raises:
        UnknownItems: no line has the item, or other shipments list their items and this one's are not known.
    """
    if not event.item and event.quantity is None and event.kind != "pod":
        return [LineMeant(line.id, line.no, None, event.name) for line in lines]
    if event.item:
        lines = [line for line in lines if line.item == event.item]
        if not lines:
            raise UnknownItems(
                RowProblem("item", event.item, "no charge line of the document has this item", _MAP_ITEM)
            )
    elif event.kind == "pod" and event.name and event.quantity is None and event.charge.endswith(f"/{ALL_LINES}"):
        listed = _listed(lines, recorded)
        if listed:
            return _of_shipment(listed, event)
    sold = [line for line in lines if not is_cost(line.id)] if event.quantity is not None and event.item else []
    if event.quantity is None or len(sold) < 2:
        return [LineMeant(line.id, line.no, event.quantity, event.name) for line in lines]
    quantities = _spread(sold, event, event.quantity, recorded)
    return [
        LineMeant(line.id, line.no, quantities[sold_id], event.name)
        for line in lines
        if quantities.get(sold_id := sold_by(line.id))
    ]


def _listed(
    lines: Sequence[DocumentLine], recorded: Mapping[int, Sequence[FulfillmentEvent]]
) -> list[tuple[DocumentLine, FulfillmentEvent]]:
    """Return the lines that notices and proofs of delivery with a quantity list, each with the event."""
    return [
        (line, one)
        for line in lines
        for one in recorded.get(line.no, ())
        if one.kind == "notice" or (one.kind == "pod" and one.quantity is not None)
    ]


def _of_shipment(listed: Sequence[tuple[DocumentLine, FulfillmentEvent]], event: EventRow) -> list[LineMeant]:
    """Return the lines of the event's shipment, each with the quantity and name by which its notice was recorded.

    Carriers know the bill of lading, which the notice has as its note, and not always the number of the notice. With
    the name of the notice the event corrects its date; with another name it would deliver the units twice.
    """
    found = {
        (line.id, one.name): LineMeant(line.id, line.no, one.quantity, one.name)
        for line, one in listed
        if event.name in (one.name, one.note)
    }
    if not found:
        reason = "other shipments of the document list their items, and no notice lists the items of this one"
        raise UnknownItems(RowProblem("name", event.name, reason, _NOTICE_FIRST))
    return list(found.values())


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
        room, before = left, recorded.get(line.no, ())
        if line is not lines[-1] and line.quantity is not None:
            room = max(units_of(line.quantity, before) - _delivered(event, before), Decimal(0))
        found[line.id] = min(left, room)
        left -= found[line.id]
    return found


def _delivered(event: EventRow, recorded: Sequence[FulfillmentEvent]) -> Decimal:
    """Return the units of a line that other events of the kind report: the last of each name, all without a name.

    An event without a name is the same one if it has the same day: then its file was imported again.
    """
    others: dict[str | int, Decimal | None] = {}
    for at, one in enumerate(recorded):
        is_same = one.name == event.name and (one.name != "" or one.date == event.date)
        if one.kind == event.kind and not is_same:
            others[one.name or at] = one.quantity
    return sum((one or Decimal(0) for one in others.values()), Decimal(0))
