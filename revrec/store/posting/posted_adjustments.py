"""Posted adjusting entries of a range of days, and the sums of their accounts."""

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from datetime import date
from typing import Any, NamedTuple

from sqlalchemy import Connection, Select, func, select

from revrec.core.adjusting import PRESENTATION
from revrec.store.charges import dimensions_of
from revrec.store.database.sums import joined_sum, split_sum_columns
from revrec.store.posting.adjustments import load_adjustment
from revrec.store.posting.posted import PostedEntry, Sums
from revrec.store.tables import adjusting_entry, adjusting_line

_ours = adjusting_entry.c


def posted_adjustments(
    connection: Connection, start: date, end: date, entity: str | None = None
) -> Iterator[PostedEntry]:
    """Yield the posted adjusting entries of a range of days, with their lines; ``entity`` limits them."""
    query = select(_ours.id).where(*_within(start, end)).order_by(_ours.date, _ours.id)
    yield from _loaded(connection, query if entity is None else query.where(_ours.entity == entity))


def adjustments_with_record_nos(connection: Connection, record_nos: Sequence[str]) -> Iterator[PostedEntry]:
    """Yield the posted adjusting entries with these Intacct record numbers."""
    yield from _loaded(connection, select(_ours.id).where(_ours.state == "POSTED", _ours.record_no.in_(record_nos)))


def adjusting_journals(connection: Connection) -> set[str]:
    """Return the journals that have adjusting entries."""
    return set(connection.execute(select(_ours.journal).distinct()).scalars())


def adjusting_sums(connection: Connection, start: date, end: date, places: Collection[str] | None = None) -> Sums:
    """Return the net amounts (debits positive) of posted adjusting entries, by account and currency.

    ``places`` limits them to lines at these locations; a line without a location is at the entity of its entry.
    """
    columns = (adjusting_line.c.account, _ours.currency, _ours.entity, adjusting_line.c.dimensions)
    query = select(*columns, *split_sum_columns(adjusting_line.c.amount))
    query = query.join(adjusting_entry, _ours.id == adjusting_line.c.adjustment_id).where(*_within(start, end))
    found: Counter[tuple[str, str]] = Counter()
    for account, currency, entity, dimensions, high, low in connection.execute(query.group_by(*columns)):
        if places is None or (dimensions_of(dimensions).get("location") or entity) in places:
            found[account, currency] += joined_sum(high, low)
    return dict(found)


def presented_on(connection: Connection, day: date, is_reversal: bool) -> dict[str, int]:
    """Return by currency what posted presentation entries of a day moved between accounts, or what reversals did."""
    net = func.sum(adjusting_line.c.amount)
    query = select(_ours.currency, net).join(adjusting_entry, _ours.id == adjusting_line.c.adjustment_id)
    query = query.where(*_presents(day, is_reversal))
    moved: Counter[str] = Counter()
    for currency, amount in connection.execute(query.group_by(_ours.currency, adjusting_line.c.account)):
        moved[currency] += max(int(amount), 0)
    return dict(moved)


class PostedAdjustmentLine(NamedTuple):
    """A line of a posted adjusting entry, with the ISO date of the entry; ``amount`` is in minor units."""

    account: str
    date: str
    reference: str
    record_no: str
    amount: int


def presented_lines(connection: Connection, day: date, is_reversal: bool, currency: str) -> list[PostedAdjustmentLine]:
    """Return the lines that :func:`presented_on` adds up: of the accounts that are debited more than credited.

    Debits are above zero.
    """
    line = adjusting_line.c
    columns = (line.account, _ours.date, _ours.reference, func.coalesce(_ours.record_no, ""), line.amount)
    query = select(*columns).join(adjusting_entry, _ours.id == line.adjustment_id).order_by(_ours.id, line.account)
    query = query.where(*_presents(day, is_reversal), _ours.currency == currency)
    found = [PostedAdjustmentLine(*row) for row in connection.execute(query)]
    net = Counter[str]()
    for one in found:
        net[one.account] += one.amount
    return [one for one in found if net[one.account] > 0]


def _presents(day: date, is_reversal: bool) -> tuple[Any, ...]:
    """Return the conditions that an entry is a posted presentation entry of a day, or its reversal."""
    reverses = _ours.reverses_id.is_not(None) if is_reversal else _ours.reverses_id.is_(None)
    return _ours.kind == PRESENTATION, _ours.day == day.isoformat(), _ours.state == "POSTED", reverses


def _within(start: date, end: date) -> tuple[Any, Any]:
    return _ours.state == "POSTED", _ours.date.between(start.isoformat(), end.isoformat())


def _loaded(connection: Connection, query: Select[Any]) -> Iterator[PostedEntry]:
    for number in list(connection.execute(query).scalars()):
        stored = load_adjustment(connection, number)
        yield PostedEntry(stored.entry, stored.record_no or "")
