"""Invoices: the documents that are due, written together with their lines, read by number and by state."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from itertools import groupby
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, and_, case, exists, func, insert, or_, select, tuple_

from revrec.core.invoice import BY_HAND, CREDITS, SALES_ORDER, BilledLine, Invoice, InvoiceLine, InvoiceRequest
from revrec.core.posting import RELEASED
from revrec.core.rules.costs import COST_MARK, INTEREST_MARK
from revrec.store.audit import AuditStamp, canonical, record
from revrec.store.bulk import insert_rows, next_number
from revrec.store.charges import LINE_COLUMNS, NOT_VOIDED, charge_from_row, dimensions_of, dimensions_text
from revrec.store.digests import RowDigest, digest_rows, digest_texts, row_text, sha256
from revrec.store.posting.posting_tables import PostingProgress, PostingTables
from revrec.store.posting.postings import RejectedPosting, rejected_posting
from revrec.store.tables import (
    ORDERED,
    billing_line,
    charge_line,
    invoice,
    invoice_attempt,
    invoice_attempt_failure,
    invoice_attempt_outcome,
    invoice_line,
    not_invoiced,
    rule_version,
    schedule,
)

INVOICE_TABLES = PostingTables("invoice", invoice, invoice_attempt, invoice_attempt_outcome, invoice_attempt_failure)
"""The tables of invoices and of the attempts to post them."""

_LINE_COLUMNS = tuple(column.name for column in invoice_line.columns)
_HEAD = ("kind", "source", "document", "number", "definition", "customer", "entity", "currency", "term")
SOLD = charge_line.c.line.not_like(f"%{COST_MARK}%")
"""The condition that a customer bought a charge line, and that it is not the cost of one."""
IS_INTEREST = charge_line.c.line.contains(INTEREST_MARK, autoescape=True)
"""The condition that a charge line is the interest of another one."""
TO_INVOICE = and_(
    SOLD,
    NOT_VOIDED,
    ~ORDERED,
    charge_line.c.cutover.is_(None),
    ~exists(select(not_invoiced.c.charge_no).where(not_invoiced.c.charge_no == charge_line.c.no)),
)
"""The condition that a charge line can be on an invoice: it was not billed before a cutover, and no person voided it or
decided not to invoice it. A contract line is billed by other lines, which are on invoices."""
BILLED_ON = case((invoice.c.kind == BY_HAND, charge_line.c.post_date), else_=invoice.c.date)
"""The day on which an invoice bills a charge line. A person can have entered several documents for one of ours."""


@dataclass(frozen=True)
class StoredInvoice(PostingProgress):
    """A stored invoice: the progress of its posting, and its content."""

    invoice: Invoice

    @property
    def reference(self) -> str:
        """The invoice's reference in this database."""
        return self.invoice.reference

    @property
    def control_id(self) -> str:
        """The control id under which it is sent."""
        return self.invoice.control_id


def due_documents(
    connection: Connection, wishes: Mapping[str, InvoiceRequest], until: date, given_back: Collection[int] = ()
) -> Iterator[list[BilledLine]]:
    """Yield, document by document, the charge lines that are to be invoiced until a day and are on no live invoice.

    ``wishes`` says which sources want invoices. Lines on the rejected invoices ``given_back`` count as free. If other
    lines of the document are on a live invoice, each line has its number in ``on``.
    """
    if not wishes:
        return
    on = _live(given_back)
    of = (charge_line.c.source, charge_line.c.document)
    asked = [_asked(source, wish) for source, wish in wishes.items()]
    its_day = charge_line.c.post_date <= until.isoformat()
    due = select(*of).where(or_(*asked), its_day, on.is_(None), TO_INVOICE).distinct()
    ordered = (
        select(billing_line.c.ordered_no).where(billing_line.c.charge_no == charge_line.c.no).correlate(charge_line)
    ).scalar_subquery()
    # A schedule that was ended, as by the method none, debits no account any more.
    deferred = (
        select(case((schedule.c.amount != 0, rule_version.c.deferred)))
        .join(schedule, schedule.c.rule_version_id == rule_version.c.id)
        .where(schedule.c.charge_no == func.coalesce(ordered, charge_line.c.no))
        .order_by(schedule.c.version.desc())
        .limit(1)
        .scalar_subquery()
    )
    query = select(*LINE_COLUMNS, on.label("on_document"), deferred.label("deferred"), charge_line.c.no)
    query = query.where(tuple_(*of).in_(due), TO_INVOICE).order_by(*of, charge_line.c.no)
    for _document, rows in groupby(connection.execute(query), key=lambda row: (row.source, row.document)):
        lines = [(row.on_document, BilledLine(row.no, charge_from_row(row), row.deferred or "")) for row in rows]
        known = next((number for number, _line in lines if number), "")
        yield [line._replace(on=known) for number, line in lines if number is None]


def _asked(source: str, wish: InvoiceRequest) -> ColumnElement[bool]:
    its_own = charge_line.c.source == source
    return its_own if wish.since is None else and_(its_own, charge_line.c.post_date >= wish.since.isoformat())


