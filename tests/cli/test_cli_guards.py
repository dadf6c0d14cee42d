"""A run of a day that is yet to come, or of more than is usual, is confirmed first; wrong years are noticed."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from support.commands import Revrec
from support.rule_texts import MONTHLY, replace_rules

TOMORROW = str((datetime.now(UTC) + timedelta(days=2)).date())
LINE = "shop,I-1,1,C-ADA,MAG-01,2024-01-05,24.00,USD"


@pytest.fixture
def due(books: Path, signed_in: None) -> Path:
    """Books with 2.00 USD due in January 2024."""
    replace_rules(books, MONTHLY)
    return books


@pytest.fixture
def imported(due: Path, revrec: Revrec, charges: Callable[..., Path]) -> Path:
    assert revrec("import", charges(LINE)).code == 0
    return due


def posted(revrec: Revrec) -> int:
    return int(revrec("status", "--format", "json").json["entries"].get("posted", 0))


def test_a_run_after_today_needs_yes(imported: Path, revrec: Revrec) -> None:
    ended = revrec("run", "--date", TOMORROW)
    assert ended.code == 2 and f"{TOMORROW} is after today" in ended.err and "--yes" in ended.err
    assert posted(revrec) == 0
    assert revrec("run", "--date", TOMORROW, "--dry-run").code == 0, "a dry run posts nothing"
    assert revrec("run", "--date", TOMORROW, "--yes").code == 0
    assert posted(revrec) == 12


def test_invoicing_after_today_needs_yes(imported: Path, revrec: Revrec) -> None:
    assert revrec("invoice", "--date", TOMORROW).code == 2
    assert revrec("invoice", "--date", TOMORROW, "--yes").code == 0


def test_nothing_is_fetched_before_a_day_is_confirmed(imported: Path, revrec: Revrec) -> None:
    ended = revrec("run", "--date", TOMORROW, "--fetch")
    assert ended.code == 2 and "no source" not in ended.err


@pytest.mark.parametrize(
    ("largest", "code"),
    [("1.99 USD", 2), ("1 EUR,1.99 USD", 2), ("2 USD", 0), ("1 EUR, 10,000 USD", 0), ("1,000 EUR,10 USD", 0), ("", 0)],
)
def test_a_run_above_the_limit_needs_yes(
    imported: Path, revrec: Revrec, monkeypatch: pytest.MonkeyPatch, largest: str, code: int
) -> None:
    monkeypatch.setenv("REVREC_RUN_LARGEST", largest)
    ended = revrec("run", "--date", "2024-01-31")
    assert (ended.code, posted(revrec)) == (code, 0 if code else 1)
    if code:
        assert "2.00 USD would be posted, more than [run] largest, 1.99 USD" in ended.err
        assert revrec("run", "--date", "2024-01-31", "--yes").code == 0 and posted(revrec) == 1


def test_the_limit_counts_what_a_run_would_send_again_and_not_what_a_closed_period_blocks(
    imported: Path, revrec: Revrec, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REVREC_RUN_LARGEST", "3 USD")
    assert revrec("run", "--date", "2024-02-29").code == 2
    assert revrec("periods", "close", "2024-02", "--reason", "test").code == 0
    assert revrec("run", "--date", "2024-02-29").code == 4, "2.00 are posted, 2.00 are blocked"
    assert posted(revrec) == 1


@pytest.mark.parametrize("text", ["250000", "much", "1.234 USD", "1 UDS", "-1 USD"])
def test_a_limit_that_is_no_amount_is_a_mistake_in_the_configuration(
    books: Path, revrec: Revrec, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    monkeypatch.setenv("REVREC_RUN_LARGEST", text)
    ended = revrec("status")
    assert ended.code == 5 and "REVREC_RUN_LARGEST" in ended.err and "250000 USD, 200000 EUR" in ended.err


def test_a_limit_with_two_amounts_of_one_currency_is_refused(
    books: Path, revrec: Revrec, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REVREC_RUN_LARGEST", "5 USD,6 USD")
    ended = revrec("status")
    assert ended.code == 5 and "USD has two amounts; keep one of them" in ended.err


def test_a_person_at_a_terminal_is_asked(imported: Path, revrec: Revrec, monkeypatch: pytest.MonkeyPatch) -> None:
    answers = iter([False, True])
    monkeypatch.setattr("revrec.cli.shared.is_terminal", lambda: True)
    monkeypatch.setattr("typer.confirm", lambda *_question, **_options: next(answers))
    ended = revrec("run", "--date", TOMORROW)
    assert ended.code == 2 and "nothing was posted" in ended.err and posted(revrec) == 0
    assert revrec("run", "--date", TOMORROW).code == 0 and posted(revrec) == 12


def line(number: int, day: str) -> str:
    return f"shop,I-{number},1,C-ADA,MAG-01,{day},24.00,USD"


def test_an_import_warns_of_a_year_far_from_the_others(due: Path, revrec: Revrec, charges: Callable[..., Path]) -> None:
    rows = [line(number, f"2024-{number:02}-05") for number in range(1, 10)]
    file = charges(*rows, line(99, "2042-03-28"))
    ended = revrec("import", file, "--dry-run", "--format", "json")
    warning = (
        "row 11: post_date 2042-03-28 is more than a year from all others, 2024-01-05 to 2024-09-05; check the year"
    )
    assert ended.code == 0 and ended.json["files"][0]["warnings"] == [warning]
    ended = revrec("import", file)
    assert ended.code == 0 and f"charges.csv: warning: {warning}" in ended.err


@pytest.mark.parametrize(
    "days",
    [
        ["2022-01-05", "2022-12-05", "2023-11-05", "2024-10-05"],
        ["2020-01-05", "2020-01-06", "2024-01-05", "2024-01-06"],
        ["2024-01-05"],
    ],
    ids=["several years without a gap", "two groups of one size", "one row"],
)
def test_an_import_of_old_and_new_lines_is_not_suspicious(
    due: Path, revrec: Revrec, charges: Callable[..., Path], days: list[str]
) -> None:
    rows = [line(number, day) for number, day in enumerate(days)]
    assert revrec("import", charges(*rows), "--format", "json").json["files"][0]["warnings"] == []
