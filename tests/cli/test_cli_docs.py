"""``revrec docs``: the documentation, offline."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from revrec.cli.main import build_app

DOCS = Path(__file__).resolve().parents[2] / "docs"


def revrec(*words: str) -> tuple[int, str]:
    ended = CliRunner().invoke(build_app(), ["docs", *words])
    return ended.exit_code, ended.output


def test_without_a_page_every_page_is_listed_with_its_title() -> None:
    code, output = revrec("--format", "json")
    assert code == 0
    assert {row["page"] for row in json.loads(output)} == {path.stem for path in DOCS.glob("*.md")}
    assert {"page": "glossary", "title": "Glossary"} in json.loads(output)


def test_in_a_pipe_a_page_is_its_markdown() -> None:
    assert revrec("first-close") == (0, (DOCS / "first-close.md").read_text(encoding="utf-8"))


def test_what_only_the_site_uses_is_left_out() -> None:
    code, output = revrec("index")
    assert (code, "toctree" in output) == (0, False)
    assert "## By reader" in output


def test_the_beginning_of_a_name_is_enough_if_only_one_page_begins_so() -> None:
    assert revrec("gloss") == revrec("glossary.md")


@pytest.mark.parametrize(
    ("page", "message"),
    [
        ("glosary", 'glosary: no such page; did you mean "glossary"?'),
        ("per", "per: several pages begin with this: performance, periods"),
    ],
)
def test_a_page_that_does_not_exist_is_refused_with_the_fix(page: str, message: str) -> None:
    code, output = revrec(page)
    assert code == 3
    assert message in output
