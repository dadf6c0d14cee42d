"""Times of EDI documents as ISO 8601 text, with the UTC offset if the document names its time zone."""

import re
from datetime import datetime, timedelta, timezone, tzinfo

from revrec.sources.problems import shorten
from revrec.sources.time_zones import time_zone

_WALL = re.compile(r"(?P<H>[01]\d|2[0-3])(?:(?P<M>[0-5]\d)(?:(?P<S>[0-5]\d)\d{0,2})?)?", re.ASCII)
_OFFSET = re.compile(r"(?P<sign>[+-])(?P<H>0?\d|1[0-4])(?::?(?P<M>[0-5]\d))?", re.ASCII)

_PLACES = {
    "AT": "America/Anchorage", "CT": "America/Chicago", "ET": "America/New_York", "HT": "Pacific/Honolulu",
    "MT": "America/Denver", "NT": "America/St_Johns", "PT": "America/Los_Angeles", "TT": "America/Halifax",
}  # fmt: skip
"""X12 time codes (element 623) of a zone with standard and daylight time by the day."""

_HOURS = {
    "UT": 0, "GM": 0, "UTC": 0, "GMT": 0, "Z": 0, "WET": 0, "CET": 1, "EET": 2,
    "AS": -9, "CS": -6, "ES": -5, "HS": -10, "MS": -7, "NS": -3.5, "PS": -8, "TS": -4,
    "AD": -8, "CD": -5, "ED": -4, "HD": -9, "MD": -6, "ND": -2.5, "PD": -7, "TD": -3,
    "EST": -5, "EDT": -4, "CST": -6, "CDT": -5, "MST": -7, "MDT": -6, "PST": -8, "PDT": -7,
}  # fmt: skip
"""Hours from UTC of the other codes of X12, and of the abbreviations that RFC 2822 and European senders use."""

LOCAL = ("", "LT")
"""Codes of a local time: its zone is not stated."""


def moment(day: str, clock: str, zone: str) -> str:
    """Return a date (CCYYMMDD) with its time (HHMM and more) as ``2024-03-31T22:30:00-05:00``; without a time, the day.

    A day that the calendar does not have is returned as it is, for the reader of dates to refuse it.

    Raises:
        ValueError: the time or the time zone cannot be read.
    """
    iso, clock, zone = f"{day[:4]}-{day[4:6]}-{day[6:]}", clock.strip(), zone.strip().upper()
    if not clock:
        return iso
    found = _WALL.fullmatch(clock)
    if not found:
        raise ValueError(f'the time "{shorten(clock)}" cannot be read')
    offset = None if zone in LOCAL else _zone(zone)
    try:
        local = datetime.fromisoformat(iso).replace(hour=int(found["H"]), minute=int(found["M"] or 0))
    except ValueError:
        return iso
    return local.replace(second=int(found["S"] or 0), tzinfo=offset).isoformat()


def _zone(code: str) -> tzinfo:
    """Return the time zone of a code: of X12 (01 to 24, ET, PD), an offset such as +0530, or UTC."""
    if code in _PLACES:
        return time_zone(_PLACES[code])
    if code in _HOURS:
        return timezone(timedelta(hours=_HOURS[code]))
    if re.fullmatch(r"\d\d", code, re.ASCII) and 1 <= int(code) <= 24:
        # X12 counts eastward from 01 to 12, and then from 13, which is UTC-12, to 24, which is UTC-1.
        return timezone(timedelta(hours=int(code) if int(code) <= 12 else int(code) - 25))
    found = _OFFSET.fullmatch(code)
    if not found:
        raise ValueError(f'the time zone "{shorten(code)}" is not known')
    offset = timedelta(hours=int(found["H"]), minutes=int(found["M"] or 0))
    return timezone(-offset if found["sign"] == "-" else offset)
