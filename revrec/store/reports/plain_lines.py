"""Add up plain charge lines in SQL, by the arithmetic of their plans, instead of reading them one by one.

A charge line is plain if its figures on any day follow from a few facts: its amount, the one event that changed its
price, the schedule version in force with the date until which it is on posted entries, and the lines of earlier
versions that are on posted entries. Most lines are. The others have several changes of the price, an allocation, an
invoice, a reversed entry, or something else that :func:`special_charges` looks for; reports read those line by line
(:mod:`revrec.store.reports.contract_balances`).

The amount until a day is the rounded share of the planned amount, by the cumulative weight until then: the arithmetic
of the view ``schedule_line``, computed once for each day instead of once for each schedule line.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from functools import cache, partial
from itertools import accumulate, pairwise
from math import inf
from typing import Any, NamedTuple

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Select,
    and_,
    case,
    cast,
    func,
    literal,
    or_,
    select,
    true,
    union,
)
from sqlalchemy.sql.visitors import replacement_traverse

from revrec.core.constraint import CONSTRAINT
from revrec.core.filters import Filters
from revrec.core.pricing import PRICE_EVENT_KINDS
from revrec.store.bulk import SECOND_READER, fact_of_view, sort_on_disk
from revrec.store.number_lists import numbers_in, pairs_in
from revrec.store.posting.invoices import IS_INTEREST, SOLD
from revrec.store.reports.contract_balances import (
    BalanceQuery,
    contract_key,
    contract_parts,
    imported_by_then,
    joined_contracts,
    needs_no_invoice,
)
from revrec.store.reports.filters import charge_conditions, of_charges, schedule_conditions
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
    event_withdrawal,
    fulfillment_event,
    invoice_line,
    journal_entry,
    journal_line,
    ledger_change,
    plan,
    plan_part,
    repaired_value,
    revenue_status,
    rule_version,
    same_version,
    schedule,
    schedule_allocation,
    schedule_line,
    unscheduled,
)
from revrec.store.two_readers import Half, added_up, both, stream_halves

MOST_SPECIAL = 100_000
"""The most charge lines that are left out of a sum by their numbers; with more, all lines are read one by one."""
MOST_HEADS = 10_000
"""The most plans with first open dates that are found once for several queries."""
MOST_AMOUNT = 10**11
"""The largest amount of a plain line, in minor units: 90 million of them add up in 64 bits."""
ALL_POSTED = "~"
"""A text after all dates: nothing of a schedule version is open."""
OPEN_FROM = func.coalesce(schedule.c.open_from, ALL_POSTED)

_IN_FORCE = and_(schedule.c.charge_no == charge_line.c.no, schedule.c.superseded_by.is_(None))
_OF_PRICE = fulfillment_event.c.kind.in_(PRICE_EVENT_KINDS)

new_price = fulfillment_event.alias("new_price")
"""The one event that changed the price of a plain charge line."""
PLAIN_KINDS = ("credit", "price", "cancel")
IS_NEW_PRICE = and_(new_price.c.charge_no == charge_line.c.no, new_price.c.kind.in_(PLAIN_KINDS))
PRICE_MORE = case(
    (new_price.c.kind == "price", new_price.c.amount - charge_line.c.amount),
    else_=-func.coalesce(new_price.c.amount, 0),
)
"""What that event adds to the price, in minor units: below zero for a credit, 0 without an event."""

Day = Sequence[BalanceQuery]
"""A day of a report: what counts on it. It is one query, or one for each group of entities that were closed together;
those name their entities and the rows that were known at their close."""


def special_charges(connection: Connection, days: Iterable[Day]) -> list[int] | None:
    """Return the numbers of the charge lines that are not plain on any of the days; None if there are too many."""
    known = [asked for day in days for asked in day if asked.known is not None]
    key = ("special charges", tuple((asked.until, asked.known) for asked in known))
    return fact_of_view(connection, key, partial(_find_special_charges, connection, known))


def _find_special_charges(connection: Connection, known: Sequence[BalanceQuery]) -> list[int] | None:
    others = union(
        *_have_other_rows(),
        _have_other_accounts(),
        _moved_to_other_accounts(),
        _take_back_a_rest(),
        _are_on_other_entries(known),
        _are_out_of_order(),
    )
    # Each of these two takes about as long as the other one.
    queries = (one.limit(MOST_SPECIAL + 1) for one in (others, _have_other_figures(known)))
    numbers = {no for rows in both(connection, *queries) for (no,) in rows}
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


@cache
def _have_other_rows() -> Sequence[Select[Any]]:
    """Return the charge lines with rows in tables whose amounts or accounts are not in their schedule versions."""
    event = fulfillment_event.c
    tables = (
        contract_line, schedule_allocation, charge_void, unscheduled, revenue_status, invoice_line, ledger_change,
        repaired_value,
    )  # fmt: skip
    presented_apart = (versions_with_word(CONSTRAINT), versions_of_principals())
    return (
        select(event.charge_no).where(or_(event.kind == CONSTRAINT, and_(_OF_PRICE, event.kind.not_in(PLAIN_KINDS)))),
        select(event.charge_no).where(_OF_PRICE).group_by(event.charge_no).having(func.count() > 1),
        select(event.charge_no).join(event_withdrawal, event_withdrawal.c.event_id == event.id).where(_OF_PRICE),
        *(select(table.c.charge_no) for table in tables),
        # By version: the text of a rule is not searched again for each of its lines.
        select(schedule.c.charge_no).where(or_(*(schedule.c.rule_version_id.in_(one) for one in presented_apart))),
        # Interest is never billed, and is in the balance of its contract all the same.
        select(charge_line.c.no).where(IS_INTEREST),
        select(entered_line.c.charge_no).where(RELEASED),
    )


def _have_other_figures(known: Sequence[BalanceQuery]) -> Select[Any]:
    """Return the charge lines whose version in force has another amount, those without one, and contract lines or
    migrated ones."""
    line, version = charge_line.c, schedule.c
    conditions = [
        version.charge_no.is_(None),
        version.amount != line.amount + PRICE_MORE,
        func.abs(line.amount) > MOST_AMOUNT,
        func.abs(version.amount) > MOST_AMOUNT,
        line.cutover.is_not(None),
        ORDERED,
        CREDITING,
        version.amounts.is_not(None),
        version.plan_id.in_(_plans_of_both_signs()),
    ]
    for asked in known:
        assert asked.known is not None
        conditions.append(and_(line.no <= asked.known.charge_no, version.audit_seq > asked.known.audit_seq))
    query = select(line.no).outerjoin(schedule, _IN_FORCE).outerjoin(new_price, IS_NEW_PRICE)
    return query.where(or_(*conditions))


@cache
def _have_other_accounts() -> Select[Any]:
    """Return the charge lines that arrived without a schedule on another account than their version in force has."""
    arrived = arrival_account.c
    query = (
        select(arrived.charge_no)
        .join(schedule, and_(schedule.c.charge_no == arrived.charge_no, schedule.c.superseded_by.is_(None)))
        .join(rule_version, rule_version.c.id == schedule.c.rule_version_id)
    )
    return query.where(arrived.account != rule_version.c.deferred)


@cache
def _moved_to_other_accounts() -> Select[Any]:
    """Return the charge lines of which an earlier schedule version has another deferred account."""
    earlier, its_rule = schedule.alias("earlier"), rule_version.alias("its_rule")
    in_force = (
        select(rule_version.c.deferred)
        .join(schedule, schedule.c.rule_version_id == rule_version.c.id)
        .where(schedule.c.charge_no == earlier.c.charge_no, schedule.c.superseded_by.is_(None))
        .correlate(earlier)
        .scalar_subquery()
    )
    query = select(earlier.c.charge_no).join(its_rule, its_rule.c.id == earlier.c.rule_version_id)
    return query.where(earlier.c.superseded_by.is_not(None), its_rule.c.deferred != in_force)


@cache
def _take_back_a_rest() -> Select[Any]:
    """Return the charge lines whose changed plan takes back, after a change, what it recognizes before it."""
    version, rest = schedule.c, schedule.c.planned - rounded_share(schedule.c.base, plan.c.carried, plan.c.whole)
    both = or_(and_(version.base > 0, rest < 0), and_(version.base < 0, rest > 0))
    query = select(version.charge_no).join(plan, plan.c.id == version.plan_id)
    return query.where(version.base.is_not(None), version.superseded_by.is_(None), both)


@cache
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


@cache
def _are_out_of_order() -> Select[Any]:
    """Return the charge lines of which a line of the schedule in force is on an entry, and an earlier one never was."""
    last = select(func.max(journal_entry.c.date)).scalar_subquery()
    later = (
        select(entered_line.c.charge_no)
        .select_from(entered_line)
        .join(plan_part, plan_part.c.seq == entered_line.c.seq - schedule.c.first_seq + 1)
        .where(
            entered_line.c.charge_no == schedule.c.charge_no,
            entered_line.c.version == schedule.c.version,
            plan_part.c.plan_id == schedule.c.plan_id,
            plan_part.c.date >= schedule.c.open_from,
        )
    )
    # Of a version whose first open line is after all entries, no later line can be on one. An entry with another date
    # than its lines does not matter: its lines are special already.
    its_versions = select(schedule.c.charge_no).where(schedule.c.open_from <= last)
    return its_versions.where(later.correlate(schedule).exists())


class PlainLines:
    """The plain charge lines, joined with their versions in force and rules, and the SQL of their amounts.

    ``weights`` are conditions on schedule lines, by name: an amount is the sum of the lines that meet one. Each
    condition must hold for the first lines of a version, up to some line.
    """

    def __init__(
        self, connection: Connection, special: Sequence[int], weights: Mapping[str, ColumnElement[bool]]
    ) -> None:
        self._special = special
        self._has_amounts = bool(weights)
        self._whole = {name for name, condition in weights.items() if condition is WHOLE}
        self._spans = _spans(weights, _known_heads(connection))
        self._earlier = _earlier(weights, _with_several_versions(connection))

    def select(self, *columns: Any) -> Select[Any]:
        """Return the query of columns of the plain lines, their schedule versions, their rule versions, and the events
        that changed their prices."""
        spans, earlier = self._spans, self._earlier
        its_plan = and_(spans.c.plan_id == schedule.c.plan_id, spans.c.open_from == OPEN_FROM)
        query = (
            select(*columns)
            .select_from(charge_line)
            .join(schedule, _IN_FORCE)
            .join(rule_version, rule_version.c.id == schedule.c.rule_version_id)
            .outerjoin(new_price, IS_NEW_PRICE)
        )
        if self._has_amounts:
            query = query.outerjoin(spans, its_plan)
            if earlier is not None:
                query = query.outerjoin(earlier, earlier.c.charge_no == charge_line.c.no)
        return query.where(charge_line.c.no.not_in(numbers_in(self._special))) if self._special else query

    def amount(self, name: str) -> ColumnElement[int]:
        """Return the SQL of an amount of a line, in minor units: of its version in force, and posted before it."""
        return self._with_earlier(self._in_force(name), name)

    def taken_back(self, name: str) -> ColumnElement[int]:
        """Return the SQL of the part of an amount that is below zero."""
        is_below = func.coalesce(schedule.c.base, schedule.c.planned) < 0
        return self._with_earlier(case((is_below, self._in_force(name)), else_=0), f"back_{name}")

    def _with_earlier(self, value: ColumnElement[int], name: str) -> ColumnElement[int]:
        return value if self._earlier is None else value + func.coalesce(self._earlier.c[name], 0)

    def _in_force(self, name: str) -> ColumnElement[int]:
        """Return the SQL of the rounded share of what the version in force planned; 0 if it has no plan."""
        spans, version = self._spans.c, schedule.c
        if name in self._whole:
            return version.planned
        weight = spans[name]
        kept = rounded_share(version.base, spans.carried, spans.whole)
        rest = rounded_share(version.planned - kept, weight - spans.carried, spans.total - spans.carried)
        return case(
            # The most frequent ones first: this is computed for each line and day.
            (weight == 0, 0),
            (weight == spans.total, version.planned),
            (and_(spans.is_exact == 0, version.base.is_(None)), rounded_share(version.planned, weight, spans.total)),
            (spans.plan_id.is_(None), 0),
            (spans.is_exact == 1, weight),
            (weight <= spans.carried, rounded_share(version.base, weight, spans.whole)),
            else_=kept + rest,
        )

    def count(self, name: str) -> ColumnElement[int]:
        """Return the SQL of the number of schedule lines of an amount."""
        name = f"lines_{name}"
        return self._with_earlier(func.coalesce(self._spans.c[name], 0), name)


def price_on(until: date) -> ColumnElement[int]:
    """Return the SQL of the price of a plain line on a day, in minor units, for :class:`PlainLines`."""
    return charge_line.c.amount + case((new_price.c.date <= until.isoformat(), PRICE_MORE), else_=0)


WHOLE = true()
"""The condition of all schedule lines, for :class:`PlainLines`."""
_HEADS = (
    select(schedule.c.plan_id, OPEN_FROM.label("open_from"))
    .where(schedule.c.superseded_by.is_(None), schedule.c.plan_id.is_not(None))
    .distinct()
    .subquery("heads")
)
IS_ENTERED = plan_part.c.date < _HEADS.c.open_from
"""The condition that a schedule line of a plain charge line is on a journal entry, for :class:`PlainLines`."""


def is_dated(until: date) -> ColumnElement[bool]:
    """Return the condition that a schedule line is dated until a day, for :class:`PlainLines`."""
    return plan_part.c.date <= until.isoformat()


def _spans(weights: Mapping[str, ColumnElement[bool]], heads: Any) -> Any:
    """Return the weights of each plan, with the first open date of the versions that share it, as a subquery."""
    weight = plan_part.c.cumulative - plan_part.c.before
    by = (heads.c.plan_id, heads.c.open_from, plan.c.total, plan.c.carried, plan.c.whole, plan.c.kind)
    conditions = {name: _replaced(one, {_HEADS.c.open_from: heads.c.open_from}) for name, one in weights.items()}
    sums = (
        cast(func.sum(case((condition, of_part), else_=0)), BigInteger).label(f"{of}{name}")
        for name, condition in conditions.items()
        for of, of_part in (("", weight), ("lines_", 1))
    )
    is_exact = case((plan.c.kind == "amounts", 1), else_=0).label("is_exact")
    query = select(*by[:-1], is_exact, *sums).select_from(heads).join(plan, plan.c.id == heads.c.plan_id)
    return query.join(plan_part, plan_part.c.plan_id == plan.c.id).group_by(*by).subquery("spans")


def _known_heads(connection: Connection) -> Any:
    """Return the plans with the first open dates of the versions that share them: found once for each view, if few."""
    found = _few_of_view(connection, "heads", select(_HEADS.c.plan_id, _HEADS.c.open_from), MOST_HEADS)
    return _HEADS if found is None else pairs_in([(plan_id, day) for plan_id, day in found]).subquery("heads")


def _earlier(weights: Mapping[str, ColumnElement[bool]], several: Any) -> Any:
    """Return the amounts of each charge line that earlier schedule versions put on entries, as a subquery.

    ``several`` are the numbers of the charge lines with several versions; without any, return None.
    """
    if several is None:
        return None
    line, version = schedule_line.c, schedule.alias("version")
    amounts = {"": line.amount, "back_": case((line.amount < 0, line.amount), else_=0), "lines_": 1}
    sums = (
        cast(func.sum(case((_of_entered(condition), amount), else_=0)), BigInteger).label(f"{of}{name}")
        for name, condition in weights.items()
        for of, amount in amounts.items()
    )
    query = select(line.charge_no, *sums).join(version, same_version(version, schedule_line))
    is_posted = and_(version.c.superseded_by.is_not(None), line.entry_id.is_not(None), line.superseded_by.is_(None))
    # Named twice: otherwise SQLite computes the lines of all versions.
    return query.where(is_posted, line.charge_no.in_(several)).group_by(line.charge_no).subquery("earlier")


def _with_several_versions(connection: Connection) -> Any:
    """Return the query of the charge lines with several schedule versions; None if there are none."""
    query = select(schedule.c.charge_no).where(schedule.c.superseded_by.is_not(None))
    found = _few_of_view(connection, "several versions", query, MOST_SPECIAL)
    if found is None:
        return query
    return numbers_in(sorted({no for (no,) in found})) if found else None


def _few_of_view(connection: Connection, key: str, query: Select[Any], most: int) -> Sequence[Any] | None:
    """Return the rows of a query, found once for a view that two processes read; None if there are more, or no such
    view."""
    if SECOND_READER not in connection.get_execution_options():
        return None
    rows = fact_of_view(connection, key, lambda: connection.execute(query.limit(most + 1)).all())
    return rows if len(rows) <= most else None


def _of_entered(condition: ColumnElement[bool]) -> Any:
    """Return a condition of :class:`PlainLines` for schedule lines that are on an entry."""
    return _replaced(condition, {plan_part.c.date: schedule_line.c.date, _HEADS.c.open_from: literal(ALL_POSTED)})


def _replaced(condition: ColumnElement[bool], columns: Mapping[Any, Any]) -> Any:
    """Return a condition with other columns."""
    return replacement_traverse(condition, {}, lambda one, **_options: columns.get(one))  # type: ignore[call-overload]


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
    ``billed`` and ``credited`` are the positive and the negative amounts that are billed by the day, ``repriced`` what
    events added to the price of what is billed; ``recognized`` and ``taken_back`` are the positive and the negative
    amounts that are recognized. For each period, the time from one day to the next, ``credits`` is the part of what is
    repriced that is a credit, and ``from_opening`` what is recognized of the opening liabilities of the contracts.
    """

    currency: str
    account: str
    values: tuple[str, ...]
    lines: Sequence[int]
    billed: Sequence[int]
    credited: Sequence[int]
    repriced: Sequence[int]
    credits: Sequence[int]
    recognized: Sequence[int]
    taken_back: Sequence[int]
    from_opening: Sequence[int]

    def balance(self, at: int) -> int:
        """Return the balance on the day ``at`` this place, in minor units."""
        owed = self.billed[at] + self.credited[at] + self.repriced[at]
        return owed - self.recognized[at] - self.taken_back[at]


