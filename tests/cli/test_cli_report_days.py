"""A report of days that are not closed, not begun or not posted says so: an empty result is never mistaken for zero."""

import hashlib
import re
from pathlib import Path

import pytest
import typer

from revrec.cli.filters import CHARGE_FILTERS
from revrec.cli.main import build_app
from revrec.core.report import Check
from support.commands import Revrec

PERIODS = ("rollforward", "revenue", "activity", "costs", "disclosures", "journal", "forecast")
DAYS = ("waterfall", "rpo", "balance", "exceptions", "tie-out")
OTHERS = ("late", "moves", "opening", "exchange", "close")
"""``late`` and ``moves`` list changes, ``opening`` is of a cutover, ``exchange`` needs rates, ``close`` a folder."""
CHECKED = ("revenue", "activity", "disclosures", "forecast", "waterfall", "rpo", "tie-out")
"""Reports with checks on the sample data, beside the rollforward."""
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
    for name in ("rollforward", "journal", "balance"):
        refused = revrec(*of_days(name, "2024-03", "2024-03-31"), "--currency", "eur")
        assert refused.code == 3 and "--currency EUR: unknown; charge lines are in USD" in refused.err
        refused = revrec(*of_days(name, "2024-03", "2024-03-31"), "--dimension", "color=red")
        assert refused.code == 3 and "--dimension color=red: unknown; charge lines have" in refused.err
    for name, column in (("rollforward", "billed"), ("waterfall", "total"), ("rpo", "total")):
        address = f"currency=EUR,column={column}"
        refused = revrec(*of_days(name, "2024-03", "2024-03-31"), "--drill", address)
        assert refused.code == 3 and f"--drill {address}: the report has no such row" in refused.err


@pytest.mark.usefixtures("story")
def test_a_dimension_is_named_with_its_value(revrec: Revrec) -> None:
    for text, words in (("region", "expected NAME=VALUE"), ("=EU", "expected NAME=VALUE")):
        refused = revrec("report", "balance", "--date", "2024-03-31", "--dimension", text)
        assert refused.code == 2 and f"--dimension {text}: {words}" in refused.err
    refused = revrec("charge", "list", "--dimension", "region=EU", "--dimension", "dimensions.region=US")
    assert refused.code == 2 and "a charge line has only one value of region" in refused.err


@pytest.mark.usefixtures("story")
def test_a_day_to_come_is_neither_signed_nor_closed(revrec: Revrec, tmp_path: Path) -> None:
    signed = revrec("report", "tie-out", "--date", "2500-01-31", "--sign", "agrees")
    assert signed.code == 3 and "2500-01-31 is after today" in signed.err and "wait until the day is over" in signed.err
    closed = revrec("report", "close", "--period", "2500-01", "--to", tmp_path / "close")
    assert closed.code == 3 and "2500-01-01 is after today" in closed.err and not (tmp_path / "close").exists()


def test_every_report_has_the_common_options() -> None:
    report = typer.main.get_command(build_app()).commands["report"]  # type: ignore[attr-defined]
    for name, one in report.commands.items():
        options = {option for parameter in one.params for option in parameter.opts}
        wanted = {"--format", "--known", "--output", *(f"--{filter}" for filter in CHARGE_FILTERS)}
        wanted |= set() if name in ("journal", "exceptions", "moves") else {"--drill"}
        assert name == "close" or wanted <= options, (name, wanted - options)


@pytest.mark.parametrize("name", [*PERIODS, *DAYS, "late", "moves"])
@pytest.mark.usefixtures("books")
def test_every_report_of_books_without_rows_is_a_sentence_without_zeros(revrec: Revrec, name: str) -> None:
    ended = revrec(*_words(name))
    assert (ended.code, ended.err) == (0, "") and re.search(r"^no\w* \w+", ended.out, re.MULTILINE), ended
    assert not re.search(r"\b0\.00\b", ended.out)
    rows = revrec(*_words(name), "--format", "json").json["rows"]
    assert [row for row in rows if row.get("disclosure") != "D10"] == [], "D10 describes the rules"


@pytest.mark.slow
@pytest.mark.usefixtures("april")
@pytest.mark.parametrize("name", [*PERIODS, *DAYS, "late", "moves"])
def test_every_report_is_written_in_every_format_with_its_digest(revrec: Revrec, tmp_path: Path, name: str) -> None:
    for end in ("txt", "json", "csv", "xlsx", "html"):
        file = tmp_path / f"report.{end}"
        if (name, end) != ("disclosures", "html"):  # several pages, in a folder
            ended = revrec(*_words(name), "--output", file)
            assert (ended.code, ended.out) == (0, "") and file.stat().st_size, ended
            digest = hashlib.sha256(file.read_bytes()).hexdigest()
            assert (tmp_path / f"report.{end}.sha256").read_text() == f"{digest}  report.{end}\n"


@pytest.mark.usefixtures("april")
@pytest.mark.parametrize("name", ["rollforward", *(pytest.param(one, marks=pytest.mark.slow) for one in CHECKED)])
def test_every_report_ends_with_exit_code_7_if_a_check_fails(
    revrec: Revrec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(Check, "difference", property(lambda _check: 1))
    assert "Checks that fail" in revrec(*_words(name)).out
    for words in ((), ("--format", "json"), ("--format", "csv"), ("--output", tmp_path / "report.xlsx")):
        assert revrec(*_words(name), *words).code == 7, words


def _words(name: str) -> tuple[str, ...]:
    return ("report", name) if name in OTHERS else of_days(name, "2024-03", "2024-03-31")


@pytest.mark.usefixtures("books")
@pytest.mark.parametrize(
    "words",
    [
        ("revenue", "--period", "2024-03", "--year-end", ""),
        ("rpo", "--date", "2024-03", "--year-end", " "),
        ("rpo", "--date", "2024-03", "--bands", ""),
        ("revenue", "--period", "2024-03", "--segments", ""),
        ("waterfall", "--date", "2024-03", "--by", ","),
        ("waterfall", "--date", "2024-03", "--cells", ""),
        ("rollforward", "--period", "2024-03", "--drill", ""),
        ("rollforward", "--from", ""),
        ("balance", "--date", ""),
    ],
    ids=" ".join,
)
def test_an_empty_option_does_not_count_as_left_out(revrec: Revrec, words: tuple[str, ...]) -> None:
    refused = revrec("report", *words)
    *_, option, text = words
    assert refused.code == 2 and f"{option} {text!r}: there is no value in it; write one" in refused.err, refused


@pytest.mark.usefixtures("story")
def test_a_month_before_the_books_began_is_not_written(revrec: Revrec, tmp_path: Path) -> None:
    folder = tmp_path / "close"
    refused = revrec("report", "close", "--period", "2023-11", "--to", folder)
    assert refused.code == 2 and not folder.exists()
    assert "--period 2023-11: these books begin on 2024-01-05, with their first charge line" in refused.err


@pytest.mark.parametrize("name", [*DAYS, *PERIODS, *OTHERS])
@pytest.mark.usefixtures("books")
def test_a_report_without_a_basis_says_which_ones_have_it(revrec: Revrec, name: str) -> None:
    ended = revrec(*_words(name), "--basis", "earned")
    if name in ("rollforward", "revenue"):
        assert ended.code == 0, ended
    elif name != "close":
        assert (
            ended.code == 2
            and f"report {name} has no --basis: only report revenue and report rollforward have it" in ended.err
        )
