"""Every command at every width: facts stay whole, sentences break between words, and what is left out is named."""

import re
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest

from revrec.cli import layout
from revrec.cli.terminal import SafeStream, wrapped
from support.commands import Revrec, call_at_terminal

WIDTHS = (60, 80, 120, 200)
NOTE = re.compile(r"\(too narrow for (.*?); a wider terminal or --format csv shows all\)")
GUIDES = "│├└─"
EMPTY = {"entity", "how", "record_no", "moved", "reason"}
"""Columns without a value in these books."""

COMMANDS = {
    "import": ["import", "more.csv", "--dry-run"],
    "import, explained": ["import", "--explain", "more.csv"],
    "preview": ["preview"],
    "preview of a day": ["preview", "--date", "2024-04-30"],
    "preview of a file": ["preview", "--file", "more.csv"],
    "run": ["run", "--date", "2024-04-30", "--dry-run"],
    "balance by contract": ["report", "balance", "--date", "2024-03-31", "--planned"],
    "balance by line": ["report", "balance", "--date", "2024-03-31", "--planned", "--show", "lines"],
    "balance by account": ["report", "balance", "--date", "2024-03-31", "--planned", "--show", "accounts"],
    "status": ["status"],
    "trace": ["trace", "shop/INV-1003/1"],
    "explain": ["explain", "shop/INV-1003/1"],
    "schedule": ["schedule"],
    "rules list": ["rules", "list"],
    "rules check": ["rules", "check", "--against-data"],
    "rules explain": ["rules", "explain", "shop/INV-1005/1"],
    "rules diff": ["rules", "diff", "rules"],
    "rules calendar": ["rules", "calendar", "subscription-daily", "2024"],
    "postings list": ["postings", "list", "--state", "all"],
    "run list": ["run", "list"],
    "charge list": ["charge", "list"],
    "import list": ["import", "list"],
    "audit list": ["audit", "list"],
    "rules history": ["rules", "history", "magazine-12-issues"],
    "periods list": ["periods", "list"],
    "quarantine list": ["quarantine", "list"],
    "quarantine show": ["quarantine", "show", "1"],
    "errors list": ["errors", "list"],
    "errors explain": ["errors", "explain", "GL-1009"],
    "docs": ["docs"],
    "selftest": ["selftest"],
    "verify": ["verify"],
}


@pytest.fixture
def books(story: Path, revrec: Revrec, charges: Callable[..., Path]) -> Path:
    """The sample data, a row in quarantine, and another file that can be read."""
    bad = charges("shop,I-9,1,C-ADA,MAG-01,2024-01-05,0.00,USD", name="bad.csv")
    assert revrec("import", bad, "--keep-good").code == 3
    charges("shop,I-10,1,A customer with a name of many words,MAG-01,2024-01-05,1234567.89,USD", name="more.csv")
    return story


def headings(whole: str) -> set[str]:
    """Return the names of the columns: the words above each rule."""
    lines = whole.splitlines()
    return {word for heading, rule in pairwise(lines) if rule.startswith("──") for word in heading.split()}


@pytest.mark.parametrize("words", COMMANDS.values(), ids=COMMANDS)
def test_no_width_breaks_a_word_or_drops_a_column_without_a_note(words: list[str], books: Path, revrec: Revrec) -> None:
    whole = revrec(*words)
    assert revrec(*words, env={"COLUMNS": "60"}).out == whole.out, "without a terminal, the width of one is ignored"
    for width in WIDTHS:
        ended = call_at_terminal(width, *words)
        assert ended.code == whole.code, ended.err
        text = " ".join(ended.out.translate(dict.fromkeys(map(ord, GUIDES), " ")).split())
        shown = set(NOTE.sub("", text).split())
        assert shown <= set(whole.out.split()), "every word is one that is printed without a terminal"
        # Only a single word that is longer than the terminal, such as a path or a digest, goes beyond its edge.
        for line in ended.out.splitlines():
            assert len(line) <= width or len(line.strip(f" {GUIDES}").split()) <= 2, line
        left_out = {name for note in NOTE.findall(text) for name in note.split(", ")}
        assert headings(whole.out) - shown <= left_out | EMPTY, "a block leaves out empty values"


@pytest.mark.parametrize("form", ["json", "csv"])
def test_data_is_never_broken_into_lines(form: str, books: Path, revrec: Revrec) -> None:
    words = ["preview", "--format", form]
    assert call_at_terminal(60, *words).out == revrec(*words).out


def test_columns_are_dropped_in_the_order_of_the_command_and_named() -> None:
    row = {"name": "N" * 20, "one": "1" * 20, "two": "2" * 20}
    assert list(layout.column_widths([row], list(row), ("one", "two"), 66)) == ["name", "one", "two"]
    assert list(layout.column_widths([row], list(row), ("one", "two"), 65)) == ["name", "one"]
    assert list(layout.column_widths([row], list(row), ("one", "two"), 42)) == ["name"]
    assert layout.column_widths([row], list(row), ("one", "two"), 19) == {}, "the row becomes a block"


def test_columns_without_a_value_are_dropped_first() -> None:
    row = {"name": "N" * 20, "error": "", "one": "1" * 20, "advice": ""}
    assert list(layout.column_widths([row], list(row), ("one",), 60)) == list(row)
    assert list(layout.column_widths([row], list(row), ("one",), 59)) == ["name", "error", "one"]
    assert list(layout.column_widths([row], list(row), ("one",), 50)) == ["name", "one"]
    assert list(layout.column_widths([row], list(row), ("one",), 42)) == ["name"]


def test_sentences_share_the_room_that_is_left() -> None:
    row = {"key": "K" * 10, "reason": "word " * 40, "fix": "do " * 14}
    widths = layout.column_widths([row], list(row), (), 100)
    assert (widths["key"], sum(widths.values()) + 2 * layout.GAP) == (10, 100)
    assert min(widths["reason"], widths["fix"]) >= layout.LEAST_PROSE


def test_a_row_that_fits_no_table_is_a_block_with_every_value(
    books: Path, revrec: Revrec, charges: Callable[..., Path]
) -> None:
    path = charges("shop,I-1,1,C-ADA,MAG-01,2024-01-05,24.00,USD", name=f"{'long-name' * 8}.csv")
    shown = call_at_terminal(60, "import", path, "--dry-run").out.splitlines()
    assert shown[0].split() == ["file", str(path)]
    assert ["accepted", "1"] in [line.split() for line in shown]


@pytest.mark.parametrize(
    ("text", "width", "lines"),
    [
        ("short", 10, ["short"]),
        ("one two three", 7, ["one two", "three"]),
        ("  one two three", 9, ["  one two", "  three"]),
        ("charge lines   one two three four five six seven eight", 45,
         ["charge lines   one two three four five six", "               seven eight"]),
        ("2024-01-31 2024-02-29", 12, ["2024-01-31", "2024-02-29"]),
        ("a-word-longer-than-the-line and more", 10, ["a-word-longer-than-the-line", "and more"]),
    ],
)  # fmt: skip
def test_lines_break_between_words_only(text: str, width: int, lines: list[str]) -> None:
    assert wrapped(text, width) == lines


def test_a_stream_that_is_not_a_terminal_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "10")
    with (tmp_path / "out").open("w") as file:
        SafeStream(file).write("one two three four\n")
    assert (tmp_path / "out").read_text() == "one two three four\n"
