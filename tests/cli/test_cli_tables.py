"""The small parts of printing."""

import io
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from revrec.cli import output


@pytest.mark.parametrize(
    ("amount", "shown"),
    [
        ("0", "0"), ("0.00", "0.00"), ("-0.50", "-0.50"), ("999.99", "999.99"), ("1000", "1,000"),
        ("-1234567.891", "-1,234,567.891"), ("92233720368547758.07", "92,233,720,368,547,758.07"), ("", ""),
        ("n/a", "n/a"),
    ],
)  # fmt: skip
def test_amounts_are_grouped_for_people(amount: str, shown: str) -> None:
    assert output.grouped(amount) == shown


@given(st.decimals(allow_nan=False, allow_infinity=False, places=2, min_value=-(10**15), max_value=10**15))
def test_grouping_loses_nothing(amount: object) -> None:
    assert output.grouped(f"{amount:f}").replace(",", "") == f"{amount:f}"


def test_counts_are_words() -> None:
    assert output.counted(1, "charge line") == "1 charge line"
    assert output.counted(1200, "charge line") == "1,200 charge lines"
    assert output.counted(2, "entry is", "entries are") == "2 entries are"


@pytest.mark.parametrize("value", ["-12.00", "+3", "-0.5", 7, None, "C-ADA", ""])
def test_numbers_and_plain_text_stay_as_they_are_in_csv(value: object, capsys: pytest.CaptureFixture[str]) -> None:
    output.print_csv([{"a": value}], ["a"])
    assert capsys.readouterr().out.splitlines()[1:] == ['""' if value in ("", None) else str(value)]


@pytest.mark.parametrize("value", ["=1", "@a", "-", "--1", "-1.2.3", "+a", "\tx", "-²", "＝1", "＠a", "＋1", "－1"])
def test_whatever_could_be_a_formula_is_escaped_in_csv(value: str, capsys: pytest.CaptureFixture[str]) -> None:
    output.print_csv([{"a": value}], ["a"])
    assert capsys.readouterr().out.splitlines()[1] == f"'{value}".replace("\t", "\\t")


def test_a_table_without_rows_prints_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    output.print_table([], ["a"], title="Nothing")
    assert capsys.readouterr().out == ""


def test_off_a_terminal_nothing_but_sentences_is_wrapped(monkeypatch: pytest.MonkeyPatch) -> None:
    printed = io.StringIO()
    monkeypatch.setattr(sys, "stdout", printed)
    output.print_table([{"file": "x" * 500, "reason": "word " * 40}], ["file", "reason"])
    lines = printed.getvalue().splitlines()
    assert lines[2].startswith("x" * 500)
    assert len(lines) > 4


def test_text_that_looks_like_markup_is_shown_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    output.print_table([{"item": "[red]x[/red] :smile:"}], ["item"])
    assert "[red]x[/red] :smile:" in capsys.readouterr().out
