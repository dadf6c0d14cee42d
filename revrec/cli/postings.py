"""``revrec postings``."""

from enum import StrEnum
from typing import Annotated

import typer

from revrec.cli.shared import Options, add_group, command, fail


class State(StrEnum):
    """The states of a posting that still needs something."""

    ready = "ready"
    sending = "sending"
    in_doubt = "in_doubt"
    rejected = "rejected"
    held = "held"


FOLLOW = "; each one's life: revrec trace REFERENCE"
_STATE_HELP = "Only this state: ready, sending, in_doubt, rejected or held."
COLUMNS = ("reference", "kind", "date", "state", "amount", "currency", "error_no", "error", "advice")


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = add_group(app, "postings", "Entries and invoices on their way to Intacct: failed, held or in doubt.")

    @command(group, "list", "postings")
    def list_(
        options: Options,
        state: Annotated[State | None, typer.Option("--state", metavar="STATE", help=_STATE_HELP)] = None,
    ) -> None:
        """List what is not settled, with error and advice.

        \b
        Examples:
          revrec postings list
          revrec postings list --state rejected --format csv
        """
        from revrec.cli.output import conclude, counted, print_csv, print_json, print_table
        from revrec.jobs.reports.status import status

        rows = [one for one in status(options.context())["attention"] if state in (None, one["state"])]
        if options.json:
            print_json({"postings": rows})
        elif options.csv:
            print_csv(rows, COLUMNS)
        else:
            print_table(rows, COLUMNS, spare=("error_no", "currency", "kind"))
            conclude(
                f"{counted(len(rows), 'posting is', 'postings are')} not settled{FOLLOW if rows else ''}", bool(rows)
            )

    @command(group, "resolve", "postings")
    def resolve(
        options: Options,
        reference: Annotated[str, typer.Argument(metavar="REFERENCE", help="The entry or invoice.")],
        reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why, for the auditor.")],
        as_posted: Annotated[
            str | None,
            typer.Option("--as-posted", metavar="KEY", help="It is in Intacct under this record number or DOCID."),
        ] = None,
        resend: Annotated[bool, typer.Option("--resend", help="Read Intacct once more, then send if absent.")] = False,
        cancel: Annotated[bool, typer.Option("--cancel", help="Give it up; its lines are due again.")] = False,
        early: Annotated[
            bool, typer.Option("--in-quarantine", help="Settle a doubt before its quarantine is over.")
        ] = False,
    ) -> None:
        """Settle what is held or in doubt, after a look at it in Intacct.

        The next run settles a doubt by itself when its quarantine is over. The reason stays in the audit trail.

        \b
        Examples:
          revrec postings resolve RRDWV4S7Q2K3MABC --as-posted 6680 --reason "its title was changed"
          revrec postings resolve RRDWV4S7Q2K3MABC --resend --reason "the journal was locked"
          revrec postings resolve RRDWV4S7Q2K3MABC --cancel --reason "deleted by the controller"
        """
        from revrec.cli.output import print_csv, print_json
        from revrec.jobs.posting import resolve as job

        if (as_posted is not None) + resend + cancel != 1:
            fail("postings resolve: give one of --as-posted KEY, --resend, --cancel", 2)
        context = options.context()
        if as_posted is not None:
            state = job.as_posted(context, reference, as_posted, reason, early)
        else:
            state = (job.send_again if resend else job.cancel)(context, reference, reason, early)
        settled = {"reference": reference, "state": state.lower()}
        if options.json:
            print_json(settled)
        elif options.csv:
            print_csv([settled], tuple(settled))
        else:
            print(f"{reference}: {state.lower()}")
