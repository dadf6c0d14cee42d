"""The queries of lists: postings, runs, charge lines, imported files and the audit trail, each row read as a stream."""

import heapq
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    Subquery,
    and_,
    case,
    exists,
    func,
    literal,
    or_,
    select,
    union,
)

from revrec.core.filters import Basis, Filters
from revrec.core.schedule import CLOSED
from revrec.store.bulk import stream_rows
from revrec.store.charges import BILLS, IS_REVENUE, NOT_VOIDED
from revrec.store.events import RecordedEvent, recorded_events
from revrec.store.posting.adjustments import ADJUSTMENT_TABLES
from revrec.store.posting.entries import ENTRY_TABLES, recognition_date
from revrec.store.posting.invoices import INVOICE_TABLES
from revrec.store.posting.ledger_changes import IS_UNEXPLAINED, net_amount
from revrec.store.posting.posting_tables import PostingTables
from revrec.store.posting.reversals import IS_MIRROR, IS_REVERSED_FOR_GOOD
from revrec.store.reports.filters import (
    adjustment_conditions,
    charge_conditions,
    chosen_charges,
    entry_conditions,
    invoice_conditions,
    schedule_conditions,
    within,
)
from revrec.store.tables import (
    adjusting_entry,
    audit_event,
    charge_line,
    fulfillment_event,
    import_file,
    invoice,
    invoice_line,
    journal_entry,
    journal_line,
    ledger_change,
    posting_run,
    quarantine,
    rule_version,
    schedule,
    schedule_line,
    unscheduled,
)

BATCH = 500


class PostingRow(NamedTuple):
    """A journal entry (``kind`` is entry, or reversal), invoice or adjusting entry; amounts are in minor units.

    ``amount`` is what an entry recognizes, below zero if it takes revenue back or has costs only; an invoice has its
    total. ``total`` is one side of the entry. ``recognized`` is the day of recognition. ``posted_by`` made the request
    that Intacct confirmed, or found it there.
    """

    kind: str
    document: str
    reference: str
    date: str
    recognized: str
    state: str
    amount: int
    total: int
    currency: str
    entity: str
    run: int
    record_no: str | None
    posted_at: str | None
    posted_by: str | None
    error_no: str | None
    error: str | None
    advice: str | None
    not_before: str | None


def posting_rows(
    connection: Connection, filters: Filters, states: Sequence[str], basis: Basis = Basis.ledger
) -> Iterator[PostingRow]:
    """Yield the postings of every kind in these states, all if there are none, in order of date."""
    kind = case((IS_MIRROR, "reversal"), else_="entry")
    what_entry = (kind, "", recognition_date(), net_amount())
    entries = _posting_query(ENTRY_TABLES, what_entry, entry_conditions(filters, basis), states)
    what_invoice = (invoice.c.kind, invoice.c.document, invoice.c.date, invoice.c.amount)
    invoices = _posting_query(INVOICE_TABLES, what_invoice, invoice_conditions(filters), states)
    its_kind = adjusting_entry.c.kind
    adjusting_kind = case((adjusting_entry.c.reverses_id.is_not(None), its_kind + " reversal"), else_=its_kind)
    what_adjusted = (adjusting_kind, "", adjusting_entry.c.day, adjusting_entry.c.amount)
    adjusting = _posting_query(ADJUSTMENT_TABLES, what_adjusted, adjustment_conditions(filters), states)
    queries = (entries, invoices, adjusting)
    streams = (map(PostingRow._make, stream_rows(connection, query, BATCH)) for query in queries)
    yield from heapq.merge(*streams, key=lambda row: row.date)


def _posting_query(
    tables: PostingTables,
    what: tuple[Any, Any, Any, Any],
    conditions: Iterator[ColumnElement[bool]],
    states: Sequence[str],
) -> Select[Any]:
    ours, attempts, outcomes = tables.postings.c, tables.attempts.c, tables.outcomes.c
    poster = (
        select(attempts.actor)
        .join(tables.outcomes, outcomes.attempt_id == attempts.id)
        .where(tables.of == ours.id, outcomes.outcome.in_(("posted", "found")))
        .order_by(attempts.id.desc())
        .limit(1)
        .correlate(tables.postings)
        .scalar_subquery()
    )
    kind, document, recognized, amount = what
    query = select(
        _constant(kind), _constant(document), ours.reference, ours.date, recognized, func.lower(ours.state),
        amount, ours.amount, ours.currency, ours.entity, ours.run_id, ours.record_no, ours.posted_at,
        case((ours.state == "POSTED", poster)), ours.error_no, ours.error, ours.advice, ours.not_before,
    )  # fmt: skip
    query = query.where(*conditions).order_by(ours.date, ours.id)
    return query.where(ours.state.in_(states)) if states else query


