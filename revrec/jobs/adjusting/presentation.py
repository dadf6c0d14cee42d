"""Propose presentation entries, each with its reversal on the next day."""

from datetime import date
from typing import TYPE_CHECKING

from revrec.core.adjusting import PRESENTATION
from revrec.core.calendar import month_end
from revrec.jobs.adjusting.adjustments import propose
from revrec.jobs.reports.presentation import is_configured, wanted_presentation

if TYPE_CHECKING:
    from revrec.jobs.context import Context
    from revrec.store.connection import Connection


def is_posted_by_run(context: "Context", day: date) -> bool:
    """Check if ``revrec run`` posts presentation entries on this day: the end of a month, if configured."""
    return context.settings.presentation.post == "run" and is_configured(context) and day == month_end(day)


def propose_presentation(
    connection: "Connection", context: "Context", run_id: int, company: str, day: date, planned: bool = False
) -> list[int]:
    """Store the presentation entries of a day that are not posted yet, as READY; return their numbers."""
    wanted = wanted_presentation(context, day, planned)
    return propose(connection, context, run_id, company, PRESENTATION, day, wanted)
