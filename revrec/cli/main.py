"""The command line: one file for each command, a thin layer over one use case in ``revrec.jobs``."""

import os
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Annotated

import typer

from revrec import __version__
from revrec.cli.quick_start import QuickGroup
from revrec.cli.shared import ConfigOption, DatabaseOption, FormatOption, VerboseOption, list_names_only, remember

EPILOG = """\b
Example:
  revrec demo

\b
Dates: 2024-03-28, today, yesterday, or a period: 2024-03, 2024-Q1, 2024, 'last month'.
A period means its last day where one day is wanted, and its first day after --from.

\b
Exit codes: 0 done; 1 unexpected; 2 usage; 3 bad input; 4 posting incomplete;
5 configuration or sign-in; 6 another run holds the lock; 7 a difference was found.
"""

MODULES = {
    "init": "init",
    "demo": "demo",
    "import_": "import",
    "import_list": "import",
    "mappings": "mappings",
    "invoice": "invoice",
    "fetch": "fetch",
    "fetch_list": "fetch",
    "event": "event",
    "charge": "charge",
    "contract": "contract",
    "rules": "rules",
    "schedule": "schedule",
    "preview": "preview",
    "run": "run",
    "run_list": "run",
    "trace": "trace",
    "explain": "explain",
    "status": "status",
    "postings": "postings",
    "quarantine": "quarantine",
    "periods": "periods",
    "errors": "errors",
    "doctor": "doctor",
    "alert": "alert",
    "trust": "trust",
    "audit": "audit",
    "verify": "verify",
    "reconcile": "reconcile",
    "reclassify": "reclassify",
    "reports": "report",
    "selftest": "selftest",
    "docs": "docs",
    "sandbox": "sandbox",
    "db": "db",
}
"""The modules of the commands, in the order of the help, each with the word that its commands begin with."""


def build_app(words: Sequence[str] = ()) -> typer.Typer:
    """Return the program with its commands: only those that can be meant if ``words`` begins with one, otherwise all.

    To load every command takes as long as the rest of ``revrec status``.
    """
    app = typer.Typer(
        name="revrec",
        cls=QuickGroup,
        help="Revenue recognition: charge lines in, journal entries out, every amount traceable.",
        epilog=EPILOG,
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(_globals)
    list_names_only(list(words) in (["--help"], ["-h"]))
    meant = [module for module, word in MODULES.items() if [word] == list(words[:1])]
    for module in meant or MODULES:
        import_module(f"revrec.cli.{module}").register(app)
    return app


def _print_version(wanted: bool) -> None:
    if wanted:
        print(f"revrec {__version__}")
        raise typer.Exit


def _globals(
    config: ConfigOption = None,
    database: DatabaseOption = None,
    format: FormatOption = None,
    verbose: VerboseOption = False,
    _version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    remember(config=config, database=database, format=format, verbose=verbose)


def main() -> None:
    """Run the ``revrec`` program. If standard output or error was closed before it started, output is discarded."""
    # A scheduler may start programs with closed streams; the first print would then fail, after the work is done.
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open("w", encoding="utf-8"))  # noqa: SIM115 - open while we run
    build_app(sys.argv[1:])(prog_name="revrec")
