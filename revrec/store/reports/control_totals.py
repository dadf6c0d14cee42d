"""Query the control totals of the books: each step from charge lines to entries, added up by itself."""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import date
from typing import Any, NamedTuple

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Select,
    and_,
    case,
    cast,
    exists,
    func,
    select,
    union_all,
)

from revrec.core.schedule import CLOSED, NOT_REVENUE
from revrec.store.charges import BILLS, IS_REVENUE, NOT_VOIDED
from revrec.store.database.sums import joined_sum, split_sum_columns
from revrec.store.number_lists import limited_to
from revrec.store.posting.invoices import SOLD
from revrec.store.posting.ledger_changes import IS_UNEXPLAINED, MOVE
from revrec.store.posting.reversals import IS_REVERSED_FOR_GOOD
from revrec.store.reports.booked import OtherCharges, recognized_by_account
from revrec.store.reports.plain_lines import IS_ENTERED, WHOLE, PlainLines, is_dated
from revrec.store.tables import (
    allocation,
    allocation_line,
    audit_event,
    charge_line,
    invoice,
    invoice_line,
    journal_entry,
    ledger_change,
    price_change,
    quarantine,
    quarantine_outcome,
    schedule,
    schedule_allocation,
    schedule_line,
    unscheduled,
)
from revrec.store.two_readers import added_up, stream_halves

SET_ASIDE: ColumnElement[Any] = func.coalesce(quarantine_outcome.c.outcome, "waiting")
"""What was done with a row that was set aside."""
CREDIT_KINDS = ("sales_credit", "ar_credit")
"""The kinds of invoices that are credit memos."""
SIGNED, OPENING_SIGNED = "tie-out signed", "opening balances signed"
REVERSED_THERE = (ledger_change.c.part != MOVE) & ~IS_UNEXPLAINED
"""The condition that a person reversed something in Intacct."""
CURRENT = schedule_line.c.superseded_by.is_(None)
_SHARE = allocation_line.alias("share")
IS_PRICE_ONLY = and_(
    unscheduled.c.code == CLOSED,
    exists().where(
        _SHARE.c.charge_no == unscheduled.c.charge_no, _SHARE.c.standalone.is_(None), _SHARE.c.allocated == 0
    ),
)
"""The condition that a charge line without a schedule is only a price: its contract earns its whole amount."""


class Total(NamedTuple):
    """How many rows, and the sum of their amounts in minor units."""

    rows: int = 0
    amount: int = 0


class Signature(NamedTuple):
    """Who signed a tie-out, when, with which words, and the SHA-256 of the figures that were signed."""

    by: str
    at: str
    text: str
    sha256: str


Totals = dict[str, Total]
"""Totals by currency, or by charge line, of what customers bought: costs are left out."""


class TotalsBy(NamedTuple):
    """What totals are by: a column of charge lines, and conditions on these."""

    column: ColumnElement[Any]
    only: Sequence[ColumnElement[bool]] = ()


BY_CURRENCY = TotalsBy(charge_line.c.currency)


def by_charge(currency: str) -> TotalsBy:
    """Return that totals are of each charge line in a currency."""
    return TotalsBy(charge_line.c.id, (charge_line.c.currency == currency,))


def accepted(connection: Connection, by: TotalsBy = BY_CURRENCY) -> Totals:
    """Return the charge lines as they were billed, without those that were voided before they had a schedule."""
    has_schedule = exists().where(schedule.c.charge_no == charge_line.c.no)
    query = _sums(charge_line.c.amount, by).select_from(charge_line)
    return _totals(connection, query.where(NOT_VOIDED | has_schedule))


def files(connection: Connection) -> Totals:
    """Return the files with charge lines, with what they bill."""
    number = func.count(charge_line.c.import_id.distinct())
    query = select(charge_line.c.currency, number, *split_sum_columns(charge_line.c.amount)).where(SOLD)
    return _totals(connection, query.group_by(charge_line.c.currency))


def voided(connection: Connection, by: TotalsBy = BY_CURRENCY) -> Totals:
    """Return the charge lines that were voided before they had a schedule."""
    has_schedule = exists().where(schedule.c.charge_no == charge_line.c.no)
    query = _sums(charge_line.c.amount, by).select_from(charge_line)
    return _totals(connection, query.where(~NOT_VOIDED, ~has_schedule))


class SetAside(NamedTuple):
    """Rows of files that were set aside, by what was done with them: ``amount`` is None if none can be read."""

    outcome: str
    currency: str
    rows: int
    amount: int | None


def set_aside(connection: Connection) -> Iterator[SetAside]:
    """Yield the rows that were ever in the quarantine, by outcome (``waiting`` without one) and currency as it came."""
    by = (SET_ASIDE.label("outcome"), quarantine.c.currency)
    amount = cast(func.sum(quarantine.c.amount), BigInteger)
    query = (
        select(*by, func.count(), amount)
        .outerjoin(quarantine_outcome, quarantine_outcome.c.quarantine_id == quarantine.c.id)
        .group_by(*by)
        .order_by(*by)
    )
    yield from (SetAside(*row) for row in connection.execute(query))


