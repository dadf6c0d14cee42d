"""Say of the days of a report what its figures do not show: they have not begun, or what is due is on no entry yet."""

from datetime import date
from typing import TYPE_CHECKING

from revrec.core.errors import BadInput
from revrec.core.filters import Filters
from revrec.store.charges import first_post_date
from revrec.store.reports.exceptions import is_anything_due

if TYPE_CHECKING:
    from revrec.jobs.context import Context
    from revrec.store.connection import Connection


def today(context: "Context") -> date:
    """Return the day of the report in UTC: with ``--known``, the day of the moment that is known."""
    moment = context.database.moment
    return date.fromisoformat(moment.at[:10]) if moment else context.now().date()


def day_notes(
    context: "Context", connection: "Connection", first: date | None, last: date | None, by_ledger: bool = True
) -> list[str]:
    """Return in sentences why figures of these days can be zero or change, though nothing is wrong with them.

    ``by_ledger``: the figures count what is posted. A month that no run has reached would otherwise look like a month
    without revenue.
    """
    now, found = today(context), []
    if first is not None and first > now:
        found.append(f"{first} is after today, {now}: the figures are what is known and posted by now")
    until = min(last or now, now)
    if by_ledger and is_anything_due(connection, until.isoformat()):
        run = f"revrec preview --to {until} shows it, and revrec run --date {until} posts it"
        found.append(f"part of what is due until {until} is on no entry yet: {run}")
    return found


def notes_of_list(context: "Context", filters: Filters) -> list[str]:
    """Return the sentences about the days of a list of journal lines; none if it has no last day."""
    if filters.last is None:
        return []
    with context.database.read() as connection:
        return day_notes(context, connection, filters.first, filters.last)


def check_has_begun(context: "Context", what: str, day: date) -> None:
    """Refuse a day that is still to come.

    Raises:
        BadInput: as above.
    """
    now = today(context)
    if day > now:
        raise BadInput(f"{what}: {day} is after today, {now}: wait until the day is over")


def check_books_had_begun(context: "Context", what: str, last: date) -> None:
    """Refuse days before the first charge line: figures without a row would look as if nothing were billed.

    Raises:
        BadInput: as above.
    """
    with context.database.read() as connection:
        first = first_post_date(connection)
    if first is None:
        raise BadInput(f"{what}: these books have no charge lines yet; import them with: revrec import FILE")
    if last < first:
        raise BadInput(f"{what}: these books begin on {first}, with their first charge line; name a later month")
