"""``revrec postings``."""

from enum import StrEnum
from typing import Annotated

import typer

from revrec.cli.shared import Options, add_group, command, fail


class UnsettledState(StrEnum):
    """The states of a posting that is not settled; ``held`` is the stored name of ``needs_review``."""

    ready = "ready"
    sending = "sending"
    in_doubt = "in_doubt"
    rejected = "rejected"
    needs_review = "needs_review"
    held = "held"


FOLLOW = "; details: revrec trace REFERENCE"
_STATE_HELP = "Only this state: ready, sending, in_doubt, rejected or needs_review (stored as held)."
COLUMNS = ("reference", "kind", "date", "state", "amount", "currency", "error_no", "error", "advice")


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = add_group(app, "postings", "List and settle entries and invoices that need attention.")

    @command(group, "list", "postings")
    def list_(
        options: Options,
        state: Annotated[UnsettledState | None, typer.Option("--state", metavar="STATE", help=_STATE_HELP)] = None,
    ) -> None:
        """List what is not settled, with errors and advice.

        \b
        Examples:
          revrec postings list
          revrec postings list --state rejected --format csv
        """
        from revrec.cli.output import conclude, counted, print_csv, print_json, print_table, state_in_words
        from revrec.jobs.reports.status import status

        wanted = "held" if state is UnsettledState.needs_review else state
        rows = [one._asdict() for one in status(options.context()).attention if wanted in (None, one.state)]
        if options.json:
            print_json({"postings": rows})
        elif options.csv:
            print_csv(rows, COLUMNS)
        else:
            shown = [{**one, "state": state_in_words(one["state"])} for one in rows]
            print_table(shown, COLUMNS, spare=("error_no", "currency", "kind"))
            conclude(
                f"{counted(len(rows), 'posting is', 'postings are')} not settled{FOLLOW if rows else ''}", bool(rows)
            )

    @command(group, "resolve", "postings")
    def resolve(
        options: Options,
        reference: Annotated[str, typer.Argument(metavar="REFERENCE", help="The entry or invoice.")],
        reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="The reason, for the audit trail.")],
        as_posted: Annotated[
            str | None,
            typer.Option(
                "--as-posted", metavar="KEY", help="Record it as posted under this Intacct record number or DOCID."
            ),
        ] = None,
        resend: Annotated[
            bool, typer.Option("--resend", help="Look it up in Intacct again, then send it if it is not there.")
        ] = False,
        cancel: Annotated[bool, typer.Option("--cancel", help="Cancel it; its lines become due again.")] = False,
        early: Annotated[
            bool, typer.Option("--in-quarantine", help="Settle it even though its quarantine has not ended.")
        ] = False,
    ) -> None:
        """Settle a posting that needs review or is in doubt.

        Look it up in Intacct first. A posting in doubt is settled by the next run once its quarantine has ended. The
        reason is recorded in the audit trail.

        \b
        Examples:
          revrec postings resolve RRDWV4S7Q2K3MABC --as-posted 6680 --reason "its title was changed"
          revrec postings resolve RRDWV4S7Q2K3MABC --resend --reason "the journal was locked"
          revrec postings resolve RRDWV4S7Q2K3MABC --cancel --reason "deleted by the controller"
        """
        from revrec.cli.output import print_csv, print_json, state_in_words
        from revrec.jobs.posting import resolve as job

        if (as_posted is not None) + resend + cancel != 1:
            fail("postings resolve: use exactly one of --as-posted KEY, --resend or --cancel", 2)
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
            print(f"{reference}: {state_in_words(state.lower())}")
