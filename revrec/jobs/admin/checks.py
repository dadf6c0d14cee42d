"""Findings of ``revrec doctor``."""

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from revrec.core.errors import RevrecError

OK, WARNING, FAILED, SKIPPED = "ok", "warning", "failed", "skipped"
SHOWN = 10
"""Most ids named in one finding; any further ones are counted."""


class DoctorCheck(NamedTuple):
    """One finding: ``state`` is ok, warning, failed, or skipped because what it needs failed.

    ``fix`` says what to do; it is empty where the detail is a message, for these say it themselves.
    """

    name: str
    state: str
    detail: str
    fix: str = ""


class Problem(NamedTuple):
    """One problem of a check: its state (warning or failed), what it is, and what to do about it."""

    state: str
    detail: str
    fix: str


def combined(name: str, problems: Sequence[Problem], fine: str) -> DoctorCheck:
    """Return the check of all problems, the worst first; ``fine`` is its detail without any."""
    if not problems:
        return DoctorCheck(name, OK, fine)
    ordered = sorted(problems, key=lambda one: one.state != FAILED)
    details, fixes = ("; ".join(dict.fromkeys(texts)) for texts in zip(*(one[1:] for one in ordered), strict=True))
    return DoctorCheck(name, ordered[0].state, details, fixes)


def asked(name: str, check: Callable[[], DoctorCheck], by_hand: str) -> DoctorCheck:
    """Return the check; a warning with what to do ``by_hand`` if Intacct does not answer what it asks.

    Not every company offers each function, and users may lack the permission for it. Posting needs none of them.
    """
    try:
        return check()
    except RevrecError as error:
        return unread(name, error, by_hand)


def unread(name: str, error: RevrecError, fix: str) -> DoctorCheck:
    """Return the warning that Intacct does not show something."""
    return DoctorCheck(name, WARNING, f"cannot be read: {error}", fix)


def first_ids(ids: Iterable[str]) -> str:
    """Return the first ids and the number of further ones."""
    listed = list(ids)
    more = f" and {len(listed) - SHOWN} more" if len(listed) > SHOWN else ""
    return f"{', '.join(listed[:SHOWN])}{more}"
