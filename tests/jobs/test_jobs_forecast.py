"""The forecast with what holds have stopped: what the days would have if all holds were released."""

from datetime import date
from decimal import Decimal

import pytest

from revrec.core.filters import NO_FILTERS, Filters
from revrec.core.report import Report
from revrec.core.typed_dates import DateSpan
from revrec.jobs.reports.drill import also_by_charge, drill
from revrec.jobs.reports.forecast import forecast
from support.books import Books, MakeRow
from support.rule_texts import MONTHLY

MARCH = DateSpan(date(2024, 3, 1), date(2024, 3, 31))


@pytest.mark.both_databases
def test_what_holds_stopped_counts_on_its_planned_days(offline: Books, row: MakeRow) -> None:
    offline.rules(MONTHLY)
    offline.take(
        row("INV-1", item="A", amount="120.00", post_date="2024-01-01"),
        row("INV-2", item="A", amount="240.00", post_date="2024-01-01"),
        row("INV-3", item="B", amount="360.00", post_date="2024-01-01"),
    )
    before = str(offline.audit_seq())
    offline.event("shop/INV-1/1", "hold", "2024-02-10")
    context = offline.context("report")

    def found(by: str = "item", filters: Filters = NO_FILTERS, with_held: bool = True) -> Report:
        return forecast(context, MARCH, by, before, filters, with_held)

    report = found()
    assert report.ties_out and report.header["include"] == "held"
    columns = ("baseline", "actual", "events", "not_posted", "held", "if_released")
    assert [[one[name] for name in columns] for one in report.rows] == [
        ["30.00", "0.00", "-10.00", "-20.00", "10.00", "30.00"],
        ["30.00", "0.00", "0.00", "-30.00", "0.00", "30.00"],
    ]
    address = "currency=USD,item=A,column=held"
    behind = drill(context, report, address, lambda: found(also_by_charge("item")))
    assert behind.ties_out and [one["charge"] for one in behind.rows] == ["shop/INV-1/1"]
    (part,) = found(filters=Filters(charge="shop/INV-1/1")).rows
    assert Decimal(part["held"]) == 10 and "held" not in found(with_held=False).columns