def _live(given_back: Collection[int]) -> Any:
    """Return the number of the live invoice of a charge line, as a subquery; null without one."""
    mine = invoice_line.c.charge_no == charge_line.c.no
    live = invoice.c.state.not_in(RELEASED) & invoice.c.id.not_in(given_back) & invoice.c.kind.not_in(CREDITS)
    query = select(func.min(invoice.c.number)).join(invoice_line, invoice_line.c.invoice_id == invoice.c.id)
    return query.where(mine, live).correlate(charge_line).scalar_subquery()


def live_invoice(connection: Connection, no: int) -> str | None:
    """Return the reference of the live order or invoice of a charge line; None without one."""
    query = select(func.min(invoice.c.reference)).join(invoice_line, invoice_line.c.invoice_id == invoice.c.id)
    return connection.execute(query.where(invoice_line.c.charge_no == no, invoice.c.state.not_in(RELEASED))).scalar()


def orders_to_convert(connection: Connection, given_back: Collection[int] = ()) -> list[int]:
    """Return the posted orders without a live invoice, oldest first."""
    made = invoice.alias()
    live = made.c.state.not_in(RELEASED) & made.c.id.not_in(given_back)
    query = select(invoice.c.id).where(invoice.c.kind == SALES_ORDER, invoice.c.state == "POSTED")
    without = ~select(made.c.id).where(made.c.after_id == invoice.c.id, live).exists()
    return list(connection.execute(query.where(without).order_by(invoice.c.date, invoice.c.id)).scalars())


def rejected_from_order(connection: Connection, order: int) -> list[int]:
    """Return the rejected invoices that were to be made from an order."""
    query = select(invoice.c.id).where(invoice.c.after_id == order, invoice.c.state == "REJECTED")
    return list(connection.execute(query).scalars())


def charges_on_invoices(connection: Connection, numbers: Collection[int]) -> dict[int, int]:
    """Return the charge lines on these invoices, each with the invoice's number."""
    query = select(invoice_line.c.charge_no, invoice_line.c.invoice_id)
    found = connection.execute(query.where(invoice_line.c.invoice_id.in_(numbers)))
    return {row.charge_no: row.invoice_id for row in found}


def count_earlier_invoices(connection: Connection, kind: str, source: str, document: str) -> int:
    """Count the earlier invoices of a kind for a document."""
    same = (invoice.c.kind == kind, invoice.c.source == source, invoice.c.document == document)
    return int(connection.execute(select(func.count()).select_from(invoice).where(*same)).scalar_one())


def add_invoice(connection: Connection, run: int, made: Invoice, who: AuditStamp, after_id: int | None = None) -> int:
    """Store an invoice as READY with its lines, before anything is sent; return its number.

    Triggers check that it has the amounts of its charge lines, and that no charge line is on two live invoices.
    """
    number = next_number(connection, invoice.c.id)
    stored = [(number, *_line_row(line)) for line in made.lines]
    insert_rows(connection, invoice_line, _LINE_COLUMNS, stored)
    texts = list(map(row_text, stored))
    content = {name: getattr(made, name) for name in _HEAD} | {"date": made.date.isoformat(), "after_id": after_id}
    shown = {**content, "amount": made.amount, "lines": len(made.lines), "content_hash": content_hash(made)}
    names = {"id": number, "reference": made.reference, "control_id": made.control_id}
    values = {**shown, **names, "run_id": run, "created_at": who.at, "state": "READY"}
    sealed = connection.execute(insert(invoice).values(values).returning(*invoice.c)).one()
    digests = [digest_rows(invoice, [sealed]), digest_texts("invoice_line", [(number, number)], texts)]
    record(connection, who, "invoice created", made.reference, shown, digests)
    return number


def _line_row(line: InvoiceLine) -> tuple[Any, ...]:
    """Return an invoice line as a row of its table without the invoice."""
    return (
        line.line_no,
        line.charge,
        line.charge_no,
        line.item,
        line.description,
        line.quantity,
        line.price,
        line.amount,
        line.account,
        line.memo,
        dimensions_text(line.dimensions),
    )


def _read_line(row: Row[Any]) -> InvoiceLine:
    return InvoiceLine(
        line_no=row.line_no,
        charge=row.charge,
        charge_no=row.charge_no,
        item=row.item,
        description=row.description,
        quantity=row.quantity,
        price=row.price,
        amount=row.amount,
        account=row.account,
        memo=row.memo,
        dimensions=dimensions_of(row.dimensions),
    )


def content_hash(made: Invoice) -> str:
    """Return the SHA-256 of everything that Intacct gets of the invoice: its head, and its lines."""
    head = [getattr(made, name) for name in _HEAD] + [made.date.isoformat(), made.after]
    lines = [row_text(_line_row(line)) for line in made.lines]
    return sha256([canonical(head), *lines])


