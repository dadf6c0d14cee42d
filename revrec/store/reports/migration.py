"""Query what was open of migrated charge lines at their cutovers."""

from collections.abc import Iterator
from datetime import date
from typing import NamedTuple

from sqlalchemy import Connection, and_, case, func, literal, select

from revrec.store.charges import IS_REVENUE, NOT_VOIDED
from revrec.store.database.sums import joined_sum, split_sum_columns
from revrec.store.posting.invoices import IS_INTEREST
from revrec.store.tables import arrival_account, charge_line, rule_version, schedule


class OpeningBalance(NamedTuple):
    """The migrated charge lines of a deferred account and currency at a cutover; amounts are in minor units.

    ``open`` is ``original`` less ``before``: what was still deferred, credits positive, and below zero for costs.
    Interest was never billed: what has accrued of it is in ``before``, and ``original`` does not count it. ``charge``
    is empty in sums.
    """

    account: str
    currency: str
    lines: int
    original: int
    before: int
    charge: str = ""

    @property
    def open(self) -> int:
        """Return what was still deferred."""
        return self.original - self.before


def opening_balances(
    connection: Connection,
    cutover: date,
    account: str | None = None,
    entity: str | None = None,
    by_charge: bool = False,
) -> Iterator[OpeningBalance]:
    """Yield the opening balances of a cutover by account and currency, of one account or entity, or of all.

    The account is the one of the first schedule; for a line without a schedule, the one that its rule named on arrival.
    With ``by_charge``, each charge line has its own balance.
    """
    line = charge_line.c
    name = func.coalesce(rule_version.c.deferred, arrival_account.c.account, "")
    by = [name.label("account"), line.currency, (line.id if by_charge else literal("")).label("charge")]
    chosen = [column == wanted for column, wanted in ((name, account), (line.entity, entity)) if wanted is not None]
    query = (
        select(
            *by, func.count(), *split_sum_columns(case((IS_INTEREST, 0), else_=line.amount)),
            *split_sum_columns(line.recognized_before),
        )
        .outerjoin(schedule, and_(schedule.c.charge_no == line.no, schedule.c.version == 1))
        .outerjoin(rule_version, rule_version.c.id == schedule.c.rule_version_id)
        .outerjoin(arrival_account, arrival_account.c.charge_no == line.no)
        .where(line.cutover == cutover.isoformat(), NOT_VOIDED, IS_REVENUE, *chosen)
        .group_by(*by)
        .order_by(*by)
    )  # fmt: skip
    for found, currency, charge, lines, *sums in connection.execute(query):
        yield OpeningBalance(found, currency, lines, joined_sum(*sums[:2]), joined_sum(*sums[2:]), charge)


def cutovers(connection: Connection) -> list[str]:
    """Return the cutovers of the charge lines as ISO days, the first one first."""
    cutover = charge_line.c.cutover
    query = select(cutover).distinct().where(cutover.is_not(None), NOT_VOIDED, IS_REVENUE).order_by(cutover)
    return list(connection.execute(query).scalars())
