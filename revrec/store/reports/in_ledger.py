"""Query the amounts in the ledger on a day: posted entries, less what a person accepted as gone in Intacct.

Every report of recognized amounts reads them here, so that no two disagree about an entry that was deleted, changed or
reversed in Intacct.
"""

import json
from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any, NamedTuple

from sqlalchemy import BigInteger, ColumnElement, Connection, Integer, case, cast, func, select, union_all

from revrec.store.number_lists import limited_to
from revrec.store.posting.ledger_changes import MOVE, OF_REVERSAL, ON_DEFERRED_SIDE, RECOGNIZED, REVERSAL
from revrec.store.tables import (
    entry_reversal,
    journal_entry,
    journal_line,
    ledger_change,
    plan,
    plan_part,
    same_version,
    schedule,
    schedule_line,
)


class KnownRows(NamedTuple):
    """The last rows that the books had at a time: audit event, charge line and fulfillment event; UTC text.

    ``invoiced`` has the sources that were invoiced then, as JSON: :func:`invoiced_then` reads it.
    """

    audit_seq: int
    charge_no: int
    event_id: int
    invoiced: str
    at: str

    def invoiced_then(self) -> dict[str, str]:
        """Return the sources that were invoiced, with the first post date as ISO text; empty if all were."""
        found: dict[str, str] = json.loads(self.invoiced)
        return found


def recognized_in_ledger(until: date, known: KnownRows | None = None, numbers: Sequence[int] | None = None) -> Any:
    """Return what is recognized of each charge line by deferred account, in minor units, as a subquery.

    It counts amounts dated until a day, on the account that they were posted to: an amount stays there when the rules
    name another. ``known`` leaves out what was stored later; ``numbers`` limits the charge lines.
    """
    posted = _posted_from(None, until, known) if numbers is None else _posted(until, known)
    lines = _of_charges((posted, _changed(until, known)), numbers)
    amount = cast(func.sum(lines.c.amount), BigInteger).label("amount")
    return select(lines.c.charge_no, lines.c.account, amount).group_by(lines.c.charge_no, lines.c.account).subquery()


def _posted(until: date, known: KnownRows | None) -> Any:
    """Return the lines of posted entries on deferred accounts."""
    query = (
        select(journal_line.c.charge_no, journal_line.c.account, RECOGNIZED.label("amount"))
        .select_from(schedule_line)
        .join(journal_line, ON_DEFERRED_SIDE)
        .join(journal_entry, journal_entry.c.id == journal_line.c.entry_id)
        .where(journal_entry.c.state == "POSTED", journal_entry.c.date <= until.isoformat())
    )
    return query if known is None else query.where(journal_entry.c.posted_at <= known.at)


def _changed(until: date, known: KnownRows | None) -> Any:
    query = select(ledger_change.c.charge_no, ledger_change.c.account, ledger_change.c.amount)
    query = query.where(ledger_change.c.date <= until.isoformat())
    return query if known is None else query.where(ledger_change.c.audit_seq <= known.audit_seq)


def ledger_lines(first: date | None, last: date, numbers: Sequence[int] | None = None) -> Any:
    """Return what is recognized by charge line, deferred account and ledger date in a span of days, as a subquery.

    Balances that a person moved from account to account are left out: that is not revenue. ``numbers`` limits the
    charge lines.
    """
    changed = _changed(last, None).where(ledger_change.c.part != MOVE).add_columns(ledger_change.c.date)
    if first is not None:
        changed = changed.where(ledger_change.c.date >= first.isoformat())
    return _of_charges((_posted_from(first, last).add_columns(journal_entry.c.date), changed), numbers)


def posted_lines_of(
    first: date | None, last: date, numbers: Sequence[int] | None = None, other_side: bool = False
) -> Any:
    """Return the same of posted entries alone: what was changed in Intacct is not counted.

    With ``other_side``, return the lines on the accounts of revenue and expenses instead, credits below zero.
    """
    posted = _posted_from(first, last, other_side=other_side).add_columns(journal_entry.c.date)
    return _of_charges((posted,), numbers)


