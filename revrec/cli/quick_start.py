"""Start fast: pass options that need no conversion to the command as they are.

Typer converts every option with pydantic, even plain text and options that were left out, and loading pydantic takes
longer than the rest of ``revrec status``, which monitors run every minute: 0.25 s of CPU time with this module, 0.39 s
without (Python 3.11, 2 cores, median of five). An option that does need a conversion, and a wrong value, which needs
typer's message, still go through typer.
"""

from collections.abc import Iterable
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Any

from typer.core import TyperCommand, TyperGroup

from revrec.cli.terminal import safe_streams


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
    """Return the parameter's value; convert it with typer's own ``convert`` only if it is not usable as it is."""
    left_out = text is None and not parameter.required
    value = None if left_out else _as_it_is(parameter, text)
    if value is None and not left_out:
        return convert(context, text)
    return parameter.callback(context, parameter, value) if parameter.callback else value


def _as_it_is(parameter: Any, text: Any) -> Any:
    """Return text, a path or one of the allowed words, which need no conversion; None for anything else."""
    descriptor = getattr(parameter, "type_descriptor", None)
    if descriptor is None or not isinstance(text, str):
        return None
    kind = descriptor.annotation
    if kind in (str, Path):
        return kind(text)
    is_choice = isinstance(kind, type) and issubclass(kind, StrEnum)
    return next((word for word in kind if word == text), None) if is_choice else None
