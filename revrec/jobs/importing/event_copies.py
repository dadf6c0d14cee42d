"""Find the costs of charge lines, and the copies of events that they get."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from revrec.core.anchors import Events
from revrec.core.charge_line import LOSS_MARK, ChargeLine, FulfillmentEvent
from revrec.core.rules.cost_events import event_of_cost, refund_of_cost
from revrec.core.rules.costs import COST_MARK, is_cost
from revrec.store import charges

if TYPE_CHECKING:
    from revrec.core.rules import RuleBook
    from revrec.store.connection import Connection


def costs_of_charges(
    connection: "Connection", book: "RuleBook", ids: Sequence[str]
) -> dict[str, list[tuple[str, int]]]:
    """Return the costs of these charge lines, and the losses of costs, as id and number, by the charge's id."""
    if not book.costs:
        return {}
    names = [name for name in book.costs if not name.endswith(LOSS_MARK)]
    wanted = {f"{id}{COST_MARK}{name}": id for id in ids if not is_cost(id) for name in names}
    wanted |= {f"{id}{LOSS_MARK}": id for id in ids if is_cost(id)}
    found: dict[str, list[tuple[str, int]]] = {}
    for id, same in charges.known_charges(connection, list(wanted)).items():
        found.setdefault(wanted[id], []).append((id, same.no))
    return found


def events_of_costs(
    book: "RuleBook", costs: Sequence[tuple[str, int]], fact: FulfillmentEvent
) -> list[tuple[int, FulfillmentEvent]]:
    """Return the events of the costs of a charge line, by id and number: the same without amounts."""
    found = [(no, event_of_cost(book, charge, fact)) for charge, no in costs]
    return [(no, copy) for no, copy in found if copy is not None]


def reduce_principals(
    book: "RuleBook",
    copies: Sequence[tuple[int, FulfillmentEvent]],
    refund: FulfillmentEvent,
    sold: int,
    lines: Mapping[int, ChargeLine],
    recorded: Mapping[int, Events],
) -> list[tuple[int, FulfillmentEvent]]:
    """Return the copies of a cancellation; with a refund, each principal's has the amount that is not owed any more.

    ``sold`` is the number of the charge line that ``refund`` cancels. ``lines`` and ``recorded`` have it and its costs,
    and the events of each.
    """
    if refund.kind != "cancel" or not refund.amount or sold not in lines:
        return list(copies)
    line, its_events = lines[sold], recorded.get(sold, ())
    return [
        (no, copy._replace(amount=refund_of_cost(book, lines[no], recorded.get(no, ()), line, its_events, refund)))
        for no, copy in copies
    ]
