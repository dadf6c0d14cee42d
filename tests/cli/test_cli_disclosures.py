"""``revrec report disclosures``: the figures of the notes on revenue, each with its paragraph."""

import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest

from revrec.jobs.reports import disclosures
from revrec.store.reports.booked import AccountAmount
from support.commands import Revrec, checked_rows

SPLIT = ("from_opening_liability", "from_period", "from_earlier_periods", "revenue")
ENDS = ("balance", "opening", "closing")
REPORT = ("report", "disclosures", "--format", "json")


def table(found: Any, name: str, *columns: str) -> list[tuple[Any, ...]]:
    """Return some columns of a disclosure; all checks of the pack must hold."""
    rows = [row for row in found["rows"] if row["disclosure"] == name]
    return checked_rows({**found, "rows": rows}, *columns)


@pytest.mark.usefixtures("april")
def test_the_disclosures_of_april_of_the_sample(revrec: Revrec) -> None:
    found = revrec(*REPORT, "--period", "2024-04").json
    assert table(found, "D2", *SPLIT) == [("5116.88", "0.00", "-10.00", "5106.88")]
    assert table(found, "D3", "taken_back", "new_prices", "total") == [("-10.00", "0.00", "-10.00")]
    balances = {row[0]: row[1:] for row in table(found, "D1", "balance", "opening", "closing")}
    assert balances["contract liabilities, current"] == ("8426.63", "3319.75")
    assert balances["contract liabilities, non-current"] == balances["contract assets, current"] == ("0.00", "0.00")
    assert balances["receivables: not in these books, enter them"] == (None, None)
    assert table(found, "D4", "opening", "billed") == []
    assert table(found, "D5", "opening", "closing") == [("8426.63", "3319.75")]
    assert table(found, "D7", "timing", "revenue") == [("over_time", "1038.08"), ("point_in_time", "4068.80")]
    assert sum(Decimal(row[0]) for row in table(found, "D6", "total")) == Decimal("3319.75")
    policies = {row[0]: row[1:] for row in table(found, "D10", "name", "items", "method", "timing")}
    assert policies["goods-on-delivery"] == ("GOODS-POD-*", "pod_date", "point_in_time")


@pytest.mark.slow
@pytest.mark.usefixtures("april")
def test_every_period_begins_with_its_own_opening(revrec: Revrec) -> None:
    for month, amounts in {
        "2024-02": ("5243.58", "2.00", "0.00", "5245.58"),
        "2024-03": ("3385.99", "0.00", "0.00", "3385.99"),
    }.items():
        assert table(revrec(*REPORT, "--period", month).json, "D2", *SPLIT) == [amounts]
    # A year is not the sum of its quarters: it begins with its own opening.
    quarters = revrec(*REPORT, "--from", "2024-01", "--to", "2024-06", "--quarterly").json
    assert table(quarters, "D2", "period", *SPLIT) == [
        ("2024-Q1", "0.00", "8664.57", "0.00", "8664.57"),
        ("2024-Q2", "5116.88", "0.00", "-10.00", "5106.88"),
        ("2024-01-01 to 2024-06-30", "0.00", "13781.45", "-10.00", "13771.45"),
    ]
    second = table(revrec(*REPORT, "--period", "2024-Q2").json, "D1", *ENDS)
    ends = table(quarters, "D1", "period", *ENDS)
    assert second and [row for period, *row in ends if period == "2024-Q2"] == [[*row] for row in second]


