"""The sandbox's time: the machine's UTC clock plus an offset that tests may move."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta


@dataclass(slots=True)
class Clock:
    """Aware UTC time, `offset_seconds` away from the machine's."""

    offset_seconds: float = 0.0

    def now(self) -> datetime:
        """The current time, UTC."""
        return datetime.now(UTC) + timedelta(seconds=self.offset_seconds)
