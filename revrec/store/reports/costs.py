"""Query what entries expensed of deferred costs."""

from collections import Counter
from collections.abc import Sequence
from datetime import date
from typing import NamedTuple

from sqlalchemy import Connection, case, select, union_all

from revrec.core.charge_line import LOSS_MARK
from revrec.core.filters import NO_FILTERS, Filters
from revrec.core.rules.costs import cost_of, sold_by
from revrec.store.database.sums import joined_sum, split_sum_columns
from revrec.store.number_lists import limited_to
from revrec.store.posting.invoices import IS_INTEREST, SOLD
from revrec.store.posting.ledger_changes import MOVE
from revrec.store.reports.filters import of_charges, within
from revrec.store.reports.in_ledger import posted_lines_of
from revrec.store.tables import charge_line, ledger_change

_IS_COST = ~SOLD & ~IS_INTEREST
_IS_LOSS = charge_line.c.line.endswith(LOSS_MARK, autoescape=True)


class Expensed(NamedTuple):
    """What is debited to expense accounts for costs, less credits, by currency and in minor units."""

    amortized: Counter[str]
    impaired: Counter[str]


def expensed_by_currency(connection: Connection, first: date, last: date, numbers: Sequence[int]) -> Expensed:
    """Return what entries and accepted changes in Intacct expense of costs, from one ledger date to another.

    ``numbers`` has all costs.
    """
    found = Expensed(Counter(), Counter())
    if not numbers:
        return found
    change, posted = ledger_change.c, posted_lines_of(first, last, numbers, other_side=True)
    changed = select(change.charge_no, -change.amount).where(
        change.part != MOVE, *within(change.date, Filters(first=first, last=last))
    )
    of_entries = select(posted.c.charge_no, posted.c.amount)
    lines = union_all(of_entries, limited_to(changed, change.charge_no, numbers)).subquery()
    by = (charge_line.c.currency, case((_IS_LOSS, 1), else_=0).label("is_loss"))
    query = select(*by, *split_sum_columns(lines.c.amount)).group_by(charge_line.c.currency, "is_loss")
    query = query.join(charge_line, charge_line.c.no == lines.c.charge_no)
    for currency, is_loss, *sums in connection.execute(query):
        (found.impaired if is_loss else found.amortized)[currency] = joined_sum(*sums)
    return found


def cost_numbers(connection: Connection, filters: Filters = NO_FILTERS) -> list[int]:
    """Return the numbers of the charge lines that are costs, or impairment losses of these; interest is not one.

    The filters select a cost if they select its own line, or the line that it belongs to. Accounts do not count.
    """
    query = select(charge_line.c.no, charge_line.c.id).where(_IS_COST).order_by(charge_line.c.no)
    found = [tuple(row) for row in connection.execute(query)]
    for name, value in vars(filters).items():
        if value is not None and name not in ("account", "first", "last"):
            # One by one: the line itself may have the charge, and the line that it belongs to the rule.
            conditions = [*of_charges(Filters(**{name: value}))]
            chosen = set(connection.execute(select(charge_line.c.id).where(*conditions)).scalars())
            found = [(no, id) for no, id in found if not chosen.isdisjoint((id, cost_of(id), sold_by(id)))]
    return [no for no, _id in found]
