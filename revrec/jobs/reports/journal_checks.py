"""Check what a report says was recognized against the journal entries of the same days, or what they earn."""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from revrec.core.filters import Basis
from revrec.core.report import Check, ColumnSum, Period
from revrec.store.reports.booked import OtherCharges, recognized_by_account
from revrec.store.reports.earned import earned_by_entries

if TYPE_CHECKING:
    from revrec.store.connection import Connection

NOTHING_OWED: Mapping[str, int] = {}


def journal_checks(
    connection: "Connection",
    period: Period,
    name: str,
    found: Mapping[str, int],
    account: str | None = None,
    basis: Basis = Basis.ledger,
    owed: Mapping[str, int] = NOTHING_OWED,
    others: OtherCharges | None = None,
) -> Iterator[Check]:
    """Yield for each currency the check that ``found`` (minor units) is what entries recognize, on one account or all.

    ``name`` is the column of the report. On the earned basis, entries count by the day that they were earned on, with
    the lines that are on no posted entry; the accounts of these are not known, so nothing is compared for one.
    ``owed``, below zero, is what an agent owes to principals of it, and is not in ``found``. ``others`` are the same
    for all periods of a report.
    """
    booked: Counter[str] = Counter(owed)
    if basis is Basis.earned:
        if account is not None:
            return
        booked.update(earned_by_entries(connection, period.first, period.last))
    else:
        for one in recognized_by_account(connection, period.first, period.last, others=others):
            if account in (None, one.account):
                booked[one.currency] += one.amount
    what = "journal entries" if basis is Basis.ledger else "entries by earned day, and lines on none"
    what += ", less what is owed to principals" if owed else ""
    for currency in sorted({*found, *booked}):
        left, right = found.get(currency, 0), booked[currency]
        yield Check(f"{period.name}: {name} = {what}", currency, left, right, ColumnSum(name, period.name))
