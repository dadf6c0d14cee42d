"""The schedules of charge lines in force: what is posted, what is open, and what waits.

Most of them have no line on an entry. Their lines are divided from the plan here, as the view ``schedule_line`` divides
them; plans are shared, so each is read once.
"""

import json
from collections.abc import Collection, Mapping, Sequence
from datetime import date
from typing import NamedTuple

from sqlalchemy import Connection, select

from revrec.core.calendar import day_of
from revrec.core.schedule import PostingTarget
from revrec.store.bulk import rows_of
from revrec.store.number_lists import NUMBERS, json_of, numbers_in
from revrec.store.plans import DividedParts, SharedPlan, read_plans
from revrec.store.tables import (
    entered_line,
    historical_part,
    rule_version,
    same_version,
    schedule,
    schedule_line,
    schedule_plan,
    schedule_wait,
)

MOST_DATES_KEPT = 200_000
"""The bound of the cache of plans, so that memory stays flat however many plans there are."""

STOPPED = "stopped"
"""The code of an amount that waits because its contract cannot be allocated any more."""


class PostedBy(NamedTuple):
    """A schedule line, in minor units, and the id of the rule version that posts it."""

    date: date
    amount: int
    rule_version_id: int


class ScheduleInForce(NamedTuple):
    """The schedule of a charge line in force: the header of its newest version, and the valid lines of all versions.

    ``amount`` is its sum in minor units: the price in force. ``posts`` is the target of the rule
    version. ``posted`` lines are on journal entries that are or may be in the ledger; the historical parts of a
    migrated line are the first of them. ``open`` lines are on no entry, or on the entries ``refused``, of which Intacct
    certainly saved nothing. Lines are (date, amount), in order of date.
    ``waiting`` is (amount, reason) of the part that has no date yet; (0, "") without one. ``came_back`` means that an
    open line is of an older version: it was on an entry when the newest version was written, and may post to other
    accounts than ``posts``. ``plan`` is the whole plan of the newest version, with its posted and waiting parts; None
    if it is not known. ``is_stopped``: what waits was planned until its contract could not be allocated any more.
    ``posted_by`` and ``open_by`` are the lines with the rule versions that post them, if a line is on an entry: a part
    that takes back from several accounts is several lines there, and one in ``posted`` or ``open``.
    """

    version: int
    rule_version_id: int
    amount: int
    posts: PostingTarget
    posted: tuple[tuple[date, int], ...]
    open: Sequence[tuple[date, int]]
    refused: tuple[int, ...]
    waiting: tuple[int, str]
    came_back: bool
    plan: Sequence[tuple[date, int]] | None
    is_stopped: bool
    posted_by: tuple[PostedBy, ...] = ()
    open_by: tuple[PostedBy, ...] = ()

    @property
    def posted_amount(self) -> int:
        """Return the amount on the posted lines in minor units."""
        return sum(amount for _day, amount in self.posted)


class _Head(NamedTuple):
    """The newest version of a charge line's schedule, with what belongs to it."""

    charge_no: int
    version: int
    rule_version_id: int
    amount: int
    posted: int
    planned: int
    base: int | None
    amounts: str | None
    plan_id: int | None
    waiting: int | None
    reason: str | None
    code: str | None
    plan: str | None


_HEADS = (
    select(
        *(schedule.c[name] for name in _Head._fields[:9]),
        schedule_wait.c.amount,
        schedule_wait.c.reason,
        schedule_wait.c.code,
        schedule_plan.c.plan,
    )
    .outerjoin(schedule_wait, same_version(schedule_wait, schedule))
    .outerjoin(schedule_plan, same_version(schedule_plan, schedule))
    .where(schedule.c.superseded_by.is_(None), schedule.c.charge_no.in_(NUMBERS))
)


class _Line(NamedTuple):
    """A valid schedule line of any version, as a record: a Row is slower by name, and all lines are read."""

    version: int
    date: date
    amount: int
    entry_id: int | None
    rule_version_id: int

    @property
    def posted_by(self) -> PostedBy:
        """Return the line with the rule version that posts it."""
        return PostedBy(self.date, self.amount, self.rule_version_id)


