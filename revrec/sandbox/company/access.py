"""Who may enter: senders, the Web Services user, and the lock after repeated failed logins."""

from __future__ import annotations

import hmac
import threading
from dataclasses import dataclass, field

from revrec.sandbox.company.switches import Switches


@dataclass(frozen=True, slots=True)
class Sender:
    """A Web Services sender; `authorized` says whether the company lists it."""

    id: str
    password: str = field(repr=False)
    authorized: bool = True


@dataclass(slots=True)
class User:
    """A user of the company."""

    id: str
    password: str = field(repr=False)
    failures: int = 0


class Access:
    """Senders and users of one company. Ids and passwords are case-sensitive."""

    def __init__(self, company: str, switches: Switches) -> None:
        self.company = company
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
        """The sender, if the password is right."""
        found = self._senders.get(sender_id)
        return found if found and _same(found.password, password) else None

    def sign_in(self, company: str, user_id: str, password: str) -> bool:
        """Whether the login is right. Failures in a row are counted; a locked user cannot sign in."""
        user = self._users.get(user_id)
        if user is None or company != self.company:
            return False
        with self._lock:
            limit = self._switches.lockout_after
            if limit and user.failures >= limit:
                return False
            right = _same(user.password, password)
            user.failures = 0 if right else user.failures + 1
            return right

    def unlock(self) -> None:
        """Forget all failed logins."""
        for user in self._users.values():
            user.failures = 0

    def locked(self) -> list[str]:
        """Users who are locked now."""
        limit = self._switches.lockout_after
        return [user.id for user in self._users.values() if limit and user.failures >= limit]


def _same(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode(), other.encode())
