"""``revrec trust``."""

import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from revrec.cli.shared import Options, command, fail

if TYPE_CHECKING:
    from collections.abc import Iterable

    from revrec.jobs.trust import Destination

COLUMNS = ("file", "name", "address", "confirmed_at")


def register(app: typer.Typer) -> None:
    """Add the command."""

    @command(app, "trust")
    def trust(
        options: Options,
        file: Annotated[
            Path | None, typer.Argument(metavar="FILE", help="A configuration; default: the one used here.")
        ] = None,
        yes: Annotated[bool, typer.Option("--yes", help="Confirm without asking, for scripts.")] = False,
        list: Annotated[bool, typer.Option("--list", help="List the confirmed servers.")] = False,
        remove: Annotated[bool, typer.Option("--remove", help="Remove the file's confirmation.")] = False,
    ) -> None:
        """Confirm the servers that a configuration sends passwords to.

        Intacct's own hosts and the built-in sandbox need no confirmation. Any other server that the configuration names
        (PostgreSQL, a source, a mail server, another gateway) receives no password until you confirm it. An address
        that changes must be confirmed again.

        \b
        Examples:
          revrec trust
          revrec trust books/revrec.toml --yes
          revrec trust --list
          revrec trust books/revrec.toml --remove
        """
        if file is not None:
            options = replace(options, config=file)
        if list and remove:
            fail("use --list or --remove, not both", 2)
        if list:
            _list(options)
        elif remove:
            _remove(options)
        else:
            _confirm(options, yes)


def _confirm(options: Options, yes: bool) -> None:
    from revrec.jobs.file_owners import check_ownership
    from revrec.jobs.trust import confirm, destinations

    context = options.context()
    file, found = context.settings.file, [*destinations(context)]
    if file is None:
        fail("there is no configuration here; name one, or create one with: revrec init", 5)
    check_ownership(file)
    if found and not yes:
        _ask(file, found)
    done = confirm(context)
    rows = _rows(done.file, done.destinations, done.at) if done else []
    _show(options, rows, f"{file}: confirmed" if done else f"{file}: names no server that must be confirmed")


def _ask(file: Path, found: "Iterable[Destination]") -> None:
    """Show the servers and ask for confirmation; without a terminal ``--yes`` is required."""
    from revrec.core.harmless import harmless

    print(harmless(f"{file} sends passwords to:"), file=sys.stderr)
    for one in found:
        print(harmless(f"  {one.name:<18} {one.address}"), file=sys.stderr)
    if not sys.stdin.isatty():
        fail("nothing was confirmed; if these addresses are right, run the command again with --yes", 2)
    if not typer.confirm("Are these addresses right?", err=True):
        fail("nothing was confirmed", 2)


def _list(options: Options) -> None:
    from revrec.jobs.trust import confirmations

    rows = [row for one in confirmations() for row in _rows(one.file, one.destinations, one.at)]
    _show(options, rows, "" if rows else "nothing is confirmed")


def _remove(options: Options) -> None:
    from revrec.jobs.trust import remove

    file = options.config or Path("revrec.toml")
    removed = remove(file)
    _show(options, [], f"{file}: {'removed' if removed else 'was not confirmed'}")


def _rows(file: Path, found: "Iterable[Destination]", at: str) -> list[dict[str, Any]]:
    return [{"file": str(file), "name": one.name, "address": one.address, "confirmed_at": at} for one in found]


def _show(options: Options, rows: list[dict[str, Any]], conclusion: str) -> None:
    from revrec.cli.output import conclude, print_csv, print_json, print_table

    if options.json:
        print_json({"trusted": rows})
    elif options.csv:
        print_csv(rows, COLUMNS)
    else:
        if rows:
            print_table(rows, COLUMNS)
        if conclusion:
            conclude(conclusion, bool(rows))
