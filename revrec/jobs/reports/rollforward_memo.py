"""The memo of the rollforward: what is not recognized for another reason than its date."""

from collections import Counter
from datetime import date
from typing import TYPE_CHECKING

from revrec.core.filters import Filters
from revrec.core.money import decimal_string
from revrec.jobs.reports.constrained_amounts import constrained_amounts
from revrec.jobs.reports.remaining import amounts_until, special_of_day
from revrec.jobs.rules.load import load_rules
from revrec.store.reports.filters import of_charges
from revrec.store.reports.recognition import OPEN, WAITING

if TYPE_CHECKING:
    from revrec.jobs.context import Context
    from revrec.store.connection import Connection

Memo = dict[str, dict[str, str]]


def memo_on(context: "Context", connection: "Connection", until: date, filters: Filters) -> Memo:
    """Return the amounts on a day by name and currency, as decimal strings; as known now, also of a closed month.

    ``not_posted`` is due and on no posted entry: it was not sent, is held, or is in doubt. ``waiting`` is billed and
    has no date. ``constrained`` may have to be given back; a part of it can wait too.
    """
    only = tuple(of_charges(filters))
    special = special_of_day(context, connection, until, filters)
    not_posted, waiting, constrained = Counter[str](), Counter[str](), Counter[str]()
    for one in amounts_until(context, connection, "entity", until, [until], special, only):
        if one.kind == OPEN and one.day <= until.isoformat():
            not_posted[one.currency] += one.amount
        elif one.kind == WAITING and one.billed:
            waiting[one.currency] += one.amount
    for _no, found in constrained_amounts(connection, load_rules(context), until, only):
        constrained[found.currency] += found.amount
    sums = {"not_posted": not_posted, "waiting": waiting, "constrained": constrained}
    currencies = sorted({one for amounts in sums.values() for one in amounts})
    return {name: {one: decimal_string(amounts[one], one) for one in currencies} for name, amounts in sums.items()}
