"""Contract lines, which are signed before they are billed, and the charge lines that bill them."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from sqlalchemy import ColumnElement, Connection, and_, exists, func, or_, select

from revrec.core.batching import batched
from revrec.core.schedule import SETTLED
from revrec.store.bulk import insert_rows
from revrec.store.charges import NOT_VOIDED, dimensions_of
from revrec.store.digests import RowDigest, digest_rows
from revrec.store.number_lists import numbers_in
from revrec.store.tables import ORDERED, billing_line, charge_line, schedule, unscheduled

AT_ONCE = 1_000
"""The most values of a column that one statement asks for."""


class BillingLine(NamedTuple):
    """A charge line that bills a contract line; ``matched_by`` is the column that names the contract line."""

    charge_no: int
    ordered_no: int
    matched_by: str


class BilledAmount(NamedTuple):
    """A charge line that bills a contract line, for display; ``amount`` is in minor units of ``currency``."""

    id: str
    document: str
    post_date: str
    amount: int
    currency: str
    matched_by: str


def has_ordered(connection: Connection) -> bool:
    """Check whether any contract line is stored."""
    return connection.execute(select(charge_line.c.no).where(ORDERED).limit(1)).first() is not None


def ordered_of_contracts(connection: Connection, contracts: Iterable[str]) -> list[int]:
    """Return the numbers of the contract lines of these contract numbers, without voided ones."""
    found: list[int] = []
    for some in batched(sorted(set(contracts)), AT_ONCE):
        query = select(charge_line.c.no).where(ORDERED, charge_line.c.document.in_(some), NOT_VOIDED)
        found += connection.execute(query.order_by(charge_line.c.no)).scalars()
    return found


def ordered_of(connection: Connection, numbers: Sequence[int]) -> dict[int, int]:
    """Return the contract lines that these charge lines bill, by number; others are left out."""
    line = billing_line.c
    query = select(line.charge_no, line.ordered_no).where(line.charge_no.in_(numbers_in(numbers)))
    return {row.charge_no: row.ordered_no for row in connection.execute(query)}


def ordered_of_credited(connection: Connection, source: str, reference: str) -> list[int]:
    """Return the contract lines of the billing lines that a credit names, by document, ``DOCUMENT/LINE`` or id."""
    named: ColumnElement[bool] = or_(
        charge_line.c.id.in_([f"{source}/{reference}", reference]),
        and_(charge_line.c.source == source, charge_line.c.document == reference),
    )
    query = select(billing_line.c.ordered_no).join(charge_line, charge_line.c.no == billing_line.c.charge_no)
    return sorted(set(connection.execute(query.where(named, NOT_VOIDED)).scalars()))


def billed_contract_lines(connection: Connection, only: Sequence[ColumnElement[bool]] = ()) -> list[int]:
    """Return the numbers of the contract lines that other lines bill and that meet conditions, in their order."""
    query = select(billing_line.c.ordered_no).distinct().order_by(billing_line.c.ordered_no)
    query = query.join(charge_line, charge_line.c.no == billing_line.c.ordered_no).where(*only) if only else query
    return list(connection.execute(query).scalars())


def billed_amounts(connection: Connection, ordered: Sequence[int]) -> dict[int, int]:
    """Return what is billed of these contract lines in all, in minor units; lines without a billing are left out."""
    query = (
        select(billing_line.c.ordered_no, func.sum(charge_line.c.amount))
        .join(charge_line, charge_line.c.no == billing_line.c.charge_no)
        .where(billing_line.c.ordered_no.in_(ordered), NOT_VOIDED)
        .group_by(billing_line.c.ordered_no)
    )
    # PostgreSQL sums whole numbers as decimals.
    return {no: int(amount) for no, amount in connection.execute(query)}


class RecognizingLine(NamedTuple):
    """A charge line that earns revenue itself: its id, customer, dimension ``contract`` and item."""

    id: str
    customer: str
    contract: str
    item: str


def recognizing_for(connection: Connection, customers: Iterable[str]) -> list[RecognizingLine]:
    """Return the charge lines of these customers that have a contract, are no contract lines, and earn revenue.

    Lines that wait, such as for a delivery, will have a schedule and are among them.
    """
    line, found = charge_line.c, list[RecognizingLine]()
    scheduled = exists(select(schedule.c.charge_no).where(schedule.c.charge_no == line.no))
    waits = exists(
        select(unscheduled.c.charge_no).where(unscheduled.c.charge_no == line.no, unscheduled.c.code.not_in(SETTLED))
    )
    query = select(line.id, line.customer, line.dimensions, line.item).where(
        line.bills == "", line.dimensions.contains('"contract":'), or_(scheduled, waits), NOT_VOIDED
    )
    for some in batched(sorted(set(customers)), AT_ONCE):
        for id, customer, dimensions, item in connection.execute(query.where(line.customer.in_(some))):
            found.append(RecognizingLine(id, customer, dimensions_of(dimensions).get("contract", ""), item))
    return found


def add_billing(connection: Connection, rows: Sequence[BillingLine], audit_seq: int) -> RowDigest:
    """Store which contract lines charge lines bill."""
    whole = [(*row, audit_seq) for row in rows]
    insert_rows(connection, billing_line, tuple(billing_line.columns.keys()), whole)
    return digest_rows(billing_line, whole)


def billing_of(connection: Connection, no: int) -> list[BilledAmount]:
    """Return the charge lines that bill a contract line, in the order of their import, without voided ones."""
    line = charge_line.c
    query = (
        select(line.id, line.document, line.post_date, line.amount, line.currency, billing_line.c.matched_by)
        .join(billing_line, billing_line.c.charge_no == line.no)
        .where(billing_line.c.ordered_no == no, NOT_VOIDED)
        .order_by(line.no)
    )
    return [BilledAmount(*row) for row in connection.execute(query)]
