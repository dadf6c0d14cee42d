"""Query what was earned and billed of charge lines until a day, with the days of the exchange rates."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple

from sqlalchemy import BigInteger, Connection, cast, false, func, select, true, union_all

from revrec.core.calendar import day_of
from revrec.store.billing import billed_contract_lines
from revrec.store.bulk import stream_rows
from revrec.store.number_lists import limited_to
from revrec.store.posting.invoices import SOLD
from revrec.store.reports.contract_balances import BalanceQuery, billing_days
from revrec.store.reports.in_ledger import rated_lines
from revrec.store.reports.recognition import Conditions
from revrec.store.tables import ORDERED, billing_line, charge_line, rule_version, schedule


class EarnedAmount(NamedTuple):
    """What entries recognized of a charge line on a deferred account, in minor units of its currency.

    ``post_date`` is the day of the rate of later entries, and ``billed`` the day on which the account was credited.
    ``earned`` is the day of the rate of the entries: their date, or of reversals the date of the entry reversed.
    """

    charge: str
    entity: str
    currency: str
    account: str
    post_date: date
    billed: date
    earned: date
    amount: int


class ContractLineAmount(NamedTuple):
    """What entries recognized (``is_earned``), or else invoices billed, of a contract line on a day, in minor units.

    ``rated`` is the day of the exchange rate.
    """

    charge: str
    entity: str
    currency: str
    account: str
    is_earned: bool
    day: date
    rated: date
    amount: int


def earned_amounts(
    connection: Connection, until: date, invoiced: Mapping[str, str], only: Conditions = ()
) -> Iterator[EarnedAmount]:
    """Yield what is in the ledger of the charge lines that are billed by a day, by entry date; costs are left out.

    Lines of the sources ``invoiced``, from the first post date of each, are billed on their invoice's date. Contract
    lines are left out: :func:`contract_line_amounts`. ``only`` are conditions on the charge lines.
    """
    lines, on = rated_lines(until), billing_days(BalanceQuery(until, until, invoiced=invoiced))
    line = charge_line.c
    by = (line.no, line.id, line.entity, line.currency, lines.c.account, line.post_date, on.c.date, lines.c.rated)
    amount = cast(func.sum(lines.c.amount), BigInteger)
    query = (
        select(*by, amount)
        .join(charge_line, line.no == lines.c.charge_no)
        .join(on, on.c.charge_no == line.no)
        .where(SOLD, *only)
        .group_by(*by)
        .order_by(line.no, lines.c.rated)
    )
    for _no, charge, entity, currency, account, post_date, billed, earned, sum in stream_rows(connection, query):
        if sum:
            days = (day_of(post_date), day_of(billed), day_of(earned))
            yield EarnedAmount(charge, entity, currency, account, *days, sum)


class RatedAmount(NamedTuple):
    """What entries recognized of a charge line on an account with the rates of one day, in minor units."""

    no: int
    account: str
    rated: date
    amount: int


def rated_amounts(connection: Connection, until: date, numbers: Sequence[int]) -> Iterator[RatedAmount]:
    """Yield what is in the ledger on a day of these charge lines, by account and day of the rate."""
    lines = rated_lines(until, numbers).c
    by = (lines.charge_no, lines.account, lines.rated)
    query = select(*by, cast(func.sum(lines.amount), BigInteger)).group_by(*by).order_by(*by)
    for no, account, rated, amount in connection.execute(query):
        yield RatedAmount(no, account, day_of(rated), amount)


class BillingDays(NamedTuple):
    """The post date of a charge line, and the day on which it was billed; None if it is not."""

    entity: str
    currency: str
    posted: date
    billed: date | None

    @property
    def rated(self) -> date:
        """Return the day of the rate of what is billed."""
        return self.billed or self.posted


def days_of_billing(connection: Connection, asked: BalanceQuery, numbers: Sequence[int]) -> dict[int, BillingDays]:
    """Return the days of billing of these charge lines, by number."""
    on = billing_days(asked)
    line = charge_line.c
    query = select(line.no, line.entity, line.currency, line.post_date, on.c.date)
    query = limited_to(query.outerjoin(on, on.c.charge_no == charge_line.c.no), charge_line.c.no, numbers)
    found = {}
    for no, entity, currency, posted, billed in stream_rows(connection, query):
        found[no] = BillingDays(entity, currency, day_of(posted), day_of(billed) if billed else None)
    return found


def contract_line_amounts(
    connection: Connection, until: date, invoiced: Mapping[str, str], only: Conditions = ()
) -> Iterator[ContractLineAmount]:
    """Yield what is earned and billed until a day of the contract lines that other lines bill, line by line.

    ``invoiced`` and ``only`` are as for :func:`earned_amounts`. Bills are on the deferred account of the rule in force.
    """
    ordered = billed_contract_lines(connection)
    if not ordered:
        return
    moved = union_all(_earned(until, ordered), _billed(until, invoiced)).subquery()
    line, on = charge_line.c, moved.c
    by = (line.no, line.id, line.entity, line.currency, on.account, on.is_earned, on.day, on.rated)
    query = (
        select(*by, cast(func.sum(on.amount), BigInteger))
        .join(charge_line, line.no == on.charge_no)
        .where(ORDERED, SOLD, *only)
        .group_by(*by)
        .order_by(line.no, on.day, on.rated, on.account)
    )
    for _no, charge, entity, currency, account, is_earned, day, rated, sum in stream_rows(connection, query):
        if sum:
            days = (day_of(day), day_of(rated))
            yield ContractLineAmount(charge, entity, currency, account, bool(is_earned), *days, sum)


def _earned(until: date, ordered: list[int]) -> Any:
    lines = rated_lines(until, ordered).c
    return select(
        lines.charge_no, lines.account, true().label("is_earned"), lines.date.label("day"), lines.rated, lines.amount
    )


def _billed(until: date, invoiced: Mapping[str, str]) -> Any:
    on, bill = billing_days(BalanceQuery(until, until, invoiced=invoiced)), charge_line.alias("bill")
    account = (
        select(rule_version.c.deferred)
        .join(schedule, schedule.c.rule_version_id == rule_version.c.id)
        .where(schedule.c.charge_no == billing_line.c.ordered_no)
        .order_by(schedule.c.version.desc())
        .limit(1)
        .correlate(billing_line)
        .scalar_subquery()
    )
    return (
        select(
            billing_line.c.ordered_no, func.coalesce(account, ""), false(), on.c.date, on.c.date.label("rated"),
            bill.c.amount,
        )
        .join(bill, bill.c.no == billing_line.c.charge_no)
        .join(on, on.c.charge_no == billing_line.c.charge_no)
    )  # fmt: skip
