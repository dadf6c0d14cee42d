"""The reports of a month-end, on the sample data: figures that were worked out apart from the program."""

import contextlib
import csv
import sqlite3
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any

import pytest

from revrec.jobs.reports import activity, journal_checks
from revrec.store.reports import journal as journal_queries
from revrec.store.reports.booked import AccountAmount
from revrec.store.reports.journal import posted_entries
from support.commands import Revrec, checked_rows

MONTHS = ("report", "rollforward", "--from", "2024-01", "--to", "2024-04", "--format", "json")


@pytest.mark.usefixtures("april")
def test_the_reports_show_what_the_sample_data_come_to(revrec: Revrec) -> None:
    months = revrec(*MONTHS).json
    assert checked_rows(months, "period", "opening", "billed", "credited", "recognized", "closing") == [
        ("2024-01", "0.00", "10625.50", "0.00", "33.00", "10592.50"),
        ("2024-02", "10592.50", "2372.90", "0.00", "5245.58", "7719.82"),
        ("2024-03", "7719.82", "4102.80", "-10.00", "3385.99", "8426.63"),
        ("2024-04", "8426.63", "0.00", "0.00", "5106.88", "3319.75"),
    ]
    # 606-10-50-8(b): 2.00 of February were billed in February; in April 10.00 were taken back.
    assert checked_rows(months, "recognized_from_opening", "recognized_from_period", "taken_back", "other") == [
        ("0.00", "33.00", "0.00", "0.00"),
        ("5243.58", "2.00", "0.00", "0.00"),
        ("3385.99", "0.00", "0.00", "0.00"),
        ("5116.88", "0.00", "-10.00", "0.00"),
    ]
    assert list(months["rows"][0]) == [
        "period", "currency", "account", "opening", "migrated", "billed", "credited", "price_changes", "interest",
        "recognized_from_opening", "recognized_from_period", "recognized", "taken_back", "to_principals",
        "reclassified", "other", "closing", "refund_liability",
    ]  # fmt: skip
    assert months["header"]["report"] == "rollforward" and months["header"]["audit_seq"] > 0
    span = revrec(*MONTHS, "--each", "span").json
    assert checked_rows(span, "opening", "billed", "credited", "recognized", "closing") == [
        ("0.00", "17101.20", "-10.00", "13771.45", "3319.75")
    ]
    waterfall = revrec("report", "waterfall", "--date", "2024-04-30", "--months", "7", "--format", "json").json
    columns = ("billed", "total", "2024-01", "2024-02", "2024-03", "2024-04", "recognized", "2024-05", "2024-06")
    assert checked_rows(waterfall, *columns, "2024-07", "later", "waiting", "remaining") == [
        ("2024-01", "10625.50", "33.00", "5243.58", "1035.09", "1034.08", "7345.75", "1035.08", "1034.09", "1035.08",
         "175.50", "0.00", "3279.75"),
        ("2024-02", "2372.90", "0.00", "2.00", "2350.90", "2.00", "2354.90", "2.00", "2.00", "2.00", "12.00", "0.00",
         "18.00"),
        ("2024-03", "4092.80", "0.00", "0.00", "0.00", "4070.80", "4070.80", "2.00", "2.00", "2.00", "16.00", "0.00",
         "22.00"),
    ]  # fmt: skip
    with contextlib.closing(sqlite3.connect("revrec.db")) as database:
        delivered = "SELECT max(recorded_at) FROM fulfillment_event"
        ((known,),) = database.execute(f"SELECT max(seq) FROM audit_event WHERE at < ({delivered})")
    march = ("waterfall", "--date", "2024-03-31", "--months", "4", "--known", str(known), "--format", "json")
    before = revrec("report", *march).json
    assert checked_rows(before, "billed", "2024-04", "waiting", "recognized", "remaining")[2] == (
        "2024-03", "2771.80", "1299.00", "0.00", "4092.80",
    )  # fmt: skip
    totals = before["header"]["control_totals"]["USD"]
    assert (totals["recognized"], totals["waiting"], totals["remaining"]) == ("8664.57", "1299.00", "8426.63")
    # CRN-1003 of March credits a line of February: -10.00, earned in April, is in the row of February.
    of_quarters = ("--each", "quarter", "--cells", "actual", "--net", "--format", "json")
    quarters = revrec("report", "waterfall", "--date", "2024-04-30", *of_quarters).json
    names = ("billed", "total", "before", "2024-Q1", "2024-Q2", "2024-Q3", "later", "not_shown", "recognized")
    assert checked_rows(quarters, *names) == [
        ("2024-01", "10625.50", "0.00", "6311.67", "1034.08", "0.00", "0.00", "3279.75", "7345.75"),
        ("2024-02", "2362.90", "0.00", "2352.90", "-8.00", "0.00", "0.00", "18.00", "2344.90"),
        ("2024-03", "4102.80", "0.00", "0.00", "4080.80", "0.00", "0.00", "22.00", "4080.80"),
    ]
    assert quarters["rows"][2]["cells"]["2024-Q2"] == {"actual": "4080.80", "due": "0.00", "planned": "4.00"}
    assert [(one["check"], one["left"]) for one in quarters["checks"]] == [
        ("remaining = report balance", "3319.75"),
        ("2024-Q1: actual = journal entries", "8664.57"),
        ("2024-Q2: actual = journal entries", "5106.88"),
    ]
    rpo = revrec("report", "rpo", "--date", "2024-03-31", "--bands", "3,6,9", "--format", "json").json
    bands = ("within_3_months", "months_4_to_6", "months_7_to_9", "later", "waiting", "total", "billed", "not_billed")
    assert checked_rows(rpo, *bands) == [
        ("7184.05", "1116.25", "116.25", "10.08", "0.00", "8426.63", "8426.63", "0.00")
    ]
    activity = revrec("report", "activity", "--period", "2024-04", "--format", "json").json
    assert checked_rows(activity, "account", "debits", "credits", "closing", "lines", "entries") == [
        ("2400", "5116.88", "10.00", "13771.45", 11, 9),
        ("4000", "10.00", "5116.88", "-13771.45", 11, 9),
    ]
    journal = revrec("report", "journal", "--period", "2024-Q1", "--account", "2400", "--format", "csv").out
    assert len(journal.splitlines()) == 17
    words = ("report", "balance", "--date", "2024-03-31", "--show", "lines", "--all", "--status", "--format", "csv")
    lines = list(csv.DictReader(revrec(*words).out.splitlines()))
    accounts = revrec(*words[:-2]).out.partition("Accounts, credits positive")[2]
    assert accounts and "open_since" not in accounts, "an account has no status"
    shown = ("billed", "recognized", "balance", "status", "next_date", "age")
    assert {row["charge"]: " ".join(row[name] for name in shown) for row in lines} == {
        "shop/INV-1001/1": "24.00 6.00 18.00 in progress 2024-04-12 86",
        "shop/INV-1002/1": "1850.00 0.00 1850.00 not started 2024-04-28 3",
        "shop/INV-1003/1": "89.90 89.90 0.00 complete  ",
        "shop/INV-1003/2": "24.00 4.00 20.00 in progress 2024-04-19 48",
        "shop/INV-1004/1": "1299.00 1299.00 0.00 complete  ",
        "shop/INV-1005/1": "1299.00 0.00 1299.00 not started 2024-04-11 29",
        "shop/INV-1006/1": "6000.00 2000.00 4000.00 in progress 2024-04-14 76",
        "shop/INV-1007/1": "366.00 91.00 275.00 in progress 2024-04-30 60",
        "shop/INV-1008/1": "750.00 0.00 750.00 not started 2024-04-18 30",
        "shop/CRN-1003/1": "-10.00 0.00 -10.00 not started 2024-04-04 26",
        "edi/PO-77120/1": "4210.50 4210.50 0.00 complete  ",
        "edi/PO-77120/2": "960.00 960.00 0.00 complete  ",
        "web/SO-2001/1": "24.00 0.00 24.00 not started 2024-04-04 3",
        "web/SO-2002/1": "179.80 0.00 179.80 not started 2024-04-28 2",
        "web/SO-2003/1": "25.00 4.17 20.83 in progress 2024-04-07 60",
    }
    revenue = revrec("report", "revenue", "--period", "2024-Q1", "--each", "span", "--by", "entity", "--format", "json")
    assert checked_rows(revenue.json, "revenue") == [("8664.57",)]
    fiscal = ("--from", "2023-12", "--to", "2024-04", "--each", "quarter", "--year-end", "june", "--by", "entity")
    quarters = revrec(
        "report", "revenue", *fiscal, "--drill", "period=fy2024-Q3,column=revenue", "--format", "json"
    ).json
    assert quarters["header"]["control_totals"]["USD"]["amount"] == "8664.57" and len(quarters["checks"]) == 2
    # A balance has the total of the last period; figures that are movements add up.
    totals = months["header"]["control_totals"]["USD"]
    assert (totals["opening"], totals["recognized"], totals["closing"]) == ("0.00", "13771.45", "3319.75")
    words = ("report", "revenue", "--period", "2024-Q1", "--each", "span", "--item", "MAG-01", "--format", "json")
    of_one = revrec(*words).json
    assert [(row["item"], row["revenue"]) for row in of_one["rows"]] == [("MAG-01", "14.17")]
    assert of_one["checks"] == [] and of_one["header"]["item"] == "MAG-01"


