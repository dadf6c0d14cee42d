"""``revrec trace``: show the history of a charge line, from the row of its file to Intacct's record number."""

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from revrec.core.charge_line import ChargeLine
from revrec.core.closed_periods import ClosedPeriodBlock
from revrec.core.differences import differences
from revrec.core.errors import BadInput
from revrec.core.money import decimal_string
from revrec.core.posting_options import read_options
from revrec.jobs.importing import quarantine
from revrec.jobs.importing.billing import billed_contract_line
from revrec.jobs.importing.quarantine import QuarantineTrace
from revrec.jobs.posting.periods import posting_dates
from revrec.jobs.scheduling.contracts import RecordedAllocation, stored_allocations
from revrec.store import charges, line_changes
from revrec.store.billing import BilledAmount, billing_of
from revrec.store.credits import credits_of
from revrec.store.line_changes import StoredChange
from revrec.store.posting import reversals
from revrec.store.posting.entries import ENTRY_TABLES
from revrec.store.posting.invoices import INVOICE_TABLES
from revrec.store.reports import history
from revrec.store.reports.history import (
    AttemptTrace,
    AuditTrace,
    ChargeRecord,
    EntryLineRecord,
    EntryRecord,
    FulfillmentRecord,
    InvoiceRecord,
    RepairedValueTrace,
    RepairTrace,
    ScheduleLineRecord,
    ScheduleRecord,
    UnscheduledRecord,
)
from revrec.store.reports.posted_exchange import ExchangeEntry, exchange_entries

if TYPE_CHECKING:
    from revrec.jobs.context import Context
    from revrec.store.connection import Connection


class TracedCharge(NamedTuple):
    """The charge line as it was imported; ``amount`` is a decimal string in ``currency``, dates are ISO."""

    id: str
    source: str
    document: str
    line: str
    customer: str
    item: str
    post_date: str
    amount: str
    currency: str
    rev_rec_date: str | None
    description: str
    quantity: str | None
    service_start: str | None
    service_end: str | None
    entity: str
    credits: str
    recognized_before: str | None
    cutover: str | None
    bills: str
    dimensions: dict[str, str]


class CleaningTrace(NamedTuple):
    """A change that cleaning made to a field; ``table`` and ``table_row`` name the lookup table that a step used."""

    field: str
    before: str
    after: str
    step: str
    table: str | None
    table_row: int | None


class SourceTrace(NamedTuple):
    """The file and row that a charge line came from; ``size`` in bytes. ``quarantine`` is None for a good row."""

    uri: str
    sha256: str
    size: int
    mapping: str
    imported_at: str
    actor: str
    row: int
    cleaning: tuple[CleaningTrace, ...]
    quarantine: QuarantineTrace | None


class ChangedFigure(NamedTuple):
    """A figure of a charge line that a document stated differently, as text; ``line`` is the whole line."""

    field: str
    before: str
    after: str


class ChangeTrace(NamedTuple):
    """A change of a charge line by a document that arrived again; ``row`` is 0 if the document lost the line."""

    uri: str
    sha256: str
    row: int
    imported_at: str
    actor: str
    figures: tuple[ChangedFigure, ...]


class EventSource(NamedTuple):
    """The file that a fulfillment event came from, and what cleaning changed in its row."""

    uri: str
    sha256: str
    cleaning: tuple[CleaningTrace, ...]


class EventTrace(NamedTuple):
    """A fulfillment event; ``amount`` is a decimal string. One recorded by hand has no ``row`` and no ``source``.

    ``withdrawn_at``, ``withdrawn_by`` and ``withdrawn_for`` (the reason) are None unless a person withdrew it.
    """

    id: int
    kind: str
    date: str
    quantity: str | None
    percent: str | None
    name: str
    note: str
    scope: str
    recorded_at: str
    actor: str
    row: int | None
    amount: str | None
    source: EventSource | None
    withdrawn_at: str | None
    withdrawn_by: str | None
    withdrawn_for: str | None


class RuleTrace(NamedTuple):
    """A rule version that schedules follow, with its exact text; ``explanation`` is why the newest of them used it.

    ``options`` are its attachment, locations and custom fields, with those that come from the settings.
    """

    version: int
    name: str
    text: str
    sha256: str
    file: str
    method: str
    deferred: str
    accrued: str
    journal: str
    options: Mapping[str, Any]
    explanation: str


