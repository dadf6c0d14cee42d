"""Query charge lines, price events, entries and invoices that are dated in a closed period and were stored later."""

from collections.abc import Collection, Iterator, Sequence
from datetime import date
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, Select, case, func, literal_column, null, select

from revrec.core.invoice import INVOICED
from revrec.core.pricing import PRICE_EVENT_KINDS
from revrec.store.charges import IN_BOOKS_FROM, IS_REVENUE
from revrec.store.posting.invoices import BILLED_ON
from revrec.store.posting.ledger_changes import ON_DEFERRED_SIDE, RECOGNIZED
from revrec.store.reports.in_ledger import KnownRows
from revrec.store.tables import (
    ORDERED,
    audit_event,
    charge_line,
    charge_void,
    event_withdrawal,
    fulfillment_event,
    import_file,
    invoice,
    invoice_line,
    journal_entry,
    journal_line,
    ledger_change,
    quarantine_outcome,
    revenue_status,
    schedule_line,
)

LINE, EVENT, ENTRY, LEDGER, INVOICE = "charge line", "event", "entry", "ledger", "invoice"
TAKEN_BACK, INVOICING, RULED = "taken back", "invoicing", "rules"
"""The kinds of late rows: also entries that were posted after the close, changes in Intacct that a person accepted,
charge lines and events that a person took back, lines of sources whose invoicing has changed since, and lines that a
rule with the method ``none`` has matched since, or no longer matches."""


class Closed(NamedTuple):
    """Days that are closed for some entities: until which day, what was known at the close, and the entities."""

    until: date
    known: KnownRows
    entities: Sequence[str]


class LateRow(NamedTuple):
    """Something that arrived after the close, about the charge line ``no``.

    ``number`` is the event, for an event. ``what`` is its kind and name, or the reference of an entry or invoice.
    ``account`` and ``amount`` (minor units) are what it recognizes; empty and 0 if it changes what is billed. ``file``
    and ``row`` are where it came from, None for what no file brought; ``note`` is a person's.
    """

    kind: str
    no: int
    date: str
    number: int
    what: str
    account: str
    amount: int
    file: str | None
    row: int | None
    note: str
    at: str
    actor: str


def late_rows(connection: Connection, closed: Closed, sources: Collection[str] = ()) -> Iterator[LateRow]:
    """Yield what arrived late, by kind, in the order of arrival; the invoicing of ``sources`` has changed since."""
    for kind, query in (
        (LINE, _lines(closed)),
        (EVENT, _events(closed)),
        (INVOICE, _invoices(closed)),
        (ENTRY, _entries(closed)),
        (LEDGER, _ledger(closed)),
        (TAKEN_BACK, _voided(closed)),
        (TAKEN_BACK, _withdrawn(closed)),
        *([(INVOICING, _of_sources(closed, sources))] if sources else ()),
        (RULED, _ruled(closed)),
    ):
        of_revenue = [] if kind == RULED else [IS_REVENUE]
        if kind not in (ENTRY, LEDGER):
            # Other lines bill a contract line: what changes of it does not change what is billed.
            of_revenue.append(~ORDERED)
        for row in connection.execute(query.where(charge_line.c.entity.in_(closed.entities), *of_revenue)):
            yield LateRow(kind, *row)


def _lines(closed: Closed) -> Select[Any]:
    line = charge_line.c
    at = func.coalesce(quarantine_outcome.c.at, import_file.c.imported_at)
    actor = func.coalesce(quarantine_outcome.c.actor, import_file.c.actor)
    return (
        select(line.no, IN_BOOKS_FROM, *_literals(0, "", "", 0), import_file.c.uri, line.row, *_literals(""), at, actor)
        .join(import_file, import_file.c.id == line.import_id)
        .outerjoin(quarantine_outcome, quarantine_outcome.c.charge == line.id)
        .where(line.no > closed.known.charge_no, closed.until.isoformat() >= IN_BOOKS_FROM)
        .order_by(line.no)
    )


def _events(closed: Closed) -> Select[Any]:
    event = fulfillment_event.c
    named = func.trim(event.kind + " " + event.name)
    said = (*_literals("", 0), import_file.c.uri, event.row, event.note, event.recorded_at, event.actor)
    return (
        select(event.charge_no, event.date, event.id, named, *said)
        .join(charge_line, charge_line.c.no == event.charge_no)
        .outerjoin(import_file, import_file.c.id == event.import_id)
        .where(event.id > closed.known.event_id, event.date <= closed.until.isoformat())
        .where(event.kind.in_(PRICE_EVENT_KINDS))
        .order_by(event.id)
    )


