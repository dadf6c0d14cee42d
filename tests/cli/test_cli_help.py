"""The texts about the program itself: help, examples, version, suggestions, completion."""

import os
import shlex
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
import typer

from revrec import __version__
from revrec.cli.main import build_app
from support.commands import Revrec
from support.patience import PATIENCE

ROOT = typer.main.get_command(build_app())


def tree(command: Any = ROOT, words: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every group and command below the program, with the words that lead to it."""
    yield words, command
    for name, child in getattr(command, "commands", {}).items():
        yield from tree(child, (*words, name))


NODES = dict(tree())
COMMANDS = {words: node for words, node in NODES.items() if not hasattr(node, "commands")}
every_command = pytest.mark.parametrize("words", COMMANDS, ids=" ".join)


def examples(node: Any) -> list[str]:
    """The lines of a command's example block, as its docstring has them."""
    text = (node.epilog if node is ROOT else node.help) or ""
    block = text.partition("\b\nExample")[2].partition("\n\n")[0]
    return [line for line in block.splitlines()[1:] if line.strip()]


def test_the_command_tree_is_the_one_of_the_contract() -> None:
    contract = {
        "init", "demo", "import", "event add", "rules check", "rules list", "rules explain", "schedule", "preview",
        "run", "trace", "status", "postings list", "sandbox serve", "db upgrade", "db status", "db backup",
    }  # fmt: skip
    assert contract <= {" ".join(words) for words in COMMANDS}


@every_command
def test_the_help_of_a_command_shows_its_examples_line_by_line(words: tuple[str, ...], revrec: Revrec) -> None:
    shown = revrec(*words, "--help")
    assert shown.code == 0 and shown.err == ""
    expected = examples(COMMANDS[words])
    assert expected, "its docstring has no block that begins with Example"
    lines = [line.removeprefix("  ") for line in shown.out.splitlines()]
    start = lines.index(expected[0])
    assert lines[start : start + len(expected)] == expected
    assert lines[start - 1] in ("Example:", "Examples:")


@every_command
def test_every_example_is_a_command_line_that_the_program_takes(words: tuple[str, ...]) -> None:
    for line in examples(COMMANDS[words]):
        given = shlex.split(line)
        # A command such as `run list`, beside `run`, has a name of two words.
        named = ["revrec", *" ".join(words).split()]
        assert given[: len(named)] == named
        with COMMANDS[words].make_context(" ".join(words), given[len(named) :]) as context:
            assert context.args == []


@every_command
def test_the_first_sentence_of_a_command_fits_the_list_of_commands(words: tuple[str, ...], revrec: Revrec) -> None:
    first = COMMANDS[words].help.splitlines()[0]
    listed = revrec(*words[:-1], "--help").out
    assert first in listed


VERBS = {
    "Check", "Close", "Compare", "Confirm", "Copy", "Create", "Derive", "Dismiss", "Explain", "Fetch", "Import",
    "Let", "List", "Look", "Make", "Open", "Post", "Print", "Read", "Record", "Replace", "Reset", "Restore", "Reverse",
    "Run", "Save", "Send", "Serve", "Settle", "Show", "Trace", "Void", "Withdraw",
}  # fmt: skip


@pytest.mark.parametrize("words", [words for words in NODES if words], ids=" ".join)
def test_the_help_of_a_command_or_group_starts_with_a_verb(words: tuple[str, ...]) -> None:
    first = NODES[words].help.split()[0].rstrip(",")
    assert first in VERBS


@every_command
def test_every_argument_and_option_says_what_it_takes_and_means(words: tuple[str, ...]) -> None:
    for parameter in COMMANDS[words].params:
        assert parameter.help and parameter.help.endswith((".", "FILE", "days", "'.", "examples."))
        assert parameter.metavar or parameter.is_flag, f"{parameter.name} has no metavar"


@pytest.mark.parametrize("words", NODES, ids=lambda words: " ".join(words) or "revrec")
def test_h_is_help_everywhere(words: tuple[str, ...], revrec: Revrec) -> None:
    assert revrec(*words, "-h").out == revrec(*words, "--help").out


def test_the_version_is_one_line(revrec: Revrec) -> None:
    assert revrec("--version").out == f"revrec {__version__}\n"


def test_the_program_alone_shows_its_help_with_the_exit_codes(revrec: Revrec) -> None:
    shown = revrec()
    assert shown.code == 2
    printed = shown.out + shown.err
    assert printed.startswith("Usage: revrec [OPTIONS] COMMAND")
    assert "2 usage; 3 bad input; 4 posting incomplete" in printed
    assert "  revrec demo" in printed


@pytest.mark.parametrize("group", ["rules", "db", "event", "postings", "sandbox"])
def test_a_group_alone_shows_its_commands(group: str, revrec: Revrec) -> None:
    shown = revrec(group)
    assert shown.code == 2
    assert "Commands:" in shown.out + shown.err


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        (["previw"], "preview"),
        (["rules", "chek"], "check"),
        (["run", "--dat", "2024-03-31"], "--date"),
        (["--fromat", "json", "status"], "--format"),
    ],
)
def test_a_mistyped_word_is_a_usage_error_that_names_what_was_meant(
    words: list[str], meant: str, revrec: Revrec
) -> None:
    ended = revrec(*words)
    assert ended.code == 2
    assert ended.out == ""
    assert meant in ended.err.splitlines()[-1]


def completed(line: str) -> set[str]:
    """What bash is offered for this line, by the environment that its completion script sets."""
    words = line.split(" ")
    environment = {
        **os.environ,
        "_REVREC_COMPLETE": "complete_bash",
        "COMP_WORDS": line,
        "COMP_CWORD": str(len(words) - 1),
        "_TYPER_COMPLETE_ARGS": line,
    }
    program = [sys.executable, "-c", "from revrec.cli.main import main; main()"]
    ended = subprocess.run(program, env=environment, capture_output=True, text=True, check=True, timeout=PATIENCE)
    return set(ended.stdout.split())


def test_completion_offers_the_commands_that_begin_so() -> None:
    assert completed("revrec ru") == {"run", "rules"}


def test_completion_offers_options_and_their_words() -> None:
    assert completed("revrec status --fo") == {"--format"}
    assert completed("revrec status --format ") == {"table", "json", "csv"}


@pytest.mark.parametrize("option", ["--install-completion", "--show-completion"])
def test_completion_can_be_installed_and_shown(option: str, revrec: Revrec) -> None:
    assert option in revrec("--help").out


def test_the_completion_script_of_bash_calls_the_program_by_its_name() -> None:
    program = shlex.join([sys.executable, "-c", "from revrec.cli.main import main; main()", "--show-completion"])
    ended = subprocess.run(
        ["bash", "-c", f"{program}; exit $?"], capture_output=True, text=True, timeout=PATIENCE, check=True
    )
    assert "_REVREC_COMPLETE=complete_bash" in ended.stdout
    assert "complete -o default -F _revrec_completion revrec" in ended.stdout


def test_the_list_of_commands_is_the_same_without_their_options() -> None:
    quick = typer.main.get_command(build_app(["--help"]))
    whole = typer.main.get_command(build_app())
    pages = [group.get_help(typer.Context(group, info_name="revrec")) for group in (quick, whole)]
    assert pages[0] == pages[1]
    assert not quick.commands["run"].params and whole.commands["run"].params  # type: ignore[attr-defined]
