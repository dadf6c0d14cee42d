"""Find what holds have stopped of the revenue of some days: the parts whose planned days are known."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from revrec.core.batching import batched
from revrec.core.rules import RuleBook
from revrec.core.typed_dates import DateSpan
from revrec.jobs.paging import PAGE
from revrec.jobs.reports.derived_lines import lines_as_planned
from revrec.jobs.scheduling.planned_rules import PlannedRules
from revrec.store.reports.recognition import Conditions, held_charges

if TYPE_CHECKING:
    from revrec.store.connection import Connection


def held_amounts(
    connection: "Connection", book: RuleBook, span: DateSpan, only: Conditions
) -> Iterator[tuple[int, str, int]]:
    """Yield the number, the currency and the amount (minor units) of charge lines whose parts of these days are held.

    ``only`` are conditions on the charge lines.
    """
    planned = PlannedRules(connection, book)
    for page in batched(held_charges(connection, only), PAGE):
        lines = lines_as_planned(connection, book, planned, page)
        for no in page:
            schedule = lines.schedule(no)
            held = schedule.on_hold if schedule else ()
            amount = sum(part.amount for part in held if span.first <= part.date <= span.last)
            if amount:
                yield no, lines.lines[no].currency, amount