class ScheduleLineTrace(NamedTuple):
    """A schedule line with the entry that it is on; ``amount`` is a decimal string.

    ``status`` is planned, superseded, reversed (and never posted again), or the state of the entry. ``reason`` is why
    the entry has another date, or why the line cannot be posted now; empty if there is no reason. ``deferred`` and
    ``accrued`` are None unless the line takes back what was posted to these accounts, and its rule names others now.
    """

    seq: int
    date: str
    amount: str
    status: str
    superseded_by: int | None
    reference: str | None
    record_no: str | None
    entry_date: str | None
    reason: str
    deferred: str | None
    accrued: str | None


class PriceChangeTrace(NamedTuple):
    """The amount (a decimal string) by which a schedule version changes the line's total revenue, and why."""

    amount: str
    reason: str


class ScheduleTrace(NamedTuple):
    """A version of the schedule; amounts are decimal strings in the currency of the charge line.

    ``carried`` is the amount on entries of earlier versions, ``waiting`` the amount that has no date, and ``allocated``
    the amount beyond the one billed. ``of`` counts the lines, posted ones too.
    """

    version: int
    rule: str
    rule_version: int
    explanation: str
    amount: str
    carried: str
    waiting: str
    waits_for: str | None
    price_change: PriceChangeTrace | None
    allocated: str | None
    of: int
    lines: tuple[ScheduleLineTrace, ...]
    at: str
    actor: str
    command: str


class HistoricalTrace(NamedTuple):
    """A part that another system recognized before the cutover; ``amount`` is a decimal string."""

    seq: int
    date: str
    amount: str


class InvoiceLineTrace(NamedTuple):
    """The line of a charge line on an order or invoice; ``amount`` is a decimal string."""

    line_no: int
    item: str
    quantity: str
    price: str
    account: str
    memo: str
    amount: str


class InvoiceTrace(NamedTuple):
    """An order or invoice with its attempts; ``amount`` is the decimal string of all its ``lines``, a count."""

    reference: str
    control_id: str
    kind: str
    number: str
    definition: str
    date: str
    customer: str
    term: str
    created_at: str
    posted_at: str | None
    record_no: str | None
    status: str
    currency: str
    amount: str
    lines: int
    line: InvoiceLineTrace
    error_no: str | None
    error: str | None
    advice: str | None
    content_hash: str
    attempts: tuple[AttemptTrace, ...]


class EntryLineTrace(NamedTuple):
    """A line of an entry as Intacct has it, or one charge line's part of it.

    ``amount`` is a decimal string in the currency of the entry. ``schedule_lines`` counts the schedule lines that it
    adds up.
    """

    line_no: int
    side: str
    account: str
    document: str
    memo: str
    amount: str
    schedule_lines: int


class LinePartTrace(NamedTuple):
    """A schedule line that a line of an entry adds up: part ``seq`` of ``of`` of its charge line.

    ``date`` is the day of recognition; ``amount`` is a decimal string, positive on either side.
    """

    charge: str
    document: str
    customer: str
    item: str
    rule: str
    rule_version: int
    seq: int
    of: int
    date: str
    memo: str
    amount: str


class LineTrace(NamedTuple):
    """A line of an entry with the schedule lines behind it, whose amounts add up to it. ``charges`` counts their
    charge lines."""

    reference: str
    record_no: str | None
    date: str
    status: str
    currency: str
    line: EntryLineTrace
    charges: int
    parts: tuple[LinePartTrace, ...]


class ReversalTrace(NamedTuple):
    """A reversal of an entry, seen from either of the two: ``reference`` and ``record_no`` are of the other one.

    They are None if the entry was reversed or deleted in Intacct; then ``record_no`` is Intacct's reversing entry, if
    there is one. ``status`` is the state of the mirror entry. ``final``: the schedule lines are not posted again.
    """

    reference: str | None
    record_no: str | None
    date: str
    status: str
    final: bool
    reason: str