def rated_lines(last: date, numbers: Sequence[int] | None = None) -> Any:
    """Return the lines of :func:`ledger_lines` until a day with ``rated``, the day of the rates of their entry.

    A reversal has the rates of the entry that it reverses, whether we or a person posted it.
    """
    reversed_entry = journal_entry.alias("reversed_entry")
    of_reversed = (
        select(reversed_entry.c.date)
        .join(entry_reversal, entry_reversal.c.reverses == reversed_entry.c.id)
        .where(entry_reversal.c.entry_id == journal_entry.c.id)
        .correlate(journal_entry)
        .scalar_subquery()
    )
    of_changed = select(journal_entry.c.date).where(
        journal_entry.c.id == ledger_change.c.entry_id, ledger_change.c.part == REVERSAL
    )
    posted = _posted_from(None, last).add_columns(
        journal_entry.c.date, func.coalesce(of_reversed, journal_entry.c.date).label("rated")
    )
    changed = _changed(last, None).where(ledger_change.c.part != MOVE)
    day = func.coalesce(of_changed.correlate(ledger_change).scalar_subquery(), ledger_change.c.date)
    return _of_charges((posted, changed.add_columns(ledger_change.c.date, day.label("rated"))), numbers)


def _of_charges(queries: Iterable[Any], numbers: Sequence[int] | None) -> Any:
    """Return all rows of these queries as a subquery, limited to the charge lines with these numbers if not None."""
    limited = (limited_to(query, query.selected_columns.charge_no, numbers) for query in queries)
    return union_all(*limited).subquery()


def _posted_from(first: date | None, last: date, known: KnownRows | None = None, other_side: bool = False) -> Any:
    """Return the lines on deferred accounts, or on the ``other_side``, of the entries of a span of days.

    The amounts come from the journal lines. Only the sign of their schedule lines is computed, for the side of the
    deferred account.
    """
    line, entry = journal_line.c, journal_entry.c
    days = [entry.date <= last.isoformat(), *([entry.date >= first.isoformat()] if first else [])]
    days += [] if known is None else [entry.posted_at <= known.at]
    is_positive = amount_with_sign() > 0
    side = case((is_positive, case((OF_REVERSAL, "credit"), else_="debit")), (OF_REVERSAL, "debit"), else_="credit")
    amount = case((line.side == "debit", line.amount), else_=-line.amount)
    return (
        select(line.charge_no, line.account, amount.label("amount"))
        .select_from(journal_line)
        .join(journal_entry, entry.id == line.entry_id)
        .join(schedule, same_version(schedule, journal_line))
        .join(plan, plan.c.id == schedule.c.plan_id)
        .where(line.entry_id.in_(select(entry.id).where(entry.state == "POSTED", *days)))
        .where(line.side != side if other_side else line.side == side)
    )


def rounded_share(
    amount: ColumnElement[int], weight: ColumnElement[int], total: ColumnElement[int]
) -> ColumnElement[int]:
    """Return the SQL of a share of an amount, rounded half away from zero as in the view ``schedule_line``."""
    half = case((amount < 0, -total), else_=total)
    return (2 * amount * weight + half) // (2 * total)


def amount_with_sign() -> ColumnElement[int]:
    """Return the SQL of an amount with the sign of the schedule line of a journal line."""
    version, shared, part = schedule.c, plan.c, plan_part.c
    its_part = (part.plan_id == shared.id) & (part.seq == journal_line.c.seq - version.first_seq + 1)

    def of_part(value: ColumnElement[int]) -> Any:
        return select(value).where(its_part).correlate(plan, journal_line, schedule).scalar_subquery()

    carried = rounded_share(version.base, shared.carried, shared.whole)
    # With its type, PostgreSQL divides whole numbers; without, it would divide fractions, which substr refuses.
    width = func.length(version.amounts, type_=Integer) // shared.parts
    listed = func.substr(version.amounts, (part.seq - 1) * width + 1, width)
    return case(
        (version.amounts.is_not(None), of_part(cast(listed, BigInteger))),
        (shared.kind == "shares", version.planned),
        (shared.kind == "amounts", of_part(part.cumulative - part.before)),
        (of_part(part.cumulative) <= shared.carried, version.base),
        else_=version.planned - carried,
    )


def taken_back(connection: Connection, lines: Any) -> dict[tuple[int, str], int]:
    """Return the negative amounts of :func:`ledger_lines` or another such subquery, by charge line and account."""
    by = (lines.c.charge_no, lines.c.account)
    query = select(*by, cast(func.sum(lines.c.amount), BigInteger)).where(lines.c.amount < 0).group_by(*by)
    return {(no, account): amount for no, account, amount in connection.execute(query)}


def reclassified(connection: Connection, first: date, last: date) -> dict[tuple[int, str], int]:
    """Return the balances that a person moved from account to account, debits positive, as :func:`taken_back`.

    They are dated from one day to another.
    """
    change = ledger_change.c
    query = (
        select(change.charge_no, change.account, cast(func.sum(change.amount), BigInteger))
        .where(change.part == MOVE, change.date >= first.isoformat(), change.date <= last.isoformat())
        .group_by(change.charge_no, change.account)
    )
    return {(no, account): amount for no, account, amount in connection.execute(query)}
