"""Report the health of the books in one line for a monitor: failed, in review, in doubt, waiting or overdue items."""

from collections import Counter
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import unquote

from revrec.core.posting import needs_review, outcome_in_words
from revrec.jobs.reports.documents import documents_in_words
from revrec.jobs.reports.status import BooksStatus, status
from revrec.store.posting.run_lock import is_run_lock_held
from revrec.store.reports.figures import SQLITE_FILE

if TYPE_CHECKING:
    from revrec.jobs.context import Context

OK, WARN, CRIT = "ok", "warn", "crit"
CRITICAL: dict[str, Callable[[int], str]] = {
    "rejected": "{} failed".format,
    "in_doubt": "{} in doubt".format,
    "held": needs_review,
}
"""The states that a person must act on, each with the words for a number of postings."""
OUTCOME_LIMIT = 160


class BooksHealth(NamedTuple):
    """The health of the books. ``state`` is ok, warn or crit; ``problems`` say why, the worst first.

    ``found`` is the result of ``revrec status``; ``running`` is true while a run is active.
    """

    state: str
    problems: tuple[str, ...]
    found: BooksStatus
    running: bool

    @property
    def line(self) -> str:
        """Return the state and all problems in one line."""
        details = "; ".join(self.problems) or f"nothing to settle; {_last_run(self.found, self.running)}"
        return f"{self.state.upper()} {details}"


def health(context: "Context", day: date | None = None) -> BooksHealth:
    """Return the present health; with ``day``, unposted lines and entries dated up to that day are overdue.

    Entries that failed, need review or are in doubt, and a run that stopped or did not end, are critical. Waiting and
    overdue items, entries that await approval, revenue that is missing, documents that were not imported, and sources
    that failed are a warning. While a run is active, warnings about postings do not count: the run may be about to post
    them.

    Raises:
        BadConfiguration: The database does not exist or has another revision.
        Busy: Another process keeps it locked.
    """
    found = status(context, day)
    running = _may_be_running(found) and is_run_active(context.database_url)
    return health_of(found, running, day is not None)


def health_of(found: BooksStatus, running: bool, dated: bool) -> BooksHealth:
    """Return the health that follows from the figures; if they are ``dated``, open lines in them are overdue."""
    critical = [*_entries(found, running), *_run(found, running)]
    warnings = [] if running else [*_waiting(found), *(_overdue(found) if dated else [])]
    warnings += map(str, found.missing)
    warnings += documents_in_words(one.state for one in found.documents)
    warnings += map(str, found.failed_sources)
    state = CRIT if critical else WARN if warnings else OK
    return BooksHealth(state, (*critical, *warnings), found, running)


def is_run_active(url: str) -> bool:
    """Return True if a run holds the lock of the database at this moment."""
    if not url.startswith(SQLITE_FILE):
        from revrec.store.database.engine import Database
        from revrec.store.posting.workers import is_run_active

        return is_run_active(Database(url))
    return is_run_lock_held(Path(unquote(url.removeprefix(SQLITE_FILE))))


def run_outcome(found: BooksStatus, running: bool) -> str:
    """Return the outcome of the last run in one word: finished, stopped, unfinished, running, or none."""
    run = found.last_run
    if run is None:
        return "none"
    if run.finished_at is None:
        return "running" if running else "unfinished"
    return "stopped" if str(run.outcome).startswith("stopped") else "finished"


def _may_be_running(found: BooksStatus) -> bool:
    """Return True if a run may be active: the last one has not ended, or an earlier one is still sending."""
    run = found.last_run
    sending = _postings(found)["sending"]
    return run is not None and (run.finished_at is None or sending > 0)


def _postings(found: BooksStatus) -> Counter[str]:
    """Return the number of postings of every kind by state."""
    return Counter(found.entries) + Counter(found.invoices) + Counter(found.adjustments)


def _entries(found: BooksStatus, running: bool) -> list[str]:
    states = _postings(found)
    if not running:
        # The process that was sending is gone, so the entry may or may not have arrived.
        states["in_doubt"] += states["sending"]
    return [in_words(states[state]) for state, in_words in CRITICAL.items() if states[state]]


def _run(found: BooksStatus, running: bool) -> list[str]:
    if run_outcome(found, running) in ("unfinished", "stopped"):
        return [_last_run(found, running)]
    return []


def _waiting(found: BooksStatus) -> list[str]:
    count = _postings(found)["ready"]
    blocked = sum(one.lines for one in found.closed_periods if one.policy == "hold")
    found_waiting = [f"{count} waiting to be sent"] if count else []
    lines = "1 schedule line" if blocked == 1 else f"{blocked} schedule lines"
    awaiting = _postings(found)["awaiting_approval"]
    found_waiting += [f"{awaiting} awaiting approval in Intacct"] if awaiting else []
    return [*found_waiting, f"{lines} blocked by closed periods"] if blocked else found_waiting


def _overdue(found: BooksStatus) -> list[str]:
    return [f"{one.lines} overdue since {one.first} ({one.amount} {one.currency})" for one in found.open]


def _last_run(found: BooksStatus, running: bool) -> str:
    run, ended = found.last_run, run_outcome(found, running)
    if run is None:
        return "no run yet"
    words = {"unfinished": "did not end", "running": "is active"}.get(
        ended, outcome_in_words(" ".join(str(run.outcome).split()))
    )
    return f"last run {run.run} for {run.date}: {words[:OUTCOME_LIMIT]}"