def movements(
    connection: Connection, days: Sequence[Day], special: Sequence[int], by: Sequence[str], filters: Filters
) -> Iterator[Movements]:
    """Yield the movements of the plain lines from day to day, by currency, deferred account and columns of the lines.

    All lines of a contract are in one group, or the contract is left out by the numbers of its lines, ``special``.
    """
    prices = _prices_of_groups(connection, days, special, by, filters)
    is_netted = _is_netted(connection, days)
    query_of = partial(_earned_of_groups, connection, days, special, by, filters, is_netted)
    key = contract_parts("contract", charge_line)[0] if is_netted else charge_line.c.no
    sort_on_disk(connection)
    for row in added_up(stream_halves(connection, query_of, key), keys=len(by) + 2):
        currency, account, *rest = row
        values, found, count = tuple(rest[: len(by)]), rest[len(by) :], len(days)
        its_prices = prices.pop((currency, account, values))
        owed = its_prices.owed()
        balances, recognized, from_opening = found[:count], found[count : 2 * count], found[2 * count :]
        taken_back = [due - left - earned for due, left, earned in zip(owed, balances, recognized, strict=True)]
        amounts = (*its_prices.of_days(), recognized, taken_back, from_opening)
        yield Movements._make((currency, account, values, *amounts))


_Group = tuple[str, str, tuple[str, ...]]


