"""The whole history of a charge line, an entry or a file, for ``revrec trace``."""

import json
from collections.abc import Sequence
from typing import Any, NamedTuple, TypedDict, TypeVar, cast

from sqlalchemy import ColumnElement, Connection, Select, case, func, literal, or_, select

from revrec.store.charges import is_cost_of
from revrec.store.posting.entries import sent_line_no
from revrec.store.posting.posting_tables import PostingTables
from revrec.store.tables import (
    audit_event,
    billing_line,
    charge_change,
    charge_line,
    entry_date_override,
    event_withdrawal,
    fulfillment_event,
    historical_part,
    import_file,
    invoice,
    invoice_line,
    journal_entry,
    journal_line,
    price_change,
    repair_version,
    repaired_value,
    rule_version,
    same_line,
    same_version,
    schedule,
    schedule_allocation,
    schedule_line,
    schedule_wait,
    schedule_words,
    summary_line,
    take_back_line,
    unscheduled,
)


class ChargeRecord(NamedTuple):
    """A charge line as it was imported; ``amount`` in minor units, ``dimensions`` as JSON."""

    no: int
    id: str
    source: str
    document: str
    line: str
    customer: str
    item: str
    post_date: str
    amount: int
    currency: str
    rev_rec_date: str | None
    description: str
    quantity: str | None
    service_start: str | None
    service_end: str | None
    entity: str
    credits: str
    recognized_before: int
    cutover: str | None
    bills: str
    dimensions: str
    import_id: int
    row: int


class ImportRecord(NamedTuple):
    """An imported file; ``size`` in bytes, ``source`` the name of the source that it was fetched from, if any."""

    id: int
    uri: str
    sha256: str
    size: int
    mapping: str
    source: str
    imported_at: str
    actor: str


class FulfillmentRecord(NamedTuple):
    """A fulfillment event; ``amount`` in minor units. One recorded by hand has no ``import_id`` and no ``row``.

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
    amount: int | None
    import_id: int | None
    withdrawn_at: str | None
    withdrawn_by: str | None
    withdrawn_for: str | None


class ScheduleRecord(NamedTuple):
    """A version of a schedule with the rule version that it follows; amounts in minor units.

    ``posted`` is the amount on earlier versions' entries, ``waiting`` the amount without a date, and ``waits_for`` the
    reason. ``price_change`` and ``allocated`` are what this version adds to the price. ``lines`` counts posted lines
    too. ``at``, ``actor`` and ``command`` are of the audit event ``audit_seq``.
    """

    version: int
    amount: int
    posted: int
    lines: int
    explanation: str
    audit_seq: int
    waiting: int | None
    waits_for: str | None
    price_change: int | None
    price_reason: str | None
    allocated: int | None
    name: str
    rule_version: int
    text: str
    sha256: str
    file: str
    method: str
    deferred: str
    accrued: str
    journal: str
    options: str
    at: str
    actor: str
    command: str


class ScheduleLineRecord(NamedTuple):
    """A schedule line (``amount`` in minor units) with its entry, if it is on one.

    ``reason`` is why the entry is dated with a day other than the line's. ``deferred`` and ``accrued`` are None unless
    the line takes back what another rule version posted to these accounts.
    """

    charge_no: int
    version: int
    seq: int
    date: str
    amount: int
    superseded_by: int | None
    reference: str | None
    state: str | None
    record_no: str | None
    entry_date: str | None
    reason: str | None
    deferred: str | None
    accrued: str | None


class UnscheduledRecord(NamedTuple):
    """The reason why a charge line has no schedule, with the rule that it waits for, if there is one."""

    code: str
    reason: str
    rule: str | None


class EntryRecord(NamedTuple):
    """A journal entry and its posting state; ``amount`` in minor units.

    ``recognition_date`` and ``reason`` are None if the entry has the date of its schedule lines.
    """

    id: int
    reference: str
    control_id: str
    date: str
    journal: str
    entity: str
    title: str
    created_at: str
    posted_at: str | None
    record_no: str | None
    state: str
    currency: str
    amount: int
    error_no: str | None
    error: str | None
    advice: str | None
    content_hash: str
    recognition_date: str | None
    reason: str | None


class EntryLineRecord(NamedTuple):
    """A line of an entry as Intacct has it, with the number of its schedule lines; or one charge line's part of it.

    ``amount`` is in minor units, in the currency of the entry. A line of several schedule lines has no document.
    """

    line_no: int
    side: str
    account: str
    document: str
    memo: str
    amount: int
    schedule_lines: int


class LinePartRecord(NamedTuple):
    """A schedule line that a line of an entry adds up: part ``seq`` of ``of`` of its charge line.

    ``date`` is the day of recognition, and ``amount`` is in minor units, positive on either side.
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
    amount: int


