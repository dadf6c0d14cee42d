"""Parse dates: ISO 8601 always, and one other format if the mapping declares it. Day and month are never guessed."""

import re
from calendar import isleap, monthrange
from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta, timezone

from revrec.sources.problems import InvalidValue
from revrec.sources.time_zones import DayFinder, WrittenTime

YEARS = range(1900, 2200)
"""Years that a date may have. Anything else is a typing mistake and is rejected."""

_SECONDS = r"(?::(?P<S>[0-5]\d)(?:[.,](?P<f>\d{1,9}))?)?"
_MARK = r"(?: ?(?P<z>Z|UTC|GMT|[+-](?:0\d|1[0-4])(?::?[0-5]\d)?))?"
"""The UTC offset of a time."""

_ISO = re.compile(
    rf"(?P<Y>\d{{4}})-(?P<m>\d\d)-(?P<d>\d\d)(?:[T ](?P<H>[01]\d|2[0-3]):(?P<M>[0-5]\d){_SECONDS}{_MARK})?", re.ASCII
)
_ISO_BASIC = re.compile(
    rf"(?P<Y>\d{{4}})(?P<m>\d\d)(?P<d>\d\d)(?:T(?P<H>[01]\d|2[0-3])(?P<M>[0-5]\d)(?P<S>[0-5]\d)?{_MARK})?", re.ASCII
)
_CLOCK = re.compile(rf",? +(?P<H>[01]?\d|2[0-3]):(?P<M>[0-5]\d){_SECONDS}(?: ?(?P<p>[AaPp][Mm]))?{_MARK}$", re.ASCII)
"""A time after a date whose format has none: 28-Mar-2024 14:22, or 3/28/2024 2:22 PM."""

UNIX, UNIX_MS = "unix", "unix_ms"
"""Values of ``date_format``: seconds, or milliseconds, since 1970-01-01T00:00:00Z."""

_UNIX = {UNIX: re.compile(r"\d{9,10}(?:\.\d{1,9})?", re.ASCII), UNIX_MS: re.compile(r"\d{12,13}", re.ASCII)}
"""Times from 1973 (seconds) or 2001 (milliseconds) to 2286. Shorter numbers can be dates such as 20240328."""

_LOOKS_NUMERIC = re.compile(r"(\d{1,2})[./ -](\d{1,2})[./ -](\d{4})", re.ASCII)

# Month names are English whatever the machine's locale, which must not change what a file means.
_MONTHS = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
]
_DIRECTIVES = {
    "a": "[A-Za-z]{3}",
    "Y": r"(?P<Y>\d{4})",
    "y": r"(?P<y>\d\d)",
    "m": r"(?P<m>\d{1,2})",
    "d": r"(?P<d>\d{1,2})",
    "b": r"(?P<b>[A-Za-z]{3})\.?",
    "B": r"(?P<b>[A-Za-z]{3,9})",
    "H": r"(?P<H>[01]?\d|2[0-3])",
    "I": r"(?P<H>0?[1-9]|1[0-2])",
    "M": r"(?P<M>[0-5]\d)",
    "S": r"(?P<S>[0-5]\d)",
    "f": r"(?P<f>\d{1,9})",
    "p": r"(?P<p>[AaPp][Mm])",
    "z": r"(?P<z>Z|UTC|GMT|[+-](?:0\d|1[0-4])(?::?[0-5]\d)?)",
}
_NEEDS = {"M": "HI", "S": "M", "f": "S", "p": "I", "z": "HI", "I": "p"}
"""Directives that mean nothing without one of others."""


_UNKNOWN_ORDER, _NOT_ISO = "the order of day and month is never guessed", "is not an ISO date"
_NOR_ISO = "nor an ISO date"


def is_about_notation(reason: str) -> bool:
    """Return True if the reason of a problem is that a date is written in a way that the mapping does not read."""
    return reason in (_UNKNOWN_ORDER, _NOT_ISO) or reason.endswith(_NOR_ISO)