class _Prices:
    """What is billed of the charge lines of a group, by the place of the day on which it begins to be."""

    def __init__(self, days: int) -> None:
        self._lines, self._billed, self._credited, self._repriced = ([0] * (days + 1) for _ in range(4))
        self._credits = [0] * (days + 1)

    def add(self, known: int, billed: int, amount: int, lines: int) -> None:
        """Add charge lines that are known from a day on, and billed from a day on."""
        self._lines[known] += lines
        (self._billed if amount > 0 else self._credited)[billed] += amount

    def reprice(self, billed: int, priced: int, more: int, is_credit: bool) -> None:
        """Add what an event added to the price: it counts from the day on which both are in the books."""
        at = max(billed, priced)
        self._repriced[at] += more
        if is_credit:
            self._credits[at] += more

    def owed(self) -> Sequence[int]:
        """Return the prices of what is billed by each day."""
        return [sum(amounts) for amounts in zip(*list(self.of_days())[1:4], strict=True)]

    def of_days(self) -> Iterator[Sequence[int]]:
        """Yield the sums until each day, and the credits of each period, in the order of :class:`Movements`."""
        for amounts in (self._lines, self._billed, self._credited, self._repriced):
            yield list(accumulate(amounts[:-1]))
        yield self._credits[1:-1]