class RepairedValueTrace(NamedTuple):
    """A value that a repair replaced on the journal lines of one schedule line: ``version`` and ``seq``."""

    repair: str
    repair_version: int
    version: int
    seq: int
    side: str
    field: str
    before: str | None
    after: str | None


class RepairTrace(NamedTuple):
    """A version of a repair, with its exact text and the file that it came from."""

    name: str
    version: int
    text: str
    file: str


AttemptTrace = TypedDict(
    "AttemptTrace",
    {
        "number": int,
        "kind": str,
        "at": str,
        "actor": str,
        "control_id": str,
        "request": str,
        "answered_at": str | None,
        "outcome": str | None,
        "failure": str | None,
        "class": str | None,
        "http_status": int | None,
        "record_no": str | None,
        "error": str | None,
        "response": str | None,
    },
)
"""A request for an entry or an invoice, with its answer, if one came, as its JSON has it.

``failure`` and ``class`` are from the error catalog. It is a TypedDict because ``class`` cannot name a field otherwise.
"""


class InvoiceRecord(NamedTuple):
    """An order or invoice with its posting state and the line of one charge line; amounts in minor units."""

    id: int
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
    state: str
    currency: str
    amount: int
    lines: int
    error_no: str | None
    error: str | None
    advice: str | None
    content_hash: str
    line_no: int
    item: str
    quantity: str
    price: str
    account: str
    memo: str
    line_amount: int


class AuditTrace(NamedTuple):
    """An event of the audit trail; ``hash`` seals it together with ``previous_hash``."""

    seq: int
    at: str
    actor: str
    command: str
    action: str
    subject: str
    detail: Any
    previous_hash: str
    hash: str


R = TypeVar("R", bound=NamedTuple)

MOST_CHARGES = 10_000
"""The most charge lines that one trace shows; of a file with more, only the counts are shown."""


def charges_of(connection: Connection, reference: str) -> list[int]:
    """Return the charge lines that a user may mean by a reference.

    It may be a charge id, the reference of an entry or an invoice, an Intacct record number or DOCID, a document, or an
    imported file (its name as it was passed, or its SHA-256). A charge id also matches the costs of the line. A record
    number that is also a document's name matches both. A line that bills a contract line also matches the contract
    line, which has its schedule and entries. Files are only searched if nothing else matches.
    """
    own = select(charge_line.c.no).where(charge_line.c.id == reference)
    cost = charge_line.alias("cost")
    beside = (
        select(cost.c.no)
        .join(charge_line, (cost.c.source == charge_line.c.source) & (cost.c.document == charge_line.c.document))
        .where(charge_line.c.id == reference, is_cost_of(reference, cost))
    )
    on_entry = (
        select(journal_line.c.charge_no)
        .join(journal_entry, journal_entry.c.id == journal_line.c.entry_id)
        .where(or_(journal_entry.c.reference == reference, journal_entry.c.record_no == reference))
    )
    on_document = select(charge_line.c.no).where(charge_line.c.document == reference)
    key = (invoice.c.reference, invoice.c.record_no, invoice.c.number)
    on_invoice = (
        select(invoice_line.c.charge_no)
        .join(invoice, invoice.c.id == invoice_line.c.invoice_id)
        .where(or_(*(column == reference for column in key)))
    )
    on_contract = (
        select(billing_line.c.ordered_no.label("no"))
        .join(charge_line, charge_line.c.no == billing_line.c.charge_no)
        .where(or_(charge_line.c.id == reference, charge_line.c.document == reference))
    )
    in_file = (
        select(charge_line.c.no)
        .join(import_file, import_file.c.id == charge_line.c.import_id)
        .where(or_(import_file.c.uri == reference, import_file.c.sha256 == reference))
    )
    by_file = (
        select(charge_change.c.charge_no)
        .join(import_file, import_file.c.id == charge_change.c.import_id)
        .where(or_(import_file.c.uri == reference, import_file.c.sha256 == reference))
    )
    found = _numbers(connection, own, beside, on_entry, on_document, on_invoice, on_contract)
    return found or _numbers(connection, in_file, by_file)


