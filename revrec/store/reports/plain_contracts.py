"""Add up the plain charge lines of each contract in SQL, so that only contracts are read, and not their lines."""

from collections.abc import Iterator, Sequence
from functools import partial
from itertools import starmap
from typing import Any, NamedTuple

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    CompoundSelect,
    Connection,
    Select,
    Text,
    and_,
    case,
    cast,
    func,
    literal,
    or_,
    select,
    union_all,
)

from revrec.core.contract_balance import LineSums
from revrec.core.filters import Filters
from revrec.store.bulk import sort_on_disk
from revrec.store.posting.invoices import SOLD
from revrec.store.reports.contract_balances import (
    BalanceQuery,
    contract_parts,
    imported_by_then,
    in_code_order,
    key_of_parts,
)
from revrec.store.reports.filters import of_charges
from revrec.store.reports.plain_lines import (
    IS_ENTERED,
    WHOLE,
    Day,
    PlainLines,
    is_billed,
    is_dated,
    is_known,
    of_entities,
    price_on,
)
from revrec.store.tables import charge_line, rule_version, schedule
from revrec.store.two_readers import Half, added_up, halves, stream_halves

AMOUNTS = ("billed", "recognized", "planned", "earns", "later", "to_bill", "to_bill_later")
SUM, LISTED, SEVERAL = range(3)
"""The kinds of :class:`SummedContracts`."""


class PlainQuery(NamedTuple):
    """The plain lines of a day.

    ``special`` are the numbers of the other lines, with all lines of their contracts. ``account`` limits the lines;
    ``by_plan``: what is planned until the day counts as recognized, posted or not.
    """

    asked: BalanceQuery
    special: Sequence[int]
    account: str | None
    by_plan: bool


def plain_contracts(connection: Connection, plain: PlainQuery) -> list[Iterator[LineSums]]:
    """Return streams of the sums of the plain lines on a day, by contract, entity, currency, account, and costs apart.

    Each stream is in this order, and has contracts that the others do not have.
    """
    sort_on_disk(connection)
    query_of = partial(_sums_of_half, connection, plain)
    key = contract_parts(plain.asked.by, charge_line)[0]
    return [starmap(LineSums, rows) for rows in halves(connection, query_of, key)]


def _sums_of_half(connection: Connection, plain: PlainQuery, half: Half) -> Select[Any]:
    unit = _units(connection, plain, half).subquery().c
    first, source, *others = unit
    contract = in_code_order(key_of_parts(plain.asked.by, first, source)).label("contract")
    return select(contract, *others).order_by(contract, unit.entity, unit.currency, unit.account, unit.is_cost)


def _units(connection: Connection, plain: PlainQuery, half: Half) -> Select[Any]:
    """Return the query of :class:`LineSums`, with the two parts of the contract in place of its key."""
    line = _lines(connection, plain, half).subquery().c
    # The parts of the contract first: they differ, and most lines have the same currency and account.
    keys = [line.first, line.source, line.entity, line.currency, line.account, line.is_cost]
    balance = line.billed - line.recognized
    happened = or_(line.billed != 0, line.recognized != 0, line.planned != 0)
    sums = {
        "happened": case((happened, 1), else_=0),
        "credit": case((balance > 0, balance), else_=0),
        "debit": case((balance < 0, -balance), else_=0),
    } | {name: line[name] for name in AMOUNTS}
    customers = (func.min(line.customer).label("low"), func.max(line.customer).label("high"))
    totals = (cast(func.sum(one), BigInteger).label(name) for name, one in sums.items())
    return select(*keys, *customers, *totals).group_by(*keys)


class SummedContracts(NamedTuple):
    """Contracts of plain lines on a day, most of them only as their sums.

    ``kind`` is :data:`SUM` of all contracts on one side of an account, which ``lines`` adds up, :data:`LISTED` for one
    of the first of them, or :data:`SEVERAL` for a part of a contract on several accounts, which is in no sum.
    ``contracts`` counts the open ones; the assets, liabilities and the noncurrent part of either are in minor units.
    """

    kind: int
    lines: LineSums
    contracts: int
    asset: int
    liability: int
    noncurrent: int


def summed_contracts(connection: Connection, plain: PlainQuery, most: int) -> Iterator[SummedContracts]:
    """Yield the contracts of :func:`plain_contracts`, added up in SQL, and the first open ones, at least ``most``.

    The parts of a contract follow each other.
    """
    sort_on_disk(connection)
    query_of = partial(_summed_half, connection, plain, most)
    for row in stream_halves(connection, query_of, contract_parts(plain.asked.by, charge_line)[0]):
        kind, *sums, contracts, asset, liability, noncurrent = row
        yield SummedContracts(kind, LineSums(*sums), contracts, asset, liability, noncurrent)