def invoices(connection: Connection) -> tuple[dict[str, Totals], Totals]:
    """Return the invoices and credit memos for Intacct by state, and their lines; credit memos are below zero.

    Sales orders bill nothing: their invoices do.
    """
    document, sign = invoice.c, case((invoice.c.kind.in_(CREDIT_KINDS), -1), else_=1)
    bills = document.kind != "sales_order"
    heads = select(document.state, document.currency, func.count(), *split_sum_columns(sign * document.amount))
    found: dict[str, Totals] = {}
    for state, currency, rows, *sums in connection.execute(
        heads.where(bills).group_by(document.state, document.currency)
    ):
        found.setdefault(state, {})[currency] = Total(rows, joined_sum(*sums))
    lines = select(document.currency, func.count(), *split_sum_columns(sign * invoice_line.c.amount))
    lines = lines.join(invoice_line, invoice_line.c.invoice_id == document.id).where(bills).group_by(document.currency)
    return found, _totals(connection, lines)


def historical(connection: Connection, by: TotalsBy = BY_CURRENCY) -> Totals:
    """Return what was recognized of migrated charge lines before their cutovers."""
    amount = charge_line.c.recognized_before
    has_schedule = exists().where(schedule.c.charge_no == charge_line.c.no)
    query = _sums(amount, by).select_from(charge_line)
    return _totals(connection, query.where(amount != 0, and_(IS_REVENUE, NOT_VOIDED) | has_schedule))


def not_revenue(connection: Connection, by: TotalsBy = BY_CURRENCY) -> Totals:
    """Return the charge lines that have never been revenue, such as tax and deposits.

    A schedule that ended because its charge line is not revenue is among the price changes.
    """
    lines = _sums(charge_line.c.amount, by).join(unscheduled, unscheduled.c.charge_no == charge_line.c.no)
    return _totals(connection, lines.where(unscheduled.c.code == NOT_REVENUE, NOT_VOIDED))


def billing(connection: Connection, by: TotalsBy = BY_CURRENCY) -> Totals:
    """Return the charge lines that bill contract lines: the revenue is the contract line's."""
    return _totals(connection, _sums(charge_line.c.amount, by).select_from(charge_line).where(BILLS, NOT_VOIDED))


def price_changes(connection: Connection, by: TotalsBy = BY_CURRENCY) -> Totals:
    """Return what events changed of the prices of charge lines, with a schedule or without one."""
    of_unscheduled = _of_unscheduled(~IS_PRICE_ONLY)
    changes = union_all(select(price_change.c.charge_no, price_change.c.amount), of_unscheduled).subquery()
    return _totals(connection, _of_charges(changes, by))


def allocations(connection: Connection, by: TotalsBy = BY_CURRENCY) -> Totals:
    """Return what bundles moved between charge lines, also those without a schedule and those that are only a price."""
    moved = select(schedule_allocation.c.charge_no, schedule_allocation.c.amount)
    whole = union_all(moved, _of_unscheduled(IS_PRICE_ONLY), _shares_of_unscheduled()).subquery()
    return _totals(connection, _of_charges(whole, by))


def _of_unscheduled(chosen: ColumnElement[bool]) -> Select[Any]:
    """Return how the prices of charge lines without a schedule differ from their shares, or from what was billed."""
    shares = _shares_of_unscheduled().subquery()
    before = charge_line.c.amount + func.coalesce(shares.c.amount, 0)
    difference = unscheduled.c.amount + charge_line.c.recognized_before - before
    return (
        select(unscheduled.c.charge_no, difference.label("amount"))
        .join(charge_line, charge_line.c.no == unscheduled.c.charge_no)
        .outerjoin(shares, shares.c.charge_no == unscheduled.c.charge_no)
        .where(unscheduled.c.code != NOT_REVENUE, NOT_VOIDED, difference != 0, chosen)
    )


def _shares_of_unscheduled() -> Select[Any]:
    """Return what the newest allocation adds to each charge line that has no schedule, where that is not zero."""
    newest = (
        select(allocation.c.contract, func.max(allocation.c.version).label("version"))
        .group_by(allocation.c.contract)
        .subquery()
    )
    difference = (allocation_line.c.allocated - allocation_line.c.billed).label("amount")
    query: Select[Any] = (
        select(allocation_line.c.charge_no, difference)
        .join(allocation, allocation.c.id == allocation_line.c.allocation_id)
        .join(newest, (newest.c.contract == allocation.c.contract) & (newest.c.version == allocation.c.version))
        .join(unscheduled, unscheduled.c.charge_no == allocation_line.c.charge_no)
        .where(difference != 0, unscheduled.c.code.not_in(("impossible", "ambiguous", NOT_REVENUE)), ~IS_PRICE_ONLY)
    )
    return query


class ScheduleTotals(NamedTuple):
    """The schedule lines in force: all of them, and those on posted entries that were not reversed for good.

    ``due`` are those dated until a day, by the state of their entry; the state is empty for lines on no entry.
    """

    dated: Totals
    posted: Totals
    due: dict[str, Totals]


