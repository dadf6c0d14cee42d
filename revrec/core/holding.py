"""Holds: events that stop the recognition of a charge line, and release it again."""

from datetime import date, timedelta
from typing import NamedTuple

from dateutil.relativedelta import relativedelta

from revrec.core.anchors import Events
from revrec.core.calendar import add_months, month_end, roll
from revrec.core.charge_line import ChargeLine, event_command
from revrec.core.policies import RecognitionPolicies
from revrec.core.schedule import UNDATED, Schedule, SchedulePart, Unscheduled, split_undated


class _HoldPeriod(NamedTuple):
    """From ``begin`` on nothing is recognized, until ``end`` (not part of it) if it was released."""

    begin: date
    end: date | None
    note: str


def apply_holds(schedule: Schedule, line: ChargeLine, events: Events) -> Schedule:
    """The schedule as the ``hold`` and ``release`` events of its line leave it.

    A part that falls on the day of a hold or later waits, with the hold's note as the reason. Once released, by
    ``catch_up`` the parts that fell in the hold are recognized on the day of the release and the others as planned;
    by ``extend`` every part that had not fallen by the hold falls as much later as the hold was long. Raises
    OverflowError beyond the years 1 to 9999.
    """
    for hold in _holds(events):
        if hold.end is None:
            return _stop(schedule, line, hold)
        schedule = _resume(schedule, hold.begin, hold.end)
    return schedule


def _holds(events: Events) -> list[_HoldPeriod]:
    """The holds in order of date. On a line that is held a further hold says nothing new; so a release on one that
    is not."""
    found: list[_HoldPeriod] = []
    of_kind = [event for event in events if event.kind in ("hold", "release")]
    for event in sorted(of_kind, key=lambda event: event.date):
        open_hold = found[-1] if found and found[-1].end is None else None
        if event.kind == "hold" and not open_hold:
            found.append(_HoldPeriod(event.date, None, event.note or event.name))
        elif event.kind == "release" and open_hold:
            found[-1] = open_hold._replace(end=event.date)
    return found


def _stop(schedule: Schedule, line: ChargeLine, hold: _HoldPeriod) -> Schedule:
    stopped = tuple(part for part in schedule.parts if part.date >= hold.begin)
    if not stopped and not schedule.waiting:
        return schedule
    note = f" ({hold.note})" if hold.note else ""
    mend = event_command(line, "release", do="release it with")
    reason = f'rule "{schedule.rule.name}": held since {hold.begin}{note}: {mend}'
    if schedule.waits:
        reason += f"; also {schedule.waits.reason}"
    return schedule._replace(
        parts=tuple(part for part in schedule.parts if part.date < hold.begin),
        waiting=stopped + schedule.waiting,
        waits=Unscheduled("held", reason, schedule.rule),
    )


def _resume(schedule: Schedule, begin: date, end: date) -> Schedule:
    method = schedule.rule.method
    if method.on_release == "extend":
        moved = [_later(part, begin, end, method) for part in schedule.parts]
    else:
        on = roll(end, method.roll, method.calendar)
        if on == UNDATED:
            raise OverflowError("date value out of range")
        moved = [SchedulePart(on, part.amount) if begin <= part.date < on else part for part in schedule.parts]
    parts, _none = split_undated(moved)
    return schedule._replace(parts=parts, explanation=f"{schedule.explanation}; held from {begin} to {end}")


def _later(part: SchedulePart, begin: date, end: date, method: RecognitionPolicies) -> SchedulePart:
    """The part as much later as the hold was long, in months and days; the end of a month stays one."""
    if part.date < begin:
        return part
    length = relativedelta(end, begin)
    later = add_months(part.date, 12 * length.years + length.months)
    if part.date == month_end(part.date):
        later = month_end(later)
    return SchedulePart(roll(later + timedelta(days=length.days), method.roll, method.calendar), part.amount)
