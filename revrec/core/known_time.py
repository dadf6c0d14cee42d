"""Read the moment of ``--known`` or ``--baseline``: a day, a time, or the number of an audit event."""

from datetime import UTC, date, datetime, time
from typing import NamedTuple

EXAMPLES = "2024-04-01, 2024-04-01T09:00Z, or the audit_seq of an earlier report"


class KnownTime(NamedTuple):
    """A moment up to which the books are read: an audit event by its number, or a time as UTC text.

    ``text`` is what the user wrote.
    """

    text: str
    seq: int | None = None
    at: str = ""


def read_known_time(text: str) -> KnownTime | None:
    """Return the moment that a text means; None if the text is not a moment.

    Digits are the number of an audit event. A day means its end, and a time without an offset is UTC.
    """
    words = text.strip()
    if words.isascii() and words.isdigit():
        return KnownTime(words, int(words))
    try:
        if len(words) == len("2024-04-01"):
            found = datetime.combine(date.fromisoformat(words), time.max)
        else:
            found = datetime.fromisoformat(words)
        found = (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return KnownTime(words, at=found.isoformat(timespec="microseconds"))
