"""Query the revenue that was planned for some days at an earlier time, and everything that changed it since.

Each schedule version adds its own lines and ends those that it supersedes. So what was planned, plus what later
versions added and ended, is what is planned now; what entries have instead is the rest of the difference.
"""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, CompoundSelect, Connection, Select, func, literal, or_, select, union

from revrec.core.filters import Filters
from revrec.core.typed_dates import DateSpan
from revrec.store.bulk import stream_rows
from revrec.store.posting.ledger_changes import MOVE, ON_DEFERRED_SIDE, RECOGNIZED
from revrec.store.posting.reversals import IS_MIRROR
from revrec.store.reports.filters import of_charges
from revrec.store.reports.in_ledger import ledger_lines
from revrec.store.reports.recognition import CategoryAmount, Condition, by_category
from revrec.store.tables import (
    RELEASED,
    charge_line,
    entered_line,
    entry_date_override,
    entry_reversal,
    journal_entry,
    journal_line,
    ledger_change,
    same_version,
    schedule,
    schedule_line,
)

VERSION, NOT_POSTED, MOVED, REVERSED = "version", "not posted", "moved", "reversed"

_charge = charge_line.c["no", "id", "customer", "currency"]
_line = schedule_line.c


class Baseline(NamedTuple):
    """The days of a report, and the plan to compare with: as the last audit event ``audit_seq`` left it.

    ``entities`` are those whose plan is from that time.
    """

    span: DateSpan
    audit_seq: int
    entities: Sequence[str]


class PlanChange(NamedTuple):
    """An amount by which the revenue of the days differs from the plan, in minor units.

    ``kind`` is one of the four above. ``version`` is the schedule version that made a difference, else 0; ``entry`` is
    the reference of the entry that did.
    """

    no: int
    charge: str
    customer: str
    currency: str
    version: int
    entry: str
    amount: int
    kind: str


def planned_then(
    connection: Connection, base: Baseline, by: str, filters: Filters, counted: Condition
) -> Iterator[CategoryAmount]:
    """Yield the revenue of the days in the plan of that time, by category and currency.

    ``counted`` is the condition that the amounts of a charge line are revenue, here and below.
    """
    ending = schedule.alias("ending")
    lines = (
        select(_line.charge_no, _line.amount)
        .join(schedule, same_version(schedule, schedule_line))
        .outerjoin(ending, (ending.c.charge_no == _line.charge_no) & (ending.c.version == _line.superseded_by))
        .where(_within(_line.date, base.span), schedule.c.audit_seq <= base.audit_seq)
        .where(or_(ending.c.audit_seq.is_(None), ending.c.audit_seq > base.audit_seq))
        .subquery()
    )
    yield from by_category(connection, by, lines, counted, *_of(base, filters))


def recognized(
    connection: Connection, base: Baseline, by: str, filters: Filters, counted: Condition
) -> Iterator[CategoryAmount]:
    """Yield the revenue in the ledger on the days, by category and currency."""
    yield from by_category(connection, by, ledger_lines(*base.span), counted, *_of(base, filters))


def plan_changes(connection: Connection, base: Baseline, filters: Filters, counted: Condition) -> Iterator[PlanChange]:
    """Yield every difference between the plan of that time and the ledger on the days."""
    queries = (
        _added(base),
        _ended(base),
        *_posted_otherwise(base.span),
        *_in_ledger(base.span),
        _changed_in_intacct(base.span),
    )
    for query in queries:
        for row in stream_rows(connection, query.where(counted, *_of(base, filters))):
            yield PlanChange(*row)


def _of(base: Baseline, filters: Filters) -> Iterator[ColumnElement[bool]]:
    yield charge_line.c.entity.in_(base.entities)
    yield from of_charges(filters)


def _within(day: ColumnElement[Any], span: DateSpan) -> ColumnElement[bool]:
    return day.between(span.first.isoformat(), span.last.isoformat())


def _added(base: Baseline) -> Select[Any]:
    """Return the lines that later versions planned."""
    return (
        select(*_charge, _line.version, literal(""), _line.amount, literal(VERSION))
        .join(schedule, same_version(schedule, schedule_line))
        .join(charge_line, charge_line.c.no == _line.charge_no)
        .where(_within(_line.date, base.span), schedule.c.audit_seq > base.audit_seq, _is_rebuilt(base))
    )


