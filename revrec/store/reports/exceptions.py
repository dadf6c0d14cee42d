"""Query credits that belong to no sale, due lines, and the revenue of entries that are not settled."""

from collections import defaultdict
from collections.abc import Collection, Iterator
from typing import NamedTuple

from sqlalchemy import ColumnElement, Connection, exists, func, select

from revrec.core.batching import batched
from revrec.core.posting import UNSETTLED
from revrec.core.rules.costs import sold_by
from revrec.store.bulk import stream_rows
from revrec.store.charges import BILLS, IS_REVENUE, NOT_VOIDED
from revrec.store.database.sums import joined_sum, split_sum_columns
from revrec.store.posting.invoices import SOLD
from revrec.store.posting.ledger_changes import ON_DEFERRED_SIDE, RECOGNIZED
from revrec.store.reports.dimensions import dimension_of
from revrec.store.reports.recognition import Conditions
from revrec.store.tables import (
    RULE_OF_LINE,
    allocation,
    allocation_line,
    charge_line,
    contract_line,
    journal_entry,
    journal_line,
    open_line,
    rule_version,
    same_line,
    same_version,
    schedule,
    schedule_line,
    take_back_line,
)

AT_ONCE = 1_000


class LooseCredit(NamedTuple):
    """A negative charge line without a sale that it belongs to; ``amount`` is in minor units."""

    charge: str
    customer: str
    post_date: str
    amount: int
    currency: str


def loose_credits(connection: Connection, only: Conditions = ()) -> Iterator[LooseCredit]:
    """Yield the credits that no contract, document or credited line joins to a sale.

    The contract is one of an allocation, or the one that the dimension ``contract`` names: its sale is of the same
    entity and currency, as :func:`revrec.store.reports.contract_balances.balance_query` nets them. ``only`` are
    conditions on the charge lines, here and below.
    """
    sale, line = charge_line.alias(), charge_line.c
    its_sale = exists().where(sale.c.source == line.source, sale.c.document == line.document, sale.c.amount > 0)
    joined = exists().where(contract_line.c.charge_no == line.no)
    contract = func.coalesce(dimension_of(charge_line, "contract"), "")
    query = (
        select(line.id, line.customer, line.post_date, line.amount, line.currency, contract, line.entity)
        .where(line.amount < 0, line.credits == "", SOLD, IS_REVENUE, NOT_VOIDED, ~BILLS, ~its_sale, ~joined, *only)
        .order_by(line.no)
    )
    found = connection.execute(query).all()
    sold = _contracts_with_sales(connection, {row[-2] for row in found} - {""})
    for *credit, name, entity in found:
        if (name, entity, credit[-1]) not in sold:
            yield LooseCredit(*credit)


def _contracts_with_sales(connection: Connection, names: Collection[str]) -> set[tuple[str, str, str]]:
    """Return the contract, entity and currency of each sale whose dimension ``contract`` is one of these names."""
    # One pass over the lines: the dimension has no index, so a search for each credit would take as long.
    contract, line, found = dimension_of(charge_line, "contract"), charge_line.c, set[tuple[str, str, str]]()
    for some in batched(sorted(names), AT_ONCE):
        sales = select(contract, line.entity, line.currency).where(line.amount > 0, SOLD, contract.in_(some)).distinct()
        found.update((name, entity, currency) for name, entity, currency in connection.execute(sales))
    return found


class DoubtfulShare(NamedTuple):
    """A share of a contract's price that a person should check; ``allocated`` is in minor units."""

    charge: str
    customer: str
    post_date: str
    allocated: int
    currency: str
    allocation: str
    warning: str


def doubtful_shares(connection: Connection, only: Conditions = ()) -> Iterator[DoubtfulShare]:
    """Yield the shares with a warning in the newest allocation of their contract."""
    newer, share = allocation.alias(), allocation_line.c
    is_newest = ~exists().where(newer.c.contract == allocation.c.contract, newer.c.version > allocation.c.version)
    query = (
        select(
            charge_line.c.id, charge_line.c.customer, charge_line.c.post_date, share.allocated, charge_line.c.currency,
            allocation.c.name, share.warning,
        )
        .join(allocation, allocation.c.id == share.allocation_id)
        .join(charge_line, charge_line.c.no == share.charge_no)
        .where(share.warning != "", is_newest, NOT_VOIDED, *only)
        .order_by(charge_line.c.no)
    )  # fmt: skip
    yield from (DoubtfulShare(*row) for row in stream_rows(connection, query))


class DueAmount(NamedTuple):
    """A schedule line that is on no entry and due; ``amount`` is in minor units."""

    charge: str
    customer: str
    entity: str
    date: str
    amount: int
    currency: str
    rule: str
    is_sold: bool


def due_amounts(connection: Connection, until: str, only: Conditions = ()) -> Iterator[DueAmount]:
    """Yield the schedule lines until an ISO day that are on no entry."""
    line, charge = open_line.c, charge_line.c
    query = (
        select(
            charge.id, charge.customer, charge.entity, line.date, line.amount, charge.currency, rule_version.c.name,
            SOLD.label("is_sold"),
        )
        .join(charge_line, charge.no == line.charge_no)
        .join(rule_version, rule_version.c.id == line.rule_version_id)
        .where(line.open_from <= until, line.date <= until, *only)
    )  # fmt: skip
    yield from (DueAmount(*row) for row in stream_rows(connection, query))


def is_anything_due(connection: Connection, until: str) -> bool:
    """Check whether a schedule line until an ISO day is on no entry."""
    line = open_line.c
    query = select(line.charge_no).where(line.open_from <= until, line.date <= until).limit(1)
    return connection.execute(query).first() is not None


class UnsettledEntry(NamedTuple):
    """The revenue of an entry that is not settled, in minor units, and the rules of its lines, separated by commas.

    ``revenue`` is None if all of its lines are costs.
    """

    revenue: int | None
    rules: str


def unsettled_entries(
    connection: Connection, counted: ColumnElement[bool], only: Conditions = ()
) -> dict[str, UnsettledEntry]:
    """Return the entries that are not settled by their references; costs are no revenue.

    ``counted`` is the condition that the amounts of a charge line are revenue.
    """
    entry = journal_entry.c
    query = (
        select(entry.reference, *split_sum_columns(RECOGNIZED))
        .select_from(journal_entry)
        .join(journal_line, journal_line.c.entry_id == entry.id)
        .join(schedule_line, ON_DEFERRED_SIDE)
        .join(charge_line, charge_line.c.no == journal_line.c.charge_no)
        .where(entry.state.in_(UNSETTLED), counted, *only)
        .group_by(entry.reference)
    )
    revenue = {reference: joined_sum(*sums) for reference, *sums in connection.execute(query)}
    named = (
        select(entry.reference, rule_version.c.name)
        .select_from(journal_entry)
        .join(journal_line, journal_line.c.entry_id == entry.id)
        .join(schedule, same_version(schedule, journal_line))
        .outerjoin(take_back_line, same_line(take_back_line, journal_line))
        .join(rule_version, rule_version.c.id == RULE_OF_LINE)
        .where(entry.state.in_(UNSETTLED))
        .distinct()
    )
    rules: dict[str, set[str]] = defaultdict(set)
    for reference, name in connection.execute(named):
        rules[reference].add(sold_by(name))
    return {
        reference: UnsettledEntry(revenue.get(reference), ", ".join(sorted(some))) for reference, some in rules.items()
    }
