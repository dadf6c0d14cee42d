"""Recognition schedules: versions written once, as an amount and a plan; their lines follow from both.

A line is open, on an entry, or superseded. Only lines that are or were on an entry have rows: see
``revrec.store.posting.entered_lines``.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from functools import partial
from operator import itemgetter
from typing import Any, NamedTuple

from sqlalchemy import Connection, Select, Table, delete, func, select, update

from revrec.core.batching import batched
from revrec.core.calendar import iso
from revrec.core.schedule import SETTLED, with_prices
from revrec.store import digests
from revrec.store.bulk import insert_rows, next_number
from revrec.store.digests import RowDigest
from revrec.store.number_lists import numbers_in
from revrec.store.plans import AMOUNTS, KeptPlan, PlanKeeper, SharedPlan, SplitAmount, plan_of_parts
from revrec.store.tables import (
    RELEASED,
    arrival_account,
    charge_void,
    entered_line,
    historical_part,
    past_unscheduled,
    price_change,
    revenue_status,
    rule_version,
    schedule,
    schedule_allocation,
    schedule_line,
    schedule_plan,
    schedule_wait,
    take_back_line,
    unscheduled,
)

WRITTEN = tuple(column.name for column in digests.covered_columns(schedule))
HEADER = (*WRITTEN, "open_from")
MOST_PRICES = 13
"""The most prices that the view ``schedule_words`` puts into a text; with more, the text is stored complete."""


class WaitingAmount(NamedTuple):
    """The part of a schedule version that has no date yet, in minor units, and why.

    ``code`` is waiting, held or stopped.
    """

    amount: int
    code: str
    reason: str


class SchedulePriceChange(NamedTuple):
    """The amount that a version earns more (or less) than the one before it, in minor units, and the reason.

    The reason has "%s becomes %s" for each change of the price if the version has ``prices``.
    """

    amount: int
    reason: str


class AllocatedDifference(NamedTuple):
    """The amount that a version earns more (or less) by an allocation, in minor units."""

    allocation_id: int
    amount: int


class ScheduleVersion(NamedTuple):
    """A schedule version to be written, with everything that belongs to it. Amounts are in minor units.

    ``amount`` is what the version sums to with ``posted``, the sum that earlier versions put on journal entries.
    ``parts`` are its lines as (date, amount), numbered from ``first_seq``: behind those that are posted. ``shares`` is
    the plan by which they were split, if there is one, or by which ``base`` was split before they changed. ``divided``
    is the plan that divides what is neither posted nor waits, if it is known; ``parts`` may be empty then. ``plan`` is
    the whole plan where something is posted; None if the lines are the plan.
    ``take_backs`` are the lines that another rule version posts, as (place in ``parts``, id of the rule version).
    ``historical`` are the parts before the cutover of a migrated line; only its first version has them. If there are
    ``prices``, the explanation has "%s becomes %s" for each change of the price: they are the prices before, between
    and after the changes, as decimal text, so that lines with other prices share the explanation.
    """

    charge_no: int
    version: int
    rule_version_id: int
    amount: int
    posted: int
    first_seq: int
    parts: Sequence[tuple[date, int]]
    explanation: str
    audit_seq: int
    waiting: WaitingAmount | None = None
    plan: Sequence[tuple[date, int]] | None = None
    price_change: SchedulePriceChange | None = None
    allocated: AllocatedDifference | None = None
    shares: SharedPlan | None = None
    base: SplitAmount | None = None
    divided: SharedPlan | None = None
    divides: int = 1
    take_backs: Sequence[tuple[int, int]] = ()
    historical: Sequence[tuple[date, int]] = ()
    prices: Sequence[str] = ()

    @property
    def key(self) -> tuple[int, int]:
        """The key of the version: charge number and version."""
        return self.charge_no, self.version


make_version: Callable[[tuple[Any, ...]], ScheduleVersion] = partial(tuple.__new__, ScheduleVersion)
"""Make a ScheduleVersion from all its values; four times as fast as calling the class, and an event writes one."""

make_price_change: Callable[[tuple[int, str]], SchedulePriceChange] = partial(tuple.__new__, SchedulePriceChange)


class VersionTerms(NamedTuple):
    """What schedule versions have in common if one plan divides their whole amounts under one rule version."""

    rule_version_id: int
    plan: KeptPlan
    explanation_id: int


class FirstVersions(NamedTuple):
    """First schedule versions, as columns: the numbers of the charge lines, their amounts, and their terms."""

    numbers: Sequence[int]
    amounts: Sequence[int]
    terms: Sequence[VersionTerms]


class UnscheduledLine(NamedTuple):
    """A row of the worklist: a charge line without a schedule, the reason, and the rule that matched, if one did.

    ``amount`` is its price in force, in minor units: what credits and new prices leave of the amount billed, less what
    was recognized before its cutover.
    """

    charge_no: int
    code: str
    reason: str
    rule: str | None
    amount: int
    audit_seq: int


def add(
    connection: Connection, versions: Sequence[ScheduleVersion], keeper: PlanKeeper | None = None
) -> list[RowDigest]:
    """Write schedule versions, at most one for each charge, in the order of the charges.

    The headers come last. A trigger checks the sum of a version when its header arrives and lets no row in afterwards:
    a header before what belongs to it would be refused, and a run that died between the two would leave half a
    schedule. ``keeper`` remembers the plans that the same transaction wrote before.
    """
    if not versions:
        return []
    keeper = keeper or PlanKeeper(connection)
    plans, lists = _plans_of(versions, keeper)
    kept, found = keeper.keep(plans)
    versions = [_in_words(one) if len(one.prices) > MOST_PRICES else one for one in versions]
    repriced = [(one.key, one.price_change) for one in versions if one.price_change]
    explanation_ids, explained = keeper.explanation_ids(
        [*(one.explanation for one in versions), *(change.reason for _key, change in repriced)]
    )
    keeper.forget()
    found += explained
    reasons = explanation_ids[len(versions) :]
    changes = [(*key, change.amount, reason) for (key, change), reason in zip(repriced, reasons, strict=True)]
    beside: tuple[tuple[Table, list[tuple[Any, ...]]], ...] = (
        (schedule_wait, [(*one.key, *one.waiting) for one in versions if one.waiting]),
        (schedule_plan, [(*one.key, _plan_text(one.plan)) for one in versions if one.plan is not None]),
        (price_change, changes),
        (schedule_allocation, [(*one.key, *one.allocated) for one in versions if one.allocated]),
        (take_back_line, [(*one.key, one.first_seq + at, rule) for one in versions for at, rule in one.take_backs]),
    )
    for table, rows in beside:
        insert_rows(connection, table, table.columns.keys(), rows)
    found += _add_history(connection, versions)
    headers = [
        _header(*one) for one in zip(versions, plans, lists, kept, explanation_ids[: len(versions)], strict=True)
    ]
    days = [plan.first_date if plan else None for plan in kept]
    insert_rows(connection, schedule, HEADER, [(*row, day) for row, day in zip(headers, days, strict=True)])
    keys = digests.version_runs((one.charge_no, one.version) for one in versions)
    found.append(digests.digest_rows(schedule, headers, keys))
    for table, rows in beside:
        if rows:
            its_versions = dict.fromkeys((row[0], row[1]) for row in rows)
            found.append(digests.digest_rows(table, rows, digests.version_runs(its_versions)))
    return found


def _in_words(one: ScheduleVersion) -> ScheduleVersion:
    """Return a version with complete texts."""
    change = one.price_change
    if change:
        change = change._replace(reason=with_prices(change.reason, one.prices))
    return one._replace(explanation=with_prices(one.explanation, one.prices), price_change=change, prices=())


def _plans_of(
    versions: Sequence[ScheduleVersion], keeper: PlanKeeper
) -> tuple[list[SharedPlan | None], list[str | None]]:
    """Return the plans of versions, and the amounts of those that list them.

    The amounts of a first version that no plan divides are a plan, because other lines often have the same ones. After
    changes they do not.
    """
    plans: list[SharedPlan | None] = []
    lists: list[str | None] = []
    for one in versions:
        plan, amounts = one.divided, None
        is_listed = one.version > 1 and one.divides > 2
        if plan is None and one.parts and not is_listed:
            plan = plan_of_parts(one.parts, one.shares, one.base)
            is_listed = plan.kind == AMOUNTS and one.version > 1
        if is_listed and one.parts:
            plan, amounts = keeper.listed_plan(one.parts, one.shares)
        plans.append(plan)
        lists.append(amounts)
    return plans, lists


def _add_history(connection: Connection, versions: Sequence[ScheduleVersion]) -> list[RowDigest]:
    """Write the historical parts of migrated charge lines with their first schedule versions."""
    rows = [
        (one.charge_no, seq, iso(day), amount, one.rule_version_id)
        for one in versions
        for seq, (day, amount) in enumerate(one.historical, 1)
    ]
    insert_rows(connection, historical_part, historical_part.columns.keys(), rows)
    keys = digests.key_runs(dict.fromkeys(row[0] for row in rows))
    return [digests.digest_rows(historical_part, rows, keys)] if rows else []


def add_divided(connection: Connection, new: Sequence[FirstVersions], audit_seq: int) -> list[RowDigest]:
    """Write the first versions of schedules whose plan divides the whole amount, in the order of the charges."""
    return [_add_divided(connection, one, audit_seq) for one in new]


def _add_divided(connection: Connection, new: FirstVersions, audit_seq: int) -> RowDigest:
    rules, plans, explanations = zip(*new.terms, strict=True)
    ids, parts, days = zip(*plans, strict=True)
    ones, zeros, seqs = ([value] * len(rules) for value in (1, 0, audit_seq))
    nulls = [None] * len(rules)
    amounts = new.amounts
    row = (new.numbers, ones, rules, amounts, zeros, amounts, nulls, nulls, ids, ones, parts, explanations, nulls, seqs)
    # In the order of the dates, so that neighbors in the index on them, which is larger than the processor caches, are
    # written together.
    insert_rows(connection, schedule, HEADER, sorted(zip(*row, days, strict=True), key=itemgetter(-1)))
    keys = digests.version_runs(zip(new.numbers, ones, strict=True))
    return digests.digest_texts(schedule.name, keys, digests.texts_of_columns(row))


def _header(
    one: ScheduleVersion, plan: SharedPlan | None, amounts: str | None, kept: KeptPlan | None, explanation_id: int
) -> tuple[int | str | None, ...]:
    """Return the row of ``schedule``. ``lines`` counts posted lines too, so that a line is 4 of 12 in any version."""
    waiting = one.waiting.amount if one.waiting else 0
    planned = one.amount - one.posted - waiting
    if one.divided is None and amounts is None:
        planned = sum(amount for _day, amount in one.parts)
    return (
        one.charge_no,
        one.version,
        one.rule_version_id,
        one.amount,
        one.posted,
        planned,
        one.base.amount if plan and plan.carried and one.base else None,
        amounts,
        kept.id if kept else None,
        one.first_seq,
        one.first_seq - 1 + (kept.parts if kept else 0),
        explanation_id,
        json_of_prices(one.prices) if one.prices else None,
        one.audit_seq,
    )


def json_of_prices(prices: Sequence[str]) -> str:
    """Return prices, which are digits with a sign and a point, as a JSON list."""
    return '["' + '","'.join(prices) + '"]'


def _plan_text(parts: Sequence[tuple[date, int]]) -> str:
    return json.dumps([(day.isoformat(), amount) for day, amount in parts], separators=(",", ":"))


def set_unscheduled(
    connection: Connection, rows: Sequence[UnscheduledLine], scheduled: Sequence[int], audit_seq: int
) -> list[RowDigest]:
    """Put charge lines on the worklist of unscheduled lines with their reasons; take ``scheduled`` ones off it.

    What leaves the worklist by the event ``audit_seq`` is kept, so that a report can show an earlier moment.
    """
    if not (rows or scheduled):
        return []
    waiting = [row.charge_no for row in rows]
    listed = unscheduled.c.charge_no.in_(numbers_in([*waiting, *scheduled]))
    left = connection.execute(select(unscheduled).where(listed).order_by(unscheduled.c.charge_no)).all()
    if left:
        connection.execute(delete(unscheduled).where(listed))
    insert_rows(connection, unscheduled, UnscheduledLine._fields, rows)
    buckets = sorted({digests.bucket(no) for no in (*waiting, *(row.charge_no for row in left))})
    found = [_worklist_digest(connection, bucket) for bucket in buckets]
    return [*found, _keep_past(connection, left, audit_seq)] if left else found


def _keep_past(connection: Connection, left: Sequence[Any], audit_seq: int) -> RowDigest:
    first = next_number(connection, past_unscheduled.c.id)
    rows = [(number, *row, audit_seq) for number, row in enumerate(left, first)]
    insert_rows(connection, past_unscheduled, past_unscheduled.columns.keys(), rows)
    return digests.digest_rows(past_unscheduled, rows)


def _worklist_digest(connection: Connection, bucket: tuple[Any, ...]) -> RowDigest:
    query = select(unscheduled).where(unscheduled.c.charge_no.between(*bucket)).order_by(unscheduled.c.charge_no)
    return digests.digest_rows(unscheduled, list(connection.execute(query)), [bucket])


def keep_arrival_accounts(connection: Connection, accounts: Mapping[int, str], audit_seq: int) -> list[RowDigest]:
    """Store the deferred accounts of charge lines that arrive without a schedule; those known from before stay."""
    known = select(arrival_account.c.charge_no).where(arrival_account.c.charge_no.in_(numbers_in(list(accounts))))
    before = set(connection.execute(known).scalars()) if accounts else set()
    rows = [(no, account, audit_seq) for no, account in sorted(accounts.items()) if no not in before]
    insert_rows(connection, arrival_account, arrival_account.columns.keys(), rows)
    return [digests.digest_rows(arrival_account, rows)] if rows else []


def keep_revenue_status(connection: Connection, statuses: Mapping[int, bool], audit_seq: int) -> list[RowDigest]:
    """Store which charge lines are revenue from now on, and which are not; those that stay as they were have no row."""
    if not statuses:
        return []
    known = select(revenue_status.c.charge_no, revenue_status.c.is_revenue).order_by(revenue_status.c.audit_seq)
    of_lines = known.where(revenue_status.c.charge_no.in_(numbers_in(list(statuses))))
    before = dict(tuple(row) for row in connection.execute(of_lines))
    rows = [(no, audit_seq, int(status)) for no, status in sorted(statuses.items()) if status != before.get(no, True)]
    insert_rows(connection, revenue_status, revenue_status.columns.keys(), rows)
    # A line has a row for each change, so its number alone is no key.
    keys = digests.version_runs((no, seq) for no, seq, _status in rows)
    return [digests.digest_rows(revenue_status, rows, keys)] if rows else []


def unscheduled_numbers(connection: Connection) -> list[int]:
    """Return the numbers of the charge lines that have no schedule and are not void."""
    return list(connection.execute(_without_schedule()).scalars())


def count_unscheduled(connection: Connection) -> int:
    """Count the charge lines without a schedule that a person or an event must settle."""
    counted = _without_schedule().where(unscheduled.c.code.not_in(SETTLED)).subquery()
    return int(connection.execute(select(func.count()).select_from(counted)).scalar_one())


def has_unscheduled(connection: Connection) -> bool:
    """Check whether a charge line that is not void has no schedule."""
    return connection.execute(_without_schedule().limit(1)).first() is not None


def _without_schedule() -> Select[Any]:
    return select(unscheduled.c.charge_no).where(unscheduled.c.charge_no.not_in(select(charge_void.c.charge_no)))


def supersede(connection: Connection, numbers: Sequence[tuple[int, int]]) -> list[RowDigest]:
    """Mark the open lines of charges as superseded: (charge number, the version that supersedes them), in order.

    The version before is superseded as a whole. Lines that an entry released are marked one by one: they may be of any
    version.
    """
    again = [(no, by) for no, by in numbers if by > 1]
    if not again:
        return []
    charges = [no for no, _by in again]
    were_entered = select(entered_line.c.charge_no).where(entered_line.c.charge_no.in_(numbers_in(charges))).limit(1)
    have_rows = connection.execute(were_entered).first() is not None
    if have_rows:
        # By their charges, not one by one, which would take several times as long.
        newest = select(func.max(schedule.c.version)).where(schedule.c.charge_no == entered_line.c.charge_no)
        released = entered_line.c.charge_no.in_(numbers_in(charges)) & RELEASED
        connection.execute(update(entered_line).where(released).values(superseded_by=newest.scalar_subquery() + 1))
    before = schedule.c.charge_no.in_(numbers_in(charges)) & schedule.c.superseded_by.is_(None)
    connection.execute(update(schedule).where(before).values(superseded_by=schedule.c.version + 1, open_from=None))
    if not have_rows:
        return [digests.digest_texts(digests.SUPERSEDED, digests.version_runs(again), [])]
    return [_superseded_digest(connection, again)]


def _superseded_digest(connection: Connection, numbers: Sequence[tuple[int, int]]) -> RowDigest:
    line = entered_line.c
    query = (
        select(line.charge_no, line.superseded_by, line.version, line.seq)
        .where(line.charge_no.in_(numbers_in([no for no, _by in numbers])), line.superseded_by.is_not(None))
        .order_by(line.charge_no, line.version, line.seq)
    )
    wanted = set(numbers)
    texts = [digests.row_text(tuple(row)) for row in connection.execute(query) if (row[0], row[1]) in wanted]
    return digests.digest_texts(digests.SUPERSEDED, digests.version_runs(numbers), texts)


def rule_versions_in_force(connection: Connection, numbers: Sequence[int]) -> dict[int, int]:
    """Return the id of the rule version of each of these charge lines that has a schedule."""
    query = select(schedule.c.charge_no, schedule.c.rule_version_id).where(
        schedule.c.charge_no.in_(numbers_in(numbers)), schedule.c.superseded_by.is_(None)
    )
    return {no: int(version) for no, version in connection.execute(query)} if numbers else {}


def deferred_accounts(connection: Connection, numbers: Sequence[int]) -> dict[int, str]:
    """Return the deferred account that the schedule in force of each of these charge lines names, if it has one."""
    query = (
        select(schedule.c.charge_no, rule_version.c.deferred)
        .join(rule_version, rule_version.c.id == schedule.c.rule_version_id)
        .where(schedule.c.charge_no.in_(numbers), schedule.c.superseded_by.is_(None))
    )
    return {row.charge_no: row.deferred for row in connection.execute(query)}


def newer_versions_dated(connection: Connection, versions: Mapping[int, int], day: date) -> set[int]:
    """Return the charges whose schedule in force is newer than the given version and has a line on a day."""
    found: set[int] = set()
    line = schedule_line.c
    for numbers in batched(list(versions), 500):
        query = select(line.charge_no, line.version).where(
            line.charge_no.in_(numbers_in(numbers)), line.date == iso(day), line.superseded_by.is_(None)
        )
        found.update(number for number, version in connection.execute(query) if version > versions[number])
    return found
