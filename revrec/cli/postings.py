"""``revrec postings``."""

from enum import StrEnum
from typing import Annotated

import typer

from revrec.cli.shared import Options, add_group, command


class State(StrEnum):
    """The states of an entry that still needs something."""

    ready = "ready"
    sending = "sending"
    in_doubt = "in_doubt"
    rejected = "rejected"
    held = "held"


FOLLOW = "; each one's life: revrec trace REFERENCE"
_STATE_HELP = "Only this state: ready, sending, in_doubt, rejected or held."
COLUMNS = ("reference", "date", "state", "amount", "currency", "error_no", "error", "advice")


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = add_group(app, "postings", "Entries on their way to Intacct: what failed, is held or in doubt.")

    @command(group, "list", "postings")
    def list_(
        options: Options,
        state: Annotated[State | None, typer.Option("--state", metavar="STATE", help=_STATE_HELP)] = None,
    ) -> None:
        """List the entries that are not settled, with error and advice.

        \b
        Examples:
          revrec postings list
          revrec postings list --state rejected --format csv
        """
        from revrec.cli.output import conclude, counted, print_csv, print_json, print_table
        from revrec.jobs.status import status

        rows = [one for one in status(options.context())["attention"] if state in (None, one["state"])]
        if options.json:
            print_json({"postings": rows})
        elif options.format == "csv":
            print_csv(rows, COLUMNS)
        else:
            print_table(rows, COLUMNS, spare=("error_no", "currency"))
            conclude(f"{counted(len(rows), 'entry is', 'entries are')} not settled{FOLLOW if rows else ''}", bool(rows))