class EntryTrace(NamedTuple):
    """A journal entry with its attempts, and with all its lines, or only the lines of one charge line.

    ``amount`` is the decimal string of the whole entry. ``recognized`` is the recognition date; ``reason`` is why
    ``date`` is another day, empty if it is not. ``reverses`` is the entry that it reverses, ``reversed_by`` what
    reverses it.
    """

    reference: str
    control_id: str
    date: str
    journal: str
    entity: str
    title: str
    created_at: str
    posted_at: str | None
    record_no: str | None
    recognized: str
    reason: str
    status: str
    currency: str
    amount: str
    lines: tuple[EntryLineTrace, ...]
    error_no: str | None
    error: str | None
    advice: str | None
    content_hash: str
    reverses: ReversalTrace | None
    reversed_by: ReversalTrace | None
    repairs: tuple[RepairedValueTrace, ...]
    attempts: tuple[AttemptTrace, ...]


class CreditTrace(NamedTuple):
    """A charge line that credits this one; ``amount`` is a decimal string in ``currency``."""

    id: str
    amount: str
    currency: str


class BillingTrace(NamedTuple):
    """A charge line that bills this contract line; ``amount`` is a decimal string in ``currency``.

    ``matched_by`` is the column that names the contract line.
    """

    id: str
    document: str
    post_date: str
    amount: str
    currency: str
    matched_by: str


class ExchangeTrace(NamedTuple):
    """An adjusting entry that clears an exchange difference of a charge line from the deferred account ``account``.

    ``amount`` is a decimal string in the base currency ``currency``, above zero for a gain.
    """

    reference: str
    date: str
    account: str
    amount: str
    currency: str
    status: str
    record_no: str | None


class ChargeTrace(NamedTuple):
    """The whole history of a charge line; ``rule`` and ``schedule`` are empty while it is ``unscheduled``."""

    charge: TracedCharge
    credits: str
    """The id of the charge line that this one credits; empty if there is none, or if it is not stored."""
    credited_by: tuple[CreditTrace, ...]
    bills: str
    """The id of the contract line that this one bills, which earns the revenue; empty if it bills none."""
    billed_by: tuple[BillingTrace, ...]
    source: SourceTrace
    changes: tuple[ChangeTrace, ...]
    events: tuple[EventTrace, ...]
    rule: RuleTrace | None
    """The rule version of the newest schedule."""
    earlier_rules: tuple[RuleTrace, ...]
    """The other rule versions that its schedules followed, oldest first."""
    unscheduled: UnscheduledRecord | None
    allocations: tuple[RecordedAllocation, ...]
    historical: tuple[HistoricalTrace, ...]
    schedule: tuple[ScheduleTrace, ...]
    repairs: tuple[RepairTrace, ...]
    invoices: tuple[InvoiceTrace, ...]
    entries: tuple[EntryTrace, ...]
    exchange: tuple[ExchangeTrace, ...]
    audit: tuple[AuditTrace, ...]


T = TypeVar("T", bound=NamedTuple)


def trace(context: "Context", reference: str) -> Iterator[ChargeTrace]:
    """Yield the history of every charge line that ``reference`` may mean.

    A reference is a charge id, the reference of an entry or an invoice, an Intacct record number or DOCID, a document,
    or an imported file (its name at import, or its SHA-256).

    Raises:
        BadInput: No record has that name.
    """
    with context.database.read() as connection:
        dated = posting_dates(context, connection)
        numbers = history.charges_of(connection, reference)
        if not numbers:
            raise BadInput(
                f"{reference}: no record has this name; use a charge id (SOURCE/DOCUMENT/LINE), an entry's "
                "or an invoice's reference (RR..., IV...), an Intacct record number or DOCID, a document, or an "
                "imported file or a document of a source"
            )
        for no in numbers:
            yield _life(connection, no, ClosedPeriodBlock(dated))


class AccountTotal(NamedTuple):
    """The debits and credits of an entry on one account, as decimal strings in its currency."""

    account: str
    debit: str
    credit: str


class PostedEntryTrace(NamedTuple):
    """A journal entry as a whole: with all its lines, their sums by account, and its own audit events.

    ``charges`` is the number of its charge lines.
    """

    entry: EntryTrace
    totals: tuple[AccountTotal, ...]
    charges: int
    audit: tuple[AuditTrace, ...]


