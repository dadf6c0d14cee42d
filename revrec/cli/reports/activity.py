"""``revrec report activity``."""

import typer

from revrec.cli.filters import LimitOption, OutputOption
from revrec.cli.report_output import (
    DrillOption,
    Each,
    EachOption,
    FromOption,
    PeriodOption,
    ToOption,
    report_span,
    show_report,
)
from revrec.cli.shared import Options, command


def register(group: typer.Typer) -> None:
    """Add the report."""

    @command(group, "activity", "report")
    def activity(
        options: Options,
        period: PeriodOption = None,
        first: FromOption = None,
        last: ToOption = None,
        each: EachOption = Each.month,
        drill: DrillOption = None,
        limit: LimitOption = 0,
        output: OutputOption = None,
    ) -> None:
        """Show debits and credits of each account by period.

        They are of posted entries. The opening and closing balances, debits minus credits, are of revrec's entries
        alone. Reads only. Exit code 7 means that a check fails.

        \b
        Examples:
          revrec report activity --period 2024-04
          revrec report activity --from 2024-01 --to 2024-12 --each quarter --format csv
        """
        from revrec.jobs.reports.activity import activity as report
        from revrec.jobs.reports.activity import drill_activity

        context = options.context()
        found = report(context, report_span(period, first, last), each.value)
        if drill:
            found = drill_activity(context, found, drill)
        show_report(options, found, limit, output)
