"""``revrec preview`` by recognition date and by ledger date, and the filters of a list."""

import sqlite3
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from decimal import Decimal
from pathlib import Path

import pytest

from support.commands import Revrec

STATES = ("posted", "planned", "in_doubt", "needs_review", "blocked", "rejected")


@pytest.fixture
def books(story: Path, revrec: Revrec, signed_in: None, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The sample data with January closed before a run, so that its revenue is dated in February; May is not posted."""
    monkeypatch.setenv("REVREC_POSTING_CLOSED_PERIOD", "next_open")
    assert revrec("periods", "close", "2024-01", "--reason", "reported").code == 0
    assert revrec("run", "--date", "2024-03-31").code == 0
    return story


def ledger(books: Path) -> Counter[str]:
    """Return the revenue that is posted, by the month of the entries."""
    with closing(sqlite3.connect(books / "revrec.db")) as database:
        query = """SELECT substr(e.date, 1, 7), sum(CASE l.side WHEN 'credit' THEN l.amount ELSE -l.amount END)
                   FROM journal_entry e JOIN journal_line l ON l.entry_id = e.id
                   WHERE e.state = 'POSTED' AND l.account NOT IN ('2400') GROUP BY 1"""
        return Counter(dict(database.execute(query)))


def cents(total: dict[str, str], state: str) -> int:
    return int(Decimal(total[state]) * 100)


def test_by_ledger_date_what_is_posted_equals_the_ledger(books: Path, revrec: Revrec) -> None:
    found = revrec("preview", "--basis", "ledger", "--format", "json").json
    posted = {one["period"]: cents(one, "posted") for one in found["totals"]}
    assert found["basis"] == "ledger" and {month: one for month, one in posted.items() if one} == ledger(books)
    assert "2024-01" not in posted, "its revenue is in the ledger in February"
    earned = revrec("preview", "--format", "json").json
    assert earned["basis"] == "earned" and earned["totals"][0]["period"] == "2024-01"
    assert sum(cents(one, "posted") for one in earned["totals"]) == sum(posted.values())


def test_the_lines_of_a_ledger_month_are_those_on_its_entries(books: Path, revrec: Revrec) -> None:
    lines = revrec("preview", "--period", "2024-02", "--basis", "ledger", "--format", "json").json["lines"]
    assert {line["entry_date"][:7] for line in lines} == {"2024-02"}
    assert {line["date"][:7] for line in lines} == {"2024-01", "2024-02"}


def test_totals_are_separated_by_state_and_say_by_which_date(books: Path, revrec: Revrec) -> None:
    for basis, title in (("earned", "Totals by recognition date"), ("ledger", "Totals by ledger date")):
        found = revrec("preview", "--basis", basis, "--format", "json").json
        assert all(cents(one, "amount") == sum(cents(one, state) for state in STATES) for one in found["totals"])
        shown = revrec("preview", "--basis", basis).out
        assert f"{title}\nperiod    currency     posted    planned      total" in shown


def test_rejected_amounts_are_not_among_the_posted_ones(
    story: Path, revrec: Revrec, charges: Callable[..., Path], intacct: dict[str, str]
) -> None:
    extra = charges("shop,I-1,1,C-ADA,MAG-01,2024-01-05,24.00,USD")
    assert revrec("import", extra, env={"REVREC_ACCOUNTS_ACCRUED": "NO-SUCH"}).code == 0
    assert revrec("run", "--date", "2024-01-31", env=intacct).code == 4
    (total,) = revrec("preview", "--period", "2024-01", "--format", "json").json["totals"]
    assert total["rejected"] == "4.00" and total["posted"] == "31.00", "both magazines are on the rejected entry"


FILTERS: dict[str, tuple[str, Callable[[dict[str, str]], bool]]] = {
    "customer": ("C-ADA", lambda line: line["customer"] == "C-ADA"),
    "item": ("SUB-PRO", lambda line: line["item"] == "SUB-PRO"),
    "charge": ("shop/INV-1003/2", lambda line: line["charge"] == "shop/INV-1003/2"),
    "document": ("INV-1003", lambda line: line["document"] == "INV-1003"),
    "rule": ("magazine-12-issues", lambda line: line["rule"] == "magazine-12-issues"),
    "account": ("4100", lambda line: line["revenue"] == "4100"),
    "period": ("2024-02", lambda line: line["period"] == "2024-02"),
}


@pytest.mark.parametrize("name", FILTERS)
def test_a_filter_keeps_the_lines_that_it_names(
    name: str, story: Path, revrec: Revrec, charges: Callable[..., Path]
) -> None:
    value, keeps = FILTERS[name]
    extra = charges("shop,I-1,1,C-EVE,MAG-01,2024-01-05,24.00,USD")
    assert revrec("import", extra, env={"REVREC_ACCOUNTS_ACCRUED": "4100"}).code == 0
    lines = revrec("preview", "--format", "json").json["lines"]
    kept = revrec("preview", f"--{name}", value, "--format", "json").json["lines"]
    assert kept == [line for line in lines if keeps(line)] and 0 < len(kept) < len(lines)


def test_a_document_can_be_named_with_its_source(story: Path, revrec: Revrec) -> None:
    plain, whole = (
        revrec("preview", "--document", one, "--format", "json").json for one in ("INV-1003", "shop/INV-1003")
    )
    assert plain == whole and plain["lines"]


@pytest.mark.parametrize("name", [name for name in FILTERS if name != "period"])
def test_a_value_that_the_books_do_not_know_is_refused(name: str, story: Path, revrec: Revrec) -> None:
    ended = revrec("preview", f"--{name}", "NIX")
    assert ended.code == 3 and "NIX" in ended.err and ended.out == ""


def test_a_list_goes_to_a_file_whole(story: Path, revrec: Revrec) -> None:
    ended = revrec("preview", "--output", "preview.csv", "--format", "csv")
    assert (ended.code, ended.out) == (0, "")
    assert Path("preview.csv").read_text() == revrec("preview", "--format", "csv").out


def test_a_period_and_single_days_together_are_a_usage_error(story: Path, revrec: Revrec) -> None:
    assert revrec("preview", "--period", "2024-02", "--from", "2024-01-01").code == 2
    assert revrec("preview", "--from", "2024-03", "--to", "2024-02").code == 2
