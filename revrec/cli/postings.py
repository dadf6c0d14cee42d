"""``revrec postings``."""

from typing import Annotated

import typer

from revrec.cli.shared import Options, command

COLUMNS = ("reference", "date", "state", "amount", "currency", "error_no", "error", "advice")


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(help="Entries on their way to Intacct: what failed, is held or in doubt.", no_args_is_help=True)
    app.add_typer(group, name="postings")

    @command(group, "list", "postings")
    def list_(
        options: Options,
        state: Annotated[str | None, typer.Option("--state", help="Only this state, for example rejected.")] = None,
    ) -> None:
        """List the entries that are not settled, with error and advice.

        \b
        revrec postings list
        revrec postings list --state rejected --format csv
        """
        from revrec.cli.output import print_csv, print_json, print_table
        from revrec.jobs.status import status

        rows = [one for one in status(options.context())["attention"] if state in (None, one["state"])]
        if options.json:
            print_json({"postings": rows})
        elif options.format == "csv":
            print_csv(rows, COLUMNS)
        else:
            print_table(rows, COLUMNS, right=("amount",))
            print(f"{len(rows)} entries are not settled; each one's life: revrec trace REFERENCE")
