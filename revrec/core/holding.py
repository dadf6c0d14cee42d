"""Apply ``hold`` and ``release`` events, which stop and resume the recognition of a charge line."""

from collections.abc import Callable, Collection, Sequence
from datetime import date, timedelta
from itertools import pairwise, zip_longest
from typing import NamedTuple

from dateutil.relativedelta import relativedelta

from revrec.core.anchors import Events
from revrec.core.calendar import add_months, month_end, roll
from revrec.core.charge_line import ChargeLine, FulfillmentEvent, event_command
from revrec.core.day_count import DAY
from revrec.core.policies import RecognitionPolicies
from revrec.core.schedule import UNDATED, RecordedPlan, Schedule, SchedulePart, ScheduleRule, Unscheduled, split_undated


class HoldPeriod(NamedTuple):
    """A time without recognition: from ``begin`` up to, but not including, ``end``; None if not released yet."""

    begin: date
    end: date | None
    note: str


def moving_holds(events: Events, method: RecognitionPolicies) -> list[HoldPeriod]:
    """Return the released holds that move what follows them, in date order."""
    return [hold for hold in _holds(events) if hold.end is not None] if method.on_release == "extend" else []


def day_in_plan(day: date, holds: Sequence[HoldPeriod]) -> date:
    """Return the day of the plan that holds moved by days to ``day``; within a hold, the last one before it."""
    moved = timedelta()
    for hold in holds:
        if hold.end is None or hold.begin > day:
            break
        if day < hold.end:
            return hold.begin - moved - DAY
        moved += hold.end - hold.begin
    return day - moved


def apply_holds(schedule: Schedule, line: ChargeLine, events: Events, applied: Collection[HoldPeriod] = ()) -> Schedule:
    """Return the schedule after the ``hold`` and ``release`` events of its line.

    A part that falls on the day of a hold or later waits, with the hold's note as the reason. After the release,
    ``catch_up`` recognizes the parts that fell during the hold on the day of the release and the others as planned;
    ``extend`` moves every part from the hold on by the length of the hold. What a migrated line catches up at the
    cutover stays there if the hold had ended by then: the service that it is for was rendered before. Holds that are
    ``applied`` are left out.

    Raises:
        OverflowError: a date is outside the years 1 to 9999.
    """
    for hold in _holds(events):
        if hold.end is None:
            return _stop(schedule, line, hold)
        if hold not in applied:
            schedule = resumed(schedule, hold.begin, hold.end)
    return schedule


def _holds(events: Events) -> list[HoldPeriod]:
    """Return the holds in date order. A second hold during a hold changes nothing, nor does a release without one."""
    # Events may be recorded in any order and twice, by people and by systems. Pairing them by date rather than by order
    # of recording keeps a late-recorded hold from swallowing a release that came after it.
    found: list[HoldPeriod] = []
    of_kind = [event for event in events if event.kind in ("hold", "release")]
    for event in sorted(of_kind, key=lambda event: event.date):
        open_hold = found[-1] if found and found[-1].end is None else None
        if event.kind == "hold" and not open_hold:
            found.append(HoldPeriod(event.date, None, event.note or event.name))
        elif event.kind == "release" and open_hold:
            found[-1] = open_hold._replace(end=event.date)
    return found


def stopped_after(line: ChargeLine, events: Events, day: date) -> Events:
    """Return the events with a hold from the next day on, which cuts a part for days of service after ``day``.

    What is recognized by the end of a day is exact then, also within a month.
    """
    if day == date.max:
        return events
    return [*events, FulfillmentEvent(line.id, "hold", day + DAY)]


def days_before_holds(
    method: RecognitionPolicies, events: Events, last: date, period_end: Callable[[date], date]
) -> tuple[set[date], bool]:
    """Return the days after which a plan must be cut for holds, and True if a hold moves what remains by its days.

    ``last`` is the last day of the plan, and ``period_end`` returns the end of the period of a day.

    Raises:
        OverflowError: a date is outside the years 1 to 9999.
    """
    holds = _holds(events)
    if method.on_release != "extend" or not method.counts_days or not any(hold.end for hold in holds):
        return {hold.begin - DAY for hold in holds}, False
    days: set[date] = set()
    moved = timedelta()
    for hold, following in zip_longest(holds, holds[1:]):
        # A later hold begins on a day that the earlier ones have moved: cut the plan where that day was before.
        day = hold.begin - moved
        days.add(day - DAY)
        moved += (hold.end or hold.begin) - hold.begin
        until = min(last, following.begin - moved - DAY) if following else last
        while day <= until:
            day = min(period_end(day + moved) - moved, until) + DAY
            days.add(day - DAY)
    return days, True


