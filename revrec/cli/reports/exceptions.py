"""``revrec report exceptions``."""

import typer

from revrec.cli.filters import LimitOption, OutputOption
from revrec.cli.report_output import AsOfOption, as_of, show_report
from revrec.cli.shared import Options, command


def register(group: typer.Typer) -> None:
    """Add the report."""

    @command(group, "exceptions", "report")
    def exceptions(
        options: Options, date: AsOfOption = None, limit: LimitOption = 0, output: OutputOption = None
    ) -> None:
        """List everything that a person must look at.

        Charge lines without a schedule, amounts that wait for an event, schedule lines that a closed period blocks,
        entries and invoices that are not posted, rows in quarantine, documents that were not imported, and credits
        that belong to no sale. Each has its amount, its age on the day, the reason, and the command that shows or
        fixes it. The header adds up the revenue that would be
        recognized if all were settled. Reads only.

        \b
        Examples:
          revrec report exceptions --date 2024-03-31
          revrec report exceptions --format xlsx --output exceptions.xlsx
        """
        from revrec.jobs.reports.exceptions import exceptions as report

        show_report(options, report(options.context(), as_of(date)), limit, output)