def _summed_half(connection: Connection, plain: PlainQuery, most: int, half: Half) -> CompoundSelect[Any]:
    of_half = _units(connection, plain, half).subquery().c
    parts = func.count().over(partition_by=[of_half.first, of_half.source, of_half.entity, of_half.currency])
    unit = select(*of_half, parts.label("parts")).cte("unit").c
    net, is_single, is_open = unit.credit - unit.debit, unit.parts == 1, or_(unit.credit != 0, unit.debit != 0)
    is_asset, is_liability = and_(unit.is_cost == 0, net < 0), and_(unit.is_cost == 0, net > 0)
    noncurrent = case(
        (is_asset, _beyond(-net, unit.to_bill, unit.to_bill_later)),
        (is_liability, _beyond(net, unit.earns - unit.recognized - unit.later, unit.later)),
        else_=0,
    )
    figures = [
        *(unit[name] for name in ("happened", "credit", "debit", *AMOUNTS)),
        case((is_open, 1), else_=0).label("contracts"),
        case((is_asset, -net), else_=0).label("asset"),
        case((is_liability, net), else_=0).label("liability"),
        noncurrent.label("noncurrent"),
    ]
    key = in_code_order(key_of_parts(plain.asked.by, unit.first, unit.source)).label("contract")
    of_contract = (key, unit.entity, unit.currency, unit.account, unit.is_cost, unit.low, unit.high, *figures)
    first = select(*of_contract).where(is_single, is_open).order_by(key, unit.entity, unit.currency).limit(most)
    nothing = literal("", Text)
    group = (unit.entity, unit.currency, unit.account, unit.is_cost)
    sums = (cast(func.sum(one), BigInteger).label(one.name) for one in figures)
    every = select(literal(SUM).label("kind"), nothing.label("contract"), *group, nothing, nothing, *sums)
    return union_all(
        every.where(is_single, unit.happened > 0).group_by(*group, case((is_asset, 1), else_=0)),
        select(literal(LISTED), *first.subquery().c),
        select(literal(SEVERAL), *of_contract).where(~is_single),
    ).order_by("kind", "contract", "entity", "currency")


def _lines(connection: Connection, plain: PlainQuery, half: Half) -> Any:
    """Return the query of the amounts of each plain line."""
    asked, special, account, by_plan = plain
    until, soon = is_dated(asked.until), is_dated(asked.beyond)
    weights = {"posted": IS_ENTERED & until, "planned": until, "soon": soon, "all": WHOLE}
    lines = PlainLines(connection, special, weights)
    line, billed, price = charge_line.c, is_billed([asked]), price_on(asked.until)
    much_later = line.post_date > asked.beyond.isoformat()
    first, source = contract_parts(asked.by, charge_line)
    query = lines.select(
        first.label("first"),
        source.label("source"),
        *(in_code_order(line[name]).label(name) for name in ("entity", "currency", "customer")),
        rule_version.c.deferred.label("account"),
        case((SOLD, 0), else_=1).label("is_cost"),
        case((billed, price), else_=0).label("billed"),
        lines.amount("planned" if by_plan else "posted").label("recognized"),
        lines.amount("planned").label("planned"),
        schedule.c.amount.label("earns"),
        (lines.amount("all") - lines.amount("soon")).label("later"),
        case((billed | much_later, 0), else_=price).label("to_bill"),
        case((~billed & much_later, price), else_=0).label("to_bill_later"),
    )
    filters = [*of_charges(asked.filters)]
    filters += [*of_entities(asked), *imported_by_then(charge_line, asked)]
    if account is not None:
        filters.append(rule_version.c.deferred == account)
    # An offset keeps the databases from computing each amount again for every sum that it is in.
    return query.where(*filters, *half).offset(0)


class ContractTotals(NamedTuple):
    """The sums of the contracts of plain lines in one currency, in minor units.

    ``happened`` counts on each day the contracts with anything billed, recognized or planned. ``presented`` has for
    each day the assets, the noncurrent part of them, the liabilities, and the noncurrent part of them. ``billed`` is
    what was billed of the assets of one day until the other one, for each of the pairs of days that were asked for.
    """

    currency: str
    happened: Sequence[int]
    presented: Sequence[Sequence[int]]
    billed: Sequence[int]


