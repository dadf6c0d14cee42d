"""What customers can cancel is no remaining obligation: only what is earned until their notice would end is."""

from datetime import date

import pytest

from revrec.core.errors import BadInput
from revrec.core.filters import Filters
from revrec.core.typed_dates import DateSpan
from revrec.jobs.importing.import_files import ContractImport, import_document
from revrec.jobs.reports.disclosure_drill import drill_disclosures
from revrec.jobs.reports.disclosures import disclosures
from revrec.jobs.reports.remaining_obligations import remaining_obligations
from revrec.jobs.rules.load import load_rules
from revrec.sources import NATIVE_CHARGES
from support.books import Books, MakeRow

DAY = date(2024, 3, 15)
RULE = """
[[rule]]
name = "{name}"
when = {{ item = "{item}" }}
recognize = {{ method = "monthly", periods = 12 }}
disclose = {{ {disclose} }}
"""
NOTICE = RULE.format(name="by-the-month", item="SUB-*", disclose='notice = "30 days"')


def remaining(books: Books, *columns: str, by: str = "customer") -> list[tuple[str, ...]]:
    report = remaining_obligations(books.context("report"), DAY, by, (1, 12))
    assert report.ties_out
    return [tuple(str(row[name]) for name in columns) for row in report.rows]


@pytest.mark.both_databases
def test_only_what_is_earned_until_the_notice_ends_is_an_obligation(offline: Books, row: MakeRow) -> None:
    """Twelve months for 1,200.00 from January 1; a notice of March 15 ends on April 14, after the fourth part."""
    offline.rules(NOTICE + RULE.format(name="fixed", item="MAG-*", disclose='within_a_year = true, notice = "1 day"'))
    offline.take(
        row("INV-1", item="SUB-1", amount="1200.00", post_date="2024-01-01", customer="C1"),
        row("INV-2", item="MAG-1", amount="240.00", post_date="2024-01-01", customer="C2"),
    )
    columns = ("total", "billed", "left_out", "within_a_year", "cancelable", "left_out_lines")
    assert remaining(offline, *columns) == [
        ("400.00", "400.00", "800.00", "0.00", "800.00", "1"),
        ("0.00", "0.00", "240.00", "240.00", "0.00", "1"),
    ]
    header = remaining_obligations(offline.context("report"), DAY, "entity", (12,)).header
    assert header["left_out"][1] == "606-10-25-3 cancelable after 30 days (by-the-month): 1 line, 800.00 USD"
    span = DateSpan(date(2024, 3, 1), DAY)
    tables = {one.name: one.report for one in disclosures(offline.context("report"), span, False).tables}
    shown = tables["D9"].rows[1]
    assert (shown["expedient"], shown["paragraph"], shown["amount"]) == ("cancelable", "606-10-25-3", "800.00")
    address = "disclosure=D9,expedient=cancelable,column=amount"
    behind = drill_disclosures(offline.context("report"), span, False, address)
    assert behind.ties_out and [one["amount"] for one in behind.rows] == ["800.00"]


def test_what_is_behind_cancelable_amounts_has_the_filters_of_the_report(offline: Books, row: MakeRow) -> None:
    offline.rules(NOTICE)
    offline.take(
        row("INV-1", item="SUB-1", amount="1200.00", post_date="2024-01-01", customer="C1"),
        row("INV-2", item="SUB-1", amount="600.00", post_date="2024-01-01", customer="C2"),
    )
    span, address = DateSpan(date(2024, 3, 1), DAY), "disclosure=D9,expedient=cancelable,column=amount"
    behind = drill_disclosures(offline.context("report"), span, False, address, Filters(customer="C2"))
    assert behind.ties_out and [one["amount"] for one in behind.rows] == ["400.00"]


@pytest.mark.parametrize(
    ("invoiced", "billed", "not_billed"), [("300.00", "300.00", "100.00"), ("600.00", "400.00", "0.00")]
)
def test_what_is_billed_of_a_contract_line_is_earned_first(
    offline: Books, row: MakeRow, invoiced: str, billed: str, not_billed: str
) -> None:
    offline.rules(NOTICE)
    signed = row("K-1", source="crm", item="SUB-1", post_date="2024-01-01", amount="1200.00", customer="C1")
    path = offline.file("contracts.csv", [signed])
    import_document(offline.context("contract"), path, [NATIVE_CHARGES], contract=ContractImport(None))
    offline.take(
        row("INV-1", item="SUB-1", amount=invoiced, post_date="2024-02-01", customer="C1", bills="K-1/1"),
    )
    columns = ("total", "billed", "not_billed", "cancelable")
    for by in ("customer", "charge"):
        assert remaining(offline, *columns, by=by) == [("400.00", billed, not_billed, "800.00")]


def test_a_notice_is_not_below_zero(offline: Books) -> None:
    offline.rules(NOTICE.replace("30 days", "-30 days"))
    with pytest.raises(BadInput, match="write it without a minus"):
        load_rules(offline.context())