def _stop(schedule: Schedule, line: ChargeLine, hold: HoldPeriod) -> Schedule:
    stopped = tuple(part for part in schedule.parts if part.date >= hold.begin)
    if not stopped and not schedule.waiting:
        return schedule
    reason = reason_of_hold(schedule.rule, line, hold.begin, hold.note)
    if schedule.waits:
        reason += f"; also {schedule.waits.reason}"
    return schedule._replace(
        parts=tuple(part for part in schedule.parts if part.date < hold.begin),
        waiting=stopped + schedule.waiting,
        waits=Unscheduled("held", reason, schedule.rule),
    )


def reason_of_hold(rule: ScheduleRule, line: ChargeLine, begin: date, note: str) -> str:
    """Return why a line on hold waits, and how to release it."""
    noted = f" ({note})" if note else ""
    fix = event_command(line, "release", do="release it with")
    return f'rule "{rule.name}": on hold since {begin}{noted}: {fix}'


def resumed(schedule: Schedule, begin: date, end: date) -> Schedule:
    """Return a schedule whose parts a released hold has moved."""
    moving, stays = list(schedule.parts), schedule.caught_up
    if stays and end <= stays.date and stays in moving:
        moving.remove(stays)
    else:
        stays = None
    moved = moved_by_hold(moving, begin, end, schedule.rule.method)
    if stays:
        moved.insert(sum(part.date < stays.date for part in moved), stays)
    parts, _none = split_undated(moved)
    return schedule._replace(parts=parts, explanation=f"{schedule.explanation}; on hold from {begin} to {end}")


def moved_by_hold(
    parts: Sequence[SchedulePart], begin: date, end: date, method: RecognitionPolicies
) -> list[SchedulePart]:
    """Return parts as a hold that was released moves them."""
    if method.on_release == "extend":
        return [_later(part, begin, end, method) for part in parts]
    on = roll(end, method.roll, method.calendar)
    if on == UNDATED:
        raise OverflowError("date value out of range")
    return [SchedulePart(on, part.amount) if begin <= part.date < on else part for part in parts]


def released_hold(events: Events) -> tuple[date, date] | None:
    """Return the days of a hold and its release; None if the events are something else."""
    holds = _holds(events) if len(events) == 2 else []
    return (holds[0].begin, holds[0].end) if len(holds) == 1 and holds[0].end else None


def resumed_plan(plan: RecordedPlan, begin: date, end: date) -> RecordedPlan | None:
    """Return a shared plan after a hold that was released; None if only :func:`apply_holds` can move its parts."""
    if not plan.is_changeable:
        return None
    try:
        moved = moved_by_hold(list(map(SchedulePart, plan.dates, plan.weights)), begin, end, plan.rule.method)
    except OverflowError:
        return None
    if any(after.date < before.date for before, after in pairwise(moved)) or moved[-1].date == UNDATED:
        return None
    dates, weights = zip(*split_undated(moved)[0], strict=True)
    words = f"{plan.explanation}; on hold from {begin} to {end}"
    return plan._replace(dates=dates, weights=weights, explanation=words)


def _later(part: SchedulePart, begin: date, end: date, method: RecognitionPolicies) -> SchedulePart:
    """Move a part by the length of the hold: in days, or in months and days; a last day of a month stays one."""
    if part.date < begin or part.date == UNDATED:
        return part
    if method.counts_days:
        return SchedulePart(roll(part.date + (end - begin), method.roll, method.calendar), part.amount)
    length = relativedelta(end, begin)
    later = add_months(part.date, 12 * length.years + length.months)
    if part.date == month_end(part.date):
        later = month_end(later)
    return SchedulePart(roll(later + timedelta(days=length.days), method.roll, method.calendar), part.amount)