def _constant(value: Any) -> Any:
    return literal(value) if isinstance(value, str) else value


class RunRow(NamedTuple):
    """A run; ``entries`` counts those that it created, ``posted`` how many of them are posted by now."""

    run: int
    date: str
    started_at: str
    finished_at: str | None
    actor: str
    outcome: str | None
    entries: int
    posted: int


def run_rows(connection: Connection, filters: Filters) -> Iterator[RunRow]:
    """Yield the runs, the newest first; the days of the filters are the days that were run."""
    created = select(func.count()).select_from(journal_entry).where(journal_entry.c.run_id == posting_run.c.id)
    created = created.correlate(posting_run)
    query = select(
        posting_run.c.id, posting_run.c.date, posting_run.c.started_at, posting_run.c.finished_at,
        posting_run.c.actor, posting_run.c.outcome, created.scalar_subquery(),
        created.where(journal_entry.c.state == "POSTED").scalar_subquery(),
    ).where(*within(posting_run.c.date, filters)).order_by(posting_run.c.id.desc())  # fmt: skip
    whatever_day = _without_days(filters)
    if whatever_day != Filters():
        entries = select(journal_entry.c.run_id).where(*entry_conditions(whatever_day))
        invoices = select(invoice.c.run_id).where(*invoice_conditions(whatever_day))
        adjusting = select(adjusting_entry.c.run_id).where(*adjustment_conditions(whatever_day))
        query = query.where(posting_run.c.id.in_(union(entries, invoices, adjusting)))
    return map(RunRow._make, stream_rows(connection, query, BATCH))


class ChargeRow(NamedTuple):
    """A charge line with its newest schedule; amounts are in minor units.

    ``state`` is scheduled, unscheduled, closed, not revenue or void. ``posted`` is on posted entries that are not
    reversed, with the changes in Intacct that a person accepted; ``planned`` is on none yet, or on one that
    is not posted.
    """

    charge: str
    document: str
    customer: str
    item: str
    entity: str
    post_date: str
    amount: int
    currency: str
    state: str
    rule: str | None
    posted: int
    planned: int
    file: str
    row: int


def charge_rows(connection: Connection, filters: Filters) -> Iterator[ChargeRow]:
    """Yield the charge lines in the order in which they were imported; the days of the filters are post dates."""
    newest = select(func.max(schedule.c.version)).where(schedule.c.charge_no == charge_line.c.no)
    posted, planned, changes = _sum_of_lines(posted=True), _sum_of_lines(posted=False), _changes()
    query = (
        select(
            charge_line.c.id,
            charge_line.c.document,
            charge_line.c.customer,
            charge_line.c.item,
            charge_line.c.entity,
            charge_line.c.post_date,
            charge_line.c.amount,
            charge_line.c.currency,
            case(
                (~NOT_VOIDED, "void"),
                (~IS_REVENUE, "not revenue"),
                (unscheduled.c.code == CLOSED, CLOSED),
                (BILLS, "bills a contract"),
                (schedule.c.version.is_(None), "unscheduled"),
                else_="scheduled",
            ),
            func.coalesce(rule_version.c.name, unscheduled.c.rule),
            posted + func.coalesce(changes.c.amount, 0),
            planned,
            import_file.c.uri,
            charge_line.c.row,
        )
        .join(import_file, import_file.c.id == charge_line.c.import_id)
        .outerjoin(
            schedule,
            and_(
                schedule.c.charge_no == charge_line.c.no,
                schedule.c.version == newest.correlate(charge_line).scalar_subquery(),
            ),
        )
        .outerjoin(rule_version, rule_version.c.id == schedule.c.rule_version_id)
        .outerjoin(unscheduled, unscheduled.c.charge_no == charge_line.c.no)
        .outerjoin(changes, changes.c.charge_no == charge_line.c.no)
        .where(*charge_conditions(filters), *schedule_conditions(filters), *within(charge_line.c.post_date, filters))
        .order_by(charge_line.c.no)
    )
    return map(ChargeRow._make, stream_rows(connection, query, BATCH))


def _sum_of_lines(posted: bool) -> ColumnElement[int]:
    entry = select(journal_entry.c.id).where(journal_entry.c.id == schedule_line.c.entry_id).correlate(schedule_line)
    is_posted = exists(entry.where(journal_entry.c.state == "POSTED", ~IS_REVERSED_FOR_GOOD))
    is_done = exists(entry.where(journal_entry.c.state == "POSTED"))
    total = select(func.coalesce(func.sum(schedule_line.c.amount), 0)).where(
        schedule_line.c.charge_no == charge_line.c.no,
        schedule_line.c.superseded_by.is_(None),
        is_posted if posted else ~is_done,
    )
    return total.correlate(charge_line).scalar_subquery()


