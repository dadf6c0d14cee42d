"""Starting fast: parameters that need no conversion are handed on as they are.

Typer converts every parameter with pydantic, those left out and plain texts too; loading it would take longer than all
the rest of ``revrec status``. What does need a conversion, or a message about a wrong value, still goes to typer.
"""

from collections.abc import Iterable
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Any

from typer.core import TyperCommand, TyperGroup

from revrec.cli.streams import safe_streams


class QuickCommand(TyperCommand):
    """A typer command with quick parameters."""

    def get_params(self, ctx: Any) -> list[Any]:
        """The parameters, ``--help`` too."""
        return _quick(super().get_params(ctx))


class QuickGroup(TyperGroup):
    """A typer group with quick parameters; its commands have their own class."""

    def get_params(self, ctx: Any) -> list[Any]:
        """The parameters, ``--help`` too."""
        return _quick(super().get_params(ctx))

    def main(self, *words: Any, **options: Any) -> Any:
        """Run the command line with safe streams, so that usage errors are harmless too."""
        with safe_streams():
            return super().main(*words, **options)


def _quick(parameters: Iterable[Any]) -> list[Any]:
    found = list(parameters)
    for parameter in found:
        if parameter.nargs == 1 and not parameter.multiple and "process_value" not in vars(parameter):
            parameter.process_value = partial(_process, parameter, parameter.process_value)
    return found


def _process(parameter: Any, thorough: Any, context: Any, given: Any) -> Any:
    """The parameter's value; by typer's own ``thorough`` way if it has to be looked at."""
    left_out = given is None and not parameter.required
    value = None if left_out else _as_it_is(parameter, given)
    if value is None and not left_out:
        return thorough(context, given)
    return parameter.callback(context, parameter, value) if parameter.callback else value


def _as_it_is(parameter: Any, given: Any) -> Any:
    """A text that is already what the parameter wants, a path or one of its words; None for anything else."""
    descriptor = getattr(parameter, "type_descriptor", None)
    if descriptor is None or not isinstance(given, str):
        return None
    kind = descriptor.annotation
    if kind in (str, Path):
        return kind(given)
    is_choice = isinstance(kind, type) and issubclass(kind, StrEnum)
    return next((word for word in kind if word == given), None) if is_choice else None
