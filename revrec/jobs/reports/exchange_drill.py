"""List what is behind a figure of ``revrec report exchange``: what was earned at each rate, and what is posted."""

from collections.abc import Iterator, Mapping
from datetime import date
from typing import TYPE_CHECKING, Any

from revrec.core.filters import NO_FILTERS, Filters
from revrec.core.money import decimal_string
from revrec.core.report import Report
from revrec.jobs.reports.drill import drill_rows
from revrec.jobs.reports.exchange import ChargeDifference, charge_differences, exchange, key_of, read_rates
from revrec.store.reports.posted_exchange import PostedDifference, posted_exchange_entries

if TYPE_CHECKING:
    from revrec.jobs.context import Context

BEHIND = (
    "charge", "account", "transaction", "earned", "rated", "billed", "dated", "entry", "record_no", "currency",
    "amount",
)  # fmt: skip
SPARE = ("record_no", "account", "transaction")
OF_POSTED = ("posted", "not_posted")
Behind = Iterator[tuple[Mapping[str, Any], int]]


def drill_exchange(context: "Context", until: date, by: str, address: str, filters: Filters = NO_FILTERS) -> Report:
    """Return the revenue of each rate, and the posted entries, behind a figure of the exchange differences.

    ``rated`` is the day of the rate of the revenue, and ``billed`` the day of the invoice's rate; of a contract line,
    which several invoices bill, they are empty. The amounts are in base currency.

    Raises:
        BadInput: the report has no such column or row, and as :func:`exchange` does.
        BadConfiguration: no file of rates is configured, or it cannot be used.
    """
    report = exchange(context, until, by, filters)
    with context.database.read() as connection:
        differences = list(charge_differences(context, connection, until, read_rates(context), filters))
        entries = list(posted_exchange_entries(connection, until, filters))

    def behind(row: Mapping[str, Any], column: str) -> Behind:
        whose = tuple(row[name] for name in ("entity", "account", "transaction", "currency"))
        whose += (row["charge"],) if by == "charge" else ()
        for one in differences if column != "posted" else ():
            amount = getattr(one.difference, "difference" if column in OF_POSTED else column)
            if amount and key_of(one, by) == whose:
                earned = decimal_string(one.difference.amount, one.currency)
                days = {"rated": str(one.rated or ""), "billed": str(one.billed or "")}
                yield {**_named(one), "earned": earned, **days}, amount
        for entry in entries if column in OF_POSTED else ():
            if key_of(entry.posted, by) == whose:
                where = {"dated": entry.date, "entry": entry.reference, "record_no": entry.record_no}
                yield {**_named(entry.posted), **where}, entry.posted.amount * (1 if column == "posted" else -1)

    name = "revenue and entries = the figure"
    return drill_rows(report, address, behind, BEHIND, SPARE, name)


def _named(one: ChargeDifference | PostedDifference) -> dict[str, Any]:
    return {"charge": one.charge, "account": one.account, "transaction": one.currency}
