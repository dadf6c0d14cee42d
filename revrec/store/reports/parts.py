"""Query the single amounts behind the figures of reports: schedule lines with the entries that recognize them."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection, Select, func, literal, select

from revrec.core.batching import batched
from revrec.store.posting.entries import recognition_date
from revrec.store.posting.ledger_changes import IS_UNEXPLAINED, MOVE, ON_DEFERRED_SIDE, RECOGNIZED
from revrec.store.reports.earned import EARNED_ACCOUNT, IS_CANCELED, IS_EARNED
from revrec.store.tables import (
    charge_line,
    entry_reversal,
    journal_entry,
    journal_line,
    ledger_change,
    rule_version,
    schedule_line,
)

AT_ONCE = 5_000
_line, _entry, _change = schedule_line.c, journal_entry.c, ledger_change.c


class RecognizedPart(NamedTuple):
    """An amount of a charge line in minor units, on a deferred account.

    ``version`` and ``line`` are the schedule line, 0 for a change in Intacct that a person accepted. ``earned`` is its
    day, ``dated`` the date of its entry; both are ISO text. ``entry`` and ``record_no`` are empty without an entry.
    """

    charge: str
    account: str
    version: int
    line: int
    earned: str
    dated: str
    entry: str
    record_no: str
    state: str
    amount: int


def charge_numbers(connection: Connection, charges: Sequence[str]) -> dict[str, int]:
    """Return the numbers of charge lines by id."""
    found: dict[str, int] = {}
    for some in batched(list(charges), AT_ONCE):
        query = select(charge_line.c.id, charge_line.c.no).where(charge_line.c.id.in_(some))
        found.update((id, no) for id, no in connection.execute(query))
    return found


def posted_parts(connection: Connection, numbers: Sequence[int], first: str, last: str) -> Iterator[RecognizedPart]:
    """Yield what posted entries dated from one ISO day to another recognize, with the accepted changes in Intacct."""
    posted = (
        _select(journal_line.c.account, RECOGNIZED)
        .join(journal_line, ON_DEFERRED_SIDE)
        .join(journal_entry, _entry.id == journal_line.c.entry_id)
        .join(charge_line, charge_line.c.no == journal_line.c.charge_no)
        .where(_entry.state == "POSTED", _entry.date.between(first, last))
        .order_by(_entry.date, _entry.id, journal_line.c.line_no)
    )
    yield from _parts(connection, posted, numbers)
    changed = _changes(_change.date).where(_change.part != MOVE, _change.date.between(first, last))
    yield from _parts(connection, changed, numbers)


def earned_parts(connection: Connection, numbers: Sequence[int], first: str, last: str) -> Iterator[RecognizedPart]:
    """Yield the schedule lines in force that are earned from one ISO day to another, posted or not.

    What was reversed for good, or is gone in Intacct, is taken off.
    """
    lines = _planned(EARNED_ACCOUNT, _line.amount).where(IS_EARNED, _line.date.between(first, last))
    yield from _parts(connection, lines, numbers)
    canceled = _planned(EARNED_ACCOUNT, -_line.amount).join(entry_reversal, entry_reversal.c.reverses == _line.entry_id)
    canceled = canceled.where(IS_CANCELED, _line.date.between(first, last))
    yield from _parts(connection, canceled, numbers)
    gone = _changes(recognition_date()).where(IS_UNEXPLAINED, recognition_date().between(first, last))
    yield from _parts(connection, gone, numbers)


def open_parts(
    connection: Connection, numbers: Sequence[int], until: str, first: str, last: str
) -> Iterator[RecognizedPart]:
    """Yield what is not in the ledger on the ISO day ``until`` and is planned from one day to another."""
    account = rule_version.c.deferred
    not_posted = _line.entry_id.is_(None) | (_entry.state != "POSTED")
    planned = _planned(account, _line.amount).where(_line.superseded_by.is_(None), not_posted)
    yield from _parts(connection, planned.where(_line.date.between(first, last)), numbers)
    if last > until:
        yield from posted_parts(connection, numbers, max(first, _after(until)), last)


def _after(day: str) -> str:
    return f"{day}~"


def _select(account: Any, amount: Any) -> Select[Any]:
    """Return the columns of a part, from schedule lines."""
    return select(
        charge_line.c.id, account, _line.version, _line.seq, _line.date, func.coalesce(_entry.date, ""),
        func.coalesce(_entry.reference, ""), func.coalesce(_entry.record_no, ""),
        func.lower(func.coalesce(_entry.state, "planned")), amount,
    ).select_from(schedule_line)  # fmt: skip


def _planned(account: Any, amount: Any) -> Select[Any]:
    return (
        _select(account, amount)
        .join(charge_line, charge_line.c.no == _line.charge_no)
        .join(rule_version, rule_version.c.id == _line.rule_version_id)
        .outerjoin(journal_entry, _entry.id == _line.entry_id)
        .outerjoin(journal_line, (journal_line.c.entry_id == _line.entry_id) & ON_DEFERRED_SIDE)
        .order_by(_line.date, _line.charge_no, _line.seq)
    )


def _changes(earned: Any) -> Select[Any]:
    return (
        select(
            charge_line.c.id, _change.account, literal(0), literal(0), earned, _change.date, _entry.reference,
            func.coalesce(_entry.record_no, ""), literal("changed in Intacct"), _change.amount,
        )
        .select_from(ledger_change)
        .join(journal_entry, _entry.id == _change.entry_id)
        .join(charge_line, charge_line.c.no == _change.charge_no)
        .order_by(_change.id)
    )  # fmt: skip


def _parts(connection: Connection, query: Select[Any], numbers: Sequence[int]) -> Iterator[RecognizedPart]:
    for some in batched(list(numbers), AT_ONCE):
        for row in connection.execute(query.where(charge_line.c.no.in_(some))):
            yield RecognizedPart(*row)