def compile_format(date_format: str) -> re.Pattern[str]:
    """Compile a declared format such as ``%d/%m/%Y`` or ``%Y-%m-%dT%H:%M:%S%z`` to a pattern.

    Supported: ``%Y`` (2024), ``%y`` (24 = 2024), ``%m`` and ``%d`` (with or without leading zero), ``%b`` (Mar), ``%B``
    (March), ``%a`` (Thu, which is not checked); of times ``%H`` or ``%I`` with ``%p``, ``%M``, ``%S``, ``%f`` and
    ``%z``; also :data:`UNIX` and :data:`UNIX_MS` instead of all.

    Raises:
        ValueError: the format does not name year, month and day exactly once each, or a part of a time without the
            part before it.
    """
    if date_format in _UNIX:
        return _UNIX[date_format]
    parts = re.split(r"%(.)", date_format)
    literals, directives = parts[::2], parts[1::2]
    for directive in directives:
        if directive not in _DIRECTIVES:
            raise ValueError(
                f"%{directive} is not known; use %Y or %y, %m or %b or %B, %d, %a, and %H, %I, %M, %S, %f, %p, %z for "
                "times"
            )
    dates = ["Y" if d in "Yy" else "m" if d in "mbB" else d for d in directives if d in "YymbBd"]
    if sorted(dates) != ["Y", "d", "m"]:
        raise ValueError("it must name year, month and day once each, such as %d/%m/%Y")
    times = ["H" if d in "HI" else d for d in directives if d in "HIMSfpz"]
    if len(set(times)) < len(times):
        raise ValueError("it must name each part of the time once, such as %H:%M:%S")
    for directive, needed in _NEEDS.items():
        if directive in directives and not any(one in directives for one in needed):
            raise ValueError(f"%{directive} needs {' or '.join(f'%{one}' for one in needed)}")
    pattern = re.escape(literals[0])
    for directive, literal in zip(directives, literals[1:], strict=True):
        pattern += _DIRECTIVES[directive] + re.escape(literal)
    return re.compile(pattern, re.ASCII)


class DateReader:
    """The reader of the dates of a file: ISO 8601, and the format that its mapping declares.

    ``days`` finds the day of a time, by the time zone of the mapping.
    """

    def __init__(self, date_format: str | None = None, days: DayFinder | None = None) -> None:
        self._format = date_format
        self._declared = compile_format(date_format) if date_format else None
        self._has_time = self._declared is not None and "H" in self._declared.groupindex
        self.days = days or DayFinder()

    def __call__(self, text: str) -> date | None:
        """Return the day; None for empty text.

        Raises:
            InvalidValue: the text is not a date in these formats, or its day is not certain.
        """
        text = text.strip()
        return self.days.day(self._written(text)) if text else None

    def converts(self, text: str) -> bool:
        """Return True if the day of this text is found by converting its time to a time zone."""
        try:
            return bool(text.strip()) and self.days.converts(self._written(text.strip()))
        except InvalidValue:
            return False

    def _written(self, text: str) -> WrittenTime:
        if self._format in _UNIX and self._declared and self._declared.fullmatch(text):
            return _unix_time(text, self._format)
        parts = self._declared_parts(text)
        if parts is None:
            found = _ISO.fullmatch(text) or _ISO_BASIC.fullmatch(text)
            if not found:
                raise _unreadable(text, self._format)
            parts = found.groupdict()
        return _time(_date(parts), parts)

    def _declared_parts(self, text: str) -> dict[str, str | None] | None:
        """Return the parts of a text in the declared format, with the time after it if the format has none."""
        if self._declared is None:
            return None
        clock = None if self._has_time else _CLOCK.search(text)
        found = self._declared.fullmatch(text[: clock.start()] if clock else text)
        return {**found.groupdict(), **(clock.groupdict() if clock else {})} if found else None


def date_reader(date_format: str | None, timezone: str = "", times_in: str = "") -> DateReader:
    """Return the reader of dates in a format; the day of a time is the one in ``timezone``, or as written."""
    return DateReader(date_format, DayFinder(timezone, times_in))


