"""Check what a report says was recognized against the journal entries of the same days."""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from revrec.core.report import Check, ColumnSum, Period
from revrec.store.reports.recognition import recognized_by_account

if TYPE_CHECKING:
    from revrec.store.connection import Connection


def journal_checks(
    connection: "Connection", period: Period, name: str, found: Mapping[str, int], account: str | None = None
) -> Iterator[Check]:
    """Yield for each currency the check that ``found`` (minor units) is what entries recognize, on one account or all.

    ``name`` is the column of the report.
    """
    booked: Counter[str] = Counter()
    for one in recognized_by_account(connection, period.first, period.last):
        if account in (None, one.account):
            booked[one.currency] += one.amount
    for currency in sorted({*found, *booked}):
        left, right = found.get(currency, 0), booked[currency]
        yield Check(f"{period.name}: {name} = journal entries", currency, left, right, ColumnSum(name, period.name))
