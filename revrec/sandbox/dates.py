"""Date formats: ``mm/dd/yyyy`` in requests and responses, ISO 8601 in the store."""

import re
from datetime import date, datetime

_US_DATE = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4})", re.ASCII)


def parse_us_date(text: str) -> date | None:
    """Parse ``mm/dd/yyyy`` or ``m/d/yyyy``; return None for ISO, day-first and impossible dates."""
    match = _US_DATE.fullmatch(text)
    if match is None:
        return None
    month, day, year = (int(part) for part in match.groups())
    try:
        return date(year, month, day)
    except ValueError:
        return None


def us_date(day: date) -> str:
    """Format a date as ``mm/dd/yyyy``."""
    return f"{day:%m/%d/}{day.year:04d}"


def us_date_of_iso(text: str) -> str:
    """Convert a stored ``yyyy-mm-dd`` to ``mm/dd/yyyy``."""
    return us_date(date.fromisoformat(text))


def us_time_of_iso(text: str) -> str:
    """Convert a stored UTC time to ``mm/dd/yyyy hh:mm:ss``."""
    moment = datetime.fromisoformat(text)
    return f"{us_date(moment.date())} {moment:%H:%M:%S}"


def month_of(day: date) -> str:
    """Return ``yyyy-mm``, the key of the accounting month of a date."""
    return f"{day.year:04d}-{day.month:02d}"


def last_day(month: str) -> date:
    """Return the last day of ``yyyy-mm``."""
    year, number = (int(part) for part in month.split("-"))
    following = date(year + number // 12, number % 12 + 1, 1)
    return date.fromordinal(following.toordinal() - 1)
