"""``revrec postings reverse``, as a controller uses it."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from support.commands import Ended, Revrec
from support.rule_texts import MONTHLY, replace_rules

LINES = [f"shop,I-{number},1,C-ADA,MAG-01,2024-01-05,24.00,USD" for number in (1, 2)]


@pytest.fixture
def posted(books: Path, signed_in: None, revrec: Revrec, charges: Callable[..., Path]) -> Path:
    """Books with two entries of 4.00 USD posted by run 1."""
    replace_rules(books, MONTHLY)
    assert revrec("import", charges(*LINES)).code == 0
    assert revrec("run", "--date", "2024-02-29").code == 0
    return books


@pytest.fixture
def reference(posted: Path, revrec: Revrec) -> str:
    """The reference of the first entry."""
    return str(revrec("trace", "shop/I-1/1", "--format", "json").json["entries"][0]["reference"])


def reverse(revrec: Revrec, *words: str) -> Ended:
    return revrec("postings", "reverse", *words, "--reason", "wrong account")


def test_an_entry_is_reversed_and_the_next_run_posts_its_lines_again(
    posted: Path, revrec: Revrec, reference: str
) -> None:
    ended = reverse(revrec, reference)
    assert ended.code == 0 and reference in ended.out
    assert "1 of 1 reversal posted, 2 schedule lines due again" in ended.out
    assert "To apply changed rules first: revrec schedule --rebuild --reason TEXT" in ended.out
    assert revrec("run", "--date", "2024-02-29", "--format", "json").json["posted"] == 1
    found = revrec("report", "journal", "--format", "json").json
    lines, total = found["rows"], found["header"]["control_totals"]["USD"]
    assert found["lines"] == lines and found["header"]["row_count"] == len(lines) and total["debit"] == total["credit"]
    assert [line["reverses"] for line in lines if line["reverses"]] == [reference] * 4
    assert all("uid" in line["created_by"] for line in lines)
    assert revrec("verify").code == 0
    assert revrec("reconcile", "--date", "2024-02-29").code == 0


def test_what_is_taken_back_is_listed_below_zero(
    posted: Path, revrec: Revrec, reference: str, charges: Callable[..., Path]
) -> None:
    credit = LINES[0].replace("I-1", "CRN-1").replace("24.00", "-240.00")
    assert revrec("import", charges(LINES[0].replace("I-1", "I-9"), credit, name="more.csv")).code == 0
    assert revrec("run", "--date", "2024-02-29").code == 0
    assert reverse(revrec, reference).code == 0
    rows = revrec("postings", "list", "--state", "posted", "--format", "json").json["postings"]
    amounts = [(row["kind"], row["amount"], row["total"]) for row in rows if row["date"] == "2024-01-05"]
    assert sorted(amounts) == [
        ("entry", "-18.00", "22.00"),  # 2.00 of I-9 and -20.00 of CRN-1
        ("entry", "4.00", "4.00"),
        ("reversal", "-4.00", "4.00"),
    ]
    totals = revrec("preview", "--basis", "ledger", "--to", "2024-02-29", "--format", "json").json["totals"]
    listed = sum((Decimal(row["amount"]) for row in rows), Decimal())
    assert listed == sum((Decimal(row.get("posted", "0")) for row in totals), Decimal()) == Decimal("-32.00")


def test_a_comparison_that_cannot_be_written_is_not_recorded(posted: Path, revrec: Revrec) -> None:
    events = revrec("audit", "list", "--format", "json").json["events"]
    ended = revrec("reconcile", "--date", "2024-02-29", "--output", posted / "missing" / "march.txt")
    assert ended.code == 2 and "march.txt: cannot be written: No such file or directory" in ended.err
    assert revrec("audit", "list", "--format", "json").json["events"] == events


def test_a_run_is_previewed_then_reversed_for_good(posted: Path, revrec: Revrec) -> None:
    assert "... and 1 more reversal (--limit 0 shows all)" in reverse(revrec, "1", "--dry-run", "--limit", "1").out
    shown = reverse(revrec, "1", "--final", "--dry-run")
    assert shown.code == 0
    assert "dry run: 2 entries would be reversed, 4 schedule lines will not be posted again" in shown.out
    found = revrec("postings", "reverse", "1", "--final", "--reason", "booked by hand", "--format", "json").json
    assert found["final"] and [one["status"] for one in found["entries"]] == ["posted", "posted"]
    assert "nothing left to post" in revrec("run", "--date", "2024-02-29").out
    (tree,) = [revrec("trace", "shop/I-1/1").out]
    assert "booked by hand; its schedule lines are not posted again" in tree and "reversed on" in tree


def test_a_trace_of_the_entry_shows_its_reversal_and_the_other_way_round(
    posted: Path, revrec: Revrec, reference: str
) -> None:
    made = revrec("postings", "reverse", reference, "--reason", "wrong account", "--format", "json").json
    mirror = made["entries"][0]["reference"]
    assert made["entries"][0]["reverses"] == reference
    tree = revrec("trace", reference).out
    assert f"reversed by {mirror}" in tree and "wrong account" in tree
    assert f"reverses {reference}" in revrec("trace", mirror).out


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["RRNOSUCHENTRY"], 3, "RRNOSUCHENTRY: no such entry; name an entry by its reference"),
        (["77"], 3, "77: no run of this number has an entry"),
        (["1", "--date", "2023-12-31"], 3, "--date 2023-12-31: is before 2024-01-"),
    ],
)
def test_what_cannot_be_reversed_is_refused(
    posted: Path, revrec: Revrec, words: list[str], code: int, message: str
) -> None:
    ended = reverse(revrec, *words)
    assert ended.code == code and message in ended.err
    assert revrec("status", "--format", "json").json["entries"] == {"posted": 2}


def test_a_second_reversal_is_refused(posted: Path, revrec: Revrec, reference: str) -> None:
    assert reverse(revrec, reference).code == 0
    ended = reverse(revrec, reference)
    assert ended.code == 3 and f"{reference} is already reversed by RR" in ended.err


def test_a_reversal_dated_after_today_needs_yes(posted: Path, revrec: Revrec, reference: str) -> None:
    tomorrow = str((datetime.now(UTC) + timedelta(days=2)).date())
    assert reverse(revrec, reference, "--date", tomorrow).code == 2
    assert reverse(revrec, reference, "--date", tomorrow, "--yes").code == 0


def test_lines_of_a_closed_month_are_said_to_be_blocked(posted: Path, revrec: Revrec, reference: str) -> None:
    revrec("periods", "close", "2024-01", "--reason", "reported")
    assert "2 lines of a closed period: blocked until it reopens, by policy hold" in reverse(revrec, reference).err
    assert revrec("run", "--date", "2024-02-29").code == 4


def totals(revrec: Revrec, *words: str) -> dict[str, tuple[str, str]]:
    """Posted and planned by month, as the preview shows them by ledger date."""
    found = revrec("preview", "--basis", "ledger", "--to", "2024-04-30", *words, "--format", "json").json["totals"]
    return {one["period"]: (one["posted"], one["planned"]) for one in found}


@pytest.mark.parametrize("final", [False, True])
def test_previews_and_lists_show_what_the_ledger_has(posted: Path, revrec: Revrec, reference: str, final: bool) -> None:
    before = totals(revrec)
    assert [one[0] for one in before.values()][:2] == ["4.00", "4.00"], "January and February are posted"
    reverse(revrec, reference, "--date", "2024-03-02", *(["--final"] if final else []))
    months = list(totals(revrec).values())
    assert [one[0] for one in months][:3] == ["4.00", "4.00", "-4.00"], "what each month has in the ledger"
    assert (months[0][1] == "4.00") is not final, "the lines of January are planned again, unless it was for good"
    (charge, _other) = revrec("charge", "list", "--format", "json").json["charges"]
    assert (charge["posted"], charge["planned"]) == ("2.00", "20.00" if final else "22.00")
    kinds = [
        one["kind"] for one in revrec("postings", "list", "--state", "posted", "--format", "json").json["postings"]
    ]
    assert sorted(kinds) == ["entry", "entry", "reversal"]
