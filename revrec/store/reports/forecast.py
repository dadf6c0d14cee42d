"""Schedule lines as ``revrec preview`` shows them: planned, on an entry, or posted."""

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, CompoundSelect, Connection, Select, case, false, func, literal, select, true

from revrec.core.filters import Filters
from revrec.store.bulk import stream_rows
from revrec.store.posting.due import WAITS_FOR_INVOICE
from revrec.store.posting.ledger_changes import IS_UNEXPLAINED
from revrec.store.posting.reversals import IS_IN_LEDGER
from revrec.store.reports.filters import charge_conditions, rule_conditions, within
from revrec.store.tables import (
    OPEN,
    RELEASED,
    charge_line,
    entered_line,
    entry_date_override,
    entry_reversal,
    historical_part,
    journal_entry,
    journal_line,
    ledger_change,
    rule_version,
    same_line,
    same_version,
    schedule,
    schedule_line,
)


class PlannedLine(NamedTuple):
    """A schedule line with its charge, rule and accounts; ``amount`` is in minor units.

    ``status`` is planned, or the state of the entry that the line is on. ``entry_date`` is that entry's date, and
    ``reason`` why it differs from the recognition date. ``awaits`` is True for a line that waits for an invoice.
    """

    charge: str
    document: str
    customer: str
    item: str
    rule: str
    method: str
    seq: int
    of: int
    date: str
    amount: int
    currency: str
    deferred: str
    accrued: str
    status: str
    entity: str
    version: int
    entry_date: str | None = None
    reason: str | None = None
    awaits: bool = False


HISTORICAL = "historical"
"""The status of a part that was recognized before a cutover."""

_GOES_AGAIN = select(journal_entry.c.id).where(journal_entry.c.state.in_(("READY", "REJECTED")))
GOES_AGAIN = schedule_line.c.entry_id.in_(_GOES_AGAIN)
"""The condition that the next run posts a line of an earlier run: its entry is ready, or was rejected."""

_STATUS = case((schedule_line.c.entry_id.is_(None), "planned"), else_=func.lower(journal_entry.c.state))
_COLUMNS = (
    charge_line.c.id.label("charge"),
    charge_line.c.document,
    charge_line.c.customer,
    charge_line.c.item,
    rule_version.c.name.label("rule"),
    rule_version.c.method,
    schedule_line.c.seq,
    schedule.c.lines.label("of"),
    schedule_line.c.date,
    schedule_line.c.amount,
    charge_line.c.currency,
    rule_version.c.deferred,
    rule_version.c.accrued,
    _STATUS.label("status"),
    charge_line.c.entity,
    schedule_line.c.version,
    journal_entry.c.date.label("entry_date"),
    entry_date_override.c.reason,
    WAITS_FOR_INVOICE.label("awaits"),
)


def planned_lines(
    connection: Connection, filters: Filters, due: bool, by_ledger_date: bool = False
) -> Iterator[PlannedLine]:
    """Yield the valid schedule lines that the filters select, in order of recognition date and charge.

    ``due`` limits them to those that a run would post: open ones, and those that earlier runs left. The days of the
    filters are recognition dates. With ``by_ledger_date`` they are dates of entries, and a line that is on no entry, or
    on a rejected one, is yielded if its entry may get such a date.
    """
    query = (
        _with_charge_and_rule(select(*_COLUMNS).select_from(schedule_line), filters)
        .outerjoin(journal_entry, journal_entry.c.id == schedule_line.c.entry_id)
        .outerjoin(entry_date_override, entry_date_override.c.entry_id == journal_entry.c.id)
        .where(OPEN | GOES_AGAIN if due else schedule_line.c.superseded_by.is_(None))
        .where(*(_within_ledger_dates(filters) if by_ledger_date else within(schedule_line.c.date, filters)))
        .order_by(schedule_line.c.date, schedule_line.c.charge_no, schedule_line.c.seq)
    )
    if due and filters.last is not None:
        query = query.where(schedule_line.c.charge_no.in_(_charges_due(filters.last)))
    yield from _lines(connection, query)


def _charges_due(until: date) -> CompoundSelect[Any]:
    """Return the charges with a line that a run until a day would post, and some that have none.

    With only the conditions on the view, the database would compute every line of the books.
    """
    goes_again = select(entered_line.c.charge_no).where(entered_line.c.entry_id.in_(_GOES_AGAIN))
    released = select(entered_line.c.charge_no).where(RELEASED)
    return select(schedule.c.charge_no).where(schedule.c.open_from <= until.isoformat()).union(goes_again, released)


