"""``revrec report exceptions``."""

import typer

from revrec.cli.filters import CHARGE_FILTERS, LimitOption, list_command
from revrec.cli.report_output import AsOfOption, as_of, show_report
from revrec.cli.shared import Options
from revrec.core.filters import Filters


def register(group: typer.Typer) -> None:
    """Add the report."""

    @list_command(group, "exceptions", "report", filters=CHARGE_FILTERS, saves=True)
    def exceptions(options: Options, filters: Filters, date: AsOfOption = None, limit: LimitOption = 0) -> None:
        """List everything that a person must look at.

        Charge lines without a schedule, amounts that wait for an event, schedule lines that a closed period blocks,
        entries and invoices that are not posted, rows in quarantine, documents that were not imported, and credits
        that belong to no sale. Each has its amount, its age on the day, the reason, and the command that shows or
        fixes it. The header adds up the revenue that would be recognized if all were settled. With filters, an entry
        has the revenue of the selected charge lines, and documents that were not imported are left out. Reads only.

        \b
        Examples:
          revrec report exceptions --date 2024-03-31
          revrec report exceptions --date 2024-03-31 --customer C-ADA
          revrec report exceptions --format xlsx --output exceptions.xlsx
        """
        from revrec.jobs.reports.exceptions import exceptions as report

        show_report(options, report(options.context(), as_of(date), filters), limit, None)
