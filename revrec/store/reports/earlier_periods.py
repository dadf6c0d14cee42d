"""Query revenue from obligations that were satisfied before a period: prices that changed afterwards."""

from dataclasses import replace
from datetime import date

from sqlalchemy import BigInteger, Connection, cast, exists, func, or_, select

from revrec.core.constraint import CONSTRAINT
from revrec.core.filters import Filters
from revrec.store.posting.invoices import SOLD
from revrec.store.posting.ledger_changes import ON_DEFERRED_SIDE, RECOGNIZED
from revrec.store.reports.causes import version_causes
from revrec.store.reports.filters import of_charges, within
from revrec.store.tables import charge_line, journal_entry, journal_line, schedule, schedule_line


def recognized_by_new_prices(
    connection: Connection, first: date, last: date, filters: Filters
) -> dict[tuple[int, str], int]:
    """Return the revenue of a period that a new price or estimate added to what was recognized before it.

    It is what a change of the price scheduled for charge lines of which nothing was planned for the period or later:
    by charge line and deferred account, in minor units, above zero. ``filters`` select charge lines and the account.
    """
    line, before = schedule_line.c, schedule_line.alias("before").c
    had_more = exists(
        select(before.charge_no).where(
            before.charge_no == line.charge_no,
            before.version < line.version,
            or_(before.superseded_by.is_(None), before.superseded_by >= line.version),
            before.date >= first.isoformat(),
        )
    )
    by = (journal_line.c.charge_no, journal_line.c.account, line.version, charge_line.c.currency)
    query = (
        select(*by[:3], cast(func.sum(RECOGNIZED), BigInteger))
        .select_from(schedule_line)
        .join(journal_line, ON_DEFERRED_SIDE)
        .join(journal_entry, journal_entry.c.id == journal_line.c.entry_id)
        .join(charge_line, charge_line.c.no == journal_line.c.charge_no)
        .where(journal_entry.c.state == "POSTED", *within(journal_entry.c.date, Filters(first=first, last=last)))
        .where(SOLD, RECOGNIZED > 0, line.version > 1, ~had_more)
        # Named twice: otherwise every line of the period is computed, to see its version.
        .where(journal_line.c.charge_no.in_(select(schedule.c.charge_no).where(schedule.c.version > 1)))
        .where(*of_charges(replace(filters, account=None)))
        .group_by(*by)
    )
    if filters.account is not None:
        query = query.where(journal_line.c.account == filters.account)
    rows = connection.execute(query).all()
    causes = version_causes(connection, {row[0] for row in rows})
    found: dict[tuple[int, str], int] = {}
    for no, account, version, amount in rows:
        words = causes[no, version].words
        if words.startswith("price change ") or words == f"event {CONSTRAINT}":
            found[no, account] = found.get((no, account), 0) + amount
    return found