def test_a_mistake_in_the_options_is_a_sentence_and_books_without_rows_say_so(books: Path, revrec: Revrec) -> None:
    for words, code, said in (
        (("rollforward", "--by", "color"), 3, "--by color: expected account, charge, contract"),
        (("rollforward", "--period", "2024-01", "--from", "2024-01"), 2, "--period cannot be combined with --from"),
        (("rollforward", "--to", "2024-01"), 2, "--to needs --from"),
        (("rollforward", "--from", "0001-01", "--to", "2024-01"), 2, "--from 0001-01-01: reports are for days from"),
        (("waterfall", "--date", "9999-12-31"), 2, "--date 9999-12-31: reports are for days from"),
        (("waterfall", "--date", "2024-01", "--from", "0001-01"), 2, "--from 0001-01-01: reports are for days from"),
        (("waterfall", "--by", "color"), 3, "--by color: expected billed"),
        (("waterfall", "--cells", "posted"), 3, "--cells posted: expected actual, due, planned"),
        (("rpo", "--bands", "24,12"), 3, "write months in ascending order"),
        (("rpo", "--bands", "a"), 2, "--bands 'a': expected 12,24"),
        (("revenue", "--by", "color"), 3, "--by color: expected billed"),
        (("rollforward", "--customer", "C-X"), 3, "--customer C-X"),
        (("tie-out", "--customer", "C-X"), 2, "report tie-out has no --customer: its totals are of all charge lines"),
        (("opening", "--item", "I"), 2, "report opening has no --item: it compares accounts with Intacct's ledger"),
        (("opening", "--entity", "E", "--sign", "x"), 2, "--sign signs all opening balances: leave out --account"),
        (("revenue", "--each", "period"), 2, "--each period is of a fiscal year: add --year-end"),
        (("costs", "--each", "span", "--year-end", "june"), 2, "--each span: --year-end goes with --each year"),
        (("balance", "--date", "2024-01", "--show", "accounts", "--status"), 2, "--status is of contracts and lines"),
    ):
        refused = revrec("report", *words)
        assert refused.code == code and said in refused.err, refused
    nothing = "nothing was billed, recognized or planned"
    for name, said in (
        ("rollforward", nothing),
        ("revenue", "no posted entry recognizes revenue"),
        ("activity", nothing),
    ):
        empty = revrec("report", name, "--period", "2024-01")
        assert empty.code == 0 and said in empty.out


