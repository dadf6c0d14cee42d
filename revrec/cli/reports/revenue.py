"""``revrec report revenue``."""

import typer

from revrec.cli.filters import LimitOption, OutputOption
from revrec.cli.report_output import (
    ByOption,
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

    @command(group, "revenue", "report")
    def revenue(
        options: Options,
        period: PeriodOption = None,
        first: FromOption = None,
        last: ToOption = None,
        each: EachOption = Each.month,
        by: ByOption = "item",
        limit: LimitOption = 0,
        output: OutputOption = None,
    ) -> None:
        """Show recognized revenue by period and category.

        Revenue is what posted entries recognize, by their dates. Reads only. Exit code 7 means that a check fails.

        \b
        Examples:
          revrec report revenue --period 2024-Q1
          revrec report revenue --from 2024-01 --to 2024-12 --each quarter --by customer
        """
        from revrec.jobs.reports.revenue import revenue as report

        found = report(options.context(), report_span(period, first, last), each.value, by)
        show_report(options, found, limit, output)
