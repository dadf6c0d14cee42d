"""``revrec report activity``."""

import typer

from revrec.cli.filters import CHARGE_FILTERS, LimitOption, list_command
from revrec.cli.report_output import (
    DrillOption,
    Each,
    EachOption,
    FromOption,
    PatternOption,
    PeriodOption,
    ToOption,
    YearEndOption,
    length_of,
    report_span,
    show_report,
)
from revrec.cli.shared import Options
from revrec.core.filters import Filters


def register(group: typer.Typer) -> None:
    """Add the report."""

    @list_command(group, "activity", "report", filters=CHARGE_FILTERS, saves=True)
    def activity(
        options: Options,
        filters: Filters,
        period: PeriodOption = None,
        first: FromOption = None,
        last: ToOption = None,
        each: EachOption = Each.month,
        year_end: YearEndOption = None,
        pattern: PatternOption = None,
        drill: DrillOption = None,
        limit: LimitOption = 0,
    ) -> None:
        """Show debits and credits of each account by period.

        They are of posted entries. The opening and closing balances, debits minus credits, are of revrec's entries
        alone. Filters select journal lines. Reads only. Exit code 7 means that a check fails.

        \b
        Examples:
          revrec report activity --period 2024-04
          revrec report activity --from 2024-01 --to 2024-12 --each quarter --format csv
          revrec report activity --period 2024-04 --customer C-ADA
        """
        from revrec.jobs.reports.activity import activity as report
        from revrec.jobs.reports.activity import drill_activity

        context = options.context()
        found = report(context, report_span(period, first, last), length_of(each, year_end, pattern), filters)
        if drill:
            found = drill_activity(context, found, drill, filters)
        show_report(options, found, limit, None)
