"""Presentation entries: what ``revrec report balance`` reclassifies on a day, and what of it is not posted yet."""

from datetime import date
from typing import TYPE_CHECKING

from revrec.core.adjusting import PRESENTATION, Adjustment, Key, difference
from revrec.core.contract_balance import BalanceSheet
from revrec.core.errors import BadConfiguration, BadInput
from revrec.core.presentation import PARTS, PresentationAccounts, presentation_entries
from revrec.jobs.reports.contract_balances import contract_balances
from revrec.jobs.reports.line_balances import BalanceOptions
from revrec.store.posting import adjustments

if TYPE_CHECKING:
    from revrec.core.adjusting import AdjustingLine
    from revrec.jobs.context import Context


def is_configured(context: "Context") -> bool:
    """Check if the settings name an account for any part."""
    return any(getattr(context.settings.presentation, part) for part in PARTS)


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
            "presentation entries are not posted: no account is configured; set contract_assets in [presentation], or "
            "another of its accounts"
        )
    if day == date.max:
        raise BadInput(f"report balance --post: {day} has no next day for the reversal")
    sheet = BalanceSheet()
    for _contract in contract_balances(context, BalanceOptions(day, planned, chosen.by), sheet, with_lines=False):
        pass  # The sheet adds them up.
    accounts = PresentationAccounts(*(getattr(chosen, part) for part in PARTS))
    journal = chosen.journal or context.settings.posting.journal
    return list(presentation_entries(sheet.presented(), accounts, day, journal))


def presentation_not_posted(context: "Context", day: date) -> list[Key]:
    """Return the subject, entity and currency of each presentation entry of a day that differs from what is posted."""
    wanted = {one.key: one.lines for one in wanted_presentation(context, day)}
    posted: dict[Key, list[AdjustingLine]] = {}
    with context.database.read() as connection:
        for stored in adjustments.live_adjustments(connection, PRESENTATION, day):
            if stored.state == "POSTED":
                posted.setdefault(stored.adjusting.key, []).extend(stored.adjusting.lines)
    keys = sorted({*wanted, *posted})
    return [key for key in keys if difference(wanted.get(key, ()), posted.get(key, ()))]
