"""Add up what entries recognize, from the sums of their accounts instead of line by line.

Of the two journal lines of a positive schedule line, the debit is on the deferred account; in a reversal, the credit
is. So the sums of these sides are what entries recognize, except for the charge lines of :class:`OtherCharges`: costs,
and those that may have a negative schedule line. Their journal lines are read one by one.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import date
from functools import cached_property
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, FromClause, Select, case, func, literal_column, or_, select, union

from revrec.store.bulk import fact_of_view
from revrec.store.database.sums import joined_sum, split_sum_columns
from revrec.store.number_lists import limited_to
from revrec.store.posting.invoices import SOLD
from revrec.store.posting.ledger_changes import MOVE
from revrec.store.reports.in_ledger import posted_lines_of, rounded_share
from revrec.store.tables import (
    account_sum,
    charge_line,
    entry_reversal,
    journal_entry,
    journal_line,
    ledger_change,
    plan,
    plan_part,
    schedule,
)

MOST_OTHER = 100_000
"""The most charge lines whose journal lines are read beside the sums; with more, all journal lines are read."""
IS_REVENUE = ledger_change.c.part != MOVE
"""The condition that a change in Intacct is revenue, and not a balance that moved to another account."""


class AccountAmount(NamedTuple):
    """What entries recognized from a deferred account, in minor units, and by how many lines."""

    account: str
    currency: str
    amount: int
    lines: int = 0


class MonthAmount(NamedTuple):
    """Revenue of an entity and month, in minor units."""

    entity: str
    currency: str
    month: str
    amount: int


class OtherCharges:
    """The charge lines that are costs or may have a negative schedule line, found once for any number of periods."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    @cached_property
    def numbers(self) -> list[int] | None:
        """The numbers of the charge lines; None if there are too many."""
        return fact_of_view(self.connection, "other charges", self._find)

    def _find(self) -> list[int] | None:
        version, weight = schedule.c, plan_part.c.cumulative - plan_part.c.before
        after_change = version.planned - rounded_share(version.base, plan.c.carried, plan.c.whole)
        exact = select(plan_part.c.plan_id).join(plan, plan.c.id == plan_part.c.plan_id).where(plan.c.kind == "amounts")
        queries = union(
            select(charge_line.c.no).where(~SOLD),
            select(version.charge_no).where(or_(version.planned < 0, version.base < 0)),
            select(version.charge_no)
            .join(plan, plan.c.id == version.plan_id)
            .where(version.base.is_not(None), plan.c.kind == "changed", after_change < 0),
            select(version.charge_no).where(version.plan_id.in_(exact.where(weight < 0))),
            select(version.charge_no).where(version.amounts.contains("-")),
        )
        numbers = list(self.connection.execute(queries.limit(MOST_OTHER + 1)).scalars())
        return sorted(numbers) if len(numbers) <= MOST_OTHER else None


class _Columns(NamedTuple):
    """The columns to add up by, of entries with their sums, and of lines with their charge lines."""

    of_entries: Callable[[FromClause], Sequence[ColumnElement[Any]]]
    of_charges: Callable[[FromClause], Sequence[ColumnElement[Any]]]


def recognized_by_account(
    connection: Connection,
    first: date,
    last: date,
    counts: ColumnElement[bool] = IS_REVENUE,
    others: OtherCharges | None = None,
) -> Iterator[AccountAmount]:
    """Yield what is in the ledger from one day to another, by deferred account and currency, without costs.

    ``counts`` is the condition that a change in Intacct counts, which a person accepted. A report of several periods
    passes the same ``others`` for each of them.
    """
    by = _Columns(
        lambda lines: (lines.c.account, journal_entry.c.currency),
        lambda lines: (lines.c.account, charge_line.c.currency),
    )
    for (account, currency), lines, amount in _added(others or OtherCharges(connection), first, last, counts, by):
        yield AccountAmount(account, currency, amount, lines)


def recognized_by_charge(
    connection: Connection, first: date, last: date, currency: str, counts: ColumnElement[bool] = IS_REVENUE
) -> Counter[str]:
    """Return what is in the ledger from one day to another by charge line, read line by line, without costs."""
    by = _Columns(lambda _lines: (), lambda _lines: (charge_line.c.id,))
    found: Counter[str] = Counter()
    for lines in (_changes(first, last, counts), posted_lines_of(first, last)):
        query = _of_charges(lines, by).where(charge_line.c.currency == currency)
        for charge, _lines, *sums in connection.execute(query):
            found[charge] += joined_sum(*sums)
    return found