def _ended(base: Baseline) -> Select[Any]:
    """Return the lines that later versions superseded, with the opposite sign and that version."""
    ending = schedule.alias("ending")
    return (
        select(*_charge, ending.c.version, literal(""), -_line.amount, literal(VERSION))
        .select_from(schedule_line)
        .join(ending, (ending.c.charge_no == _line.charge_no) & (ending.c.version == _line.superseded_by))
        .join(charge_line, charge_line.c.no == _line.charge_no)
        .where(_within(_line.date, base.span), ending.c.audit_seq > base.audit_seq, _is_rebuilt(base))
    )


def _is_rebuilt(base: Baseline) -> ColumnElement[bool]:
    """Return the condition that a charge line has a later schedule version, so that no other lines are computed."""
    return _line.charge_no.in_(select(schedule.c.charge_no).where(schedule.c.audit_seq > base.audit_seq))


def _posted_otherwise(span: DateSpan) -> Iterator[Select[Any]]:
    """Yield the lines of the plan in force that are not posted, and those that are dated on other days."""
    entry = journal_entry.c
    is_posted = func.coalesce(entry.state, "") == "POSTED"
    for kind, condition in ((NOT_POSTED, ~is_posted), (MOVED, is_posted & ~_within(entry.date, span))):
        yield (
            select(
                *_charge, literal(0), func.coalesce(entry.reference, ""), -_line.amount, literal(kind)
            )
            .select_from(schedule_line)
            .outerjoin(journal_entry, entry.id == _line.entry_id)
            .join(charge_line, charge_line.c.no == _line.charge_no)
            .where(_line.superseded_by.is_(None), _within(_line.date, span), condition)
            .where(_line.charge_no.in_(_not_posted_as_planned(span)))
        )  # fmt: skip


def _not_posted_as_planned(span: DateSpan) -> CompoundSelect[Any]:
    """Return all charge lines with a line of the days that is open, on an unposted entry or on one of another date.

    There are others among them. Without this, the database would compute every line of the books.
    """
    entry, line = journal_entry.c, entered_line.c
    entries = union(select(entry.id).where(entry.state != "POSTED"), select(entry_date_override.c.entry_id))
    return union(
        select(schedule.c.charge_no).where(schedule.c.open_from <= span.last.isoformat()),
        select(line.charge_no).where(RELEASED),
        select(line.charge_no).where(line.entry_id.in_(entries)),
    )


def _in_ledger(span: DateSpan) -> Iterator[Select[Any]]:
    """Yield what entries of the days have of other days, what they had and was released, and what reverses them.

    Any other entry has the date of its lines, and is the one that they are on.
    """
    reversal = entry_reversal.c
    others = union(
        select(entry_date_override.c.entry_id),
        select(reversal.reverses),
        select(reversal.entry_id).where(reversal.entry_id.is_not(None)),
    )
    entry, is_within = journal_entry.c, _within(_line.date, span)
    was_released = is_within & (func.coalesce(_line.entry_id, 0) != entry.id)
    conditions = ((MOVED, ~IS_MIRROR & ~is_within), (REVERSED, ~IS_MIRROR & was_released), (REVERSED, IS_MIRROR))
    for kind, condition in conditions:
        yield (
            select(*_charge, literal(0), entry.reference, RECOGNIZED, literal(kind))
            .select_from(schedule_line)
            .join(journal_line, ON_DEFERRED_SIDE)
            .join(journal_entry, entry.id == journal_line.c.entry_id)
            .join(charge_line, charge_line.c.no == journal_line.c.charge_no)
            .where(entry.state == "POSTED", _within(entry.date, span), condition)
            .where(journal_line.c.entry_id.in_(others))
        )


def _changed_in_intacct(span: DateSpan) -> Select[Any]:
    change = ledger_change.c
    return (
        select(*_charge, literal(0), journal_entry.c.reference, change.amount, literal(REVERSED))
        .join(journal_entry, journal_entry.c.id == change.entry_id)
        .join(charge_line, charge_line.c.no == change.charge_no)
        .where(change.part != MOVE, _within(change.date, span))
    )
