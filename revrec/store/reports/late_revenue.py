"""Query revenue that the ledger has in another month than the one in which it was earned, or not at all.

The ledger of a closed month never changes, so what is earned in it and known later is dated in an open month, or waits.
"""

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from itertools import pairwise
from typing import Any, NamedTuple

from sqlalchemy import Connection, case, func, literal, select, union

from revrec.core.filters import Filters
from revrec.core.report import periods_of
from revrec.core.typed_dates import DateSpan
from revrec.store.bulk import stream_rows
from revrec.store.database.sums import joined_sum, split_sum_columns
from revrec.store.posting.entries import recognition_date
from revrec.store.posting.invoices import SOLD
from revrec.store.posting.ledger_changes import MOVE, ON_DEFERRED_SIDE, RECOGNIZED
from revrec.store.reports.booked import MonthAmount, month_of, recognized_by_month
from revrec.store.reports.earned import earned_lines
from revrec.store.reports.filters import of_charges
from revrec.store.reports.in_ledger import ledger_lines
from revrec.store.reports.plain_lines import earned_by_entity
from revrec.store.reports.recognition import Condition
from revrec.store.tables import (
    UNSETTLED,
    audit_event,
    charge_line,
    entered_line,
    entry_date_override,
    entry_reversal,
    journal_entry,
    journal_line,
    ledger_change,
    open_line,
    plan,
    schedule_line,
)

_CHARGE = ("no", "id", "customer", "entity", "currency")


class LateRevenue(NamedTuple):
    """Revenue earned on one day and dated on another one; ``amount`` is in minor units.

    ``dated`` is the date of its entry, empty if it is not posted; ``entry`` is the reference, ``reason`` says why it
    has this date. ``changed`` says what changed the entry itself, its reversal or a change in Intacct, with the UTC
    time and the person; they are empty for revenue of the schedule ``version``.
    """

    no: int
    charge: str
    customer: str
    entity: str
    currency: str
    version: int
    earned: str
    amount: int
    dated: str
    entry: str
    reason: str
    changed: str = ""
    at: str = ""
    actor: str = ""


def late_revenue(
    connection: Connection, closed_until: date, filters: Filters, counted: Condition
) -> Iterator[LateRevenue]:
    """Yield what is dated in another month than it was earned in, and what is earned until a day and not posted.

    ``counted`` is the condition that the amounts of a charge line are revenue.
    """
    until = closed_until.isoformat()
    for query in (_dated_elsewhere(), _changed(), _not_posted(until), _unsettled(until)):
        for row in stream_rows(connection, query.where(counted, *of_charges(filters))):
            yield LateRevenue(*row)


def revenue_by_month(
    connection: Connection, first: date, until: date, filters: Filters, owed: Condition | None
) -> Iterator[MonthAmount]:
    """Yield the revenue in the ledger by entity, currency and month of the entries.

    ``owed`` is the condition that a charge line is what an agent owes of the revenue, here and below.
    """
    if list(of_charges(filters)):
        yield from _by_month(connection, ledger_lines(first, until), filters)
    else:
        yield from recognized_by_month(connection, first, until)
    if owed is not None:
        yield from _by_month(connection, ledger_lines(first, until), filters, owed)


def earned_by_month(
    connection: Connection,
    first: date,
    until: date,
    filters: Filters,
    special: Sequence[int] | None,
    owed: Condition | None,
) -> Iterator[MonthAmount]:
    """Yield what the schedule lines in force earn, by entity, currency and month, posted or not.

    Lines that were reversed for good, or that are gone in Intacct, earn nothing. The ``special`` charge lines are read
    one by one, and the others are added up from their plans; all are read if it is None.
    """
    if special is None or special:
        yield from _by_month(connection, earned_lines(first, until, special), filters)
    if special is not None:
        yield from _of_plans(connection, first, until, filters, special)
    if owed is not None:
        numbers = list(connection.execute(select(charge_line.c.no).where(owed)).scalars())
        yield from _by_month(connection, earned_lines(first, until, numbers), filters, owed)


def _of_plans(
    connection: Connection, first: date, until: date, filters: Filters, special: Sequence[int]
) -> Iterator[MonthAmount]:
    """Yield what plain charge lines earn, by entity, currency and month."""
    earliest = connection.execute(select(func.min(plan.c.first_date))).scalar()
    if earliest is None:
        return
    begin = max(first, date.fromisoformat(earliest).replace(day=1))
    months = list(periods_of(DateSpan(begin, until), "month"))
    ends = [begin - timedelta(days=1), *(one.last for one in months)]
    for entity, currency, amounts in earned_by_entity(connection, ends, special, filters):
        for month, (before, after) in zip(months, pairwise(amounts), strict=True):
            yield MonthAmount(entity, currency, month.name, after - before)