def _prices_of_groups(
    connection: Connection, days: Sequence[Day], special: Sequence[int], by: Sequence[str], filters: Filters
) -> dict[_Group, _Prices]:
    """Return the amounts of the groups of charge lines, from when on they are billed, and the changes of prices."""
    found: defaultdict[_Group, _Prices] = defaultdict(partial(_Prices, len(days)))
    for number, currency, account, *values, count, amount, more in stream_halves(
        connection, partial(_prices_by_begin, connection, days, special, by, filters)
    ):
        rest, known = divmod(number, len(days) + 1)
        rest, billed = divmod(rest, len(days) + 1)
        signs, priced = divmod(rest, len(days) + 1)
        prices = found[currency, account, tuple(values)]
        prices.add(known, billed, amount, count)
        if more:
            prices.reprice(billed, priced, more, bool(signs & 4))
    return found


def _prices_by_begin(
    connection: Connection,
    days: Sequence[Day],
    special: Sequence[int],
    by: Sequence[str],
    filters: Filters,
    half: Half,
) -> Select[Any]:
    """Return the query of the prices of each group, by a number for the days on which they begin to count.

    The number also separates the signs of the amounts, and credits from other new prices. One number is sorted much
    faster than its parts.
    """
    plain, places = PlainLines(connection, special, {}), len(days) + 1
    known, billed, priced = _begins(days).values()
    signs = [charge_line.c.amount > 0, PRICE_MORE < 0, new_price.c.kind == "credit"]
    of_signs = sum((case((one, 1 << at), else_=0) for at, one in enumerate(signs)), literal(0))
    number = known + places * (billed + places * (priced + places * of_signs))
    by_group = [one.label(f"by{at}") for at, one in enumerate(_group_of(by))]
    lines = plain.select(number.label("number"), *by_group, charge_line.c.amount, PRICE_MORE.label("more"))
    # An offset keeps the databases from computing the number again wherever it is named.
    rows = lines.where(SOLD, *charge_conditions(filters), *schedule_conditions(filters), *half).offset(0).subquery()
    *keys, amount, more = rows.c
    sums = (cast(func.sum(one), BigInteger) for one in (amount, more))
    return select(*keys, func.count(), *sums).group_by(*keys)