def _invoices(closed: Closed) -> Select[Any]:
    said = (*_literals("", 0, None, None, ""), invoice.c.posted_at, *_literals(""))
    return (
        select(invoice_line.c.charge_no, BILLED_ON, *_literals(0), invoice.c.reference, *said)
        .join(invoice, invoice.c.id == invoice_line.c.invoice_id)
        .join(charge_line, charge_line.c.no == invoice_line.c.charge_no)
        .where(invoice.c.kind.in_(INVOICED), *_posted_late(invoice, closed, BILLED_ON))
        .order_by(invoice.c.id)
    )


def _entries(closed: Closed) -> Select[Any]:
    said = (*_literals(None, None, ""), journal_entry.c.posted_at, *_literals(""))
    amount = (journal_line.c.account, RECOGNIZED)
    return (
        select(journal_line.c.charge_no, journal_entry.c.date, *_literals(0), journal_entry.c.reference, *amount, *said)
        .select_from(journal_entry)
        .join(journal_line, journal_line.c.entry_id == journal_entry.c.id)
        .join(schedule_line, ON_DEFERRED_SIDE)
        .join(charge_line, charge_line.c.no == journal_line.c.charge_no)
        .where(*_posted_late(journal_entry, closed))
        .order_by(journal_entry.c.id)
    )


def _ledger(closed: Closed) -> Select[Any]:
    change = ledger_change.c
    said = (*_literals(None, None), change.finding, audit_event.c.at, audit_event.c.actor)
    return (
        select(
            change.charge_no,
            change.date,
            *_literals(0),
            func.coalesce(journal_entry.c.reference, change.part),
            change.account,
            change.amount,
            *said,
        )
        .outerjoin(journal_entry, journal_entry.c.id == change.entry_id)
        .join(charge_line, charge_line.c.no == change.charge_no)
        .join(audit_event, audit_event.c.seq == change.audit_seq)
        .where(change.audit_seq > closed.known.audit_seq, change.date <= closed.until.isoformat())
        .order_by(change.id)
    )


def _voided(closed: Closed) -> Select[Any]:
    line, void = charge_line.c, charge_void.c
    said = (*_literals(0, "void", "", 0, None, None), void.reason, void.at, void.actor)
    return (
        select(line.no, IN_BOOKS_FROM, *said)
        .join(charge_void, void.charge_no == line.no)
        .where(void.audit_seq > closed.known.audit_seq, line.no <= closed.known.charge_no)
        .where(closed.until.isoformat() >= IN_BOOKS_FROM)
        .order_by(line.no)
    )


def _of_sources(closed: Closed, sources: Collection[str]) -> Select[Any]:
    line = charge_line.c
    said = (*_literals(0, INVOICING, "", 0, None, None), line.source, *_literals("", ""))
    return (
        select(line.no, line.post_date, *said)
        .where(
            line.source.in_(sources),
            line.cutover.is_(None),
            line.no <= closed.known.charge_no,
            line.post_date <= closed.until.isoformat(),
        )
        .order_by(line.no)
    )


def _ruled(closed: Closed) -> Select[Any]:
    line, status = charge_line.c, revenue_status.c
    what = case((status.is_revenue == 1, "revenue again"), else_="not revenue")
    said = (*_literals(0), what, *_literals("", 0, None, None, ""), audit_event.c.at, audit_event.c.actor)
    return (
        select(line.no, IN_BOOKS_FROM, *said)
        .join(revenue_status, status.charge_no == line.no)
        .join(audit_event, audit_event.c.seq == status.audit_seq)
        .where(status.audit_seq > closed.known.audit_seq, line.no <= closed.known.charge_no)
        .where(closed.until.isoformat() >= IN_BOOKS_FROM)
        .order_by(line.no, status.audit_seq)
    )


def _withdrawn(closed: Closed) -> Select[Any]:
    event, gone = fulfillment_event.c, event_withdrawal.c
    said = (*_literals("", 0, None, None), gone.reason, gone.at, gone.actor)
    return (
        select(event.charge_no, event.date, event.id, literal_column("'withdrawn '") + event.kind, *said)
        .join(charge_line, charge_line.c.no == event.charge_no)
        .join(event_withdrawal, gone.event_id == event.id)
        .where(gone.audit_seq > closed.known.audit_seq)
        .where(event.kind.in_(PRICE_EVENT_KINDS), event.date <= closed.until.isoformat())
        .order_by(event.id)
    )


def _literals(*values: Any) -> Iterator[Any]:
    """Return values as columns, for what a kind does not have."""
    return (null() if value is None else literal_column(repr(value)) for value in values)


def _posted_late(
    posting: Any, closed: Closed, day: ColumnElement[str] | None = None
) -> tuple[ColumnElement[bool], ...]:
    columns = posting.c
    within = (columns.date if day is None else day) <= closed.until.isoformat()
    return columns.state == "POSTED", within, columns.posted_at > closed.known.at
