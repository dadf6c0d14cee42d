"""API transactions by Intacct's counting rule: one per record written, one per read call."""

from __future__ import annotations

import threading


class Usage:
    """Counters since the start of the process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.records_written = 0
        self.reads = 0
        self.requests = 0
        self.shuffles = 0

    def count(self, records_written: int = 0, reads: int = 0, requests: int = 0) -> None:
        """Add to the counters."""
        with self._lock:
            self.records_written += records_written
            self.reads += reads
            self.requests += requests

    def as_dict(self) -> dict[str, int]:
        """The counters and their billed sum."""
        return {
            "requests": self.requests,
            "records_written": self.records_written,
            "reads": self.reads,
            "api_transactions": self.records_written + self.reads,
        }