def _group_of(by: Sequence[str]) -> list[Any]:
    key = contract_key("contract", charge_line)
    fields = [key if name == "contract" else category_of(name) for name in by]
    return [charge_line.c.currency, rule_version.c.deferred, *fields]


def _begins(days: Sequence[Day]) -> dict[str, ColumnElement[int]]:
    """Return the place of the first day on which a charge line is known and billed, and its new price is in force.

    The place after the last day means on none of them. Every day has what the day before it has (:func:`_grows`).
    """
    known = [is_known(day) for day in days]
    conditions = {
        "known": [true() if one is None else one for one in known],
        "billed": [is_billed(day) for day in days],
        "priced": [new_price.c.date <= day[0].until.isoformat() for day in days],
    }
    begins: dict[str, ColumnElement[int]] = {
        name: case(*((one, at) for at, one in enumerate(its_own)), else_=len(days))
        for name, its_own in conditions.items()
    }
    begins["priced"] = case((new_price.c.id.is_(None), len(days)), else_=begins["priced"])
    return begins


def _earned_of_groups(
    connection: Connection,
    days: Sequence[Day],
    special: Sequence[int],
    by: Sequence[str],
    filters: Filters,
    is_netted: bool,
    half: Half,
) -> Select[Any]:
    """Return the query of each group's balances on the days, what is recognized until then without what is taken back,
    and what is recognized of opening liabilities in each period.

    An opening liability is netted by contract: if there is one, lines are added up by contract first.
    """
    places, are_known = range(len(days)), any(asked.known is not None for day in days for asked in day)
    plain = PlainLines(
        connection, special, {f"until{at}": IS_ENTERED & is_dated(day[0].until) for at, day in enumerate(days)}
    )
    unit = _group_of(by)
    if is_netted:
        unit += [charge_line.c.entity, *reversed(contract_parts("contract", charge_line))]
    named = [column.label(f"by{at}") for at, column in enumerate(unit)]
    amounts = [plain.amount(f"until{at}").label(f"until{at}") for at in places]
    back = [plain.taken_back(f"until{at}").label(f"back{at}") for at in places]
    begins = [one.label(name) for name, one in _begins(days).items()]
    lines = plain.select(*named, *begins, charge_line.c.amount, PRICE_MORE.label("more"), *amounts, *back)
    # An offset keeps the databases from computing each amount again for every sum that it is in.
    line = lines.where(SOLD, *charge_conditions(filters), *schedule_conditions(filters), *half).offset(0).subquery().c
    sums: dict[str, Any] = {}
    for at in places:
        owed = case((line.billed <= at, line.amount + case((line.priced <= at, line.more), else_=0)), else_=0)
        until: Any = line[f"until{at}"]
        earned: Any = until - line[f"back{at}"]
        if are_known:
            until, earned = (case((line.known <= at, one), else_=0) for one in (until, earned))
        sums |= {f"balance{at}": owed - until, f"earned{at}": earned}
    keys = [line[one.name] for one in named]
    totals = (cast(func.sum(one), BigInteger).label(name) for name, one in sums.items())
    # The parts of the contract first: they differ, and most lines have the same currency and account.
    units = select(*keys, *totals).group_by(*reversed(keys)).subquery()
    found: list[Any] = [units.c[f"{name}{at}"] for name in ("balance", "earned") for at in places]
    found += [_from_opening(units.c, at) for at in places[1:]]
    group = list(units.c)[: len(by) + 2]
    return select(*group, *(cast(func.sum(one), BigInteger) for one in found)).group_by(*group)


