"""How many requests go out a minute."""

import time
from collections import deque
from collections.abc import Callable
from datetime import datetime, timedelta

WINDOW = timedelta(minutes=1)


class RequestPacer:
    """At most ``per_minute`` requests in any minute, as one process counts them; 0 is without bound.

    A request that must not wait, since an entry is already held for it, is counted all the same: its worker waits
    before.
    """

    def __init__(
        self, per_minute: int, now: Callable[[], datetime], sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self._now = now
        self._sleep = sleep
        self._sent: deque[datetime] = deque(maxlen=per_minute)

    def record(self) -> None:
        """A request goes out now."""
        self._sent.append(self._now())

    def wait(self) -> None:
        """Wait until a request may go out."""
        if not self._sent or len(self._sent) < (self._sent.maxlen or 0):
            return
        # A clock that was set back must not make us wait for longer than the window.
        pause = min(self._sent[0] + WINDOW - self._now(), WINDOW)
        if pause > timedelta(0):
            self._sleep(pause.total_seconds())
