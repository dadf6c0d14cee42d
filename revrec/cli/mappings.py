"""``revrec mappings``."""

from typing import Annotated

import typer

from revrec.cli.shared import Options, add_group, command

COLUMNS = ("name", "origin", "format", "reads", "about")


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = add_group(app, "mappings", "List and show the mappings that files can be imported with.")

    @command(group, "list", "mappings")
    def list_(options: Options) -> None:
        """List the shipped and configured mappings.

        \b
        Examples:
          revrec mappings list
          revrec mappings list --format csv
        """
        from revrec.cli.output import conclude, counted, print_csv, print_json, print_table
        from revrec.jobs.importing.list_mappings import list_mappings

        rows = [one._asdict() for one in list_mappings(options.context())]
        if options.json:
            print_json({"mappings": rows})
        elif options.csv:
            print_csv(rows, COLUMNS)
        else:
            print_table(rows, COLUMNS, spare=("reads", "origin"))
            conclude(f"{counted(len(rows), 'mapping')}; use one: revrec import --map NAME FILE", True)

    @command(group, "show", "mappings")
    def show(
        options: Options, name: Annotated[str, typer.Argument(metavar="NAME", help="The name of a mapping.")]
    ) -> None:
        """Show one mapping.

        A shipped mapping is shown as its file, a configured one as JSON, merged with those that it builds on.

        \b
        Examples:
          revrec mappings show ubl
          revrec mappings show stripe-invoices --format json
        """
        from revrec.cli.output import print_json
        from revrec.cli.shared import fail
        from revrec.cli.terminal import keep_lines_whole
        from revrec.jobs.importing.list_mappings import show_mapping

        if options.csv:
            fail("--format csv: a mapping is TOML, not a table; write --format json, or leave the option out", 2)
        found = show_mapping(options.context(), name)
        if options.json or not found.text:
            print_json({"name": found.name, "origin": found.origin, "mapping": found.table})
        else:
            keep_lines_whole()  # a broken line would not be valid TOML when it is copied
            print(found.text, end="")
