"""Query what entries expensed of deferred costs."""

from collections.abc import Iterator
from datetime import date

from sqlalchemy import Connection, case, select, union_all

from revrec.core.charge_line import LOSS_MARK
from revrec.core.filters import Filters
from revrec.store.database.sums import joined_sum, split_sum_columns
from revrec.store.posting.invoices import IS_INTEREST, SOLD
from revrec.store.posting.ledger_changes import MOVE, ON_DEFERRED_SIDE
from revrec.store.reports.filters import within
from revrec.store.reports.recognition import AccountAmount
from revrec.store.tables import charge_line, journal_entry, journal_line, ledger_change, same_line, schedule_line

_IS_COST = ~SOLD & ~IS_INTEREST
_IS_LOSS = charge_line.c.line.endswith(LOSS_MARK, autoescape=True)


def expensed_by_account(
    connection: Connection, first: date, last: date, losses: bool = False
) -> Iterator[AccountAmount]:
    """Yield what is debited to expense accounts for costs, less credits, from one ledger date to another.

    It is what was amortized, or the impairment ``losses``.

    What a person accepted as changed in Intacct is counted on its deferred account, since the other one is not stored.
    """
    days = Filters(first=first, last=last)
    debits = case((journal_line.c.side == "debit", journal_line.c.amount), else_=-journal_line.c.amount)
    posted = (
        select(journal_line.c.charge_no, journal_line.c.account, debits.label("amount"))
        .join(journal_entry, journal_entry.c.id == journal_line.c.entry_id)
        .join(schedule_line, same_line(schedule_line, journal_line))
        .where(journal_entry.c.state == "POSTED", ~ON_DEFERRED_SIDE, *within(journal_entry.c.date, days))
    )
    change = ledger_change.c
    changed = select(change.charge_no, change.account, -change.amount).where(
        change.part != MOVE, *within(change.date, days)
    )
    lines = union_all(posted, changed).subquery()
    by = (lines.c.account, charge_line.c.currency)
    query = select(*by, *split_sum_columns(lines.c.amount)).join(charge_line, charge_line.c.no == lines.c.charge_no)
    for account, currency, *sums in connection.execute(
        query.where(_IS_COST, _IS_LOSS if losses else ~_IS_LOSS).group_by(*by)
    ):
        yield AccountAmount(account, currency, joined_sum(*sums))


def cost_numbers(connection: Connection) -> list[int]:
    """Return the numbers of all charge lines that are costs; interest is not one."""
    return list(connection.execute(select(charge_line.c.no).where(_IS_COST).order_by(charge_line.c.no)).scalars())
