"""Find what a person must confirm before a run posts: a day that is yet to come, or more than is usual.

A typo such as 2042 for 2024 would recognize the revenue of eighteen years at once.
"""

from collections import Counter
from datetime import date
from typing import TYPE_CHECKING

from revrec.core.closed_periods import ClosedPeriodBlock
from revrec.core.money import decimal_string
from revrec.jobs.posting.periods import posting_dates
from revrec.store.posting import entries
from revrec.store.posting.due import due_lines

if TYPE_CHECKING:
    from revrec.jobs.context import Context
    from revrec.store.connection import Connection


def after_today(context: "Context", day: date) -> list[str]:
    """Return a sentence if a day is after today, by the later of the local date and the UTC date; otherwise nothing."""
    now = context.now()
    today = max(now.date(), now.astimezone().date())
    return [f"{day} is after today, {today}"] if day > today else []


def above_limit(context: "Context", day: date) -> list[str]:
    """Return a sentence for each currency of which a run of this day would post more than ``[run] largest``."""
    limits = context.settings.run.largest
    if not limits:
        return []
    with context.database.read() as connection:
        amounts = _amounts_to_post(connection, context, day)
    return [
        f"{decimal_string(amounts[currency], currency)} {currency} would be posted, more than [run] largest, "
        f"{decimal_string(limit, currency)} {currency}"
        for currency, limit in sorted(limits.items())
        if amounts[currency] > limit
    ]


def _amounts_to_post(connection: "Connection", context: "Context", day: date) -> Counter[str]:
    """Return the sum of the debits of the entries that a run would send, in minor units by currency."""
    amounts: Counter[str] = Counter()
    due = (line for line, _description in due_lines(connection, day))
    for line in ClosedPeriodBlock(posting_dates(context, connection)).unblocked(due):
        amounts[line.currency] += abs(line.amount)
    for currency, amount in entries.amounts_in(connection, "READY", "REJECTED", until=day):
        amounts[currency] += amount
    return amounts
