"""``revrec report``: one module for each report; every module in this folder must have ``register(group)``."""

import pkgutil
from importlib import import_module

import typer

from revrec.cli.shared import add_group


def register(app: typer.Typer) -> None:
    """Add the group with every report, in alphabetical order."""
    group = add_group(app, "report", "Show figures for the balance sheet and its notes.")
    for name in sorted(module.name for module in pkgutil.iter_modules(__path__)):
        import_module(f"{__name__}.{name}").register(group)