def schedule_totals(
    connection: Connection, until: date, special: Sequence[int] | None, by: TotalsBy = BY_CURRENCY
) -> ScheduleTotals:
    """Return the totals of the schedule lines in force; the ``special`` charge lines are read one by one.

    The others are added up from their plans (:mod:`revrec.store.reports.plain_lines`), unless ``special`` is None. Only
    then the totals can be by charge line.
    """
    found = ScheduleTotals({}, {}, {})
    if special is None or special:
        _add_read_totals(connection, until, special, found, by)
    if special is not None:
        _add_plain_totals(connection, until, special, found)
    return found


def _add_read_totals(
    connection: Connection, until: date, special: Sequence[int] | None, found: ScheduleTotals, by: TotalsBy
) -> None:
    """Add the schedule lines of these charge lines, or of all, one by one."""
    is_due = case((schedule_line.c.date <= until.isoformat(), 1), else_=0).label("is_due")
    is_reversed = case((IS_REVERSED_FOR_GOOD, 1), else_=0).label("is_reversed")
    state = func.coalesce(journal_entry.c.state, "").label("state")
    query = (
        _of_charges(schedule_line, by)
        .add_columns(state, is_due, is_reversed)
        .outerjoin(journal_entry, journal_entry.c.id == schedule_line.c.entry_id)
        .where(CURRENT)
        .group_by("state", "is_due", "is_reversed")
    )
    for row in connection.execute(limited_to(query, schedule_line.c.charge_no, special)):
        currency, rows, *sums = row[:4]
        total = Total(rows, joined_sum(*sums))
        _add(found.dated, currency, total)
        if row.state == "POSTED" and not row.is_reversed:
            _add(found.posted, currency, total)
        if row.is_due:
            _add(found.due.setdefault(row.state, {}), currency, total)


def _add_plain_totals(connection: Connection, until: date, special: Sequence[int], found: ScheduleTotals) -> None:
    """Add the schedule lines of all other charge lines, from their plans."""
    due = is_dated(until)
    weights = {"all": WHOLE, "posted": IS_ENTERED, "posted_due": IS_ENTERED & due, "due": due}
    plain = PlainLines(connection, special, weights)
    sums = (cast(func.sum(one(name)), BigInteger) for name in weights for one in (plain.count, plain.amount))
    query = plain.select(charge_line.c.currency, *sums).where(SOLD).group_by(charge_line.c.currency)
    for currency, *row in added_up(stream_halves(connection, lambda half: query.where(*half)), keys=1):
        every, posted, posted_due, of_due = (Total(*row[at : at + 2]) for at in range(0, len(row), 2))
        open_due = Total(of_due.rows - posted_due.rows, of_due.amount - posted_due.amount)
        _add(found.dated, currency, every)
        _add(found.posted, currency, posted)
        _add(found.due.setdefault("POSTED", {}), currency, posted_due)
        _add(found.due.setdefault("", {}), currency, open_due)


def _add(totals: Totals, currency: str, more: Total) -> None:
    if more.rows:
        known = totals.get(currency, Total())
        totals[currency] = Total(known.rows + more.rows, known.amount + more.amount)


def recognized_by_entries(others: OtherCharges) -> Totals:
    """Return what journal lines recognize, with reversals below zero, also those that a person made in Intacct."""
    found: Totals = {}
    for one in recognized_by_account(others.connection, date.min, date.max, REVERSED_THERE, others):
        _add(found, one.currency, Total(one.lines, one.amount))
    return found


def signatures(connection: Connection, day: str, action: str = SIGNED) -> list[Signature]:
    """Return the signatures of the figures of an ISO day, the first one first."""
    event = audit_event.c
    query = select(event.actor, event.at, event.detail).where(event.action == action, event.subject == day)
    return [
        Signature(by, at, **{name: json.loads(detail)[name] for name in ("text", "sha256")})
        for by, at, detail in connection.execute(query.order_by(event.seq))
    ]


def signed_in_words(signatures: Sequence[Signature], now: str) -> list[str]:
    """Return who signed, in words; ``now`` is the digest of the present figures."""
    changed = " (the figures have changed since)"
    said = [f"{one.by} at {one.at[:19]} UTC: {one.text}{'' if one.sha256 == now else changed}" for one in signatures]
    return said or ["not signed"]


def _sums(amount: Any, by: TotalsBy) -> Any:
    return select(by.column, func.count(), *split_sum_columns(amount)).where(SOLD, *by.only).group_by(by.column)


def _of_charges(table: Any, by: TotalsBy) -> Any:
    return _sums(table.c.amount, by).select_from(table).join(charge_line, charge_line.c.no == table.c.charge_no)


def _totals(connection: Connection, query: Any) -> Totals:
    return {key: Total(rows, joined_sum(*sums)) for key, rows, *sums in connection.execute(query)}


def added(*some: Totals) -> Counter[str]:
    """Return the sum of totals by currency."""
    found: Counter[str] = Counter()
    for totals in some:
        for currency, one in totals.items():
            found[currency] += one.amount
    return found
