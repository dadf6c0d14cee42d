"""Posted journal lines, one by one and added up by account."""

from collections.abc import Iterator
from datetime import date
from typing import Any, NamedTuple

from sqlalchemy import Connection, FromClause, case, func, select

from revrec.core.filters import NO_FILTERS, Filters
from revrec.store.bulk import stream_rows
from revrec.store.database.sums import joined_sum, split_sum_columns
from revrec.store.posting.entries import sent_line_no
from revrec.store.reports.filters import line_conditions, within
from revrec.store.tables import (
    ORDERED,
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
    schedule_line,
)

COLUMNS = (
    "reference", "record_no", "journal", "date", "earned", "reason", "entity", "line", "account", "side", "amount",
    "currency", "charge", "document", "customer", "item", "dimensions", "memo", "rule", "rule_version", "run",
    "created_at", "created_by", "approved_at", "posted_at", "reverses",
)  # fmt: skip
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

    ``line`` is the number of the line in Intacct: the lines that a summarized entry adds up have the same.
    ``created_by`` is who ran revrec, ``reverses`` the reference of the entry that a reversal takes back.
    ``approved_at`` is when a run found that an entry which awaited approval in Intacct was approved. :data:`RATED` is
    added.
    """
    entry, line, reversed_entry = journal_entry.c, journal_line.c, journal_entry.alias("reversed_entry")
    approved = _approved()
    query = (
        select(
            entry.reference, entry.record_no, entry.journal, entry.date, schedule_line.c.date.label("earned"),
            entry_date_override.c.reason, entry.entity, sent_line_no.label("line"), line.account, line.side,
            line.amount, line.currency, line.charge, line.document, line.customer, line.item, line.dimensions,
            line.memo, rule_version.c.name.label("rule"), rule_version.c.version.label("rule_version"),
            entry.run_id.label("run"), entry.created_at, posting_run.c.actor.label("created_by"),
            case((approved.c.entry_id.is_not(None), entry.posted_at)).label("approved_at"), entry.posted_at,
            func.coalesce(reversed_entry.c.reference, "").label("reverses"),
            charge_line.c.post_date, ORDERED.label("is_ordered"),
            func.coalesce(reversed_entry.c.date, entry.date).label("rated"),
        )
        .select_from(journal_entry)
        .join(journal_line, line.entry_id == entry.id)
        .join(schedule_line, same_line(schedule_line, journal_line))
        .join(rule_version, rule_version.c.id == schedule_line.c.rule_version_id)
        .join(charge_line, charge_line.c.no == line.charge_no)
        .outerjoin(approved, approved.c.entry_id == entry.id)
        .outerjoin(entry_date_override, entry_date_override.c.entry_id == entry.id)
        .outerjoin(posting_run, posting_run.c.id == entry.run_id)
        .outerjoin(entry_reversal, entry_reversal.c.entry_id == entry.id)
        .outerjoin(reversed_entry, reversed_entry.c.id == entry_reversal.c.reverses)
        .where(entry.state == "POSTED", *within(entry.date, filters), *line_conditions(filters))
        .order_by(entry.date, entry.id, line.line_no)
    )  # fmt: skip
    if filters.entity is not None:
        query = query.where(entry.entity == filters.entity)
    for row in stream_rows(connection, query):
        yield dict(row._mapping)


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
