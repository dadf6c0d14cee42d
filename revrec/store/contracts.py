"""Contracts: which charge lines belong together, and how their price was allocated."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection, Subquery, and_, func, select

from revrec.store import digests
from revrec.store.bulk import insert_rows, next_number
from revrec.store.digests import RowDigest
from revrec.store.number_lists import numbers_in
from revrec.store.tables import (
    allocation,
    allocation_line,
    charge_line,
    contract_line,
    schedule,
    schedule_allocation,
)

MEMBER = tuple(column.name for column in contract_line.columns)
HEADER = tuple(column.name for column in allocation.columns)
LINE = tuple(column.name for column in allocation_line.columns)


class ContractMembership(NamedTuple):
    """The contract of a charge line, and the batch of lines (``part``, counted from 1) that it joined with."""

    contract: str
    part: int


class AllocatedLine(NamedTuple):
    """A charge line's share of its contract's price: what was billed, its standalone price, what it gets, and why.

    Amounts are in minor units. ``warning`` is what a person should check; else empty.
    """

    billed: int
    standalone: int | None
    allocated: int
    reason: str
    warning: str = ""


class StoredAllocation(NamedTuple):
    """The newest allocation of a contract; ``lines`` are :class:`AllocatedLine` by charge number."""

    id: int
    version: int
    sha256: str
    lines: Mapping[int, AllocatedLine]


def memberships(connection: Connection, numbers: Sequence[int]) -> dict[int, ContractMembership]:
    """Return the contracts of these charge lines; lines without one are left out."""
    found = connection.execute(
        select(contract_line.c.charge_no, contract_line.c.contract, contract_line.c.part).where(
            contract_line.c.charge_no.in_(numbers_in(numbers))
        )
    )
    return {no: ContractMembership(contract, part) for no, contract, part in found}


def contract_members(connection: Connection, contracts: Iterable[str]) -> dict[int, ContractMembership]:
    """Return every charge line of these contracts, in the order of their numbers."""
    query = (
        select(contract_line.c.charge_no, contract_line.c.contract, contract_line.c.part)
        .where(contract_line.c.contract.in_(list(contracts)))
        .order_by(contract_line.c.charge_no)
    )
    return {no: ContractMembership(contract, part) for no, contract, part in connection.execute(query)}


def any_scheduled(connection: Connection, numbers: Sequence[int]) -> bool:
    """Check whether one of these charge lines has a schedule."""
    query = select(schedule.c.charge_no).where(schedule.c.charge_no.in_(numbers_in(numbers))).limit(1)
    return connection.execute(query).first() is not None


def scheduled_contracts(connection: Connection, names: Iterable[str]) -> set[str]:
    """Return the contracts of these names that have a charge line with a schedule."""
    query = (
        select(contract_line.c.contract)
        .join(schedule, schedule.c.charge_no == contract_line.c.charge_no)
        .where(contract_line.c.contract.in_(list(names)))
        .distinct()
    )
    return set(connection.execute(query).scalars())


def add_members(connection: Connection, rows: Sequence[tuple[int, str, int, int]]) -> RowDigest:
    """Add charge lines to contracts: (charge number, contract, part, audit event), in the order of the numbers."""
    insert_rows(connection, contract_line, MEMBER, rows)
    return digests.digest_rows(contract_line, rows)


def newest_allocations(connection: Connection, contracts: Iterable[str]) -> dict[str, StoredAllocation]:
    """Return the newest allocations of these contracts; contracts without one are left out."""
    wanted = list(contracts)
    last = (
        select(allocation.c.contract, func.max(allocation.c.version).label("version"))
        .where(allocation.c.contract.in_(wanted))
        .group_by(allocation.c.contract)
        .subquery()
    )
    heads = connection.execute(
        select(allocation.c.id, allocation.c.contract, allocation.c.version, allocation.c.sha256).join(
            last, (last.c.contract == allocation.c.contract) & (last.c.version == allocation.c.version)
        )
    ).all()
    lines: dict[int, dict[int, AllocatedLine]] = {head.id: {} for head in heads}
    query = select(allocation_line).where(allocation_line.c.allocation_id.in_(list(lines)))
    for row in connection.execute(query):
        share = AllocatedLine(row.billed, row.standalone, row.allocated, row.reason, row.warning)
        lines[row.allocation_id][row.charge_no] = share
    return {head.contract: StoredAllocation(head.id, head.version, head.sha256, lines[head.id]) for head in heads}


def next_allocation(connection: Connection) -> int:
    """Return the number of the next allocation; safe under the write lock."""
    return next_number(connection, allocation.c.id)


class NewAllocation(NamedTuple):
    """An allocation to be written: the exact text of its rule, the contract's price, and the share of each line.

    ``since`` is the ISO day of a modification; ``price`` is in minor units of ``currency``.
    """

    id: int
    contract: str
    version: int
    name: str
    sha256: str
    text: str
    since: str | None
    price: int
    currency: str
    audit_seq: int
    lines: Mapping[int, AllocatedLine]

    @property
    def header(self) -> tuple[Any, ...]:
        """The allocation as a row of its table."""
        named = (self.contract, self.version, self.name, self.sha256, self.text, self.since)
        return (self.id, *named, self.price, self.currency, len(self.lines), self.audit_seq)


def add_allocations(connection: Connection, new: Sequence[NewAllocation]) -> list[RowDigest]:
    """Write allocations in the order of their ids: lines first, since the header's arrival checks and seals them."""
    if not new:
        return []
    headers = [one.header for one in new]
    lines = [(one.id, no, *line) for one in new for no, line in one.lines.items()]
    insert_rows(connection, allocation_line, LINE, lines)
    insert_rows(connection, allocation, HEADER, headers)
    ids = digests.key_runs(one.id for one in new)
    return [digests.digest_rows(allocation_line, lines, ids), digests.digest_rows(allocation, headers, ids)]