def trace_entries(context: "Context", reference: str) -> list[PostedEntryTrace]:
    """Return the entries with this reference or Intacct record number, without the history of their charge lines.

    The list is empty if the reference names something else.
    """
    with context.database.read() as connection:
        return [_whole_entry(connection, one) for one in history.entries_named(connection, reference)]


def trace_line(context: "Context", reference: str, line_no: int) -> list[LineTrace]:
    """Return a line of each entry with this reference or Intacct record number, with the schedule lines behind it.

    Raises:
        BadInput: no entry has this name, or it has no such line.
    """
    with context.database.read() as connection:
        found = history.entries_named(connection, reference)
        if not found:
            raise BadInput(f"--line: {reference}: is no entry; use an entry's reference or Intacct record number")
        return [_line_of(connection, entry, line_no) for entry in found]


def _line_of(connection: "Connection", entry: EntryRecord, line_no: int) -> LineTrace:
    lines = {one.line_no: one for one in history.entry_lines(connection, entry.id, None)}
    if line_no not in lines:
        raise BadInput(f"--line {line_no}: {entry.reference} has no such line; its lines are 1 to {len(lines)}")
    parts = history.line_parts(connection, entry.id, line_no)
    return LineTrace(
        entry.reference,
        entry.record_no,
        entry.date,
        entry.state.lower(),
        entry.currency,
        _entry_line(lines[line_no], entry.currency),
        len({one.charge for one in parts}),
        tuple(_traced(LinePartTrace, one, amount=decimal_string(one.amount, entry.currency)) for one in parts),
    )


def _entry_line(line: EntryLineRecord, currency: str) -> EntryLineTrace:
    return _traced(EntryLineTrace, line, amount=decimal_string(line.amount, currency))


def _whole_entry(connection: "Connection", entry: EntryRecord) -> PostedEntryTrace:
    sums = history.account_sums(connection, entry.id)
    return PostedEntryTrace(
        entry=_entry(connection, entry, None),
        totals=tuple(
            AccountTotal(one.account, *(decimal_string(amount, entry.currency) for amount in (one.debit, one.credit)))
            for one in sums
        ),
        charges=history.count_charges(connection, entry.id),
        audit=tuple(history.audit(connection, [entry.reference], [])),
    )


def count_traced(context: "Context", reference: str) -> int:
    """Return how many charge lines :func:`trace` yields for a reference."""
    with context.database.read() as connection:
        return len(history.charges_of(connection, reference))


def _life(connection: "Connection", no: int, holding: ClosedPeriodBlock) -> ChargeTrace:
    charge = history.charge(connection, no)
    source = _source(connection, charge)
    schedules = history.schedules(connection, no)
    lines = history.schedule_lines(connection, no)
    events = history.events(connection, no)
    allocations = tuple(stored_allocations(connection, no))
    invoices = tuple(_invoice(connection, one) for one in history.invoices(connection, no))
    entries = tuple(_entry(connection, one, no) for one in history.entries(connection, no))
    exchange = tuple(_exchange(one) for one in exchange_entries(connection, charge.id))
    imported = charges.read_charge(connection, no)
    changes = list(line_changes.changes_of(connection, no, imported))
    imports = [charge.import_id, *(one.import_id for one in changes)]
    imports += [one.import_id for one in events if one.import_id is not None]
    credits, credited_by = credits_of(connection, no)
    return ChargeTrace(
        charge=_charge(charge),
        credits=credits,
        credited_by=tuple(
            CreditTrace(one.id, decimal_string(one.amount, one.currency), one.currency) for one in credited_by
        ),
        bills=billed_contract_line(connection, [no]),
        billed_by=tuple(_billing(one) for one in billing_of(connection, no)),
        source=source,
        changes=tuple(_changes(changes, imported)),
        events=tuple(_event(connection, event, charge.currency) for event in events),
        rule=_rule(schedules[-1]) if schedules else None,
        earlier_rules=_earlier_rules(schedules),
        unscheduled=history.waiting(connection, no),
        allocations=allocations,
        historical=tuple(_historical(connection, charge)),
        schedule=tuple(_version(version, lines, charge, holding, _finally_reversed(entries)) for version in schedules),
        repairs=tuple(history.repairs(connection, no)),
        invoices=invoices,
        entries=entries,
        exchange=exchange,
        audit=tuple(
            history.audit(
                connection,
                _subjects(charge, imports, [*invoices, *entries, *exchange], source.quarantine),
                [*(one.audit_seq for one in schedules), *(one.audit_seq for one in allocations)],
            )
        ),
    )


