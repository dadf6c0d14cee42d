"""The command line: one file for each command, a thin layer over one use case in ``revrec.jobs``."""

import os
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from revrec import __version__
from revrec.cli import (
    alert,
    audit,
    charge,
    db,
    demo,
    docs,
    doctor,
    errors,
    event,
    explain,
    fetch,
    import_,
    import_list,
    init,
    invoice,
    periods,
    postings,
    preview,
    quarantine,
    reclassify,
    reconcile,
    reports,
    rules,
    run,
    run_list,
    sandbox,
    schedule,
    selftest,
    status,
    trace,
    trust,
    verify,
)
from revrec.cli.quick_start import QuickGroup
from revrec.cli.shared import ConfigOption, DatabaseOption, FormatOption, VerboseOption, remember

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


def _print_version(wanted: bool) -> None:
    if wanted:
        print(f"revrec {__version__}")
        raise typer.Exit


@app.callback()
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


for module in (
    init,
    demo,
    import_,
    import_list,
    invoice,
    fetch,
    event,
    charge,
    rules,
    schedule,
    preview,
    run,
    run_list,
    trace,
    explain,
    status,
    postings,
    quarantine,
    periods,
    errors,
    doctor,
    alert,
    trust,
    audit,
    verify,
    reconcile,
    reclassify,
    reports,
    selftest,
    docs,
    sandbox,
    db,
):
    register: Any = module.register
    register(app)


def main() -> None:
    """Run the ``revrec`` program. If standard output or error was closed before it started, output is discarded."""
    # A scheduler may start programs with closed streams; the first print would then fail, after the work is done.
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open("w", encoding="utf-8"))  # noqa: SIM115 - open while we run
    app(prog_name="revrec")
