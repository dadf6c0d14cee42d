"""Commands start fast because they load only what they use: held by what is loaded, never by a stopwatch."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from revrec.cli.main import build_app
from revrec.jobs.context import make_context

ROOT = Path(__file__).resolve().parents[2]
HEAVY = ("sqlalchemy", "alembic", "psycopg", "requests", "lxml", "pydantic", "rich")
LOADED = """
import atexit, json, sys
atexit.register(lambda: print(json.dumps(sorted(sys.modules)), file=sys.stderr))
from revrec.cli.main import main
main()
"""


def heavy_modules_loaded_by(*words: str, folder: Path) -> set[str]:
    """Run ``revrec`` in a separate process and return which heavy libraries it loaded."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "200"}
    command = [sys.executable, "-c", LOADED, *words]
    ended = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    loaded = json.loads(ended.stderr.splitlines()[-1])
    assert "revrec.cli.main" in loaded
    return {name.partition(".")[0] for name in loaded} & set(HEAVY)


@pytest.fixture
def books(tmp_path: Path) -> Path:
    """A folder with a configuration and an empty database."""
    (tmp_path / "revrec.toml").write_text('[accounts]\ndeferred = "2400"\n', encoding="utf-8")
    make_context("test", tmp_path / "revrec.toml", environment={}).database.create()
    return tmp_path


@pytest.mark.parametrize("words", [["--help"], ["run", "--help"], ["rules", "--help"], ["--version"]], ids=" ".join)
def test_help_loads_no_heavy_library(words: list[str], tmp_path: Path) -> None:
    assert heavy_modules_loaded_by(*words, folder=tmp_path) == set()


@pytest.mark.parametrize(
    "words",
    [
        ["status"],
        ["status", "--format", "json"],
        ["--format", "csv", "status", "--date", "2024-03-31"],
        ["status", "--check"],
        ["status", "--check", "--date", "2024-03-31", "--prometheus", "revrec.prom"],
        ["status", "--config", "revrec.toml", "--database", "sqlite:///revrec.db"],
    ],
    ids=" ".join,
)
def test_status_on_sqlite_loads_no_heavy_library(words: list[str], books: Path) -> None:
    assert heavy_modules_loaded_by(*words, folder=books) == set()


def commands(*words: str) -> list[str]:
    """Return the commands that are loaded for a command line."""
    group: Any = get_command(build_app(words))
    return list(group.commands)


def test_a_command_is_loaded_alone() -> None:
    whole = commands()
    for first in {name.split()[0] for name in whole}:
        assert commands(first, "--help") == [name for name in whole if name.split()[0] == first]


@pytest.mark.parametrize("words", [["--format", "json", "status"], ["statsu"], ["--help"]], ids=" ".join)
def test_every_command_is_loaded_where_the_first_word_is_not_one(words: list[str]) -> None:
    assert commands(*words) == commands()


def test_a_wrong_word_for_an_option_still_gets_the_usage_message(books: Path) -> None:
    command = [sys.executable, "-c", "from revrec.cli.main import main; main()", "status", "--format", "jsn"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    ended = subprocess.run(command, cwd=books, env=environment, capture_output=True, text=True, check=False)
    assert ended.returncode == 2
    assert "'jsn' is not one of table, json, csv" in ended.stderr


def test_the_shell_completes_the_words_of_an_option(books: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "_REVREC_COMPLETE": "complete_zsh"}
    environment["_TYPER_COMPLETE_ARGS"] = "revrec status --format "
    command = [sys.executable, "-c", "from revrec.cli.main import main; main()"]
    ended = subprocess.run(command, cwd=books, env=environment, capture_output=True, text=True, check=False)
    assert '"table"\n"json"\n"csv"' in ended.stdout
