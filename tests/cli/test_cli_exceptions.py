"""``revrec report exceptions``: everything that waits for a person, each once, with its amount, age and fix."""

from pathlib import Path
from zipfile import ZipFile

import pytest

from support.commands import Revrec

ROWS = """source,document,line,customer,item,post_date,amount,currency,contract
shop,X-1,1,C-1,NOPE,2024-03-01,10.00,USD,
shop,X-2,1,C-1,GOODS-30-LAMP,2024-03-01,abc,USD,
shop,X-3,1,C-1,GOODS-30-LAMP,2024-04-01,-5.00,USD,
shop,X-4,1,C-2,GOODS-30-LAMP,2024-04-01,-5.00,USD,
shop,X-4,2,C-2,GOODS-30-LAMP,2024-04-01,8.00,USD,
shop,X-5,1,C-2,GOODS-30-LAMP,2024-04-01,9.00,USD,CON-5
shop,X-6,1,C-2,GOODS-30-LAMP,2024-04-01,-1.00,USD,CON-5
shop,X-7,1,C-2,GOODS-30-LAMP,2024-04-01,-1.00,EUR,CON-5
shop,X-8,1,C-2,GOODS-30-LAMP,2024-04-01,-1.00,USD,CON-8
"""


@pytest.mark.usefixtures("story", "signed_in")
def test_everything_that_waits_for_a_person_is_listed_once(revrec: Revrec, tmp_path: Path) -> None:
    # The line of the sample that waits for its delivery.
    before = revrec("report", "exceptions", "--date", "2024-03-31", "--format", "json").json
    assert {row["subject"] for row in before["rows"]} == {"shop/INV-1005/1"}

    assert revrec("run", "--date", "2024-03-31").code == 0
    file = tmp_path / "rows.csv"
    file.write_text(ROWS)
    assert revrec("import", str(file), "--keep-good").code == 3
    credited = revrec("event", "add", "shop/X-1/1", "credit", "2024-04-02", "--amount", "3")
    assert credited.code == 0 and "no schedule changes; to see why: revrec explain shop/X-1/1" in credited.out
    found = revrec("report", "exceptions", "--date", "2024-04-30", "--format", "json").json
    rows = {row["subject"]: row for row in found["rows"]}
    assert len(rows) == len(found["rows"])

    of_one = revrec("report", "exceptions", "--date", "2024-04-30", "--charge", "shop/X-1/1", "--format", "json").json
    assert of_one["rows"] == [row for row in found["rows"] if row["subject"] == "shop/X-1/1"] != []
    customers = {row["customer"] for row in found["rows"] if row["subject"].startswith("shop/")}
    for customer in customers:
        words = ("--customer", customer, "--format", "json")
        part = revrec("report", "exceptions", "--date", "2024-04-30", *words).json["rows"]
        assert part == [row for row in found["rows"] if row["customer"] == customer], customer

    # Without a schedule, and with the price after its credit; its age counts from the credit.
    unscheduled = rows["shop/X-1/1"]
    assert (unscheduled["kind"], unscheduled["amount"], unscheduled["age_days"]) == (
        "unscheduled: impossible",
        "7.00",
        28,
    )
    assert unscheduled["age"] == "8 to 30 days" and unscheduled["action"] == "revrec explain shop/X-1/1"
    waiting = rows["shop/INV-1005/1"]
    assert (waiting["amount"], waiting["rule"]) == ("1299.00", "goods-on-delivery")
    assert rows[f"{file}:3"]["kind"] == "quarantined row" and rows[f"{file}:3"]["amount"] is None
    # The credit of a document with a sale belongs to it.
    assert rows["shop/X-3/1"]["kind"] == "credit without a sale" and "shop/X-4/1" not in rows
    controls = revrec("report", "tie-out", "--date", "2024-04-30", "--format", "json").json
    counts = {(row["figure"], row["currency"]): (row["count"], row["amount"]) for row in controls["rows"]}
    assert counts["files with charge lines", "EUR"] == (1, "-1.00") and counts["files with charge lines", "USD"][0] == 4
    assert counts["rows set aside, waiting", "USD"] == (1, None)
    address = "figure=files with charge lines,currency=EUR,column=amount"
    behind = revrec("report", "tie-out", "--date", "2024-04-30", "--drill", address, "--format", "json").json
    assert [(row["document"], row["amount"]) for row in behind["rows"]] == [(str(file), "-1.00")]
    assert revrec("report", "tie-out", "--output", str(tmp_path / "tie-out.xlsx")).code == 0
    # So does one that the contract of both names; a contract of another currency is not netted with it.
    assert "shop/X-6/1" not in rows and {"shop/X-7/1", "shop/X-8/1"} < rows.keys()
    # Revenue is missing of what waits, not of a credit that stays a contract asset.
    assert found["header"]["effect_on_revenue"] == {"USD": "1306.00"}
    shown = revrec("report", "exceptions", "--date", "2024-04-30").out
    assert "revenue if all were settled: 1,306.00 USD" in shown
    for end in ("xlsx", "html"):  # a row without a currency or an amount fits into each
        assert revrec("report", "exceptions", "--output", str(tmp_path / f"exceptions.{end}")).code == 0
    # Rows of different kinds have no total: a credit without a schedule has two.
    with ZipFile(tmp_path / "exceptions.xlsx") as book:
        assert not any(b"SUBTOTAL" in book.read(name) for name in book.namelist())


