"""Recognition schedules: versions written once, lines that are open, taken by an entry, or superseded."""

import json
from collections.abc import Collection, Sequence
from datetime import date
from typing import Any, NamedTuple

from sqlalchemy import Connection, bindparam, delete, func, select, update

from revrec.store import digests
from revrec.store.database.bulk import insert_rows
from revrec.store.digests import RowDigest
from revrec.store.tables import (
    OPEN,
    price_change,
    rule_version,
    schedule,
    schedule_allocation,
    schedule_line,
    schedule_plan,
    schedule_wait,
    unscheduled,
)

HEADER = ("charge_no", "version", "rule_version_id", "amount", "posted", "lines", "explanation", "audit_seq")
LINE = ("charge_no", "version", "seq", "date", "amount")
PRICE = ("charge_no", "version", "amount", "reason")
ALLOCATED = ("charge_no", "version", "allocation_id", "amount")
WAIT = ("charge_no", "version", "amount", "code", "reason")
PLAN = ("charge_no", "version", "plan")
UNSCHEDULED = ("charge_no", "code", "reason", "rule", "audit_seq")
_OF_VERSION = (schedule_wait.c.charge_no == schedule.c.charge_no) & (schedule_wait.c.version == schedule.c.version)


class ScheduleInForce(NamedTuple):
    """The valid schedule of a charge line: its newest version's header, and its valid lines of all versions.

    ``amount`` is what it sums to: the price that was in force. ``posted`` lines are on journal entries that hold or
    may reach the ledger; ``open`` lines are on none, or on the entries ``refused``, by which Intacct saved nothing for
    certain.
    Lines are (date, amount in minor units), in order of date.
    ``plan`` is the whole plan of the newest version, posted and waiting parts too; None if it is not known.
    ``waiting`` is (amount, reason) of what waits of the newest version; (0, "") if nothing does.
    ``came_back`` tells that an open line is of an older version: it was on an entry when the newest was written, and
    may post elsewhere than ``posts``.
    """

    version: int
    rule_version_id: int
    amount: int
    posts: tuple[str, str, str, str]
    posted: tuple[tuple[date, int], ...]
    open: tuple[tuple[date, int], ...]
    refused: tuple[int, ...]
    waiting: tuple[int, str]
    came_back: bool
    plan: tuple[tuple[date, int], ...] | None


def add(
    connection: Connection,
    headers: Sequence[tuple[Any, ...]],
    lines: Sequence[tuple[Any, ...]],
    waits: Sequence[tuple[Any, ...]] = (),
    plans: Sequence[tuple[Any, ...]] = (),
    prices: Sequence[tuple[Any, ...]] = (),
    allocated: Sequence[tuple[Any, ...]] = (),
) -> list[RowDigest]:
    """Write schedule versions: lines, what waits, plans, changed prices and allocations first, then the headers, whose
    arrival seals and checks them.

    All in order of charge; a charge has one version among them. ``plans`` are made by :func:`plan_row`.
    """
    if not headers:
        return []
    insert_rows(connection, schedule_line, LINE, lines)
    insert_rows(connection, schedule_wait, WAIT, waits)
    insert_rows(connection, schedule_plan, PLAN, plans)
    insert_rows(connection, price_change, PRICE, prices)
    insert_rows(connection, schedule_allocation, ALLOCATED, allocated)
    insert_rows(connection, schedule, HEADER, headers)
    keys = digests.version_runs(header[:2] for header in headers)
    found = [digests.digest_rows(schedule, headers, keys), digests.digest_schedule_lines(keys, lines)]
    beside = ((schedule_wait, waits), (schedule_plan, plans), (price_change, prices), (schedule_allocation, allocated))
    for table, rows in beside:
        if rows:
            found.append(digests.digest_rows(table, rows, digests.version_runs(row[:2] for row in rows)))
    return found


def plan_row(no: int, version: int, parts: Sequence[tuple[date, int]]) -> tuple[int, int, str]:
    """The whole plan of a version that leaves out what was carried, as a row."""
    return no, version, json.dumps([(day.isoformat(), amount) for day, amount in parts], separators=(",", ":"))


def set_unscheduled(
    connection: Connection, rows: Sequence[tuple[Any, ...]], scheduled: Sequence[int] = ()
) -> list[RowDigest]:
    """Put charge lines on the worklist of the unscheduled, each with its present reason; take the others off it."""
    waiting = [row[0] for row in rows]
    listed = select(unscheduled.c.charge_no).where(unscheduled.c.charge_no.in_([*waiting, *scheduled]))
    off = list(connection.execute(listed).scalars())
    if off:
        connection.execute(
            delete(unscheduled).where(unscheduled.c.charge_no == bindparam("no")), [{"no": n} for n in off]
        )
    insert_rows(connection, unscheduled, UNSCHEDULED, rows)
    buckets = sorted({digests.bucket(no) for no in (*waiting, *off)})
    return [_worklist_digest(connection, bucket) for bucket in buckets]