def _exchange(one: ExchangeEntry) -> ExchangeTrace:
    return _traced(ExchangeTrace, one, amount=decimal_string(one.amount, one.currency), status=one.state.lower())


def _traced(kind: type[T], record: Any, **others: Any) -> T:
    """Return a ``kind`` with the values in ``others``, and the record's values in all other fields."""
    return kind._make(others[name] if name in others else getattr(record, name) for name in kind._fields)


def _rule(newest: ScheduleRecord) -> RuleTrace:
    return _traced(RuleTrace, newest, version=newest.rule_version, options=read_options(newest.options).chosen)


def _earlier_rules(schedules: Sequence[ScheduleRecord]) -> tuple[RuleTrace, ...]:
    by_version = {(one.name, one.rule_version): one for one in schedules}
    return tuple(_rule(one) for one in by_version.values() if one is not schedules[-1])


def _charge(charge: ChargeRecord) -> TracedCharge:
    amount = decimal_string(charge.amount, charge.currency)
    before = decimal_string(charge.recognized_before, charge.currency) if charge.cutover else None
    dimensions = json.loads(charge.dimensions)
    return _traced(TracedCharge, charge, amount=amount, dimensions=dimensions, recognized_before=before)


def _historical(connection: "Connection", charge: ChargeRecord) -> Iterator[HistoricalTrace]:
    for one in history.historical(connection, charge.no):
        yield HistoricalTrace(one.seq, one.date, decimal_string(one.amount, charge.currency))


def _billing(one: BilledAmount) -> BillingTrace:
    return _traced(BillingTrace, one, amount=decimal_string(one.amount, one.currency))


def _changes(changes: Sequence[StoredChange], line: ChargeLine) -> Iterator[ChangeTrace]:
    """Yield changes with their figures before and after; ``line`` is the line as it was imported."""
    is_gone = False
    for one in changes:
        amount = decimal_string(line.amount, line.currency)
        figures = differences(line, one.line) if one.line else [("line", amount, "")]
        if is_gone and one.line:
            figures.insert(0, ("line", "", amount))
        yield _traced(ChangeTrace, one, figures=tuple(ChangedFigure(*figure) for figure in figures))
        is_gone, line = one.line is None, one.line or line


def _source(connection: "Connection", charge: ChargeRecord) -> SourceTrace:
    file = history.source(connection, charge.import_id)
    cleaning = cleaned(connection, file.id, charge.row)
    released = quarantine.life(connection, file.id, charge.row)
    return _traced(SourceTrace, file, row=charge.row, cleaning=cleaning, quarantine=released)


def cleaned(connection: "Connection", import_id: int, row: int) -> tuple[CleaningTrace, ...]:
    """Return what cleaning changed in a row of an import."""
    steps = charges.cleaning_steps(connection, import_id, row)
    return tuple(CleaningTrace(*step) for step in json.loads(steps)) if steps else ()


def _event(connection: "Connection", event: FulfillmentRecord, currency: str) -> EventTrace:
    amount = None if event.amount is None else decimal_string(event.amount, currency)
    source = None
    if event.import_id is not None and event.row is not None:
        file = history.source(connection, event.import_id)
        source = EventSource(file.uri, file.sha256, cleaned(connection, event.import_id, event.row))
    return _traced(EventTrace, event, amount=amount, source=source)


def _finally_reversed(entries: Sequence[EntryTrace]) -> set[str]:
    """Return the entries whose schedule lines are not recognized and never posted again."""
    done = ((one.reference, one.reversed_by) for one in entries)
    return {reference for reference, by in done if by is not None and by.final and by.status == "posted"}


