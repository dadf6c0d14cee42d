"""Add up plain charge lines in SQL, by the arithmetic of their plans, instead of reading them one by one.

A charge line is plain if its figures on any day follow from three facts: its amount, its one schedule version, and the
date until which that version is on posted entries. Most lines are. The others have another price, several versions, an
allocation, an invoice, a reversed entry, or something else that :func:`special_charges` looks for; reports read those
line by line (:mod:`revrec.store.reports.contract_balances`).

The amount until a day is the rounded share of the planned amount, by the cumulative weight until then: the arithmetic
of the view ``schedule_line``, computed once for each day instead of once for each schedule line.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from itertools import pairwise
from math import inf
from typing import Any, NamedTuple

from sqlalchemy import BigInteger, ColumnElement, Connection, Select, and_, case, cast, func, or_, select, true, union

from revrec.core.constraint import CONSTRAINT
from revrec.core.filters import Filters
from revrec.core.pricing import PRICE_EVENT_KINDS
from revrec.store.bulk import sort_on_disk, stream_rows
from revrec.store.number_lists import numbers_in
from revrec.store.posting.invoices import IS_INTEREST, SOLD
from revrec.store.reports.contract_balances import (
    BalanceQuery,
    contract_key,
    imported_by_then,
    joined_contracts,
    needs_no_invoice,
)
from revrec.store.reports.filters import charge_conditions
from revrec.store.reports.in_ledger import rounded_share
from revrec.store.reports.recognition import ACTUAL, OPEN, DatedAmount, category_of
from revrec.store.rule_versions import versions_of_principals, versions_with_word
from revrec.store.tables import (
    CREDITING,
    ORDERED,
    RELEASED,
    arrival_account,
    charge_line,
    charge_void,
    contract_line,
    entered_line,
    entry_date_override,
    entry_reversal,
    fulfillment_event,
    invoice_line,
    journal_entry,
    journal_line,
    ledger_change,
    plan,
    plan_part,
    price_change,
    repaired_value,
    revenue_status,
    rule_version,
    schedule,
    schedule_allocation,
    unscheduled,
)

MOST_SPECIAL = 100_000
"""The most charge lines that are left out of a sum by their numbers; with more, all lines are read one by one."""
MOST_AMOUNT = 10**11
"""The largest amount of a plain line, in minor units: 90 million of them add up in 64 bits."""
ALL_POSTED = "~"
"""A text after all dates: nothing of a schedule version is open."""
OPEN_FROM = func.coalesce(schedule.c.open_from, ALL_POSTED)

_ITS_FIRST = and_(schedule.c.charge_no == charge_line.c.no, schedule.c.version == 1)

Day = Sequence[BalanceQuery]
"""A day of a report: what counts on it. It is one query, or one for each group of entities that were closed together;
those name their entities and the rows that were known at their close."""


def special_charges(connection: Connection, days: Iterable[Day]) -> list[int] | None:
    """Return the numbers of the charge lines that are not plain on any of the days; None if there are too many."""
    known = [asked for day in days for asked in day if asked.known is not None]
    every = union(
        *_have_other_rows(),
        _have_other_figures(known),
        _have_other_accounts(),
        _are_on_other_entries(known),
        _are_out_of_order(),
    )
    numbers = list(connection.execute(every.limit(MOST_SPECIAL + 1)).scalars())
    return sorted(numbers) if len(numbers) <= MOST_SPECIAL else None


def special_contracts(connection: Connection, days: Sequence[Day]) -> list[int] | None:
    """Return the charge lines of :func:`special_charges`, with all others that can be in a contract with one of them.

    Return None if all lines are read one by one: there are too many, or a day knows less than the one before it.
    """
    special = special_charges(connection, days) if _grows(days) else None
    if not special:
        return special
    asked = days[-1][0]._replace(numbers=special, known=None, entities=None)
    own = contract_key(asked.by, charge_line).label("contract")
    theirs = select(own).where(charge_line.c.no.in_(numbers_in(special)))
    of_contracts = select(charge_line.c.no).where(own.in_(union(joined_contracts(asked), theirs)))
    found = {*special, *connection.execute(of_contracts.limit(MOST_SPECIAL + 1)).scalars()}
    return sorted(found) if len(found) <= MOST_SPECIAL else None


def _grows(days: Sequence[Day]) -> bool:
    """Check that each day knows what the day before it knows, and more, so that amounts until a day only grow."""
    entities = {one for day in days for asked in day for one in asked.entities or ("",)}
    invoiced = {tuple(sorted(asked.invoiced.items())) for day in days for asked in day}
    limits = [[_last_charge(day, entity) for day in days] for entity in entities]
    return len(invoiced) <= 1 and all(limit == sorted(limit) for limit in limits)


def _last_charge(day: Day, entity: str) -> float:
    known = (asked.known for asked in day if asked.entities is None or entity in asked.entities)
    return next((one.charge_no for one in known if one is not None), inf)


def _have_other_rows() -> Iterator[Select[Any]]:
    """Yield the charge lines with rows in tables whose amounts or accounts are not in their schedule version."""
    event = fulfillment_event.c
    yield select(event.charge_no).where(event.kind.in_((*PRICE_EVENT_KINDS, CONSTRAINT)))
    tables = (
        contract_line, schedule_allocation, price_change, charge_void, unscheduled, revenue_status, invoice_line,
        ledger_change, repaired_value,
    )  # fmt: skip
    for table in tables:
        yield select(table.c.charge_no)
    # Interest is never billed, and is in the balance of its contract all the same.
    yield select(charge_line.c.no).where(IS_INTEREST)
    yield select(entered_line.c.charge_no).where(RELEASED)


def _have_other_figures(known: Sequence[BalanceQuery]) -> Select[Any]:
    """Return the charge lines whose one version has another amount, those without one, and contract lines or migrated
    ones."""
    line, version = charge_line.c, schedule.c
    conditions = [
        version.charge_no.is_(None),
        version.superseded_by.is_not(None),
        version.plan_id.is_(None),
        version.base.is_not(None),
        version.amount != line.amount,
        func.abs(line.amount) > MOST_AMOUNT,
        line.cutover.is_not(None),
        ORDERED,
        CREDITING,
        version.amounts.is_not(None),
        # By version: the text of a rule is not searched again for each of its lines.
        version.rule_version_id.in_(versions_with_word(CONSTRAINT)),
        version.rule_version_id.in_(versions_of_principals()),
        version.plan_id.in_(_plans_of_both_signs()),
    ]
    for asked in known:
        assert asked.known is not None
        conditions.append(and_(line.no <= asked.known.charge_no, version.audit_seq > asked.known.audit_seq))
    return select(line.no).outerjoin(schedule, _ITS_FIRST).where(or_(*conditions))


def _have_other_accounts() -> Select[Any]:
    """Return the charge lines that arrived without a schedule on another account than their version has."""
    arrived = arrival_account.c
    query = (
        select(arrived.charge_no)
        .join(schedule, (schedule.c.charge_no == arrived.charge_no) & (schedule.c.version == 1))
        .join(rule_version, rule_version.c.id == schedule.c.rule_version_id)
    )
    return query.where(arrived.account != rule_version.c.deferred)


def _plans_of_both_signs() -> Select[Any]:
    """Return the plans that recognize and take back: what they take back is not in their sum until a day."""
    weight = plan_part.c.cumulative - plan_part.c.before
    exact = select(plan_part.c.plan_id).join(plan, plan.c.id == plan_part.c.plan_id).where(plan.c.kind == "amounts")
    return exact.group_by(plan_part.c.plan_id).having(func.min(weight) < 0, func.max(weight) > 0)


def _are_on_other_entries(known: Sequence[BalanceQuery]) -> Select[Any]:
    """Return the charge lines on entries that are not posted, not dated as their lines, reversed, or posted later."""
    entry = journal_entry.c
    late = [
        and_(entry.date <= asked.until.isoformat(), entry.posted_at > asked.known.at)
        for asked in known
        if asked.known is not None
    ]
    entries = union(
        select(entry.id).where(or_(entry.state != "POSTED", *late)),
        select(entry_date_override.c.entry_id),
        select(entry_reversal.c.reverses),
        select(entry_reversal.c.entry_id).where(entry_reversal.c.entry_id.is_not(None)),
    )
    return select(journal_line.c.charge_no).where(journal_line.c.entry_id.in_(entries))


def _are_out_of_order() -> Select[Any]:
    """Return the charge lines of which a schedule line is on an entry, and an earlier one never was."""
    last = select(func.max(journal_entry.c.date)).scalar_subquery()
    later = (
        select(entered_line.c.charge_no)
        .join(plan_part, plan_part.c.seq == entered_line.c.seq)
        .where(
            entered_line.c.charge_no == schedule.c.charge_no,
            entered_line.c.version == 1,
            plan_part.c.plan_id == schedule.c.plan_id,
            plan_part.c.date >= schedule.c.open_from,
        )
    )
    # Of a version whose first open line is after all entries, no later line can be on one. An entry with another date
    # than its lines does not matter: its lines are special already.
    its_versions = select(schedule.c.charge_no).where(schedule.c.version == 1, schedule.c.open_from <= last)
    return its_versions.where(later.correlate(schedule).exists())


class PlainLines:
    """The plain charge lines, joined with their versions and rules, and the SQL of their amounts.

    ``weights`` are conditions on schedule lines, by name: an amount is the sum of the lines that meet one. Each
    condition must hold for the first lines of a version, up to some line.
    """

    def __init__(self, special: Sequence[int], weights: Mapping[str, ColumnElement[bool]]) -> None:
        self._special = special
        self._spans = _spans(weights)

    def select(self, *columns: Any) -> Select[Any]:
        """Return the query of columns of the plain lines, their schedule versions, and their rule versions."""
        spans = self._spans
        its_plan = and_(spans.c.plan_id == schedule.c.plan_id, spans.c.open_from == OPEN_FROM)
        query = (
            select(*columns)
            .select_from(charge_line)
            .join(schedule, and_(_ITS_FIRST, schedule.c.superseded_by.is_(None)))
            .join(spans, its_plan)
            .join(rule_version, rule_version.c.id == schedule.c.rule_version_id)
        )
        return query.where(charge_line.c.no.not_in(numbers_in(self._special))) if self._special else query

    def amount(self, name: str) -> ColumnElement[int]:
        """Return the SQL of an amount of a line, in minor units: the rounded share of what its version planned."""
        spans = self._spans.c
        share = rounded_share(schedule.c.planned, spans[name], spans.total)
        return case((spans.is_exact == 1, spans[name]), else_=share)

    def count(self, name: str) -> ColumnElement[int]:
        """Return the SQL of the number of schedule lines of an amount."""
        found: ColumnElement[int] = self._spans.c[f"lines_{name}"]
        return found


_HEADS = (
    select(schedule.c.plan_id, OPEN_FROM.label("open_from"))
    .where(schedule.c.version == 1, schedule.c.superseded_by.is_(None), schedule.c.plan_id.is_not(None))
    .distinct()
    .subquery("heads")
)
IS_ENTERED = plan_part.c.date < _HEADS.c.open_from
"""The condition that a schedule line of a plain charge line is on a journal entry, for :class:`PlainLines`."""


def is_dated(until: date) -> ColumnElement[bool]:
    """Return the condition that a schedule line is dated until a day, for :class:`PlainLines`."""
    return plan_part.c.date <= until.isoformat()


def _spans(weights: Mapping[str, ColumnElement[bool]]) -> Any:
    """Return the weights of each plan, with the first open date of the versions that share it, as a subquery."""
    weight = plan_part.c.cumulative - plan_part.c.before
    by = (_HEADS.c.plan_id, _HEADS.c.open_from, plan.c.total, plan.c.kind)
    sums = (
        cast(func.sum(case((condition, of_part), else_=0)), BigInteger).label(f"{of}{name}")
        for name, condition in weights.items()
        for of, of_part in (("", weight), ("lines_", 1))
    )
    is_exact = case((plan.c.kind == "amounts", 1), else_=0).label("is_exact")
    query = select(*by[:3], is_exact, *sums).select_from(_HEADS).join(plan, plan.c.id == _HEADS.c.plan_id)
    return query.join(plan_part, plan_part.c.plan_id == plan.c.id).group_by(*by).subquery("spans")


def is_known(day: Day) -> ColumnElement[bool] | None:
    """Return the condition that a charge line was imported when the day was reported; None if all of them were."""
    if all(asked.known is None for asked in day):
        return None
    return or_(*(and_(*of_entities(asked), *imported_by_then(charge_line, asked)) for asked in day))


def is_billed(day: Day) -> ColumnElement[bool]:
    """Return the condition that a plain charge line is billed by a day."""
    return or_(
        *(
            and_(
                *of_entities(asked),
                *imported_by_then(charge_line, asked),
                charge_line.c.post_date <= asked.until.isoformat(),
                *needs_no_invoice(asked),
            )
            for asked in day
        )
    )


def of_entities(asked: BalanceQuery) -> Iterable[ColumnElement[bool]]:
    """Return the condition that a charge line is of the entities, if they are limited."""
    return () if asked.entities is None else (charge_line.c.entity.in_(asked.entities),)


class Movements(NamedTuple):
    """The plain charge lines of a group: what each of the days has of them, in minor units.

    ``currency``, ``account`` and ``values`` are the group. ``lines`` counts the charge lines that were imported.
    ``billed`` and ``credited`` are the positive and the negative amounts that are billed by the day; ``recognized`` and
    ``taken_back`` the same of what is recognized. ``from_opening`` has for each period, the time from one day to the
    next, what it recognizes of the opening liabilities of its contracts.
    """

    currency: str
    account: str
    values: tuple[str, ...]
    lines: Sequence[int]
    billed: Sequence[int]
    credited: Sequence[int]
    recognized: Sequence[int]
    taken_back: Sequence[int]
    from_opening: Sequence[int]

    def balance(self, at: int) -> int:
        """Return the balance on the day ``at`` this place, in minor units."""
        return self.billed[at] + self.credited[at] - self.recognized[at] - self.taken_back[at]


def movements(
    connection: Connection, days: Sequence[Day], special: Sequence[int], by: Sequence[str], filters: Filters
) -> Iterator[Movements]:
    """Yield the movements of the plain lines from day to day, by currency, deferred account and columns of the lines.

    All lines of a contract are in one group, or the contract is left out by the numbers of its lines, ``special``.
    """
    plain = PlainLines(special, {f"until{at}": IS_ENTERED & is_dated(day[0].until) for at, day in enumerate(days)})
    key = contract_key("contract", charge_line)
    fields = [key if name == "contract" else category_of(name) for name in by]
    unit = [charge_line.c.currency, rule_version.c.deferred, *fields]
    # Sorting by contract takes as long as the rest, and only the split by opening liabilities needs it.
    if len(days) > 2 or _has_opening(connection, days[0][0].until):
        unit += [charge_line.c.entity, key]
    named = [column.label(f"by{at}") for at, column in enumerate(unit)]
    line, planned = charge_line.c.amount, schedule.c.planned
    sums: dict[str, Any] = {}
    for at, day in enumerate(days):
        billed, known, posted = is_billed(day), is_known(day), plain.amount(f"until{at}")
        was_known = true() if known is None else known
        sums[f"lines{at}"] = func.count() if known is None else func.sum(case((known, 1), else_=0))
        sums[f"billed{at}"] = func.sum(case((and_(line > 0, billed), line), else_=0))
        sums[f"credited{at}"] = func.sum(case((and_(line < 0, billed), line), else_=0))
        sums[f"recognized{at}"] = func.sum(case((and_(planned > 0, was_known), posted), else_=0))
        sums[f"taken_back{at}"] = func.sum(case((and_(planned < 0, was_known), posted), else_=0))
    sort_on_disk(connection)
    query = plain.select(*named, *(cast(one, BigInteger).label(name) for name, one in sums.items()))
    units = query.where(SOLD, *charge_conditions(filters)).group_by(*named).subquery()
    group, columns = list(units.c)[: len(by) + 2], units.c
    totals = [cast(func.sum(columns[name]), BigInteger) for name in sums]
    totals += [cast(func.sum(_from_opening(columns, at)), BigInteger) for at in range(1, len(days))]
    for row in stream_rows(connection, select(*group, *totals).group_by(*group)):
        currency, account, *rest = row
        values, found = rest[: len(by)], rest[len(by) :]
        by_day = [found[at : 5 * len(days) : 5] for at in range(5)]
        yield Movements._make((currency, account, tuple(values), *by_day, found[5 * len(days) :]))


def _has_opening(connection: Connection, until: date) -> bool:
    """Check if anything was billed or on an entry by a day."""
    days = (journal_entry.c.date, charge_line.c.post_date)
    return any(connection.execute(select(1).where(day <= until.isoformat()).limit(1)).first() for day in days)


def dated_amounts(
    connection: Connection, day: Day, special: Sequence[int], category: str, ends: Sequence[date]
) -> list[DatedAmount] | None:
    """Return what is in the ledger on a day and what is dated and not in it, of the plain lines by category.

    The amounts are added up until each of the ``ends``, and dated with it; what is later has the last possible date.
    Return None if the amounts of a category cancel each other: then it depends on their own days which of them to list.
    """
    until = day[0].until
    posted = IS_ENTERED & is_dated(until)
    weights: dict[str, ColumnElement[bool]] = {"posted": posted, "all": true()}
    # Nothing is posted after the day: the sums until a later end are the same, and are not computed again.
    names = [f"posted{at}" if end < until else "posted" for at, end in enumerate(ends)]
    for at, end in enumerate(ends):
        weights[names[at]] = posted & is_dated(min(end, until))
        weights[f"dated{at}"] = or_(posted, is_dated(end))
    plain = PlainLines(special, weights)
    billed = case((is_billed(day), 1), else_=0)
    group = [category_of(category).label("category"), charge_line.c.currency, billed.label("billed")]
    sums = (cast(func.sum(plain.amount(name)), BigInteger).label(name) for name in weights)
    days = [*(end.isoformat() for end in ends), date.max.isoformat()]
    found: list[DatedAmount] = []
    for row in connection.execute(plain.select(*group, *sums).where(SOLD).group_by(*group)):
        of_row = row._mapping
        cumulative = {
            ACTUAL: [0, *(of_row[name] for name in names), row.posted],
            OPEN: [row.posted, *(of_row[f"dated{at}"] for at in range(len(ends))), of_row["all"]],
        }
        amounts = [
            DatedAmount(row.category or "", row.currency, kind, on, bool(row.billed), after - before)
            for kind, until_each in cumulative.items()
            for on, (before, after) in zip(days, pairwise(until_each), strict=True)
            if after != before
        ]
        if not amounts:
            return None
        found += amounts
    return found


class AccountBalance(NamedTuple):
    """The balance of charge lines on a deferred account, in minor units, and how many lines have anything on it.

    ``of_billed`` is the part of the balance of lines that are billed.
    """

    account: str
    currency: str
    is_cost: bool
    lines: int
    balance: int
    of_billed: int


def balances(connection: Connection, day: Day, special: Sequence[int], filters: Filters) -> Iterator[AccountBalance]:
    """Yield the balances on a day by deferred account and currency, of costs apart."""
    until = day[0].until
    plain = PlainLines(special, {"posted": IS_ENTERED & is_dated(until), "planned": is_dated(until)})
    billed, known = is_billed(day), is_known(day)
    was_known = true() if known is None else known
    posted = case((was_known, plain.amount("posted")), else_=0)
    happened = or_(billed, and_(was_known, plain.amount("planned") != 0))
    group = (rule_version.c.deferred, charge_line.c.currency, case((SOLD, 0), else_=1).label("is_cost"))
    balance = case((billed, charge_line.c.amount), else_=0) - posted
    sums = (case((happened, 1), else_=0), balance, case((billed, balance), else_=0))
    query = plain.select(*group, *(cast(func.sum(one), BigInteger) for one in sums))
    for account, currency, is_cost, *amounts in connection.execute(
        query.where(*charge_conditions(filters)).group_by(*group)
    ):
        yield AccountBalance(account, currency, bool(is_cost), *amounts)


def _from_opening(unit: Any, at: int) -> ColumnElement[int]:
    """Return the SQL of what a contract recognizes of its opening liability, which is used up before later bills."""
    before = unit[f"billed{at - 1}"] + unit[f"credited{at - 1}"]
    opening = before - unit[f"recognized{at - 1}"] - unit[f"taken_back{at - 1}"]
    earned = unit[f"recognized{at}"] - unit[f"recognized{at - 1}"]
    return case((opening <= 0, 0), (opening < earned, opening), else_=earned)
