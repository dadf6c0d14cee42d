"""``revrec report journal``: what the lines of an entry share is read and converted once for the entry."""

import csv
from pathlib import Path
from typing import Any

import pytest

from revrec.cli.journal_csv import print_journal
from revrec.cli.output import MOST_TEXTS, CsvCells, print_csv
from revrec.jobs.reports.activity import JOURNAL, OF_LINE
from revrec.store.reports import journal as journal_queries
from support.commands import Revrec

JOURNAL_CSV = ("report", "journal", "--format", "csv")


def test_the_journal_is_the_same_csv_as_any_list(capsys: pytest.CaptureFixture[str]) -> None:
    texts = ["=1+1", "a,b", 'say "x"', "two\nlines", "\x1b[1m", "-5", "+x", "", "Zoë", "\u202e", "\ttab"]
    entry: dict[str, Any] = dict.fromkeys(JOURNAL) | {"reference": "R1", "run": 7, "created_by": texts[0]}
    lines: list[tuple[Any, ...]] = [
        (no, "2400", "1.00", None, "USD", text, text, "C-1", text, '{"a":"1"}', text, "rule, " + text, 1)
        for no, text in enumerate(texts, 1)
    ]
    print_csv((entry | dict(zip(OF_LINE, line, strict=True)) for line in lines), JOURNAL)
    expected = capsys.readouterr().out
    print_journal([(entry, lines)])
    assert capsys.readouterr().out == expected
    assert len(list(csv.reader(expected.splitlines()))) == len(texts) + 1


def test_the_texts_of_a_long_list_do_not_fill_the_memory() -> None:
    cells = CsvCells()
    assert [cells[str(no)] for no in range(MOST_TEXTS + 2)][-1] == str(MOST_TEXTS + 1) and len(cells) == 2


@pytest.mark.usefixtures("april")
def test_the_journal_is_the_same_read_at_once_or_in_blocks(
    revrec: Revrec, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert revrec("postings", "reverse", _first(revrec), "--reason", "wrong").code == 0
    whole = revrec(*JOURNAL_CSV)
    assert whole.code == 0 and sum(bool(row["reverses"]) for row in csv.DictReader(whole.out.splitlines())) >= 2
    for most in (1, 3):
        monkeypatch.setattr(journal_queries, "AT_ONCE", most)
        assert revrec(*JOURNAL_CSV).out == whole.out
    # The path of all other formats reads them from the same entries.
    rows = revrec("report", "journal", "--format", "json").json["rows"]
    shown = [{name: "" if value is None else str(value) for name, value in row.items()} for row in rows]
    assert shown == list(csv.DictReader(whole.out.splitlines()))


def _first(revrec: Revrec) -> str:
    return next(csv.DictReader(revrec(*JOURNAL_CSV).out.splitlines()))["reference"]
