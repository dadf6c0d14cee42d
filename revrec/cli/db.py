"""``revrec db``."""

from pathlib import Path
from typing import Annotated

import typer

from revrec.cli.shared import Options, command


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(help="The database: its revision and its backups.", no_args_is_help=True)
    app.add_typer(group, name="db")

    @command(group, "upgrade", "db")
    def upgrade(options: Options) -> None:
        """Make the database, or bring it to this program's revision.

        \b
        revrec db upgrade
        """
        from revrec.cli.output import print_json
        from revrec.store.migrations import HEAD

        database = options.context().database
        changed = database.create()
        if options.json:
            print_json({"database": database.where, "revision": HEAD, "changed": changed})
        else:
            print(f"{database.where}: revision {HEAD}{'' if changed else ', nothing to do'}")

    @command(group, "status", "db")
    def status(options: Options) -> None:
        """Show the database's revision and whether this program can work with it.

        \b
        revrec db status
        """
        from revrec.cli.output import print_json
        from revrec.jobs.database import database_status

        found = database_status(options.context())
        if options.json:
            print_json(found)
        else:
            print("\n".join(f"{name:<12} {value}" for name, value in found.items()))
        if not found["current"]:
            raise typer.Exit(5)

    @command(group, "backup", "db")
    def backup(
        options: Options,
        file: Annotated[
            Path, typer.Argument(help="The new file; an existing one is not overwritten.", show_default=False)
        ],
    ) -> None:
        """Copy the database to a file, whole and consistent, while others work with it.

        \b
        revrec db backup backups/revrec-2024-03-31.db
        """
        from revrec.jobs.database import backup as copy

        size = copy(options.context(), file)
        print(f"{file}: {size} bytes, checked")
