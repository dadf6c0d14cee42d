"""Posted journal lines, one by one and added up by account."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from itertools import groupby
from operator import itemgetter
from typing import Any, NamedTuple

from sqlalchemy import Connection, FromClause, Integer, Select, bindparam, case, func, select

from revrec.core.filters import NO_FILTERS, Filters
from revrec.store.bulk import rows_of, stream_rows
from revrec.store.database.sums import joined_sum, split_sum_columns
from revrec.store.number_lists import NUMBERS, json_of
from revrec.store.posting.entries import sent_line_no
from revrec.store.reports.filters import line_conditions, within
from revrec.store.tables import (
    ORDERED,
    RULE_OF_LINE,
    account_sum,
    attempt,
    attempt_outcome,
    charge_line,
    entry_date_override,
    entry_reversal,
    journal_entry,
    journal_line,
    posting_run,
    rule_version,
    same_line,
    same_version,
    schedule,
    take_back_line,
)

COLUMNS = (
    "reference", "record_no", "journal", "date", "earned", "reason", "entity", "line", "account", "side", "amount",
    "currency", "charge", "document", "customer", "item", "dimensions", "memo", "rule", "rule_version", "run",
    "created_at", "created_by", "approved_at", "posted_at", "reverses",
)  # fmt: skip
LINE = (*COLUMNS[7:20], "post_date", "is_ordered")
"""The columns of a line; the others are columns of its entry."""
AT_ONCE = 20_000
"""The most lines that are read at once."""
RATED = ("post_date", "is_ordered", "rated")
"""What decides the exchange rate of a line: the post date of its charge line, whether other lines bill it, and the day
of the rate that its entry has otherwise."""


class AccountActivity(NamedTuple):
    """The posted lines of an account in a span of days: sums in minor units, and how many lines and entries."""

    account: str
    currency: str
    debits: int
    credits: int
    lines: int
    entries: int


def account_activity(
    connection: Connection, first: date | None, last: date, filters: Filters = NO_FILTERS
) -> Iterator[AccountActivity]:
    """Yield the activity of each account and currency, in order.

    ``filters``, apart from their days, select the journal lines.
    """
    # The sums of entries have no customers and items, so filters need the lines.
    conditions = [*line_conditions(filters)]
    table, lines = (journal_line, func.count()) if conditions else (account_sum, func.sum(account_sum.c.lines))
    if filters.entity is not None:
        conditions.append(journal_entry.c.entity == filters.entity)
    debits, credits = (
        split_sum_columns(case((table.c.side == side, table.c.amount), else_=0)) for side in ("debit", "credit")
    )
    by = (table.c.account, journal_entry.c.currency)
    days = within(journal_entry.c.date, Filters(first=first, last=last))
    query = (
        select(*by, *debits, *credits, lines, func.count(journal_entry.c.id.distinct()))
        .join(journal_entry, journal_entry.c.id == table.c.entry_id)
        .where(journal_entry.c.state == "POSTED", *days, *conditions)
        .group_by(*by)
        .order_by(*by)
    )
    for account, currency, *sums, lines, entries in connection.execute(query):
        yield AccountActivity(account, currency, joined_sum(*sums[:2]), joined_sum(*sums[2:]), lines, entries)


def posted_lines(connection: Connection, filters: Filters) -> Iterator[dict[str, Any]]:
    """Yield the posted journal lines that the filters select, by date, entry and line, as they are stored.

    The keys are :data:`COLUMNS` and :data:`RATED`. ``line`` is the number of the line in Intacct: the lines that a
    summarized entry adds up have the same. ``created_by`` is who ran revrec, ``reverses`` the reference of the entry
    that a reversal takes back. ``approved_at`` is when a run found that an entry which awaited approval in Intacct was
    approved.
    """
    for entry, lines in posted_entries(connection, filters, rated=True):
        for line in lines:
            yield {**entry, **dict(zip(LINE, line, strict=False))}


def posted_entries(
    connection: Connection, filters: Filters, rated: bool = False
) -> Iterator[tuple[Mapping[str, Any], list[tuple[Any, ...]]]]:
    """Yield each posted entry with its lines that the filters select, in the order of :func:`posted_lines`.

    What the lines of an entry share is read once for the entry, since a month can have a million lines. An entry with
    more than :data:`AT_ONCE` lines comes several times. A line is a tuple of :data:`LINE`; if it need not be ``rated``,
    without the columns of its charge line.
    """
    statement = _lines(filters, rated)
    for some in _blocks(_entries(connection, filters)):
        entries = {row["id"]: row for row in some}
        numbers, last = json_of(tuple(entries)), sum(row["lines"] for row in some)
        # Only an entry that is alone in its block can have more lines.
        for first in range(1, last + 1, AT_ONCE):
            until = first + AT_ONCE - 1
            lines = rows_of(connection, statement, numbers=numbers, first=first, until=until)
            for number, found in groupby(lines, itemgetter(-1)):
                yield entries[number], list(found)


def _blocks(entries: Iterable[Mapping[str, Any]]) -> Iterator[list[Mapping[str, Any]]]:
    """Yield the entries in blocks with at most :data:`AT_ONCE` lines; in a block, their numbers rise.

    An entry with more lines is alone in its block.
    """
    some: list[Mapping[str, Any]] = []
    lines = 0
    for entry in entries:
        if some and (lines + entry["lines"] > AT_ONCE or entry["id"] < some[-1]["id"]):
            yield some
            some, lines = [], 0
        some.append(entry)
        lines += entry["lines"]
    if some:
        yield some


def _entries(connection: Connection, filters: Filters) -> Iterator[Mapping[str, Any]]:
    """Yield what the lines of each posted entry share, by date and number."""
    entry, reversed_entry, approved = journal_entry.c, journal_entry.alias("reversed_entry"), _approved()
    moved = entry_date_override.alias("moved")
    dated = func.coalesce(reversed_entry.c.date, entry.date)
    query = (
        select(
            entry.id, entry.lines, entry.reference, entry.record_no, entry.journal, entry.date,
            # A reversal has the lines of the entry that it takes back.
            func.coalesce(moved.c.recognition_date, dated).label("earned"), entry_date_override.c.reason, entry.entity,
            entry.run_id.label("run"), entry.created_at, posting_run.c.actor.label("created_by"),
            case((approved.c.entry_id.is_not(None), entry.posted_at)).label("approved_at"), entry.posted_at,
            func.coalesce(reversed_entry.c.reference, "").label("reverses"), dated.label("rated"),
        )
        .select_from(journal_entry)
        .outerjoin(approved, approved.c.entry_id == entry.id)
        .outerjoin(entry_date_override, entry_date_override.c.entry_id == entry.id)
        .outerjoin(posting_run, posting_run.c.id == entry.run_id)
        .outerjoin(entry_reversal, entry_reversal.c.entry_id == entry.id)
        .outerjoin(reversed_entry, reversed_entry.c.id == entry_reversal.c.reverses)
        .outerjoin(moved, moved.c.entry_id == func.coalesce(reversed_entry.c.id, entry.id))
        .where(entry.state == "POSTED", *within(entry.date, filters))
        .order_by(entry.date, entry.id)
    )  # fmt: skip
    if filters.entity is not None:
        query = query.where(entry.entity == filters.entity)
    for row in stream_rows(connection, query):
        yield row._mapping


def _lines(filters: Filters, rated: bool) -> Select[Any]:
    """Return the query of the lines of the entries ``numbers``, from the line ``first`` to ``until`` of each."""
    line = journal_line.c
    columns = [
        sent_line_no, line.account, line.side, line.amount, line.currency, line.charge, line.document, line.customer,
        line.item, line.dimensions, line.memo, rule_version.c.name, rule_version.c.version,
    ]  # fmt: skip
    source = (
        journal_line.join(schedule, same_version(schedule, journal_line))
        .outerjoin(take_back_line, same_line(take_back_line, journal_line))
        .join(rule_version, rule_version.c.id == RULE_OF_LINE)
    )
    if rated:
        columns += [charge_line.c.post_date, ORDERED]
        source = source.join(charge_line, charge_line.c.no == line.charge_no)
    span = line.line_no.between(bindparam("first", type_=Integer()), bindparam("until", type_=Integer()))
    return (
        select(*columns, line.entry_id)
        .select_from(source)
        .where(line.entry_id.in_(NUMBERS), span, *line_conditions(filters))
        .order_by(line.entry_id, line.line_no)
    )


def _approved() -> FromClause:
    """Return the entries that Intacct had under a record number before they were found in its ledger."""
    saved = (
        select(attempt.c.entry_id)
        .join(attempt_outcome, attempt_outcome.c.attempt_id == attempt.c.id)
        .where(attempt_outcome.c.record_no.is_not(None))
        .group_by(attempt.c.entry_id)
        .having(func.count() > 1)
    )
    return saved.subquery()