def _changes() -> Subquery:
    """Return by how much the ledger differs from the posted entries of each charge line."""
    amount = func.sum(ledger_change.c.amount).label("amount")
    query = select(ledger_change.c.charge_no, amount).where(IS_UNEXPLAINED)
    return query.group_by(ledger_change.c.charge_no).subquery()


def event_rows(connection: Connection, filters: Filters) -> Iterator[RecordedEvent]:
    """Yield the recorded events, the newest first; the filters select by the day of the event."""
    conditions = (
        *charge_conditions(filters),
        *schedule_conditions(filters),
        *within(fulfillment_event.c.date, filters),
    )
    query = recorded_events().where(*conditions).order_by(fulfillment_event.c.id.desc())
    return map(RecordedEvent._make, stream_rows(connection, query, BATCH))


class ImportRow(NamedTuple):
    """An imported file; ``rows`` counts its charge lines or events, ``quarantined`` the rows that were set aside."""

    id: int
    kind: str
    file: str
    mapping: str
    rows: int
    quarantined: int
    imported_at: str
    actor: str
    sha256: str


def import_rows(connection: Connection, filters: Filters) -> Iterator[ImportRow]:
    """Yield the imported files, the newest first; the filters compare the day of the import."""
    counts = [
        select(func.count()).where(table.c.import_id == import_file.c.id).correlate(import_file).scalar_subquery()
        for table in (charge_line, fulfillment_event, quarantine)
    ]
    file = import_file.c
    query = (
        select(
            file.id,
            file.kind,
            file.uri,
            file.mapping,
            counts[0] + counts[1],
            counts[2],
            file.imported_at,
            file.actor,
            file.sha256,
        )
        .where(*within(file.imported_at, filters))
        .order_by(file.id.desc())
    )
    whatever_day = _without_days(filters)
    if whatever_day != Filters():
        chosen = chosen_charges(whatever_day)
        lines = select(charge_line.c.import_id).where(charge_line.c.no.in_(chosen))
        events = select(fulfillment_event.c.import_id).where(fulfillment_event.c.charge_no.in_(chosen))
        query = query.where(file.id.in_(union(lines, events)))
    return map(ImportRow._make, stream_rows(connection, query, BATCH))


class AuditRow(NamedTuple):
    """An event of the audit trail; ``detail`` is JSON."""

    seq: int
    at: str
    actor: str
    command: str
    action: str
    subject: str
    detail: str


def audit_rows(connection: Connection, filters: Filters, subject: str | None, actor: str | None) -> Iterator[AuditRow]:
    """Yield the audit events, the newest first; the days of the filters are in UTC.

    With other filters, only events about the charge lines that they select: their imports, schedules and postings.
    ``actor`` is part of the actor's name.
    """
    event = audit_event.c
    query = select(*(event[name] for name in AuditRow._fields)).where(*within(event.at, filters))
    if subject is not None:
        query = query.where(event.subject == subject)
    if actor is not None:
        query = query.where(event.actor.contains(actor, autoescape=True))
    whatever_day = _without_days(filters)
    if whatever_day != Filters():
        query = query.where(_is_about(chosen_charges(whatever_day)))
    return map(AuditRow._make, stream_rows(connection, query.order_by(event.seq.desc()), BATCH))


def _is_about(chosen: Select[tuple[int]]) -> ColumnElement[bool]:
    """Return the condition that an audit event is about one of these charge lines."""
    lines = charge_line.c.no.in_(chosen)
    subjects = union(
        select(charge_line.c.id).where(lines),
        select(journal_entry.c.reference)
        .join(journal_line, journal_line.c.entry_id == journal_entry.c.id)
        .where(journal_line.c.charge_no.in_(chosen)),
        select(invoice.c.reference)
        .join(invoice_line, invoice_line.c.invoice_id == invoice.c.id)
        .where(invoice_line.c.charge_no.in_(chosen)),
    )
    sequences = union(
        select(schedule.c.audit_seq).where(schedule.c.charge_no.in_(chosen)),
        select(unscheduled.c.audit_seq).where(unscheduled.c.charge_no.in_(chosen)),
        select(import_file.c.audit_seq).join(charge_line, charge_line.c.import_id == import_file.c.id).where(lines),
    )
    return or_(audit_event.c.subject.in_(subjects), audit_event.c.seq.in_(sequences))


def _without_days(filters: Filters) -> Filters:
    return replace(filters, first=None, last=None)