def _is_netted(connection: Connection, days: Sequence[Day]) -> bool:
    """Check if a period may have opening liabilities: if anything was billed or on an entry by its opening day.

    Without one, lines need not be sorted by contract, which takes as long as the rest.
    """
    until, dates = days[0][0].until.isoformat(), (journal_entry.c.date, charge_line.c.post_date)
    return len(days) > 2 or any(connection.execute(select(1).where(one <= until).limit(1)).first() for one in dates)


def dated_amounts(
    connection: Connection, day: Day, special: Sequence[int], category: str, ends: Sequence[date]
) -> list[DatedAmount] | None:
    """Return what is in the ledger on a day and what is dated and not in it, of the plain lines by category.

    The amounts are added up until each of the ``ends``, and dated with it; what is later has the last possible date.
    Return None if the amounts of a category cancel each other: then it depends on their own days which of them to list.
    """
    until = day[0].until
    posted = IS_ENTERED & is_dated(until)
    weights: dict[str, ColumnElement[bool]] = {"posted": posted, "all": WHOLE}
    # Nothing is posted after the day: the sums until a later end are the same, and are not computed again.
    names = [f"posted{at}" if end < until else "posted" for at, end in enumerate(ends)]
    for at, end in enumerate(ends):
        weights[names[at]] = posted & is_dated(min(end, until))
        weights[f"dated{at}"] = or_(posted, is_dated(end))
    plain = PlainLines(connection, special, weights)
    billed = case((is_billed(day), 1), else_=0)
    group = [category_of(category).label("category"), charge_line.c.currency, billed.label("billed")]
    sums = (cast(func.sum(plain.amount(name)), BigInteger).label(name) for name in weights)
    days = [*(end.isoformat() for end in ends), date.max.isoformat()]
    found: list[DatedAmount] = []
    query = plain.select(*group, *sums).where(SOLD).group_by(*group)
    rows = stream_halves(connection, lambda half: query.where(*half))
    for value, currency, is_billed_by, *of_weights in added_up(rows, keys=3):
        of_row = dict(zip(weights, of_weights, strict=True))
        cumulative = {
            ACTUAL: [0, *(of_row[name] for name in names), of_row["posted"]],
            OPEN: [of_row["posted"], *(of_row[f"dated{at}"] for at in range(len(ends))), of_row["all"]],
        }
        amounts = [
            DatedAmount(value or "", currency, kind, on, bool(is_billed_by), after - before)
            for kind, until_each in cumulative.items()
            for on, (before, after) in zip(days, pairwise(until_each), strict=True)
            if after != before
        ]
        if not amounts:
            return None
        found += amounts
    return found


