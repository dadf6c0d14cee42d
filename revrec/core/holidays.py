"""Business-day calendars with holidays: of a country or market from a library, or from a file of dates."""

import csv
import hashlib
from collections.abc import Mapping
from datetime import date
from functools import lru_cache
from importlib.metadata import version
from typing import Any, NamedTuple

from revrec.core.calendar import WEEKDAYS, Calendar
from revrec.core.extras import install_command
from revrec.core.keys import RejectedValue, ValueKind, did_you_mean


class CalendarFile(NamedTuple):
    """A reference to a file of dates that a rule names; the file is not read yet."""

    file: str


class DatesError(ValueError):
    """The file is not a list of dates; ``line`` (from 1) is the place."""

    def __init__(self, line: int, message: str) -> None:
        super().__init__(message)
        self.line = line


class FileCalendar:
    """A calendar of every Monday to Friday except the dates in a file. ``version`` identifies the file's content."""

    def __init__(self, file: str, content: str) -> None:
        """Read the dates.

        Raises:
            DatesError: a line is not a date.
        """
        self.name = file
        digest = hashlib.sha256(content.encode("utf-8", "surrogatepass")).hexdigest()
        self.version = f"# {file}: sha256 {digest}"
        self.holidays = _dates(content)

    def is_business_day(self, day: date) -> bool:
        """Check whether a day is a Monday to Friday that is not in the file."""
        return day.weekday() < 5 and day not in self.holidays

    def holiday(self, day: date) -> str:
        """Return the name of a holiday; empty if it has no name or is not one."""
        return self.holidays.get(day, "")


class LibraryCalendar:
    """A calendar of the working days of a country, a part of it, or a market, from the library ``holidays``."""

    def __init__(self, code: str, days: Any, library: str) -> None:
        self.name = f"{code} (holidays {library})"
        self.version = f"# calendar {code}: library holidays {library}"
        self._days = days
        self.is_business_day = lru_cache(maxsize=16_384)(days.is_working_day)

    def holiday(self, day: date) -> str:
        """Return the name of a holiday; empty if the day is not one."""
        return str(self._days.get(day) or "")


def _read(value: Any) -> Calendar | CalendarFile:
    if isinstance(value, Mapping):
        if set(value) != {"file"} or not isinstance(value["file"], str) or not value["file"].strip():
            raise RejectedValue('write a file as { file = "holidays.csv" }')
        return CalendarFile(value["file"])
    if not isinstance(value, str) or not value.isascii():
        raise RejectedValue()
    return WEEKDAYS if value == WEEKDAYS.name else by_code(value)


CALENDAR = ValueKind(
    'weekdays, a country or a part of it such as US or DE-BY, a market such as XNYS, or { file = "holidays.csv" }',
    _read,
    {
        "anyOf": [
            {"type": "string", "minLength": 1},
            {
                "type": "object",
                "properties": {"file": {"type": "string", "minLength": 1}},
                "required": ["file"],
                "additionalProperties": False,
            },
        ]
    },
)


@lru_cache(maxsize=256)
def by_code(code: str) -> Calendar:
    """Return the calendar of a country (ISO 3166: ``US``), a part of it (``US-CA``) or a market (``XNYS``, ``XECB``).

    Raises:
        RejectedValue: there is no such calendar, or the library is not installed.
    """
    try:
        # Imported here: it is an extra, and only rules that name such a calendar need it.
        import holidays
    except ImportError:
        raise RejectedValue(f"the library for it is not installed: {install_command('holidays')}") from None
    country, _dash, part = code.partition("-")
    try:
        days = holidays.country_holidays(country, subdiv=part or None)
    except NotImplementedError:
        try:
            days = holidays.financial_holidays(code)
        except NotImplementedError:
            known = (*holidays.list_supported_countries(), *holidays.list_supported_financial())
            raise RejectedValue(did_you_mean(code, known).removeprefix("; ")) from None
    return LibraryCalendar(code, days, version("holidays"))


def _dates(content: str) -> dict[date, str]:
    """Read dates and names from CSV: the date first, then optionally a name; a header is skipped."""
    found: dict[date, str] = {}
    rows = csv.reader(content.removeprefix("\ufeff").splitlines(), skipinitialspace=True)
    for number, cells in enumerate(rows, 1):
        if not cells or not cells[0].strip() or cells[0].startswith("#"):
            continue
        try:
            day = date.fromisoformat(cells[0].strip())
        except ValueError:
            if number == 1:
                continue
            raise DatesError(number, f'"{cells[0]}" is not a date such as 2024-12-25') from None
        found[day] = cells[1].strip() if len(cells) > 1 else ""
    if not found:
        raise DatesError(1, "it names no date: write one a line, such as 2024-12-25,Christmas Day")
    return found