@pytest.mark.slow
@pytest.mark.usefixtures("april")
def test_the_disclosures_are_a_workbook_or_a_folder(revrec: Revrec, tmp_path: Path) -> None:
    book, folder = tmp_path / "notes.xlsx", tmp_path / "notes"
    words = ("report", "disclosures", "--period", "2024-04", "--output")
    assert revrec(*words, str(book)).code == 0 and Path(f"{book}.sha256").is_file()
    with ZipFile(book) as archive:
        sheets = archive.read("xl/workbook.xml").decode()
        assert 'name="D1"' in sheets and 'name="D10"' in sheets and 'name="Checks"' in sheets
        assert "606-10-50-12A" in archive.read("xl/sharedStrings.xml").decode()
    for end in ("csv", "json", "html", "xlsx"):
        assert revrec(*words[:-1], "--folder", str(folder), "--format", end).code == 0
        assert {one.name for one in folder.glob(f"*.{end}")} >= {f"D1.{end}", f"D7-items.{end}", f"D10.{end}"}
    assert json.loads((folder / "D2.json").read_text())["rows"][0]["revenue"] == "5106.88"
    shown = revrec(*words[:-1]).out
    assert "D2 Revenue that was in the opening contract liability (606-10-50-8(b))" in shown and "checks hold" in shown
    refused = revrec(*words, str(tmp_path / "notes.html"))
    assert refused.code == 2 and "name a folder" in refused.err
    assert revrec(*words, str(book), "--folder", str(folder)).code == 2


@pytest.mark.slow
@pytest.mark.usefixtures("books", "signed_in")
def test_a_price_that_rises_after_delivery_is_revenue_of_an_earlier_period(
    revrec: Revrec, charges: Callable[..., Path]
) -> None:
    lines = ("P-1,1,C-1,GOODS-30-LAMP,2024-01-05,100.00", "P-2,1,C-1,MAG-01,2024-01-05,24.00")
    assert revrec("import", str(charges(*(f"shop,{line},USD" for line in lines)))).code == 0
    assert revrec("run", "--date", "2024-03-31").code == 0
    # The lamp is recognized in February; the magazine goes on, so that its new price is of the months to come.
    for line, price in (("shop/P-1/1", "130"), ("shop/P-2/1", "33")):
        assert revrec("event", "add", line, "price", "2024-04-10", "--amount", price).code == 0
    assert revrec("run", "--date", "2024-04-30").code == 0
    found = revrec(*REPORT, "--period", "2024-04").json
    assert table(found, "D3", "taken_back", "new_prices", "total") == [("0.00", "30.00", "30.00")]
    ((opening, within, earlier, revenue),) = table(found, "D2", *SPLIT)
    assert earlier == "30.00" and Decimal(opening) + Decimal(within) == Decimal(revenue) - 30


@pytest.mark.usefixtures("books", "signed_in")
def test_an_opening_contract_asset_is_billed_in_the_period(revrec: Revrec, tmp_path: Path) -> None:
    file = tmp_path / "assets.csv"
    file.write_text(
        "source,document,line,customer,item,post_date,amount,currency,rev_rec_date\n"
        "shop,U-1,1,C-1,WORK,2024-04-05,50.00,USD,2024-03-10\n"
        "shop,U-2,1,C-2,WORK,2024-05-05,20.00,USD,2024-03-20\n"
    )
    assert revrec("import", str(file)).code == 0
    assert revrec("run", "--date", "2024-04-30").code == 0
    found = revrec(*REPORT, "--period", "2024-04").json
    assert table(found, "D4", "opening", "billed") == [("70.00", "50.00")]
    balances = {row[0]: row[1:] for row in table(found, "D1", "balance", "opening", "closing")}
    assert balances["contract assets, current"] == ("70.00", "20.00")


@pytest.mark.slow
@pytest.mark.usefixtures("april")
def test_a_split_that_is_not_the_revenue_ends_with_exit_code_7(
    revrec: Revrec, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(disclosures, "recognized_by_account", lambda *_, **_named: [AccountAmount("2400", "USD", 1)])
    for words in ((), ("--output", str(tmp_path / "notes.xlsx")), ("--format", "csv")):
        ended = revrec("report", "disclosures", "--period", "2024-04", *words)
        assert ended.code == 7 and "D2 + from the period + D3 = revenue by the journal" in ended.out + ended.err


@pytest.mark.usefixtures("books")
def test_books_without_rows_have_no_figures(revrec: Revrec) -> None:
    shown = revrec("report", "disclosures", "--period", "2024-01")
    assert shown.code == 0 and "nothing to disclose here" in shown.out