def _by_month(connection: Connection, lines: Any, filters: Filters, counted: Condition = SOLD) -> Iterator[MonthAmount]:
    month = month_of(lines.c.date).label("month")
    by = (charge_line.c.entity, charge_line.c.currency, month)
    query = (
        select(*by, *split_sum_columns(lines.c.amount))
        .join(charge_line, charge_line.c.no == lines.c.charge_no)
        .where(counted, *of_charges(filters))
        .group_by(charge_line.c.entity, charge_line.c.currency, "month")
    )
    for entity, currency, name, *sums in connection.execute(query):
        yield MonthAmount(entity, currency, name, joined_sum(*sums))


def _dated_elsewhere() -> Any:
    """Return the lines of posted entries of other months, also the lines of reversals.

    Any other entry has the date of its schedule lines.
    """
    entry, reversal = journal_entry.c, entry_reversal.c
    others = union(
        select(entry_date_override.c.entry_id), select(reversal.entry_id).where(reversal.entry_id.is_not(None))
    )
    return (
        select(
            *charge_line.c[_CHARGE], schedule_line.c.version, schedule_line.c.date, RECOGNIZED, entry.date,
            entry.reference, func.coalesce(entry_date_override.c.reason, reversal.reason, ""),
            case((reversal.id.is_not(None), "entry reversed"), else_=""),
            *(func.coalesce(one, "") for one in (reversal.at, reversal.actor)),
        )
        .select_from(schedule_line)
        .join(journal_line, ON_DEFERRED_SIDE)
        .join(journal_entry, entry.id == journal_line.c.entry_id)
        .join(charge_line, charge_line.c.no == journal_line.c.charge_no)
        .outerjoin(entry_date_override, entry_date_override.c.entry_id == entry.id)
        .outerjoin(entry_reversal, reversal.entry_id == entry.id)
        .where(entry.state == "POSTED", month_of(schedule_line.c.date) != month_of(entry.date))
        .where(journal_line.c.entry_id.in_(others))
        .order_by(entry.id, journal_line.c.line_no)
    )  # fmt: skip


def _changed() -> Any:
    """Return the changes in Intacct that a person accepted and that count in another month."""
    change, earned = ledger_change.c, recognition_date()
    return (
        select(
            *charge_line.c[_CHARGE], literal(0), earned, change.amount, change.date, journal_entry.c.reference,
            literal("accepted finding ") + change.finding, literal("changed in Intacct"), *audit_event.c["at", "actor"],
        )
        .join(journal_entry, journal_entry.c.id == change.entry_id)
        .join(charge_line, charge_line.c.no == change.charge_no)
        .join(audit_event, audit_event.c.seq == change.audit_seq)
        .where(change.part != MOVE, month_of(earned) != month_of(change.date))
        .order_by(change.id)
    )  # fmt: skip


def _not_posted(until: str) -> Any:
    """Return the lines that are on no entry."""
    line = open_line.c
    return (
        select(*charge_line.c[_CHARGE], line.version, line.date, line.amount, *map(literal, ("", "", "not posted")))
        .join(charge_line, charge_line.c.no == line.charge_no)
        .where(line.open_from <= until, line.date <= until)
        .order_by(line.date, line.charge_no, line.seq)
    )


def _unsettled(until: str) -> Any:
    """Return the lines on entries that are not posted."""
    line, entry = schedule_line.c, journal_entry.c
    # Named twice: otherwise the database computes every line of the books, to look for its entry.
    its_charges = select(entered_line.c.charge_no).where(entered_line.c.entry_id.in_(select(entry.id).where(UNSETTLED)))
    return (
        select(
            *charge_line.c[_CHARGE], line.version, line.date, line.amount, literal(""), entry.reference,
            literal("entry is ") + func.lower(entry.state),
        )
        .join(journal_entry, entry.id == line.entry_id)
        .join(charge_line, charge_line.c.no == line.charge_no)
        .where(UNSETTLED, line.superseded_by.is_(None), line.date <= until, line.charge_no.in_(its_charges))
        .order_by(line.date, line.charge_no, line.seq)
    )  # fmt: skip