def contract_totals(
    connection: Connection,
    days: Sequence[Day],
    pairs: Sequence[tuple[int, int]],
    special: Sequence[int],
    filters: Filters,
) -> Iterator[ContractTotals]:
    """Yield the sums of :func:`plain_contracts` on several days, without reading the contracts one by one.

    ``special`` are the numbers of the other lines on any of the days, with all lines of their contracts. ``pairs`` are
    the places of two days each.
    """
    sort_on_disk(connection)
    query_of = partial(_totals_of_half, connection, days, pairs, special, filters)
    rows = stream_halves(connection, query_of, contract_parts("contract", charge_line)[0])
    for currency, *sums in added_up(rows, keys=1):
        of_days = [sums[at : at + 5] for at in range(0, 5 * len(days), 5)]
        happened = [one[0] for one in of_days]
        yield ContractTotals(currency, happened, [one[1:] for one in of_days], sums[5 * len(days) :])


def _totals_of_half(
    connection: Connection,
    days: Sequence[Day],
    pairs: Sequence[tuple[int, int]],
    special: Sequence[int],
    filters: Filters,
    half: Half,
) -> Select[Any]:
    line = _lines_of_days(connection, days, special, filters, half).subquery().c
    # The parts of the contract first: they differ, and most lines have the same currency.
    keys = [line.document, line.source, line.entity, line.currency, line.is_cost]
    amounts = [one for one in line if one.name not in {key.name for key in keys}]
    sums = (cast(func.sum(one), BigInteger).label(one.name) for one in amounts)
    unit = select(*keys, *sums).group_by(*keys).subquery().c
    found: list[Any] = []
    for at in range(len(days)):
        net, is_sold = unit[f"net{at}"], unit.is_cost == 0
        is_asset, is_liability = (is_sold & (net < 0)), is_sold & (net > 0)
        found += [
            case((unit[f"happened{at}"] > 0, 1), else_=0),
            case((is_asset, -net), else_=0),
            case((is_asset, _beyond(-net, unit[f"to_bill{at}"], unit[f"to_bill_later{at}"])), else_=0),
            case((is_liability, net), else_=0),
            case((is_liability, _beyond(net, unit[f"soon{at}"], unit[f"later{at}"])), else_=0),
        ]
    for first, last in pairs:
        asset, more = -unit[f"net{first}"], unit[f"billed{last}"] - unit[f"billed{first}"]
        found.append(case(((unit.is_cost == 0) & (asset > 0) & (more > 0), _least(asset, more)), else_=0))
    return select(unit.currency, *(cast(func.sum(one), BigInteger) for one in found)).group_by(unit.currency)


def _lines_of_days(
    connection: Connection, days: Sequence[Day], special: Sequence[int], filters: Filters, half: Half
) -> Select[Any]:
    """Return the query of the amounts of each plain line on the days."""
    weights: dict[str, ColumnElement[bool]] = {"all": WHOLE}
    for at, day in enumerate(days):
        until = is_dated(day[0].until)
        weights |= {f"posted{at}": IS_ENTERED & until, f"planned{at}": until, f"soon{at}": is_dated(day[0].beyond)}
    plain, line = PlainLines(connection, special, weights), charge_line.c
    document, source = contract_parts("contract", charge_line)
    is_cost = case((SOLD, 0), else_=1)
    columns = [document.label("document"), source.label("source"), line.entity, line.currency, is_cost.label("is_cost")]
    for at, day in enumerate(days):
        amounts = _amounts_on(day, plain, at)
        columns += [amount.label(f"{name}{at}") for name, amount in amounts.items()]
    # An offset keeps the databases from computing each amount again for every sum that it is in.
    return plain.select(*columns).where(*of_charges(filters), *half).offset(0)


def _amounts_on(day: Day, plain: PlainLines, at: int) -> dict[str, ColumnElement[int]]:
    """Return the SQL of the amounts of a line on a day, the one ``at`` this place, by name."""
    posted, planned, soon = (plain.amount(f"{name}{at}") for name in ("posted", "planned", "soon"))
    billed, price, known = is_billed(day), price_on(day[0].until), is_known(day)
    much_later = charge_line.c.post_date > day[0].beyond.isoformat()
    owed = case((billed, price), else_=0)
    later = plain.amount("all") - soon
    found = {
        "billed": owed,
        "net": owed - posted,
        "soon": schedule.c.amount - posted - later,
        "later": later,
        "to_bill": case((billed | much_later, 0), else_=price),
        "to_bill_later": case((~billed & much_later, price), else_=0),
        "happened": case((or_(owed != 0, posted != 0, planned != 0), 1), else_=0),
    }
    return found if known is None else {name: case((known, one), else_=0) for name, one in found.items()}


def _beyond(balance: Any, soon: Any, later: Any) -> Any:
    """Return the SQL of the part of a balance that settles after more than a year, as for one contract."""
    left = _least(balance - case((soon > 0, soon), else_=0), later)
    return case((left > 0, left), else_=0)


def _least(one: Any, other: Any) -> Any:
    return case((one < other, one), else_=other)
