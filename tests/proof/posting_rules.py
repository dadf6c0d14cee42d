"""The required states of one entry, step by step: the table of states as a model that decides nothing by itself.

The model knows an entry's state, its counters and who holds it. It gets what a worker does and what Intacct answers,
and says what must then be true. It is written from docs/posting.md, not from the code.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

QUARANTINE = timedelta(minutes=16)
LEASE = timedelta(minutes=10)
IN_LEDGER = ("equal",)
OUTSIDE = ("a draft", "submitted")
"""What Intacct shows of an entry that is ours: posted, or not in its ledger yet."""


@dataclass
class Entry:
    """One entry's row as the model knows it."""

    state: str = "READY"
    attempts: int = 0
    sends: int = 0
    """How often it was sent, or was about to be."""
    ran: int = 0
    """Of these, how often it is not certain that nothing ran."""
    unread: int = 0
    owner: str | None = None
    lease: datetime | None = None
    doubt_until: datetime | None = None
    record_no: str | None = None
    """Intacct's number, while it is posted or awaits approval there."""

    def may_be_processed(self, now: datetime) -> bool:
        """Return True if there is something to do for it: send it, or read Intacct back."""
        over = self.doubt_until is None or self.doubt_until <= now
        return self.state == "READY" or (self.state == "IN_DOUBT" and over)

    def doubt(self, now: datetime) -> None:
        """Nobody knows whether it was saved: what Intacct shows counts when the quarantine is over."""
        self.state, self.doubt_until, self.owner, self.lease = "IN_DOUBT", now + QUARANTINE, None, None

    def saved(self, shown: str, record_no: str, now: datetime) -> None:
        """Intacct has it: in its ledger, or outside of it, where it is not missed before the quarantine is over."""
        self.freed("POSTED" if shown in IN_LEDGER else "AWAITING_APPROVAL")
        self.record_no = record_no
        if self.state == "AWAITING_APPROVAL":
            self.doubt_until = now + QUARANTINE

    def checked(self, shown: str, now: datetime) -> None:
        """A run looks at it while it awaits approval."""
        missing = shown == "nothing" and self.doubt_until is not None and self.doubt_until <= now
        if shown in IN_LEDGER:
            self.state = "POSTED"
        elif missing or shown not in ("nothing", *OUTSIDE):
            self.state, self.record_no = "HELD", None

    def claimed(self, owner: str, attempts: int, now: datetime) -> None:
        """A worker is about to send."""
        self.state, self.owner, self.lease = "SENDING", owner, now + LEASE
        self.attempts = attempts
        self.sends += 1
        self.ran += 1

    def freed(self, state: str) -> None:
        """Nobody holds it any more."""
        self.state, self.owner, self.lease = state, None, None

    def suspended(self, owner: str, now: datetime) -> None:
        """A run begins as this worker: what another was sending is in doubt, and so is what its lease ran out on."""
        if self.state == "SENDING" and (self.owner != owner or (self.lease is not None and self.lease <= now)):
            self.doubt(now)

    def decided(self, way: str, record_no: str) -> None:
        """A person has settled what needed review."""
        if way == "posted":
            self.state, self.record_no = "POSTED", record_no
        elif way == "again":
            self.state, self.attempts = "READY", 0
        else:
            self.state = "CANCELED"


@dataclass
class Work:
    """A worker on an entry: what it knew when it loaded it, and what it waits for."""

    entry: Entry
    owner: str
    most: int
    waits_for: str = ""
    """``send``, ``confirm`` or ``read``, empty at the end."""
    record_no: str = ""
    attempts: int = 0
    sends: int = 0

    def begin(self, now: datetime) -> None:
        """Take the entry as far as to the first request."""
        entry = self.entry
        if entry.state == "READY" and not entry.ran:
            self._load()
            self._send(now, "READY")
        elif entry.state == "READY":
            entry.state = "IN_DOUBT"
            self._load()
            self.waits_for = "read"
        elif entry.may_be_processed(now):
            self._load()
            self.waits_for = "read"

    def answered(self, answer: str, record_no: str, now: datetime) -> None:
        """Intacct has answered what was sent: posted, refused, failed (by something that passes), lost, not run."""
        self.waits_for = ""
        if answer == "not_run":
            self.entry.ran -= 1
        if answer == "posted":
            self.waits_for, self.record_no = "confirm", record_no
        elif self._is_mine():
            self._freed(answer, now)

    def confirmed(self, shown: str, now: datetime) -> None:
        """Intacct has shown the state of what it saved, or not."""
        self.waits_for = ""
        if self._is_mine():
            self.entry.saved(shown, self.record_no, now)

    def _is_mine(self) -> bool:
        return self.entry.state == "SENDING" and self.entry.owner == self.owner

    def _freed(self, answer: str, now: datetime) -> None:
        if answer == "refused":
            self.entry.freed("REJECTED")
        elif answer == "failed":
            self.entry.freed("READY" if self.entry.attempts < self.most else "REJECTED")
        elif answer == "not_run":
            self.entry.attempts = self.attempts
            self.entry.freed("READY")
        else:
            self.entry.doubt(now)

    def read(self, shown: str, record_no: str, now: datetime) -> None:
        """Intacct has shown what it has: nothing, the one entry, another one, or it could not be read."""
        self.waits_for = ""
        if shown == "nothing" and self.attempts < self.most:
            self._send(now, "IN_DOUBT")
        elif shown in ("unreadable", "unreachable"):
            self.entry.unread += 1
            # That Intacct is away is nothing that a person could settle.
            if shown == "unreadable" and self.entry.unread >= self.most:
                self._settle("HELD")
        elif shown in IN_LEDGER or shown in OUTSIDE:
            if self._settle("POSTED"):
                self.entry.saved(shown, record_no, now)
        else:
            self._settle("HELD")

    def _load(self) -> None:
        self.attempts, self.sends = self.entry.attempts, self.entry.sends

    def _send(self, now: datetime, state: str) -> None:
        """Only if no one has claimed it, or sent it again, since it was loaded."""
        if self.entry.state == state and self.entry.sends == self.sends:
            self.entry.claimed(self.owner, self.attempts + 1, now)
            self.waits_for = "send"

    def _settle(self, state: str) -> bool:
        mine = self.entry.state == "IN_DOUBT" and self.entry.sends == self.sends
        if mine:
            self.entry.freed(state)
        return mine
