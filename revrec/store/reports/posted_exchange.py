"""Query which exchange differences are posted, and what the entries of a charge line have on a deferred account."""

from dataclasses import replace
from datetime import date
from typing import Any, NamedTuple

from sqlalchemy import BigInteger, ColumnElement, Connection, Select, and_, cast, func, literal, select

from revrec.core.adjusting import EXCHANGE
from revrec.core.exchange_entries import ClearedLine
from revrec.core.filters import NO_FILTERS, Filters
from revrec.store.charges import dimensions_of
from revrec.store.posting.adjustments import IS_LIVE
from revrec.store.posting.posted_adjustments import PostedAdjustmentLine
from revrec.store.reports.filters import of_charges
from revrec.store.tables import (
    adjusting_entry,
    adjusting_line,
    charge_line,
    journal_entry,
    journal_line,
    summary_line,
)

_entry, _line = adjusting_entry.c, adjusting_line.c
_OF_EXCHANGE = _entry.kind == EXCHANGE
_IS_CLEARED = _entry.subject == charge_line.c.id + " " + _line.account
"""The condition that a line is on the deferred account which its entry clears, of a charge line."""


class PostedDifference(NamedTuple):
    """What was posted of the exchange difference of a charge line on a deferred account, in minor units of ``base``.

    ``currency`` is the charge line's currency, and ``base`` the base currency. Above zero it is a gain.
    """

    charge: str
    entity: str
    account: str
    currency: str
    base: str
    amount: int


class PostedExchangeEntry(NamedTuple):
    """A posted entry that clears an exchange difference: its ISO date, reference and record number."""

    posted: PostedDifference
    date: str
    reference: str
    record_no: str


class ExchangeEntry(NamedTuple):
    """An adjusting entry that clears an exchange difference from the deferred account ``account``.

    ``amount`` is in minor units of the base currency ``currency``, above zero for a gain.
    """

    reference: str
    date: str
    account: str
    amount: int
    currency: str
    state: str
    record_no: str | None


def exchange_entries(connection: Connection, charge: str) -> list[ExchangeEntry]:
    """Return the entries that clear exchange differences of a charge line, in the order in which they were made."""
    columns = (_entry.reference, _entry.date, _line.account, _line.amount, _entry.currency, _entry.state)
    query = (
        select(*columns, _entry.record_no)
        .select_from(adjusting_entry)
        .join(adjusting_line, _line.adjustment_id == _entry.id)
        .where(_OF_EXCHANGE, _entry.subject == literal(f"{charge} ") + _line.account)
        .order_by(_entry.id)
    )
    return [ExchangeEntry(*row) for row in connection.execute(query)]


def posted_differences(connection: Connection, until: date, filters: Filters = NO_FILTERS) -> list[PostedDifference]:
    """Return what is in Intacct's ledger with a date until a day, of charge lines and an account."""
    return _differences(connection, _is_posted(until, filters))


def posted_exchange_entries(
    connection: Connection, until: date, filters: Filters = NO_FILTERS
) -> list[PostedExchangeEntry]:
    """Return the entries that :func:`posted_differences` adds up, in the order in which they were made."""
    columns = (_line.amount, _entry.date, _entry.reference, func.coalesce(_entry.record_no, ""))
    query = _cleared(_is_posted(until, filters), *columns).order_by(_entry.id)
    return [PostedExchangeEntry(PostedDifference(*row[:6]), *row[6:]) for row in connection.execute(query)]


def _is_posted(until: date, filters: Filters) -> ColumnElement[bool]:
    chosen = [*of_charges(replace(filters, account=None))]
    if filters.account is not None:
        chosen.append(_line.account == filters.account)
    return and_(_entry.state == "POSTED", _entry.date <= until.isoformat(), *chosen)


def differences_on_their_way(connection: Connection, before: date) -> list[PostedDifference]:
    """Return what is in the ledger or on its way to it with a date before a day."""
    return _differences(connection, and_(IS_LIVE, _entry.date < before.isoformat()))