def _worklist_digest(connection: Connection, bucket: tuple[Any, ...]) -> RowDigest:
    query = select(unscheduled).where(unscheduled.c.charge_no.between(*bucket)).order_by(unscheduled.c.charge_no)
    return digests.digest_rows(unscheduled, list(connection.execute(query)), [bucket])


def unscheduled_numbers(connection: Connection) -> list[int]:
    """The charge lines that have no schedule."""
    return list(connection.execute(select(unscheduled.c.charge_no)).scalars())


def supersede(connection: Connection, numbers: Sequence[tuple[int, int]]) -> list[RowDigest]:
    """Mark the open lines of charges as replaced: (charge number, the version that replaces them), in order."""
    again = [(no, by) for no, by in numbers if by > 1]
    if not again:
        return []
    connection.execute(
        update(schedule_line)
        .where(schedule_line.c.charge_no == bindparam("no"), OPEN)
        .values(superseded_by=bindparam("by")),
        [{"no": no, "by": by} for no, by in again],
    )
    return [_superseded_digest(connection, again)]


def _superseded_digest(connection: Connection, numbers: Sequence[tuple[int, int]]) -> RowDigest:
    line = schedule_line.c
    query = (
        select(line.charge_no, line.superseded_by, line.version, line.seq)
        .where(line.charge_no.in_([no for no, _by in numbers]), line.superseded_by.is_not(None))
        .order_by(line.charge_no, line.version, line.seq)
    )
    wanted = set(numbers)
    texts = [digests.row_text(tuple(row)) for row in connection.execute(query) if (row[0], row[1]) in wanted]
    return digests.digest_texts(digests.SUPERSEDED, digests.version_runs(numbers), texts)


def schedules_in_force(
    connection: Connection, numbers: Sequence[int], refused: Collection[int] = ()
) -> dict[int, ScheduleInForce]:
    """The valid schedules of these charges; those without one are left out.

    ``refused`` are the entries by which Intacct saved nothing for certain.
    """
    if not numbers:
        return {}
    heads = _heads(connection, numbers)
    lines = _lines(connection, numbers)
    return {no: _current(head, lines.get(no, []), refused) for no, head in heads.items()}


def _heads(connection: Connection, numbers: Sequence[int]) -> dict[int, Any]:
    newest = (
        select(schedule.c.charge_no, func.max(schedule.c.version).label("version"))
        .where(schedule.c.charge_no.in_(numbers))
        .group_by(schedule.c.charge_no)
        .subquery()
    )
    posts = (rule_version.c.deferred, rule_version.c.accrued, rule_version.c.journal, rule_version.c.memo)
    waits = (schedule_wait.c.amount.label("waiting"), schedule_wait.c.reason)
    kept = ("charge_no", "version", "rule_version_id", "amount", "posted")
    found = connection.execute(
        select(*(schedule.c[name] for name in kept), *posts, *waits, schedule_plan.c.plan)
        .join(newest, (newest.c.charge_no == schedule.c.charge_no) & (newest.c.version == schedule.c.version))
        .outerjoin(schedule_wait, _OF_VERSION)
        .outerjoin(
            schedule_plan,
            (schedule_plan.c.charge_no == schedule.c.charge_no) & (schedule_plan.c.version == schedule.c.version),
        )
        .join(rule_version, rule_version.c.id == schedule.c.rule_version_id)
    )
    return {row.charge_no: row for row in found}


def _lines(connection: Connection, numbers: Sequence[int]) -> dict[int, list[Any]]:
    lines: dict[int, list[Any]] = {}
    found = connection.execute(
        select(
            schedule_line.c.charge_no,
            schedule_line.c.version,
            schedule_line.c.date,
            schedule_line.c.amount,
            schedule_line.c.entry_id,
        )
        .where(schedule_line.c.charge_no.in_(numbers), schedule_line.c.superseded_by.is_(None))
        .order_by(schedule_line.c.charge_no, schedule_line.c.date, schedule_line.c.seq)
    )
    for row in found:
        lines.setdefault(row.charge_no, []).append(row)
    return lines


def _current(head: Any, lines: list[Any], refused: Collection[int]) -> ScheduleInForce:
    posted, still_open, came_back = [], [], False
    for line in lines:
        part = (date.fromisoformat(line.date), line.amount)
        if line.entry_id is None or line.entry_id in refused:
            still_open.append(part)
            came_back = came_back or line.version != head.version
        else:
            posted.append(part)
    posts = (head.deferred, head.accrued, head.journal, head.memo)
    gave_up = tuple(dict.fromkeys(line.entry_id for line in lines if line.entry_id in refused))
    waiting = (head.waiting or 0, head.reason or "")
    both = tuple(posted), tuple(still_open)
    return ScheduleInForce(
        head.version, head.rule_version_id, head.amount, posts, *both, gave_up, waiting, came_back, _plan(head, lines)
    )


def _plan(head: Any, lines: list[Any]) -> tuple[tuple[date, int], ...] | None:
    if head.plan is not None:
        return tuple((date.fromisoformat(day), amount) for day, amount in json.loads(head.plan))
    if head.posted or head.waiting:
        return None
    return tuple((date.fromisoformat(line.date), line.amount) for line in lines if line.version == head.version)
