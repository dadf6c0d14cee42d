"""What is committed while a figure is compared with what is behind it does not look like a difference."""

from typing import Any

import pytest

from revrec.core.report import read_address
from revrec.jobs.reports.tie_out import CLOSING
from support.commands import Revrec

FIGURES = (
    ("rollforward", "--period", "2024-03", "--drill", "column=credited"),
    ("waterfall", "--date", "2024-03-31", "--drill", "billed=2024-01,column=total"),
    ("rpo", "--date", "2024-03-31", "--drill", "column=total"),
    ("balance", "--date", "2024-03-31", "--drill", "contract=CON-7,column=liability"),
    ("tie-out", "--date", "2024-03-31", "--drill", f"figure={CLOSING},column=amount"),
    (
        "disclosures",
        "--period",
        "2024-03",
        "--drill",
        "disclosure=D1,balance=contract liabilities, current,column=closing",
    ),
)


@pytest.mark.usefixtures("story")
@pytest.mark.parametrize("words", FIGURES, ids=lambda words: words[0])
def test_a_drill_shows_one_moment(revrec: Revrec, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]) -> None:
    committed = list[int]()

    def commit_first(text: str) -> Any:
        """Commit between the report and what is behind it."""
        if not committed:
            credit = ("event", "add", "shop/INV-1006/1", "credit", "2024-03-20", "--amount", "7.00")
            committed.append(revrec(*credit).code)
        return read_address(text)

    before = revrec("report", *words, "--format", "json")
    assert before.code == 0, before.err
    monkeypatch.setattr("revrec.jobs.reports.drill.read_address", commit_first)
    ended = revrec("report", *words, "--format", "json")
    assert (ended.code, committed) == (0, [0]), ended.err
    assert ended.json["rows"] == before.json["rows"]
    after = revrec("report", *words, "--format", "json")
    assert after.code == 0 and after.json["rows"] != before.json["rows"], "the credit counts"
