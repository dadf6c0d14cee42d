"""Recording fulfilment events, by hand or from files, and scheduling their charge lines again."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from revrec.core.charge_line import FulfilmentEvent
from revrec.core.errors import BadInput
from revrec.core.money import BadAmount, to_minor
from revrec.jobs.import_files import BATCH, FileImport, ImportResult, Undo, batches, shown_name, source_file
from revrec.jobs.rules import load_rules
from revrec.jobs.scheduling import Change, Scheduler
from revrec.sources import NATIVE_EVENTS, Bad, ColumnMapping, EventRow, Good, Problem, SourceStream, read_events
from revrec.sources.problems import SourceError
from revrec.store import charges, events
from revrec.store.audit import record

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from revrec.core.rules import RuleBook
    from revrec.jobs.context import Context


def add_event(context: "Context", event: EventRow) -> tuple[FulfilmentEvent, list[Change]]:
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
        if fact == _last_like(events.of_charges(connection, [no]).get(no, []), fact):
            return fact, []
        who = context.who()
        detail = {name: str(value) for name, value in event._asdict().items() if value not in (None, "")}
        digest = events.add(connection, [events.event_row(no, fact, who.at, who.actor)])
        audit_seq = record(connection, who, f"event {event.kind}", event.charge, detail, [digest])
        return fact, Scheduler(connection, book, who, audit_seq).again([no])


def import_events(
    context: "Context", path: Path, mapping: ColumnMapping | None = None, keep_good: bool = False, dry_run: bool = False
) -> ImportResult:
    """Import a file of events and schedule their charge lines again, in one transaction.

    An event that was recorded before, with the same figures, changes nothing. A charge that the store does not have
    is a problem of its row.
    """
    result = ImportResult(shown_name(path), "events", dry_run=dry_run)
    book = load_rules(context)
    try:
        source = source_file(path)
        with context.database.write() as connection:
            _EventImport(connection, context, result, source, mapping or NATIVE_EVENTS).run(path, book, keep_good)
    except Undo:
        pass
    except SourceError as error:
        result.refuse(str(error))
    return result


class _EventImport(FileImport):
    """One file of events on its way in."""

    def run(self, path: Path, book: "RuleBook", keep_good: bool) -> None:
        """Read, record, schedule; batch by batch."""
        scheduler = Scheduler(self.connection, book, self.who, self.audit_seq)
        with SourceStream(path) as stream:
            rows = read_events(stream, self.mapping)
            for batch in batches(self.context.progress.track(rows, f"importing {path.name}"), BATCH):
                touched = self._take(batch)
                self.result.scheduled += len(scheduler.again(touched))
            read = stream.sha256()
        self.finish(keep_good, read)

    def _take(self, batch: list[Good[EventRow] | Bad]) -> list[int]:
        self.result.rows += len(batch)
        good = [row for row in batch if isinstance(row, Good)]
        known = charges.known(self.connection, [row.line.charge for row in good])
        recorded = events.of_charges(self.connection, [same.no for same in known.values()])
        new: list[tuple[Any, ...]] = []
        for row in batch:
            if isinstance(row, Bad):
                self.reject(row)
            else:
                self._one(row, known.get(row.line.charge), recorded, new)
        if new:
            digest = events.add(self.connection, new)
            record(self.connection, self.who, "events written", f"rows of {self.subject}", {}, [digest])
        return sorted({row[0] for row in new})

    def _one(
        self,
        row: Good[EventRow],
        known: charges.Known | None,
        recorded: dict[int, list[FulfilmentEvent]],
        new: list[tuple[Any, ...]],
    ) -> None:
        if known is None:
            problem = Problem("charge", row.line.charge, "no such charge was imported", "import its charge line first")
            return self.reject(Bad(row.row_number, [problem], f"row {row.row_number}"), row.raw)
        try:
            fact = _fact(self.connection, known.no, row.line)
        except BadAmount as error:
            problem = Problem("amount", str(row.line.amount), str(error), "write it in the charge's currency")
            return self.reject(Bad(row.row_number, [problem], f"row {row.row_number}"), row.raw)
        before = recorded.setdefault(known.no, [])
        if fact in before:
            self.result.unchanged += 1
            return None
        before.append(fact)
        self.result.accepted += 1
        new.append(events.event_row(known.no, fact, self.who.at, self.who.actor, self.import_id, row.row_number))
        return None


def _fact(connection: "Connection", no: int, event: EventRow) -> FulfilmentEvent:
    """The event with its amount in minor units of the charge's currency."""
    amount = None
    if event.amount is not None:
        amount = to_minor(event.amount, charges.read_charge(connection, no).currency)
    return FulfilmentEvent(
        event.charge, event.kind, event.date, event.quantity, event.percent, amount, event.name, event.note
    )


def _last_like(recorded: Sequence[FulfilmentEvent], event: FulfilmentEvent) -> FulfilmentEvent | None:
    """The last recorded event of the same kind and name, which a new one would correct."""
    for one in reversed(recorded):
        if (one.kind, one.name) == (event.kind, event.name):
            return one
    return None
