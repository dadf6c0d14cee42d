"""Time zones by their IANA names, and the day that a time has in one.

A time near midnight has another day, and at the end of a month another period, in another time zone. The sender's mark
(``Z``, ``-05:00``) says when something happened; which day that is depends on the zone of the books.
"""

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from functools import cache
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo, available_timezones

from revrec.core.keys import RejectedValue, ValueKind, suggestion
from revrec.sources.problems import InvalidValue

_EASTERNMOST, _WESTERNMOST = timezone(timedelta(hours=14)), timezone(timedelta(hours=-12))
_HOUR = timedelta(hours=1)
_SHOWN = 4
_MOST_TIMES = 10_000
"""Most times near the end of a month that are remembered. They are for a warning, which needs only some of them."""


@cache
def time_zone(name: str) -> tzinfo:
    """Return the time zone with an IANA name such as ``America/New_York``.

    Raises:
        ValueError: there is no such zone; the message suggests one, or says that the system has no time zones.
    """
    if name == "UTC":
        return UTC
    known = available_timezones()
    if name in known:
        return ZoneInfo(name)
    if not known:
        raise ValueError("this system has no time zone database; install the Python package tzdata")
    raise ValueError(_suggested(name, known))


def _suggested(name: str, known: Iterable[str]) -> str:
    """Return a hint: the zone of a city that was written without its continent, or the one with the nearest name."""
    city = name.casefold().replace(" ", "_").rpartition("/")[2]
    zones = sorted(zone for zone in known if zone.casefold().rpartition("/")[2] == city)
    if zones:
        return f'did you mean "{zones[0]}"?'
    return suggestion(name, sorted(known)).strip() or 'write it as "Continent/City"'


def _zone_name(value: Any) -> str:
    if not isinstance(value, str):
        raise RejectedValue()
    try:
        time_zone(value)
    except ValueError as error:
        raise RejectedValue(str(error)) from None
    return value


ZONE_NAME = ValueKind(
    'the IANA name of a time zone, such as "America/New_York" or "UTC"', _zone_name, {"type": "string"}
)
"""The kind of a configuration key that names a time zone."""


class WrittenTime(NamedTuple):
    """A date as a source wrote it: its time of day, and the UTC offset if it has one.

    ``moment`` is naive without a mark, and None for a date without a time.
    """

    day: date
    moment: datetime | None = None


class DayFinder:
    """The day of a written time: in ``timezone`` if it is set, otherwise as written.

    Times without a mark are in ``times_in``, or else in ``timezone`` already. ``doubts`` collects what a warning needs
    to know of times whose day was not decided by a time zone.
    """

    def __init__(self, timezone: str = "", times_in: str = "") -> None:
        self._zone = time_zone(timezone) if timezone else None
        self._written_in = time_zone(times_in) if times_in else None
        self._name = times_in
        self.doubts = ZoneDoubts()

    def converts(self, written: WrittenTime) -> bool:
        """Return True if the day of this time is found by converting it to the time zone."""
        return self._zone is not None and bool(self._moments(written))

    def day(self, written: WrittenTime) -> date:
        """Return the day.

        Raises:
            InvalidValue: a change of the clock repeats or skips the time, and it could be on either of two days.
        """
        moments = self._moments(written)
        if self._zone is None:
            self.doubts.note(moments)
            return written.day
        days = sorted({moment.astimezone(self._zone).date() for moment in moments})
        if len(days) > 1:
            reason = f"is a time that the change of the clock in {self._name} repeats or skips: {days[0]} or {days[1]}"
            raise InvalidValue(reason, "write it with its UTC offset, such as 2024-03-28T01:30:00-04:00")
        return days[0] if days else written.day

    def _moments(self, written: WrittenTime) -> list[datetime]:
        """Return when it was: two moments for a time that a change of the clock repeats, none if it is not known."""
        moment = written.moment
        if moment is None:
            return []
        if moment.tzinfo is not None:
            return [moment]
        if self._written_in is None:
            return []
        return [moment.replace(tzinfo=self._written_in, fold=fold) for fold in (0, 1)]


class ZoneDoubts:
    """The UTC offsets of a file's times, and the times whose month depends on the time zone."""

    def __init__(self) -> None:
        self.offsets: set[timedelta] = set()
        self._near_month_end: set[datetime] = set()

    def note(self, moments: Iterable[datetime]) -> None:
        """Note a time whose day is used as written."""
        for moment in moments:
            self.offsets.add(moment.utcoffset() or timedelta())
            if len(self._near_month_end) < _MOST_TIMES and _months(moment, _WESTERNMOST, _EASTERNMOST) > 1:
                self._near_month_end.add(moment)

    def warning(self) -> str:
        """Return what a person should check; empty if the days are safe.

        Offsets an hour apart are the two of one zone with daylight saving time, and only matter if the month of a time
        depends on them.
        """
        if not self.offsets:
            return ""
        least, most = min(self.offsets), max(self.offsets)
        fix = 'their days are as written; set timezone = "America/New_York" (or yours) in the mapping or the source'
        doubtful = sorted(
            moment for moment in self._near_month_end if _months(moment, timezone(least), timezone(most)) > 1
        )
        if most - least > _HOUR or doubtful:
            example = f"; {_isoformat(doubtful[0])} could be in either of two months" if doubtful else ""
            return f"times have different UTC offsets ({offsets_shown(self.offsets)}){example}; {fix}"
        if most == least == timedelta() and self._near_month_end:
            first, count = _isoformat(min(self._near_month_end)), len(self._near_month_end)
            what = f"1 time in UTC ({first}) is" if count == 1 else f"{count:,} times in UTC, such as {first}, are"
            return f"{what} near the end of a month, and in another month in some time zones; {fix}"
        return ""


def _months(moment: datetime, *zones: tzinfo) -> int:
    """Return in how many different months a moment is in these zones."""
    return len({(local.year, local.month) for local in (moment.astimezone(zone) for zone in zones)})


def offsets_shown(offsets: Iterable[timedelta]) -> str:
    """Return some UTC offsets for people: ``-05:00, Z``."""
    return ", ".join(_isoformat(datetime(2000, 1, 1, tzinfo=timezone(one)))[19:] for one in sorted(offsets)[:_SHOWN])


def _isoformat(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")