def allocations_of_charge(connection: Connection, no: int) -> list[dict[str, Any]]:
    """Return every allocation that a charge line was part of, oldest first, each with all its lines: for a trace."""
    its_own = select(allocation_line.c.allocation_id).where(allocation_line.c.charge_no == no)
    heads = connection.execute(select(allocation).where(allocation.c.id.in_(its_own)).order_by(allocation.c.id))
    return [{**head, "shares": _shares(connection, head["id"])} for head in heads.mappings().all()]


def _shares(connection: Connection, id: int) -> list[dict[str, Any]]:
    query = (
        select(charge_line.c.id.label("charge"), charge_line.c.item, *allocation_line.c)
        .join(charge_line, charge_line.c.no == allocation_line.c.charge_no)
        .where(allocation_line.c.allocation_id == id)
        .order_by(allocation_line.c.charge_no)
    )
    return [dict(row) for row in connection.execute(query).mappings()]


def allocated_differences() -> Subquery:
    """Return what the newest allocation of its contract adds to (or takes from) each charge line, as a subquery.

    Its columns are ``charge_no`` and ``amount`` (minor units). Lines without a schedule are in it too: those that wait,
    and those that are only a price.
    """
    line = allocation_line.c
    newest = select(line.charge_no, func.max(line.allocation_id).label("newest")).group_by(line.charge_no).subquery()
    return (
        select(line.charge_no, (line.allocated - line.billed).label("amount"))
        .join(newest, and_(newest.c.charge_no == line.charge_no, newest.c.newest == line.allocation_id))
        .subquery("allocated")
    )


def differences_of(connection: Connection, numbers: Sequence[int]) -> dict[int, int]:
    """Return the differences of :func:`allocated_differences` of these charge lines that have one, by number."""
    found = allocated_differences()
    query = select(found.c.charge_no, found.c.amount).where(found.c.charge_no.in_(numbers))
    return {row.charge_no: row.amount for row in connection.execute(query)}


def allocated_to(connection: Connection, numbers: Sequence[int]) -> dict[int, int]:
    """Return how much allocations add to (or take from) the schedules of these charges, in minor units by charge."""
    query = (
        select(schedule_allocation.c.charge_no, func.sum(schedule_allocation.c.amount))
        .where(schedule_allocation.c.charge_no.in_(numbers_in(numbers)))
        .group_by(schedule_allocation.c.charge_no)
    )
    return {no: int(amount) for no, amount in connection.execute(query)}
