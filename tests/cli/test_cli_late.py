"""``revrec report late``: what became known after its month was closed, one by one and by month."""

import hashlib
from pathlib import Path
from typing import Any

import pytest

from support.commands import Revrec, checked_rows

BY_CHANGE = ("report", "late", "--format", "json")
BY_MONTH = (*BY_CHANGE, "--by", "month")


@pytest.fixture
def reported(story: Path, signed_in: None, revrec: Revrec, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The sample data with March posted and closed; later entries of closed months are dated in open ones."""
    monkeypatch.setenv("REVREC_POSTING_CLOSED_PERIOD", "next_open")
    # A delivery without a quantity: a later one corrects it.
    assert revrec("event", "withdraw", "1", "--reason", "no quantity").code == 0
    assert revrec("event", "add", "shop/INV-1004/1", "pod", "2024-03-07").code == 0
    assert revrec("run", "--date", "2024-03-31").code == 0
    for month in ("2024-01", "2024-02", "2024-03"):
        assert revrec("periods", "close", month, "--reason", "reported").code == 0
    return story


def figures(found: Any) -> dict[str, tuple[str, ...]]:
    rows = checked_rows(found, "month", "as_reported", "late", "from_other_months", "now")
    return {month: tuple(amounts) for month, *amounts in rows}


@pytest.mark.usefixtures("reported")
def test_a_delivery_that_is_corrected_after_the_close(revrec: Revrec) -> None:
    assert revrec("event", "add", "shop/INV-1005/1", "pod", "2024-04-11").code == 0
    assert revrec(*BY_CHANGE).json["rows"] == []
    assert revrec("event", "add", "shop/INV-1004/1", "pod", "2024-04-02").code == 0
    (waiting,) = revrec(*BY_CHANGE).json["rows"]
    assert (waiting["amount"], waiting["dated"], waiting["entry"], waiting["reason"]) == (
        "-1299.00",
        "",
        "",
        "not posted",
    )
    assert waiting["policy"] == "policy next_open"

    assert revrec("run", "--date", "2024-04-30").code == 0
    (late,) = revrec(*BY_CHANGE).json["rows"]
    shown = ("figure", "what", "charge", "earned_month", "amount", "dated", "policy")
    assert [late[name] for name in shown] == [
        "revenue", "event pod", "shop/INV-1004/1", "2024-03", "-1299.00", "2024-04-01", "policy next_open",
    ]  # fmt: skip
    assert late["closed_at"] < late["known_at"] and late["closed_by"] == late["known_by"] and late["entry"]
    # The ledger of March keeps 3,385.99; April has the correction, which belongs to March.
    assert figures(revrec(*BY_MONTH).json) == {
        "2024-01": ("33.00", "0.00", "0.00", "33.00"),
        "2024-02": ("5245.58", "0.00", "0.00", "5245.58"),
        "2024-03": ("3385.99", "-1299.00", "0.00", "2086.99"),
        "2024-04": ("5106.88", "0.00", "-1299.00", "6405.88"),
    }
    assert list(figures(revrec(*BY_MONTH, "--period", "2024-03").json)) == ["2024-03"]
    assert revrec(*BY_CHANGE, "--from", "2024-04").json["rows"] == []
    assert revrec(*BY_CHANGE, "--customer", "C-ADA").json["rows"] == []


@pytest.mark.usefixtures("reported")
def test_late_charge_lines_and_credits_change_what_is_billed(revrec: Revrec, tmp_path: Path) -> None:
    file = tmp_path / "late.csv"
    file.write_text(
        "source,document,line,customer,item,post_date,amount,currency\nshop,L-1,1,C-ADA,MAG-01,2024-02-20,24.00,USD\n"
    )
    assert revrec("import", str(file)).code == 0
    assert revrec("event", "add", "shop/INV-1002/1", "credit", "2024-03-28", "--amount", "50").code == 0
    assert revrec("run", "--date", "2024-04-30").code == 0
    rows = revrec(*BY_CHANGE).json["rows"]
    shown = ("figure", "what", "charge", "earned_month", "amount", "dated")
    assert [tuple(row[name] for name in shown) for row in rows] == [
        ("billed", "charge line", "shop/L-1/1", "2024-02", "24.00", "2024-02-20"),
        ("revenue", "new line", "shop/L-1/1", "2024-02", "2.00", "2024-04-01"),
        ("billed", "credit", "shop/INV-1002/1", "2024-03", "-50.00", "2024-03-28"),
        ("revenue", "new line", "shop/L-1/1", "2024-03", "2.00", "2024-04-01"),
    ]
    assert figures(revrec(*BY_MONTH, "--period", "2024-Q1").json)["2024-03"] == ("3385.99", "2.00", "0.00", "3387.99")


@pytest.mark.usefixtures("story", "signed_in")
def test_what_was_known_at_the_close_and_not_posted_is_not_called_an_event(revrec: Revrec) -> None:
    assert "no month of these days with revenue is closed" in revrec("report", "late").out
    assert revrec("periods", "close", "2024-01", "--reason", "reported").code == 0
    rows = revrec(*BY_CHANGE).json["rows"]
    assert [(row["what"], row["amount"], row["policy"]) for row in rows] == [
        ("not posted", "2.00", "policy hold"),
        ("not posted", "31.00", "policy hold"),
    ]
    assert figures(revrec(*BY_MONTH).json) == {"2024-01": ("0.00", "33.00", "0.00", "33.00")}
    assert revrec("run", "--date", "2024-01-31").code == 4
    assert revrec("periods", "open", "2024-01", "--reason", "not yet").code == 0
    assert "no month of these days with revenue is closed" in revrec("report", "late").out
    wrong = revrec("report", "late", "--by", "week")
    assert wrong.code == 3 and "--by week: expected change or month" in wrong.err
    assert revrec("report", "late", "--customer", "C-X").code == 3


@pytest.mark.slow
@pytest.mark.usefixtures("reported")
def test_a_reversal_in_an_open_month_is_late_for_the_month_of_its_entry(revrec: Revrec, tmp_path: Path) -> None:
    journal = ("report", "journal", "--charge", "shop/INV-1004/1", "--account", "2400", "--format", "json")
    (entry,) = revrec(*journal).json["lines"]
    assert revrec("postings", "reverse", entry["reference"], "--date", "2024-04-02", "--reason", "wrong").code == 0
    rows = revrec(*BY_CHANGE).json["rows"]
    assert {(row["what"], row["amount"], row["dated"]) for row in rows} == {
        ("entry reversed", "-1299.00", "2024-04-02"),
        ("entry reversed", "-2.09", "2024-04-02"),
        ("not posted", "1299.00", ""),
        ("not posted", "2.09", ""),
    }
    assert figures(revrec(*BY_MONTH, "--period", "2024-03").json)["2024-03"] == ("3385.99", "0.00", "0.00", "3385.99")
    assert revrec("report", "late", "--output", str(tmp_path / "late.xlsx")).code == 0
    assert revrec("report", "late", "--by", "month", "--output", str(tmp_path / "late.html")).code == 0


@pytest.mark.usefixtures("reported")
def test_the_figures_of_a_late_month_have_their_schedule_lines(revrec: Revrec) -> None:
    assert revrec("event", "add", "shop/INV-1005/1", "pod", "2024-04-11").code == 0
    assert revrec("event", "add", "shop/INV-1004/1", "pod", "2024-04-02").code == 0
    assert revrec("run", "--date", "2024-04-30").code == 0
    for column, lines in (("as_reported", 8), ("late", 1), ("from_other_months", 0), ("now", 9)):
        behind = revrec(*BY_MONTH, "--drill", f"month=2024-03,column={column}").json
        assert len(checked_rows(behind, "charge", "amount")) == lines
    (late,) = checked_rows(revrec(*BY_MONTH, "--drill", "month=2024-03,column=late").json, "charge", "dated", "amount")
    assert late == ("shop/INV-1004/1", "2024-04-01", "-1299.00")
    refused = revrec(*BY_CHANGE, "--drill", "column=amount")
    assert refused.code == 3 and "each row of --by change is a single change" in refused.err


@pytest.mark.usefixtures("reported")
def test_what_is_behind_a_figure_is_compared_with_frozen_figures_too(revrec: Revrec) -> None:
    for words in (("rollforward", "--period", "2024-03"), ("rpo", "--date", "2024-03-31")):
        column = "closing" if words[0] == "rollforward" else "total"
        both = ("--against", "frozen", "--drill", f"column={column}", "--format", "json")
        found = revrec("report", *words, *both).json
        names = [check["check"] for check in found["checks"]]
        assert names[0] == "charge lines = the figure" and any(name.endswith("= frozen") for name in names)
        assert found["header"]["frozen"] and all(check["difference"] == "0.00" for check in found["checks"])


@pytest.mark.usefixtures("reported")
def test_a_file_has_its_digest_beside_it_in_every_format(revrec: Revrec) -> None:
    for words in (("late",), ("forecast", "--period", "2024-04"), ("journal",), ("costs",)):
        for form in ("txt", "csv", "json"):
            file = Path(f"{words[0]}.{form}")
            assert revrec("report", *words, "--output", file).code == 0
            digest = hashlib.sha256(file.read_bytes()).hexdigest()
            assert Path(f"{file}.sha256").read_text() == f"{digest}  {file}\n"
