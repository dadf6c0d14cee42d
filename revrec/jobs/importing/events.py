"""Record fulfillment events, by hand or from files, and reschedule their charge lines."""

from collections import Counter
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from revrec.core.charge_line import IMPAIR, ChargeLine, FulfillmentEvent, make_event
from revrec.core.errors import BadInput, UnknownCharge
from revrec.core.money import BadAmount, to_minor
from revrec.core.pricing import other_cancellation
from revrec.core.rules.costs import is_cost, sold_by
from revrec.core.rules.impairment import loss_line
from revrec.core.rules.known_events import (
    CHECKED,
    canceled_twice,
    impairment_problem,
    problem_of_loss,
    unknown_event,
)
from revrec.jobs.importing.billing import billing_problem, refuse_billing_lines
from revrec.jobs.importing.event_copies import costs_of_charges, events_of_costs, reduce_principals
from revrec.jobs.importing.event_lines import UnknownItems, lines_meant
from revrec.jobs.importing.losses import add_loss_line
from revrec.jobs.importing.session import ImportSession
from revrec.jobs.rules.load import load_rules
from revrec.jobs.scheduling.planned_rules import PlannedRules
from revrec.jobs.scheduling.scheduler import ScheduleChange, Scheduler
from revrec.sources import EventBlock, EventRow, GoodRow, RowProblem
from revrec.sources.events import ALL_LINES
from revrec.store import billing, charges, events
from revrec.store.audit import record
from revrec.store.charges import DocumentLine
from revrec.store.database.engine import transaction

if TYPE_CHECKING:
    from revrec.core.rules import RuleBook
    from revrec.jobs.context import Context


Warn = Callable[[Sequence[str]], object]
"""Takes what a person should look at, such as that a contract is stopped."""


def add_event(
    context: "Context", event: EventRow, dry_run: bool = False, warn: Warn = tuple
) -> tuple[FulfillmentEvent, list[ScheduleChange]]:
    """Record one event and reschedule its charge line; an event equal to the last one of its kind changes nothing.

    With ``dry_run`` the same is done and discarded. ``warn`` is called with the warnings.

    Raises:
        BadInput: The charge does not exist, its rule follows no such event, or its currency cannot hold the amount.
    """
    book = load_rules(context)
    with transaction(context.database, dry_run) as connection:
        no = charges.find_charge(connection, event.charge)
        if no is None:
            raise UnknownCharge(event.charge)
        refuse_billing_lines(connection, event.charge, [no])
        if of_loss := problem_of_loss(event.charge):
            raise BadInput(f"{event.charge}: {'; '.join(of_loss)}")
        its_costs = costs_of_charges(connection, book, [event.charge]).get(event.charge, [])
        numbers = [no, *(cost for _id, cost in its_costs)]
        lines = dict(charges.read_charges(connection, numbers))
        line = lines[no]
        try:
            fact = _fact(line, event, event.charge, event.quantity, event.name)
        except BadAmount as error:
            raise BadInput(f"{event.charge}: amount {event.amount}: {error}") from None
        recorded_for = events.events_of_charges(connection, numbers)
        recorded = recorded_for.get(no, [])
        # Only the last one counts: after a correction, the earlier value may be recorded again.
        if fact == _last_like(recorded, fact):
            return fact, []
        if other := other_cancellation(recorded, fact):
            raise BadInput(f"{event.charge}: {'; '.join(canceled_twice(other))}")
        planned = PlannedRules(connection, book).book_for({no: line})
        unknown = unknown_event(planned, [line], event.kind, event.name)
        if unknown:
            raise BadInput(f"{event.charge}: {event.kind} {event.name}".rstrip() + f": {'; '.join(unknown)}")
        if event.kind == IMPAIR and (problem := impairment_problem(planned, line, recorded, fact)):
            raise BadInput(f"{event.charge}: impair {event.amount}: {problem[1]}: {problem[2]}")
        who = context.who()
        if event.kind == IMPAIR and not its_costs:
            its_costs = [add_loss_line(connection, who, no, f"impairment of {event.charge}")]
        copies = events_of_costs(book, its_costs, fact)
        facts = [(no, fact), *reduce_principals(book, copies, fact, no, lines, recorded_for)]
        detail = {name: str(value) for name, value in event._asdict().items() if value not in (None, "")}
        digest = events.add_events(connection, [events.event_row(one, copy, who.at, who.actor) for one, copy in facts])
        audit_seq = record(connection, who, f"event {event.kind}", event.charge, detail, [digest])
        scheduler = Scheduler(connection, book, who, audit_seq)
        changes = scheduler.reschedule([one for one, _fact in facts], {one: 1 for one, _fact in facts})
        warn(scheduler.contracts.warnings)
        return fact, changes


