"""Write the commands of ``docs/cli.md`` from the program's own help: python docs/write_cli.py"""

from collections.abc import Iterator
from typing import Any

import typer
from generated import DOCS, with_part

from revrec.cli.main import build_app
from revrec.cli.shared import GLOBAL

MANUAL = DOCS / "cli.md"


def written(manual: str) -> str:
    """Return the manual with its commands as the program has them now."""
    return with_part(manual, "commands", "write_cli", sections(typer.main.get_command(build_app()), ("revrec",)))


def sections(node: Any, words: tuple[str, ...]) -> Iterator[str]:
    """Yield the section of every command below a group, in the order of the help."""
    for name, child in node.commands.items():
        path = (*words, name)
        if hasattr(child, "commands"):
            yield from sections(child, path)
        else:
            yield "".join(section(child, path))


def section(command: Any, words: tuple[str, ...]) -> Iterator[str]:
    """Yield one command: what it does, its examples, its arguments and options."""
    arguments = [one for one in command.params if one.param_type_name == "argument"]
    options = [one for one in command.params if one.param_type_name == "option" and not one.hidden]
    options = [one for one in options if one.name not in GLOBAL]
    about, _, examples = command.help.partition("\n\n\b\n")
    usage = " ".join([*words[1:], *(_place(one) for one in arguments)])
    yield f"\n### `revrec {usage}`\n\n{about}\n"
    lines = [line.strip() for line in examples.partition("\n")[2].splitlines()]
    yield "\n```sh\n" + "\n".join(lines) + "\n```\n"
    if arguments or options:
        yield "\n| | |\n|---|---|\n"
    for one in [*arguments, *options]:
        if one.name != "help":
            yield f"| {_name(one)} | {_about(one)} |\n"


def _place(argument: Any) -> str:
    place = f"{argument.metavar}{'...' if argument.nargs != 1 else ''}"
    return place if argument.required or place.startswith("[") else f"[{place}]"


def _name(parameter: Any) -> str:
    if parameter.param_type_name == "argument":
        return f"`{parameter.metavar}`"
    value = "" if parameter.is_flag else f" {parameter.metavar}"
    return f"`{', '.join(parameter.opts)}{value}`"


def _about(parameter: Any) -> str:
    help = parameter.help.replace("|", "\\|")
    if parameter.required and parameter.param_type_name == "option":
        return f"{help} Required."
    plain = parameter.default in (None, "", False, ()) or callable(parameter.default) or parameter.required
    return help if plain else f"{help} Default: `{parameter.default}`."


if __name__ == "__main__":
    MANUAL.write_text(written(MANUAL.read_text(encoding="utf-8")), encoding="utf-8")
