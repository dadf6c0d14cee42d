"""``revrec report waterfall``."""

from enum import StrEnum
from typing import Annotated

import typer

from revrec.cli.filters import CHARGE_FILTERS, LimitOption, list_command
from revrec.cli.report_output import (
    OF_CHARGES,
    AsOfOption,
    BaseOption,
    DrillOption,
    as_of,
    by_option,
    first_month,
    group_fields,
    show_report,
    words,
)
from revrec.cli.shared import Options
from revrec.core.filters import Filters


class Width(StrEnum):
    """The length of a column of months."""

    month = "month"
    quarter = "quarter"
    year = "year"


def register(group: typer.Typer) -> None:
    """Add the report."""

    @list_command(group, "waterfall", "report", filters=CHARGE_FILTERS, saves=True)
    def waterfall(
        options: Options,
        filters: Filters,
        date: AsOfOption = None,
        by: Annotated[list[str] | None, by_option(f"contract, {OF_CHARGES}", "billed")] = None,
        drill: DrillOption = None,
        first: Annotated[
            str | None,
            typer.Option("--from", metavar="MONTH", help="The first month shown; default January of the year."),
        ] = None,
        months: Annotated[int, typer.Option("--months", metavar="N", help="How many months.", min=1, max=120)] = 12,
        each: Annotated[
            Width, typer.Option("--each", metavar="month|quarter|year", help="The length of a column.")
        ] = Width.month,
        cells: Annotated[
            str | None,
            typer.Option(
                "--cells",
                metavar="KINDS",
                help="Only these amounts, with commas: actual (posted), due (not posted), planned (later).",
            ),
        ] = None,
        net: Annotated[
            bool, typer.Option("--net", help="Count a credit that names what it credits in the row of that line.")
        ] = False,
        base: BaseOption = False,
        limit: LimitOption = 0,
    ) -> None:
        """Show when revenue of each billing month is recognized.

        Each row is what was billed in one month: its total, the amount of each recognition month, what was before the
        first month and comes after the last, what waits for a date, and what is recognized and remains on the day.
        Months until the day have posted and due amounts, later ones the plan. With --cells, they have only the
        kinds that you name, and the column not_shown has the rest; JSON has all kinds. Filters select charge lines.
        Reads only. Exit code 7 means that a check fails.

        \b
        Examples:
          revrec report waterfall --date 2024-04-30
          revrec report waterfall --date 2024-04-30 --by customer,item --from 2024-04 --months 6
          revrec report waterfall --date 2024-04-30 --customer C-ADA --by charge
          revrec report waterfall --date 2024-04-30 --each quarter --cells actual --net
          revrec report waterfall --date 2024-04-30 --format csv --output waterfall.csv
        """
        from revrec.jobs.reports.waterfall import Cells
        from revrec.jobs.reports.waterfall import waterfall as report

        context, until = options.context(), as_of(date)
        begin, fields = first_month(first, until), group_fields(by, "billed")
        shown = Cells(words(cells), each.value, net, base)
        found = report(context, until, fields, begin, months, filters, shown)
        if drill:
            from revrec.jobs.reports import drill as job

            wanted, single = job.also_by_charge(fields), shown._replace(base=False)
            found = job.drill(
                context, found, drill, lambda: report(context, until, wanted, begin, months, filters, single)
            )
        show_report(options, found, limit, None)
