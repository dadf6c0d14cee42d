"""Query revenue by the day on which it is earned, posted or not, and the same from the entries.

A schedule line is earned on its date, whatever the date of its entry. What was reversed for good, or is gone in Intacct
and accepted, is not earned.
"""

from collections import Counter
from collections.abc import Sequence
from datetime import date
from typing import Any

from sqlalchemy import BigInteger, Connection, cast, func, select, union_all

from revrec.store.database.sums import joined_sum, split_sum_columns
from revrec.store.number_lists import limited_to
from revrec.store.posting.entries import recognition_date
from revrec.store.posting.invoices import SOLD
from revrec.store.posting.ledger_changes import IS_UNEXPLAINED, MOVE, ON_DEFERRED_SIDE, RECOGNIZED
from revrec.store.posting.reversals import IS_IN_LEDGER
from revrec.store.tables import (
    UNSETTLED,
    charge_line,
    entry_reversal,
    journal_entry,
    journal_line,
    ledger_change,
    open_line,
    rule_version,
    schedule_line,
)

EARNED_ACCOUNT = func.coalesce(journal_line.c.account, rule_version.c.deferred)
"""The deferred account that the entry of a schedule line has, or that its rule version names."""
IS_EARNED = schedule_line.c.superseded_by.is_(None)
"""The condition that a schedule line is earned on its day."""
IS_CANCELED = (entry_reversal.c.final == 1) & IS_IN_LEDGER
"""The condition that an entry is reversed for good: what it recognized is not earned."""


def earned_lines(first: date | None, last: date, numbers: Sequence[int] | None = None) -> Any:
    """Return what is earned by charge line, deferred account and day in a span of days, as a subquery.

    ``numbers`` limits the charge lines.
    """
    line, change = schedule_line.c, ledger_change.c
    account = EARNED_ACCOUNT.label("account")
    planned = (
        select(line.charge_no, account, line.amount, line.date)
        .join(rule_version, rule_version.c.id == line.rule_version_id)
        .outerjoin(journal_line, (journal_line.c.entry_id == line.entry_id) & ON_DEFERRED_SIDE)
    )
    valid = planned.where(IS_EARNED)
    canceled = (
        planned.with_only_columns(line.charge_no, account, -line.amount, line.date)
        .join(entry_reversal, entry_reversal.c.reverses == line.entry_id)
        .where(IS_CANCELED)
    )
    gone = (
        select(change.charge_no, change.account, change.amount, recognition_date())
        .join(journal_entry, journal_entry.c.id == change.entry_id)
        .where(IS_UNEXPLAINED)
    )
    limited = (limited_to(query, query.selected_columns.charge_no, numbers) for query in (valid, canceled, gone))
    return _within(union_all(*limited).subquery(), first, last)


def _within(lines: Any, first: date | None, last: date) -> Any:
    query = select(lines).where(lines.c.date <= last.isoformat())
    return (query if first is None else query.where(lines.c.date >= first.isoformat())).subquery()


def earned_until(connection: Connection, until: date) -> dict[tuple[int, str], int]:
    """Return what is earned until a day by charge line and deferred account, in minor units.

    As what is recognized in the ledger, it includes the balances that a person moved from account to account.
    """
    change = ledger_change.c
    moved = select(change.charge_no, change.account, change.amount)
    moved = moved.where(change.part == MOVE, change.date <= until.isoformat())
    earned = earned_lines(None, until).c
    lines = union_all(select(earned.charge_no, earned.account, earned.amount), moved).subquery()
    by = (lines.c.charge_no, lines.c.account)
    query = select(*by, cast(func.sum(lines.c.amount), BigInteger)).group_by(*by)
    return {(no, account): amount for no, account, amount in connection.execute(query)}


def earned_by_entries(connection: Connection, first: date, last: date) -> dict[str, int]:
    """Return the same revenue by currency from the journal lines, as a check: posted lines with their reversals and
    changes in Intacct by the day that they were earned on, and the lines that are on no posted entry.
    """
    line, entry, change = schedule_line.c, journal_entry.c, ledger_change.c
    posted = (
        select(journal_line.c.charge_no, RECOGNIZED.label("amount"), line.date)
        .select_from(schedule_line)
        .join(journal_line, ON_DEFERRED_SIDE)
        .join(journal_entry, entry.id == journal_line.c.entry_id)
        .where(entry.state == "POSTED")
    )
    changed = select(change.charge_no, change.amount, recognition_date())
    changed = changed.join(journal_entry, entry.id == change.entry_id).where(change.part != MOVE)
    on_none = select(open_line.c.charge_no, open_line.c.amount, open_line.c.date)
    unsettled = (
        select(line.charge_no, line.amount, line.date)
        .join(journal_entry, entry.id == line.entry_id)
        .where(UNSETTLED, line.superseded_by.is_(None))
    )
    lines = _within(union_all(posted, changed, on_none, unsettled).subquery(), first, last)
    query = select(charge_line.c.currency, *split_sum_columns(lines.c.amount)).where(SOLD)
    query = query.join(charge_line, charge_line.c.no == lines.c.charge_no).group_by(charge_line.c.currency)
    return Counter({currency: joined_sum(*sums) for currency, *sums in connection.execute(query)})
