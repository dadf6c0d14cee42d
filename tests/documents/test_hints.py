"""What messages, help and documentation point to is there: pages, commands, options, extras, files and hosts."""

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import typer

from revrec.cli.main import build_app
from revrec.cli.shared import GLOBAL
from revrec.core.extras import install_command
from revrec.sources.transports import transports

ROOT = Path(__file__).resolve().parents[2]
PAGES = {path.stem: path.read_text(encoding="utf-8") for path in (ROOT / "docs").glob("*.md")}
COMMANDS: Any = typer.main.get_command(build_app())
EXTRAS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]

COMMAND = re.compile(r"(?:`|: |^\$ |^ +)revrec ([a-z-]+)((?: [^ `;,)\n]+)*)", re.MULTILINE)
PROSE = {"cannot", "creates", "does", "looks", "never", "tries"}
"""Words after ``: revrec`` in sentences about the program."""

ONLY_IN_THE_SOURCE = re.compile(r"\b(?:docs|tests|benchmarks|requirements)/\w|\bbootstrap\.py|\w\.md\b|\bpip install\b")
HOSTS = {"127.0.0.1", "api.intacct.com", "www.intacct.com", "json-schema.org"}


def names_of(path: Path) -> Iterator[str]:
    """Yield each text of a module that a user can read: all strings, but of docstrings only the help of commands."""
    nodes = list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
    helps = {id(node.body[0]) for node in nodes if isinstance(node, ast.FunctionDef) and node.decorator_list}
    unread = {id(part) for node in nodes if isinstance(node, ast.JoinedStr) for part in node.values}
    unread |= {id(node.value) for node in nodes if isinstance(node, ast.Expr) and id(node) not in helps}
    for node in nodes:
        if isinstance(node, ast.JoinedStr):
            yield "".join(str(part.value) if isinstance(part, ast.Constant) else "X" for part in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in unread:
            yield node.value


@cache
def messages() -> list[tuple[str, str]]:
    """Return each text that a user can read, with the name of its file."""
    return [
        *((path.name, text) for path in modules() for text in names_of(path)),
        *((path.name, path.read_text(encoding="utf-8")) for path in (ROOT / "revrec").rglob("*.toml")),
    ]


@cache
def modules() -> list[Path]:
    """Return the modules of the program."""
    return sorted((ROOT / "revrec").rglob("*.py"))


def commands(text: str) -> Iterator[tuple[str, ...]]:
    """Yield the words of each command that a text names, without the program's name."""
    joined = re.sub(r"`revrec [^`]*`", lambda span: " ".join(span[0].split()), text)
    for found in COMMAND.finditer(joined):
        if found[1] not in PROSE:
            yield (found[1], *found[2].split())


def wrong(words: tuple[str, ...]) -> str:
    """Return what is wrong with a command: an unknown name or option; nothing if it exists."""
    node, rest = COMMANDS, list(words)
    while rest and hasattr(node, "commands"):
        # `run list` is a command beside `run`.
        two_words = " ".join(rest[:2]).rstrip(".:")
        name = two_words if two_words in node.commands else rest[0].rstrip(".:")
        del rest[: len(name.split())]
        if name.startswith("-") or name.isupper():
            return ""
        if name not in node.commands:
            return f"no command {name}: {' '.join(words)}"
        node = node.commands[name]
    options = {option for parameter in node.params for option in (*parameter.opts, *parameter.secondary_opts)}
    options |= {f"--{name}" for name in GLOBAL} | {"--help"}
    unknown = [word for word in rest if word.startswith("--") and word.partition("=")[0].rstrip(".:") not in options]
    return f"no option {unknown}: {' '.join(words)}" if unknown else ""


@pytest.mark.parametrize("texts", [messages, PAGES.items], ids=["messages", "pages"])
def test_every_command_that_is_named_exists_with_its_options(texts: Callable[[], Iterable[tuple[str, str]]]) -> None:
    found = [(place, words) for place, text in texts() for words in commands(text)]
    assert len(found) > 100
    assert [(place, why) for place, words in found if (why := wrong(words))] == []


def test_every_page_that_is_named_exists() -> None:
    named = {
        words[1]
        for _, text in (*messages(), *PAGES.items())
        for words in commands(text)
        if len(words) > 1 and words[0] == "docs"
    }
    pages = {name.rstrip(".:") for name in named if name.islower() and not name.startswith("-")}
    assert len(pages) > 5 and pages <= PAGES.keys()


def test_messages_name_no_file_that_only_the_source_has_and_no_other_way_to_install() -> None:
    found = {text for _, text in messages() if ONLY_IN_THE_SOURCE.search(text)}
    # How `revrec docs` opens a page, the command of an extra, and where a checkout has the cases of the self-test.
    assert found == {"X.md", 'X -m pip install "revrec[X]"', "tests/golden"}


def test_messages_name_only_known_hosts() -> None:
    urls = {url for _, text in messages() for url in re.findall(r"https?://[\w.-]+\.\w+", text)}
    hosts = {urlsplit(url).hostname or "" for url in urls}
    assert {host for host in hosts if not host.endswith((".example", "example.com"))} <= HOSTS


def test_every_extra_that_is_named_exists() -> None:
    named = {name for path in modules() for name in re.findall(r"install_command\([\"'](\w+)", path.read_text("utf-8"))}
    named |= {kind.extra for kind in transports().values() if kind.extra}
    assert len(named) >= 6 and named <= EXTRAS.keys()
    assert (
        set(re.findall(r"\[extra\]\(dependencies\.md#install-an-extra\) `(\w+)`", "".join(PAGES.values())))
        <= EXTRAS.keys()
    )
    table = PAGES["dependencies"].partition("## Install an extra")[2].partition("\n## ")[0]
    assert set(re.findall(r"`(\w+)`", table)) >= EXTRAS.keys()


@pytest.mark.slow
def test_the_command_that_installs_an_extra_works_without_an_index() -> None:
    """The libraries of the extras are installed for the tests, so pip finds each extra in the revrec beside it."""
    for extra in EXTRAS.keys() - {"keyring"}:
        command = install_command(extra).replace("pip install", "pip install --dry-run --no-index")
        ended = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=False)
        said = ended.stdout + ended.stderr
        assert sys.executable in command
        assert "does not provide the extra" not in said
        assert ended.returncode == 0, said


def test_the_samples_that_the_pages_use_can_be_copied(revrec_docs: Path) -> None:
    used = {name for text in PAGES.values() for name in re.findall(r"\$ .*?(sample_data/[\w./-]+\w)", text)}
    assert len(used) > 10
    assert not [name for name in used if not (revrec_docs / name).exists()]


@pytest.fixture
def revrec_docs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder with the samples that ``revrec docs --samples`` copies."""
    from support.commands import call

    monkeypatch.chdir(tmp_path)
    assert call("docs", "--samples").out == "the sample files are in sample_data\n"
    return tmp_path