class PostedLines(NamedTuple):
    """What is in the ledger of a category until each of some days: the number of schedule lines, and minor units."""

    category: str
    currency: str
    lines: Sequence[int]
    amounts: Sequence[int]

    def plus(self, other: "PostedLines") -> "PostedLines":
        """Return the sums of both, with the category of the other one."""
        lines, amounts = (
            [sum(both) for both in zip(*of_days, strict=True)]
            for of_days in ((self.lines, other.lines), (self.amounts, other.amounts))
        )
        return other._replace(lines=lines, amounts=amounts)


def posted_until(
    connection: Connection, special: Sequence[int], by: str, ends: Sequence[date]
) -> Iterator[PostedLines]:
    """Yield what is in the ledger of the plain lines until each of the ``ends``, by the fields that ``by`` names."""
    plain = PlainLines(connection, special, {f"until{at}": IS_ENTERED & is_dated(end) for at, end in enumerate(ends)})
    group = [category_of(by).label("category"), charge_line.c.currency]
    each = [one(f"until{at}") for one in (plain.count, plain.amount) for at in range(len(ends))]
    query = plain.select(*group, *(cast(func.sum(one), BigInteger) for one in each)).where(SOLD).group_by(*group)
    for value, currency, *sums in added_up(stream_halves(connection, lambda half: query.where(*half)), keys=2):
        yield PostedLines(value or "", currency, sums[: len(ends)], sums[len(ends) :])