def _numbers(connection: Connection, *queries: Select[int]) -> list[int]:
    found: dict[int, None] = {}
    for query in queries:
        ordered = query.distinct().order_by(query.selected_columns[0]).limit(MOST_CHARGES)
        found.update(dict.fromkeys(connection.execute(ordered).scalars()))
    return list(found)[:MOST_CHARGES]


def charge(connection: Connection, no: int) -> ChargeRecord:
    """Return the charge line as it was imported."""
    return _one(connection, select(charge_line).where(charge_line.c.no == no), ChargeRecord)


def source(connection: Connection, import_id: int) -> ImportRecord:
    """Return the file that a charge line or event came from."""
    return _one(connection, select(import_file).where(import_file.c.id == import_id), ImportRecord)


def events(connection: Connection, no: int) -> list[FulfillmentRecord]:
    """Return the fulfillment events of a charge line, in the order of recording."""
    gone = event_withdrawal.c
    withdrawn = (gone.at.label("withdrawn_at"), gone.actor.label("withdrawn_by"), gone.reason.label("withdrawn_for"))
    query = (
        select(fulfillment_event, *withdrawn)
        .outerjoin(event_withdrawal, gone.event_id == fulfillment_event.c.id)
        .where(fulfillment_event.c.charge_no == no)
    )
    return _all(connection, query.order_by(fulfillment_event.c.id), FulfillmentRecord)


def schedules(connection: Connection, no: int) -> list[ScheduleRecord]:
    """Return every version of the schedule, oldest first, with its rule version, actor and time."""
    query = (
        select(
            schedule,
            schedule_words.c.explanation,
            schedule_wait.c.amount.label("waiting"),
            schedule_wait.c.reason.label("waits_for"),
            price_change.c.amount.label("price_change"),
            schedule_words.c.price_reason,
            schedule_allocation.c.amount.label("allocated"),
            rule_version.c.name,
            rule_version.c.version.label("rule_version"),
            *(
                rule_version.c[name]
                for name in ("text", "sha256", "file", "method", "deferred", "accrued", "journal", "options")
            ),
            audit_event.c.at,
            audit_event.c.actor,
            audit_event.c.command,
        )
        .join(rule_version, rule_version.c.id == schedule.c.rule_version_id)
        .join(schedule_words, same_version(schedule_words, schedule))
        .outerjoin(schedule_wait, same_version(schedule_wait, schedule))
        .outerjoin(price_change, same_version(price_change, schedule))
        .outerjoin(schedule_allocation, same_version(schedule_allocation, schedule))
        .join(audit_event, audit_event.c.seq == schedule.c.audit_seq)
        .where(schedule.c.charge_no == no)
        .order_by(schedule.c.version)
    )
    return _all(connection, query, ScheduleRecord)


def schedule_lines(connection: Connection, no: int) -> list[ScheduleLineRecord]:
    """Return the schedule lines of all versions, each with its entry, if it is on one."""
    on_entry = (journal_entry.c[name] for name in ("reference", "state", "record_no"))
    query = (
        select(schedule_line, *on_entry, journal_entry.c.date.label("entry_date"), entry_date_override.c.reason)
        .add_columns(rule_version.c.deferred, rule_version.c.accrued)
        .outerjoin(take_back_line, same_line(take_back_line, schedule_line))
        .outerjoin(rule_version, rule_version.c.id == take_back_line.c.rule_version_id)
        .outerjoin(journal_entry, journal_entry.c.id == schedule_line.c.entry_id)
        .outerjoin(entry_date_override, entry_date_override.c.entry_id == journal_entry.c.id)
        .where(schedule_line.c.charge_no == no)
        .order_by(schedule_line.c.version, schedule_line.c.seq)
    )
    return _all(connection, query, ScheduleLineRecord)


