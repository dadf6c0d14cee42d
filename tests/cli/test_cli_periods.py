"""``revrec periods`` as people and programs see it."""

from pathlib import Path

import pytest

from support.commands import Revrec

CLOSE = ("periods", "close", "2024-01", "2024-02", "--reason", "reported")


def test_what_is_decided_is_shown_and_listed(story: Path, revrec: Revrec) -> None:
    assert revrec(*CLOSE).out.count("(company)") == 2
    listed = revrec("periods", "list", "--format", "json").json["periods"]
    closed = [one for one in listed if one["state"] == "closed"]
    assert [(one["period"], one["source"], one["open_lines"] > 0) for one in closed] == [
        ("2024-01", "person", True), ("2024-02", "person", True),
    ]  # fmt: skip
    assert closed[0]["reason"].startswith("closed here by ") and closed[0]["reason"].endswith(": reported")
    rows = revrec("periods", "list", "--format", "csv").out.splitlines()
    assert rows[0] == "entity,period,state,open_lines,source,since,actor,reason" and rows[1].startswith(
        ",2024-01,closed,"
    )
    assert "no" in revrec(*CLOSE).out, "what is so already is not changed"


def test_months_without_anything_are_reported_as_such(story: Path, revrec: Revrec) -> None:
    assert revrec("periods", "list", "--period", "2031").out == (
        "no period in these months is known, and none has open schedule lines; all: revrec periods list\n"
    )


def test_a_run_ends_with_4_while_something_needs_review_and_a_dry_run_reports_it(
    story: Path, intacct: dict[str, str], revrec: Revrec
) -> None:
    revrec(*CLOSE)
    dry = revrec("run", "--date", "2024-02-29", "--dry-run", env=intacct)
    assert dry.code == 0 and "0 entries would be posted" in dry.out and "blocked; nothing was written" in dry.out
    ran = revrec("run", "--date", "2024-02-29", env=intacct)
    assert ran.code == 4 and "blocked: recognized on 2024-01-" in ran.err
    status = revrec("status", env=intacct)
    assert "closed" in status.out and "policy hold: closed here by" in status.out
    assert "blocked" in revrec("preview", "--date", "2024-02-29").out


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("close", "March", "--reason", "x"), 2, "'March' is not a month; write it as 2024-03"),
        (("close", "2024-13", "--reason", "x"), 2, "'2024-13' is not a month"),
        (("close", "9999-01", "--reason", "x"), 2, "no month of the year 9999"),
        (("close", "2024-01", "--reason", " "), 3, "a decision needs a reason"),
        (("open", "2024-01", "--reason", "x", "--entity", "100"), 3, "--entity 100: unknown"),
        (("list", "--entity", "100"), 3, "--entity 100: unknown"),
    ],
)
def test_mistakes_are_reported_with_their_fix(
    story: Path, revrec: Revrec, words: tuple[str, ...], code: int, said: str
) -> None:
    ended = revrec("periods", *words)
    assert ended.code == code and said in ended.err


def test_sync_says_what_intacct_reported_and_a_trace_explains_the_date(
    story: Path, intacct: dict[str, str], revrec: Revrec
) -> None:
    shown = revrec("periods", "sync", "--format", "json", env=intacct).json["entities"]
    assert [(one["entity"], one["changed"], one["note"]) for one in shown] == [("", True, "")]
    revrec(*CLOSE)
    env = {**intacct, "REVREC_POSTING_CLOSED_PERIOD": "next_open"}
    ran = revrec("run", "--date", "2024-02-29", "--format", "json", env=env)
    assert ran.code == 0 and {entry["date"] for entry in ran.json["entries"]} == {"2024-03-01"}
    (first, *_) = ran.json["entries"]
    assert "dated 2024-03-01 by policy next_open" in revrec("trace", first["reference"]).out