@pytest.mark.usefixtures("april")
def test_a_report_that_does_not_tie_out_is_shown_and_saved_with_the_difference(
    revrec: Revrec, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal_checks, "recognized_by_account", lambda *_, **_kw: [AccountAmount("2400", "USD", 1)])
    ended = revrec("report", "revenue", "--period", "2024-04", "--format", "csv", "--output", "revenue.csv")
    assert ended.code == 7 and "2024-04: revenue = journal entries: 5106.88 USD against 0.01" in ended.err
    assert len(Path("revenue.csv").read_text().splitlines()) == 8
    shown = revrec("report", "revenue", "--period", "2024-04")
    assert shown.code == 7 and "Checks that fail" in shown.out and "5,106.87" in shown.out


@pytest.mark.usefixtures("april")
def test_a_journal_whose_sides_differ_shows_both_sums(revrec: Revrec, monkeypatch: pytest.MonkeyPatch) -> None:
    def without_the_first(*asked: Any, **how: Any) -> Iterator[tuple[Any, list[Any]]]:
        entries = posted_entries(*asked, **how)
        entry, lines = next(entries)
        return chain([(entry, lines[1:])], entries)

    journal = ("report", "journal", "--period", "2024-04")
    assert "1 check holds" in revrec(*journal).out
    for module in (activity, journal_queries):
        monkeypatch.setattr(module, "posted_entries", without_the_first)
    for words in (("--limit", "1"), ("--format", "csv"), ("--format", "json")):
        ended = revrec(*journal, *words)
        shown = (ended.out + ended.err).replace(",", "")
        assert ended.code == 7 and "debits = credits" in shown and "5116.88" in shown and "5126.88" in shown
    assert revrec(*journal, "--account", "2400").code == 0, "the other side is not part of it"