_REFUSED = "is a new line of a document that was refused"
_RELEASE_FIRST = "settle the document in the quarantine first"


class EventRecorder:
    """The recorder of new events; it reschedules their charge lines.

    An event that was recorded before, with the same figures, changes nothing. An unknown charge is a problem of its
    row; ``source/document/*`` means every charge line of a document.
    """

    def __init__(self, session: ImportSession, book: "RuleBook") -> None:
        self._session = session
        self._connection = session.connection
        self._book = book
        self._scheduler = Scheduler(session.connection, book, session.who, session.audit_seq, has_notes=False)
        self._planned_rules = PlannedRules(session.connection, book)
        self._new: list[tuple[Any, ...]] = []
        self._effective: dict[int, list[FulfillmentEvent]] = {}
        self._planned = book
        self._lines: dict[int, ChargeLine] = {}
        self._billing: set[int] = set()

    def process(self, batch: Sequence[Any] | EventBlock) -> None:
        """Record a batch of rows, good and bad."""
        good: list[GoodRow[EventRow]] = self._session.split_good_rows(batch)
        known = self._known([row.line.charge for row in good])
        ids = {line.no: line.id for lines in known.values() for line in lines}
        numbers = sorted(ids)
        self._billing = set(billing.ordered_of(self._connection, numbers))
        # An event that a person withdrew counts as recorded: the same file, imported again, must not bring it back.
        recorded, self._effective = events.events_with_withdrawn(self._connection, ids)
        # Together: a query for each event would take as long as everything else that is done for it.
        are_checked = not {row.line.kind for row in good}.isdisjoint((*CHECKED, IMPAIR))
        are_needed = are_checked or any(row.line.amount is not None for row in good)
        self._lines = dict(charges.read_charges(self._connection, numbers)) if are_needed else {}
        self._planned = self._planned_rules.book_for(self._lines if are_checked else {})
        for row in good:
            self._process_row(row, known.get(row.line.charge, []), recorded)
        if self._new:
            self._session.record_written("events written", events.add_events(self._connection, self._new))
        fresh = Counter(row[0] for row in self._new)
        self._new = []
        changes = self._scheduler.reschedule(
            sorted(fresh), fresh, lines=self._lines, recorded={no: self._effective[no] for no in fresh}
        )
        self._session.result.scheduled += len(changes)
        self._session.result.warn(self._scheduler.contracts.warnings)
        if self._session.result.dry_run:
            self._session.result.effect.add(changes)

    def finish(self, others: Sequence["EventRecorder"] = ()) -> None:
        """Do nothing: events are complete after each batch, unlike the charge lines of a contract."""

    def _known(self, wanted: Sequence[str]) -> dict[str, list[DocumentLine]]:
        """Return the charge lines that each id or pattern of a whole document means."""
        found = {
            id: [DocumentLine(id, same.no, "", None)]
            for id, same in charges.known_charges(self._connection, wanted).items()
        }
        for id, costs in costs_of_charges(self._connection, self._book, list(found)).items():
            found[id] += [DocumentLine(cost, no, "", None) for cost, no in costs]
        whole = {one for one in wanted if one.endswith(f"/{ALL_LINES}")}
        if whole:
            for pattern, lines in charges.document_lines(self._connection, whole).items():
                found[pattern] = lines
        return found

    def _process_row(
        self,
        row: GoodRow[EventRow],
        known: list[DocumentLine],
        recorded: dict[int, list[FulfillmentEvent]],
    ) -> None:
        if not known:
            return self._refuse_unknown(row)
        event = row.line
        try:
            meant = lines_meant(known, event, recorded)
        except UnknownItems as unknown:
            return self._session.reject_good(row, unknown.problem, waits_for=event.charge)
        facts = []
        for charge, no, quantity, name in meant:
            try:
                own = charge == event.charge or not is_cost(charge)
                fact = _fact(self._lines.get(no), event, charge, quantity, name)
                facts += [(no, fact)] if own else self._copies(known, charge, no, fact)
            except BadAmount as error:
                problem = RowProblem("amount", str(event.amount), str(error), "write it in the charge's currency")
                return self._session.reject_good(row, problem)
        fresh = [(no, fact) for no, fact in facts if fact not in recorded.get(no, ())]
        if not fresh:
            self._session.result.unchanged += 1
            return None
        if wrong := self._unknown(event, fresh) or self._canceled_twice(event, fresh):
            return self._session.reject_good(row, wrong)
        if event.kind == IMPAIR and len(known) == 1:
            known.append(self._add_loss(known[0].no))
            fresh += events_of_costs(self._book, [(known[1].id, known[1].no)], fresh[0][1])
        self._session.accept(row)
        who, import_id = self._session.who, self._session.import_id
        for no, fact in fresh:
            recorded.setdefault(no, []).append(fact)
            self._effective.setdefault(no, []).append(fact)
            self._new.append(events.event_row(no, fact, who.at, who.actor, import_id, row.row_number))
        return None

    def _copies(
        self, known: Sequence[DocumentLine], cost: str, no: int, fact: FulfillmentEvent
    ) -> list[tuple[int, FulfillmentEvent]]:
        """Return the copies of an event for a cost, by its id and number, of one of the ``known`` lines."""
        sold = next((line.no for line in known if line.id == sold_by(cost)), 0)
        copies = events_of_costs(self._book, [(cost, no)], fact)
        return reduce_principals(self._book, copies, fact, sold, self._lines, self._effective)

    def _canceled_twice(self, event: EventRow, fresh: Sequence[tuple[int, FulfillmentEvent]]) -> RowProblem | None:
        """Return the problem of a cancellation of a line that another one has canceled."""
        for no, fact in fresh if event.kind == "cancel" else ():
            # The costs of a line follow its cancellation, also if one of them ended before.
            if fact.charge == event.charge or not is_cost(fact.charge):
                other = other_cancellation(self._effective.get(no, ()), fact)
                if other:
                    return RowProblem("kind", event.kind, *canceled_twice(other))
        return None

    def _not_impaired(self, event: EventRow, no: int, fact: FulfillmentEvent) -> RowProblem | None:
        """Return the problem of an impairment that its charge line cannot have."""
        found = impairment_problem(self._planned, self._lines[no], self._effective.get(no, ()), fact)
        if found is None:
            return None
        field, reason, fix = found
        return RowProblem(field, str(getattr(event, field)), reason, fix)

    def _add_loss(self, cost: int) -> DocumentLine:
        """Write the charge line of the losses of a cost."""
        cause = f"impairments of event {self._session.audit_seq}"
        id, no = add_loss_line(self._connection, self._session.who, cost, cause)
        self._lines[no] = loss_line(self._lines[cost])
        return DocumentLine(id, no, "", None)

    def _refuse_unknown(self, row: GoodRow[EventRow]) -> None:
        charge = row.line.charge
        if charge.rpartition("/")[0] in self._session.refused_documents:
            self._session.refuse_event(row, RowProblem("charge", charge, _REFUSED, _RELEASE_FIRST))
        else:
            reason = "no such charge was imported"
            problem = RowProblem("charge", charge, reason, "import its charge line first")
            self._session.reject_good(row, problem, waits_for=charge)

    def _unknown(self, event: EventRow, facts: Sequence[tuple[int, FulfillmentEvent]]) -> RowProblem | None:
        """Return the problem of an event that its charge lines or their rules do not follow."""
        numbers = [no for no, _fact in facts]
        if not self._billing.isdisjoint(numbers):
            return RowProblem("charge", event.charge, billing_problem(self._connection, numbers), "leave the row out")
        if of_loss := problem_of_loss(event.charge):
            return RowProblem("charge", event.charge, *of_loss)
        if event.kind == IMPAIR:
            return self._not_impaired(event, *facts[0])
        if event.kind not in CHECKED:
            return None
        unknown = unknown_event(self._planned, [self._lines[no] for no in numbers], event.kind, event.name)
        field, value = ("name", event.name) if event.kind == "milestone" else ("kind", event.kind)
        return RowProblem(field, value, *unknown) if unknown else None


def _fact(
    line: ChargeLine | None, event: EventRow, charge: str, quantity: Decimal | None, name: str
) -> FulfillmentEvent:
    """Return the event of a charge line with its amount in minor units of its currency.

    ``line`` is the charge line, which only an amount needs.
    """
    amount = None
    if event.amount is not None:
        assert line is not None
        amount = to_minor(event.amount, line.currency)
    return make_event((charge, event.kind, event.date, quantity, event.percent, amount, name, event.note, event.scope))


def _last_like(recorded: Sequence[FulfillmentEvent], event: FulfillmentEvent) -> FulfillmentEvent | None:
    """Return the last recorded event of the same kind and name, which a new one would correct."""
    for one in reversed(recorded):
        if (one.kind, one.name) == (event.kind, event.name):
            return one
    return None
