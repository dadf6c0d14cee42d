"""The delay with which a new journal entry may become visible to reads."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta

from revrec.sandbox.clock import Clock
from revrec.sandbox.switches import Switches


class Visibility:
    """New entries (by RECORDNO) that reads do not show yet."""

    def __init__(self, clock: Clock, switches: Switches) -> None:
        self._clock = clock
        self._switches = switches
        self._lock = threading.Lock()
        self._fresh: dict[int, tuple[datetime, int]] = {}

    def created(self, recordno: int) -> None:
        """Start the delay of a new entry, if the switches ask for one."""
        seconds, reads = self._switches.visibility_seconds, self._switches.visibility_reads
        if seconds or reads:
            with self._lock:
                self._fresh[recordno] = (self._clock.now() + timedelta(seconds=seconds), reads)

    def hidden_from_this_read(self) -> list[int]:
        """Entries a read made now must not show; counts as one read for each of them."""
        with self._lock:
            now = self._clock.now()
            hidden = [key for key, (until, reads) in self._fresh.items() if until > now or reads > 0]
            self._fresh = {key: (self._fresh[key][0], self._fresh[key][1] - 1) for key in hidden}
            return hidden

    def clear(self) -> None:
        """Show everything."""
        with self._lock:
            self._fresh = {}
