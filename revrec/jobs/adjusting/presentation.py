"""Presentation entries: propose what ``revrec report balance`` reclassifies on a day, and its reversal on the next."""

from datetime import date
from typing import TYPE_CHECKING

from revrec.core.adjusting import PRESENTATION, Adjustment
from revrec.core.calendar import month_end
from revrec.core.contract_balance import BalanceSheet
from revrec.core.errors import BadConfiguration, BadInput
from revrec.core.presentation import PARTS, PresentationAccounts, presentation_entries
from revrec.jobs.adjusting.adjustments import propose
from revrec.jobs.reports.contract_balances import contract_balances
from revrec.jobs.reports.line_balances import BalanceOptions

if TYPE_CHECKING:
    from revrec.jobs.context import Context
    from revrec.store.connection import Connection


def is_configured(context: "Context") -> bool:
    """Check if the settings name an account for any part."""
    return any(getattr(context.settings.presentation, part) for part in PARTS)


def is_posted_by_run(context: "Context", day: date) -> bool:
    """Check if ``revrec run`` posts presentation entries on this day: the end of a month, if configured."""
    return context.settings.presentation.post == "run" and is_configured(context) and day == month_end(day)


def wanted_presentation(context: "Context", day: date, planned: bool = False) -> list[Adjustment]:
    """Return the adjustments that present the balances of a day: by posted entries, or as ``planned`` by schedules.

    Raises:
        BadConfiguration: no account is configured.
        BadInput: the day is the last one of the calendar, or ``by`` of the settings is not a way to group.
        RuleErrors: as for ``report balance``.
    """
    chosen = context.settings.presentation
    if not is_configured(context):
        raise BadConfiguration(
            "presentation entries are not posted: no account is configured; set contract_assets in [presentation]"
        )
    if day == date.max:
        raise BadInput(f"report balance --post: {day} has no next day for the reversal")
    sheet = BalanceSheet()
    for _contract in contract_balances(context, BalanceOptions(day, planned, chosen.by), sheet, with_lines=False):
        pass  # The sheet adds them up.
    accounts = PresentationAccounts(*(getattr(chosen, part) for part in PARTS))
    journal = chosen.journal or context.settings.posting.journal
    return list(presentation_entries(sheet.presented(), accounts, day, journal))


def propose_presentation(
    connection: "Connection", context: "Context", run_id: int, company: str, day: date, planned: bool = False
) -> list[int]:
    """Store the presentation entries of a day that are not posted yet, as READY; return their numbers."""
    wanted = wanted_presentation(context, day, planned)
    return propose(connection, context, run_id, company, PRESENTATION, day, wanted)
