"""Recording fulfillment events, by hand or from files, and scheduling their charge lines again."""

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from revrec.core.charge_line import FulfillmentEvent
from revrec.core.constraint import CONSTRAINT
from revrec.core.errors import BadInput
from revrec.core.money import BadAmount, to_minor
from revrec.core.rules.costs import COST_MARK, is_cost
from revrec.jobs.importing.rows import Reception
from revrec.jobs.rules.load import load_rules
from revrec.jobs.scheduling.scheduler import Change, Scheduler
from revrec.sources import EventRow, GoodRow, RowProblem
from revrec.sources.events import ALL_LINES
from revrec.store import charges, events
from revrec.store.audit import record

if TYPE_CHECKING:
    from revrec.core.rules import RuleBook
    from revrec.jobs.context import Context
    from revrec.store.connection import Connection


def add_event(context: "Context", event: EventRow) -> tuple[FulfillmentEvent, list[Change]]:
    """Record one event and schedule its charge line again; the same event as the last one of its kind changes nothing.

    Raises:
        BadInput: no such charge, or an amount that its currency cannot hold.
    """
    book = load_rules(context)
    with context.database.write() as connection:
        no = charges.find_charge(connection, event.charge)
        if no is None:
            raise BadInput(f"{event.charge}: no such charge; a charge's id is SOURCE/DOCUMENT/LINE, see: revrec trace")
        try:
            fact = _fact(connection, no, event)
        except BadAmount as error:
            raise BadInput(f"{event.charge}: amount {event.amount}: {error}") from None
        if fact == _last_like(events.events_of_charges(connection, [no]).get(no, []), fact):
            return fact, []
        its_costs = _costs(connection, book, [event.charge]) if not is_cost(event.charge) else {}
        facts = [(no, fact), *((cost, told) for cost, told in _of_costs(book, its_costs.get(event.charge, []), fact))]
        who = context.who()
        detail = {name: str(value) for name, value in event._asdict().items() if value not in (None, "")}
        digest = events.add_events(connection, [events.event_row(one, told, who.at, who.actor) for one, told in facts])
        audit_seq = record(connection, who, f"event {event.kind}", event.charge, detail, [digest])
        return fact, Scheduler(connection, book, who, audit_seq).again(
            [one for one, _fact in facts], {one: 1 for one, _fact in facts}
        )


class EventTaker:
    """Records events that the store does not have, and schedules their charge lines again.

    An event that was recorded before, with the same figures, changes nothing. A charge that the store does not have
    is a problem of its row; ``source/document/*`` stands for every charge line of a document.
    """

    def __init__(self, reception: Reception, book: "RuleBook") -> None:
        self._to = reception
        self._connection = reception.connection
        self._book = book
        self._scheduler = Scheduler(reception.connection, book, reception.who, reception.audit_seq)

    def take(self, batch: Sequence[Any]) -> None:
        """A batch of rows, good and bad."""
        good: list[GoodRow[EventRow]] = self._to.sift(batch)
        known = self._known([row.line.charge for row in good])
        numbers = sorted({no for charges_ in known.values() for _id, no in charges_})
        recorded = events.events_of_charges(self._connection, numbers)
        new: list[tuple[Any, ...]] = []
        for row in good:
            self._one(row, known.get(row.line.charge, []), recorded, new)
        if new:
            self._to.written("events written", events.add_events(self._connection, new))
        fresh = Counter(row[0] for row in new)
        self._to.result.scheduled += len(self._scheduler.again(sorted(fresh), fresh))

    def finish(self, others: Sequence["EventTaker"] = ()) -> None:
        """Nothing is left to do: events are taken one batch at a time."""

    def _known(self, wanted: Sequence[str]) -> dict[str, list[tuple[str, int]]]:
        """The charge lines that each id, or pattern of a whole document, stands for: id and number."""
        found = {id: [(id, same.no)] for id, same in charges.known_charges(self._connection, wanted).items()}
        for id, costs in _costs(self._connection, self._book, list(found)).items():
            found[id] += costs
        whole = {one for one in wanted if one.endswith(f"/{ALL_LINES}")}
        if whole:
            for pattern, lines in charges.document_lines(self._connection, whole).items():
                found[pattern] = lines
        return found

    def _one(
        self,
        row: GoodRow[EventRow],
        known: list[tuple[str, int]],
        recorded: dict[int, list[FulfillmentEvent]],
        new: list[tuple[Any, ...]],
    ) -> None:
        if not known:
            reason = "no such charge was imported"
            return self._to.refuse(row, RowProblem("charge", row.line.charge, reason, "import its charge line first"))
        facts = []
        for charge, no in known:
            try:
                fact = _fact(self._connection, no, row.line._replace(charge=charge))
                own = charge == row.line.charge or not is_cost(charge)
                facts += [(no, fact)] if own else _of_costs(self._book, [(charge, no)], fact)
            except BadAmount as error:
                problem = RowProblem("amount", str(row.line.amount), str(error), "write it in the charge's currency")
                return self._to.refuse(row, problem)
        fresh = [(no, fact) for no, fact in facts if fact not in recorded.get(no, ())]
        if not fresh:
            self._to.result.unchanged += 1
            return None
        self._to.take(row)
        who, import_id = self._to.who, self._to.import_id
        for no, fact in fresh:
            recorded.setdefault(no, []).append(fact)
            new.append(events.event_row(no, fact, who.at, who.actor, import_id, row.row_number))
        return None


def _fact(connection: "Connection", no: int, event: EventRow) -> FulfillmentEvent:
    """The event with its amount in minor units of the charge's currency."""
    amount = None
    if event.amount is not None:
        amount = to_minor(event.amount, charges.read_charge(connection, no).currency)
    return FulfillmentEvent(
        event.charge, event.kind, event.date, event.quantity, event.percent, amount, event.name, event.note
    )


def _costs(connection: "Connection", book: "RuleBook", ids: Sequence[str]) -> dict[str, list[tuple[str, int]]]:
    """The costs of these charge lines, as id and number, by the charge's id."""
    if not book.costs:
        return {}
    known = charges.known_charges(connection, [f"{id}{COST_MARK}{name}" for id in ids for name in book.costs])
    found: dict[str, list[tuple[str, int]]] = {}
    for id, same in known.items():
        found.setdefault(id.rpartition(COST_MARK)[0], []).append((id, same.no))
    return found


def _of_costs(
    book: "RuleBook", costs: Sequence[tuple[str, int]], fact: FulfillmentEvent
) -> list[tuple[int, FulfillmentEvent]]:
    """What an event says of the costs of its charge line: the same, but nothing of the price."""
    if fact.kind in ("credit", "price"):
        return []
    if fact.kind == CONSTRAINT:
        costs = [cost for cost in costs if fact.percent is not None and book.waits_with_revenue(cost[0])]
    return [(no, fact._replace(charge=charge, amount=None)) for charge, no in costs]


def _last_like(recorded: Sequence[FulfillmentEvent], event: FulfillmentEvent) -> FulfillmentEvent | None:
    """The last recorded event of the same kind and name, which a new one would correct."""
    for one in reversed(recorded):
        if (one.kind, one.name) == (event.kind, event.name):
            return one
    return None