class HistoricalRecord(NamedTuple):
    """A part that was recognized before the cutover of its charge line; ``amount`` in minor units."""

    seq: int
    date: str
    amount: int


def historical(connection: Connection, no: int) -> list[HistoricalRecord]:
    """Return the parts of a charge line before its cutover."""
    query = select(historical_part).where(historical_part.c.charge_no == no).order_by(historical_part.c.seq)
    return _all(connection, query, HistoricalRecord)


def waiting(connection: Connection, no: int) -> UnscheduledRecord | None:
    """Return why the charge line has no schedule; None if it has one."""
    found = _all(connection, select(unscheduled).where(unscheduled.c.charge_no == no), UnscheduledRecord)
    return found[0] if found else None


def entries(connection: Connection, no: int) -> list[EntryRecord]:
    """Return every entry that the charge line was ever on, rejected ones too, oldest first."""
    numbers = select(journal_line.c.entry_id).where(journal_line.c.charge_no == no)
    return _entries(connection, journal_entry.c.id.in_(numbers))


def entries_named(connection: Connection, reference: str) -> list[EntryRecord]:
    """Return the entries with this reference or Intacct record number, oldest first."""
    return _entries(connection, or_(journal_entry.c.reference == reference, journal_entry.c.record_no == reference))


def _entries(connection: Connection, condition: ColumnElement[bool]) -> list[EntryRecord]:
    query = (
        select(journal_entry, entry_date_override.c.recognition_date, entry_date_override.c.reason)
        .outerjoin(entry_date_override, entry_date_override.c.entry_id == journal_entry.c.id)
        .where(condition)
    )
    return _all(connection, query.order_by(journal_entry.c.id), EntryRecord)


def entry_lines(connection: Connection, entry_id: int, no: int | None) -> list[EntryLineRecord]:
    """Return the parts of one charge line in the lines of one entry, or all lines of the entry (None)."""
    if no is None:
        count = (summary_line.c.last - summary_line.c.first + 1) // 2
        summary = select(summary_line, literal("").label("document"), count.label("schedule_lines"))
        summary = summary.where(summary_line.c.entry_id == entry_id).order_by(summary_line.c.line_no)
        found = _all(connection, summary, EntryLineRecord)
        if found:
            return found
    names = [journal_line.c[name] for name in ("side", "account", "document", "memo", "amount")]
    query = select(sent_line_no.label("line_no"), *names, literal(1).label("schedule_lines"))
    query = query.where(journal_line.c.entry_id == entry_id)
    if no is not None:
        query = query.where(journal_line.c.charge_no == no)
    return _all(connection, query.order_by(journal_line.c.line_no), EntryLineRecord)


def line_parts(connection: Connection, entry_id: int, line_no: int) -> list[LinePartRecord]:
    """Return the schedule lines that a line of an entry adds up, in their order on the entry."""
    query = (
        select(
            *(journal_line.c[name] for name in ("charge", "document", "customer", "item")),
            rule_version.c.name.label("rule"),
            rule_version.c.version.label("rule_version"),
            journal_line.c.seq,
            schedule.c.lines.label("of"),
            *(schedule_line.c.date, journal_line.c.memo, journal_line.c.amount),
        )
        .join(schedule, same_version(schedule, journal_line))
        .join(schedule_line, same_line(schedule_line, journal_line))
        .join(rule_version, rule_version.c.id == schedule_line.c.rule_version_id)
        .where(journal_line.c.entry_id == entry_id, sent_line_no == line_no)
        .order_by(journal_line.c.line_no)
    )
    return _all(connection, query, LinePartRecord)


class AccountSumRecord(NamedTuple):
    """The debits and credits of an entry on one account, in minor units of its currency."""

    account: str
    debit: int
    credit: int


