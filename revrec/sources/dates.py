"""Parse dates: ISO 8601 always, and one other format if the mapping declares it. Day and month are never guessed."""

import re
from calendar import isleap, monthrange
from collections.abc import Callable
from datetime import date

from revrec.sources.problems import InvalidValue

YEARS = range(1900, 2200)
"""Years that a date may have. Anything else is a typing mistake and is rejected."""

_TIME = r"(?:[T ](?:[01]\d|2[0-3]):[0-5]\d(?::[0-5]\d(?:[.,]\d{1,9})?)?(?: ?Z| ?[+-]\d\d:?\d\d)?)?"
_ISO = re.compile(rf"(?P<Y>\d{{4}})-(?P<m>\d\d)-(?P<d>\d\d){_TIME}", re.ASCII)
_ISO_BASIC = re.compile(r"(?P<Y>\d{4})(?P<m>\d\d)(?P<d>\d\d)", re.ASCII)
_CLOCK = re.compile(
    r",? +(?:[01]?\d|2[0-3]):[0-5]\d(?::[0-5]\d(?:[.,]\d{1,9})?)?(?: ?[AaPp][Mm])?(?: ?(?:Z|UTC|[+-]\d\d:?\d\d))?$",
    re.ASCII,
)
"""A time after a date, which is left out: 28-Mar-2024 14:22, or 3/28/2024 2:22 PM."""

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
    "Y": r"(?P<Y>\d{4})",
    "y": r"(?P<y>\d\d)",
    "m": r"(?P<m>\d{1,2})",
    "d": r"(?P<d>\d{1,2})",
    "b": r"(?P<b>[A-Za-z]{3})\.?",
    "B": r"(?P<b>[A-Za-z]{3,9})",
}


_UNKNOWN_ORDER, _NOT_ISO = "the order of day and month is never guessed", "is not an ISO date"
_NOR_ISO = "nor an ISO date"


def is_about_notation(reason: str) -> bool:
    """Return True if the reason of a problem is that a date is written in a way that the mapping does not read."""
    return reason in (_UNKNOWN_ORDER, _NOT_ISO) or reason.endswith(_NOR_ISO)


def compile_format(date_format: str) -> re.Pattern[str]:
    """Compile a declared format such as ``%d/%m/%Y`` to a pattern.

    Supported: ``%Y`` (2024), ``%y`` (24 = 2024), ``%m`` and ``%d`` (with or without leading zero), ``%b`` (Mar), ``%B``
    (March).

    Raises:
        ValueError: the format does not name year, month and day exactly once each.
    """
    parts = re.split(r"%(.)", date_format)
    literals, directives = parts[::2], parts[1::2]
    for directive in directives:
        if directive not in _DIRECTIVES:
            raise ValueError(f"%{directive} is not known; use %Y or %y, %m or %b or %B, %d")
    if sorted("Y" if d in "Yy" else "m" if d in "mbB" else d for d in directives) != ["Y", "d", "m"]:
        raise ValueError("it must name year, month and day once each, such as %d/%m/%Y")
    pattern = re.escape(literals[0])
    for directive, literal in zip(directives, literals[1:], strict=True):
        pattern += _DIRECTIVES[directive] + re.escape(literal)
    return re.compile(pattern, re.ASCII)


def date_reader(date_format: str | None) -> Callable[[str], date | None]:
    """Return a function that parses a date. It returns None for empty text and raises InvalidValue for a bad date."""
    declared = compile_format(date_format) if date_format else None

    def read(text: str) -> date | None:
        text = text.strip()
        if not text:
            return None
        found = (
            (declared and declared.fullmatch(_CLOCK.sub("", text)))
            or _ISO.fullmatch(text)
            or _ISO_BASIC.fullmatch(text)
        )
        if not found:
            raise _unreadable(text, date_format)
        return _date(found.groupdict())

    return read


def _date(parts: dict[str, str]) -> date:
    year = int(parts["Y"]) if "Y" in parts else 2000 + int(parts["y"])
    month = int(parts["m"]) if "m" in parts else _month_number(parts["b"])
    day = int(parts["d"])
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
        return InvalidValue(f"is neither {date_format} {_NOR_ISO}", "write it as 2024-03-28")
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