def load_invoice(connection: Connection, number: int) -> StoredInvoice:
    """Return one invoice by its number, with its lines."""
    row = INVOICE_TABLES.head(connection, number)
    order = INVOICE_TABLES.head(connection, row.after_id).record_no if row.after_id is not None else ""
    query = select(invoice_line).where(invoice_line.c.invoice_id == number).order_by(invoice_line.c.line_no)
    lines = tuple(_read_line(line) for line in connection.execute(query))
    head = {name: getattr(row, name) for name in _HEAD}
    day = date.fromisoformat(row.date)
    whole = Invoice(**head, reference=row.reference, control_id=row.control_id, date=day, lines=lines, after=order)
    return StoredInvoice(**vars(INVOICE_TABLES.progress(connection, row)), invoice=whole)


def numbers_in(connection: Connection, *states: str, until: date | None = None) -> list[int]:
    """Return the numbers of the invoices in these states, oldest date first; ``until`` limits the date."""
    query = select(invoice.c.id).where(invoice.c.state.in_(states)).order_by(invoice.c.date, invoice.c.id)
    if until is not None:
        query = query.where(invoice.c.date <= until.isoformat())
    return list(connection.execute(query).scalars())


def numbers_dated(
    connection: Connection, states: Collection[str], start: date, end: date, entity: str | None = None
) -> list[int]:
    """Return the invoices and credit memos in these states that are dated in a range, without orders, oldest first."""
    within = invoice.c.date.between(start.isoformat(), end.isoformat())
    query = select(invoice.c.id).where(invoice.c.state.in_(list(states)), invoice.c.kind != SALES_ORDER, within)
    if entity is not None:
        query = query.where(invoice.c.entity == entity)
    return list(connection.execute(query.order_by(invoice.c.date, invoice.c.id)).scalars())


def keys_known(connection: Connection, keys: Collection[str]) -> set[str]:
    """Return which of these keys of Intacct are on orders, invoices or credit memos here."""
    query = select(invoice.c.record_no).where(invoice.c.record_no.in_(list(keys)))
    return {key for key in connection.execute(query).scalars() if key}


def documents_of_source(connection: Connection, source: str, documents: Collection[str]) -> set[str]:
    """Return which of these documents of a source have charge lines here."""
    query = select(charge_line.c.document).where(charge_line.c.document.in_(list(documents)))
    return set(connection.execute(query.where(charge_line.c.source == source).distinct()).scalars())


def document_with_number(connection: Connection, made: Invoice) -> str:
    """Return another document (source/document) whose live invoice of this kind has this number; empty without."""
    ours = invoice.c
    other = or_(ours.source != made.source, ours.document != made.document)
    query = select(ours.source + "/" + ours.document).where(ours.number == made.number, ours.kind == made.kind, other)
    return connection.execute(query.where(ours.state.not_in(RELEASED)).limit(1)).scalar() or ""


def leave_uninvoiced(connection: Connection, no: int, reason: str, who: AuditStamp, audit_seq: int) -> RowDigest:
    """Store that a charge line is never invoiced, for a reason."""
    row = (no, reason, who.at, who.actor, audit_seq)
    insert_rows(connection, not_invoiced, not_invoiced.columns.keys(), [row])
    return digest_rows(not_invoiced, [row])


def rejected_invoices(connection: Connection, until: date) -> list[RejectedPosting]:
    """Return the rejected invoices dated on or before a day, oldest first."""
    last = INVOICE_TABLES.last_answered()
    query = (
        select(
            invoice.c.id, invoice_attempt_failure, last.label("sent"), INVOICE_TABLES.absent_after(last).label("absent")
        )
        .select_from(invoice)
        .outerjoin(invoice_attempt_failure, invoice_attempt_failure.c.attempt_id == last)
        .where(invoice.c.state == "REJECTED", invoice.c.date <= until.isoformat())
        .order_by(invoice.c.date, invoice.c.id)
    )
    return [rejected_posting(row) for row in connection.execute(query)]


def count_rejections(connection: Connection, number: int) -> int:
    """Count how often this document was rejected with the same error, since a person last canceled an invoice of it."""
    this, other = invoice.alias("this"), invoice.alias("other")
    given_up = invoice.alias("given_up")
    same = (other.c.kind == this.c.kind) & (other.c.source == this.c.source) & (other.c.document == this.c.document)
    canceled = (
        select(func.coalesce(func.max(given_up.c.id), 0))
        .where(given_up.c.kind == this.c.kind, given_up.c.source == this.c.source)
        .where(given_up.c.document == this.c.document, given_up.c.state == "CANCELED")
        .scalar_subquery()
    )
    query = (
        select(func.count())
        .select_from(this.join(other, same))
        .where(this.c.id == number, other.c.state.in_(("REJECTED", "REPLACED")))
        .where(other.c.error == this.c.error, other.c.id > canceled)
    )
    return int(connection.execute(query).scalar_one())


def release_charges(
    connection: Connection, number: int, who: AuditStamp, old: str = "REJECTED", new: str = "REPLACED", reason: str = ""
) -> None:
    """Release the charge lines of a rejected or canceled invoice, so that they can go on one with a new reference."""
    INVOICE_TABLES.change_state(connection, number, old, new, who, reason=reason)
