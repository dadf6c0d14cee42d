"""The clock, and API sessions: opened by getAPISession for a user and an entity, and kept in memory."""

import secrets
import threading
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from revrec.sandbox.company.switches import Switches


@dataclass(slots=True)
class Clock:
    """The UTC clock of the sandbox, ``offset_seconds`` ahead of the machine's."""

    offset_seconds: float = 0.0

    def now(self) -> datetime:
        """Return the current time, UTC and aware."""
        return datetime.now(UTC) + timedelta(seconds=self.offset_seconds)


@dataclass(slots=True)
class Session:
    """One session. ``location`` is the entity signed in to, or empty at the top level."""

    id: str
    user: str
    company_id: str
    location: str
    expires: datetime


class Sessions:
    """All open sessions."""

    def __init__(self, clock: Clock, switches: Switches) -> None:
        self._clock = clock
        self._switches = switches
        self._lock = threading.Lock()
        self._open: dict[str, Session] = {}

    def open(self, user: str, company_id: str, location: str) -> Session:
        """Open a session for a signed-in user."""
        session = Session(f"{secrets.token_urlsafe(30)}..", user, company_id, location, self.expiry())
        with self._lock:
            self._forget_expired()
            self._open[session.id] = session
        return session

    def use(self, session_id: str) -> Session | None:
        """Return the open session and extend it, or return None if it is unknown or expired."""
        with self._lock:
            session = self._open.get(session_id)
            if session is None or session.expires <= self._clock.now():
                self._open.pop(session_id, None)
                return None
            session.expires = self.expiry()
            return session

    def expiry(self) -> datetime:
        """Return the time at which a session used now would expire."""
        return self._clock.now() + timedelta(minutes=self._switches.session_minutes)

    def clear(self) -> None:
        """End all sessions."""
        with self._lock:
            self._open.clear()

    def _forget_expired(self) -> None:
        now = self._clock.now()
        self._open = {key: session for key, session in self._open.items() if session.expires > now}
