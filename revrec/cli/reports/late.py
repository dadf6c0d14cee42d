"""``revrec report late``."""

from typing import Annotated

import typer

from revrec.cli.filters import ALL, LimitOption, list_command
from revrec.cli.report_output import DrillOption, show_report
from revrec.cli.shared import Options
from revrec.core.filters import Filters


def register(group: typer.Typer) -> None:
    """Add the report."""

    @list_command(group, "late", "report", filters=ALL, saves=True)
    def late(
        options: Options,
        filters: Filters,
        by: Annotated[
            str, typer.Option("--by", metavar="change|month", help="One row for each change, or for each month.")
        ] = "change",
        drill: DrillOption = None,
        limit: LimitOption = 0,
    ) -> None:
        """List what became known after its month was closed.

        The figures of a closed month stay as they were reported. For each late change: what it is, the month that it
        belongs to, when and by whom that month was closed, when and by whom the change was recorded, its amount, and
        the date, policy and entry with which the ledger has it. --by month shows each closed month as reported, what is
        late, and what it has earned as known now. Days select the months that changes belong to. Reads only. Exit code
        7 means that a check fails.

        \b
        Examples:
          revrec report late
          revrec report late --period 2024-03 --by month
          revrec report late --customer C-CHEN --format xlsx --output late.xlsx
        """
        from revrec.jobs.reports.late import drill_late
        from revrec.jobs.reports.late import late as report

        context = options.context()
        found = report(context, filters, by)
        if drill:
            found = drill_late(context, filters, found, drill)
        show_report(options, found, limit, None)
