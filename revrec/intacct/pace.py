"""Limit of requests per minute, so that a run does not use up the limit that the company shares with others."""

import threading
import time
from collections import deque
from collections.abc import Callable
from datetime import datetime, timedelta

WINDOW = timedelta(minutes=1)


class RequestPacer:
    """A pacer that allows at most ``per_minute`` requests of this process in any minute; 0 means no limit.

    Sending a posting never waits: its entry is already marked as sending and its lease is running, and an expired lease
    makes the entry doubtful for nothing. The wait happens before, in ``prepare``, also for the read that confirms the
    entry; sending only records the request. Threads may share a pacer.
    """

    def __init__(
        self, per_minute: int, now: Callable[[], datetime], sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self._now = now
        self._sleep = sleep
        self._lock = threading.Lock()
        self._sent: deque[datetime] = deque(maxlen=per_minute)

    def record(self) -> None:
        """Record that a request is sent now."""
        with self._lock:
            self._sent.append(self._now())

    def has_room(self, requests: int) -> bool:
        """Check if this many requests may be sent now."""
        limit = self._sent.maxlen or 0
        return not limit or (requests <= limit and self._pause(requests) <= timedelta(0))

    def wait(self, requests: int = 1) -> None:
        """Wait until this many requests may be sent, or as many as a minute allows."""
        pause = self._pause(requests)
        if pause > timedelta(0):
            self._sleep(pause.total_seconds())

    def _pause(self, requests: int) -> timedelta:
        with self._lock:
            limit = self._sent.maxlen or 0
            surplus = len(self._sent) + min(requests, limit) - limit
            if surplus <= 0:
                return timedelta(0)
            # If the clock was set back by hours, the difference would make the run sleep for hours.
            return min(self._sent[surplus - 1] + WINDOW - self._now(), WINDOW)
