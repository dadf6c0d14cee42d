"""Start fast: pass options that need no conversion to the command as they are.

Typer converts every option with pydantic, even plain text and options that were left out, and loading pydantic takes
longer than the rest of ``revrec status``, which monitors run every minute: 0.25 s of CPU time with this module, 0.39 s
without (Python 3.11, 2 cores, median of five). Numbers and words from a list are read here too, because the messages
of pydantic are not written for users ("Input should be a valid integer"). Other types still go through typer.
"""

import re
from collections.abc import Iterable
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Any

from typer import BadParameter
from typer.core import TyperCommand, TyperGroup

from revrec.cli.terminal import safe_streams

LARGEST = 10**18
"""The largest number that an option accepts: the database stores 64 bits."""


class QuickCommand(TyperCommand):
    """A typer command whose plain parameters are not converted."""

    def get_params(self, ctx: Any) -> list[Any]:
        """Return the parameters, ``--help`` included."""
        return _quick(super().get_params(ctx))


class QuickGroup(TyperGroup):
    """A typer group whose plain parameters are not converted; its commands have their own class."""

    def get_params(self, ctx: Any) -> list[Any]:
        """Return the parameters, ``--help`` included."""
        return _quick(super().get_params(ctx))

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Find the command that the words name; ``run list`` is a command beside ``run``."""
        two_words = " ".join(args[:2])
        if two_words in self.commands and len(args) > 1:
            return two_words, self.commands[two_words], args[2:]
        return super().resolve_command(ctx, args)

    def shell_complete(self, ctx: Any, incomplete: str) -> list[Any]:
        """Return the commands that begin like ``incomplete``; a shell completes one word at a time."""
        return [one for one in super().shell_complete(ctx, incomplete) if " " not in str(one.value)]

    def main(self, *words: Any, **options: Any) -> Any:
        """Run the command line with safe streams, so that usage errors are escaped too."""
        with safe_streams():
            return super().main(*words, **options)


def _quick(parameters: Iterable[Any]) -> list[Any]:
    found = list(parameters)
    for parameter in found:
        if parameter.nargs == 1 and not parameter.multiple and "process_value" not in vars(parameter):
            parameter.process_value = partial(_process, parameter, parameter.process_value)
    return found


def _process(parameter: Any, convert: Any, context: Any, text: Any) -> Any:
    """Return the parameter's value; convert it with typer's own ``convert`` only if this module does not read it."""
    left_out = text is None and not parameter.required
    try:
        value = None if left_out else _read(parameter, text)
    except ValueError as error:
        raise BadParameter(str(error), context, parameter) from None
    if value is None and not left_out:
        return convert(context, text)
    return parameter.callback(context, parameter, value) if parameter.callback else value


def _read(parameter: Any, text: Any) -> Any:
    """Return text, a path, a whole number or one of the allowed words; None for anything else.

    Raises:
        ValueError: The text is not a number in the option's range, or not one of its words.
    """
    descriptor = getattr(parameter, "type_descriptor", None)
    if descriptor is None or not isinstance(text, str):
        return None
    kind = descriptor.annotation
    if kind in (str, Path):
        return kind(text)
    if kind is int:
        return _whole_number(text, descriptor.parameter_info.min, descriptor.parameter_info.max)
    return _word(text, kind) if isinstance(kind, type) and issubclass(kind, StrEnum) else None


def _whole_number(text: str, least: int | None, most: int | None) -> int:
    low, high = -LARGEST if least is None else least, LARGEST if most is None else most
    if not re.fullmatch(r"\s*[+-]?[0-9]{1,18}\s*", text) or not low <= int(text) <= high:
        wanted = "" if least is None else f" from {least}" if most is None else f" from {least} to {most}"
        raise ValueError(f"{text!r} is not a whole number{wanted}; write it in digits, such as {max(low, 1)}")
    return int(text)


def _word(text: str, words: type[StrEnum]) -> StrEnum:
    if text not in list(words):
        raise ValueError(f"{text!r} is not one of {', '.join(words)}")
    return words(text)