def recognized_by_month(connection: Connection, first: date, last: date) -> Iterator[MonthAmount]:
    """Yield what is in the ledger from one day to another, by entity, currency and month, without costs."""
    entry = journal_entry.c
    by = _Columns(
        lambda _lines: (entry.entity, entry.currency, month_of(entry.date)),
        lambda lines: (charge_line.c.entity, charge_line.c.currency, month_of(lines.c.date)),
    )
    for (entity, currency, month), _lines, amount in _added(OtherCharges(connection), first, last, IS_REVENUE, by):
        yield MonthAmount(entity, currency, month, amount)


def month_of(day: ColumnElement[Any]) -> ColumnElement[Any]:
    """Return the SQL of the month of an ISO day."""
    return func.substr(day, literal_column("1"), literal_column("7"))


def _added(
    others: OtherCharges, first: date, last: date, counts: ColumnElement[bool], by: _Columns
) -> Iterator[tuple[tuple[str, ...], int, int]]:
    """Yield the columns, the number of lines and the amount of each sum, in order."""
    found: dict[tuple[str, ...], tuple[int, int]] = {}
    for query in _queries(others.numbers, first, last, counts, by):
        for *key, lines, billions, rest in others.connection.execute(query):
            known, amount = found.get(tuple(key), (0, 0))
            found[tuple(key)] = known + lines, amount + joined_sum(billions, rest)
    for columns, (lines, amount) in sorted(found.items()):
        yield columns, lines, amount


def _queries(
    others: Sequence[int] | None, first: date, last: date, counts: ColumnElement[bool], by: _Columns
) -> Iterator[Select[Any]]:
    """Yield the queries whose sums add up; ``others`` are read line by line, all charge lines if None."""
    yield _of_charges(_changes(first, last, counts), by)
    if others is None or others:
        yield _of_charges(posted_lines_of(first, last, others), by)
    if others is not None:
        yield _of_entries(first, last, by)
    if others:
        yield _counted_twice(first, last, others, by)


def _changes(first: date, last: date, counts: ColumnElement[bool]) -> FromClause:
    """Return what changed in Intacct, by charge line, account and day, as a subquery."""
    change = ledger_change.c
    within = change.date.between(first.isoformat(), last.isoformat())
    return select(change.charge_no, change.account, change.amount, change.date).where(within, counts).subquery()


def _of_charges(lines: FromClause, by: _Columns) -> Select[Any]:
    """Return the sums of the amounts of charge lines that are no costs."""
    query = _summed(by.of_charges(lines), func.count(), lines.c.amount)
    return query.join(charge_line, charge_line.c.no == lines.c.charge_no).where(SOLD)


def _of_entries(first: date, last: date, by: _Columns) -> Select[Any]:
    """Return the sums of entries, as if they had positive schedule lines only."""
    side, amount = _deferred_side(account_sum)
    query = _summed(by.of_entries(account_sum), func.sum(account_sum.c.lines), amount)
    query = query.join(journal_entry, journal_entry.c.id == account_sum.c.entry_id)
    return query.where(side, _is_posted(first, last))


def _counted_twice(first: date, last: date, numbers: Sequence[int], by: _Columns) -> Select[Any]:
    """Return what :func:`_of_entries` has of these charge lines, below zero."""
    side, amount = _deferred_side(journal_line)
    query = _summed(by.of_entries(journal_line), -func.count(), -amount)
    query = query.join(journal_entry, journal_entry.c.id == journal_line.c.entry_id)
    return limited_to(query.where(side, _is_posted(first, last)), journal_line.c.charge_no, numbers)


def _deferred_side(lines: FromClause) -> tuple[ColumnElement[bool], ColumnElement[int]]:
    """Return the condition that lines are on the deferred side of positive schedule lines, and what they recognize."""
    is_reversal = lines.c.entry_id.in_(select(entry_reversal.c.entry_id).where(entry_reversal.c.entry_id.is_not(None)))
    amount = case((is_reversal, -lines.c.amount), else_=lines.c.amount)
    return lines.c.side == case((is_reversal, "credit"), else_="debit"), amount


def _is_posted(first: date, last: date) -> ColumnElement[bool]:
    entry = journal_entry.c
    return (entry.state == "POSTED") & entry.date.between(first.isoformat(), last.isoformat())


def _summed(by: Sequence[ColumnElement[Any]], lines: Any, amount: Any) -> Select[Any]:
    return select(*by, lines, *split_sum_columns(amount)).group_by(*by)