class SchedulesInForce:
    """Reader of the schedules in force; it remembers the plans and the posting targets that it read."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._plans: dict[int, SharedPlan] = {}
        self._dates_kept = 0
        self._posts: dict[int, PostingTarget] = {}

    def of(self, numbers: Sequence[int], refused: Collection[int] = ()) -> dict[int, ScheduleInForce]:
        """Return the schedules in force of these charges; charges without one are left out.

        ``refused`` are the entries of which Intacct certainly saved nothing: their lines count as open.
        """
        if not numbers:
            return {}
        heads = list(map(_Head._make, rows_of(self._connection, _HEADS, numbers=json_of(tuple(numbers)))))
        if not heads:
            return {}
        self._read_posts({head.rule_version_id for head in heads})
        entered = self._entered(numbers)
        self._read_plans({one.plan_id for one in heads if one.plan_id is not None and one.charge_no not in entered})
        found_schedules = {
            head.charge_no: self._with_entries(head, entered[head.charge_no], refused)
            if head.charge_no in entered
            else self._without_entries(head)
            for head in heads
        }
        return found_schedules | self._with_history(found_schedules)

    def _with_history(self, found: Mapping[int, ScheduleInForce]) -> dict[int, ScheduleInForce]:
        """Return the schedules of migrated lines with their historical parts, which count as posted."""
        part = historical_part.c
        query = select(part.charge_no, part.date, part.amount, part.rule_version_id).order_by(part.charge_no, part.seq)
        past: dict[int, list[PostedBy]] = {}
        migrated = query.where(part.charge_no.in_(numbers_in(list(found))))
        for no, day, amount, rule in self._connection.execute(migrated):
            past.setdefault(no, []).append(PostedBy(day_of(day), amount, rule))
        return {no: _after_history(found[no], parts) for no, parts in past.items()}

    def _entered(self, numbers: Sequence[int]) -> dict[int, list[_Line]]:
        """Return the valid lines of the charges that have a line on an entry, or had one."""
        rows = select(entered_line.c.charge_no).where(entered_line.c.charge_no.in_(numbers_in(numbers))).distinct()
        entered = list(self._connection.execute(rows).scalars())
        if not entered:
            return {}
        line = schedule_line.c
        query = (
            select(line.charge_no, line.version, line.date, line.amount, line.entry_id, line.rule_version_id)
            .where(line.charge_no.in_(numbers_in(entered)), line.superseded_by.is_(None))
            .order_by(line.charge_no, line.date, line.seq)
        )
        lines: dict[int, list[_Line]] = {no: [] for no in entered}
        for no, version, day, amount, entry_id, rule in self._connection.execute(query).all():
            lines[no].append(_Line(version, day_of(day), amount, entry_id, rule))
        return lines

    def posts_of(self, rule_versions: Collection[int]) -> dict[int, PostingTarget]:
        """Return the targets of rule versions, by their ids."""
        self._read_posts(set(rule_versions))
        return {one: self._posts[one] for one in rule_versions}

    def _read_plans(self, ids: set[int]) -> None:
        wanted = [id for id in ids if id not in self._plans]
        if not wanted:
            return
        if self._dates_kept > MOST_DATES_KEPT:
            self._plans.clear()
            self._dates_kept = 0
            wanted = list(ids)
        found = read_plans(self._connection, wanted)
        self._dates_kept += sum(len(one.dates) for one in found.values())
        self._plans.update(found)

    def _read_posts(self, ids: set[int]) -> None:
        if self._posts.keys() >= ids:
            return
        posts = (rule_version.c[name] for name in PostingTarget._fields)
        query = select(rule_version.c.id, *posts).where(rule_version.c.id.in_(ids))
        self._posts |= {id: PostingTarget(*post) for id, *post in self._connection.execute(query)}

    def _without_entries(self, head: _Head) -> ScheduleInForce:
        still_open: Sequence[tuple[date, int]] = ()
        if head.plan_id is not None:
            still_open = DividedParts(self._plans[head.plan_id], head.planned, head.base, head.amounts)
        plan = _stored_plan(head)
        if plan is None and not (head.posted or head.waiting):
            plan = still_open
        return ScheduleInForce(
            head.version, head.rule_version_id, head.amount, self._posts[head.rule_version_id], (), still_open, (),
            (head.waiting or 0, head.reason or ""), False, plan, head.code == STOPPED,
        )  # fmt: skip

    def _with_entries(self, head: _Head, lines: Sequence[_Line], refused: Collection[int]) -> ScheduleInForce:
        posted: list[_Line] = []
        still_open: list[_Line] = []
        for line in lines:
            (still_open if line.entry_id is None or line.entry_id in refused else posted).append(line)
        came_back = any(line.version != head.version for line in still_open)
        gave_up = tuple(dict.fromkeys(one for line in lines if (one := line.entry_id) is not None and one in refused))
        plan = _stored_plan(head)
        if plan is None and not (head.posted or head.waiting):
            plan = tuple((line.date, line.amount) for line in lines if line.version == head.version)
        return ScheduleInForce(
            head.version, head.rule_version_id, head.amount, self._posts[head.rule_version_id], _parts(posted),
            _parts(still_open), gave_up, (head.waiting or 0, head.reason or ""), came_back, plan, head.code == STOPPED,
            tuple(line.posted_by for line in posted), tuple(line.posted_by for line in still_open),
        )  # fmt: skip


def _after_history(schedule: ScheduleInForce, past: Sequence[PostedBy]) -> ScheduleInForce:
    """Return the schedule of a migrated line with its historical parts as its first posted ones."""
    open_by = schedule.open_by or tuple(PostedBy(*part, schedule.rule_version_id) for part in schedule.open)
    return schedule._replace(
        posted=(*((one.date, one.amount) for one in past), *schedule.posted),
        posted_by=(*past, *schedule.posted_by),
        open_by=open_by,
    )


def _parts(lines: Sequence[_Line]) -> tuple[tuple[date, int], ...]:
    """Return the parts that lines are of: one for lines of a day that take it back from several accounts."""
    found: list[tuple[date, int]] = []
    before = None
    for line in lines:
        if before and (before.version, before.date) == (line.version, line.date) and _differ(before, line):
            found[-1] = (line.date, found[-1][1] + line.amount)
        else:
            found.append((line.date, line.amount))
        before = line
    return tuple(found)


def _differ(one: _Line, other: _Line) -> bool:
    """Check if two lines have one sign, and other rule versions that post them."""
    return (one.amount > 0) == (other.amount > 0) and one.rule_version_id != other.rule_version_id


def _stored_plan(head: _Head) -> Sequence[tuple[date, int]] | None:
    if head.plan is None:
        return None
    return tuple((day_of(day), amount) for day, amount in json.loads(head.plan))