def _unix_time(text: str, date_format: str) -> WrittenTime:
    seconds, _point, fraction = text.partition(".")
    thousandths = int(seconds) if date_format == UNIX_MS else int(seconds) * 1000 + int(f"{fraction}000"[:3])
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=thousandths)
    return WrittenTime(moment.date(), moment)


def _time(day: date, parts: Mapping[str, str | None]) -> WrittenTime:
    """Return the date with the time of day in ``parts``, if there is one."""
    hour_text = parts.get("H")
    if not hour_text:
        return WrittenTime(day)
    hour, half = int(hour_text), (parts.get("p") or "").upper()
    if half:
        if not 1 <= hour <= 12:
            raise InvalidValue(f"there is no {hour} {half}", "write the hour from 1 to 12, or leave AM and PM out")
        hour = hour % 12 + (12 if half == "PM" else 0)
    micro = int(f"{parts.get('f') or ''}000000"[:6])
    clock = time(hour, int(parts.get("M") or 0), int(parts.get("S") or 0), micro, _offset(parts.get("z")))
    return WrittenTime(day, datetime.combine(day, clock))


def _offset(mark: str | None) -> timezone | None:
    """Return the UTC offset of a mark such as ``Z``, ``-05:00`` or ``+0530``; None without a mark."""
    if not mark:
        return None
    digits = mark[1:].replace(":", "")
    if not digits.isdecimal():
        return UTC
    offset = timedelta(hours=int(digits[:2]), minutes=int(digits[2:] or 0))
    return timezone(-offset if mark[0] == "-" else offset)


def _date(parts: Mapping[str, str | None]) -> date:
    year = int(parts["Y"] or 0) if "Y" in parts else 2000 + int(parts["y"] or 0)
    month = int(parts["m"] or 0) if "m" in parts else _month_number(parts["b"] or "")
    day = int(parts["d"] or 0)
    if year not in YEARS:
        raise InvalidValue(f"the year {year} is outside {YEARS.start} to {YEARS.stop - 1}", "correct the year")
    if not 1 <= month <= 12:
        raise InvalidValue(f"there is no month {month}", "write it as year-month-day, such as 2024-03-28")
    last = monthrange(year, month)[1]
    if not 1 <= day <= last:
        raise _no_such_day(year, month, day, last)
    return date(year, month, day)


def _month_number(name: str) -> int:
    for number, full in enumerate(_MONTHS, start=1):
        if name.lower() in (full, full[:3]):
            return number
    raise InvalidValue(f'"{name}" is not a month', "write the month in English or as a number")


def _no_such_day(year: int, month: int, day: int, last: int) -> InvalidValue:
    why = f"{_MONTHS[month - 1].capitalize()} {year} has {last} days"
    if (month, day) == (2, 29) and not isleap(year):
        why = f"{year} is not a leap year, February has 28 days"
    after = date(year + month // 12, month % 12 + 1, 1)
    return InvalidValue(why, f"write it as {date(year, month, last)} or {after}")


def _unreadable(text: str, date_format: str | None) -> InvalidValue:
    """Explain why a date cannot be read, listing each date that it could mean, so that a person decides."""
    if date_format:
        other = next((one for one, form in _UNIX.items() if one != date_format and form.fullmatch(text)), "")
        fix = f'set date_format = "{other}"' if other and date_format in _UNIX else "write it as 2024-03-28"
        return InvalidValue(f"is neither {date_format} {_NOR_ISO}", fix)
    numeric = _LOOKS_NUMERIC.fullmatch(text)
    if not numeric:
        return InvalidValue(_NOT_ISO, "write it as 2024-03-28, or set date_format in the mapping")
    first, second, year = (int(part) for part in numeric.groups())
    readings = [(month, day) for month, day in ((second, first), (first, second)) if 1 <= month <= 12 and day <= 31]
    written = " or ".join(dict.fromkeys(f"{year}-{month:02d}-{day:02d}" for month, day in readings))
    form = "%m/%d/%Y" if readings == [(first, second)] else "%d/%m/%Y"
    return InvalidValue(
        _UNKNOWN_ORDER,
        f'write it as {written or "2024-03-28"}, or set date_format = "{form}" in the mapping',
    )
