"""``revrec report balance --post``: post the presentation entries of a day."""

from datetime import date, timedelta
from typing import TYPE_CHECKING

from revrec.core.adjusting import PRESENTATION
from revrec.core.posting import UNCONFIRMED
from revrec.jobs.adjusting.adjustments import propose
from revrec.jobs.reports.presentation import wanted_presentation
from revrec.jobs.running.adjust import adjust
from revrec.jobs.running.result import RunResult
from revrec.store.posting import entries
from revrec.store.posting.due import has_due_lines

if TYPE_CHECKING:
    from revrec.jobs.context import Context
    from revrec.jobs.gateway import Connect
    from revrec.store.connection import Connection


def present(
    context: "Context",
    day: date,
    dry_run: bool = False,
    wait: timedelta = timedelta(0),
    connect: "Connect | None" = None,
) -> tuple[RunResult, str]:
    """Post the presentation entries of a day, each with its reversal on the next day.

    Return the result, and in words what of the day is not posted yet, so that the balances may change; empty if it is.

    Raises:
        BadInput: the period is closed and the figures changed.
        BadConfiguration: no account is configured; else as for a run, as Busy.
    """
    wanted = wanted_presentation(context, day)

    def make(connection: "Connection", run_id: int, company: str) -> list[int]:
        return propose(connection, context, run_id, company, PRESENTATION, day, wanted)

    with context.database.read() as connection:
        unposted = _unposted(connection, day)
    return adjust(context, day, make, dry_run, wait, connect), unposted


def _unposted(connection: "Connection", day: date) -> str:
    unsettled = entries.numbers_in(connection, *UNCONFIRMED, until=day)
    if has_due_lines(connection, day):
        return f"schedule lines until {day} are not posted yet"
    return f"entries until {day} are not posted yet: {len(unsettled)}" if unsettled else ""
