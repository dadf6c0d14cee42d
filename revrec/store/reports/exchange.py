"""Query what entries recognized of charge lines that are billed by a day, with the days of their exchange rates."""

from collections.abc import Iterator, Mapping
from datetime import date
from typing import NamedTuple

from sqlalchemy import BigInteger, Connection, cast, func, select

from revrec.core.calendar import day_of
from revrec.store.bulk import stream_rows
from revrec.store.posting.invoices import SOLD
from revrec.store.reports.contract_balances import BalanceQuery, billing_days
from revrec.store.reports.in_ledger import ledger_lines
from revrec.store.tables import charge_line


class EarnedAmount(NamedTuple):
    """What entries of one date recognized of a charge line on a deferred account, in minor units of its currency.

    ``post_date`` is the day of the rate of later entries, and ``billed`` the day on which the account was credited.
    """

    charge: str
    entity: str
    currency: str
    account: str
    post_date: date
    billed: date
    earned: date
    amount: int


def earned_amounts(connection: Connection, until: date, invoiced: Mapping[str, str]) -> Iterator[EarnedAmount]:
    """Yield what is in the ledger of the charge lines that are billed by a day, by entry date; costs are left out.

    Lines of the sources ``invoiced``, from the first post date of each, are billed on their invoice's date.
    """
    lines, on = ledger_lines(None, until), billing_days(BalanceQuery(until, until, invoiced=invoiced))
    line = charge_line.c
    by = (line.no, line.id, line.entity, line.currency, lines.c.account, line.post_date, on.c.date, lines.c.date)
    amount = cast(func.sum(lines.c.amount), BigInteger)
    query = (
        select(*by, amount)
        .join(charge_line, line.no == lines.c.charge_no)
        .join(on, on.c.charge_no == line.no)
        .where(SOLD)
        .group_by(*by)
        .order_by(line.no, lines.c.date)
    )
    for _no, charge, entity, currency, account, post_date, billed, earned, sum in stream_rows(connection, query):
        if sum:
            days = (day_of(post_date), day_of(billed), day_of(earned))
            yield EarnedAmount(charge, entity, currency, account, *days, sum)
