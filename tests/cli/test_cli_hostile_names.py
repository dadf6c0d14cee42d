"""A file's name can hold line breaks and escape sequences; no message lets it forge a line or drive a terminal."""

import os
from pathlib import Path

import pytest
from typer.testing import CliRunner

from revrec.cli.main import build_app

NAME = "a\nrevrec: all is well\x1b[31m.csv"
SHOWN = "a\\nrevrec: all is well\\u001b[31m.csv"
HEADER = "source,document,line,customer,item,post_date,amount,currency"
BAD_ROW = "shop,INV-1,1,C,I,2024-01-05,twelve,USD"

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows allows no such names")


@pytest.mark.parametrize("content", [f"{HEADER}\n{BAD_ROW}\n", "x\x1b[31m,y\n1,2\n", None])
def test_a_hostile_file_name_is_one_line_of_a_message(
    content: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    runner = CliRunner()
    assert runner.invoke(build_app(), ["init", "."]).exit_code == 0
    if content is not None:
        Path(NAME).write_text(content, encoding="utf-8")
    ended = runner.invoke(build_app(), ["import", NAME])
    assert ended.exit_code == 3
    assert SHOWN in ended.stderr
    assert not [line for line in ended.stderr.splitlines() if line.startswith("revrec: all is well")]
    assert "\x1b" not in ended.output
