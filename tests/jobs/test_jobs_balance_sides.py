"""The rollforward with liabilities and assets, and with the noncurrent part of liabilities: published figures."""

from datetime import date

import pytest

from revrec.cli.reports.balance import BalanceRows, balance_report
from revrec.core.contract_balance import BalanceSheet
from revrec.core.errors import BadInput
from revrec.core.filters import Basis
from revrec.core.report import minor_of
from revrec.core.typed_dates import DateSpan
from revrec.jobs.reports.balance_drill import drill_balance
from revrec.jobs.reports.balance_sides import CURRENT, SPLIT
from revrec.jobs.reports.contract_balances import contract_balances
from revrec.jobs.reports.line_balances import BalanceOptions
from revrec.jobs.reports.rollforward import RollforwardOptions, rollforward
from support.books import Books, MakeRow

QUARTER = DateSpan(date(2024, 4, 1), date(2024, 6, 30))
RULES = """
[[rule]]
name = "on-its-day"
when = { item = "ODD" }
recognize = { method = "rev_rec_date" }
"""
IN_PARTS = """
[[rule]]
name = "in-parts"
when = { item = "LONG" }
recognize = { method = "percentages", amounts = [3735, 9758, 4560, 34149], day_offsets = [120, 380, 500, 800] }

[[rule]]
name = "later"
when = { item = "LATER" }
recognize = { method = "fixed_offset", offset = "800 days" }
"""


def rolled(books: Books, *columns: str, **options: bool) -> list[tuple[str, ...]]:
    """Return columns of the rollforward of the quarter, which ties out."""
    report = rollforward(books.context(), RollforwardOptions(QUARTER, "span", **options))  # type: ignore[arg-type]
    assert report.checks and report.ties_out
    return [tuple(row[name] for name in columns) for row in report.rows]


def test_liabilities_and_assets_are_netted_by_contract_and_add_up_to_the_balance(books: Books, row: MakeRow) -> None:
    """10-Q of the first quarter of 2020, CIK 1015739: 3,099 + 772 - 1,355 = 2,516 and 3,279 + 1,059 - 420 = 3,918."""
    odd = {"item": "ODD", "rev_rec_date": "2026-01-31"}
    books.rules(RULES)
    books.take(
        row("L-1", **odd | {"rev_rec_date": "2024-05-31"}, amount="1355.00", post_date="2024-03-01", contract="L"),
        row("L-2", **odd, amount="1744.00", post_date="2024-03-01", contract="L"),
        row("L-3", **odd, amount="772.00", post_date="2024-05-01", contract="L"),
        row("A-1", **odd | {"rev_rec_date": "2024-03-31"}, amount="3279.00", post_date="2024-12-01", contract="A"),
        row("A-2", **odd | {"rev_rec_date": "2024-05-31"}, amount="1059.00", post_date="2024-12-01", contract="A"),
        row("A-3", **odd, amount="420.00", post_date="2024-05-01", contract="A"),
    )
    assert books.run("2024-06-30").complete
    expected = ("-180.00", "3099.00", "3279.00", "2516.00", "3918.00", "-1402.00")
    assert rolled(books, "opening", *SPLIT, "closing", split=True) == [expected]
    sheet = BalanceSheet()
    list(contract_balances(books.context(), BalanceOptions(QUARTER.last), sheet))
    (total,) = sheet.totals()
    assert (total.liability, total.asset) == (2516_00, 3918_00)
    by_document = RollforwardOptions(QUARTER, "span", ("document",), split=True)
    documents = rollforward(books.context(), by_document).rows
    assert sum(minor_of(one, "closing_asset") for one in documents) == 3918_00
    assert {one["document"]: one["closing_asset"] for one in documents}["A-3"] == "-420.00"


@pytest.mark.both_databases
def test_the_noncurrent_part_grows_with_what_is_billed_and_shrinks_with_time(books: Books, row: MakeRow) -> None:
    """10-Q, CIK 1549922: noncurrent 38,709 + 8,896 - 4,560 = 43,045; current 13,493 + 4,560 - 3,735 = 14,318."""
    books.rules(IN_PARTS)
    books.take(
        row("N-1", item="LONG", amount="52202.00", post_date="2024-01-01"),
        row("N-2", item="LATER", amount="8896.00", post_date="2024-05-01", **{"class": "retail"}),
    )
    assert books.run("2024-06-30").complete
    columns = ("opening", "billed", "recognized", "closing", *CURRENT)
    ((opening, billed, recognized, closing, *noncurrent),) = rolled(books, *columns, current=True)
    assert (opening, billed, recognized, closing) == ("52202.00", "8896.00", "3735.00", "57363.00")
    assert noncurrent == ["38709.00", "8896.00", "4560.00", "43045.00"]
    by = ("rule", "source", "dimensions.class")
    rows = rollforward(books.context(), RollforwardOptions(QUARTER, "span", by, current=True)).rows
    assert [tuple(one[name] for name in (*by, "closing", "closing_noncurrent")) for one in rows] == [
        ("in-parts", "shop", "", "48467.00", "34149.00"),
        ("later", "shop", "retail", "8896.00", "8896.00"),
    ]


def test_they_are_of_posted_entries(books: Books) -> None:
    for options in ({"split": True}, {"current": True}):
        with pytest.raises(BadInput, match="leave out --basis earned"):
            rollforward(books.context(), RollforwardOptions(QUARTER, basis=Basis.earned, **options))  # type: ignore[arg-type]


def test_the_noncurrent_part_of_a_line_is_the_same_in_the_rollforward_and_behind_the_balance(
    books: Books, row: MakeRow
) -> None:
    books.rules(IN_PARTS)
    books.take(
        row("F-1", item="LATER", amount="100.00", post_date="2024-05-01", contract="F"),
        row("F-2", item="LATER", amount="300.00", post_date="2025-03-01", contract="F"),
        row("G-1", item="LONG", amount="522.02", post_date="2024-04-01", contract="G"),
        row("G-2", item="LATER", amount="33.33", post_date="2024-05-01", contract="G"),
        row("G-3", item="LATER", amount="-100.00", post_date="2024-05-01", contract="G"),
    )
    assert books.run("2024-06-30").complete
    context, by_charge = books.context(), RollforwardOptions(QUARTER, "span", ("charge",), current=True)
    rolled = {one["charge"]: one["closing_noncurrent"] for one in rollforward(context, by_charge).rows}
    wanted = BalanceOptions(QUARTER.last)
    report = balance_report(context, wanted, BalanceRows.contracts)
    behind: dict[str, str] = {}
    for one in report.rows:
        drilled = drill_balance(context, wanted, report, f"contract={one['contract']},column=noncurrent", False)
        assert drilled.ties_out
        behind |= {line["charge"]: line["amount"] for line in drilled.rows}
    assert behind == {charge: amount for charge, amount in rolled.items() if amount != "0.00"}
    # A line that is not billed yet has no liability, so it takes no part of the one of another line.
    assert behind["shop/F-1/1"] == "100.00" and "shop/F-2/1" not in behind
