"""``revrec init``."""

import os
from pathlib import Path
from typing import Annotated

import typer

from revrec.cli.shared import Options, command, in_folder, program


def register(app: typer.Typer) -> None:
    """Add the command."""

    @command(app, "init")
    def init(
        options: Options,
        folder: Annotated[Path, typer.Argument(metavar="DIR", help="The folder; created if missing.")] = Path(),
    ) -> None:
        """Create a configuration, example rules and a database.

        They work with the built-in sandbox right away. An existing configuration is never overwritten. With --database,
        the tables are created in that database, and the configuration names it.

        \b
        Examples:
          revrec init
          revrec init books
          revrec init books --database postgresql://revrec@db.example.com/revrec
        """
        from revrec.cli.output import print_csv, print_json
        from revrec.jobs.admin.init import init as make

        made = make(folder, options.database or os.environ.get("REVREC_DATABASE_URL", ""))
        if options.json:
            print_json({"made": [str(path) for path in made]})
            return
        if options.csv:
            print_csv([{"made": str(path)} for path in made], ("made",))
            return
        for path in made:
            print(f"created {path}")
        print(f"next: {in_folder(folder)}{program()} import CHARGES.csv")