@pytest.mark.usefixtures("story")
def test_no_exceptions_is_a_sentence(revrec: Revrec) -> None:
    assert revrec("event", "add", "shop/INV-1005/1", "pod", "2024-03-11").code == 0
    assert "no exceptions: nothing waits for a person" in revrec("report", "exceptions").out


@pytest.mark.usefixtures("story")
def test_what_a_closed_period_blocks_is_an_exception_until_it_reopens(revrec: Revrec) -> None:
    report = ("report", "exceptions", "--date", "2024-01-31", "--format", "json")
    rules, name = Path("rules/subscriptions.toml"), 'name = "magazine-12-issues"'
    rules.write_text(rules.read_text().replace(name, f'{name}\nowner = "print desk"'))
    assert revrec("periods", "close", "2024-01", "--reason", "reported").code == 0
    found = revrec(*report).json
    blocked = {row["subject"]: row for row in found["rows"] if row["kind"] == "blocked by a closed period"}
    assert {subject: row["amount"] for subject, row in blocked.items()} == {
        "shop/INV-1001/1": "2.00",
        "shop/INV-1007/1": "31.00",
    }
    one = blocked["shop/INV-1001/1"]
    assert one["reason"].endswith("blocked until it reopens, by policy hold") and one["rule"] == "magazine-12-issues"
    assert (one["owner"], blocked["shop/INV-1007/1"]["owner"]) == ("print desk", "")
    assert found["header"]["effect_on_revenue"] == {"USD": "1332.00"}  # with what waits for its delivery
    assert revrec(*one["action"].replace("revrec ", "").replace("TEXT", "late").split()).code == 0
    assert not [row for row in revrec(*report).json["rows"] if row["kind"] == "blocked by a closed period"]


@pytest.mark.usefixtures("books")
def test_the_fix_of_a_blocked_line_names_the_entity_whose_period_is_closed(revrec: Revrec, tmp_path: Path) -> None:
    file = tmp_path / "rows.csv"
    file.write_text(
        "source,document,line,customer,item,post_date,amount,currency,entity\n"
        "shop,X-1,1,C-1,MAG-01,2024-01-05,24.00,USD,100\n"
        "shop,X-2,1,C-1,MAG-01,2024-01-05,24.00,USD,200\n"
    )
    assert revrec("import", str(file)).code == 0
    assert revrec("periods", "close", "2024-01", "--entity", "100", "--reason", "reported").code == 0
    (row,) = revrec("report", "exceptions", "--date", "2024-01-31", "--format", "json").json["rows"]
    assert row["subject"] == "shop/X-1/1"
    assert row["action"] == "revrec periods open 2024-01 --entity 100 --reason TEXT"
