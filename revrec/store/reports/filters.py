"""The filters of lists as conditions of queries."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta

from sqlalchemy import Column, ColumnElement, Connection, Select, Table, exists, false, func, select

from revrec.core.filters import NO_FILTERS, Basis, Filters
from revrec.core.rules.costs import COST_MARK
from revrec.store.posting.entries import recognition_date
from revrec.store.reports.dimensions import dimension_of
from revrec.store.tables import (
    RULE_OF_LINE,
    adjusting_entry,
    adjusting_line,
    charge_line,
    invoice,
    invoice_line,
    journal_entry,
    journal_line,
    quarantine,
    rule_version,
    same_line,
    same_version,
    schedule,
    take_back_line,
    unscheduled,
)

Conditions = Iterator[ColumnElement[bool]]


def charge_conditions(filters: Filters) -> Conditions:
    """Yield the conditions that a charge line meets, apart from days, account and rule."""
    line = charge_line.c
    yield from _equal(filters, customer=line.customer, item=line.item, entity=line.entity, charge=line.id)
    yield from _equal(filters, currency=line.currency)
    yield from _of_dimensions(filters, charge_line)
    if filters.document is not None:
        yield is_of_document(charge_line.c.source, charge_line.c.document, filters.document)


def _equal(filters: Filters, **columns: Column[str]) -> Conditions:
    """Yield the condition of each filter that is set: its column has its value."""
    for name, column in columns.items():
        wanted = getattr(filters, name)
        if wanted is not None:
            yield column == wanted


def _of_dimensions(filters: Filters, line: Table) -> Conditions:
    """Yield the condition of each dimension: the line has its value; of an empty value, the line has none."""
    for name, value in filters.dimensions.items():
        yield func.coalesce(dimension_of(line, name), "") == value


def is_any(connection: Connection, filters: Filters) -> bool:
    """Check whether the filters of charge lines, apart from days, account and rule, select any."""
    query = select(charge_line.c.no).where(*charge_conditions(filters)).limit(1)
    return connection.execute(query).first() is not None


def is_of_document(source: Column[str], document: Column[str], wanted: str) -> ColumnElement[bool]:
    """Return the condition that a document has this name, alone or with its source before it."""
    whole = source + "/" + document == wanted
    return (document == wanted) | whole if "/" in wanted else document == wanted


def rule_conditions(filters: Filters) -> Conditions:
    """Yield the conditions on the rule version of a schedule: its name, and one of its accounts."""
    if filters.rule is not None:
        yield rule_version.c.name == filters.rule
    if filters.account is not None:
        yield (rule_version.c.deferred == filters.account) | (rule_version.c.accrued == filters.account)


def schedule_conditions(filters: Filters) -> Conditions:
    """Yield the condition that a version of a charge line's schedule follows the rule, or uses the account.

    A line without a schedule follows the rule by which it waits.
    """
    conditions = [*rule_conditions(filters)]
    if conditions:
        versions = select(schedule.c.charge_no).join(rule_version, rule_version.c.id == schedule.c.rule_version_id)
        chosen: ColumnElement[bool] = charge_line.c.no.in_(versions.where(*conditions))
        if filters.account is None:
            waiting = select(unscheduled.c.charge_no).where(unscheduled.c.rule == filters.rule)
            chosen = chosen | charge_line.c.no.in_(waiting)
        yield chosen


def chosen_charges(filters: Filters) -> Select[tuple[int]]:
    """Return the query of the numbers of the charge lines that the filters select, apart from days."""
    return select(charge_line.c.no).where(*charge_conditions(filters), *schedule_conditions(filters))


def of_charges(filters: Filters) -> Conditions:
    """Yield the condition that the filters select a charge line, or the line that a cost belongs to, apart from days.

    Yield nothing if they select all. Without the cost of a principal, the line of an agent would show its whole price.
    """
    chosen = replace(filters, first=None, last=None)
    if chosen != NO_FILTERS:
        sold = charge_line.alias("sold")
        its_costs = sold.c.line.concat(COST_MARK)
        its_line = exists().where(
            sold.c.source == charge_line.c.source,
            sold.c.document == charge_line.c.document,
            # No LIKE, since a line may have one of its wildcards.
            func.substr(charge_line.c.line, 1, func.length(its_costs)) == its_costs,
            sold.c.no.in_(chosen_charges(chosen)),
        )
        is_cost = charge_line.c.line.contains(COST_MARK)
        yield charge_line.c.no.in_(chosen_charges(chosen)) | (is_cost & its_line.correlate(charge_line))


def entry_conditions(filters: Filters, basis: Basis = Basis.ledger) -> Conditions:
    """Yield the conditions that a journal entry meets: its days and entity, and the rest on one of its lines."""
    yield from within(journal_entry.c.date if basis is Basis.ledger else recognition_date(), filters)
    if filters.entity is not None:
        yield journal_entry.c.entity == filters.entity
    conditions = [*line_conditions(filters)]
    if conditions:
        its_lines = select(journal_line.c.entry_id).where(journal_line.c.entry_id == journal_entry.c.id, *conditions)
        yield exists(its_lines.correlate(journal_entry))


def line_conditions(filters: Filters) -> Conditions:
    """Yield the conditions that a journal line meets, apart from those on its entry."""
    line = journal_line.c
    yield from _equal(filters, customer=line.customer, item=line.item, account=line.account, charge=line.charge)
    yield from _equal(filters, currency=line.currency)
    yield from _of_dimensions(filters, journal_line)
    if filters.document is not None:
        in_source = journal_line.c.charge.startswith(f"{filters.document}/", autoescape=True)
        yield (journal_line.c.document == filters.document) | in_source
    if filters.rule is not None:
        # select_from: without it, SQLAlchemy joins to a second journal_line, and every line meets the condition.
        takes_back = schedule.outerjoin(take_back_line, same_line(take_back_line, journal_line))
        versions = takes_back.join(rule_version, rule_version.c.id == RULE_OF_LINE)
        its_version = (
            select(schedule.c.charge_no)
            .select_from(versions)
            .where(same_version(schedule, journal_line), rule_version.c.name == filters.rule)
        )
        yield exists(its_version.correlate(journal_line))


def invoice_conditions(filters: Filters) -> Conditions:
    """Yield the conditions that an invoice meets: its own columns, and the rest on one of its lines."""
    yield from within(invoice.c.date, filters)
    yield from _equal(filters, customer=invoice.c.customer, entity=invoice.c.entity, currency=invoice.c.currency)
    if filters.document is not None:
        yield is_of_document(invoice.c.source, invoice.c.document, filters.document)
    if filters.rule is not None:
        yield false()
    line = invoice_line.c
    wanted = [*_equal(filters, item=line.item, account=line.account, charge=line.charge)]
    wanted += _of_dimensions(filters, invoice_line)
    if wanted:
        its_lines = select(invoice_line.c.invoice_id).where(invoice_line.c.invoice_id == invoice.c.id, *wanted)
        yield exists(its_lines.correlate(invoice))


def adjustment_conditions(filters: Filters) -> Conditions:
    """Yield the conditions that an adjusting entry meets; it has no charge lines, and so no document and no rule."""
    yield from within(adjusting_entry.c.date, filters)
    yield from _equal(filters, entity=adjusting_entry.c.entity, currency=adjusting_entry.c.currency)
    if filters.document is not None or filters.rule is not None or filters.charge is not None:
        yield false()
    line = adjusting_line.c
    wanted = [*_equal(filters, customer=line.customer, item=line.item, account=line.account)]
    wanted += _of_dimensions(filters, adjusting_line)
    if wanted:
        its_lines = select(line.adjustment_id).where(line.adjustment_id == adjusting_entry.c.id, *wanted)
        yield exists(its_lines.correlate(adjusting_entry))


def quarantine_conditions(filters: Filters) -> Conditions:
    """Yield the conditions that a quarantined row meets by what can be read of it: no dimension is."""
    row = quarantine.c
    yield from within(row.date, filters)
    yield from _equal(filters, customer=row.customer, item=row.item, entity=row.entity, currency=row.currency)
    if filters.dimension is not None:
        yield false()
    if filters.document is not None:
        yield is_of_document(row.source, row.document, filters.document)
    if filters.charge is not None:
        yield row.source + "/" + row.document + "/" + row.line == filters.charge


def within(column: "Column[str] | ColumnElement[str]", filters: Filters) -> Conditions:
    """Yield the conditions that a date or a time, as text, is within the days of the filters."""
    if filters.first is not None:
        yield column >= filters.first.isoformat()
    if filters.last is not None and filters.last < date.max:
        # Times of the last day are greater than its own text.
        yield column < (filters.last + timedelta(days=1)).isoformat()


def unknown_value(connection: Connection, filters: Filters) -> str | None:
    """Return in words which charge, document, item or rule of the filters no charge line has; None if all are known."""
    for name, form in (("charge", "; a charge's id is SOURCE/DOCUMENT/LINE"), ("document", ""), ("item", "")):
        value = getattr(filters, name)
        if value is not None and not is_any(connection, Filters(**{name: value})):
            return f"--{name} {value}: no such {name}{form}"
    if filters.rule is not None:
        scheduled = select(rule_version.c.id).where(rule_version.c.name == filters.rule)
        waiting = select(unscheduled.c.charge_no).where(unscheduled.c.rule == filters.rule)
        if all(connection.execute(query.limit(1)).first() is None for query in (scheduled, waiting)):
            return f"--rule {filters.rule}: no charge line follows this rule; see the rules with: revrec rules list"
    return None
