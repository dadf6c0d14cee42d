"""Dates and periods as people type them, on every command that takes one."""

from datetime import date
from pathlib import Path

import pytest

from revrec.cli import shared
from support.commands import Revrec

LAST_DAY = {
    "run": ("run", "--dry-run", "--date"),
    "invoice": ("invoice", "--dry-run", "--date"),
    "report balance": ("report", "balance", "--date"),
}


@pytest.fixture(autouse=True)
def _in_april(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shared, "today", lambda: date(2024, 4, 15))


@pytest.mark.parametrize("words", LAST_DAY.values(), ids=LAST_DAY)
@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("2024-02", "2024-02-29"),
        ("last month", "2024-03-31"),
        ("2024-Q1", "2024-03-31"),
        ("yesterday", "2024-04-14"),
        ("today", "2024-04-15"),
    ],
)
def test_a_period_means_its_last_day(
    words: tuple[str, ...], typed: str, meant: str, story: Path, revrec: Revrec
) -> None:
    assert revrec(*words, typed, "--format", "json").json["date"] == meant


def test_a_period_after_from_means_its_first_day(story: Path, revrec: Revrec) -> None:
    found = revrec("preview", "--from", "2024-02", "--to", "2024-02", "--format", "json").json
    assert (found["from"], found["to"]) == ("2024-02-01", "2024-02-29")


def test_the_day_of_an_event_must_be_one_day(story: Path, revrec: Revrec) -> None:
    ended = revrec("event", "add", "shop/INV-1005/1", "pod", "2024-03")
    assert ended.code == 2 and "DATE '2024-03': is not one day; write it as 2024-03-28" in ended.err
    assert (
        revrec("event", "add", "shop/INV-1005/1", "pod", "yesterday", "--format", "json").json["date"] == "2024-04-14"
    )


def test_a_quarter_closes_its_three_months(story: Path, revrec: Revrec) -> None:
    closed = revrec("periods", "close", "2024-Q1", "--reason", "reported", "--format", "json").json["periods"]
    assert [one["period"] for one in closed] == ["2024-01", "2024-02", "2024-03"]
    ended = revrec("periods", "close", "2024-03-31", "--reason", "reported")
    assert ended.code == 2 and "'2024-03-31' is not a month; write it as 2024-03" in ended.err


def test_the_configured_format_is_accepted_beside_the_others(
    story: Path, revrec: Revrec, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ("run", "--dry-run", "--date", "31.01.2024", "--format", "json")
    ended = revrec(*words)
    assert ended.code == 2 and "--date '31.01.2024': not a date; write it as 2024-03-28, 2024-03, " in ended.err
    monkeypatch.setenv("REVREC_DATES_FORMAT", "%d.%m.%Y")
    assert revrec(*words).json["date"] == "2024-01-31"
    assert revrec("run", "--dry-run", "--date", "2024-01-31", "--format", "json").json["date"] == "2024-01-31"
    assert revrec("run", "--dry-run", "--date", "31.02.2024").code == 2


def test_a_format_that_leaves_out_the_year_is_refused(
    story: Path, revrec: Revrec, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REVREC_DATES_FORMAT", "%d.%m.")
    ended = revrec("status")
    assert ended.code == 5 and "REVREC_DATES_FORMAT" in ended.err and "it must name year, month and day" in ended.err
