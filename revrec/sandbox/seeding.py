"""Filling a new store with the seeded company, and going back to it."""

from __future__ import annotations

from revrec.sandbox import company
from revrec.sandbox.calls import Desk


def fill(desk: Desk) -> None:
    """Write what the store lacks of the seeded company: all of it, or what an older file did not know."""
    with desk.store.transaction():
        for master in company.seed():
            if desk.masters.get(master.kind, master.id) is None:
                desk.masters.put(master)


def reset(desk: Desk) -> None:
    """Back to the seeded company: no entries, no memory of control ids, all periods open, no sessions, no locks."""
    with desk.store.transaction():
        desk.store.clear()
        desk.masters.reload()
        fill(desk)
    desk.periods.reload()
    desk.sessions.clear()
    desk.visibility.clear()
    desk.access.unlock()