def historical_lines(connection: Connection, filters: Filters, by_ledger_date: bool = False) -> Iterator[PlannedLine]:
    """Yield the parts that were recognized before the cutovers of their lines; they are on no entry."""
    if by_ledger_date:
        return
    part = historical_part.c
    columns = {
        "seq": part.seq, "date": part.date, "amount": part.amount, "status": literal(HISTORICAL),
        "version": literal(1), "entry_date": literal(None), "reason": literal(""), "awaits": false(),
    }  # fmt: skip
    query = (
        select(*_columns(columns))
        .select_from(historical_part)
        .join(charge_line, charge_line.c.no == part.charge_no)
        .join(schedule, (schedule.c.charge_no == part.charge_no) & (schedule.c.version == 1))
        .join(rule_version, rule_version.c.id == part.rule_version_id)
        .where(*charge_conditions(filters), *rule_conditions(filters), *within(part.date, filters))
        .order_by(part.date, part.charge_no, part.seq)
    )
    yield from _lines(connection, query)


def reversed_lines(connection: Connection, filters: Filters, by_ledger_date: bool = False) -> Iterator[PlannedLine]:
    """Yield the amounts of reversed entries and, with the opposite sign, of their reversals: both are in the ledger.

    Their status is reversed and reversal. A line that was reversed for good is still on its entry, so that only its
    reversal is yielded.
    """
    taken_back = entry_reversal.c.date
    for status, sign, day, which in (
        ("reversed", 1, journal_entry.c.date, entry_reversal.c.final == 0),
        ("reversal", -1, taken_back, true()),
    ):
        columns = {
            "amount": sign * schedule_line.c.amount,
            "status": literal(status),
            "entry_date": day,
            "reason": entry_reversal.c.reason,
            "awaits": false(),
        }
        query = (
            select(*_columns(columns))
            .select_from(entry_reversal)
            .join(journal_entry, journal_entry.c.id == entry_reversal.c.reverses)
            .join(journal_line, (journal_line.c.entry_id == journal_entry.c.id) & (journal_line.c.side == "debit"))
            .join(schedule_line, same_line(journal_line, schedule_line))
            .where(IS_IN_LEDGER, which, *within(day if by_ledger_date else schedule_line.c.date, filters))
            .order_by(schedule_line.c.date, schedule_line.c.charge_no, schedule_line.c.seq)
        )
        yield from _lines(connection, _with_charge_and_rule(query, filters))


def changed_lines(connection: Connection, filters: Filters, by_ledger_date: bool = False) -> Iterator[PlannedLine]:
    """Yield by how much the ledger differs from posted entries, as a person accepted it; their status is changed.

    The changes of an entry that was reopened or closed for good are left out: :func:`reversed_lines` yields them.
    """
    change = ledger_change.c
    of_charge = (journal_line.c.entry_id == change.entry_id) & (journal_line.c.charge_no == change.charge_no)
    first_line = select(func.min(journal_line.c.line_no)).where(of_charge).correlate(ledger_change).scalar_subquery()
    line = journal_line.alias("line")
    columns = {
        "amount": change.amount,
        "status": literal("changed"),
        "entry_date": change.date,
        "reason": literal("changed in Intacct; accepted finding ") + change.finding,
        "awaits": false(),
    }
    query = (
        select(*_columns(columns))
        .select_from(ledger_change)
        .join(line, (line.c.entry_id == change.entry_id) & (line.c.line_no == first_line))
        .join(schedule_line, same_line(line, schedule_line))
        .where(IS_UNEXPLAINED, *within(change.date if by_ledger_date else schedule_line.c.date, filters))
        .order_by(change.id)
    )
    yield from _lines(connection, _with_charge_and_rule(query, filters))


def _columns(replaced: Mapping[str, ColumnElement[Any]]) -> Iterator[ColumnElement[Any]]:
    """Yield the columns of a line, some of them replaced by name."""
    return (replaced.get(one.name, one).label(one.name) for one in _COLUMNS)


def _with_charge_and_rule(query: Select[Any], filters: Filters) -> Select[Any]:
    """Join schedule lines with their charge line and rule version, as far as the filters select both."""
    return (
        query.join(charge_line, charge_line.c.no == schedule_line.c.charge_no)
        .join(schedule, same_version(schedule, schedule_line))
        .join(rule_version, rule_version.c.id == schedule_line.c.rule_version_id)
        .where(*charge_conditions(filters), *rule_conditions(filters))
    )


def _lines(connection: Connection, query: Select[Any]) -> Iterator[PlannedLine]:
    # By place: a row by names takes longer than everything else that is done for a line.
    for *row, awaits in stream_rows(connection, query):
        yield PlannedLine._make((*row, bool(awaits)))


def _within_ledger_dates(filters: Filters) -> Iterator[ColumnElement[bool]]:
    """Yield the conditions that a line's entry has, or may get, a date within the days of the filters.

    An entry is dated with the day of recognition, or a later one if that day's period is closed.
    """
    dated = journal_entry.c.date
    if filters.first is not None:
        yield dated.is_(None) | (journal_entry.c.state == "REJECTED") | (dated >= filters.first.isoformat())
    if filters.last is not None:
        until = filters.last.isoformat()
        yield (schedule_line.c.date <= until) | (dated <= until)