def account_sums(connection: Connection, entry_id: int) -> list[AccountSumRecord]:
    """Return the sums of an entry by account, in order of account."""
    sides = [
        func.sum(case((journal_line.c.side == side, journal_line.c.amount), else_=0)).label(side)
        for side in ("debit", "credit")
    ]
    query = select(journal_line.c.account, *sides).where(journal_line.c.entry_id == entry_id)
    found = connection.execute(query.group_by(journal_line.c.account).order_by(journal_line.c.account))
    # PostgreSQL sums whole numbers as decimals.
    return [AccountSumRecord(account, int(debit), int(credit)) for account, debit, credit in found]


def count_charges(connection: Connection, entry_id: int) -> int:
    """Return how many charge lines are on an entry."""
    query = select(func.count(journal_line.c.charge_no.distinct())).where(journal_line.c.entry_id == entry_id)
    return int(connection.execute(query).scalar_one())


def repaired(connection: Connection, entry_id: int, no: int | None) -> list[RepairedValueTrace]:
    """Return the values that repairs replaced on one charge line of one rejected entry, or on all of them (None)."""
    names = ("version", "seq", "side", "field", "before", "after")
    query = (
        select(
            repair_version.c.name.label("repair"),
            repair_version.c.version.label("repair_version"),
            *(repaired_value.c[name] for name in names),
        )
        .join(repair_version, repair_version.c.id == repaired_value.c.repair_version_id)
        .where(repaired_value.c.entry_id == entry_id)
        .order_by(repaired_value.c.id)
    )
    if no is not None:
        query = query.where(repaired_value.c.charge_no == no)
    return _all(connection, query, RepairedValueTrace)


def repairs(connection: Connection, no: int) -> list[RepairTrace]:
    """Return every repair version that was ever used on a charge line, with its text."""
    used = select(repaired_value.c.repair_version_id).where(repaired_value.c.charge_no == no)
    query = select(repair_version).where(repair_version.c.id.in_(used))
    return _all(connection, query.order_by(repair_version.c.id), RepairTrace)


def attempts(connection: Connection, tables: PostingTables, number: int) -> list[AttemptTrace]:
    """Return every request made for an entry or an invoice, with its answer, if one came."""
    answered, meant = tables.outcomes.c, tables.failures.c
    answer = (
        answered.at.label("answered_at"),
        *(answered[name] for name in ("outcome", "http_status", "record_no", "error", "response")),
        meant.name.label("failure"),
        meant.error_class.label("class"),
    )
    query = (
        select(tables.attempts, *answer)
        .outerjoin(tables.outcomes, answered.attempt_id == tables.attempts.c.id)
        .outerjoin(tables.failures, meant.attempt_id == tables.attempts.c.id)
        .where(tables.of == number)
        .order_by(tables.attempts.c.number)
    )
    rows = connection.execute(query).mappings()
    return [cast(AttemptTrace, {name: row[name] for name in AttemptTrace.__annotations__}) for row in rows]


def invoices(connection: Connection, no: int) -> list[InvoiceRecord]:
    """Return every order and invoice that the charge line was ever on, rejected ones too, oldest first."""
    line = (invoice_line.c[name] for name in ("line_no", "item", "quantity", "price", "account", "memo"))
    query = (
        select(invoice, *line, invoice_line.c.amount.label("line_amount"))
        .join(invoice_line, invoice_line.c.invoice_id == invoice.c.id)
        .where(invoice_line.c.charge_no == no)
        .order_by(invoice.c.id)
    )
    return _all(connection, query, InvoiceRecord)


def audit(connection: Connection, subjects: Sequence[str], sequences: Sequence[int]) -> list[AuditTrace]:
    """Return the audit events about these subjects, and those with these numbers, in order."""
    query = select(audit_event).where(or_(audit_event.c.subject.in_(subjects), audit_event.c.seq.in_(sequences)))
    found = _all(connection, query.order_by(audit_event.c.seq), AuditTrace)
    return [one._replace(detail=json.loads(one.detail)) for one in found]


def _all(connection: Connection, query: Select[Any], kind: type[R]) -> list[R]:
    """Return the rows of a query, each as a ``kind`` with the columns of the same names."""
    rows = connection.execute(query).mappings()
    return [kind._make(row[name] for name in kind._fields) for row in rows]


def _one(connection: Connection, query: Select[Any], kind: type[R]) -> R:
    (found,) = _all(connection, query, kind)
    return found