def _version(
    version: ScheduleRecord,
    lines: Sequence[ScheduleLineRecord],
    charge: ChargeRecord,
    holding: ClosedPeriodBlock,
    reversed_entries: Collection[str],
) -> ScheduleTrace:
    currency = charge.currency
    return _traced(
        ScheduleTrace,
        version,
        rule=version.name,
        amount=decimal_string(version.amount, currency),
        carried=decimal_string(version.posted, currency),
        waiting=decimal_string(version.waiting or 0, currency),
        price_change=_price_change(version, currency),
        allocated=None if version.allocated is None else decimal_string(version.allocated, currency),
        of=version.lines,
        lines=tuple(
            _line(line, charge, holding, reversed_entries) for line in lines if line.version == version.version
        ),
    )


def _price_change(version: ScheduleRecord, currency: str) -> PriceChangeTrace | None:
    """Return by how much this version changes the line's total revenue, and why; None if it does not."""
    if version.price_change is None:
        return None
    return PriceChangeTrace(decimal_string(version.price_change, currency), version.price_reason or "")


def _line(
    line: ScheduleLineRecord, charge: ChargeRecord, holding: ClosedPeriodBlock, reversed_entries: Collection[str]
) -> ScheduleLineTrace:
    reason = line.reason or ""
    if line.reference is None and not line.superseded_by:
        day, schedule = date.fromisoformat(line.date), (line.charge_no, line.version)
        held = holding.why_blocked(charge.entity, day, schedule, line.amount)
        reason = held or holding.dates.of(charge.entity, day).reason
    status = "superseded" if line.superseded_by else (line.state or "planned").lower()
    if line.reference in reversed_entries:
        status = "reversed"
    amount = decimal_string(line.amount, charge.currency)
    return _traced(ScheduleLineTrace, line, amount=amount, status=status, reason=reason)


def _entry(connection: "Connection", entry: EntryRecord, no: int | None) -> EntryTrace:
    lines = history.entry_lines(connection, entry.id, no)
    return _traced(
        EntryTrace,
        entry,
        recognized=entry.recognition_date or entry.date,
        reason=entry.reason or "",
        status=entry.state.lower(),
        amount=decimal_string(entry.amount, entry.currency),
        lines=tuple(_entry_line(line, entry.currency) for line in lines),
        reverses=_reverses(connection, entry.id),
        reversed_by=_reversed_by(connection, entry.id),
        repairs=tuple(history.repaired(connection, entry.id, no)),
        attempts=tuple(history.attempts(connection, ENTRY_TABLES, entry.id)),
    )


def _reverses(connection: "Connection", entry_id: int) -> ReversalTrace | None:
    """Return the entry that an entry reverses; None if it is no reversal."""
    found = reversals.reversal_by(connection, entry_id)
    if found is None:
        return None
    head = ENTRY_TABLES.head(connection, found.reverses)
    return ReversalTrace(head.reference, head.record_no, found.date, head.state.lower(), found.final, found.reason)


def _reversed_by(connection: "Connection", entry_id: int) -> ReversalTrace | None:
    """Return what reverses an entry now; None if nothing does."""
    found = reversals.reversals_in_force(connection, [entry_id]).get(entry_id)
    if found is None:
        return None
    one, status = found.reversal, (found.state or "posted").lower()
    return ReversalTrace(found.reference, found.record_no, one.date, status, one.final, one.reason)


def _invoice(connection: "Connection", invoice: InvoiceRecord) -> InvoiceTrace:
    line_amount = decimal_string(invoice.line_amount, invoice.currency)
    return _traced(
        InvoiceTrace,
        invoice,
        status=invoice.state.lower(),
        amount=decimal_string(invoice.amount, invoice.currency),
        line=_traced(InvoiceLineTrace, invoice, amount=line_amount),
        attempts=tuple(history.attempts(connection, INVOICE_TABLES, invoice.id)),
    )


def _subjects(
    charge: ChargeRecord,
    imports: Sequence[int],
    postings: Sequence[InvoiceTrace | EntryTrace | ExchangeTrace],
    released: QuarantineTrace | None,
) -> list[str]:
    """Return the subjects of the audit events that are about a charge line."""
    subjects = [charge.id, *(f"import {one}" for one in imports), *(posting.reference for posting in postings)]
    return [*subjects, f"quarantine {released.id}"] if released else subjects
