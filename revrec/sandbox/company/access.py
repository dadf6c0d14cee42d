"""Access control: senders, the Web Services user, and the lock after repeated failed logins."""

import hmac
import threading
from dataclasses import dataclass, field

from revrec.sandbox.company.switches import Switches


@dataclass(frozen=True, slots=True)
class Sender:
    """A Web Services sender; ``authorized`` is true if the company lists it."""

    id: str
    password: str = field(repr=False)
    authorized: bool = True


@dataclass(slots=True)
class User:
    """A user of the company, with the number of failed logins in a row."""

    id: str
    password: str = field(repr=False)
    failures: int = 0


class AccessControl:
    """The senders and users of one company. Ids and passwords are case-sensitive."""

    def __init__(self, company_id: str, switches: Switches) -> None:
        self.company_id = company_id
        self._switches = switches
        self._lock = threading.Lock()
        self._senders: dict[str, Sender] = {}
        self._users: dict[str, User] = {}

    def add_sender(self, sender: Sender) -> None:
        """Add or replace a sender."""
        self._senders[sender.id] = sender

    def add_user(self, user: User) -> None:
        """Add or replace a user, unlocked."""
        self._users[user.id] = user

    def sender(self, sender_id: str, password: str) -> Sender | None:
        """Return the sender if the password is right, else None."""
        found = self._senders.get(sender_id)
        return found if found and _same(found.password, password) else None

    def sign_in(self, company_id: str, user_id: str, password: str) -> bool:
        """Check a login. Consecutive failures are counted, and a locked user cannot sign in."""
        user = self._users.get(user_id)
        if user is None or company_id != self.company_id:
            return False
        with self._lock:
            # A locked user is rejected even with the right password, and the error is the same as for a wrong one. A
            # client that retries a wrong login in a loop locks the user for everyone.
            limit = self._switches.lockout_after
            if limit and user.failures >= limit:
                return False
            right = _same(user.password, password)
            user.failures = 0 if right else user.failures + 1
            return right

    def unlock(self) -> None:
        """Unlock all users by forgetting their failed logins."""
        for user in self._users.values():
            user.failures = 0

    def locked(self) -> list[str]:
        """Return the ids of the users who are locked now."""
        limit = self._switches.lockout_after
        return [user.id for user in self._users.values() if limit and user.failures >= limit]


def _same(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode(), other.encode())
