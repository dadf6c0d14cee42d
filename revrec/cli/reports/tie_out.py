"""``revrec report tie-out``."""

from typing import Annotated

import typer

from revrec.cli.filters import list_command
from revrec.cli.report_output import AsOfOption, DrillOption, as_of, show_report
from revrec.cli.shared import Options, fail

WHY = "its totals are of all charge lines, so that each step can be compared with the one before; filter another report"


def register(group: typer.Typer) -> None:
    """Add the report."""

    @list_command(group, "tie-out", "report", saves=True, refused=WHY)
    def tie_out(
        options: Options,
        date: AsOfOption = None,
        drill: DrillOption = None,
        sign: Annotated[
            str | None,
            typer.Option("--sign", metavar="TEXT", help="Sign the figures of the day, with these words as evidence."),
        ] = None,
    ) -> None:
        """Show the control totals, each compared with the step before.

        What was billed is dated or waits; what is posted is what journal lines recognize; the rollforward ends with the
        balances and recognizes what the revenue report shows. The last reconciliation with Intacct and the signatures
        are in the header. --sign records in the audit trail who signed the balances and the revenue of the day, with
        their SHA-256; nothing is signed if a check fails. A second person signs with the same command. --drill lists
        the charge lines or entries behind a figure. Exit code 7 means that a check fails.

        \b
        Examples:
          revrec report tie-out --date 2024-03-31
          revrec report tie-out --date 2024-03-31 --drill "figure=report revenue,column=amount"
          revrec report tie-out --date 2024-03-31 --sign "reviewed against the trial balance"
        """
        from revrec.jobs.reports import tie_out as job
        from revrec.jobs.reports.tie_out_drill import drill_tie_out

        if drill and sign is not None:
            fail("--sign signs all figures: leave out --drill", 2)
        context, until = options.context(), as_of(date)
        if drill:
            found = drill_tie_out(context, until, drill)
        else:
            found = job.tie_out(context, until) if sign is None else job.sign(context, until, sign)
        show_report(options, found, 0, None)
