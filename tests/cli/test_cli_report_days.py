"""A report of days that are not closed, not begun or not posted says so: an empty result is never mistaken for zero."""

from pathlib import Path

import pytest
import typer

from revrec.cli.main import build_app
from support.commands import Revrec

PERIODS = ("rollforward", "revenue", "activity", "costs", "disclosures", "journal", "forecast")
DAYS = ("waterfall", "rpo", "balance", "exceptions", "tie-out")
OTHERS = ("late", "moves", "opening", "exchange", "close")
"""``late`` and ``moves`` list changes, ``opening`` is of a cutover, ``exchange`` needs rates, ``close`` a folder."""
BASELINE = {"forecast": ("--baseline", "1")}


def of_days(name: str, month: str, last: str) -> tuple[str, ...]:
    """Return the words of a report of a month, or of its last day."""
    return "report", name, *(("--period", month) if name in PERIODS else ("--date", last)), *BASELINE.get(name, ())


def test_the_table_has_every_report() -> None:
    report = typer.main.get_command(build_app()).commands["report"]  # type: ignore[attr-defined]
    assert {*PERIODS, *DAYS, *OTHERS} == set(report.commands)


@pytest.mark.usefixtures("story")
def test_days_to_come_and_days_that_no_run_has_reached_have_a_sentence(revrec: Revrec) -> None:
    # Two of the reports; the slow test has all.
    for name in ("revenue", "balance"):
        ended = revrec(*of_days(name, "2500-01", "2500-01-31"))
        assert ended.code == 0 and "is after today, " in ended.out
        ended = revrec(*of_days(name, "2024-03", "2024-03-31"))
        assert ended.code == 0 and "part of what is due until 2024-03-31 is on no entry yet" in ended.out
    assert "no posted entry recognizes revenue in these days" in revrec(*of_days("revenue", "2024-03", "")).out
    assert "on no entry yet" in revrec(*of_days("revenue", "2024-03", ""), "--format", "csv").err
    (note,) = revrec(*of_days("revenue", "2024-03", ""), "--format", "json").json["header"]["notes"]
    assert "on no entry yet" in note
    for words in (("revenue", "--basis", "earned", "--period"), ("balance", "--planned", "--date")):
        assert "on no entry yet" not in revrec("report", *words, "2024-03").out, "it counts what is planned"


@pytest.mark.slow
@pytest.mark.usefixtures("story")
@pytest.mark.parametrize("name", [*PERIODS, *DAYS])
def test_every_report_of_days_to_come_or_without_a_run_says_so(revrec: Revrec, name: str) -> None:
    ended = revrec(*of_days(name, "2500-01", "2500-01-31"))
    assert ended.code == 0 and "is after today, " in ended.out
    ended = revrec(*of_days(name, "2024-03", "2024-03-31"))
    assert ended.code == 0 and "part of what is due until 2024-03-31 is on no entry yet" in ended.out
    assert "2024-03-31 is on no entry yet" in revrec(*of_days(name, "2024-03", "2024-03-31"), "--format", "csv").err


@pytest.mark.usefixtures("story")
@pytest.mark.parametrize("name", [*PERIODS, *DAYS, *(name for name in OTHERS if name != "close")])
def test_every_report_of_a_moment_before_the_books_began_is_refused(revrec: Revrec, name: str) -> None:
    days = of_days(name, "2024-03", "2024-03-31") if name not in OTHERS else ("report", name)
    refused = revrec(*days, "--known", "2020-01-01")
    assert refused.code == 2 and "--known 2020-01-01: these books began later, at " in refused.err


@pytest.mark.usefixtures("story")
def test_a_dimension_that_no_line_has_is_refused(revrec: Revrec) -> None:
    for name in ("revenue", "waterfall", "rpo", "balance", "forecast"):
        refused = revrec(*of_days(name, "2024-03", "2024-03-31"), "--by", "dimensions.color")
        assert refused.code == 3 and "no charge line has the dimension color" in refused.err


@pytest.mark.usefixtures("story")
def test_a_month_that_is_not_closed_cannot_be_compared_with_its_close(revrec: Revrec) -> None:
    for words in (
        ("rollforward", "--period", "2024-03"),
        ("rpo", "--date", "2024-03"),
        ("balance", "--date", "2024-03"),
    ):
        refused = revrec("report", *words, "--against", "frozen")
        assert refused.code == 3 and "no month of 2024-03-01 to 2024-03-31 was closed" in refused.err
    refused = revrec("report", "forecast", "--period", "2024-03")
    assert refused.code == 3 and "2024-02-29 is not closed, so no close has the plan to compare with" in refused.err
    assert "no month of these days with revenue is closed" in revrec("report", "late", "--period", "2024-03").out


@pytest.mark.usefixtures("story")
def test_a_currency_without_rows_has_no_figure(revrec: Revrec) -> None:
    for name, column in (("rollforward", "billed"), ("waterfall", "total"), ("rpo", "total")):
        address = f"currency=EUR,column={column}"
        refused = revrec(*of_days(name, "2024-03", "2024-03-31"), "--drill", address)
        assert refused.code == 3 and f"--drill {address}: the report has no such row" in refused.err


@pytest.mark.usefixtures("story")
def test_a_day_to_come_is_neither_signed_nor_closed(revrec: Revrec, tmp_path: Path) -> None:
    signed = revrec("report", "tie-out", "--date", "2500-01-31", "--sign", "agrees")
    assert signed.code == 3 and "2500-01-31 is after today" in signed.err and "wait until the day is over" in signed.err
    closed = revrec("report", "close", "--period", "2500-01", "--to", tmp_path / "close")
    assert closed.code == 3 and "2500-01-01 is after today" in closed.err and not (tmp_path / "close").exists()
