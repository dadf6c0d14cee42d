"""The running state of the simulated company: usage counters, visibility delays, and the parts that functions share."""

import random
import threading
from dataclasses import dataclass
from datetime import datetime, timedelta

from revrec.sandbox.company.access import AccessControl
from revrec.sandbox.company.control_ids import ControlIds
from revrec.sandbox.company.masters import MasterRecord, MasterRecords
from revrec.sandbox.company.periods import Periods
from revrec.sandbox.company.result_sets import ResultSetCache
from revrec.sandbox.company.sessions import Clock, Sessions
from revrec.sandbox.company.store import Store
from revrec.sandbox.company.switches import Switches


class UsageCounters:
    """API transactions since the start of the process.

    Intacct bills one for each record written and one for each read call.
    """

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
        """Return the counters and the billed total."""
        return {
            "requests": self.requests,
            "records_written": self.records_written,
            "reads": self.reads,
            "api_transactions": self.records_written + self.reads,
        }


class VisibilityDelay:
    """The entries, by RECORDNO, that are too new for reads to return them."""

    def __init__(self, clock: Clock, switches: Switches) -> None:
        self._clock = clock
        self._switches = switches
        self._lock = threading.Lock()
        self._fresh: dict[int, tuple[datetime, int]] = {}

    def created(self, recordno: int) -> None:
        """Start the delay of a new entry, if the switches ask for one."""
        # Clients of the real gateway report a delay before new records can be read, so "not found" right after a
        # timeout does not prove that nothing was posted.
        seconds, reads = self._switches.visibility_seconds, self._switches.visibility_reads
        if seconds or reads:
            with self._lock:
                self._fresh[recordno] = (self._clock.now() + timedelta(seconds=seconds), reads)

    def hidden_from_this_read(self) -> list[int]:
        """Return the entries that a read must not return now; this counts as one read for each of them."""
        with self._lock:
            now = self._clock.now()
            hidden = [key for key, (until, reads) in self._fresh.items() if until > now or reads > 0]
            self._fresh = {key: (self._fresh[key][0], self._fresh[key][1] - 1) for key in hidden}
            return hidden

    def clear(self) -> None:
        """Make all entries visible."""
        with self._lock:
            self._fresh = {}


@dataclass(slots=True)
class CompanyState:
    """The parts of the company that all functions share."""

    store: Store
    masters: MasterRecords
    periods: Periods
    switches: Switches
    clock: Clock
    access: AccessControl
    sessions: Sessions
    control_ids: ControlIds
    result_sets: ResultSetCache
    usage: UsageCounters
    visibility: VisibilityDelay
    random: random.Random
    seed: int
    own_records: tuple[MasterRecord, ...] = ()
    """The records of the user's own company, which a reset keeps."""
