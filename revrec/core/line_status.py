"""The status of a charge line or contract on a day: how far its recognition is, and how old its balance."""

from collections.abc import Iterable
from datetime import date
from typing import NamedTuple

COMPLETE, HELD, WAITING = "complete", "held", "waiting"
NOT_STARTED, IN_PROGRESS = "not started", "in progress"

STOPPED = ("held", "stopped")
"""Codes of what waits because recognition was stopped; with every other code, something is missing."""


class LineStatus(NamedTuple):
    """How far a charge line or contract is on a day.

    ``status`` is empty for a line that bills a contract line: its revenue is on that line. ``next_date`` is the first
    day of what is not recognized, ``open_since`` the day from which there is a balance; ISO text, empty without one.
    ``age`` is the number of days since then, None without a balance.
    """

    status: str = ""
    next_date: str = ""
    open_since: str = ""
    age: int | None = None


def status_of(recognized: bool, complete: bool, next_date: str, waits: str) -> str:
    """Return the status of a line of which something or nothing is ``recognized``.

    ``complete``: all of its price is. ``waits`` is the code of what has no date yet, empty if everything has one.
    """
    if waits in STOPPED:
        return HELD
    if waits and not next_date:
        return WAITING
    if complete and not next_date:
        return COMPLETE
    return IN_PROGRESS if recognized else NOT_STARTED


def status_of_contract(lines: Iterable[tuple[LineStatus, bool]], until: date) -> LineStatus:
    """Return the status of a contract from its lines, each with True if its balance has the sign of the net balance."""
    found = list(lines)
    statuses = {line.status for line, _counts in found} - {""}
    next_date = min((line.next_date for line, _counts in found if line.next_date), default="")
    since = min((line.open_since for line, counts in found if counts and line.open_since), default="")
    return LineStatus(_common(statuses, next_date), next_date, since, age_on(until, since))


def _common(statuses: set[str], next_date: str) -> str:
    if len(statuses) < 2:
        return next(iter(statuses), "")
    if HELD in statuses:
        return HELD
    return WAITING if WAITING in statuses and not next_date else IN_PROGRESS


def age_on(until: date, since: str) -> int | None:
    """Return the number of days from an ISO day to another day; None without one."""
    return (until - date.fromisoformat(since)).days if since else None
