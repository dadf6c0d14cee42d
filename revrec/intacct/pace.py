"""Limit of requests per minute, so that a run does not use up the limit that the company shares with others."""

import time
from collections import deque
from collections.abc import Callable
from datetime import datetime, timedelta

WINDOW = timedelta(minutes=1)


class RequestPacer:
    """A pacer that allows at most ``per_minute`` requests of this process in any minute; 0 means no limit.

    Sending a posting never waits: its entry is already marked as sending and its lease is running, and an expired lease
    makes the entry doubtful for nothing. The wait happens before, in ``prepare``; sending only records the request.
    """

    def __init__(
        self, per_minute: int, now: Callable[[], datetime], sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self._now = now
        self._sleep = sleep
        self._sent: deque[datetime] = deque(maxlen=per_minute)

    def record(self) -> None:
        """Record that a request is sent now."""
        self._sent.append(self._now())

    def wait(self) -> None:
        """Wait until another request may be sent."""
        if not self._sent or len(self._sent) < (self._sent.maxlen or 0):
            return
        # If the clock was set back by hours, the difference would make the run sleep for hours.
        pause = min(self._sent[0] + WINDOW - self._now(), WINDOW)
        if pause > timedelta(0):
            self._sleep(pause.total_seconds())