def _differences(connection: Connection, which: ColumnElement[bool]) -> list[PostedDifference]:
    query = _cleared(which, cast(func.sum(_line.amount), BigInteger)).group_by(*_OF_CHARGE).order_by(*_OF_CHARGE)
    return [PostedDifference(*row) for row in connection.execute(query)]


_OF_CHARGE = (charge_line.c.id, _entry.entity, _line.account, charge_line.c.currency, _entry.currency)


def _cleared(which: ColumnElement[bool], *columns: Any) -> Select[Any]:
    """Return the query of the lines that clear a deferred account, with their charge lines."""
    # The id is found by its index; the rest of the subject is the account.
    charge = func.substr(_entry.subject, 1, func.length(_entry.subject) - func.length(_line.account) - 1)
    return (
        select(*_OF_CHARGE, *columns)
        .select_from(adjusting_entry)
        .join(adjusting_line, _line.adjustment_id == _entry.id)
        .join(charge_line, charge_line.c.id == charge)
        .where(_OF_EXCHANGE, _IS_CLEARED, which)
    )


def gains_and_losses(connection: Connection, until: date) -> dict[str, int]:
    """Return what entries have on accounts of gains and losses until a day, by base currency; above zero a gain."""
    query = _gains(until, _entry.currency, cast(func.sum(-_line.amount), BigInteger)).group_by(_entry.currency)
    return {row[0]: row[1] for row in connection.execute(query)}


def gain_lines(connection: Connection, until: date, base: str) -> list[PostedAdjustmentLine]:
    """Return the lines that :func:`gains_and_losses` adds up in a base currency, above zero for a gain."""
    columns = (_line.account, _entry.date, _entry.reference, func.coalesce(_entry.record_no, ""), -_line.amount)
    query = _gains(until, *columns).where(_entry.currency == base).order_by(_entry.id)
    return [PostedAdjustmentLine(*row) for row in connection.execute(query)]


def _gains(until: date, *columns: Any) -> Select[Any]:
    """Return the query of the posted lines that are on no deferred account of a charge line."""
    cleared = select(charge_line.c.no).where(_IS_CLEARED).correlate(adjusting_entry, adjusting_line).exists()
    return (
        select(*columns)
        .select_from(adjusting_entry)
        .join(adjusting_line, _line.adjustment_id == _entry.id)
        .where(_OF_EXCHANGE, _entry.state == "POSTED", _entry.date <= until.isoformat(), ~cleared)
    )


def latest_exchange_day(connection: Connection) -> date | None:
    """Return the last day of which exchange differences are in the ledger or on their way to it."""
    day = connection.execute(select(func.max(_entry.day)).where(_OF_EXCHANGE, IS_LIVE)).scalar()
    return None if day is None else date.fromisoformat(day)


def cleared_line(connection: Connection, charge: str, account: str, entity: str, base: str) -> ClearedLine:
    """Return a charge line on a deferred account, with the customer, item and dimensions of its newest entry there.

    Without an entry on that account they are the charge line's.
    """
    line, summed, entry = journal_line.c, summary_line.c, journal_entry.c
    its_sum = and_(
        summed.entry_id == line.entry_id,
        summed.side == line.side,
        line.line_no.between(summed.first, summed.last),
    )
    fields = tuple(
        func.coalesce(summed[name], line[name], charge_line.c[name]) for name in ("customer", "item", "dimensions")
    )
    query = (
        select(*fields)
        .select_from(charge_line)
        .outerjoin(journal_line, and_(line.charge_no == charge_line.c.no, line.account == account))
        .outerjoin(journal_entry, and_(entry.id == line.entry_id, entry.state == "POSTED"))
        .outerjoin(summary_line, its_sum)
        .where(charge_line.c.id == charge)
        .order_by(entry.date.desc().nulls_last(), entry.id.desc().nulls_last())
        .limit(1)
    )
    found = connection.execute(query).one()
    return ClearedLine(charge, account, entity, base, found[0], found[1], dimensions_of(found[2]))