def recognized_between(posted: Iterable[PostedLines], ends: Sequence[date]) -> list[list[DatedAmount]] | None:
    """Return what is recognized in each time from one of the ``ends`` to the next, dated with its end.

    Return None if the amounts of a category cancel each other: then it depends on their own days whether to list it.
    """
    found: list[list[DatedAmount]] = [[] for _end in ends[1:]]
    for one in posted:
        for at, (before, after) in enumerate(pairwise(one.amounts)):
            if after != before:
                day = ends[at + 1].isoformat()
                found[at].append(DatedAmount(one.category, one.currency, ACTUAL, day, False, after - before))
            elif one.lines[at + 1] != one.lines[at]:
                return None
    return found


class EarnedAmounts(NamedTuple):
    """What the lines of an entity and currency earn until each of some days, in minor units."""

    entity: str
    currency: str
    amounts: Sequence[int]


def earned_by_entity(
    connection: Connection, ends: Sequence[date], special: Sequence[int], filters: Filters
) -> Iterator[EarnedAmounts]:
    """Yield what plain charge lines earn until each of some days, posted or not, without costs."""
    plain = PlainLines(connection, special, {f"until{at}": is_dated(end) for at, end in enumerate(ends)})
    group = (charge_line.c.entity, charge_line.c.currency)
    sums = (cast(func.sum(plain.amount(f"until{at}")), BigInteger) for at in range(len(ends)))
    query = plain.select(*group, *sums).where(SOLD, *of_charges(filters)).group_by(*group)
    for entity, currency, *amounts in added_up(stream_halves(connection, lambda half: query.where(*half)), keys=2):
        yield EarnedAmounts(entity, currency, amounts)


class AccountBalance(NamedTuple):
    """The balance of charge lines on a deferred account, in minor units, and how many lines have anything on it.

    ``of_billed`` is the part of the balance of lines that are billed, ``priced_later`` what events after the day add to
    the price of these.
    """

    account: str
    currency: str
    is_cost: bool
    lines: int
    balance: int
    of_billed: int
    priced_later: int = 0


def balances(connection: Connection, day: Day, special: Sequence[int], filters: Filters) -> Iterator[AccountBalance]:
    """Yield the balances on a day by deferred account and currency, of costs apart."""
    rows = stream_halves(connection, partial(_balances, connection, day, special, filters))
    for account, currency, is_cost, *amounts in added_up(rows, keys=3):
        yield AccountBalance(account, currency, bool(is_cost), *amounts)


def _balances(connection: Connection, day: Day, special: Sequence[int], filters: Filters, half: Half) -> Select[Any]:
    until = day[0].until
    plain = PlainLines(connection, special, {"posted": IS_ENTERED & is_dated(until), "planned": is_dated(until)})
    billed, known = is_billed(day), is_known(day)
    was_known = true() if known is None else known
    lines = plain.select(
        rule_version.c.deferred,
        charge_line.c.currency,
        case((SOLD, 0), else_=1).label("is_cost"),
        case((billed, 1), else_=0).label("is_billed"),
        case((billed, price_on(until)), else_=0).label("billed"),
        case((and_(billed, new_price.c.date > until.isoformat()), PRICE_MORE), else_=0).label("later"),
        *(case((was_known, plain.amount(name)), else_=0).label(name) for name in ("posted", "planned")),
    )
    # An offset keeps the databases from computing each amount again for every sum that it is in.
    line = lines.where(*charge_conditions(filters), *half).offset(0).subquery().c
    happened = or_(line.billed != 0, line.posted != 0, line.planned != 0)
    balance, group = line.billed - line.posted, (line.deferred, line.currency, line.is_cost)
    sums = (case((happened, 1), else_=0), balance, case((line.is_billed == 1, balance), else_=0), line.later)
    return select(*group, *(cast(func.sum(one), BigInteger) for one in sums)).group_by(*group)


def _from_opening(unit: Any, at: int) -> ColumnElement[int]:
    """Return the SQL of what a contract recognizes of its opening liability, which is used up before later bills."""
    opening, earned = unit[f"balance{at - 1}"], unit[f"earned{at}"] - unit[f"earned{at - 1}"]
    return case((opening <= 0, 0), (opening < earned, opening), else_=earned)
